"""Two collections of sentences, some of which translate each other: BUCC."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from xstilts.data.readers.source import Source, lines
from xstilts.tasks.examples import Sentence


def bucc_lines(source: Source) -> Iterator[Sentence]:
    """BUCC 2018: sentences of the language, English sentences, gold pairs; ``id TAB text`` a line.

    The language is the source side, English the target side, as in the shared task's gold files.
    Sentences that occur twice stay two: who mines decides what to do with them.

    Raises:
        DataError: for an id that is used twice, and for a gold pair of unknown sentences.
    """
    ours, english, gold = source.paths
    sources, targets = dict(rows(source, ours)), dict(rows(source, english))
    pairs: dict[str, list[str]] = defaultdict(list)
    for number, (one, other) in enumerate(_cells(source, gold), 1):
        if one not in sources or other not in targets:
            raise source.error(
                f"The pair {one} and {other} is of a sentence that is in no file",
                number,
                expected=f"ids of {ours.name} and {english.name}",
                path=gold,
            )
        pairs[one].append(other)
    yield from _side(source, "source", sources, pairs)
    yield from _side(source, "target", targets, {})


def bucc_has_gold(source: Source) -> bool:
    """Whether there is a gold pair."""
    return any(line.strip() for _, line in lines(source.paths[2]))


def _side(
    source: Source,
    side: Literal["source", "target"],
    texts: dict[str, str],
    pairs: dict[str, list[str]],
) -> Iterator[Sentence]:
    for own, text in texts.items():
        gold = tuple(pairs.get(own, ()))
        yield Sentence(own, own, side, text, gold)


def rows(source: Source, path: Path) -> Iterator[tuple[str, str]]:
    """The ids, each there once, and texts of a file with ``id TAB text`` a line."""
    seen = set()
    for number, (own, text) in enumerate(_cells(source, path), 1):
        if own in seen:
            raise source.error(f"The id {own} is used twice", number, expected="new ids", path=path)
        seen.add(own)
        yield own, text


def _cells(source: Source, path: Path) -> Iterator[tuple[str, str]]:
    for number, line in lines(path):
        cells = line.split("\t")
        if len(cells) != 2 or not cells[0]:
            raise source.error(
                f"The row has {len(cells)} columns" if cells[0] else "The id is empty",
                number,
                expected="id, tab, text (gold: id, tab, id)",
                path=path,
            )
        yield cells[0], cells[1]
