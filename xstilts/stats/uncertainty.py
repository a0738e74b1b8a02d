"""How far a mean may be from the truth: Student parts and normal parts, added.

The error of a mean gain has independent sources. One whose variance is estimated from n values has
Student's distribution with n - 1 degrees of freedom; one whose variance is known well is normal.
The interval and the p-value are those of the sum

    Q = sum of sqrt(variance_k) * t(freedom_k)

For two sources this is the solution of Behrens (1929) and Fisher (1935), "The fiducial argument in
statistical inference", Annals of Eugenics 6(4). It errs on the side of caution: a 95 % interval
covers 95-97 %, where Welch's degrees of freedom would give 92-93 % with three seeds
(`tests/stats/test_uncertainty.py`). With one source it is Student's t.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import chdtri, gammaincinv, ndtr, ndtri, stdtr, stdtrit
from scipy.stats import chi2

LEVEL = 0.95
_POINTS = 161  # of the grid over one chi-squared; errors are below 1e-7
_EDGE = 1e-16  # probability left out at either end of it

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Source:
    """One source of error.

    Attributes:
        variance: of the mean, by this source alone, in points².
        freedom: degrees of freedom of that variance; infinity where it is known.
    """

    variance: float
    freedom: float = math.inf


@dataclass(frozen=True)
class Uncertainty:
    """The distribution of the error of a mean, symmetric around 0.

    Attributes:
        sources: independent of each other, at most two of them with an estimated variance.
    """

    sources: tuple[Source, ...]

    def __post_init__(self) -> None:
        estimated = sum(not math.isinf(source.freedom) for source in self.sources)
        assert estimated <= 2, "a grid over three chi-squared variables would be too large"

    @property
    def variance(self) -> float:
        """The sum of the estimated variances, in points²."""
        return math.fsum(source.variance for source in self.sources)

    def tail(self, error: float) -> float:
        """The probability of an error of at least ``error``, in points; 0-1."""
        return self._tail()(error)

    def reach(self, level: float = LEVEL) -> float:
        """The half width of the interval of that level, in points."""
        outside = (1 - level) / 2
        one = self._alone()
        if one is not None:
            return math.sqrt(one.variance) * _student(one.freedom, 1 - outside)
        # A sum is no wider than the parts side by side, and no narrower than the widest of them.
        reaches = [math.sqrt(s.variance) * _student(s.freedom, 1 - outside) for s in self.sources]
        tail = self._tail()
        low, high = max(reaches) * (1 - 1e-6), math.fsum(reaches) * (1 + 1e-6)
        return float(brentq(lambda x: tail(x) - outside, low, high, xtol=1e-9 * high))

    def _alone(self) -> Source | None:
        there = [source for source in self.sources if source.variance > 0]
        return there[0] if len(there) == 1 else None

    def _tail(self) -> Callable[[float], float]:
        one = self._alone()
        if one is not None:
            scale = math.sqrt(one.variance)
            return lambda error: _below(one.freedom, -error / scale)
        weights, deviations = _normal_mixture(self.sources)
        return lambda error: float(weights @ ndtr(-error / deviations))


def _student(freedom: float, probability: float) -> float:
    known = math.isinf(freedom)
    return float(ndtri(probability) if known else stdtrit(freedom, probability))


def _below(freedom: float, value: float) -> float:
    return float(ndtr(value) if math.isinf(freedom) else stdtr(freedom, value))


def _normal_mixture(sources: tuple[Source, ...]) -> tuple[Floats, Floats]:
    """Q as normal distributions: their weights and standard deviations.

    Given the chi-squared variables under the t's, Q is normal; they are integrated by the
    trapezoidal rule over their logarithms.
    """
    weights = np.ones(1)
    variances = np.array([sum(s.variance for s in sources if math.isinf(s.freedom))])
    for source in sources:
        if source.variance > 0 and not math.isinf(source.freedom):
            shares, factors = chi_squared_shares(source.freedom)
            weights = np.outer(weights, shares).ravel()
            variances = np.add.outer(variances, source.variance / factors).ravel()
    return weights, np.sqrt(variances)


@cache
def chi_squared_shares(freedom: float) -> tuple[Floats, Floats]:
    """A grid of ``chi²(freedom) / freedom``: shares of probability, sum 1, and values."""
    low, high = 2 * gammaincinv(freedom / 2, _EDGE), chdtri(freedom, _EDGE)
    at = np.linspace(math.log(low), math.log(high), _POINTS)
    values: Any = np.exp(at)
    shares = chi2.pdf(values, freedom) * values
    return shares / shares.sum(), values / freedom
