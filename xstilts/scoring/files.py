"""Scores of predictions that somebody else made, in the plain forms of the official scripts."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from xstilts.core.errors import DataError
from xstilts.data.readers import read_as_released, unique
from xstilts.data.readers.json_values import loaded
from xstilts.data.readers.source import Source
from xstilts.metrics import (
    bitext_f1,
    mean_average_precision,
    recall_at_1,
    retrieval_accuracy,
    squad_v2,
)
from xstilts.scoring.forms import FORMS
from xstilts.scoring.measure import measure
from xstilts.scoring.release_names import (
    language_of,
    refuse_sentences,
    release_of,
    usual_language,
)
from xstilts.scoring.spec import score_of
from xstilts.tasks import get_task

Counted = tuple[int, dict[str, float]]
Predictions = tuple[list[Any], int]  # in the gold file's order, and how many more there are

_DIGITS = 18  # of an index; more are no line of any file


def score_files(
    name: str,
    gold: Path,
    pred: Path,
    language: str | None,
    na_prob: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """All metrics of task ``name`` on one gold and one prediction file.

    Args:
        name: the task.
        gold: an official file of the task, or as :data:`~xstilts.scoring.forms.FORMS` says.
        pred: likewise.
        language: of the file, where its name is not that of a release with a language in it; by
            default then the task's only one, else English, and ``say`` is told.
        na_prob: for SQuAD 2.0's rules, ``{id: probability of no answer}``, as the script's
            ``--na-prob-file``; of further ids nothing is read.
        say: takes a line about a language that nothing names.

    Returns:
        ``task``, ``language`` (None where nothing tells it and no score depends on it), ``n``,
        ``metrics`` (0-100; thresholds on the scale of ``na_prob``), and ``ignored`` where there
        are answers to questions that the gold file does not have: as in SQuAD's scripts they do
        not count.

    Raises:
        DataError: for a file that is not as described, with its line, or in another language.
        UnknownNameError: for an unknown task or language.
    """
    task = get_task(name)
    if task.parts:
        raise _wrong(
            f"{name} has no files of its own",
            gold,
            f"the task that the file is of: {', '.join(sorted({*chain(*task.parts.values())}))}",
            "score that one",
        )
    if na_prob and task.answers != "squad_v2":
        raise _wrong(
            f"{name} has no question without an answer",
            "--na-prob-file",
            "a task under the rules of SQuAD 2.0, such as squad_v2",
            "leave the file out",
        )
    for path in (gold, pred, na_prob):
        if path and not path.is_file():
            raise _wrong(f"There is no file {path}", path, "a file", "check the path")
    language = language_of(task, gold, language)
    if task.kind == "mining":
        refuse_sentences(task, gold)
    if task.kind in _WITHOUT_EXAMPLES:
        n, scores = _WITHOUT_EXAMPLES[task.kind](gold, pred)
        return {"task": name, "language": language, "n": n, "metrics": scores}
    if task.kind not in _PREDICTIONS:
        raise _wrong(f"{name} cannot be scored yet", gold, "another task", "see: xstilts tasks")
    if language is None:
        language = usual_language(task)
        say(f"language: {language}, the default, for the name {gold.name} tells none")
    files = release_of(task, gold)
    released = list(read_as_released(task, files, [gold], task.score, language))
    said = Source(task, files, (pred,), language)
    predictions, ignored = _PREDICTIONS[task.kind](said, released)
    examples = list(unique(released))
    if na_prob:
        scores = _with_probabilities(examples, predictions, na_prob)
    else:
        scores, _ = measure(score_of(task, language), examples, predictions)
    found = {"task": name, "language": language, "n": len(examples), "metrics": scores}
    return found | ({"ignored": ignored} if ignored else {})


def _nearest(gold: Path, pred: Path) -> Counted:
    right, guessed = (_indices(p) for p in (gold, pred))
    _same_number(len(right), len(guessed), pred, "indices")
    if not right:
        raise _wrong(f"{gold} holds no index", gold, "one 0-based index a line", "mend it")
    return len(right), {"accuracy": retrieval_accuracy(right, guessed)}


def _mined(gold: Path, pred: Path) -> Counted:
    """F1 over pairs; the number of examples is that of the true pairs."""
    true = _pairs(gold)
    _no_sentences(gold, true)
    if not true:
        raise _wrong(f"{gold} holds no pair", gold, "source id, tab, target id", "mend it")
    return len(set(true)), bitext_f1(true, _pairs(pred))


def _no_sentences(gold: Path, pairs: list[tuple[str, str]]) -> None:
    """Refuse sentences with ids, whatever their file is called."""
    for number, (_, other) in enumerate(pairs, 1):
        if " " in other or not other.isascii():
            raise _wrong(
                f"Pair {number} ends in no id but in {other[:80]!r}",
                gold,
                FORMS["mining"].gold,
                "give the file with the pairs, not that with the sentences",
            )


def _pairs(path: Path) -> list[tuple[str, str]]:
    found = []
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        ids = [text.strip() for text in line.split("\t")]
        if len(ids) != 2 or not all(ids):
            raise _wrong(
                f"{line[:80]!r} is no pair",
                f"{path}:{number}",
                "source id, tab, target id",
                "mend it",
            )
        found.append((ids[0], ids[1]))
    return found


def _ranked(gold: Path, pred: Path) -> Counted:
    """A query without an answer scores 0, as in Mewsli-X's evaluation."""
    right, found = _rankings(gold), _rankings(pred)
    unknown = sorted(found.keys() - right.keys())
    if unknown or not found:
        raise _wrong(
            f"{len(unknown)} predictions are for queries that the gold file does not have"
            if unknown
            else f"{pred} answers no query",
            f"{pred}: {unknown[0]}" if unknown else pred,
            "ids of the gold file",
            "check that gold and predictions belong together",
        )
    empty = next((query for query, ids in right.items() if not ids), None)
    if empty is not None or not right:
        raise _wrong(
            f"{gold} has a query without a right answer",
            f"{gold}: {empty}",
            "one or more",
            "mend it",
        )
    answers = [found.get(query, []) for query in right]
    golds = list(right.values())
    return len(right), {
        "map@20": mean_average_precision(golds, answers),
        "recall@1": recall_at_1(golds, answers),
    }


