"""Finished predictions in the layout that XTREME's `evaluate.py` reads and its leaderboard takes.

``OUT/<task>/test-<language>.<tsv|json|jsonl>``, as google-research/xtreme (838c13b6) has it in its
README and `evaluate.py`; the gold in the same form under ``OUT/labels/<task>/``, but only of tasks
in every language of the benchmark, since `evaluate.py` stops at a task with a language missing and
looks at no task without labels::

    python evaluate.py --prediction_folder OUT --label_folder OUT/labels --output_file SCORES

Of XTREME's own files the labels were taken out, so a leaderboard has its own.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow.parquet as pq

from xstilts.core.errors import RecipeError, UnknownNameError
from xstilts.data.read import read_examples
from xstilts.phases.planning import Cell, Planned
from xstilts.phases.running import require_empty
from xstilts.prediction.spec import PREDICTIONS
from xstilts.stats.benchmarks import XTREME, XTREME_R
from xstilts.store import Store
from xstilts.tasks import get_task

Write: TypeAlias = Callable[[Sequence[Any], Sequence[Any]], str]


@dataclass
class Exported:
    """One model's folder.

    Attributes:
        folder: where it lies.
        arm: whose predictions these are.
        seed: of the runs; where nothing random was trained there is none.
        written: task -> languages.
        splits: task -> the split that was predicted; leaderboards want the released test files.
        missing: task -> languages of the benchmark that have no prediction here.
        left_out: targets that have no form here: mined pairs, rankings, and tasks of no benchmark.
    """

    folder: Path
    arm: str
    seed: int
    written: dict[str, list[str]] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)
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
            do=f"xstilts run {recipe.recipe}",
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
        step = cell.score.inputs["predictions"]
        if cell.target in FORMS and store.record(step.address, step.key) is not None:
            by_task.setdefault(cell.target, {})[cell.language] = cell
    for task, found in by_task.items():
        benchmark = XTREME if task in XTREME.languages else XTREME_R
        wanted = benchmark.languages[task]
        model.written[task] = sorted(found)
        model.splits[task] = " and ".join(sorted({cell.split for cell in found.values()}))
        absent = [language for language in wanted if language not in found]
        if absent:
            model.missing[task] = absent
        for language, cell in found.items():
            examples, said = _read(cell, store)
            write_cell(model.folder, task, language, examples, said, labels=not absent)


def _read(cell: Cell, store: Store) -> tuple[list[Any], list[Any]]:
    step, examples = (cell.score.inputs[name] for name in ("predictions", "examples"))
    folder = store.open(step.address, step.key, step.identity).folder
    said = pq.read_table(folder / PREDICTIONS, columns=["prediction"])["prediction"].to_pylist()
    read = store.open(examples.address, examples.key, examples.identity).folder
    return read_examples(read, get_task(cell.target).kind), said


def write_cell(
    folder: Path,
    task: str,
    language: str,
    examples: Sequence[Any],
    said: Sequence[Any],
    *,
    labels: bool,
) -> None:
    """Write the predictions of one language, and the gold in the same form under ``labels``."""
    form = FORMS[task]
    name = f"{task}/test-{language}.{form.suffix}"
    _write(folder / name, form.predictions(examples, said))
    if labels:
        _write(folder / "labels" / name, form.labels(examples, said))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _lines(items: Iterable[Any]) -> str:
    return "".join(f"{item}\n" for item in items)


def _labels(examples: Sequence[Any], said: Sequence[Any]) -> str:
    return _lines(said)


def _gold_labels(examples: Sequence[Any], said: Sequence[Any]) -> str:
    return _lines(e.label for e in examples)


def _choices(examples: Sequence[Any], said: Sequence[Any]) -> str:
    return _lines(json.dumps({"label": label}) for label in said)


def _gold_choices(examples: Sequence[Any], said: Sequence[Any]) -> str:
    return _choices(examples, [e.label for e in examples])


def _tags(examples: Sequence[Any], said: Sequence[Any]) -> str:
    return _lines(line for tags in said for line in (*tags, ""))


def _gold_tags(examples: Sequence[Any], said: Sequence[Any]) -> str:
    return _tags(examples, [e.tags for e in examples])


def _answers(examples: Sequence[Any], said: Sequence[Any]) -> str:
    answers = {e.id: text for e, text in zip(examples, said, strict=True)}
    return json.dumps(answers, ensure_ascii=False, indent=1) + "\n"


def _gold_answers(examples: Sequence[Any], said: Sequence[Any]) -> str:
    """The SQuAD document, one paragraph a question."""
    paragraphs = [
        {
            "context": e.context,
            "qas": [
                {
                    "id": e.id,
                    "question": e.question,
                    "answers": [
                        {"text": text, "answer_start": start}
                        for text, start in zip(e.answers, e.starts, strict=True)
                    ],
                }
            ],
        }
        for e in examples
    ]
    return json.dumps({"data": [{"title": "", "paragraphs": paragraphs}]}, ensure_ascii=False)


def _english_order(examples: Sequence[Any]) -> list[int]:
    """XTREME sorts the English side of Tatoeba (its `utils_preprocess.py`), and so its queries."""
    return sorted(range(len(examples)), key=lambda i: examples[i].english.strip())


def _neighbours(examples: Sequence[Any], said: Sequence[Any]) -> str:
    return _lines(said[i] for i in _english_order(examples))


def _gold_neighbours(examples: Sequence[Any], said: Sequence[Any]) -> str:
    return _lines(_english_order(examples))


@dataclass(frozen=True)
class Form:
    """How `evaluate.py` wants a task: the ends of its file names, predictions, labels."""

    suffix: str
    predictions: Write
    labels: Write


_LABELLED = Form("tsv", _labels, _gold_labels)
_TAGGED = Form("tsv", _tags, _gold_tags)
_ANSWERED = Form("json", _answers, _gold_answers)

FORMS = {
    "xnli": _LABELLED,
    "pawsx": _LABELLED,
    "udpos": _TAGGED,
    "panx": _TAGGED,
    "xquad": _ANSWERED,
    "mlqa": _ANSWERED,
    "tydiqa": _ANSWERED,
    "tatoeba": Form("tsv", _neighbours, _gold_neighbours),
    "xcopa": Form("jsonl", _choices, _gold_choices),
}
