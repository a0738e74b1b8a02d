"""From finished steps to the contract's two tables."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.graph.plan import unsound
from xstilts.phases.planning import Planned
from xstilts.phases.slices import is_trained
from xstilts.store import Store
from xstilts.tasks import get_task

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "recipe",
    "encoder",
    "arm",
    "source",
    "target",
    "language",
    "split",
    "metric",
    "value",
    "n",
    "seed",
    "floor",
    "protocol",
    "step",
)


def result_rows(planned: Planned, store: Store) -> "pd.DataFrame":
    """One row a cell and metric; a cell that is missing is a missing row."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for cell in planned.cells:
        record = store.sound(cell.score.address, cell.score.key, cell.score.identity)
        if record is None:
            continue
        value = record["value"]
        for metric, score in value["scores"].items():
            rows.append(
                {
                    "recipe": planned.recipe.recipe,
                    "encoder": cell.encoder,
                    "arm": cell.arm,
                    "source": cell.source,
                    "target": cell.target,
                    "language": cell.language,
                    "split": cell.split,
                    "metric": metric,
                    "value": score,
                    "n": value["n"],
                    "seed": cell.seed,
                    "floor": value["floors"][metric],
                    "protocol": value["protocol"],
                    "step": f"{cell.score.address}@{cell.score.key}",
                }
            )
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"seed": "Int64", "n": "int64"})


def arm_rows(planned: Planned, store: Store) -> "pd.DataFrame":
    """One row an arm: analyses read these columns, never the arm's name."""
    import pandas as pd

    recipe = planned.recipe
    rows = []
    for arm, stages in recipe.arms.items():
        tasks = [stage.train for stage in stages]
        sizes = [_examples(planned, store, arm, task) for task in tasks]
        known = [s for s in sizes if s is not None]
        rows.append(
            {
                "arm": arm,
                "kind": "none" if not tasks else "task" if len(tasks) == 1 else "chain",
                "baseline": arm == recipe.analysis.gain.baseline,
                "stages": len(tasks),
                "tasks": " > ".join(tasks),
                "examples": sum(known) if len(known) == len(tasks) else None,
                "seeds": len(recipe.seeds),
            }
        )
    return pd.DataFrame(rows).astype({"examples": "Int64"})


def _examples(planned: Planned, store: Store, arm: str, task: str) -> int | None:
    for name, step in planned.models.items():
        if name.partition("@")[0].rpartition(":")[2] == f"{arm}/{task}":
            record = store.sound(step.address, step.key)
            return int(record["value"]["examples"]) if record else None
    return None


def stage_rows(planned: Planned, store: Store) -> "pd.DataFrame":
    """One row a trained stage: lineage, cost, verdict."""
    import pandas as pd

    rows = []
    for name, step in planned.models.items():
        record = store.sound(step.address, step.key)
        if record is None:
            continue
        value, made = record["value"], record["made"]
        parent = step.inputs.get("start")
        rows.append(
            {
                "name": name,
                "step": f"{step.address}@{step.key}",
                "task": value["lineage"][-1]["task"],
                "parent": f"{parent.address}@{parent.key}" if parent else "encoder",
                "examples": value["examples"],
                "updates": value["updates"],
                "selected": value["selected_update"],
                "seconds": value["seconds"],
                "tokens_per_second": value["tokens_per_second"],
                "precision": value["precision"],
                "threads": made["runtime"]["threads"],
                "verdict": value["verdict"],
                "dev_metric": value["dev_metric"],
                "dev_score": value["dev_score"],
            }
        )
    return pd.DataFrame(rows)


def same_data(planned: Planned) -> set[tuple[str, str]]:
    """Cells whose target is trained on what an intermediate stage was trained on, too."""
    found = set()
    for target in planned.recipe.targets:
        if not is_trained(planned.recipe, target):
            continue
        data = planned.trainings[target].train
        for arm, stages in planned.recipe.arms.items():
            if any(
                set(planned.trainings[s.train].train.digests) & set(data.digests) for s in stages
            ):
                found.add((arm, target))
    return found


def main_metrics(planned: Planned) -> Mapping[str, str]:
    """The metric by which each target is judged."""
    return {target: get_task(target).metric for target in planned.recipe.targets}


def missing_lines(planned: Planned, store: Store) -> list[str]:
    """What a reader might look for and not find, one sentence each."""
    lines = [
        f"{target}: no gold here for {', '.join(languages)}"
        for target, languages in planned.silent.items()
        if languages
    ]
    absent: dict[tuple[str, str, int | None], list[str]] = {}
    for cell in planned.cells:
        if store.sound(cell.score.address, cell.score.key) is None:
            absent.setdefault((cell.arm, cell.target, cell.seed), []).append(cell.language)
    for (arm, target, seed), languages in absent.items():
        lines.append(f"{arm} → {target}, seed {seed}: not finished for {', '.join(languages)}")
    for step, _ in unsound(planned.plan.goals, store):
        lines.append(
            f"{planned.plan.name(step)}: damaged in the store; the next run builds it anew"
        )
    return lines


def publish(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put result files into ``folder`` so that no reader sees half of one."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        scratch = folder / f".{name}.{os.getpid()}"
        scratch.write_bytes(data)
        scratch.replace(folder / name)
