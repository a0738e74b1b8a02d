"""A test over seeds that assumes no normal distribution, from six seeds on."""

from collections.abc import Sequence

import numpy as np

FEWEST = 6  # seeds: with five the smallest p is 2/32, which can never reject at 5 %
_ALL = 16  # seeds up to which every pattern of signs is looked at
_DRAWS = 100_000
_ROUNDING = 1e-9  # points


def sign_flip(gains: Sequence[float], *, seed: int = 0) -> float | None:
    """Two-sided p of gains that are as likely to be negative as positive.

    The share of the ``2^n`` patterns of signs whose mean is at least as far from 0 as the one seen:
    Fisher (1935), "The Design of Experiments", section 21. Above 16 seeds of 100,000 patterns drawn
    at random, the one seen among them (Phipson & Smyth 2010).

    Args:
        gains: shape ``(seeds,)``, in points.
        seed: of the patterns drawn.

    Returns:
        0-1; ``None`` below six seeds, where the test cannot reject.
    """
    n = len(gains)
    if n < FEWEST:
        return None
    values = np.asarray(gains, float)
    if n <= _ALL:
        # The patterns that leave the first sign as it is; the others are their mirror images.
        bits = (np.arange(2 ** (n - 1))[:, None] >> np.arange(n)) & 1
    else:
        bits = np.random.default_rng(seed).integers(0, 2, (_DRAWS, n))
        bits[0] = 0
    sums = np.abs((1 - 2 * bits) @ values)
    return float(np.mean(sums >= abs(values.sum()) - _ROUNDING * n))
