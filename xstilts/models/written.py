"""Encoders of the BERT family on a CPU, embeddings and blocks written out forward and backward.

The rows of dense products are the pieces of all rows of a batch, and a few more: a product of a new
shape costs many times what it costs again, so there are few numbers of rows. Further rows hold the
padding piece, see nobody, and have no gradient.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from itertools import accumulate, islice, pairwise
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from xstilts.models.attention import Layout, layout_of, products_in
from xstilts.models.blocks import Block, is_known, norm_backward
from xstilts.models.kept_rows import KeptRows
from xstilts.models.workspace import Workspace

_FAMILIES = ("bert", "roberta", "xlm-roberta", "camembert")
_TABLES = ("word_embeddings", "token_type_embeddings", "position_embeddings")
_STEPS = 16  # numbers of rows between a power of two and the next


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
        self.kept: KeptRows | None = None  # a stage that trains above frozen blocks sets it
        self._layouts: dict[tuple[int, torch.dtype], Layout] = {}

    def __call__(
        self, ids: Tensor, mask: Tensor, types: Tensor | None, layers: Sequence[int]
    ) -> tuple[Tensor, ...]:
        """Some layers (0 for the embeddings, i for block i), zero at padding.

        Args:
            ids: pieces, ``(rows, length)``.
            mask: 1 for a piece, 0 for padding on the right, same shape.
            types: token types, same shape, or None.
            layers: ascending; the last one is the top block.

        Returns:
            ``(rows, length, dim)`` in fp32 for each.
        """
        layout, dtype = layout_of(mask, self.heads), products_in("cpu")
        indices, blocks, learns = self._indices(ids, types, layout.places), self.blocks, self.learns
        below = (learns.index(True) if any(learns) else len(learns)) - 1
        start: tuple[int, Tensor] | None = None
        if self.kept is not None and below > 0:
            lengths = mask.sum(-1).sort(descending=True, stable=True)[0].tolist()  # as packed
            start = below, self._row_by_row(self.kept, below, indices, lengths, dtype)
        with torch.autocast("cpu", enabled=False):
            if torch.is_grad_enabled() and any(learns):
                used = [*self.embeddings.parameters(), *(p for b in blocks for p in b.parameters)]
                found = _Run.apply(  # type: ignore[no-untyped-call]
                    self, indices, layout, dtype, mask.numel(), layers, start, *used
                )
            else:
                states = enumerate(self.infer(indices, layout, dtype, start), below if start else 0)
                found = [_spread(x, layout, mask.numel()) for i, x in states if i in layers]
        return tuple(hidden.view(*mask.shape, -1) for hidden in found)

    @torch.no_grad()
    def _row_by_row(
        self,
        kept: KeptRows,
        layer: int,
        indices: tuple[Tensor, ...],
        lengths: list[int],
        dtype: torch.dtype,
    ) -> Tensor:
        """A layer's output, ``(pieces, dim)``, of rows that each pass alone, or passed before."""

        def compute(row: tuple[Tensor, ...]) -> Tensor:
            size = len(row[0])
            if (size, dtype) not in self._layouts:
                self._layouts[size, dtype] = layout_of(torch.ones(1, size).long(), self.heads)
            states = self.infer(row, self._layouts[size, dtype], dtype, None)
            with torch.autocast("cpu", enabled=False):
                return next(islice(states, layer, None))[:size].clone()

        dim = self.tables[0].embedding_dim
        ends = list(accumulate(lengths))
        rows = [tuple(x[a:b] for x in indices) for a, b in pairwise([0, *ends])]
        return torch.cat([kept.output(row, dim, partial(compute, row)) for row in rows])

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
        states = self.infer(self._indices(ids, types, layout.places), layout, dtype, None)
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
        """Embeddings as the library adds them up, ``(rows, dim)``, and what LayerNorm keeps."""
        norm = self.embeddings.LayerNorm
        more = rows_of(len(indices[0])) - len(indices[0])
        shape = len(indices[0]) + more, norm.normalized_shape[0]
        indices = tuple(
            nn.functional.pad(index, (0, more), value=table.padding_idx or 0)
            for index, table in zip(indices, self.tables, strict=True)
        )
        total, part = (keep.take(*shape, dtype=torch.float32) for _ in range(2))
        torch.index_select(self.tables[0].weight, 0, indices[0], out=total)
        for table, index in zip(self.tables[1:], indices[1:], strict=True):
            total += torch.index_select(table.weight, 0, index, out=part)
        out, mean, spread = torch.native_layer_norm(
            total, norm.normalized_shape, norm.weight, norm.bias, norm.eps
        )
        return out, total, mean, spread

    def infer(
        self,
        indices: tuple[Tensor, ...],
        layout: Layout,
        dtype: torch.dtype,
        start: tuple[int, Tensor] | None,
    ) -> Iterator[Tensor]:
        """Forward pass that keeps nothing: the embeddings, then every block, ``(rows, dim)``.

        It begins with the layer that ``start`` names, where the output of its pieces is known.
        """
        self.scratch.reset()
        if start is None:
            layer, hidden = 0, self.embed(indices, self.scratch)[0]
        else:
            layer, hidden = start[0], _with_more_rows(start[1])
        yield hidden
        for block in self.blocks[layer:]:
            self.scratch.reset()
            hidden, _ = block.forward(hidden, layout, dtype, self.scratch.take, self.scratch.take)
            yield hidden

    @property
    def learns(self) -> list[bool]:
        """Whether the embeddings have weights that want a gradient, then whether each block has."""
        every = [self.embeddings.parameters(), *(block.parameters for block in self.blocks)]
        return [any(p.requires_grad for p in parameters) for parameters in every]

    def embed_backward(
        self, grad: Tensor, kept: tuple[Tensor, Tensor, Tensor], indices: tuple[Tensor, ...]
    ) -> None:
        """Add the gradients of the tables at the rows that were used, and of their LayerNorm."""
        norm = self.embeddings.LayerNorm
        pair = (norm.weight, norm.bias)
        grad = norm_backward(
            grad, kept, pair, [p if p.requires_grad else None for p in pair], self.scratch.take
        )[: len(indices[0])]
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


