"""What a report is made from: plain values and data frames, nothing that reads a store."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from xstilts.phases.cuts import Cut
    from xstilts.stats.items import Counts
    from xstilts.studies.finding import Finding


@dataclass(frozen=True, kw_only=True, eq=False)
class ReportInput:
    """One recipe's question, results and history.

    Attributes:
        recipe: its name.
        question: what it asks.
        expectation: what was expected before it ran.
        encoder: the encoder's label (hub id and revision, or folder).
        trained_on: in words, what the encoder had been trained on before this recipe.
        pretraining_languages: its pretraining languages; ``None`` if nobody knows.
        baseline: the arm every other arm is compared with.
        main_metrics: target -> the metric it is judged by, in the order to show.
        rows: result rows of one encoder, source, split and protocol a cell (values 0-100, ``seed``
            empty where nothing random was trained).
        arms: one row an arm, in the order to show: arm, kind, stages, tasks, examples, …
        same_data: (arm, target) pairs whose intermediate data is the target's training data.
        stages: one row a training stage: name, step, task, parent, examples, updates, seconds,
            tokens_per_second, precision, threads, verdict, dev_metric, dev_score; of a mixture
            also realised and expected, the examples drawn of each task, in words.
        won_lost: one row an arm x target x language x seed: won, lost, both_right, both_wrong
            (numbers of examples, against the baseline) and examples (short strings).
        missing: what the recipe asks for and the results lack, one sentence each.
        leaks: what the leak check found, one sentence each; empty if it found nothing.
        cuts: slices with inputs that lost their end; empty if all were read whole.
        sweeps: one row an arm x target x language x seed x block chosen, where a target's layers
            were swept: see :func:`xstilts.phases.results.sweep_rows`.
        others: the recipe's other encoders, each with the file of its own report beside this one.
        provenance: date, machine and versions.
        counts: of the test items of every run, for tests that speak of other test items; without,
            they speak of other seeds alone.
        english: the language the zero-shot means and the gap are taken against.
        published: whether the targets are those of benchmarks, not of the laboratory.
        finding: what the recipe's study says; None for a recipe without one.
        claims: one row a claim; None for a recipe without a study: id, statement, source,
            source_verdict, source_confidence, published, verdict, scope, effect, low, high, cells,
            note.
        references: where the tasks come from, one line each.
        data: one row a slice that was read: task, split, language, digests (SHA-256 of its files).
    """

    recipe: str
    question: str
    expectation: str
    encoder: str
    trained_on: str
    pretraining_languages: Set[str] | None
    baseline: str
    main_metrics: Mapping[str, str]
    rows: "pd.DataFrame"
    arms: "pd.DataFrame"
    same_data: Set[tuple[str, str]]
    stages: "pd.DataFrame"
    won_lost: "pd.DataFrame"
    missing: Sequence[str]
    leaks: Sequence[str]
    provenance: Mapping[str, str]
    counts: "Counts | None" = None
    cuts: "Sequence[Cut]" = ()
    sweeps: Sequence[Mapping[str, Any]] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    english: str = "en"
    published: bool = True
    finding: "Finding | None" = None
    claims: "pd.DataFrame | None" = None
    references: Sequence[str] = ()
    data: Sequence[Mapping[str, Any]] = ()
