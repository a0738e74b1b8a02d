"""Corpus scores of resampled test items, worked out anew from what each item counts.

Every official metric here is a ratio of sums over items: right over all for accuracy, the sum of
per-question values over questions for exact match, F1 of answers and MAP@20, ``2 * right`` over
``predicted + gold`` for F1 of tags and pairs. An item group (a paragraph, a premise) is what is
drawn; its numerators and denominators are summed before.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def corpus_score(counts: NDArray[Any]) -> Floats:
    """The score of a whole test set.

    Args:
        counts: shape ``(groups, ..., 2)``: numerator and denominator of each item group.

    Returns:
        Shape ``(...)``, 0-100; 0 where the denominator is 0, as for an F1 without a chunk.
    """
    whole: Floats = _ratio(counts.sum(axis=0, dtype=np.float64))
    return whole


def resampled_scores(
    counts: NDArray[Any], draws: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Scores of test sets of groups drawn with replacement, the same draw for all that is given.

    Runs of all arms and seeds, and in a parallel set all languages, go in together; languages whose
    items are not translations of each other go in one at a time. ``groups - 1`` of the groups are
    drawn, so that the variance of a mean is not too small: Rao & Wu (1988), "Resampling inference
    with complex survey data", JASA 83(401), section 2.

    Args:
        counts: shape ``(groups, ..., 2)``: numerator and denominator of each item group.
        draws: how many test sets.
        rng: of the draws.

    Returns:
        Shape ``(draws, ...)``, 0-100; in single precision, whose error is below 0.001 points.

    Raises:
        ValueError: there are fewer than two groups.
    """
    groups = len(counts)
    if groups < 2:
        raise ValueError(f"{groups} item groups cannot be resampled; two are the fewest")
    drawn = rng.integers(0, groups, (draws, groups - 1))
    places = drawn + groups * np.arange(draws)[:, None]
    times = np.bincount(places.ravel(), minlength=draws * groups).reshape(draws, groups)
    flat = counts.reshape(groups, -1).astype(np.float32, copy=False)
    sums = times.astype(np.float32) @ flat
    scores: NDArray[np.float32] = _ratio(sums.reshape(draws, *counts.shape[1:]))
    return scores


def _ratio(sums: NDArray[Any]) -> Any:
    above, below = sums[..., 0], sums[..., 1]
    return np.divide(100 * above, below, out=np.zeros_like(above), where=below > 0)
