"""Blocks of BERT, RoBERTa and XLM-R on a CPU, written out forward and backward.

The function is the library's, post-LN: attention, residual, LayerNorm, GELU network, residual,
LayerNorm (Devlin et al. 2019; Vaswani et al. 2017). What differs is the bookkeeping: products run
on bf16 copies of the weights that are renewed once an update, queries, keys and values are one
product, residuals and LayerNorm stay fp32 as under autocast, and gradients are added to ``.grad``
where they belong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers.activations import GELUActivation

from xstilts.models.attention import Layout, Take, attend, attend_backward

_aten = torch.ops.aten
_PARTS = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "attention.output.LayerNorm",
    "intermediate.dense",
    "output.dense",
    "output.LayerNorm",
)
_NAMES = tuple(f"{part}.{kind}" for part in _PARTS for kind in ("weight", "bias"))


def is_known(layer: nn.Module) -> bool:
    """Whether a library layer has exactly the parts of a BERT block, with exact GELU."""
    if {name for name, _ in layer.named_parameters()} != set(_NAMES):
        return False
    parts = [layer.get_submodule(name) for name in _PARTS]
    kinds = {nn.LayerNorm if name.endswith("LayerNorm") else nn.Linear for name in _PARTS}
    act = getattr(layer.get_submodule("intermediate"), "intermediate_act_fn", None)
    return (
        all(type(part) in kinds for part in parts)
        and isinstance(act, GELUActivation)
        and act.act is nn.functional.gelu
        and not getattr(layer, "is_decoder", False)
        and not getattr(layer, "chunk_size_feed_forward", 0)
    )


@dataclass(frozen=True)
class _Operands:
    """A block's weights in the number format of its products.

    Query weights and biases are divided by the root of a head's width, which is exact where that
    root is a power of two.
    """

    qkv: Tensor
    qkv_bias: Tensor
    mix: Tensor
    mix_bias: Tensor
    rise: Tensor
    rise_bias: Tensor
    fall: Tensor
    fall_bias: Tensor

    @property
    def rest(self) -> tuple[Tensor, ...]:
        """All but queries, keys and values, in the order of the parameters."""
        return (
            self.mix,
            self.mix_bias,
            self.rise,
            self.rise_bias,
            self.fall,
            self.fall_bias,
        )


class Block:
    """One layer of the library's model, run by hand; the layer keeps its parameters."""

    def __init__(self, layer: nn.Module) -> None:
        """Run the parameters of ``layer``, for which :func:`is_known` holds."""
        self.parameters = tuple(layer.get_parameter(name) for name in _NAMES)
        attention: Any = layer.get_submodule("attention.self")
        self.heads: int = attention.num_attention_heads
        self.scale = float(attention.attention_head_size) ** -0.5
        norms = [
            layer.get_submodule(f"{part}.LayerNorm") for part in ("attention.output", "output")
        ]
        self.eps: tuple[float, ...] = tuple(norm.eps for norm in norms)  # type: ignore[misc]
        self._norms = (self.parameters[8:10], self.parameters[14:16])
        self._key: tuple[object, ...] = ()
        self._operands: _Operands | None = None

    def operands(self, dtype: torch.dtype) -> _Operands:
        """The weights as ``dtype``, written anew where they may have changed.

        They may have where a parameter's version says so, and after every backward pass, as fused
        optimizers change weights without counting a version: see :meth:`forget`.
        """
        key = (dtype, *((p.data_ptr(), p._version) for p in self.parameters))
        if key != self._key:
            with torch.inference_mode(False), torch.no_grad():
                self._operands, self._key = self._made(dtype, self._operands), key
        assert self._operands is not None
        return self._operands

    def forget(self) -> None:
        """Write the operands anew before they are used again."""
        self._key = ()

    def _made(self, dtype: torch.dtype, old: _Operands | None) -> _Operands:
        """Operands in the memory of the old ones, where these have the same number format."""
        wq, bq, wk, bk, wv, bv, wo, bo, _, _, w1, b1, w2, b2, _, _ = self.parameters
        if old is None or old.qkv.dtype != dtype:
            shapes = [(3 * len(wq), wq.shape[1]), (3 * len(bq),)]
            shapes += [tuple(p.shape) for p in (wo, bo, w1, b1, w2, b2)]
            old = _Operands(*(torch.empty(shape, dtype=dtype) for shape in shapes))
        for parts, into in (((wq, wk, wv), old.qkv), ((bq, bk, bv), old.qkv_bias)):
            scaled = (parts[0] * self.scale, *parts[1:])
            for part, place in zip(scaled, into.chunk(3), strict=True):
                place.copy_(part)
        for part, place in zip((wo, bo, w1, b1, w2, b2), old.rest, strict=True):
            place.copy_(part)
        return old

    def forward(
        self, hidden: Tensor, layout: Layout, dtype: torch.dtype, keep: Take, scratch: Take
    ) -> tuple[Tensor, "Saved"]:
        """The block's output, ``(rows, dim)`` in fp32, and what the backward pass needs.

        Args:
            hidden: input, fp32, with at least one row more than there are pieces.
            layout: how the rows are packed.
            dtype: number format of the products.
            keep: memory that lasts until the backward pass is over.
            scratch: memory that is needed here only.
        """
        w = self.operands(dtype)
        rows, dim = hidden.shape
        x = keep(rows, dim, dtype=dtype).copy_(hidden)
        qkv = scratch(rows, 3 * dim, dtype=dtype)
        torch.addmm(w.qkv_bias, x, w.qkv.t(), out=qkv)
        qkv[len(layout.slots) :] = 0
        gathered, attention = attend(qkv, self.heads, layout, keep, scratch)
        short = scratch(rows, dim, dtype=dtype)
        torch.addmm(w.mix_bias, gathered, w.mix.t(), out=short)
        middle, first = self._norm(0, hidden, short, keep)
        middle_low = keep(rows, dim, dtype=dtype).copy_(middle)
        risen = keep(rows, len(w.rise), dtype=dtype)
        torch.addmm(w.rise_bias, middle_low, w.rise.t(), out=risen)
        active = _aten.gelu.out(risen, out=keep(*risen.shape, dtype=dtype))
        torch.addmm(w.fall_bias, active, w.fall.t(), out=short)
        out, second = self._norm(1, middle, short, keep)
        return out, Saved(w, x, attention, gathered, first, middle_low, risen, active, second)

    def _norm(
        self, which: int, residual: Tensor, change: Tensor, keep: Take
    ) -> tuple[Tensor, "_Norm"]:
        total = keep(*residual.shape, dtype=torch.float32).copy_(change).add_(residual)
        weight, bias = self._norms[which]
        out, mean, spread = _aten.native_layer_norm(
            total, [total.shape[1]], weight, bias, self.eps[which]
        )
        return keep(*out.shape, dtype=out.dtype).copy_(out), (total, mean, spread)

    def backward(
        self, grad: Tensor, saved: "Saved", layout: Layout, for_input: bool, scratch: Take
    ) -> Tensor | None:
        """Add the gradients of all parameters that want one.

        Args:
            grad: of the output, ``(rows, dim)`` in fp32, zero after the last piece.
            saved: second result of :meth:`forward`.
            layout: how the rows are packed.
            for_input: whether the gradient of the input is asked for.
            scratch: memory that is needed here only.

        Returns:
            the gradient of the input, if asked for.
        """
        w, dtype, (rows, dim) = saved.operands, saved.hidden.dtype, grad.shape
        wanted: list[Tensor | None] = [p if p.requires_grad else None for p in self.parameters]
        self.forget()
        low, short = scratch(rows, dim, dtype=dtype), scratch(rows, dim, dtype=dtype)
        exact = scratch(rows, dim, dtype=torch.float32)
        grad = norm_backward(grad, saved.second, self._norms[1], wanted[14:16], scratch)
        low.copy_(grad)
        _add_product(wanted[12:14], low, saved.active, scratch, grad)
        rising = torch.mm(low, w.fall, out=scratch(*saved.risen.shape, dtype=dtype))
        _aten.gelu_backward.grad_input(rising, saved.risen, grad_input=rising)
        _add_product(wanted[10:12], rising, saved.middle, scratch)
        grad += exact.copy_(torch.mm(rising, w.rise, out=short))
        grad = norm_backward(grad, saved.first, self._norms[0], wanted[8:10], scratch)
        low.copy_(grad)
        _add_product(wanted[6:8], low, saved.gathered, scratch, grad)
        if not for_input and all(p is None for p in wanted[:6]):
            return None
        gathered = torch.mm(low, w.mix, out=scratch(rows, dim, dtype=dtype))
        qkv = attend_backward(gathered, saved.attention, self.heads, layout, scratch)
        self._add_qkv(wanted[:6], qkv, saved.hidden, scratch)
        return grad + exact.copy_(torch.mm(qkv, w.qkv, out=short)) if for_input else None

    def _add_qkv(
        self, wanted: list[Tensor | None], grad: Tensor, inputs: Tensor, scratch: Take
    ) -> None:
        """Gradients of query, key and value weights and biases, a product for all three."""
        scales = (self.scale, 1.0, 1.0)
        if any(p is not None for p in wanted[::2]):
            weights = _product(grad, inputs, scratch)
            for p, part, scale in zip(wanted[::2], weights.chunk(3), scales, strict=True):
                _add(p, part, scale)
        if any(p is not None for p in wanted[1::2]):
            for p, part, scale in zip(wanted[1::2], _sums(grad).chunk(3), scales, strict=True):
                _add(p, part, scale)


