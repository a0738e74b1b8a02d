"""Rows without padding inside the blocks, and embedding gradients without a dense copy.

Between embeddings and head, the pieces of all rows of a batch stand one after the other, so no
product is spent on padding; attention alone looks at rows, in groups of similar length. This works
for encoders that take the library's attention interface and keep their blocks in
``encoder.layer`` (BERT, RoBERTa, XLM-R and their kin); others run padded.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AttentionInterface, PreTrainedModel

_NAME = "packed"
_SIMILAR = 0.75  # rows of one attention group are at least this share of its longest


@dataclass(frozen=True)
class Group:
    """Rows of similar length.

    Attributes:
        start: first piece of the group among all packed pieces.
        pieces: how many it has.
        rows: number of rows.
        longest: pieces of its longest row.
        slots: where each piece stands in the padded ``rows * longest``; None if none is padding.
        padding: True at padded places, ``(rows, 1, longest)``; None if there is none.
    """

    start: int
    pieces: int
    rows: int
    longest: int
    slots: Tensor | None
    padding: Tensor | None


@dataclass(frozen=True)
class Layout:
    """How the rows of a batch are packed.

    Attributes:
        places: index of every piece in the padded ``rows * length``, longest rows first.
        groups: attention groups, in that order.
    """

    places: Tensor
    groups: tuple[Group, ...]


_LAYOUT: ContextVar[Layout] = ContextVar("layout")


def layout_of(mask: Tensor) -> Layout:
    """The packing of rows with the given mask, ``(rows, length)``, padding on the right."""
    lengths = mask.sum(-1)
    order = torch.argsort(lengths, descending=True, stable=True)
    sizes = lengths[order].tolist()
    width = mask.shape[-1]
    steps = torch.arange(width, device=mask.device)
    places = (order[:, None] * width + steps)[steps < lengths[order][:, None]]
    groups, first, start = [], 0, 0
    while first < len(sizes):
        longest = sizes[first]
        last = first + 1
        while last < len(sizes) and sizes[last] >= _SIMILAR * longest:
            last += 1
        groups.append(_group(lengths[order][first:last], start, longest))
        start += groups[-1].pieces
        first = last
    return Layout(places, tuple(groups))


def _group(lengths: Tensor, start: int, longest: int) -> Group:
    real = torch.arange(longest, device=lengths.device) < lengths[:, None]
    pieces = int(lengths.sum())
    if pieces == real.numel():
        return Group(start, pieces, len(lengths), longest, None, None)
    slots = real.flatten().nonzero()[:, 0]
    return Group(start, pieces, len(lengths), longest, slots, ~real[:, None])


class _Attention(torch.autograd.Function):
    """Softmax attention within each row of a packing; its backward pass is written out.

    Vaswani et al. 2017, section 3.2.1; sums of the softmax are fp32.
    """

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, layout: Layout, scale: float
    ) -> Tensor:
        heads, pieces, dim = query.shape
        out = query.new_empty(pieces, heads, dim)
        kept: list[Tensor] = []
        for group in layout.groups:
            q, k, v = (_pad(x, group) for x in (query, key, value))
            scores = (q @ k.transpose(-1, -2)).float() * scale
            if group.padding is not None:
                scores = scores.masked_fill(group.padding, float("-inf"))
            share = scores.softmax(-1).to(query.dtype)
            _unpad(share @ v, group, out)
            kept += [q, k, v, share]
        ctx.save_for_backward(*kept)
        ctx.layout, ctx.scale = layout, scale
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        pieces, heads, dim = grad.shape
        out = [grad.new_empty(pieces, heads, dim) for _ in range(3)]
        kept = ctx.saved_tensors
        grad = grad.transpose(0, 1)
        for i, group in enumerate(ctx.layout.groups):
            q, k, v, share = kept[4 * i : 4 * i + 4]
            g = _pad(grad, group)
            of_share = (g @ v.transpose(-1, -2)).float()
            mean = (of_share * share).sum(-1, keepdim=True)
            of_scores = ((of_share - mean) * share * ctx.scale).to(q.dtype)
            _unpad(of_scores @ k, group, out[0])
            _unpad(of_scores.transpose(-1, -2) @ q, group, out[1])
            _unpad(share.transpose(-1, -2) @ g, group, out[2])
        return (*(x.transpose(0, 1) for x in out), None, None)


def _pad(x: Tensor, group: Group) -> Tensor:
    """The group's pieces of ``(heads, pieces, dim)`` as ``(heads, rows, longest, dim)``."""
    part = x[:, group.start : group.start + group.pieces]
    if group.slots is not None:
        padded = x.new_zeros(x.shape[0], group.rows * group.longest, x.shape[2])
        part = padded.index_copy_(1, group.slots, part.contiguous())
    return part.reshape(x.shape[0], group.rows, group.longest, x.shape[2])


