"""Attention within the rows of a batch whose pieces stand one after the other.

Rows of similar length form a group that is padded for the batched products only. Widths of groups
are multiples of a vector register's lanes, where softmax is several times faster. On a CPU the
first product of a shape costs many times what it costs again, so products are of 8, 4, 2 or 1 rows:
few shapes, which come again in every update.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

_LANES = 16
_SIMILAR = 0.6  # rows of one group would be at least this share as wide in a group of their own
_WIDEST = 2**21  # scores a head that a group may have, so that they stay in the cache
_AT_ONCE = 8  # rows of one batched product


@dataclass(frozen=True)
class Group:
    """Rows of similar length, longest first.

    Attributes:
        rows: number of rows.
        width: places a row has in the group, a multiple of the lanes.
        start: first place of the group among the places of all groups.
        bias: -inf at places without a piece, else 0, ``(rows * heads, 1, width)``.
        parts: ``rows * heads`` as a sum, each for one batched product.
    """

    rows: int
    width: int
    start: int
    bias: Tensor
    parts: list[int]


@dataclass(frozen=True)
class Layout:
    """How the rows of a batch are packed.

    Attributes:
        places: index of every piece in the padded ``rows * length``, longest rows first.
        groups: attention groups, in that order.
        slots: index of every piece among the places of all groups.
        sources: piece at every place of the groups; one past the last piece where there is none.
    """

    places: Tensor
    groups: tuple[Group, ...]
    slots: Tensor
    sources: Tensor


def products_in(device: str) -> torch.dtype:
    """Number format of products where the caller stands."""
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else torch.float32


def layout_of(mask: Tensor, heads: int) -> Layout:
    """How to pack rows.

    Args:
        mask: 1 for a piece, 0 for padding on the right, ``(rows, length)``.
        heads: attention heads.
    """
    dtype = products_in(mask.device.type)
    lengths, order = mask.sum(-1).sort(descending=True, stable=True)
    steps = torch.arange(mask.shape[-1], device=mask.device)
    real = steps < lengths[:, None]
    places = (order[:, None] * mask.shape[-1] + steps)[real]
    sizes = lengths.tolist()
    groups: list[Group] = []
    slots, first, start = [], 0, 0
    while first < len(sizes):
        width, last = _width(sizes[first]), first + 1
        while last < len(sizes) and _alike(sizes[last], width) and _fits(last - first, width):
            last += 1
        bias = _bias(lengths[first:last], width, heads, dtype)
        parts = _parts(last - first, heads, mask.device.type)
        groups.append(Group(last - first, width, start, bias, parts))
        begins = start + width * torch.arange(last - first, device=mask.device)
        slots.append((begins[:, None] + steps)[real[first:last]])
        start += width * (last - first)
        first = last
    slot = torch.cat(slots)
    sources = torch.full((start,), len(slot), device=mask.device)
    sources[slot] = torch.arange(len(slot), device=mask.device)
    return Layout(places, tuple(groups), slot, sources)


def _width(pieces: int) -> int:
    return -(-max(pieces, 1) // _LANES) * _LANES


def _alike(pieces: int, width: int) -> bool:
    return _width(pieces) >= _SIMILAR * width


def _fits(rows: int, width: int) -> bool:
    return (rows + 1) * width * width <= _WIDEST


def _parts(rows: int, heads: int, device: str) -> list[int]:
    """A group's rows times heads as a sum of a few sizes; whole where kernels are there already."""
    if device != "cpu":
        return [rows * heads]
    parts = [_AT_ONCE * heads] * (rows // _AT_ONCE)
    return parts + [size * heads for size in (4, 2, 1) if rows & size]


Kept = tuple[Tensor, ...]
Take = Callable[..., Tensor]  # gives uninitialised memory, as torch.empty(*shape, dtype=...) does


def attend(
    qkv: Tensor, heads: int, layout: Layout, keep: Take, scratch: Take
) -> tuple[Tensor, Kept]:
    """Softmax attention within each row; sums of the softmax are fp32.

    Vaswani et al. 2017, section 3.2.1.

    Args:
        qkv: queries, already divided by the root of their width, keys and values, and after the
            last piece one row of zeros or more, ``(rows, 3 * dim)``.
        heads: attention heads.
        layout: how the rows are packed.
        keep: memory for the results.
        scratch: memory that is needed here only.

    Returns:
        what each piece gathered, zero in further rows, ``(rows, dim)``; and what the backward pass
        needs.
    """
    dim, dtype = qkv.shape[1] // 3, qkv.dtype
    spread = scratch(len(layout.sources), 3 * dim, dtype=dtype)
    torch.index_select(qkv, 0, layout.sources, out=spread)
    out = scratch(len(layout.sources), dim, dtype=dtype)
    kept: list[Tensor] = []
    for group in layout.groups:
        q, k, v = _by_head(spread, group, 3, heads, keep)
        scores, keys = _square(q, keep), k.transpose(1, 2)
        for bias, one, other, into in _split(group, group.bias, q, keys, scores):
            torch.baddbmm(bias, one, other, out=into)
        exact, share = _share(scores, keep)
        gathered = _product(share, v, group, scratch(*q.shape, dtype=dtype))
        _by_piece(gathered[None], out, group, heads)
        kept += [q, k, v, exact, share]
    return _gathered(out, layout, keep(len(qkv), dim, dtype=dtype)), tuple(kept)


def attend_backward(grad: Tensor, kept: Kept, heads: int, layout: Layout, scratch: Take) -> Tensor:
    """The gradient for :func:`attend`'s ``qkv``, ``(rows, 3 * dim)``, zero after the last piece.

    Args:
        grad: of its output, with a row of zeros after the last piece, ``(rows, dim)``.
        kept: its second result.
        heads: attention heads.
        layout: how the rows are packed.
        scratch: memory for the result and on the way.
    """
    dim, dtype = grad.shape[1], grad.dtype
    spread = scratch(len(layout.sources), dim, dtype=dtype)
    torch.index_select(grad, 0, layout.sources, out=spread)
    out = scratch(len(layout.sources), 3 * dim, dtype=dtype)
    for i, group in enumerate(layout.groups):
        q, k, v, exact, share = kept[5 * i : 5 * i + 5]
        g = _by_head(spread, group, 1, heads, scratch)[0]
        of_share = _product(g, v.transpose(1, 2), group, _square(g, scratch))
        _softmax_backward(of_share, exact, scratch)
        parts = scratch(3, *g.shape, dtype=dtype)
        _product(of_share, k, group, parts[0])
        _product(of_share.transpose(1, 2), q, group, parts[1])
        _product(share.transpose(1, 2), g, group, parts[2])
        _by_piece(parts, out, group, heads)
    return _gathered(out, layout, scratch(len(grad), 3 * dim, dtype=dtype))


def _gathered(spread: Tensor, layout: Layout, out: Tensor) -> Tensor:
    """What the places of the groups hold for each piece, and zero after the last one."""
    pieces = len(layout.slots)
    torch.index_select(spread, 0, layout.slots, out=out[:pieces])
    out[pieces:] = 0
    return out


def _product(one: Tensor, other: Tensor, group: Group, out: Tensor) -> Tensor:
    """The batched product, part by part."""
    for a, b, into in _split(group, one, other, out):
        torch.bmm(a, b, out=into)
    return out


def _split(group: Group, *whole: Tensor) -> Iterator[tuple[Tensor, ...]]:
    return zip(*(torch.split(x, group.parts) for x in whole), strict=True)


def _square(x: Tensor, space: Take) -> Tensor:
    """Memory for the scores of ``(rows * heads, width, dim of a head)``."""
    return space(x.shape[0], x.shape[1], x.shape[1], dtype=x.dtype)


def _share(scores: Tensor, space: Take) -> tuple[Tensor, Tensor]:
    """Softmax in fp32, and in the format of the scores, in place of them."""
    if scores.dtype == torch.float32:
        torch.softmax(scores, -1, out=scores)
        return scores, scores
    exact = space(*scores.shape, dtype=torch.float32).copy_(scores)
    torch.softmax(exact, -1, out=exact)
    return exact, scores.copy_(exact)


def _softmax_backward(grad: Tensor, exact: Tensor, scratch: Take) -> None:
    """Turn the gradient of shares into that of scores.

    Shares are fp32 here: rounded ones do not add up to 1, and whatever all values have in common
    would leak into the gradient.
    """
    if grad.dtype == torch.float32:
        torch._softmax_backward_data(grad, exact, -1, grad.dtype, grad_input=grad)
        return
    wide = scratch(*grad.shape, dtype=torch.float32).copy_(grad)
    torch._softmax_backward_data(wide, exact, -1, wide.dtype, grad_input=wide)
    grad.copy_(wide)


def _bias(lengths: Tensor, width: int, heads: int, dtype: torch.dtype) -> Tensor:
    absent = torch.arange(width, device=lengths.device) >= lengths[:, None]
    bias = torch.zeros(absent.shape, dtype=dtype, device=lengths.device)
    return bias.masked_fill_(absent, float("-inf")).repeat_interleave(heads, 0)[:, None]


def _by_head(spread: Tensor, group: Group, parts: int, heads: int, space: Take) -> Tensor:
    """The group's places as ``(parts, rows * heads, width, dim of a head)``."""
    part = spread[group.start : group.start + group.rows * group.width]
    part = part.view(group.rows, group.width, parts, heads, -1).permute(2, 0, 3, 1, 4)
    out = space(*part.shape, dtype=spread.dtype).copy_(part)
    return out.flatten(1, 2)


def _by_piece(parts: Tensor, out: Tensor, group: Group, heads: int) -> None:
    """Put ``(parts, rows * heads, width, dim of a head)`` into the group's places of ``out``."""
    part = out[group.start : group.start + group.rows * group.width]
    shape = (group.rows, group.width, len(parts), heads, parts.shape[-1])
    source = parts.view(len(parts), group.rows, heads, group.width, -1)
    part.view(shape).copy_(source.permute(1, 3, 0, 2, 4))