def rows_of(pieces: int) -> int:
    """Rows of the products for so many pieces: one more at least, 16 or a sixteenth at most."""
    step = max(_STEPS, (1 << pieces.bit_length()) // (2 * _STEPS))
    return -(-(pieces + 1) // step) * step


def _with_more_rows(hidden: Tensor) -> Tensor:
    return nn.functional.pad(hidden, (0, 0, 0, rows_of(len(hidden)) - len(hidden)))


def _spread(hidden: Tensor, layout: Layout, places: int) -> Tensor:
    out = hidden.new_zeros(places, hidden.shape[1])
    return out.index_copy_(0, layout.places, hidden[: len(layout.places)])


class _Run(torch.autograd.Function):
    """Embeddings and blocks. Parameters are inputs so that autograd comes by.

    Nothing is kept of the layers below the first that learns; ``start`` is their output if it is
    known already.
    """

    @staticmethod
    def forward(
        ctx: Any,
        model: Written,
        indices: tuple[Tensor, ...],
        layout: Layout,
        dtype: torch.dtype,
        places: int,
        layers: Sequence[int],
        start: tuple[int, Tensor] | None,
        *_: Tensor,
    ) -> tuple[Tensor, ...]:
        keep = model.spare.pop() if model.spare else Workspace()
        learns = model.learns
        first, found, saved = learns.index(True), {}, []
        embedded: list[Tensor] = []

        def note(layer: int, hidden: Tensor) -> None:
            if layer in layers:
                found[layer] = _spread(hidden, layout, places)

        if first:
            known = start[0] if start else 0
            states = islice(model.infer(indices, layout, dtype, start), first - known)
            for layer, hidden in enumerate(states, known):
                note(layer, hidden)
            hidden = keep.take(*hidden.shape, dtype=hidden.dtype).copy_(hidden)
        else:
            hidden, *embedded = model.embed(indices, keep)
            note(0, hidden)
        for layer in range(max(first, 1), len(learns)):
            model.scratch.reset()
            block = model.blocks[layer - 1]
            hidden, more = block.forward(hidden, layout, dtype, keep.take, model.scratch.take)
            saved.append(more)
            note(layer, hidden)
        ctx.model, ctx.indices, ctx.layout = model, indices, layout
        ctx.first, ctx.layers = first, layers
        ctx.keep, ctx.embedded, ctx.saved = keep, embedded, saved
        return tuple(found[layer] for layer in layers)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, ...]:
        model: Written = ctx.model
        given = dict(zip(ctx.layers, grads, strict=True))
        places = ctx.layout.places
        inner: Any = _with_more_rows(given.pop(len(model.blocks)).index_select(0, places))
        for layer in range(len(model.blocks), max(ctx.first, 1) - 1, -1):
            model.scratch.reset()
            block, saved, below = model.blocks[layer - 1], ctx.saved.pop(), ctx.first < layer
            inner = block.backward(inner, saved, ctx.layout, below, model.scratch.take)
            if below and layer - 1 in given:
                inner[: len(places)] += given[layer - 1].index_select(0, places)
        if not ctx.first:
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
