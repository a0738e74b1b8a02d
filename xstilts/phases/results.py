"""From finished steps to the contract's two tables."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.graph.plan import unsound
from xstilts.phases.planning import Planned
from xstilts.phases.recipe import StageUse, stage_names
from xstilts.phases.slices import is_trained
from xstilts.store import Store
from xstilts.tasks import get_task
from xstilts.train.spec import Mix

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


_NUMBERS = ("cap", "temperature", "examples")  # of a mixture


def result_rows(planned: Planned, store: Store) -> "pd.DataFrame":
    """One row a cell and metric; a cell that is missing is a missing row."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for cell in planned.scored:
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


def counted(planned: Planned, rows: "pd.DataFrame") -> "pd.DataFrame":
    """The rows that means, gains and answers rest on: of a sweep those of the fixed block."""
    steps = {f"{cell.score.address}@{cell.score.key}" for cell in planned.cells}
    return rows[rows["step"].isin(steps)]


def sweep_rows(planned: Planned, store: Store, encoder: str) -> list[dict[str, Any]]:
    """One row a finished score of an encoder's sweeps, by the main metric, 0-100.

    Each with arm, target, language, seed, what has ``chosen`` the ``block``, its ``value``, the
    aligned ``text``, and for the fixed block the ``curve``: the value at every block from 0 on.
    """
    rows = []
    for cell in planned.scored:
        sweep, record = planned.recipe.use(cell.target).sweep, None
        if sweep and cell.encoder == encoder:
            record = store.sound(cell.score.address, cell.score.key, cell.score.identity)
        if sweep and record:
            metric, value = get_task(cell.target).metric, record["value"]
            names = ("arm", "target", "language", "seed", "chosen")
            row = {name: getattr(cell, name) for name in names}
            row |= {"text": sweep.aligned, "block": value["block"]}
            row |= {"value": value["scores"][metric]}
            rows.append(row | {"curve": [at[metric] for at in value.get("blocks", ())]})
    return rows


def arm_rows(planned: Planned, store: Store) -> "pd.DataFrame":
    """One row an arm: analyses read these columns, never the arm's name.

    ``tasks``: stages after ``>``, tasks of one mixture after ``+``. What two stages or mixtures of
    one arm have differently (``mix_cap``, ``frozen`` …) is empty. ``expected`` and ``realised``:
    examples of each task that the law wants and that were drawn, in the mean over the finished
    seeds. ``frozen``, ``carried`` and ``reinit_top`` count blocks; ``carried_blocks`` says which.
    """
    import pandas as pd

    recipe = planned.recipe
    rows = []
    for arm, stages in recipe.arms.items():
        names = [f"{arm}/{name}" for name in stage_names(stages, recipe.targets)]
        trained = [(n, stage) for n, stage in zip(names, stages, strict=True) if stage.tasks]
        found = [_values(planned, store, name) for name, _ in trained]
        mixes = [stage.mix or Mix() for _, stage in trained if len(stage.tasks) > 1]
        rows.append(
            {
                "arm": arm,
                "kind": _kind(stages),
                "baseline": arm == recipe.analysis.gain.baseline,
                "stages": len(stages),
                "tasks": " > ".join(" + ".join(sorted(stage.tasks)) for _, stage in trained),
                "examples": sum(v[0]["examples"] for v in found) if all(found) else None,
                "mix_law": " > ".join(mix.law for mix in mixes),
                **{f"mix_{key}": _only(getattr(m, key) for m in mixes) for key in _NUMBERS},
                **{key: _counts(found, key) for key in ("expected", "realised")},
                **_layer_columns(stages),
                "carried_blocks": _carried(
                    _values(planned, store, f"{name}.carry") for name, _ in trained
                ),
                "seeds": len(recipe.seeds),
            }
        )
    whole = ("examples", "mix_cap", "mix_examples", "frozen", "carried", "carried_draw")
    kinds = dict.fromkeys((*whole, "reinit_top"), "Int64") | {"mix_temperature": "Float64"}
    return pd.DataFrame(rows).astype({**kinds, "carried_embeddings": "boolean"})


