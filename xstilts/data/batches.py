"""Token arrays on disk, and how rows are put together into padded batches.

A *row* is one sequence that the encoder reads. An example has one row (pair), one a choice, one a
window of a long text (span, tagging), or two: a query and its right candidate (ranking).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer]
IGNORED = -100
WHOLE = slice(None)


@dataclass(frozen=True)
class TokenArrays:
    """Rows of pieces, memory-mapped, shared by every stage that reads the slice.

    Attributes:
        ids: pieces of all rows, one after the other, ``(pieces,)``.
        types: token types, ``(pieces,)``, or None where the tokenizer has none.
        starts: where each row starts in ``ids``, ``(rows + 1,)``.
        example: the example that each row belongs to, ``(rows,)``, ascending.
        extra: further arrays of the kind: ``label`` ``(examples,)``; ``first`` and ``last`` piece
            of the answer ``(rows,)``; ``tag`` and ``word`` ``(pieces,)``; ``begin`` and ``end``
            character of a context piece ``(pieces,)``, -1 elsewhere; ``right``, the row of a
            query's right candidate among those of all candidates ``(examples,)``.
        pad: the padding piece.
    """

    ids: Ints
    types: Ints | None
    starts: Ints
    example: Ints
    extra: dict[str, Ints]
    pad: int

    @classmethod
    def load(cls, folder: Path, pad: int, side: str = "") -> "TokenArrays":
        """Memory-map what :meth:`save` wrote."""
        arrays = {
            p.stem.removeprefix(side): np.load(p, mmap_mode="r", allow_pickle=False)
            for p in sorted(folder.glob(f"{side}*.npy"))
        }
        known = [arrays.pop(name, None) for name in ("ids", "types", "starts", "example")]
        ids, types, starts, example = known
        if ids is None or starts is None or example is None:
            raise FileNotFoundError(f"{folder} holds no token arrays")
        return cls(ids, types, starts, example, arrays, pad)

    def save(self, folder: Path, side: str = "") -> None:
        """Write one ``.npy`` an array."""
        named = {"ids": self.ids, "starts": self.starts, "example": self.example, **self.extra}
        if self.types is not None:
            named["types"] = self.types
        for name, array in named.items():
            np.save(folder / f"{side}{name}.npy", array, allow_pickle=False)

    @cached_property
    def lengths(self) -> Ints:
        """Pieces of each row, ``(rows,)``."""
        return np.diff(self.starts)

    @property
    def examples(self) -> int:
        """Number of examples."""
        return int(self.example[-1]) + 1

    def rows_of(self, examples: Ints) -> Ints:
        """All rows of the given examples, those of one example together."""
        first = np.searchsorted(self.example, examples, side="left")
        after = np.searchsorted(self.example, examples, side="right")
        return np.concatenate([np.arange(a, b) for a, b in zip(first, after, strict=True)])

    def taken(self, rows: Ints) -> "TokenArrays":
        """A copy of some rows in the order given, each an example of its own."""
        lengths = self.lengths[rows]
        starts = np.cumsum([0, *lengths])
        places = np.repeat(self.starts[rows] - starts[:-1], lengths) + np.arange(starts[-1])
        types = None if self.types is None else self.types[places]
        return TokenArrays(self.ids[places], types, starts, np.arange(len(rows)), {}, self.pad)

    def padded(self, rows: Ints, name: str = "ids", fill: int | None = None) -> Ints:
        """One array of pieces as ``(rows, longest)``, filled up with ``fill`` (the pad piece)."""
        array = self.ids if name == "ids" else self.types if name == "types" else self.extra[name]
        assert array is not None
        lengths = self.lengths[rows]
        out = np.full((len(rows), int(lengths.max())), self.pad if fill is None else fill, np.int64)
        for i, (row, length) in enumerate(zip(rows, lengths, strict=True)):
            start = self.starts[row]
            out[i, :length] = array[start : start + length]
        return out


def together(first: TokenArrays, second: TokenArrays) -> TokenArrays:
    """The rows of ``first``, then those of ``second``, each an example of its own."""
    sides, types = (first, second), None
    if any(side.types is not None for side in sides):
        said = [np.zeros_like(s.ids, np.int8) if s.types is None else s.types for s in sides]
        types = np.concatenate(said)
    return TokenArrays(
        np.concatenate([side.ids for side in sides]),
        types,
        np.concatenate([first.starts, first.starts[-1] + second.starts[1:]]),
        np.arange(len(first.example) + len(second.example)),
        {},
        first.pad,
    )


def paired(queries: TokenArrays, candidates: TokenArrays) -> TokenArrays:
    """Two rows an example, a query and its right candidate; ``right`` is kept.

    Args:
        queries: with ``right``, of which none is -1.
        candidates: the rows that it counts.
    """
    right, n = queries.extra["right"], queries.examples
    rows = np.stack([np.arange(n), n + right], axis=1).ravel()
    both = together(queries, candidates).taken(rows)
    return replace(both, example=np.repeat(np.arange(n), 2), extra={"right": right})


def micro_batches(
    arrays: TokenArrays,
    examples: Ints,
    budget: int,
    *,
    descending: bool = False,
    part: slice = WHOLE,
) -> Iterator[Ints]:
    """Split examples into groups whose padded rows stay within ``budget`` pieces.

    Examples are sorted by their longest row, so that a group needs little padding; the rows of one
    example stay together, whatever the budget. Only ``part`` of the sorted examples is split.
    """
    first = np.searchsorted(arrays.example, examples, side="left")
    after = np.searchsorted(arrays.example, examples, side="right")
    lengths = arrays.lengths
    longest = np.array([lengths[a:b].max() for a, b in zip(first, after, strict=True)])
    count = after - first
    order = np.argsort(-longest if descending else longest, kind="stable")[part]
    group: list[int] = []
    rows = width = 0
    for i in order:
        wider = max(width, int(longest[i]))
        if group and wider * (rows + int(count[i])) > budget:
            yield examples[np.array(group)]
            group, rows, wider = [], 0, int(longest[i])
        group.append(int(i))
        rows, width = rows + int(count[i]), wider
    if group:
        yield examples[np.array(group)]
