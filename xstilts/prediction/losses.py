"""The loss terms of every kind that is trained with a head."""

import torch
from torch import Tensor
from torch.nn import functional as F

from xstilts.data.batches import IGNORED, Ints, TokenArrays
from xstilts.models.task_model import TaskModel


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
