"""Multiple choice: HellaSwag, Cosmos QA, CommonsenseQA."""

import csv
from collections.abc import Iterator

from xstilts.core.errors import DataError
from xstilts.data.readers.json_values import Node, json_lines
from xstilts.data.readers.source import FETCH_AGAIN, Source, raw_lines, text_group
from xstilts.tasks.examples import Choice

_COSMOS_COLUMNS = (
    "id",
    "context",
    "question",
    "answer0",
    "answer1",
    "answer2",
    "answer3",
    "label",
)


def hellaswag_jsonl(source: Source) -> Iterator[Choice]:
    """HellaSwag: endings of ``ctx``; one video or article (``source_id``) is one group."""
    for _, row in json_lines(source.path):
        context = row.text("ctx")
        endings = row.texts("endings")
        known = row.values.get("source_id")
        yield Choice(
            id=f"{source.prefix}{row.number('ind')}",
            group=row.text("source_id") if known else text_group(context),
            context=context,
            question="",
            choices=endings,
            label=_index(source, row.number("label"), endings, row.where),
        )


def commonsenseqa_jsonl(source: Source) -> Iterator[Choice]:
    """CommonsenseQA: a question without context; ``answerKey`` is the letter of a choice."""
    for _, row in json_lines(source.path):
        key = row.text("answerKey")
        question = row.node("question")
        stem = question.text("stem")
        choices = question.nodes("choices", "choice")
        letters = [choice.text("label") for choice in choices]
        texts = tuple(choice.text("text") for choice in choices)
        yield Choice(
            id=source.prefix + row.text("id"),
            group=text_group(stem),
            context="",
            question=stem,
            choices=texts,
            label=_index(source, _letter(row, key, letters), texts, row.where),
        )


def _letter(row: Node, key: str, letters: list[str]) -> int:
    if key not in letters:
        raise row.error(f"No choice is called {key!r}", f"one of: {', '.join(letters)}")
    return letters.index(key)


def cosmosqa_csv(source: Source) -> Iterator[Choice]:
    """Cosmos QA: comma separated with a header, quoted as in RFC 4180, line breaks in cells."""
    for line, cells in _csv_rows(source):
        if len(cells) != len(_COSMOS_COLUMNS):
            raise source.error(
                f"The row has {len(cells)} columns",
                line,
                expected=f"{len(_COSMOS_COLUMNS)}: {', '.join(_COSMOS_COLUMNS)}",
            )
        own, context, question, *choices, label = cells
        where = f"{source.path}:{line}"
        index = int(label) if label.isascii() and label.isdigit() and len(label) < 4 else -1
        yield Choice(
            id=source.prefix + own,
            group=text_group(context),
            context=context,
            question=question,
            choices=tuple(choices),
            label=_index(source, index, tuple(choices), where),
        )


def _csv_rows(source: Source) -> Iterator[tuple[int, list[str]]]:
    """The line on which each row starts, and its cells; the header is checked and left out."""
    reader = csv.reader((line for _, line in raw_lines(source.path)), strict=True)
    line = 1
    try:
        for number, cells in enumerate(reader):
            if number == 0 and cells != list(_COSMOS_COLUMNS):
                raise source.error(
                    "The header is another one", 1, expected=",".join(_COSMOS_COLUMNS)
                )
            if number > 0:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise source.error(
            f"The CSV is broken: {error}", line, expected="cells quoted as in RFC 4180"
        ) from None


def _index(source: Source, index: int, choices: tuple[str, ...], where: str) -> int:
    if len(choices) != source.task.choices:
        raise DataError(
            f"There are {len(choices)} choices",
            where=where,
            expected=f"{source.task.choices}",
            do=FETCH_AGAIN,
        )
    if not 0 <= index < len(choices):
        raise DataError(
            "The label names no choice",
            where=where,
            expected=f"a number from 0 to {len(choices) - 1}",
            do=FETCH_AGAIN,
        )
    return index