def _unpad(x: Tensor, group: Group, out: Tensor) -> None:
    """Put ``(heads, rows, longest, dim)`` into the group's places of ``(pieces, heads, dim)``."""
    flat = x.flatten(1, 2)
    if group.slots is not None:
        flat = flat.index_select(1, group.slots)
    out[group.start : group.start + group.pieces] = flat.transpose(0, 1)


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    assert dropout == 0.0, "packed attention has no dropout"
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    out = _Attention.apply(query[0], key[0], value[0], _LAYOUT.get(), scale)  # type: ignore[no-untyped-call]
    return out[None], None


AttentionInterface.register(_NAME, _attend)


class _Lookup(torch.autograd.Function):
    """An embedding table whose gradient is added where it belongs, with no dense copy."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, ids: Tensor, padding: int | None) -> Tensor:  # type: ignore[override]
        ctx.save_for_backward(ids)
        ctx.table, ctx.padding = table, padding
        return F.embedding(ids, table)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, None, None]:  # type: ignore[override]
        (ids,) = ctx.saved_tensors
        flat, rows = ids.flatten(), grad.flatten(0, -2)
        if ctx.padding is not None:
            real = flat != ctx.padding
            flat, rows = flat[real], rows[real]
        if ctx.table.grad is None:
            ctx.table.grad = torch.zeros_like(ctx.table)
        ctx.table.grad.index_add_(0, flat, rows.to(ctx.table.dtype))
        return None, None, None


def can_pack(encoder: PreTrainedModel) -> bool:
    """Whether this encoder's blocks can run without padding, and no dropout forbids it."""
    rates = [m.p for m in encoder.modules() if isinstance(m, nn.Dropout)]
    return (
        bool(getattr(encoder, "_supports_attention_backend", False))
        and isinstance(getattr(getattr(encoder, "encoder", None), "layer", None), nn.ModuleList)
        and max(rates, default=0.0) == 0.0
    )


def pack(encoder: PreTrainedModel) -> Callable[[Tensor], None]:
    """Make ``encoder`` run its blocks without padding; state names stay as they were.

    Returns:
        a function that is given the mask, ``(rows, length)``, before every forward pass.
    """
    encoder.config._attn_implementation = _NAME
    blocks: Any = encoder.encoder
    inner = blocks.forward

    def forward(hidden: Tensor, attention_mask: Tensor | None = None, **more: Any) -> Any:
        layout = _LAYOUT.get()
        flat = hidden.flatten(0, 1)
        out = inner(flat.index_select(0, layout.places)[None], attention_mask=None, **more)
        spread = torch.zeros_like(flat, dtype=out.last_hidden_state.dtype)
        spread = spread.index_copy(0, layout.places, out.last_hidden_state[0])
        out.last_hidden_state = spread.view_as(hidden)
        return out

    blocks.forward = forward
    return lambda mask: _set_layout(mask)


def _set_layout(mask: Tensor) -> None:
    _LAYOUT.set(layout_of(mask))


def gather_embedding_gradients(encoder: PreTrainedModel) -> None:
    """Give the piece embeddings a backward pass that costs what the batch costs, not the table."""
    table = encoder.get_input_embeddings()
    if type(table) is not nn.Embedding or table.max_norm is not None or table.sparse:
        return
    table.forward = lambda ids: _Lookup.apply(table.weight, ids, table.padding_idx)  # type: ignore[method-assign]
