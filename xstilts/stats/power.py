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
# Of the variance of "this item is right" at 50 %, 2,500 points², what arm and baseline do not
# share: by arm in all seeds, in all languages or one; by run in all languages; the rest. The larger
# of two targets of a measured run, rounded up (docs/results/calibration-variances.csv, on the
# scale of shares 2/pi * asin); a quarter and less is alike in all runs.
_ITEM = 50.0**2
_BY_ARM, _BY_ARM_AND_LANGUAGE, _BY_RUN, _REST = 0.02, 0.05, 0.10, 0.60
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


def smallest_gain(
    seeds: int, examples: int, spread: float = 1.0, languages: int = 1
) -> float | None:
    """Smallest true gain that the test over seeds and items finds with 80 % power, in points.

    Of the seeds: two independent runs, in each the seed's own variance, and the items that a run
    gets right by itself. Of the items: what arm and baseline get right in all seeds, each by
    itself. Scores are taken to be near 50 %, where items vary most. A part that all languages of a
    parallel set have in common is as large as that of one language.

    Args:
        seeds: runs an arm.
        examples: scored in a run, all languages together.
        spread: standard deviation between the seeds of one arm, in points; 1 is an assumption
            until seeds have been run.
        languages: in which the same items are asked; 1 where languages have items of their own.

    Returns:
        ``None`` below three seeds, where no gain is found.
    """
    if seeds < FEWEST:
        return None
    one = examples / languages
    by_run = spread**2 + _ITEM * (_BY_RUN / one + _REST / examples)
    by_arm = _ITEM * (_BY_ARM / one + _BY_ARM_AND_LANGUAGE / examples)
    design = _design(seeds, math.sqrt(2 * by_run), math.sqrt(2 * by_arm))
    return float(brentq(lambda gain: design.power(gain) - _WANTED, 0, 100 * design.error))


def _design(seeds: int, spread: float, items: float) -> _Design:
    shares, factors = chi_squared_shares(seeds - 1)
    by_seed = spread**2 / seeds
    reaches = [
        Uncertainty((Source(by_seed * factor, seeds - 1), Source(items**2))).reach()
        for factor in factors.tolist()
    ]
    return _Design(math.sqrt(by_seed + items**2), shares, np.array(reaches))
