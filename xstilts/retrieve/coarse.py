"""The search for candidates: which groups of vectors may hold a row's nearest neighbours.

Each block of products is computed once, in bf16 where the machine multiplies that much faster. Of a
block only the highest product of every group of ``GROUP`` neighbours is kept, along its rows and
along its columns: reductions that cost a small part of the product.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xstilts.models.device import Precision, faster_precision, measure

Floats = NDArray[np.floating]

GROUP = 32  # neighbours that share one kept product
TILE = 2048  # columns of one product, and twice its rows, so that it stays in the processor's cache
HELD = 2**27  # groups' products of all columns with some rows that are held at a time
SAMPLE = 2**13  # vectors of which the principal axes are found
LEFT_OUT = 2**-7  # share of the squared lengths that may be searched as one number
_BELOW_ALL = -4.0  # shift of the zeros that fill up a tile
_NAMED = 2**16  # groups that 16 bits can name
_ROWS = 2**11  # whose highest products are looked for at a time
_FOLD = 8  # groups that are looked at together first
WORTH_MEASURING = 2**26  # products below which fp32 is quicker than finding out


def usual_precision(products: int) -> Precision:
    """The quicker precision for so many products on this machine."""
    return _faster(torch.get_num_threads()) if products >= WORTH_MEASURING else "fp32"


@lru_cache
def _faster(threads: int) -> Precision:
    return faster_precision(measure(threads))


def room(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Room for numbers. numpy asks for large pages, on which scattered rows are found quicker."""
    wide = np.int16 if dtype.itemsize == 2 else np.float32
    return torch.from_numpy(np.empty(shape, wide)).view(dtype)


