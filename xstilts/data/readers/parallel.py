"""Sentences and their English translations: two files, line by line (Tatoeba) or by ids."""

from collections.abc import Iterator
from itertools import zip_longest

from xstilts.core.errors import DataError
from xstilts.data.readers.mining import rows
from xstilts.data.readers.source import FETCH_AGAIN, Source, lines
from xstilts.tasks.examples import Parallel

_TOO_LONG_FOR_CHANCE = 20


def tatoeba_lines(source: Source) -> Iterator[Parallel]:
    """The i-th line of the first file is translated by the i-th line of the second one.

    XTREME's download sorts the English side to hide which line belongs to which. Read by line, it
    would score near zero for any encoder, so it is refused.
    """
    if not tatoeba_has_gold(source):
        raise DataError(
            "The file has no gold: its English lines are sorted, so they are not translations",
            where=f"{source.paths[1]}:1",
            expected="the English line i as the translation of line i",
            do="use LASER's files, tatoeba.xxx-eng.xxx and tatoeba.xxx-eng.eng",
        )
    ours, theirs = (lines(path) for path in source.paths)
    for count, (own, english) in enumerate(zip_longest(ours, theirs)):
        if own is None or english is None:
            short = source.paths[0 if own is None else 1]
            raise DataError(
                "The two files do not have the same number of lines",
                where=f"{short}:{count + 1}",
                expected=f"a line here, as in {source.paths[1 if own is None else 0]}",
                do=FETCH_AGAIN,
            )
        row_id = f"{source.prefix}{count}"
        yield Parallel(id=row_id, group=row_id, text=own[1], english=english[1])


def aligned_lines(source: Source) -> Iterator[Parallel]:
    """Two files of ``id TAB sentence`` lines; the same id means the same sentence.

    What only one of the files has is left out: many texts are not whole in every language.
    """
    ours, theirs = source.paths
    english = dict(rows(source, theirs))
    for own, text in rows(source, ours):
        if own in english:
            row_id = f"{source.prefix}{own}"
            yield Parallel(id=row_id, group=row_id, text=text, english=english[own])


def tatoeba_has_gold(source: Source) -> bool:
    """Whether the English side is in another order than the alphabet's."""
    english = [line for _, line in lines(source.paths[1])]
    return len(english) < _TOO_LONG_FOR_CHANCE or english != sorted(english)
