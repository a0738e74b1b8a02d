"""How small a gain a design can tell from chance with the paired test over seeds."""

import math

from scipy.special import nctdtr, nctdtrinc, stdtrit

from xstilts.stats.paired import FEWEST, LEVEL


def power(gain: float, seeds: int, spread: float) -> float:
    """The probability that ``stats.paired`` finds a true gain, with the right sign.

    ``P(T > t(0.975, n - 1))`` with T of the noncentral t distribution with n - 1 degrees of freedom
    and noncentrality ``gain * sqrt(n) / spread`` (Johnson, Kotz & Balakrishnan 1995, chapter 31).

    Args:
        gain: in points; a loss of that size is found as often.
        seeds: of arm and baseline alike.
        spread: standard deviation between seeds of the arm's score minus the baseline's, in points.

    Returns:
        0-1; 0 below three seeds, where there is no verdict.
    """
    if seeds < FEWEST:
        return 0.0
    shift = abs(gain) * math.sqrt(seeds) / spread
    return 1 - float(nctdtr(seeds - 1, shift, _limit(seeds)))


def smallest_gain(seeds: int, examples: int, spread: float = 1.0) -> float | None:
    """Smallest true gain that the test finds with 80 % power, in points.

    The same formula with ``2 (spread² + 50²/examples)`` as the variance of a seed's gain: two
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
    return float(nctdtrinc(seeds - 1, 0.2, _limit(seeds))) * deviation / math.sqrt(seeds)


def _limit(seeds: int) -> float:
    return float(stdtrit(seeds - 1, (1 + LEVEL) / 2))
