"""How small a gain a design can tell from chance."""

import math

_Z_TWO_SIDED_5 = 1.959964
_Z_POWER_80 = 0.841621


def smallest_gain(seeds: int, examples: int, spread: float = 1.0) -> float:
    """Smallest true gain that is found with 80 % power at a two-sided 5 %, in points.

    ``(z_0.975 + z_0.80) * sqrt(2 spread²/seeds + 2 * 50²/examples)``: the normal approximation of a
    difference of two independent means (Cohen 1988, section 2.4), with the variance of a share at
    50 %, its largest. Pairing by example can only make the second term smaller.

    Args:
        seeds: runs an arm.
        examples: scored in a run, all languages together.
        spread: standard deviation between the seeds of one arm, in points; 1 is an assumption
            until seeds have been run.
    """
    variance = 2 * spread**2 / seeds + 2 * 50.0**2 / examples
    return (_Z_TWO_SIDED_5 + _Z_POWER_80) * math.sqrt(variance)
