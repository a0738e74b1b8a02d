"""Encoders of the BERT family on a CPU, embeddings and blocks written out forward and backward."""

from collections.abc import Collection, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from xstilts.models.attention import Layout, layout_of, products_in
from xstilts.models.blocks import Block, Saved, is_known, norm_backward
from xstilts.models.workspace import Workspace

_FAMILIES = ("bert", "roberta", "xlm-roberta", "camembert")
_TABLES = ("word_embeddings", "token_type_embeddings", "position_embeddings")


class Written:
    """A BERT, RoBERTa or XLM-R encoder whose embeddings and blocks are run by hand on a CPU.

    The encoder keeps its parameters. Gradients are added to their ``.grad`` by the backward pass
    itself. One thread at a time.
    """

    def __init__(self, encoder: PreTrainedModel) -> None:
        """Run ``encoder``, for which :func:`is_written` holds."""
        embeddings: Any = encoder.embeddings
        layers: Any = encoder.encoder
        self.heads = int(encoder.config.num_attention_heads)
        self.embeddings = embeddings
        self.tables: list[nn.Embedding] = [getattr(embeddings, name) for name in _TABLES]
        self.blocks = [Block(layer) for layer in layers.layer]
        self.scratch = Workspace()
        self.spare: list[Workspace] = []

    def __call__(self, ids: Tensor, mask: Tensor, types: Tensor | None = None) -> Tensor:
        """Output of the last block, zero at padding.

        Args:
            ids: pieces, ``(rows, length)``.
            mask: 1 for a piece, 0 for padding on the right, same shape.
            types: token types, same shape, or None.

        Returns:
            ``(rows, length, dim)`` in fp32.
        """
        layout, dtype = layout_of(mask, self.heads), products_in("cpu")
        indices, blocks = self._indices(ids, types, layout.places), self.blocks
        with torch.autocast("cpu", enabled=False):
            if torch.is_grad_enabled():
                used = [*self.embeddings.parameters(), *(p for b in blocks for p in b.parameters)]
                hidden = _Run.apply(self, blocks, indices, layout, dtype, mask.numel(), *used)  # type: ignore[no-untyped-call]
            else:
                *_, hidden = self.infer(indices, layout, dtype)
                hidden = _spread(hidden, layout, mask.numel())
        return hidden.view(*mask.shape, -1)  # type: ignore[no-any-return]

    def forget(self) -> None:
        """Take the weights anew: something else than the written blocks trains them."""
        for block in self.blocks:
            block.forget()

    @torch.no_grad()
    def outputs(
        self, ids: Tensor, mask: Tensor, types: Tensor | None, layers: Collection[int]
    ) -> Iterator[tuple[int, Tensor]]:
        """Some layers (0 for the embeddings, i for block i), lowest first, each as from a call."""
        layout, dtype = layout_of(mask, self.heads), products_in("cpu")
        states = self.infer(self._indices(ids, types, layout.places), layout, dtype)
        for layer in range(max(layers) + 1):
            with torch.autocast("cpu", enabled=False):
                hidden = next(states)
            if layer in layers:
                yield layer, _spread(hidden, layout, mask.numel()).view(*mask.shape, -1)

    def _indices(self, ids: Tensor, types: Tensor | None, places: Tensor) -> tuple[Tensor, ...]:
        """Rows of the tables that each piece is the sum of, ``(pieces,)`` each."""
        table = self.embeddings
        if hasattr(table, "create_position_ids_from_input_ids"):
            steps = table.create_position_ids_from_input_ids(ids, table.padding_idx)
        else:
            steps = table.position_ids[:, : ids.shape[1]].expand_as(ids)
        types = torch.zeros_like(ids) if types is None else types
        return tuple(x.flatten().index_select(0, places) for x in (ids, types, steps))

    def embed(
        self, indices: tuple[Tensor, ...], keep: Workspace
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Embeddings as the library adds them up, ``(pieces, dim)``, and what LayerNorm keeps."""
        norm = self.embeddings.LayerNorm
        shape = len(indices[0]), norm.normalized_shape[0]
        total, more = (keep.take(*shape, dtype=torch.float32) for _ in range(2))
        torch.index_select(self.tables[0].weight, 0, indices[0], out=total)
        for table, index in zip(self.tables[1:], indices[1:], strict=True):
            total += torch.index_select(table.weight, 0, index, out=more)
        out, mean, spread = torch.native_layer_norm(
            total, norm.normalized_shape, norm.weight, norm.bias, norm.eps
        )
        return out, total, mean, spread

    def infer(
        self, indices: tuple[Tensor, ...], layout: Layout, dtype: torch.dtype
    ) -> Iterator[Tensor]:
        """Forward pass that keeps nothing: the embeddings, then every block, ``(pieces, dim)``."""
        self.scratch.reset()
        hidden = self.embed(indices, self.scratch)[0]
        yield hidden
        for block in self.blocks:
            self.scratch.reset()
            hidden, _ = block.forward(hidden, layout, dtype, self.scratch.take, self.scratch.take)
            yield hidden

    def embed_backward(
        self, grad: Tensor, kept: tuple[Tensor, Tensor, Tensor], indices: tuple[Tensor, ...]
    ) -> None:
        """Add the gradients of the tables at the rows that were used, and of their LayerNorm."""
        norm = self.embeddings.LayerNorm
        pair = (norm.weight, norm.bias)
        grad = norm_backward(
            grad, kept, pair, [p if p.requires_grad else None for p in pair], self.scratch.take
        )
        for table, index in zip(self.tables, indices, strict=True):
            weight = table.weight
            if not weight.requires_grad:
                continue
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            if table.padding_idx is not None:
                grad_of, index = _without(table.padding_idx, grad, index)
            else:
                grad_of = grad
            weight.grad.index_add_(0, index, grad_of)


def _without(padding: int, grad: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """The library gives the padding piece no gradient."""
    real = index != padding
    return (grad, index) if bool(real.all()) else (grad[real], index[real])


def _spread(hidden: Tensor, layout: Layout, places: int) -> Tensor:
    out = hidden.new_zeros(places, hidden.shape[1])
    return out.index_copy_(0, layout.places, hidden)


class _Run(torch.autograd.Function):
    """Embeddings and blocks. Parameters are inputs so that autograd comes by."""

    @staticmethod
    def forward(
        ctx: Any,
        model: Written,
        blocks: list[Block],
        indices: tuple[Tensor, ...],
        layout: Layout,
        dtype: torch.dtype,
        places: int,
        *_: Tensor,
    ) -> Tensor:
        keep = model.spare.pop() if model.spare else Workspace()
        hidden, *embedded = model.embed(indices, keep)
        saved: list[Saved] = []
        for block in blocks:
            model.scratch.reset()
            hidden, more = block.forward(hidden, layout, dtype, keep.take, model.scratch.take)
            saved.append(more)
        ctx.model, ctx.blocks, ctx.indices, ctx.layout = model, blocks, indices, layout
        ctx.keep, ctx.embedded, ctx.saved = keep, embedded, saved
        return _spread(hidden, layout, places)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, ...]:
        model: Written = ctx.model
        trained = [any(p.requires_grad for p in model.embeddings.parameters())]
        trained += [any(p.requires_grad for p in b.parameters) for b in ctx.blocks]
        inner: Tensor | None = grad.index_select(0, ctx.layout.places)
        for i in range(len(ctx.blocks), 0, -1):
            if inner is None or not any(trained[: i + 1]):
                break
            model.scratch.reset()
            saved, below = ctx.saved.pop(), any(trained[:i])
            block: Block = ctx.blocks[i - 1]
            inner = block.backward(inner, saved, ctx.layout, below, model.scratch.take)
        if inner is not None and trained[0]:
            model.embed_backward(inner, ctx.embedded, ctx.indices)
        ctx.keep.reset()
        model.spare.append(ctx.keep)
        number = len(ctx.needs_input_grad)
        ctx.saved = ctx.embedded = ctx.keep = None
        return (None,) * number


def is_written(encoder: PreTrainedModel) -> bool:
    """Whether :class:`Written` computes this encoder's function, as it stands."""
    layers = getattr(getattr(encoder, "encoder", None), "layer", None)
    return (
        encoder.config.model_type in _FAMILIES
        and getattr(encoder.config, "position_embedding_type", "absolute") == "absolute"
        and encoder.device.type == "cpu"
        and all(p.dtype == torch.float32 for p in encoder.parameters())
        and isinstance(layers, nn.ModuleList)
        and all(is_known(layer) for layer in layers)
        and _plain_embeddings(encoder.get_submodule("embeddings"))
        and not (encoder.training and dropout_of(encoder))
    )


def _plain_embeddings(embeddings: nn.Module) -> bool:
    parts = {name for name, _ in embeddings.named_parameters()}
    weights = {f"{name}.weight" for name in (*_TABLES, "LayerNorm")}
    tables = [m for m in embeddings.modules() if isinstance(m, nn.Embedding)]
    return parts == weights | {"LayerNorm.bias"} and all(is_plain(table) for table in tables)


def is_plain(table: nn.Module) -> bool:
    """Whether a module is an embedding table without renormalisation or sparse gradients."""
    return type(table) is nn.Embedding and table.max_norm is None and not table.sparse


def dropout_of(encoder: nn.Module) -> float:
    """The highest dropout rate inside."""
    return max((m.p for m in encoder.modules() if isinstance(m, nn.Dropout)), default=0.0)
