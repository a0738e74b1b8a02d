"""Finished predictions in the layout that XTREME's `evaluate.py` reads and its leaderboard takes.

``OUT/<task>/test-<language>.<tsv|json|jsonl>``, as google-research/xtreme (838c13b6) has it in its
README and `evaluate.py`; the gold in the same form under ``OUT/labels/<task>/``, but only of tasks
in every language of the benchmark and of no sample, since `evaluate.py` stops at a task with a
language missing and looks at no task without labels::

    python evaluate.py --prediction_folder OUT --label_folder OUT/labels --output_file SCORES

Of XTREME's own files the labels were taken out, so a leaderboard has its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from xstilts.core.errors import RecipeError, UnknownNameError
from xstilts.data.read import read_examples
from xstilts.data.slices import Slice
from xstilts.graph import Step
from xstilts.phases.planned import Cell, Planned
from xstilts.phases.running import require_empty
from xstilts.phases.xtreme_files import FORMS, write_cell
from xstilts.prediction.spec import PREDICTIONS
from xstilts.scoring.spec import TAKEN
from xstilts.stats.benchmarks import XTREME, XTREME_R
from xstilts.store import Store
from xstilts.tasks import get_task


@dataclass
class Exported:
    """One model's folder.

    Attributes:
        folder: where it lies.
        arm: whose predictions these are.
        seed: of the runs; where nothing random was trained there is none.
        written: task -> languages.
        splits: task -> the split that was predicted, and for mined pairs the origin of their
            threshold; leaderboards want the released test files, and no oracle.
        missing: task -> languages of the benchmark that have no prediction here.
        sampled: task -> language -> how many examples of the split were predicted, where a recipe
            drew some of them; no leaderboard takes these.
        left_out: targets that have no form here: rankings, and tasks of no benchmark.
    """

    folder: Path
    arm: str
    seed: int
    written: dict[str, list[str]] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)
    sampled: dict[str, dict[str, int]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def export_xtreme(
    planned: Planned, store: Store, out: Path, *, arm: str | None, seed: int | None
) -> list[Exported]:
    """Write the finished predictions of a recipe.

    Args:
        planned: the recipe's plan.
        store: with its results.
        out: a folder that is empty or not there. One model is written right into it, several each
            into its own ``ARM@SEED`` (with several encoders ``ENCODER/ARM@SEED``).
        arm: one arm, or None for all.
        seed: one seed, or None for all.

    Raises:
        UnknownNameError: for an arm or a seed that the recipe does not have.
        RecipeError: when ``out`` is in use or nothing is finished.
    """
    recipe = planned.recipe
    arms = _one_of("arm", arm, list(recipe.arms))
    seeds = _one_of("seed", seed, list(recipe.seeds))
    require_empty(out)
    models = [(e, a, s) for e in planned.encoders for a in arms for s in seeds]
    found = []
    for encoder, name, number in models:
        inside = [encoder] if len(planned.encoders) > 1 else []
        inside += [f"{name}@{number}"] if len(arms) * len(seeds) > 1 else []
        cells = [
            c
            for c in planned.cells
            if c.encoder == encoder and c.arm == name and c.seed in (number, None)
        ]
        left_out = tuple(target for target in recipe.targets if target not in FORMS)
        model = Exported(out.joinpath(*inside), name, number, left_out=left_out)
        _export(model, cells, store)
        found.append(model)
    if not any(model.written for model in found):
        raise RecipeError(
            f"{recipe.recipe} has no finished prediction that XTREME's evaluation reads",
            where=str(store.root),
            expected=f"results of {', '.join(FORMS)}",
            do="run it first: xstilts run RECIPE, with the same --set and --store",
        )
    return found


def _one_of(kind: str, wanted: Any, known: list[Any]) -> list[Any]:
    if wanted is None:
        return known
    if wanted not in known:
        names = [str(name) for name in known]
        raise UnknownNameError(
            kind, str(wanted), names, where=f"--{kind}", do=f"choose a {kind} of the recipe"
        )
    return [wanted]


def _export(model: Exported, cells: Iterable[Cell], store: Store) -> None:
    by_task: dict[str, dict[str, Cell]] = {}
    for cell in cells:
        step = _said_by(cell)
        if cell.target in FORMS and store.record(step.address, step.key) is not None:
            by_task.setdefault(cell.target, {})[cell.language] = cell
    for task, found in by_task.items():
        benchmark = XTREME if task in XTREME.languages else XTREME_R
        wanted = benchmark.languages[task]
        model.written[task] = sorted(found)
        model.splits[task] = " and ".join(sorted({_split(c, store) for c in found.values()}))
        absent = [language for language in wanted if language not in found]
        if absent:
            model.missing[task] = absent
        cut = {x: n for x, cell in sorted(found.items()) if (n := _drawn(cell, store)) is not None}
        if cut:
            model.sampled[task] = cut
        whole = not (absent or cut)
        for language, cell in found.items():
            examples, said = _read(cell, store)
            write_cell(model.folder, task, language, examples, said, labels=whole)


def _said_by(cell: Cell) -> Step:
    """The step that holds what is exported: of mined pairs, those above the score's threshold."""
    mined = get_task(cell.target).kind == "mining"
    return cell.score if mined else cell.score.inputs["predictions"]


def _split(cell: Cell, store: Store) -> str:
    if get_task(cell.target).kind != "mining":
        return cell.split
    value = store.open(cell.score.address, cell.score.key, cell.score.identity).value
    return f"{cell.split}, {value['threshold']}"


def _drawn(cell: Cell, store: Store) -> int | None:
    """How many examples were predicted of a split that was drawn from; None of a whole one.

    A split that had no more examples than asked is whole; one that gave some away is not.
    """
    step = cell.score.inputs["examples"]
    assert isinstance(step.config, Slice), "examples are read as a slice says"
    asked = step.config.sample or step.config.at_most
    if asked is None and not step.config.apart:
        return None
    n: int = store.open(step.address, step.key, step.identity).value["n"]
    if step.config.apart:
        return n
    whole = get_task(cell.target).sizes.of(step.config.split, cell.language)
    return n if n == asked != whole else None


def _read(cell: Cell, store: Store) -> tuple[list[Any], list[Any]]:
    step, examples = _said_by(cell), cell.score.inputs["examples"]
    folder = store.open(step.address, step.key, step.identity).folder
    read = store.open(examples.address, examples.key, examples.identity).folder
    kind = get_task(cell.target).kind
    return read_examples(read, kind), (_pairs_of if kind == "mining" else _predictions_of)(folder)


def _predictions_of(folder: Path) -> list[Any]:
    table = pq.read_table(folder / PREDICTIONS, columns=["prediction"])
    return list(table["prediction"].to_pylist())


def _pairs_of(folder: Path) -> list[Any]:
    taken = pq.read_table(folder / TAKEN).to_pydict()
    return list(zip(taken["source"], taken["target"], strict=True))