class Side:
    """One side's vectors at length 1, filled up with zeros to whole groups.

    Attributes:
        n: number of vectors.
        exact: ``(places, dim)`` in fp32.
        mean: of the vectors, ``(dim,)``.
        coarse: after :meth:`round`, rounded for the search, ``(tiles, width, dim)``. Place
            ``m * groups + g`` of a tile holds the tile's vector ``g * GROUP + m``, so that the
            vectors of a group stand far apart in a product and are reduced side by side, but are
            neighbours in ``exact``.
        lengths: of the vectors less their mean, ``(places,)``.
        moved: how far turning and rounding moved those, ``(places,)``.
        shift: of the products of each with all of the other side, ``(places,)``.
        lost: what rounding took from that, ``(places,)``.
    """

    def __init__(self, vectors: Floats, precision: Precision, tile: int) -> None:
        """Copy ``vectors``, a tile at a time."""
        self.n, dim = vectors.shape
        self.dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        self.tiles = -(-self.n // tile)
        self.width = min(tile, -(-self.n // GROUP) * GROUP)
        self.places = self.tiles * self.width
        self.groups = self.places // GROUP
        self.exact = room(self.places, dim).zero_()
        total = torch.zeros(dim, dtype=torch.float64)
        for here in self._tiles():
            given = torch.from_numpy(np.array(vectors[here], np.float64))
            given *= _exact_scale(given)
            given /= given.norm(dim=1, keepdim=True).clamp(min=1e-300)
            self.exact[here][: len(given)] = given
            total += given.sum(0)
        self.mean = (total / self.n).float()

    def _tiles(self) -> Iterator[slice]:
        for first in range(0, self.places, self.width):
            yield slice(first, first + self.width)

    def round(self, other: "Side", axes: "Axes", *, left: bool) -> None:
        """Make the vectors whose products are searched.

        Cosines of sentences are often all alike, 0.9 and more: too large for bf16 to tell apart.
        With the means ``p`` of the ``x`` and ``q`` of the ``y``, ``xy - pq = (x-p)(y-q) + u + v``
        where ``u = xq - pq`` and ``v = py - pq``: numbers around 0. So ``u`` and ``v`` stand in two
        places each, the second for what rounding took from the first, against ones on the other
        side (the left side has ``u``, the right side ``v``).
        """
        dim = axes.width
        level = self.mean @ other.mean
        shape = (self.width, dim + 4) if left else (dim + 4, self.width)
        self.coarse = room(self.tiles, *shape, dtype=self.dtype)
        if not left:  # stands as it is multiplied, which spares every product a transposition
            self.coarse = self.coarse.transpose(1, 2)
        self._own = slice(dim, dim + 2) if left else slice(dim + 2, dim + 4)
        self.lengths, self.moved, self.lost, self.shift = torch.empty(4, self.places)
        for tile, here in enumerate(self._tiles()):
            centred = self.exact[here] - self.mean
            shift = self.exact[here] @ other.mean - level
            filling = max(0, self.n - here.start)
            centred[filling:], shift[filling:] = 0, _BELOW_ALL
            high = shift.to(self.dtype)
            low = (shift - high.float()).to(self.dtype)
            turned = axes.along(centred)
            rounded, ones = turned.to(self.dtype), torch.ones_like(high)
            more = [high, low, ones, ones] if left else [ones, ones, high, low]
            self.shift[here] = shift
            every = torch.cat([rounded, torch.stack(more, 1)], 1)
            self.coarse[tile] = every.view(-1, GROUP, dim + 4).transpose(0, 1).flatten(0, 1)
            lengths = turned.norm(dim=1) * (1 + 2 * axes.off)
            self.lengths[here] = lengths
            self.moved[here] = (turned - rounded.float()).norm(dim=1) + axes.off * lengths
            self.lost[here] = (shift - high.float() - low.float()).abs()

    def sample(self) -> Tensor:
        """Some of the vectors less their mean, ``(rows, dim)``."""
        some: Tensor = self.exact[: self.n : max(1, self.n // SAMPLE)] - self.mean
        return some

    def named(self, tile: int) -> slice:
        """The groups of a tile."""
        return slice(tile * self.width // GROUP, (tile + 1) * self.width // GROUP)

    def blank(self, *shape: int) -> Tensor:
        """Room for reduced products."""
        kept = torch.int16 if self.dtype == torch.bfloat16 else self.dtype
        return room(*shape, dtype=kept)

    def in_order(self, kept: Tensor) -> Tensor:
        """``(places, slots)`` of the rounded vectors as ``(n, slots)`` of the exact ones."""
        tiled = kept.view(self.tiles, GROUP, self.width // GROUP, -1).transpose(1, 2)
        return tiled.reshape(self.places, -1)[: self.n]

    def unshifted(self, rows: Tensor) -> Tensor:
        """The rounded vectors of some of the exact ones, their own shifts left out."""
        group, member = rows % self.width // GROUP, rows % GROUP
        found = self.coarse[rows // self.width, member * (self.width // GROUP) + group]
        found[:, self._own] = 0
        return found


def _exact_scale(rows: Tensor) -> Tensor:
    """Powers of two that bring every row's largest number near 1, so that no square overflows."""
    largest = torch.maximum(rows.amax(1, keepdim=True), -rows.amin(1, keepdim=True))
    exponents = np.frexp(largest.numpy())[1].clip(-1000, 1000)
    return torch.from_numpy(np.ldexp(1.0, -exponents))


class Axes:
    """The directions in which vectors are searched; fewer than they have where few hold nearly all.

    Vectors are turned to their principal axes. What one is along the last of those is searched as a
    single number, its length: the product of two lengths is the most that the product of two
    vectors can be. So limits become a little wider, by no more than rounding to bf16 makes them
    anyway, and every product is quicker (sentence embeddings: by a quarter and more).

    Attributes:
        width: of what is searched.
        off: how far turning may move a vector in fp32, as a share of its length.
    """

    def __init__(self, left: Side, right: Side) -> None:
        """Find the principal axes from a sample of both sides."""
        dim = left.exact.shape[1]
        self._axes: Tensor | None = None
        self.width, self.off = dim, 0.0
        if left.dtype != torch.bfloat16:
            return
        some = torch.cat([left.sample(), right.sample()])
        spread, axes = np.linalg.eigh((some.T @ some).double().numpy())
        beyond = np.cumsum(np.maximum(spread, 0))  # of the axes up to here, least first
        spared = int(np.searchsorted(beyond, LEFT_OUT * beyond[-1]))
        if spared * 8 >= dim:  # else turning costs what it spares
            self._axes = torch.from_numpy(axes[:, ::-1].astype(np.float32))
            self.width = dim - spared + 1
            self.off = (dim + 1) * dim**0.5 * 2**-24

    def along(self, centred: Tensor) -> Tensor:
        """``(rows, dim)`` vectors as ``(rows, width)``, the last of which are lengths."""
        if self._axes is None:
            return centred
        turned = centred @ self._axes
        rest = turned[:, self.width - 1 :].norm(dim=1) + self.off * centred.norm(dim=1)
        turned[:, self.width - 1] = rest * (1 + 2**-7)  # is not less when rounded
        return turned[:, : self.width]


class Kept:
    """The groups with the highest products of every place of one side."""

    def __init__(self, side: Side, slots: int) -> None:
        """Keep ``slots`` groups a place."""
        self.slots = slots
        self._side = side
        least = -(2**15) if side.dtype == torch.bfloat16 else -torch.inf
        self._highest = side.blank(side.places, slots).fill_(least)
        self._group = torch.full((side.places, slots), -1, dtype=torch.int32)

    def add(self, products: Tensor, place: int, group: int) -> None:
        """Take in ``products`` ``(places, groups)``, the first of which are those named."""
        for left in range(0, products.shape[1], _NAMED):
            for top in range(0, len(products), _ROWS):
                some = _by_row(products[top : top + _ROWS, left : left + _NAMED])
                here = slice(place + top, place + top + len(some))
                new, chosen = _highest(some, self.slots)
                highest = torch.cat([self._highest[here], new], 1)
                named = torch.cat([self._group[here], chosen + (group + left)], 1)
                self._highest[here], best = _parted(highest, self.slots)
                self._group[here] = named.gather(1, best.long())

    def best_first(self) -> tuple[Tensor, Tensor]:
        """Upper limits of the products of every vector's groups, ``(n, slots)``, and the groups.

        A group of -1 is none.
        """
        highest, order = self._side.in_order(self._highest).sort(1, descending=True)
        groups = self._side.in_order(self._group).gather(1, order)
        return _limits(highest), groups


def _limits(highest: Tensor) -> Tensor:
    """What products can have been before they were rounded: bf16 moves them by 2**-8 at most."""
    if highest.dtype != torch.int16:
        return highest
    products = highest.view(torch.bfloat16).float() * (1 + 2**-8)
    return products.masked_fill_(highest < 0, torch.inf)  # the order of negative ones is not known


def search(left: Side, right: Side, slots: int, *, backward: bool) -> list[Kept]:
    """The best groups of the right side for every place of the left one, and the other way round.

    Positive bf16 are ordered as the integers of their bits are, which are quicker to compare.
    Negative ones are ordered the wrong way round among themselves, but all below the positive.
    """
    axes = Axes(left, right)
    left.round(right, axes, left=True)
    right.round(left, axes, left=False)
    ahead = Kept(left, min(slots, right.groups))
    back = Kept(right, min(slots, left.groups))
    product = room(left.width, right.width, dtype=left.dtype)
    stripe = min(left.tiles, max(1, HELD // (left.width * right.groups)))
    along = left.blank(left.width, right.groups)
    across = left.blank(stripe * backward, left.width // GROUP, right.places)
    for tiles in _stripes(left.tiles, stripe):
        for i, tile in enumerate(tiles):
            for j in range(right.tiles):
                torch.mm(left.coarse[tile], right.coarse[j].T, out=product)
                found = _bits(product)
                torch.amax(found.view(left.width, GROUP, -1), 1, out=along[:, right.named(j)])
                if backward:
                    places = slice(j * right.width, (j + 1) * right.width)
                    torch.amax(found.view(GROUP, -1, right.width), 0, out=across[i, :, places])
            ahead.add(along, tile * left.width, 0)
        if backward:
            back.add(across[: len(tiles)].flatten(0, 1).T, 0, left.named(tiles.start).start)
    return [ahead, back][: 1 + backward]


def search_unshifted(side: Side, other: Side, rows: Tensor, slots: int) -> tuple[Tensor, Tensor]:
    """The best groups for some of the vectors, best first, with no digit spent on their shifts.

    A vector far from the mean has products that are all large and negative, too large for bf16 to
    tell apart. Its shift is the same in all of them and is added afterwards.

    Returns:
        upper limits of the products, ``(rows, slots)``, and the groups.
    """
    vectors = side.unshifted(rows)
    along = side.blank(len(rows), other.groups)
    for j in range(other.tiles):
        found = _bits(vectors @ other.coarse[j].T)
        torch.amax(found.view(len(rows), GROUP, -1), 1, out=along[:, other.named(j)])
    highest, groups = _highest(along, slots)
    highest, order = highest.sort(1, descending=True)
    return _limits(highest) + side.shift[rows, None], groups.gather(1, order)


def _stripes(tiles: int, stripe: int) -> Iterator[range]:
    for first in range(0, tiles, stripe):
        yield range(first, min(first + stripe, tiles))


def _bits(product: Tensor) -> Tensor:
    return product.view(torch.int16) if product.dtype == torch.bfloat16 else product


def _by_row(products: Tensor) -> Tensor:
    """``products``, rows in one piece; of columns in two copies, which are quicker than one."""
    return (products.T.contiguous().T if products.stride(0) == 1 else products).contiguous()


def _highest(products: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """The ``most`` highest of each row, in no order, and their columns.

    Where there are many, only the best columns of the best of folded ones are looked at: a column
    among the highest makes its fold one of the highest.
    """
    rows, columns = products.shape
    if columns % _FOLD or columns < 2 * _FOLD * most:
        return _parted(products, most)
    _, folds = _parted(products.view(rows, _FOLD, -1).amax(1), most)
    every = torch.arange(0, columns, columns // _FOLD)
    members = (folds.long()[:, None] + every[:, None]).flatten(1)
    highest, chosen = _parted(products.gather(1, members), most)
    return highest, members.gather(1, chosen.long()).int()


def _parted(products: Tensor, most: int) -> tuple[Tensor, Tensor]:
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
