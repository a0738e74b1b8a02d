"""Scores of predictions that somebody else made, in the plain forms of the official scripts."""

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from typing import Any

from xstilts.core.errors import DataError, UnknownNameError
from xstilts.data.readers import read
from xstilts.scoring.measure import measure
from xstilts.scoring.spec import score_of
from xstilts.tasks import Split, Task, get_task
from xstilts.tasks.spec import FileSet


def score_files(name: str, gold: Path, pred: Path, language: str) -> dict[str, Any]:
    """All metrics of task ``name`` on one gold and one prediction file.

    Args:
        name: the task.
        gold: an official file of the task (Tatoeba: the file with the gold indices, one a line).
        pred: question answering ``{id: answer}``; one label a line; one tag a line with a blank
            line between sentences; one 0-based index a line.
        language: of the file, for releases that keep several languages in one.

    Raises:
        DataError: for a file that is not as described, with its line.
        UnknownNameError: for an unknown task or language.
    """
    task = get_task(name)
    if language not in task.languages:
        raise UnknownNameError(
            "language",
            language,
            task.languages,
            where=f"languages of {name}",
            do="see: xstilts tasks",
        )
    if task.parts:
        raise _wrong(
            f"{name} has no files of its own",
            gold,
            f"the task that the file is of: {', '.join(sorted({*chain(*task.parts.values())}))}",
            "score that one",
        )
    for path in (gold, pred):
        if not path.is_file():
            raise _wrong(f"There is no file {path}", path, "a file", "check the path")
    if task.kind == "retrieval":
        return _retrieval(task, gold, pred, language)
    if task.kind not in _PREDICTIONS:
        raise _wrong(f"{name} cannot be scored yet", gold, "another task", "see: xstilts tasks")
    examples = list(_examples(task, gold, language))
    predictions = _PREDICTIONS[task.kind](task, examples, pred)
    scores, _ = measure(score_of(task, language), examples, predictions)
    return {"task": name, "language": language, "n": len(examples), "metrics": scores}


def _examples(task: Task, gold: Path, language: str) -> Any:
    files = _release_of(task, gold)
    split: Split = task.score
    return read(task, files, [gold], split, language)


def _release_of(task: Task, gold: Path) -> FileSet:
    """The release that names a file like this one, else one whose names end as this one does."""
    names = [
        (files, Path(name.replace("{code}", "*")).name)
        for files in task.files
        for split in files.names.values()
        for name in split
    ]
    called = [files for files, name in names if fnmatchcase(gold.name, name)]
    alike = [files for files, name in names if Path(name).suffix == gold.suffix]
    return next(iter(called + alike), task.files[0])


def _retrieval(task: Task, gold: Path, pred: Path, language: str) -> dict[str, Any]:
    from xstilts.metrics import retrieval_accuracy

    right, guessed = (_indices(p) for p in (gold, pred))
    _same_number(len(right), len(guessed), pred, "indices")
    scores = {"accuracy": retrieval_accuracy(right, guessed)}
    return {"task": task.name, "language": language, "n": len(right), "metrics": scores}


def _indices(path: Path) -> list[int]:
    """One index a line; XTREME's evaluation code also writes ``[3]``."""
    found = []
    for number, line in enumerate(_lines(path), 1):
        text = line.strip().removeprefix("[").removesuffix("]")
        if not text.isdigit():
            raise _wrong(
                f"{line!r} is no index", f"{path}:{number}", "one 0-based index", "mend it"
            )
        found.append(int(text))
    return found


def _labels(task: Task, examples: list[Any], path: Path) -> list[Any]:
    lines = _lines(path)
    _same_number(len(examples), len(lines), path, "labels")
    known = [str(i) for i in range(task.choices)] if task.choices else list(task.labels)
    for number, line in enumerate(lines, 1):
        if line not in known:
            raise _wrong(
                f"No label of {task.name} is {line!r}",
                f"{path}:{number}",
                ", ".join(known),
                "mend it",
            )
    return [int(x) for x in lines] if task.choices else lines


def _tags(task: Task, examples: list[Any], path: Path) -> list[list[str]]:
    sentences: list[list[str]] = [[]]
    for line in _lines(path):
        if line.strip():
            sentences[-1].append(line.split("\t")[-1].strip())
        elif sentences[-1]:
            sentences.append([])
    sentences = [s for s in sentences if s]
    _same_number(len(examples), len(sentences), path, "sentences")
    for number, (example, tags) in enumerate(zip(examples, sentences, strict=True), 1):
        _same_number(len(example.tags), len(tags), f"{path}, sentence {number}", "tags")
    return sentences


def _answers(task: Task, examples: list[Any], path: Path) -> list[str]:
    try:
        said = json.loads(_text(path))
    except ValueError as error:
        raise _wrong(f"{path} is not JSON: {error}", path, "{id: answer}", "mend it") from None
    if not isinstance(said, dict) or not all(isinstance(v, str) for v in said.values()):
        raise _wrong(f"{path} holds no answers", path, '{"id": "answer", …}', "mend it")
    unknown = sorted(set(said) - {e.id for e in examples})
    if unknown:
        raise _wrong(
            f"{len(unknown)} predictions are for questions that the gold file does not have",
            f"{path}: {unknown[0]}",
            "ids of the gold file",
            "check that gold and predictions belong together",
        )
    return [said.get(e.id, "") for e in examples]


_PREDICTIONS: dict[str, Callable[[Task, list[Any], Path], list[Any]]] = {
    "pair": _labels,
    "choice": _labels,
    "tagging": _tags,
    "span": _answers,
}


def _same_number(gold: int, pred: int, where: object, what: str) -> None:
    if gold != pred:
        raise _wrong(
            f"{pred} {what} for {gold}",
            where,
            f"{gold} {what}, in the gold file's order",
            "mend it",
        )


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _wrong(f"{path} is not UTF-8: {error}", path, "UTF-8 text", "convert it") from None


def _lines(path: Path) -> list[str]:
    return _text(path).splitlines()


def _wrong(what: str, where: object, expected: str, do: str) -> DataError:
    return DataError(what, where=str(where), expected=expected, do=do)
