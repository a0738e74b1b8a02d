"""Exact nearest neighbours by cosine, in both directions from one pass over the products.

Each block of products is computed once, in bf16 where the machine multiplies that much faster. Of a
block only the highest product of every group of ``GROUP`` neighbours is kept, along its rows and
along its columns: reductions that cost a small part of the product. What may be among the ``k``
nearest is multiplied again in fp32, and the nearest once more in double precision. That nothing
else may be is proved for every row by a bound on the rounding errors; a row without that proof is
compared with everything in fp32.

Of equal products the lower index is the nearer neighbour.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xstilts.models.device import Precision, faster_precision, measure

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

GROUP = 32  # neighbours that share one kept product
SPARE = 6  # groups beyond k that are multiplied again
CLOSE = 2  # neighbours beyond k that are put in order in double precision
RESERVE = 20  # further groups that are kept for rows that those do not settle
TILE = 2048  # rows and columns of one product, so that it stays in the processor's cache
HELD = 2**26  # groups' products of some rows with all columns that are held at a time
_WORTH_MEASURING = 2**26  # products below which fp32 is quicker than finding out
_AGAIN = 2**22  # products that are formed again at a time
_CACHED = 2**16  # of these, how many are put in order at a time, so that they stay in the cache
_IN_FULL = 2**7  # rows whose last products are formed at a time, so that they stay in the cache
_TOGETHER = 1024  # rows and columns of a comparison with everything
_NAMED = 2**16  # groups that 16 bits can name
_ROWS = 2**8  # whose highest products are looked for at a time


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
    memory holds twice ``HELD`` products, or those of one tile of rows where that is more.
    """
    forward, backward = _search(source, target, k, precision, backward=True)
    return forward, backward


