"""Leaks that the real files are known to have."""

import os
from pathlib import Path

import pytest

from xstilts.data.files import find
from xstilts.data.leaks import index, letters, overlaps, units
from xstilts.data.readers import read
from xstilts.tasks import Split, get_task
from xstilts.tasks.examples import Example

DATA = os.environ.get("XSTILTS_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="XSTILTS_DATA names no data folder")


def examples(name: str, split: Split, language: str = "en") -> list[Example]:
    task = get_task(name)
    found = find(task, split, language, [Path(str(DATA))])
    assert found is not None
    return list(read(task, found.files, found.paths, split, language))


def shared(trained: tuple[str, Split], reported: tuple[str, Split]) -> int:
    mine, theirs = examples(*trained), examples(*reported)
    kinds = (get_task(trained[0]).kind, get_task(reported[0]).kind)
    found = overlaps(
        [("trained", "train", "a", index(kinds[0], mine))], [("b", index(kinds[1], theirs))]
    )
    return sum(o.units for o in found)


def test_all_240_paragraphs_of_xquad_are_found_in_the_dev_set_of_squad() -> None:
    assert shared(("squad_v1", "dev"), ("xquad", "test")) == 240


def test_no_paragraph_of_xquad_is_in_the_training_file_of_squad() -> None:
    assert shared(("squad_v1", "train"), ("xquad", "test")) == 0


def test_the_133_first_sentences_that_pawsx_rows_share_are_found() -> None:
    train, dev = examples("pawsx", "train"), examples("pawsx", "dev")
    firsts = [{letters(units("pair", e)[0]) for e in part} for part in (train, dev)]
    both = firsts[0] & firsts[1]
    assert len(both) == 133
    assert both <= set(index("pair", train)) & set(index("pair", dev))
    assert shared(("pawsx", "train"), ("pawsx", "dev")) >= 133
