"""Rank correlations over languages, with bootstrap intervals."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

_LEVEL = 95.0
Floats = NDArray[np.float64]


class RankCorrelation(NamedTuple):
    """A rank correlation and its 95 % interval, each -1 to 1."""

    rho: float
    low: float
    high: float


def rank_correlation(
    x: Sequence[float],
    y: Sequence[float],
    given: Sequence[float] | None = None,
    *,
    draws: int = 5_000,
    seed: int = 0,
) -> RankCorrelation:
    """Spearman's correlation of ``x`` and ``y``, or the partial one with ``given`` held fixed.

    The partial one is Pearson's of what a straight line through the ranks of ``given`` leaves of
    the ranks of both (Conover & Iman 1982). The interval holds the middle 95 % of the correlations
    in samples of the same size, drawn with replacement (Efron 1979); samples in which a column does
    not vary are drawn again.

    Args:
        x: one value a language.
        y: likewise.
        given: likewise, if something is held fixed.
        draws: samples behind the interval.
        seed: of the samples.

    Raises:
        ValueError: with fewer than five languages, or where a column does not vary.
    """
    columns = np.array([x, y] if given is None else [x, y, given], float)
    if columns.shape[1] < 5:
        raise ValueError(f"{columns.shape[1]} languages are too few for a rank correlation")
    whole = _correlation(columns)
    if whole is None:
        raise ValueError("a column has one value only")
    rng, found = np.random.default_rng(seed), list[float]()
    while len(found) < draws:
        drawn = _correlation(columns[:, rng.integers(0, columns.shape[1], columns.shape[1])])
        if drawn is not None:
            found.append(drawn)
    low, high = np.percentile(found, [50 - _LEVEL / 2, 50 + _LEVEL / 2])
    return RankCorrelation(whole, float(low), float(high))


def _correlation(columns: NDArray[Any]) -> float | None:
    """Of the first two rows, with the third held fixed if there is one; None if undefined."""
    ranks = rankdata(columns, axis=1)
    ranks -= ranks.mean(1, keepdims=True)
    if len(ranks) == 3 and ranks[2].any():
        slopes = ranks[:2] @ ranks[2] / (ranks[2] @ ranks[2])
        ranks = ranks[:2] - slopes[:, None] * ranks[2]
    x, y = ranks[:2]
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 1e-9 else None
