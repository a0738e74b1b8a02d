"""Blocks of BERT, RoBERTa and XLM-R on a CPU, written out forward and backward.

The function is the library's, post-LN: attention, residual, LayerNorm, GELU network, residual,
LayerNorm (Devlin et al. 2019; Vaswani et al. 2017). What differs is the bookkeeping: products run
on bf16 copies of the weights that are renewed once an update, queries, keys and values are one
product, residuals and LayerNorm stay fp32 as under autocast, and gradients are added to ``.grad``
where they belong.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers.activations import GELUActivation

from xstilts.models.attention import Layout, attend, attend_backward

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
        and (type(act) is GELUActivation and act.act is nn.functional.gelu)
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


class Block:
    """One layer of the library's model, run by hand; the layer keeps its parameters."""

    def __init__(self, layer: nn.Module) -> None:
        """Run the parameters of ``layer``, for which :func:`is_known` holds."""
        self.parameters = tuple(layer.get_parameter(name) for name in _NAMES)
        attention: Any = layer.get_submodule("attention.self")
        self.heads: int = attention.num_attention_heads
        self.scale = float(attention.attention_head_size) ** -0.5
        norms = [layer.get_submodule(f"{part}.LayerNorm") for part in ("attention.output", "output")]
        self.eps: tuple[float, ...] = tuple(norm.eps for norm in norms)  # type: ignore[misc]
        self._key: tuple[object, ...] = ()
        self._operands: _Operands | None = None

    def operands(self, dtype: torch.dtype) -> _Operands:
        """The weights as ``dtype``, made anew where they may have changed.

        They may have where a parameter's version says so, and after every backward pass: fused
        optimizers change weights without counting a version.
        """
        key = (dtype, *((p.data_ptr(), p._version) for p in self.parameters))
        if self._operands is None or key != self._key:
            with torch.inference_mode(False), torch.no_grad():
                self._operands, self._key = self._made(dtype), key
        return self._operands

    def forget(self) -> None:
        """Make the operands anew before they are used again."""
        self._operands = None

    def _made(self, dtype: torch.dtype) -> _Operands:
        wq, bq, wk, bk, wv, bv, wo, bo, _, _, w1, b1, w2, b2, _, _ = self.parameters
        qkv = torch.cat([wq * self.scale, wk, wv]).to(dtype)
        bias = torch.cat([bq * self.scale, bk, bv]).to(dtype)
        rest = (p.detach().to(dtype) for p in (wo, bo, w1, b1, w2, b2))
        return _Operands(qkv, bias, *rest)

    def __call__(self, hidden: Tensor, layout: Layout, dtype: torch.dtype) -> Tensor:
        """The block's output, ``(pieces, dim)`` in fp32, for such an input.

        Args:
            hidden: input, fp32.
            layout: how the rows are packed.
            dtype: number format of the products.
        """
        if torch.is_grad_enabled():
            out: Tensor = _Step.apply(hidden, self, layout, dtype, *self.parameters)  # type: ignore[no-untyped-call]
            return out
        return _forward(self, hidden, layout, dtype)[0]


@dataclass
class _Saved:
    """What a block's backward pass needs."""

    hidden: Tensor
    attention: tuple[Tensor, ...]
    gathered: Tensor
    first: tuple[Tensor, Tensor, Tensor]
    middle: Tensor
    risen: Tensor
    active: Tensor
    second: tuple[Tensor, Tensor, Tensor]


def _forward(
    block: Block, hidden: Tensor, layout: Layout, dtype: torch.dtype
) -> tuple[Tensor, _Saved]:
    w = block.operands(dtype)
    pieces, dim = hidden.shape
    x = hidden.to(dtype)
    qkv = x.new_empty(pieces + 1, 3 * dim)
    torch.addmm(w.qkv_bias, x, w.qkv.t(), out=qkv[:pieces])
    qkv[pieces] = 0
    gathered, attention = attend(qkv, block.heads, layout)
    norm1, norm2 = block.parameters[8:10], block.parameters[14:16]
    total = torch.add(hidden, torch.addmm(w.mix_bias, gathered, w.mix.t()))
    middle, *stats1 = _aten.native_layer_norm(total, [dim], *norm1, block.eps[0])
    first = (total, stats1[0], stats1[1])
    middle16 = middle.to(dtype)
    risen = torch.addmm(w.rise_bias, middle16, w.rise.t())
    active = _aten.gelu(risen)
    total = torch.add(middle, torch.addmm(w.fall_bias, active, w.fall.t()))
    out, *stats2 = _aten.native_layer_norm(total, [dim], *norm2, block.eps[1])
    second = (total, stats2[0], stats2[1])
    return out, _Saved(x, attention, gathered, first, middle16, risen, active, second)


