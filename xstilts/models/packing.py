"""Rows without padding inside the blocks, and embedding gradients without a dense copy.

Between embeddings and head, the pieces of all rows of a batch stand one after the other, so no
product is spent on padding. On a CPU, blocks of BERT, RoBERTa and XLM-R are run by hand
(`xstilts.models.blocks`), embeddings included. Other encoders that take the library's attention
interface and keep their blocks in ``encoder.layer`` run the library's blocks on packed pieces; the
rest runs padded.
"""

from collections.abc import Callable, Collection, Iterator
from contextvars import ContextVar
from functools import partial
from typing import Any
from weakref import ref

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AttentionInterface, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPoolingAndCrossAttentions

from xstilts.models.attention import Layout, attend, attend_backward, layout_of
from xstilts.models.written import Written, dropout_of, is_plain, is_written

_NAME = "packed"
_LAYOUT: ContextVar[Layout] = ContextVar("layout")


class _Attention(torch.autograd.Function):
    """:func:`attend` for the library's blocks."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, layout: Layout, scale: float
    ) -> Tensor:
        heads, pieces, dim = query.shape
        qkv = query.new_zeros(pieces + 1, 3, heads, dim)
        for place, x in enumerate((query * scale, key, value)):
            qkv[:pieces, place] = x.transpose(0, 1)
        take = partial(torch.empty, device=query.device)
        out, kept = attend(qkv.flatten(1), heads, layout, take, take)
        ctx.save_for_backward(*kept)
        ctx.layout, ctx.scale = layout, scale
        return out[:pieces].view(pieces, heads, dim)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        pieces, heads, dim = grad.shape
        full = grad.new_zeros(pieces + 1, heads * dim)
        full[:pieces] = grad.flatten(1)
        take = partial(torch.empty, device=grad.device)
        out = attend_backward(full, ctx.saved_tensors, heads, ctx.layout, take)
        query, key, value = out[:pieces].view(pieces, 3, heads, dim).permute(1, 2, 0, 3)
        return query * ctx.scale, key, value, None, None


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
    def forward(ctx: Any, table: Tensor, ids: Tensor, padding: int | None) -> Tensor:
        ctx.save_for_backward(ids)
        ctx.table, ctx.padding = table, padding
        return F.embedding(ids, table)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, None, None]:
        (ids,) = ctx.saved_tensors
        flat, rows = ids.flatten(), grad.flatten(0, -2)
        if ctx.padding is not None:
            real = flat != ctx.padding
            flat, rows = flat[real], rows[real]
        if ctx.table.grad is None:
            ctx.table.grad = torch.zeros_like(ctx.table)
        ctx.table.grad.index_add_(0, flat, rows.to(ctx.table.dtype))
        return None, None, None


def _lookup(table: nn.Embedding, ids: Tensor) -> Tensor:
    out: Tensor = _Lookup.apply(table.weight, ids, table.padding_idx)  # type: ignore[no-untyped-call]
    return out


def _runs(module: nn.Module, forward: Callable[..., Any]) -> None:
    """Have ``forward(module, ...)`` run a module from now on.

    It is known weakly: through a function that holds it a model would hold itself, and all its
    memory, until the collector came by.
    """
    weakly = ref(module)

    def run(*inputs: Any, **named: Any) -> Any:
        return forward(weakly(), *inputs, **named)

    module.forward = run


def can_pack(encoder: PreTrainedModel) -> bool:
    """Whether this encoder's blocks can run without padding, and no dropout forbids it."""
    return is_written(encoder) or (
        bool(getattr(encoder, "_supports_attention_backend", False))
        and isinstance(getattr(getattr(encoder, "encoder", None), "layer", None), nn.ModuleList)
        and dropout_of(encoder) == 0.0
    )


def pack(*encoders: PreTrainedModel) -> Written | None:
    """Make an encoder run its blocks without padding; state names stay as they were.

    Args:
        encoders: one, or several that have everything but their poolers in common.

    Returns:
        what runs the blocks if they are run by hand.
    """
    first = encoders[0]
    if is_written(first):
        written = Written(first)
        for encoder in encoders:
            _runs(encoder, _written(written, dropout_of(encoder)))
        return written
    _pack_blocks(first)
    for encoder in encoders:
        encoder.config._attn_implementation = _NAME
        _runs(encoder, _packed)
    return None


def _written(written: Written, rate: float) -> Callable[..., Any]:
    def forward(
        encoder: PreTrainedModel,
        input_ids: Tensor,
        attention_mask: Tensor,
        token_type_ids: Tensor | None = None,
        **more: Any,
    ) -> Any:
        if encoder.training and rate:
            written.forget()  # an update of these weights follows
            return type(encoder).forward(encoder, input_ids, attention_mask, token_type_ids, **more)
        top, every = len(written.blocks), bool(more.get("output_hidden_states"))
        layers = range(top + 1) if every else (top,)
        states = written(input_ids, attention_mask, token_type_ids, layers)
        pooler = getattr(encoder, "pooler", None)
        pooled = None if pooler is None else pooler(states[-1])
        return BaseModelOutputWithPoolingAndCrossAttentions(
            last_hidden_state=states[-1],
            pooler_output=pooled,
            hidden_states=states if every else None,
        )

    return forward


def _pack_blocks(encoder: PreTrainedModel) -> None:
    def around(
        blocks: nn.Module, hidden: Tensor, attention_mask: Tensor | None = None, **more: Any
    ) -> Any:
        places = _LAYOUT.get().places
        flat = hidden.flatten(0, 1)
        inputs = flat.index_select(0, places)[None]
        out = type(blocks).forward(blocks, inputs, attention_mask=None, **more)
        spread = torch.zeros_like(flat, dtype=out.last_hidden_state.dtype)
        spread = spread.index_copy(0, places, out.last_hidden_state[0])
        out.last_hidden_state = spread.view_as(hidden)
        return out

    _runs(encoder.get_submodule("encoder"), around)


def _packed(
    encoder: PreTrainedModel, input_ids: Tensor, attention_mask: Tensor, **more: Any
) -> Any:
    _LAYOUT.set(layout_of(attention_mask, int(encoder.config.num_attention_heads)))
    return type(encoder).forward(
        encoder, input_ids=input_ids, attention_mask=attention_mask, **more
    )


def layer_outputs(
    encoder: PreTrainedModel, layers: Collection[int]
) -> Callable[..., Iterator[tuple[int, Tensor]]]:
    """How to get the outputs of some layers in one pass, with nothing above run if possible.

    Args:
        encoder: any encoder of the library, in evaluation mode.
        layers: 0 for the embeddings, i for block i.

    Returns:
        a function of ``ids``, ``mask`` and ``types`` (or None), each ``(rows, length)``, that
        yields each layer and its output, ``(rows, length, dim)`` in fp32, lowest first; what it
        has at padding means nothing.
    """
    if is_written(encoder):
        return partial(Written(encoder).outputs, layers=layers)

    def library(ids: Tensor, mask: Tensor, types: Tensor | None) -> Iterator[tuple[int, Tensor]]:
        named = {} if types is None else {"token_type_ids": types}
        out = encoder(input_ids=ids, attention_mask=mask, output_hidden_states=True, **named)
        for layer in sorted(layers):
            yield layer, out.hidden_states[layer].float()

    return library


def gather_embedding_gradients(encoder: PreTrainedModel) -> None:
    """Give the piece embeddings a backward pass that costs what the batch costs, not the table."""
    table = encoder.get_input_embeddings()
    if isinstance(table, nn.Embedding) and is_plain(table):
        _runs(table, _lookup)
