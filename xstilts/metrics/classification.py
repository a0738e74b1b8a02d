"""Scores of one label an item: XNLI, PAWS-X, multiple choice, topics."""

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
    n = _require_same_labels(gold, pred)
    right = sum(1 for a, b in zip(gold, pred, strict=True) if a == b)
    return right / n * 100


def macro_f1(gold: Sequence[Label], pred: Sequence[Label]) -> float:
    """Unweighted mean over labels of each label's F1.

    Labels are those of the gold and of the predictions; one that is never predicted, or never
    right, has the F1 0.

    Source: `sklearn.metrics.f1_score(average="macro")`.

    Args:
        gold: `n` labels.
        pred: `n` labels in the same order, of the same kind as `gold`.

    Returns:
        F1, 0-100.

    Raises:
        ValueError: as `accuracy`.
    """
    from sklearn.metrics import f1_score

    _require_same_labels(gold, pred)
    return float(f1_score(gold, pred, average="macro", zero_division=0)) * 100


def _require_same_labels(gold: Sequence[Label], pred: Sequence[Label]) -> int:
    n = require_same_length(gold, pred, "labels")
    if len({isinstance(label, str) for labels in (gold, pred) for label in labels}) > 1:
        raise ValueError("labels are names in one place and numbers in another")
    return n
