"""Which arm is best, as far as can be told: joint draws of all arms' gains."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xstilts.stats.crossed import between_seeds, centred
from xstilts.stats.paired import FEWEST

Floats = NDArray[np.float64]


def joint_draws(
    gains: NDArray[Any], items: NDArray[Any], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Mean gains as they might be in truth, of all arms together.

    A draw gives every seed a weight, the same for all arms: ``1/n`` plus normal deviates of mean 0,
    scaled so that the mean of any arm, or of any difference of arms, moves as Student's t on seed
    means says (Fisher's fiducial distribution; the multivariate t of Cornish 1954). To that it
    adds what a draw of items moves in all seeds alike. The middle 95 % of an arm's draws is Behrens
    and Fisher's interval, which is a little wider than that of ``xstilts.stats.crossed``.

    Args:
        gains: shape ``(seeds, arms)``: gains in points, or scores under the same seeds.
        items: shape ``(draws, seeds, arms)``: the same of resampled test items.
        rng: of the weights.

    Returns:
        Shape ``(draws, arms)``, in points.

    Raises:
        ValueError: there are fewer than three seeds.
    """
    seeds, draws = len(gains), len(items)
    if seeds < FEWEST:
        raise ValueError(f"{seeds} seeds say nothing of others; {FEWEST} are the fewest")
    deviates = rng.standard_normal((draws, seeds))
    deviates -= deviates.mean(axis=1, keepdims=True)
    scale = np.sqrt((seeds - 1) / rng.chisquare(seeds - 1, draws)) / np.sqrt(seeds * (seeds - 1))
    changes = centred(items)
    by_items = changes.mean(axis=1)
    plain = (by_items**2).sum(axis=0) / (draws - 1)
    shared = np.array([max(0.0, between_seeds(changes[:, :, a])) for a in range(gains.shape[1])])
    by_items *= np.sqrt(np.divide(shared, plain, out=np.zeros_like(plain), where=plain > 0))
    found: Floats = gains.mean(axis=0) + scale[:, None] * (deviates @ gains) + by_items
    return found


def probability_best(draws: NDArray[Any]) -> Floats:
    """How probable it is of each arm that its true gain is the largest.

    The share of joint draws in which it is; arms that are equal share a draw.

    Args:
        draws: shape ``(draws, arms)``, of ``joint_draws``; the baseline is a column of 0 among
            gains.

    Returns:
        Shape ``(arms,)``, 0-1, sum 1.
    """
    top = draws == draws.max(axis=1, keepdims=True)
    shares: Floats = (top / top.sum(axis=1, keepdims=True)).mean(axis=0)
    return shares
