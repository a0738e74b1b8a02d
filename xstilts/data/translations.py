"""Sentences that say the same in several languages, as rows of pieces."""

import numpy as np

from xstilts.data.batches import Ints


class Translations:
    """Which rows have one name in several languages."""

    def __init__(self, names: Ints, languages: Ints) -> None:
        """Look among rows with these names, -1 for none, and languages, ``(rows,)`` each."""
        self._names, self._languages = names, languages
        named = np.flatnonzero(names >= 0)
        self._rows = named[np.argsort(names[named], kind="stable")]
        self._starts = np.searchsorted(names[self._rows], np.arange(names.max(initial=-1) + 2))

    def of(self, row: int) -> Ints:
        """The rows in other languages that have the name of this one."""
        name = self._names[row]
        if name < 0:
            return self._rows[:0]
        same: Ints = self._rows[self._starts[name] : self._starts[name + 1]]
        found: Ints = same[self._languages[same] != self._languages[row]]
        return found


def side_by_side(first: Ints, second: Ints, longest: int) -> tuple[Ints, Ints]:
    """The halves of ``<s> first </s> </s> second </s>``, as XLM-R has it.

    Args:
        first: a row with its special pieces.
        second: another one.
        longest: pieces of both. Where they have more, each keeps its beginning: half of the room,
            and what the other leaves of its half.
    """
    half = longest // 2
    left = _cut(first, max(half, longest - len(second)))
    right = _cut(second, longest - len(left))
    return left, np.concatenate([right[-1:], right[1:]])


def _cut(row: Ints, room: int) -> Ints:
    return row if len(row) <= room else np.concatenate([row[: room - 1], row[-1:]])