def _rankings(path: Path) -> dict[str, list[str]]:
    said = _json(path, "{id: [candidates]}")
    if not isinstance(said, dict) or not all(
        isinstance(ids, list) and all(isinstance(i, str) for i in ids) for ids in said.values()
    ):
        raise _wrong(f"{path} holds no rankings", path, '{"id": ["candidate", …], …}', "mend it")
    return said


def _indices(path: Path) -> list[int]:
    """One index a line; XTREME's evaluation code also writes ``[3]``."""
    found = []
    for number, line in enumerate(_lines(path), 1):
        text = line.strip().removeprefix("[").removesuffix("]")
        if not text.isdecimal() or len(text) > _DIGITS:
            raise _wrong(
                f"{line[:80]!r} is no index", f"{path}:{number}", "one 0-based index", "mend it"
            )
        found.append(int(text))
    return found


def _labels(said: Source, examples: list[Any]) -> Predictions:
    """Blanks around a label do not count, as in XTREME's `read_label`."""
    task, lines = said.task, [line.strip() for line in _lines(said.path)]
    _same_number(len(examples), len(lines), said.path, "labels")
    if not task.choices:
        return [_known(x, task.labels, said, i) for i, x in enumerate(lines, 1)], 0
    known = [str(i) for i in range(task.choices)]
    bare = [_choice(line, f"{said.path}:{i}") for i, line in enumerate(lines, 1)]
    return [int(_known(x, known, said, i)) for i, x in enumerate(bare, 1)], 0


def _choice(line: str, where: str) -> str:
    """The choice of a line; XTREME-R's lines are objects, ``{"label": 1}``."""
    if not line.startswith("{"):
        return line
    expected = 'a choice from 0, or {"label": 1}'
    try:
        label = loaded(line, Path(where)).get("label")
    except DataError as error:
        raise _wrong(error.what, where, expected, "mend it") from None
    if type(label) is not int:
        raise _wrong(f"{line[:80]!r} tells no choice", where, expected, "mend it")
    return str(label)


