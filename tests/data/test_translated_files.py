"""Translations that a user gives: what is not the English examples in other words is refused."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from xstilts.core.errors import DataError

Rows = list[list[str]]
Told = Callable[[str, Sequence[str]], list[Any]]

PLACES = {"mnli": "mnli/train.tsv", "hellaswag": "hellaswag/hellaswag_train.jsonl"}


@pytest.fixture
def lines(release: Path) -> Callable[[str], list[str]]:
    """The lines of the English training file of a task."""
    return lambda task: (release / PLACES[task]).read_text("utf-8").splitlines()


@pytest.fixture
def read(workbench: Any, tmp_path: Path) -> Told:
    """Read a task's translation that has these lines."""

    def told(task: str, said: Sequence[str]) -> list[Any]:
        file = tmp_path / "told" / PLACES[task]
        file.parent.mkdir(parents=True)
        file.write_text("".join(f"{line}\n" for line in said), "utf-8")
        english = workbench()
        original = english.examples(task, part="train")
        bench = workbench(data=tmp_path / "told")
        bench.sources |= english.sources
        step = bench.examples(task, translates=original.config)
        found: list[Any] = bench.slice(step)
        return found

    return told


def in_capitals(lines: Sequence[str]) -> Rows:
    """The header and the rows of MNLI with both sentences in capital letters."""
    head, *rows = (line.split("\t") for line in lines)
    first, second = head.index("sentence1"), head.index("sentence2")
    for row in rows:
        row[first], row[second] = row[first].upper(), row[second].upper()
    return [head, *rows]


def joined(rows: Rows) -> list[str]:
    return ["\t".join(row) for row in rows]


def refused(read: Told, task: str, said: Sequence[str]) -> DataError:
    with pytest.raises(DataError) as caught:
        read(task, said)
    assert "told" in caught.value.where
    return caught.value


def test_examples_in_other_words_are_read(read: Told, lines: Any) -> None:
    found = read("mnli", joined(in_capitals(lines("mnli"))))
    assert len(found) > 200 and all(e.first.isupper() for e in found)


def test_labels_that_moved_by_a_row_are_refused_with_the_first_of_them(
    read: Told, lines: Any
) -> None:
    head, *rows = in_capitals(lines("mnli"))
    labels = [row[-1] for row in rows]
    for row, label in zip(rows, labels[1:] + labels[:1], strict=True):
        row[-1] = label
    error = refused(read, "mnli", joined([head, *rows]))
    assert "translated examples of mnli are labelled otherwise than in English" in error.what
    named = error.where.rsplit(": ", 1)[1]
    row = next(row for row in rows if row[head.index("pairID")] == named)
    assert repr(row[-1]) in error.what and repr(row[-1]) not in error.expected
    assert "its ids and labels kept" in error.do


def test_another_right_choice_is_refused(read: Told, lines: Any) -> None:
    rows = [json.loads(line) for line in lines("hellaswag")]
    for row in rows:
        row["ctx"] = row["ctx"].upper()
        row["label"] = (row["label"] + 1) % 4
    error = refused(read, "hellaswag", [json.dumps(row) for row in rows])
    assert "hellaswag are labelled otherwise" in error.what


def test_a_copy_of_the_english_file_is_no_translation(read: Told, lines: Any) -> None:
    error = refused(read, "mnli", lines("mnli"))
    assert "are the English ones, word for word" in error.what and "translate them" in error.do


def test_a_few_sentences_that_are_the_same_in_both_languages_are_none(
    read: Told, lines: Any
) -> None:
    english = lines("mnli")
    found = read("mnli", english[:-20] + joined(in_capitals(english)[-20:]))
    assert sum(e.first.isupper() for e in found) < 21


def test_ids_that_are_not_the_english_ones_are_told_with_some_that_are(
    read: Told, lines: Any
) -> None:
    head, *rows = in_capitals(lines("mnli"))
    place = head.index("pairID")
    ids = {row[place] for row in rows}
    for row in rows:
        row[place] = f"x{row[place]}"
    error = refused(read, "mnli", joined([head, *rows]))
    assert f"None of the {len(rows)} translated examples of mnli" in error.what
    assert set(error.expected.split("such as ")[1].split(", ")) <= ids
    assert "its ids and labels kept" in error.do


@pytest.mark.parametrize("broken", [[], ["1\t2"]])
def test_an_empty_or_broken_translation_is_to_be_translated_and_not_fetched_again(
    read: Told, lines: Any, broken: list[str]
) -> None:
    error = refused(read, "mnli", [*lines("mnli")[:1], *broken])
    assert "release" not in error.do and "translated row by row" in error.do
