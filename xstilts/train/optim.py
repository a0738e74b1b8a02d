"""AdamW with linear warm-up and decay, and the loss terms of every kind."""

import math
from collections.abc import Collection, Iterable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from xstilts.data.batches import IGNORED, Ints, TokenArrays
from xstilts.models.task_model import TaskModel
from xstilts.train.spec import How


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
    """Learning rate of the 0-based ``update``, as transformers' linear schedule has it."""
    rising = math.ceil(total * how.warmup)
    if update < rising:
        return how.lr * update / max(1, rising)
    return how.lr * max(0.0, (total - update) / max(1, total - rising))


def total_updates(examples: int, how: How) -> int:
    """Updates of a whole run; the last one of an epoch may be smaller."""
    return max(1, int(math.ceil(examples / how.batch_size) * how.epochs))


def terms(model: TaskModel, arrays: TokenArrays, examples: Ints) -> int:
    """Loss terms of some examples: labelled words for tagging, else one an example."""
    if model.kind != "tagging":
        return len(examples)
    rows = arrays.rows_of(examples)
    labelled = arrays.extra["tag"] != IGNORED
    return sum(int(labelled[arrays.starts[r] : arrays.starts[r + 1]].sum()) for r in rows)


def summed_loss(
    model: TaskModel, logits: Tensor, arrays: TokenArrays, examples: Ints, rows: Ints
) -> Tensor:
    """Sum of the loss terms of some examples.

    A span question's term is the mean over its windows of the mean cross-entropy of first and last
    piece, so a long context does not count more than a short one.

    Args:
        model: for its kind.
        logits: as :meth:`TaskModel.forward` gives them.
        arrays: the slice.
        examples: their indices, ``(examples,)``.
        rows: their rows, ``(rows,)``.
    """
    device = logits.device
    if model.kind in ("pair", "choice"):
        labels = torch.from_numpy(arrays.extra["label"][examples]).long().to(device)
        return F.cross_entropy(logits.float(), labels, reduction="sum")
    if model.kind == "tagging":
        tags = torch.from_numpy(arrays.padded(rows, "tag", IGNORED)).to(device)
        flat = logits.float().flatten(0, 1)
        return F.cross_entropy(flat, tags.flatten(), ignore_index=IGNORED, reduction="sum")
    return _span_loss(logits, arrays, rows)


def _span_loss(logits: Tensor, arrays: TokenArrays, rows: Ints) -> Tensor:
    device = logits.device
    lengths = torch.from_numpy(arrays.lengths[rows]).to(device)
    padding = torch.arange(logits.shape[1], device=device) >= lengths[:, None]
    scores = logits.float().masked_fill(padding[..., None], float("-inf"))
    first = torch.from_numpy(arrays.extra["first"][rows]).long().to(device)
    last = torch.from_numpy(arrays.extra["last"][rows]).long().to(device)
    loss = (
        F.cross_entropy(scores[..., 0], first, reduction="none")
        + F.cross_entropy(scores[..., 1], last, reduction="none")
    ) / 2
    example = torch.from_numpy(arrays.example[rows]).to(device)
    windows = torch.bincount(example)[example]
    return (loss / windows).sum()


def clip(parameters: Iterable[nn.Parameter], most: float) -> float:
    """Scale gradients so that their joint norm is at most ``most``; returns the norm before."""
    return float(torch.nn.utils.clip_grad_norm_(parameters, most, foreach=True))
