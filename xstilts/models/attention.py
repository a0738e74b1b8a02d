"""Attention within the rows of a batch whose pieces stand one after the other.

Rows of similar length form a group that is padded for the batched products only. Widths of groups
are multiples of a vector register's lanes, where softmax is several times faster.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

_LANES = 16
_SIMILAR = 0.75  # rows of one group are at least this share of its longest
_WIDEST = 2**21  # scores a head that a group may have, so that they stay in the cache


@dataclass(frozen=True)
class Group:
    """Rows of similar length, longest first.

    Attributes:
        rows: number of rows.
        width: places a row has in the group, a multiple of the lanes.
        start: first place of the group among the places of all groups.
        lengths: pieces of its rows, ``(rows,)``.
    """

    rows: int
    width: int
    start: int
    lengths: Tensor


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


def layout_of(mask: Tensor) -> Layout:
    """The packing of rows with the given mask, ``(rows, length)``, padding on the right."""
    lengths, order = mask.sum(-1).sort(descending=True, stable=True)
    steps = torch.arange(mask.shape[-1], device=mask.device)
    real = steps < lengths[:, None]
    places = (order[:, None] * mask.shape[-1] + steps)[real]
    sizes = lengths.tolist()
    groups: list[Group] = []
    slots, first, start = [], 0, 0
    while first < len(sizes):
        width = -(-max(sizes[first], 1) // _LANES) * _LANES
        last = first + 1
        while last < len(sizes) and sizes[last] >= _SIMILAR * width and _fits(last - first, width):
            last += 1
        groups.append(Group(last - first, width, start, lengths[first:last]))
        begins = start + width * torch.arange(last - first, device=mask.device)
        slots.append((begins[:, None] + steps)[real[first:last]])
        start += width * (last - first)
        first = last
    slot = torch.cat(slots)
    sources = torch.full((start,), len(slot), device=mask.device)
    sources[slot] = torch.arange(len(slot), device=mask.device)
    return Layout(places, tuple(groups), slot, sources)


def _fits(rows: int, width: int) -> bool:
    return (rows + 1) * width * width <= _WIDEST


Kept = tuple[Tensor, ...]


def attend(qkv: Tensor, heads: int, layout: Layout) -> tuple[Tensor, Kept]:
    """Softmax attention within each row; sums of the softmax are fp32.

    Vaswani et al. 2017, section 3.2.1.

    Args:
        qkv: queries, already divided by the root of their width, keys and values, and after the
            last piece a row of zeros, ``(pieces + 1, 3 * dim)``.
        heads: attention heads.
        layout: how the rows are packed.

    Returns:
        what each piece gathered, ``(pieces, dim)``, and what the backward pass needs.
    """
    dim = qkv.shape[1] // 3
    spread = qkv.index_select(0, layout.sources)
    out = spread.new_empty(len(layout.sources), dim)
    kept: list[Tensor] = []
    for group in layout.groups:
        q, k, v = _by_head(spread, group, 3, heads)
        scores = torch.baddbmm(_bias(group, heads, qkv.dtype), q, k.transpose(1, 2))
        share = scores.float().softmax(-1).to(qkv.dtype)
        _by_piece(torch.bmm(share, v)[None], out, group, heads)
        kept += [q, k, v, share]
    return out.index_select(0, layout.slots), tuple(kept)


def attend_backward(grad: Tensor, kept: Kept, heads: int, layout: Layout) -> Tensor:
    """The gradient for :func:`attend`'s ``qkv``, ``(pieces, 3 * dim)``.

    Args:
        grad: of its output, and a row of zeros, ``(pieces + 1, dim)``.
        kept: its second result.
        heads: attention heads.
        layout: how the rows are packed.
    """
    spread = grad.index_select(0, layout.sources)
    out = grad.new_empty(len(layout.sources), 3 * grad.shape[1])
    for i, group in enumerate(layout.groups):
        q, k, v, share = kept[4 * i : 4 * i + 4]
        g = _by_head(spread, group, 1, heads)[0]
        of_share = torch.bmm(g, v.transpose(1, 2))
        of_scores = torch._softmax_backward_data(of_share, share, -1, share.dtype)
        parts = g.new_empty(3, *g.shape)
        torch.bmm(of_scores, k, out=parts[0])
        torch.bmm(of_scores.transpose(1, 2), q, out=parts[1])
        torch.bmm(share.transpose(1, 2), g, out=parts[2])
        _by_piece(parts, out, group, heads)
    return out.index_select(0, layout.slots)


def _bias(group: Group, heads: int, dtype: torch.dtype) -> Tensor:
    """-inf at places without a piece, ``(rows * heads, 1, width)``."""
    steps = torch.arange(group.width, device=group.lengths.device)
    bias = torch.zeros(group.rows, group.width, dtype=dtype, device=group.lengths.device)
    bias.masked_fill_(steps >= group.lengths[:, None], float("-inf"))
    return bias.repeat_interleave(heads, 0)[:, None]


def _by_head(spread: Tensor, group: Group, parts: int, heads: int) -> Tensor:
    """The group's places as ``(parts, rows * heads, width, dim of a head)``."""
    part = spread[group.start : group.start + group.rows * group.width]
    part = part.view(group.rows, group.width, parts, heads, -1).permute(2, 0, 3, 1, 4)
    return part.reshape(parts, group.rows * heads, group.width, -1)


def _by_piece(parts: Tensor, out: Tensor, group: Group, heads: int) -> None:
    """Put ``(parts, rows * heads, width, dim of a head)`` into the group's places of ``out``."""
    part = out[group.start : group.start + group.rows * group.width]
    shape = (group.rows, group.width, len(parts), heads, parts.shape[-1])
    source = parts.view(len(parts), group.rows, heads, group.width, -1)
    part.view(shape).copy_(source.permute(1, 3, 0, 2, 4))


__all__ = ["Callable", "Group", "Layout", "attend", "attend_backward", "layout_of"]
