"""Random choices whose bytes are the same on every machine and in every version of Python.

Only ``random.Random.random`` is used, whose stream Python promises never to change, and sums and
products of floating-point numbers, which IEEE 754 fixes to the last bit.
"""

import random
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

from xstilts.core.seeds import derive

T = TypeVar("T")


class Frequencies:
    """Zipf's law over a list from its most to its least frequent item: ``1 / (rank + 1)``."""

    __slots__ = ("_items", "_sums", "_total")

    def __init__(self, items: Sequence[str]) -> None:
        """Rank 0 is the first item."""
        self._items = tuple(items)
        self._sums = tuple(accumulate(1 / (rank + 1) for rank in range(len(items))))
        self._total = self._sums[-1]

    def at(self, share: float) -> str:
        """The item at ``share`` (0 to 1, without 1) of the whole mass."""
        return self._items[bisect_right(self._sums, share * self._total)]


class Chance:
    """One stream of random choices."""

    __slots__ = ("share",)

    def __init__(self, seed: int, *purpose: str | int) -> None:
        """A stream for one purpose, independent of every other purpose."""
        self.share = random.Random(derive(seed, *purpose)).random

    def of(self, probability: float) -> bool:
        """True with a probability from 0 to 1."""
        return self.share() < probability

    def below(self, limit: int) -> int:
        """A number from 0 to ``limit`` - 1."""
        return int(self.share() * limit)

    def one(self, items: Sequence[T]) -> T:
        """Any of the items, each as likely."""
        return items[int(self.share() * len(items))]

    def by_rank(self, frequencies: Frequencies) -> str:
        """Any of the items, by Zipf's law."""
        return frequencies.at(self.share())

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """``count`` different items in random order."""
        left = list(items)
        return [left.pop(int(self.share() * len(left))) for _ in range(count)]

    def mixed(self, items: Sequence[T]) -> list[T]:
        """All items in random order."""
        return self.some(items, len(items))
