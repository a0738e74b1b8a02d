"""How small a gain a design can tell from chance with the test of ``xstilts.stats.crossed``."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from xstilts.stats.paired import FEWEST
from xstilts.stats.uncertainty import Source, Uncertainty, chi_squared_shares

_WANTED = 0.8
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Design:
    """What the test can do.

    Attributes:
        error: standard error of the gain, in points.
        shares: of probability, over what the seeds may happen to vary by.
        reaches: the half width of the interval there, in points.
    """

    error: float
    shares: Floats
    reaches: Floats

    def power(self, gain: float) -> float:
        return float(self.shares @ ndtr((gain - self.reaches) / self.error))


def power(gain: float, seeds: int, spread: float, items: float = 0.0) -> float:
    """The probability that the test finds a true gain, with the right sign.

    The variance seen between seeds is ``spread² * chi²(n - 1) / (n - 1)``; given it, the gain is
    found if the mean, which is normal, lies beyond the reach of the interval. Without items this is
    the noncentral t distribution (Johnson, Kotz & Balakrishnan 1995, chapter 31).

    Args:
        gain: in points; a loss of that size is found as often.
        seeds: of arm and baseline alike.
        spread: standard deviation between seeds of the arm's score minus the baseline's, in points.
        items: standard error of the gain by what test items do in all seeds alike, in points.

    Returns:
        0-1; 0 below three seeds, where there is no verdict.
    """
    return _design(seeds, spread, items).power(abs(gain)) if seeds >= FEWEST else 0.0


def smallest_gain(seeds: int, examples: int, spread: float = 1.0) -> float | None:
    """Smallest true gain that the test finds with 80 % power, in points.

    The gain's variance between seeds is taken as ``2 (spread² + 50²/examples)``: two
    independent runs, in each the seed's own variance and that of a share at 50 %, its largest.
    Seeds that agree on the examples that they get right can only make the second part smaller.

    Args:
        seeds: runs an arm.
        examples: scored in a run, all languages together.
        spread: standard deviation between the seeds of one arm, in points; 1 is an assumption
            until seeds have been run.

    Returns:
        ``None`` below three seeds, where no gain is found.
    """
    if seeds < FEWEST:
        return None
    deviation = math.sqrt(2 * (spread**2 + 50.0**2 / examples))
    design = _design(seeds, deviation, 0.0)
    return float(brentq(lambda gain: design.power(gain) - _WANTED, 0, 100 * design.error))


def _design(seeds: int, spread: float, items: float) -> _Design:
    shares, factors = chi_squared_shares(seeds - 1)
    by_seed = spread**2 / seeds
    reaches = [
        Uncertainty((Source(by_seed * factor, seeds - 1), Source(items**2))).reach()
        for factor in factors.tolist()
    ]
    return _Design(math.sqrt(by_seed + items**2), shares, np.array(reaches))
