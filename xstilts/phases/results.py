"""From finished steps to the contract's two tables."""

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.core.errors import CorruptResultError
from xstilts.graph.plan import unsound
from xstilts.phases.forms import OWN, SOURCE
from xstilts.phases.planned import Planned
from xstilts.phases.recipe import Recipe
from xstilts.phases.slices import is_trained
from xstilts.phases.stage_use import StageUse
from xstilts.store import Store
from xstilts.tasks import get_task
from xstilts.train.spec import Mix

if TYPE_CHECKING:
    import pandas as pd

    from xstilts.stats.items import Counts

COLUMNS = (
    "recipe", "encoder", "arm", "source", "target", "language", "split", "metric", "value", "n",
    "seed", "floor", "protocol", "step",
)  # fmt: skip
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


def counts(planned: Planned, store: Store, encoder: str) -> "Counts":
    """Numerators and denominators by item group of an encoder's finished scores that count.

    Those of each target's main metric, every byte checked; a damaged result has none.
    """
    from xstilts.scoring.counts import read_counts
    from xstilts.stats.items import Counts

    found = {}
    for cell in planned.cells:
        step = cell.score
        if cell.encoder == encoder and store.sound(step.address, step.key, step.identity):
            with contextlib.suppress(CorruptResultError):
                place = store.open(step.address, step.key, step.identity).folder
                run = (cell.arm, cell.target, cell.language, cell.seed)
                found[run] = read_counts(place, get_task(cell.target).metric)
    return Counts(found)


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

    ``tasks``: trainings after ``>``, tasks of one mixture after ``+``. What two stages or mixtures
    of one arm have differently (``mix_cap``, ``frozen`` …) is empty. ``expected`` and ``realised``:
    examples of each task that the law wants and that were drawn, in the mean over the finished
    seeds. ``language`` and ``translated`` are those of the trainings before the target: ``unknown``
    of a checkpoint, ``text`` where there are no tasks, and then ``mlm_languages`` says which;
    of the target stage are ``target_language``, ``target_translated``, a few-shot stage's ``k``,
    ``draw`` and what it comes ``after``, the arm whose updates make it ``longer``, and their
    number in the mean over targets and finished seeds. ``frozen``, ``carried`` and ``reinit_top``
    count blocks; ``carried_blocks`` says which. ``merged`` has other arms and their weights, whose
    trainings count among the arm's ``examples``.
    """
    import pandas as pd

    recipe = planned.recipe
    rows = []
    for arm in recipe.arms:
        stages = recipe.before(arm)
        trained, merged = recipe.trained(arm), recipe.merged(arm)
        found = [_values(planned, store, name) for name in trained]
        others = [name for other in merged for name in recipe.trained(other)]
        every = found + [_values(planned, store, name) for name in others]
        known = all(every) and not _checkpoint(stages)
        mixes = [stage.mix or Mix() for stage in stages if stage.mix or len(stage.tasks) > 1]
        told = _trainings(stages)
        rows.append(
            {
                "arm": arm,
                "kind": _kind(recipe, arm),
                "baseline": arm == recipe.analysis.gain.baseline,
                "stages": len(stages),
                "tasks": " > ".join(" + ".join(sorted(s.tasks)) or _other(s) for s in told),
                "language": " > ".join(_language(stage) for stage in told),
                "translated": " > ".join(str(s.translated) for s in told if s.translated),
                "examples": sum(v[0]["examples"] for v in every) if known else None,
                "mix_law": " > ".join(mix.law for mix in mixes),
                **{f"mix_{key}": _only(getattr(m, key) for m in mixes) for key in _NUMBERS},
                **{key: _counts(found, key) for key in ("expected", "realised")},
                "checkpoint": _checkpoint(stages),
                "lineage": "unknown" if _checkpoint(stages) else "known",
                "merged": ", ".join(f"{n} {w:g}" for n, w in sorted(merged.items())),
                **_on_text(list(trained.values()), found),
                **_on_target(planned, store, arm),
                **_on_layers(recipe.arms[arm]),
                "carried_blocks": _carried(_values(planned, store, f"{n}.carry") for n in trained),
                "seeds": len(recipe.seeds),
            }
        )
    mix, few = ("examples", "mix_cap", "mix_examples", "mlm_rows"), ("k", "draw")
    layers = ("frozen", "reinit_top", "carried", "carried_draw", "lora_rank")
    numbers = ("mix_temperature", "further_updates", "mlm_share", "lora_scale")
    kinds = dict.fromkeys((*mix, *few, *layers), "Int64") | dict.fromkeys(numbers, "Float64")
    return pd.DataFrame(rows).astype({**kinds, "carried_embeddings": "boolean"})


def _trainings(stages: Sequence[StageUse]) -> list[StageUse]:
    """The stages that train, here or elsewhere."""
    return [stage for stage in stages if stage.trains or stage.checkpoint]


def _other(stage: StageUse) -> str:
    """What a stage without tasks is called among tasks."""
    return "unknown" if stage.checkpoint else "mlm"


def _language(stage: StageUse) -> str:
    """The language of what a stage is trained on."""
    if stage.tasks:
        return stage.language or SOURCE
    return "unknown" if stage.checkpoint else "text"


def _kind(recipe: Recipe, arm: str) -> str:
    """What an arm is: by its stages before the target, else by what it says of the target."""
    before, said = recipe.before(arm), recipe.on_target(arm)
    stages = _trainings(before)
    if recipe.merged(arm):
        return "chain" if stages else "merge"
    if len(stages) > 1:
        return "chain"
    if stages and not stages[0].tasks:
        return "checkpoint" if stages[0].checkpoint else "mlm"
    if stages:
        return "mixture" if len(stages[0].tasks) > 1 else "task"
    if said and said.few_shot:
        return "few-shot"
    if said and said.longer:
        return "longer"
    if said and said.language:
        return "translate-train" if said.translated else "in-language"
    return "layers" if before or said else "none"


def _checkpoint(stages: Sequence[StageUse]) -> str:
    """Where the model lies that was trained elsewhere; empty without one."""
    said = stages[0].checkpoint if stages else None
    if said is None:
        return ""
    return said.path or f"{said.hub}@{said.revision}"


def _on_text(stages: Sequence[StageUse], found: Sequence[list[dict[str, Any]]]) -> dict[str, Any]:
    """The text that an arm reads: its share of the updates, and what finished stages say of it.

    ``mlm_rows`` are read, with those of later passes; ``examples`` of text alone are there.
    """
    read = [(stage.mlm, values) for stage, values in zip(stages, found, strict=True) if stage.mlm]
    told = [value["text"] for _, values in read for value in values[:1]]
    return {
        "mlm_share": _only(said.share or 1.0 for said, _ in read),
        "mlm_languages": " > ".join(" ".join(sorted(text["languages"])) for text in told),
        "mlm_rows": sum(sum(of["rows"] for of in text["languages"].values()) for text in told)
        if told
        else None,
        "mlm_head": " > ".join(text["head"] for text in told),
    }


def _on_target(planned: Planned, store: Store, arm: str) -> dict[str, Any]:
    """What an arm says of its target stage, a setting a column."""
    said = planned.recipe.on_target(arm)
    few, values = said and said.few_shot, []
    for target in planned.recipe.targets if said and said.longer else ():
        values += _values(planned, store, f"{arm}/{target}")
    further = [value["further_updates"] for value in values]
    return {
        "target_language": OWN
        if few and few.after == "arm"
        else (said and said.language) or SOURCE,
        "target_translated": str((said and said.translated) or ""),
        "k": few.k if few else None,
        "draw": few.draw if few else None,
        "after": few.after if few else "",
        "longer": (said and said.longer) or "",
        "further_updates": sum(further) / len(further) if further else None,
    }


def _on_layers(stages: Sequence[StageUse]) -> dict[str, Any]:
    """What an arm says of layers, in its own training and the target's."""
    frozen = [stage.freeze for stage in stages if stage.freeze]
    carried = [stage.carry for stage in stages if stage.carry]
    lora = [stage for stage in stages if stage.lora]
    return {
        "frozen": _only(freeze.blocks for freeze in frozen),
        "frozen_during": " > ".join(freeze.during for freeze in frozen),
        "reinit_top": _only(stage.reinit_top for stage in stages if stage.reinit_top),
        "layer_mix": " > ".join(stage.layer_mix.during for stage in stages if stage.layer_mix),
        "carried": _only(carry.blocks for carry in carried),
        "carried_which": " > ".join(carry.which for carry in carried),
        "carried_draw": _only(carry.draw for carry in carried if carry.which == "random"),
        "carried_embeddings": _only(carry.embeddings for carry in carried),
        "lora_rank": _only(stage.lora.rank for stage in lora if stage.lora),
        "lora_scale": _only(stage.lora.scale for stage in lora if stage.lora),
        "lora_during": " > ".join("target" if s.of_target else "intermediate" for s in lora),
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
        for arm in planned.recipe.arms:
            behind = [arm, *planned.recipe.merged(arm)]
            stages = [stage for name in behind for stage in planned.recipe.arms[name]]
            seen = [planned.trainings[task].train for stage in stages for task in stage.tasks]
            if any(set(other.digests) & set(data.digests) for other in seen):
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
