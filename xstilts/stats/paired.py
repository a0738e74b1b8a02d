"""Is an arm better or worse than its baseline? A paired test over seeds.

One number a seed goes in: the arm's score minus the baseline's under the same seed, in points,
averaged over cells that are the same in every seed. What comes out speaks of other seeds of the
same recipe; ``xstilts.stats.crossed`` adds other test items and other languages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance
from typing import Literal

from xstilts.stats.uncertainty import LEVEL, Source, Uncertainty

FEWEST = 3  # seeds; with two the interval is 12.7 standard errors to either side
_ROUNDING = 1e-9  # points; what floating-point sums leave of a difference that is none

Verdict = Literal["gain", "loss", "undecided", "too few seeds"]


@dataclass(frozen=True)
class PairedTest:
    """The test of a mean of paired differences.

    Attributes:
        mean: of the gains; ``None`` of none.
        low: lower end of the 95 % interval of the mean; ``None`` below ``FEWEST`` seeds.
        high: its upper end.
        p: two-sided, of a mean of 0; ``None`` below ``FEWEST`` seeds.
        error: what they rest on; ``None`` below ``FEWEST`` seeds.
    """

    mean: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    error: Uncertainty | None = None

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
    return judged(fmean(gains), Uncertainty((Source(variance(gains) / n, n - 1),)))


def judged(mean: float, error: Uncertainty) -> PairedTest:
    """The 95 % interval of a mean with that error, and the p of a mean of 0."""
    if error.variance < _ROUNDING**2:
        return PairedTest(mean, mean, mean, 1.0 if abs(mean) < _ROUNDING else 0.0, error)
    reach = error.reach()
    p = min(1.0, 2 * error.tail(abs(mean)))
    return PairedTest(mean, mean - reach, mean + reach, p, error)


def verdict(mean: float | None, p: float | None) -> Verdict:
    """The sign of ``mean`` where ``p`` is at most 5 %; without a ``p`` there were too few seeds."""
    if mean is None or p is None:
        return "too few seeds"
    if p > 1 - LEVEL:
        return "undecided"
    return "gain" if mean > 0 else "loss"
