"""Multiple choice in formats of their own: HellaSwag and CommonsenseQA."""

from collections.abc import Iterator

from xstilts.core.errors import DataError
from xstilts.data.readers.json_values import Node, json_lines
from xstilts.data.readers.source import FETCH_AGAIN, Source, text_group
from xstilts.tasks.examples import Choice


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