class _Step(torch.autograd.Function):
    """One block. Parameters are inputs so that autograd comes by; their gradients are added here."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any,
        hidden: Tensor,
        block: Block,
        layout: Layout,
        dtype: torch.dtype,
        *parameters: Tensor,
    ) -> Tensor:
        out, ctx.saved = _forward(block, hidden, layout, dtype)
        ctx.block, ctx.layout, ctx.operands = block, layout, block.operands(dtype)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        needs, params = ctx.needs_input_grad[4:], ctx.block.parameters
        wanted = [p if need else None for p, need in zip(params, needs, strict=True)]
        hidden = _backward(ctx.block, ctx.operands, ctx.saved, ctx.layout, grad, wanted, ctx.needs_input_grad[0])
        ctx.saved = None
        ctx.block.forget()
        return (hidden, *[None] * (3 + len(params)))


def _backward(
    block: Block,
    w: _Operands,
    saved: _Saved,
    layout: Layout,
    grad: Tensor,
    wanted: list[Tensor | None],
    for_input: bool,
) -> Tensor | None:
    """Add the gradients of the wanted parameters; returns that of the input, if asked for."""
    dtype, pieces = saved.hidden.dtype, len(saved.hidden)
    grad = _norm_backward(grad, saved.second, block.parameters[14:16], wanted[14:16])
    down = grad.to(dtype)
    _add_product(wanted[12:14], down, saved.active, grad)
    rising = torch.mm(down, w.fall)
    rising = _aten.gelu_backward(rising, saved.risen)
    _add_product(wanted[10:12], rising, saved.middle)
    grad += torch.mm(rising, w.rise)
    grad = _norm_backward(grad, saved.first, block.parameters[8:10], wanted[8:10])
    down = grad.to(dtype)
    _add_product(wanted[6:8], down, saved.gathered, grad)
    if not for_input and not any(p is not None for p in wanted[:6]):
        return None
    gathered = down.new_empty(pieces + 1, down.shape[1])
    torch.mm(down, w.mix, out=gathered[:pieces])
    gathered[pieces] = 0
    qkv = attend_backward(gathered, saved.attention, block.heads, layout)
    _add_qkv(block, wanted[:6], qkv, saved.hidden)
    return grad.add_(torch.mm(qkv, w.qkv)) if for_input else None


def _norm_backward(
    grad: Tensor,
    kept: tuple[Tensor, Tensor, Tensor],
    norm: tuple[Tensor, ...],
    wanted: list[Tensor | None],
) -> Tensor:
    mask = [True, *(p is not None for p in wanted)]
    out: tuple[Tensor, ...] = _aten.native_layer_norm_backward(
        grad, kept[0], [grad.shape[1]], kept[1], kept[2], *norm, mask
    )
    for parameter, gradient in zip(wanted, out[1:], strict=True):
        _add(parameter, gradient)
    return out[0]


def _add_product(
    wanted: list[Tensor | None], grad: Tensor, inputs: Tensor, exact: Tensor | None = None
) -> None:
    """Gradients of a dense layer's weight and bias."""
    weight, bias = wanted
    if weight is not None:
        _add(weight, torch.mm(grad.t(), inputs))
    if bias is not None:
        _add(bias, _sums(grad) if exact is None else exact.sum(0))


def _add_qkv(block: Block, wanted: list[Tensor | None], grad: Tensor, inputs: Tensor) -> None:
    """Gradients of query, key and value weights and biases, a product for all three."""
    scales = (block.scale, 1.0, 1.0)
    for start, values in ((0, lambda: torch.mm(grad.t(), inputs)), (1, lambda: _sums(grad))):
        if any(p is not None for p in wanted[start::2]):
            for p, part, scale in zip(wanted[start::2], values().chunk(3), scales, strict=True):
                _add(p, part, scale)


def _sums(x: Tensor) -> Tensor:
    """Sums over pieces; as a product, since that is faster than a sum for bf16."""
    return torch.mm(x.new_ones(1, len(x)), x)[0]


def _add(parameter: Tensor | None, gradient: Tensor, scale: float = 1.0) -> None:
    if parameter is None:
        return
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    parameter.grad.add_(gradient, alpha=scale)
