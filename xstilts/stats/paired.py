"""Is an arm better or worse than its baseline? A paired test over seeds.

One number a seed goes in: the arm's score minus the baseline's under the same seed, in points,
averaged over cells that are the same in every seed. What comes out speaks of other seeds of the
same recipe; languages and test examples are taken as they are, not as samples of others.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal

import numpy as np
from scipy.special import stdtr, stdtrit

FEWEST = 3  # seeds; with two the interval is 12.7 standard errors to either side
LEVEL = 0.95
_ROUNDING = 1e-9  # points; what floating-point sums leave of a difference that is none

Verdict = Literal["gain", "loss", "undecided", "too few seeds"]


@dataclass(frozen=True)
class PairedTest:
    """Student's t test of paired differences.

    Attributes:
        mean: of the gains; ``None`` of none.
        low: lower end of the 95 % interval of the mean; ``None`` below ``FEWEST`` seeds.
        high: its upper end.
        p: two-sided, of a mean of 0; ``None`` below ``FEWEST`` seeds.
    """

    mean: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None

    @property
    def verdict(self) -> Verdict:
        """What the test says by itself; of several arms see ``holm``."""
        return verdict(self.mean, self.p)


def paired_test(gains: Sequence[float]) -> PairedTest:
    """Test whether the mean of gains, one a seed, differs from 0.

    ``mean ± t(0.975, n - 1) * s / sqrt(n)`` and ``p = P(|t(n - 1)| >= |mean| sqrt(n) / s)`` with
    the sample standard deviation ``s``: Student (1908), "The probable error of a mean",
    Biometrika 6(1). Gains that are all the same have an interval without width.

    Args:
        gains: shape ``(seeds,)``, in points.
    """
    n = len(gains)
    if n < FEWEST:
        return PairedTest(fmean(gains) if n else None)
    mean = fmean(gains)
    error = stdev(gains) / math.sqrt(n)
    reach = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * error
    if error < _ROUNDING:
        return PairedTest(mean, mean, mean, 1.0 if abs(mean) < _ROUNDING else 0.0)
    p = 2 * float(stdtr(n - 1, -abs(mean) / error))
    return PairedTest(mean, mean - reach, mean + reach, p)


def verdict(mean: float | None, p: float | None) -> Verdict:
    """The sign of ``mean`` where ``p`` is at most 5 %; without a ``p`` there were too few seeds."""
    if mean is None or p is None:
        return "too few seeds"
    if p > 1 - LEVEL:
        return "undecided"
    return "gain" if mean > 0 else "loss"


def holm(p: Sequence[float]) -> list[float]:
    """Adjust p-values so that at most 5 % of families without any effect have one of 5 % or less.

    The i-th smallest of m times ``m - i + 1``, never below the one before it, at most 1:
    Holm (1979), "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6(2).

    Args:
        p: shape ``(m,)``, in any order.

    Returns:
        Shape ``(m,)``, in the same order.
    """
    order = np.argsort(p, kind="stable")
    steps = np.arange(len(p), 0, -1) * np.asarray(p, dtype=float)[order]
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in adjusted]
