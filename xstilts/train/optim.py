"""AdamW with linear warm-up and decay."""

import math
from collections.abc import Collection, Iterable
from typing import Protocol

import torch
from torch import nn


class Rates(Protocol):
    """What a stage says of its optimizer: see :class:`How`."""

    @property
    def lr(self) -> float:
        """The highest learning rate."""

    @property
    def warmup(self) -> float:
        """Share of the updates in which the rate grows from 0."""

    @property
    def weight_decay(self) -> float:
        """Of matrices."""


def make_optimizer(
    model: nn.Module,
    how: Rates,
    betas: tuple[float, float] = (0.9, 0.999),
    without: Collection[nn.Parameter] = (),
) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019); matrices decay, vectors (biases, norms) do not."""
    left_out = {id(p) for p in without}
    weights = [p for p in model.parameters() if p.requires_grad and id(p) not in left_out]
    groups = [
        {"params": [p for p in weights if p.ndim > 1], "weight_decay": how.weight_decay},
        {"params": [p for p in weights if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=how.lr, betas=betas, eps=1e-8, fused=True)


def rate(update: int, total: int, how: Rates) -> float:
    """Learning rate of the 0-based ``update``, as transformers' linear schedule has it.

    A warm-up begins at 0; a run of one update would train nothing, and has none.
    """
    rising = math.ceil(total * how.warmup) if total > 1 else 0
    if update < rising:
        return how.lr * update / max(1, rising)
    return how.lr * max(0.0, (total - update) / max(1, total - rising))


def clip(parameters: Iterable[nn.Parameter], most: float) -> float:
    """Scale gradients so that their joint norm is at most ``most``; returns the norm before."""
    return float(torch.nn.utils.clip_grad_norm_(parameters, most, foreach=True))
