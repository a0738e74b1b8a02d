"""Muon (Jordan et al. 2024), for matrices between hidden states."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

_MOMENTUM = 0.95
_STEPS = 5
_POLYNOMIAL = (3.4445, -4.7750, 2.0315)  # of Jordan's Newton-Schulz iteration
_RMS = 0.2  # of an update of AdamW, so that both take the same rates (Liu et al. 2025, section 2.2)


class Muon(torch.optim.Optimizer):
    """Momentum whose singular values are all brought near 1; weight decay as in AdamW.

    The same updates as `torch.optim.Muon` with ``adjust_lr_fn="match_rms_adamw"``, but in a number
    format of choice: bf16 is slow where a machine has no products in it.
    """

    def __init__(
        self, matrices: Iterable[nn.Parameter], lr: float, weight_decay: float, dtype: torch.dtype
    ) -> None:
        """Update ``matrices``; ``dtype`` is the format of the products."""
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay})
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update of all matrices that have a gradient; there is no closure."""
        assert closure is None
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    self._update(matrix, group)

    def _update(self, matrix: nn.Parameter, group: dict[str, Any]) -> None:
        state = self.state[matrix]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(matrix)
        momentum = state["momentum"].lerp_(matrix.grad, 1 - _MOMENTUM)
        assert matrix.grad is not None
        ahead = matrix.grad.lerp(momentum, _MOMENTUM)  # Nesterov
        size = group["lr"] * _RMS * max(matrix.shape) ** 0.5
        matrix.mul_(1 - group["lr"] * group["weight_decay"])
        matrix.add_(orthogonal(ahead, self.dtype), alpha=-size)


def orthogonal(matrix: Tensor, dtype: torch.dtype) -> Tensor:
    """A matrix with the same singular vectors whose singular values are all near 1."""
    a, b, c = _POLYNOMIAL
    wide = matrix.to(dtype)
    tall = wide.shape[0] > wide.shape[1]
    wide = wide.T if tall else wide
    wide = wide / wide.norm().clamp(min=1e-7)
    for _ in range(_STEPS):
        square = wide @ wide.T
        wide = torch.addmm(wide, torch.addmm(square, square, square, beta=b, alpha=c), wide, beta=a)
    return (wide.T if tall else wide).to(matrix.dtype)