def _kind(stages: Sequence[StageUse]) -> str:
    trained = [stage for stage in stages if stage.tasks]
    if not trained:
        return "layers" if stages else "none"
    if len(trained) > 1:
        return "chain"
    return "mixture" if len(trained[0].tasks) > 1 else "task"


def _layer_columns(stages: Sequence[StageUse]) -> dict[str, Any]:
    """What an arm says of layers, in its own training and the target's."""
    frozen = [stage.freeze for stage in stages if stage.freeze]
    carried = [stage.carry for stage in stages if stage.carry]
    return {
        "frozen": _only(freeze.blocks for freeze in frozen),
        "frozen_during": " > ".join(freeze.during for freeze in frozen),
        "reinit_top": _only(stage.reinit_top for stage in stages if stage.reinit_top),
        "layer_mix": " > ".join(stage.layer_mix.during for stage in stages if stage.layer_mix),
        "carried": _only(carry.blocks for carry in carried),
        "carried_which": " > ".join(carry.which for carry in carried),
        "carried_draw": _only(carry.draw for carry in carried if carry.which == "random"),
        "carried_embeddings": _only(carry.embeddings for carry in carried),
    }


def _carried(stages: Iterable[list[dict[str, Any]]]) -> str:
    """The blocks that stages carried; encoders of other depths may differ in them."""
    told = [{" ".join(map(str, value["carried"])) for value in values} for values in stages]
    return " > ".join(" or ".join(sorted(sets)) for sets in told if sets)


def _values(planned: Planned, store: Store, name: str) -> list[dict[str, Any]]:
    """Records of what an arm calls ``name``, finished for some seeds."""
    steps = [
        step
        for label, step in planned.plan.steps.items()
        if label.partition("@")[0].rpartition(":")[2] == name
    ]
    records = [store.sound(step.address, step.key) for step in steps]
    return [record["value"] for record in records if record]


def _only(values: Iterable[Any]) -> Any:
    """The value that all have; None if they differ or there is none."""
    found = set(values)
    return found.pop() if len(found) == 1 else None


def _counts(stages: Iterable[list[dict[str, Any]]], key: str) -> str:
    """Examples of each task of an arm's mixtures, mean over seeds, in words."""
    told = []
    for values in stages:
        parts = [value["parts"] for value in values if "parts" in value]
        if parts:
            means = {t: sum(p[t][key] for p in parts) / len(parts) for t in parts[0]}
            told.append(", ".join(f"{task} {mean:.0f}" for task, mean in means.items()))
    return " > ".join(told)


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
                **{key: _counts([[value]], key) for key in ("expected", "realised")},
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
            tasks = [task for stage in stages for task in stage.tasks]
            if any(set(planned.trainings[t].train.digests) & set(data.digests) for t in tasks):
                found.add((arm, target))
    return found


def main_metrics(planned: Planned) -> Mapping[str, str]:
    """The metric by which each target is judged."""
    return {target: get_task(target).metric for target in planned.recipe.targets}


def silent_lines(planned: Planned) -> list[str]:
    """Targets with languages that have no gold in the data folders, one sentence each."""
    return [
        f"{target}: no gold here for {', '.join(languages)}"
        for target, languages in planned.silent.items()
        if languages
    ]


def missing_lines(planned: Planned, store: Store) -> list[str]:
    """What a reader might look for and not find, one sentence each."""
    lines = silent_lines(planned)
    absent: dict[tuple[str, str, int | None], list[str]] = {}
    for cell in planned.scored:
        if store.sound(cell.score.address, cell.score.key) is None:
            target = cell.target + ("" if cell.chosen == "fixed" else f" ({cell.chosen} block)")
            absent.setdefault((cell.arm, target, cell.seed), []).append(cell.language)
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
