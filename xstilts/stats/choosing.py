"""One arm of several, chosen where one may choose, and what choosing on the test set flatters."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """The arm of one target.

    Attributes:
        arm: the place of the arm with the best mean dev score; of equal ones the first.
        dev: that score, 0-100.
        score: its mean test score, 0-100: what one gets who never looked at the test set.
        on_test: the place of the arm with the best mean test score.
        score_on_test: that score: what is reported by one who chose there.
        optimism: by how much a score so reported is above that of the same arm in other runs, in
            points (`optimism`); None below two seeds.
    """

    arm: int
    dev: float
    score: float
    on_test: int
    score_on_test: float
    optimism: float | None


def choose(dev: NDArray[Any], test: NDArray[Any]) -> Choice:
    """Choose an arm of one target on its dev scores, and beside that on its test scores.

    Args:
        dev: shape ``(seeds, arms)``: scores on held-out English examples, 0-100.
        test: the same shape: means over the languages of the target, 0-100.

    Raises:
        ValueError: the shapes differ, or there is no run.
    """
    if dev.shape != test.shape or dev.ndim != 2 or not dev.size:
        raise ValueError(f"dev scores of shape {dev.shape}, test scores of shape {test.shape}")
    by_dev, by_test = dev.mean(axis=0), test.mean(axis=0)
    arm, on_test = int(by_dev.argmax()), int(by_test.argmax())
    return Choice(
        arm, float(by_dev[arm]), float(by_test[arm]), on_test, float(by_test[on_test]),
        optimism(test),
    )  # fmt: skip


def optimism(test: NDArray[Any]) -> float | None:
    """By how much the test score of the arm that is best on the test set is too high, in points.

    Every seed is left out in turn: the arm that is best in the others is scored there and in the
    seed left out; the mean difference is what choosing added. The others are one seed fewer than
    there are, so that it errs upwards, by ``sqrt(n / (n - 1))`` at most. Of the test items, which
    are the same in all seeds, nothing is said.

    Source: cross-validation of a selection, Varma & Simon (2006), "Bias in error estimation when
    using cross-validation for model selection", BMC Bioinformatics 7(91).

    Args:
        test: shape ``(seeds, arms)``.

    Returns:
        ``None`` below two seeds.
    """
    seeds = len(test)
    if seeds < 2:
        return None
    found = []
    for left in range(seeds):
        others = np.delete(test, left, axis=0).mean(axis=0)
        best = int(others.argmax())
        found.append(float(others[best] - test[left, best]))
    return float(np.mean(found))
