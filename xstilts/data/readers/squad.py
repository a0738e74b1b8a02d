"""Questions on paragraphs: the SQuAD document, as SQuAD, XQuAD, MLQA and TyDiQA-GoldP use it."""

import json
import re
from collections.abc import Iterator
from itertools import islice, takewhile
from pathlib import Path

from xstilts.core.errors import DataError
from xstilts.data.readers.json_values import Node, parse
from xstilts.data.readers.source import NO_GOLD, Source, whole
from xstilts.tasks.examples import Span

_HEAD_BYTES = 1 << 20
_ID = re.compile(r'"id"\s*:\s*("(?:[^"\\]|\\.)*")')
_ANSWER_TEXT = re.compile(rb'"text"\s*:\s*"(.?)')


def squad_json(source: Source) -> Iterator[Span]:
    """Every question; its group is ``article:paragraph``, both counted from 0.

    A question is without an answer only where the release says ``is_impossible`` (SQuAD 2.0).
    ``version`` is not read: MLQA writes a number, TyDiQA none.
    """
    document = parse(whole(source.path), source.path)
    for a, article in enumerate(document.nodes("data", "article")):
        for p, paragraph in enumerate(article.nodes("paragraphs", "paragraph")):
            context = paragraph.text("context")
            for question in paragraph.nodes("qas", "question"):
                own = question.text("id")
                question = Node(question.values, f"{question.where} (id {own})")
                try:
                    answers, starts = _answers(question, context)
                    text = question.text("question")
                except DataError as error:
                    raise _with_line(error, source.path, document, question) from None
                yield Span(
                    id=source.prefix + own,
                    group=f"{source.prefix}{a}:{p}",
                    context=context,
                    question=text,
                    answers=answers,
                    starts=starts,
                )


def _with_line(error: DataError, path: Path, document: Node, question: Node) -> DataError:
    """``error`` with the line of the question's id; where an id is used again, of this use."""
    own = question.values["id"]
    asked = (q for a in document.values["data"] for p in a["paragraphs"] for q in p["qas"])
    before = sum(q["id"] == own for q in takewhile(lambda q: q is not question.values, asked))
    text = whole(path)
    same = (found for found in _ID.finditer(text) if json.loads(found[1]) == own)
    here = next(islice(same, before, None), None)
    if here is None:  # the key is spelt with escapes
        return error
    line = 1 + text.count("\n", 0, here.start())
    where = f"{path}:{line}{error.where.removeprefix(str(path))}"
    return DataError(error.what, where=where, expected=error.expected, do=error.do)


def _answers(question: Node, context: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    answers = question.nodes("answers", "answer")
    impossible = question.values.get("is_impossible", False) is True
    if impossible == bool(answers):
        raise question.error(
            "The question is marked as impossible and has answers"
            if impossible
            else "The question has no answers",
            "answers, or is_impossible: true and none",
        )
    texts, starts = [], []
    for answer in answers:
        text, start = answer.text("text"), answer.number("answer_start")
        if not text:
            raise answer.error("The file has no gold: an answer is empty", "an answer", do=NO_GOLD)
        if start < 0 or not context.startswith(text, start):
            found = context[max(start, 0) : max(start, 0) + len(text)]
            raise answer.error(
                f"The answer {text!r} does not stand at character {start} of the context",
                f"it there, not {found!r}",
            )
        texts.append(text)
        starts.append(start)
    return tuple(texts), tuple(starts)


def squad_has_gold(source: Source) -> bool:
    """Whether an answer near the start of the file is not empty.

    XTREME's download replaces all answers of its reported files by empty ones.
    """
    with source.path.open("rb") as file:
        texts = _ANSWER_TEXT.findall(file.read(_HEAD_BYTES))
    return not texts or any(first != b'"' for first in texts)
