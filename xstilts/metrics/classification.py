"""Accuracy of one label an item: XNLI, PAWS-X, multiple choice."""

from collections.abc import Sequence
from typing import TypeAlias

from xstilts.metrics.lengths import require_same_length

Label: TypeAlias = str | int


def accuracy(gold: Sequence[Label], pred: Sequence[Label]) -> float:
    """Share of items whose predicted label is the gold one.

    Source: `accuracy` in XTREME's `evaluate.py`.

    Args:
        gold: `n` labels.
        pred: `n` labels in the same order, of the same kind (names or numbers) as `gold`.

    Returns:
        Accuracy, 0-100.

    Raises:
        ValueError: the lengths differ, nothing is there to score, or names are mixed with
            numbers (`"1"` never equals `1`, so the score would silently be 0).
    """
    n = require_same_length(gold, pred, "labels")
    if len({isinstance(label, str) for labels in (gold, pred) for label in labels}) > 1:
        raise ValueError("labels are names in one place and numbers in another")
    right = sum(1 for a, b in zip(gold, pred, strict=True) if a == b)
    return right / n * 100
