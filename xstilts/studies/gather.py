"""From a run's results to what a study judges."""

import re
from typing import TYPE_CHECKING

from xstilts.phases import results
from xstilts.phases.probing import probe_rows
from xstilts.phases.running import Results
from xstilts.stats import gains
from xstilts.store import Store
from xstilts.studies.evidence import Evidence
from xstilts.studies.languages import language_rows
from xstilts.tasks import get_task

if TYPE_CHECKING:
    import pandas as pd

    from xstilts.phases.planned import Planned

_STAGE = re.compile(r"(?P<arm>[^/@]+)/(?P<stage>.+)@(?P<seed>\d+)")


def evidence(found: Results, store: Store, encoder: str) -> Evidence:
    """What a study judges of one encoder, named by its label."""
    planned = found.planned
    recipe = planned.recipe
    rows = found.counted
    rows = rows[rows["encoder"] == encoder]
    metrics, same = results.main_metrics(planned), results.same_data(planned)
    baseline = recipe.analysis.gain.baseline
    counts = results.counts(planned, store, encoder)
    tasks = [get_task(name) for name in _tasks(planned)]
    varied = {name for task in tasks if task.variant_of for name in (task.name, task.variant_of)}
    return Evidence(
        baseline=baseline,
        arms=found.arms,
        stages=_stages(planned, store, encoder),
        rows=rows,
        cells=gains.cells(rows, metrics, baseline, same, counts=counts),
        main_metrics=metrics,
        kinds={task.name: task.kind for task in tasks},
        same_data=same,
        languages=language_rows(rows["language"], planned.encoders[encoder], store),
        probes=probe_rows(planned, store, encoder),
        counts=counts,
        knobs={task.name: task.knobs for task in tasks if task.name in varied},
        bases={task.name: task.variant_of for task in tasks if task.variant_of},
    )


def _tasks(planned: "Planned") -> list[str]:
    """Every task that is trained on or reported."""
    return list(dict.fromkeys([*planned.trainings, *planned.recipe.targets]))


def _stages(planned: "Planned", store: Store, encoder: str) -> "pd.DataFrame":
    """The stage rows of one encoder, with the parts of their names as columns.

    These are ``arm``, ``stage`` (a target, or what :func:`xstilts.phases.recipe.stage_names` calls
    a stage before it) and ``seed``; an encoder that is made here belongs to no arm.
    """
    import pandas as pd

    stages = results.stage_rows(planned, store)
    if stages.empty:
        return stages
    prefix = f"{encoder}:" if len(planned.encoders) > 1 else ""
    mine = stages[stages["name"].str.startswith(prefix)]
    parts = mine["name"].str.removeprefix(prefix).str.extract(_STAGE)
    whole = pd.to_numeric(parts["seed"]).astype("Int64")
    return mine.assign(arm=parts["arm"], stage=parts["stage"], seed=whole)
