"""What a study judges: finished results of one encoder as plain values and data frames."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from xstilts.stats.items import Counts


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """Results, and what is known of arms, tasks and languages.

    A study reads settings from columns, never from names of arms.

    Attributes:
        baseline: the arm every other arm is compared with.
        arms: one row an arm, see :func:`xstilts.phases.results.arm_rows`.
        stages: one row a trained stage, see :func:`xstilts.phases.results.stage_rows`.
        rows: the result rows that count, of one encoder.
        cells: what :func:`xstilts.stats.gains.cells` makes of them and of ``counts``.
        main_metrics: target -> the metric it is judged by.
        kinds: task -> its example kind, of all tasks of the recipe.
        same_data: (arm, target) pairs with common training data.
        languages: one row a language: ``language``, ``tokens`` it had in pretraining (0: unseen,
            None: nobody knows) and ``distance`` from English (0-1; None: unknown).
        probes: one row a measurement that is not a score: ``measure``, ``price`` (data, encoder,
            stage), ``intermediate``, ``target``, ``arm``, ``layer``, ``language``, ``seed``,
            ``value``; what does not apply is None.
        counts: of the test items of every run, see :func:`xstilts.phases.results.counts`; None
            where there are none, and then tests speak of other seeds alone. For a test of any mean
            of cells: :func:`xstilts.stats.mean_gains.mean_test`.
        english: the source language.
        knobs: task -> knob -> its value, of the tasks that come in variants.
        bases: task -> the task that it is a variant of, of the same tasks.
    """

    baseline: str
    arms: "pd.DataFrame"
    stages: "pd.DataFrame"
    rows: "pd.DataFrame"
    cells: "pd.DataFrame"
    main_metrics: Mapping[str, str]
    kinds: Mapping[str, str]
    same_data: Set[tuple[str, str]]
    languages: "pd.DataFrame"
    probes: "pd.DataFrame"
    counts: "Counts | None" = None
    english: str = "en"
    knobs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    bases: Mapping[str, str] = field(default_factory=dict)