def _tags(said: Source, examples: list[Any]) -> Predictions:
    """Of a line with more columns the last one is the tag."""
    separator = None if said.files.format == "tagged_spaced" else "\t"
    sentences: list[list[str]] = []
    begins: list[int] = []  # the line of each sentence's first tag
    inside = False
    for number, line in enumerate(_lines(said.path), 1):
        if not line.strip():
            inside = False
            continue
        if not inside:
            sentences.append([])
            begins.append(number)
            inside = True
        tag = line.split(separator)[-1].strip()
        sentences[-1].append(_known(tag, said.task.labels, said, number))
    _same_number(len(examples), len(sentences), said.path, "sentences")
    for example, tags, first in zip(examples, sentences, begins, strict=True):
        _same_number(len(example.tags), len(tags), f"{said.path}:{first}", "tags")
    return sentences, 0


def _known(label: str, known: Sequence[str], said: Source, line: int) -> str:
    """The label as the task writes it; the release's own spelling is understood, too."""
    found = label if label in known else said.renamed(label)
    if found not in known and not said.task.open_labels:
        raise _wrong(
            f"No label of {said.task.name} is {label[:80]!r}",
            f"{said.path}:{line}",
            ", ".join(known),
            "mend it",
        )
    return found


def _answers(said: Source, examples: list[Any]) -> Predictions:
    """Questions that share an id take the same answer, as in SQuAD's scripts."""
    path = said.path
    answers = _json(path, "{id: answer}")
    if not isinstance(answers, dict) or not all(isinstance(v, str) for v in answers.values()):
        raise _wrong(f"{path} holds no answers", path, '{"id": "answer", …}', "mend it")
    ignored = answers.keys() - {e.id for e in examples}
    if len(ignored) == len(answers):
        raise _wrong(
            f"{path} answers no question of the gold file",
            path,
            f"ids of the gold file, such as {examples[0].id}",
            "check that gold and predictions belong together",
        )
    return [answers.get(e.id) for e in examples], len(ignored)


def _with_probabilities(
    examples: list[Any], answers: list[str | None], path: Path
) -> dict[str, float]:
    gold = {e.id: e.answers for e in examples}
    said = {e.id: a for e, a in zip(examples, answers, strict=True) if a is not None}
    expected = '{"id": probability, …}, finite numbers'
    likely = _json(path, expected)
    if not isinstance(likely, dict) or not all(map(_is_number, likely.values())):
        raise _wrong(f"{path} holds no probabilities", path, expected, "mend it")
    absent = next((question for question in said if question not in likely), None)
    if absent is not None:
        raise _wrong(
            f"{path} lacks a question that is answered",
            f"{path}: {absent}",
            "a probability of no answer for every prediction",
            "add it",
        )
    return squad_v2(gold, said, likely)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _json(path: Path, expected: str) -> Any:
    try:
        return loaded(_text(path), path, members=_each_once)
    except DataError as error:
        raise _wrong(error.what, error.where, expected, "mend it") from None


def _each_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of which no member hides another."""
    found = dict(members)
    if len(found) < len(members):
        twice = next(key for key, n in Counter(key for key, _ in members).items() if n > 1)
        raise ValueError(f"{twice!r} stands in it twice")
    return found


_PREDICTIONS: dict[str, Callable[[Source, list[Any]], Predictions]] = {
    "pair": _labels,
    "choice": _labels,
    "tagging": _tags,
    "span": _answers,
}
_WITHOUT_EXAMPLES: dict[str, Callable[[Path, Path], Counted]] = {
    "retrieval": _nearest,
    "mining": _mined,
    "ranking": _ranked,
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
    except OSError as error:
        what = f"{path} cannot be read: {error.strerror or error}"
        raise _wrong(what, path, "a readable file", "check that you may read it") from None


def _lines(path: Path) -> list[str]:
    """The lines, as open files have them: Unicode's own separators do stand inside of words."""
    text = _text(path)
    return text.removesuffix("\n").split("\n") if text else []


def _wrong(what: str, where: object, expected: str, do: str) -> DataError:
    return DataError(what, where=str(where), expected=expected, do=do)