def _search(
    rows: Floats, columns: Floats, k: int, precision: Precision | None, *, backward: bool
) -> list[Neighbours]:
    if precision is None:
        big = len(rows) * len(columns) >= _WORTH_MEASURING
        precision = _faster(torch.get_num_threads()) if big else "fp32"
    left, right = _Side(rows, precision), _Side(columns, precision)
    left.round(right, left=True)
    right.round(left, left=False)
    ahead = _Kept(left, min(k + SPARE + RESERVE, right.groups))
    back = _Kept(right, min(k + SPARE + RESERVE, left.groups))
    product = torch.empty(left.width, right.width, dtype=left.dtype)
    stripe = max(1, HELD // (left.width * right.groups))
    for tiles in _stripes(left.tiles, stripe):
        along = left.blank(len(tiles), left.width, right.groups)
        across = left.blank(len(tiles), left.width // GROUP, right.places)
        for i, tile in enumerate(tiles):
            for j in range(right.tiles):
                torch.mm(left.coarse[tile], right.coarse[j].T, out=product)
                found = _ordered(product)
                groups = slice(j * right.width // GROUP, (j + 1) * right.width // GROUP)
                along[i, :, groups] = found.view(left.width, GROUP, -1).amax(1)
                if backward:
                    places = slice(j * right.width, (j + 1) * right.width)
                    across[i, :, places] = found.view(GROUP, -1, right.width).amax(0)
        ahead.add(along.flatten(0, 1), tiles.start * left.width, 0)
        if backward:
            back.add(across.flatten(0, 1).T, 0, tiles.start * left.width // GROUP)
    sides = [(left, right, ahead), (right, left, back)]
    return [_finish(*side, k) for side in sides[: 1 + backward]]


@lru_cache
def _faster(threads: int) -> Precision:
    return faster_precision(measure(threads))


def _stripes(tiles: int, stripe: int) -> Iterator[range]:
    for first in range(0, tiles, stripe):
        yield range(first, min(first + stripe, tiles))


def _ordered(product: Tensor) -> Tensor:
    """Products as numbers that are quick to compare: positive bf16 are ordered as their bits are.

    Negative ones are ordered the wrong way round among themselves, but all below the positive; a
    search that would depend on their order is not taken as proved.
    """
    return product.view(torch.int16) if product.dtype == torch.bfloat16 else product


class _Side:
    """One side's vectors at length 1, filled up with zeros to whole groups.

    Attributes:
        n: number of vectors.
        exact: ``(places, dim)`` in fp32.
        mean: of the vectors, ``(dim,)``.
        coarse: after :meth:`round`, rounded for the search, ``(tiles, width, dim + 4)``. Place
            ``m * groups + g`` of a tile holds the tile's vector ``g * GROUP + m``, so that the
            vectors of a group stand far apart in a product and are reduced side by side, but are
            neighbours in ``exact``.
        lengths: of the vectors less their mean, ``(places,)``.
        moved: how far rounding moved those, ``(places,)``.
        lost: what rounding took from their shifts, ``(places,)``.
    """

    def __init__(self, vectors: Floats, precision: Precision) -> None:
        """Copy ``vectors``, a tile at a time."""
        self.n, dim = vectors.shape
        self.dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        self.tiles = -(-self.n // TILE)
        self.width = min(TILE, -(-self.n // GROUP) * GROUP)
        self.places = self.tiles * self.width
        self.groups = self.places // GROUP
        self.exact = torch.zeros(self.places, dim)
        total = torch.zeros(dim, dtype=torch.float64)
        for here in self._tiles():
            given = torch.from_numpy(np.array(vectors[here], np.float64))
            given /= given.norm(dim=1, keepdim=True).clamp(min=1e-300)
            self.exact[here][: len(given)] = given
            total += given.sum(0)
        self.mean = (total / self.n).float()

    def _tiles(self) -> Iterator[slice]:
        for first in range(0, self.places, self.width):
            yield slice(first, first + self.width)

    def round(self, other: "_Side", *, left: bool) -> None:
        """Make the vectors whose products are searched.

        Cosines of sentences are often all alike, 0.9 and more: too large for bf16 to tell apart.
        With the means ``p`` of the ``x`` and ``q`` of the ``y``, ``xy - pq = (x-p)(y-q) + u + v``
        where ``u = xq - pq`` and ``v = py - pq``: numbers around 0. So ``u`` and ``v`` stand in two
        places each, the second for what rounding took from the first, against ones on the other
        side (the left side has ``u``, the right side ``v``).
        """
        dim = self.exact.shape[1]
        level = self.mean @ other.mean
        self.coarse = torch.empty(self.tiles, self.width, dim + 4, dtype=self.dtype)
        self.lengths, self.moved, self.lost = (torch.empty(self.places) for _ in range(3))
        for tile, here in enumerate(self._tiles()):
            centred = self.exact[here] - self.mean
            shift = self.exact[here] @ other.mean - level
            high = shift.to(self.dtype)
            low = (shift - high.float()).to(self.dtype)
            rounded, ones = centred.to(self.dtype), torch.ones_like(high)
            more = [high, low, ones, ones] if left else [ones, ones, high, low]
            every = torch.cat([rounded, torch.stack(more, 1)], 1)
            self.coarse[tile] = every.view(-1, GROUP, dim + 4).transpose(0, 1).flatten(0, 1)
            self.lengths[here] = centred.norm(dim=1)
            self.moved[here] = (centred - rounded.float()).norm(dim=1)
            self.lost[here] = (shift - high.float() - low.float()).abs()

    def blank(self, *shape: int) -> Tensor:
        """Room for reduced products."""
        kept = torch.int16 if self.dtype == torch.bfloat16 else self.dtype
        return torch.empty(shape, dtype=kept)

    def in_order(self, kept: Tensor) -> Tensor:
        """``(places, slots)`` of the rounded vectors as ``(n, slots)`` of the exact ones."""
        tiled = kept.view(self.tiles, GROUP, self.width // GROUP, -1).transpose(1, 2)
        return tiled.reshape(self.places, -1)[: self.n]


class _Kept:
    """The groups with the highest products of every place of one side."""

    def __init__(self, side: _Side, slots: int) -> None:
        """Keep ``slots`` groups a place."""
        self.slots = slots
        least = -(2**15) if side.dtype == torch.bfloat16 else -torch.inf
        self.highest = side.blank(side.places, slots).fill_(least)
        self.group = torch.full((side.places, slots), -1, dtype=torch.int32)

    def add(self, products: Tensor, place: int, group: int) -> None:
        """Take in ``products`` ``(places, groups)``, the first of which are those named."""
        for left in range(0, products.shape[1], _NAMED):
            for top in range(0, len(products), _ROWS):
                some = products[top : top + _ROWS, left : left + _NAMED]
                here = slice(place + top, place + top + len(some))
                new, chosen = _highest(some, self.slots)
                highest = torch.cat([self.highest[here], new], 1)
                named = torch.cat([self.group[here], chosen + (group + left)], 1)
                self.highest[here], best = highest.topk(self.slots, sorted=False)
                self.group[here] = named.gather(1, best)


def _highest(products: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """The ``most`` highest of each row, in no order, and their columns.

    A product in bf16 and its column make one number, which numpy parts far quicker than torch
    parts the products.
    """
    if products.dtype != torch.int16:
        highest, columns = products.topk(min(most, products.shape[1]), sorted=False)
        return highest, columns.int()
    keys = (products.int() << 16) | torch.arange(products.shape[1], dtype=torch.int32)
    if most < products.shape[1]:
        keys.numpy().partition(products.shape[1] - most, axis=1)
        keys = keys[:, -most:]
    return (keys >> 16).short(), keys & 0xFFFF


def _finish(side: _Side, other: _Side, kept: _Kept, k: int) -> Neighbours:
    """Multiply the members of kept groups again and prove that no other is nearer.

    Most rows are settled by their first groups; the others go on with all that are kept.
    """
    k = min(k, other.n)
    wide = min(k + CLOSE, other.n)
    indices, scores = torch.empty(side.n, wide, dtype=torch.int64), torch.empty(side.n, wide)
    highest, order = side.in_order(kept.highest).sort(1, descending=True)
    groups = side.in_order(kept.group).gather(1, order)
    rows = torch.arange(side.n)
    for slots in sorted({min(k + SPARE, kept.slots), kept.slots}):
        for some in _parts(rows, _AGAIN // (slots * GROUP)):
            indices[some], scores[some] = _again(side, other, some, groups[some, :slots], wide)
        proved = groups[rows, :slots].min(1).values >= 0  # else -0.0 lost to an empty slot
        if slots < other.groups:
            left_out = highest[rows, min(slots, kept.slots - 1)]
            proved &= scores[rows, k - 1] > _limit(side, other, rows, left_out)
        rows = rows[~proved]
    for some in _parts(rows, _TOGETHER):
        least = scores[some, -1] - _sums(side)
        indices[some], scores[some] = _compared_with_all(side.exact[some], other, wide, least)
    for some in _parts(torch.arange(side.n), _IN_FULL):
        indices[some], scores[some] = in_full(side.exact[some], other.exact, indices[some])
    return Neighbours(indices[:, :k].numpy(), scores[:, :k].numpy(), len(rows))


def in_full(rows: Tensor, corpus: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
    """Neighbours in the order of their products summed in double precision, and those, in fp32.

    Sums in fp32 differ in their last bits with the order of summation, and margins of sentences
    are so close to each other that pairs would depend on it.
    """
    known = corpus[indices.flatten()].view(*indices.shape, -1).double()
    return _best(indices, (known * rows[:, None].double()).sum(2).float(), indices.shape[1])


def _slices(n: int, size: int) -> Iterator[slice]:
    for first in range(0, n, max(1, size)):
        yield slice(first, first + max(1, size))


def _parts(rows: Tensor, size: int) -> Iterator[Tensor]:
    return (rows[some] for some in _slices(len(rows), size))


def _again(
    side: _Side, other: _Side, rows: Tensor, groups: Tensor, k: int
) -> tuple[Tensor, Tensor]:
    """The ``k`` nearest of the members of ``groups`` ``(rows, slots)``, in fp32.

    All rows that ask for a group are multiplied with it together: a row is moved for each of its
    groups rather than the whole group for each of its rows.
    """
    asked, order = groups.flatten().clamp(min=0).sort()
    times = torch.bincount(asked)
    wanted = times.nonzero()[:, 0]
    askers = rows[order // groups.shape[1]]
    members = other.exact.view(other.groups, GROUP, -1)
    found, last = torch.empty(len(order), GROUP), 0
    for group, n in zip(wanted.tolist(), times[wanted].tolist(), strict=True):
        first, last = last, last + n
        torch.mm(side.exact[askers[first:last]], members[group].T, out=found[first:last])
    products = torch.empty_like(found).index_copy_(0, order, found).view(len(rows), -1)
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


def _limit(side: _Side, other: _Side, rows: Tensor, highest: Tensor) -> Tensor:
    """What the cosine of a row with a vector cannot exceed whose product is at most ``highest``.

    With ``x = x' + dx`` and ``y = y' + dy``, ``|xy - x'y'| <= |x||dy| + |dx||y'|``. Sums of ``dim``
    products of vectors that are no longer than 1 are off by less than ``dim * 2**-24`` in fp32, in
    the search (up to twice, for vectors and shifts) and when multiplied again; bf16 rounds a result
    by at most ``2**-8`` of it.
    """
    if highest.dtype == torch.int16:
        rounded = highest.view(torch.bfloat16).float() * (1 + 2**-8)
        rounded.masked_fill_(highest < 0, torch.inf)  # the order of negative products is not known
    else:
        rounded = highest
    lengths, moved, lost = (x[rows] for x in (side.lengths, side.moved, side.lost))
    longest, farthest, most = (x.max() for x in (other.lengths, other.moved, other.lost))
    inexact = lengths * farthest + moved * (longest + farthest) + lost + most + _sums(side)
    limit: Tensor = rounded + side.mean @ other.mean + inexact
    return limit


def _sums(side: _Side) -> float:
    """How far the fp32 product of two vectors may be off, formed twice in different order."""
    return 3 * (side.exact.shape[1] + 8) * 2**-24


def _best(items: Tensor, products: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The ``k`` highest products of each row and their items; of equal ones the lower item."""
    bits = (products + 0.0).view(torch.int32)  # -0.0 becomes 0.0
    ordered = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).long()
    chosen = ((ordered << 32) | (0xFFFFFFFF - items)).topk(k).indices
    return items.gather(1, chosen), products.gather(1, chosen)


def _compared_with_all(rows: Tensor, corpus: _Side, k: int, least: Tensor) -> tuple[Tensor, Tensor]:
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
