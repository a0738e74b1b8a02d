"""How far a mean may be from the truth: Student parts and normal parts, added.

The error of a mean gain has independent sources. One whose variance is estimated from n values has
Student's distribution with n - 1 degrees of freedom; one whose variance is known well is normal.
Two classical answers say how likely their sum is to be large:

* Behrens (1929) and Fisher (1935), "The fiducial argument in statistical inference", Annals of
  Eugenics 6(4): the sum of ``sqrt(variance_k) * t(freedom_k)``. Cautious: with three seeds a 95 %
  interval covers 95-97.6 %.
* Welch (1947), "The generalization of Student's problem", Biometrika 34: Student's t with
  ``V² / sum(variance_k² / freedom_k)`` degrees of freedom, V the sum of the variances
  (Satterthwaite 1946). Bold: 92-95 %.

The probability given here is the mean of the two: intervals then cover 94-96.5 % with three seeds,
94.8-95.7 % with five (`tests/stats/test_uncertainty.py`), and a p is never below half of the
cautious one, however small. With one source both are Student's t, and so is their mean.
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
        # A sum is no wider than its parts side by side, each with the fewest degrees of freedom.
        widest = _student(min(s.freedom for s in self.sources), 1 - outside)
        high = widest * math.fsum(math.sqrt(s.variance) for s in self.sources) * (1 + 1e-6)
        tail = self._tail()
        return float(brentq(lambda x: tail(x) - outside, 0.0, high, xtol=1e-9 * high))

    def _alone(self) -> Source | None:
        there = [source for source in self.sources if source.variance > 0]
        return there[0] if len(there) == 1 else None

    def _tail(self) -> Callable[[float], float]:
        one = self._alone()
        if one is not None:
            scale = math.sqrt(one.variance)
            return lambda error: _below(one.freedom, -error / scale)
        weights, deviations = _normal_mixture(self.sources)
        scale, freedom = math.sqrt(self.variance), _welch(self.sources)
        return lambda error: (
            0.5 * float(weights @ ndtr(-error / deviations)) + 0.5 * _below(freedom, -error / scale)
        )


def _student(freedom: float, probability: float) -> float:
    known = math.isinf(freedom)
    return float(ndtri(probability) if known else stdtrit(freedom, probability))


def _below(freedom: float, value: float) -> float:
    return float(ndtr(value) if math.isinf(freedom) else stdtr(freedom, value))


def _welch(sources: tuple[Source, ...]) -> float:
    """Degrees of freedom of the sum of the variances."""
    parts = math.fsum(source.variance**2 / source.freedom for source in sources)
    return math.fsum(source.variance for source in sources) ** 2 / parts if parts else math.inf


def _normal_mixture(sources: tuple[Source, ...]) -> tuple[Floats, Floats]:
    """Behrens and Fisher's sum as normal distributions: their weights and standard deviations.

    Given the chi-squared variables under the t's, it is normal; they are integrated by the
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
