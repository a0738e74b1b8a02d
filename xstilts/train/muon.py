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
            alike: dict[torch.Size, list[nn.Parameter]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    alike.setdefault(matrix.shape, []).append(matrix)
            for matrices in alike.values():
                self._update(matrices, group)

    def _update(self, matrices: list[nn.Parameter], group: dict[str, Any]) -> None:
        """All matrices of one shape at once: one product of many is faster than many products."""
        size = group["lr"] * _RMS * max(matrices[0].shape) ** 0.5
        directions = orthogonal(torch.stack([self._ahead(m) for m in matrices]), self.dtype)
        for matrix, direction in zip(matrices, directions, strict=True):
            matrix.mul_(1 - group["lr"] * group["weight_decay"])
            matrix.add_(direction, alpha=-size)

    def _ahead(self, matrix: nn.Parameter) -> Tensor:
        """Where the momentum leads with this gradient counted again, as Nesterov has it."""
        state = self.state[matrix]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(matrix)
        assert matrix.grad is not None
        momentum = state["momentum"].lerp_(matrix.grad, 1 - _MOMENTUM)
        return matrix.grad.lerp(momentum, _MOMENTUM)


def orthogonal(matrices: Tensor, dtype: torch.dtype) -> Tensor:
    """Matrices with the same singular vectors whose singular values are all near 1.

    Args:
        matrices: of one shape, ``(matrices, rows, columns)``.
        dtype: of the products.
    """
    a, b, c = _POLYNOMIAL
    wide = matrices.to(dtype)
    tall = wide.shape[1] > wide.shape[2]
    wide = wide.mT if tall else wide
    wide = wide / wide.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(_STEPS):
        square = wide @ wide.mT
        power = torch.baddbmm(square, square, square, beta=b, alpha=c)
        wide = torch.baddbmm(wide, power, wide, beta=a)
    return (wide.mT if tall else wide).to(matrices.dtype)
