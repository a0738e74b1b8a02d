"""Exact nearest neighbours by cosine, in both directions from one pass over the products.

:mod:`xstilts.retrieve.coarse` finds the groups of vectors that may hold a row's ``k`` nearest. They
are multiplied again in fp32, and the nearest once more in double precision. That nothing else may
be nearer is proved for every row by a bound on the rounding errors; a row without that proof is
compared with everything in fp32.

Of equal products the lower index is the nearer neighbour.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xstilts.models.device import Precision
from xstilts.retrieve.coarse import (
    GROUP,
    TILE,
    Floats,
    Kept,
    Side,
    room,
    search,
    search_unshifted,
    usual_precision,
)

Ints = NDArray[np.integer]

SPARE = 4  # groups beyond k that are multiplied again at first
CLOSE = 2  # neighbours beyond k that are put in order in double precision
MORE = (6, 16)  # further groups for rows that those do not settle, in turn
ALONE = 120  # groups that are multiplied again for rows that need a search of their own
_AGAIN = 2**25  # products that are formed again at a time
_CACHED = 2**18  # of these, how many are put in order at a time, so that they stay in the cache
_IN_FULL = 2**9  # rows whose last products are formed at a time, for the same reason
_TOGETHER = 1024  # rows and columns of a comparison with everything


@dataclass(frozen=True)
class Neighbours:
    """The nearest rows of one side to every row of the other, best first.

    Attributes:
        indices: ``(rows, k)``.
        scores: cosines in fp32, -1 to 1, ``(rows, k)``.
        unproved: rows that had to be compared with everything in fp32.
    """

    indices: Ints
    scores: Floats
    unproved: int


def nearest(
    queries: Floats, corpus: Floats, k: int, precision: Precision | None = None
) -> Neighbours:
    """The ``k`` nearest rows of ``corpus`` to every query by cosine.

    Args:
        queries: ``(queries, dim)``, finite. A vector of length 0 has the cosine 0 with all.
        corpus: ``(corpus, dim)``, finite.
        k: at most the size of the corpus is returned.
        precision: of the search for candidates; the faster one here if None. No result depends on
            it but for the last bit of sums.
    """
    return _search(queries, corpus, k, precision, backward=False)[0]


def nearest_both_ways(
    source: Floats, target: Floats, k: int, precision: Precision | None = None
) -> tuple[Neighbours, Neighbours]:
    """The nearest targets of every source and the nearest sources of every target.

    Arguments as in :func:`nearest`. Beside a copy of the vectors in fp32 and a rounded one,
    memory holds ``HELD`` products, or those of one tile of rows where that is more.
    """
    forward, backward = _search(source, target, k, precision, backward=True)
    return forward, backward


def _search(
    rows: Floats, columns: Floats, k: int, precision: Precision | None, *, backward: bool
) -> list[Neighbours]:
    precision = precision or usual_precision(len(rows) * len(columns))
    left, right = Side(rows, precision, TILE // 2), Side(columns, precision, TILE)
    kept = search(left, right, k + SPARE + sum(MORE), backward=backward)
    sides = ((left, right), (right, left))
    return [_Finish(*pair, k).all_of(found) for pair, found in zip(sides, kept, strict=False)]


@dataclass
class _Finish:
    """From groups that may hold the nearest to the nearest.

    Attributes:
        side: whose neighbours are wanted.
        other: their neighbours' side.
        k: how many.
        indices: what is found, and ``CLOSE`` more, ``(n, k + CLOSE)``.
        scores: their cosines.
    """

    side: Side
    other: Side
    k: int
    indices: Tensor = field(init=False)
    scores: Tensor = field(init=False)

    def __post_init__(self) -> None:
        """Make room."""
        self.k = min(self.k, self.other.n)
        shape = self.side.n, min(self.k + CLOSE, self.other.n)
        self.indices = torch.zeros(shape, dtype=torch.int64)
        self.scores = torch.full(shape, -torch.inf)

    def all_of(self, kept: Kept) -> Neighbours:
        """Most rows are settled by their first groups, others by further ones or by all."""
        limits, groups = kept.best_first()
        limits = torch.cat([limits, self._outside(limits)], 1)
        rows = torch.arange(self.side.n)
        for here in _steps(kept.slots, self.k + SPARE, *MORE):
            rows = rows[~self._settled(rows, groups[rows, here], limits[rows, here.stop])]
        unsettled = [self._unshifted(some) for some in _parts(rows, TILE)]
        rows = torch.cat([rows[:0], *unsettled])
        wide = self.indices.shape[1]
        for some in _parts(rows, _TOGETHER):
            least = self.scores[some, -1] - _sums(self.side)
            found = _compared_with_all(self.side.exact[some], self.other, wide, least)
            self.indices[some], self.scores[some] = found
        for some in _parts(torch.arange(self.side.n), _IN_FULL):
            found = in_full(self.side.exact[some], self.other.exact, self.indices[some])
            self.indices[some], self.scores[some] = found
        nearest = self.indices[:, : self.k].numpy(), self.scores[:, : self.k].numpy()
        return Neighbours(*nearest, len(rows))

    def _unshifted(self, rows: Tensor) -> Tensor:
        """The rows that a search of their own does not settle either."""
        slots = min(max(ALONE, self.k + SPARE), self.other.groups)
        limits, groups = search_unshifted(self.side, self.other, rows, slots)
        self.scores[rows] = -torch.inf  # its groups are partly those that were looked at
        return rows[~self._settled(rows, groups, self._outside(limits)[:, 0])]

    def _outside(self, limits: Tensor) -> Tensor:
        """Upper limits ``(rows, 1)`` of products with groups that are not among those found."""
        least = limits[:, -1:]
        return least if limits.shape[1] < self.other.groups else torch.full_like(least, -torch.inf)

    def _settled(self, rows: Tensor, groups: Tensor, left_out: Tensor) -> Tensor:
        """Look for nearer ones in ``groups``; whether none outside is nearer, for every row.

        Args:
            rows: of the side, ``(rows,)``.
            groups: of the other, not looked at yet, ``(rows, slots)``.
            left_out: upper limits of the products of rows with groups outside, ``(rows,)``.
        """
        wide = self.indices.shape[1]
        for some in _slices(len(rows), _AGAIN // (groups.shape[1] * GROUP)):
            here = rows[some]
            items, products = _again(self.side, self.other, here, groups[some], wide)
            items = torch.cat([self.indices[here], items], 1)
            products = torch.cat([self.scores[here], products], 1)
            self.indices[here], self.scores[here] = _best(items, products, wide)
        limit = _limit(self.side, self.other, rows, left_out)
        proved: Tensor = self.scores[rows, self.k - 1] > limit
        return proved & (groups.min(1).values >= 0)  # else -0.0 lost to an empty slot


def in_full(rows: Tensor, corpus: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
    """Neighbours in the order of their products summed in double precision, and those, in fp32.

    Sums in fp32 differ in their last bits with the order of summation, and margins of sentences
    are so close to each other that pairs would depend on it.
    """
    known = corpus.index_select(0, indices.flatten()).view(*indices.shape, -1).double()
    return _best(indices, (known * rows[:, None]).sum(2).float(), indices.shape[1])


def _steps(n: int, *sizes: int) -> Iterator[slice]:
    first = 0
    for size in sizes:
        if first < n:
            yield slice(first, min(first + size, n))
        first += size


def _slices(n: int, size: int) -> Iterator[slice]:
    for first in range(0, n, max(1, size)):
        yield slice(first, first + max(1, size))


def _parts(rows: Tensor, size: int) -> Iterator[Tensor]:
    return (rows[some] for some in _slices(len(rows), size))


def _again(side: Side, other: Side, rows: Tensor, groups: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The ``k`` nearest of the members of ``groups`` ``(rows, slots)``, in fp32.

    All rows that ask for a group are multiplied with it together: a row is moved for each of its
    groups rather than the whole group for each of its rows.
    """
    asked, order = groups.flatten().clamp(min=0).sort()
    times = torch.bincount(asked)
    wanted = times.nonzero()[:, 0]
    askers = rows[order // groups.shape[1]]
    members = other.exact.view(other.groups, GROUP, -1)
    found, last = room(len(order), GROUP), 0
    for group, n in zip(wanted.tolist(), times[wanted].tolist(), strict=True):
        first, last = last, last + n
        some = side.exact.index_select(0, askers[first:last])
        torch.mm(some, members[group].T, out=found[first:last])
    products = room(*found.shape).index_copy_(0, order, found).view(len(rows), -1)
    best = [
        _best(*_named(groups[some], products[some], other.n), k)
        for some in _slices(len(rows), _CACHED // products.shape[1])
    ]
    items, highest = zip(*best, strict=True)
    return torch.cat(items), torch.cat(highest)


def _named(groups: Tensor, products: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """The members of groups and their products; what is no vector has the lowest."""
    items = (groups.long()[..., None] * GROUP + torch.arange(GROUP)).flatten(1)
    return items, products.masked_fill_((items < 0) | (items >= n), -torch.inf)


def _limit(side: Side, other: Side, rows: Tensor, highest: Tensor) -> Tensor:
    """What the cosine of a row with a vector cannot exceed whose product is at most ``highest``.

    With ``x = x' + dx`` and ``y = y' + dy``, ``|xy - x'y'| <= |x||dy| + |dx||y'|``. Sums of ``dim``
    products of vectors that are no longer than 1 are off by less than ``dim * 2**-24`` in fp32, in
    the search (up to twice, for vectors and shifts) and when multiplied again.
    """
    lengths, moved, lost = (x[rows] for x in (side.lengths, side.moved, side.lost))
    longest, farthest, most = (x.max() for x in (other.lengths, other.moved, other.lost))
    inexact = lengths * farthest + moved * (longest + farthest) + lost + most + _sums(side)
    limit: Tensor = highest + side.mean @ other.mean + inexact
    return limit


def _sums(side: Side) -> float:
    """How far the fp32 product of two vectors may be off, formed twice in different order."""
    return 3 * (side.exact.shape[1] + 8) * 2**-24


def _best(items: Tensor, products: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The ``k`` highest products of each row and their items; of equal ones the lower item.

    All of them where there are fewer.
    """
    bits = _in_order_of_size((products + 0.0).view(torch.int32))  # -0.0 becomes 0.0
    keys = (bits.long() << 32) | (0xFFFFFFFF - items)
    if k < keys.shape[1]:  # numpy parts them quicker than torch
        keys.numpy().partition(keys.shape[1] - k, axis=1)
        keys = keys[:, -k:]
    keys = keys.sort(1, descending=True).values
    return 0xFFFFFFFF - (keys & 0xFFFFFFFF), _in_order_of_size((keys >> 32).int()).view(
        torch.float32
    )


def _in_order_of_size(bits: Tensor) -> Tensor:
    """Bits of fp32 as integers that are ordered as the numbers are, and back."""
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)


def _compared_with_all(rows: Tensor, corpus: Side, k: int, least: Tensor) -> tuple[Tensor, Tensor]:
    """The ``k`` nearest of the whole corpus; at least ``k`` are known to be above ``least``."""
    items = torch.full((len(rows), k), corpus.n)
    products = least[:, None].repeat(1, k)
    for first in range(0, corpus.n, _TOGETHER):
        more = rows @ corpus.exact[first : min(first + _TOGETHER, corpus.n)].T
        nearer = (more > products[:, -1:]).any(0).nonzero()[:, 0]
        named = (nearer + first).expand(len(rows), -1)
        both = torch.cat([items, named], 1), torch.cat([products, more[:, nearer]], 1)
        items, products = _best(*both, k)
    return items, products