_Norm = tuple[Tensor, Tensor, Tensor]  # input, mean, and reciprocal of the standard deviation


@dataclass(frozen=True)
class Saved:
    """What a block's backward pass needs."""

    operands: _Operands
    hidden: Tensor
    attention: tuple[Tensor, ...]
    gathered: Tensor
    first: _Norm
    middle: Tensor
    risen: Tensor
    active: Tensor
    second: _Norm


def norm_backward(
    grad: Tensor,
    kept: _Norm,
    norm: Sequence[Tensor],
    wanted: list[Tensor | None],
    scratch: Take,
) -> Tensor:
    """Gradient of a LayerNorm's input; those of the wanted weight and bias are added."""
    total, mean, spread = kept
    asked = [True, *(p is not None for p in wanted)]
    out: tuple[Tensor, ...] = _aten.native_layer_norm_backward(
        grad, total, [total.shape[1]], mean, spread, *norm, asked
    )
    for parameter, gradient in zip(wanted, out[1:], strict=True):
        _add(parameter, gradient)
    return scratch(*grad.shape, dtype=grad.dtype).copy_(out[0])


def _add_product(
    wanted: list[Tensor | None],
    grad: Tensor,
    inputs: Tensor,
    scratch: Take,
    exact: Tensor | None = None,
) -> None:
    """Gradients of a dense layer's weight and bias; ``exact`` is ``grad`` in fp32."""
    weight, bias = wanted
    if weight is not None:
        _add(weight, _product(grad, inputs, scratch))
    if bias is not None:
        _add(bias, _sums(grad) if exact is None else exact.sum(0))


def _product(grad: Tensor, inputs: Tensor, scratch: Take) -> Tensor:
    """Gradient of a weight, in fp32: adding it to one costs no hidden copy then."""
    shape = grad.shape[1], inputs.shape[1]
    out = torch.mm(grad.t(), inputs, out=scratch(*shape, dtype=grad.dtype))
    return out if out.dtype == torch.float32 else scratch(*shape, dtype=torch.float32).copy_(out)


def _sums(x: Tensor) -> Tensor:
    """Sums over pieces; as a product, since that is faster than a sum for bf16."""
    return torch.mm(x.new_ones(1, len(x)), x)[0]


def _add(parameter: Tensor | None, gradient: Tensor, scale: float = 1.0) -> None:
    if parameter is None:
        return
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    parameter.grad.add_(gradient, alpha=scale)
