"""How well scores known beforehand rank what intermediate tasks turn out to be worth.

Columns are targets; candidates are ranked within each target and the quality averaged, so that
targets that are easy for all do not pass for good ranking. A score that is not defined for a pair
is nan, and the pair is left out of its target. What a ranking by chance is worth, and how often
chance is as good, comes from permuting the candidates jointly over targets: 9 tasks on 9 targets
are 9 chances to be right, not 81.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import comb

from xstilts.stats.uncertainty import LEVEL

_FEWEST = 3  # candidates of a target; of two a ranking is right or wrong by a coin
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Quality:
    """A way to judge a ranking.

    Attributes:
        of: (scores, worth), each shape ``(draws, candidates)`` or without draws, nan in both where
            a candidate is left out -> quality of each draw; nan where it is not defined.
        lowest: it can be.
        highest: it can be.
        better: 1 if more is better, -1 if less is.
    """

    of: Callable[[Floats, Floats], Floats]
    lowest: float
    highest: float
    better: int = 1


def _above(values: Floats) -> Floats:
    """How many are larger than each, and those before it of its own value count by half."""
    larger = values[..., None, :] > values[..., :, None]
    equal = values[..., None, :] == values[..., :, None]
    found: Floats = larger.sum(-1) + (equal.sum(-1) - 1) / 2
    return np.where(np.isnan(values), np.nan, found)


def _correlation(x: Floats, y: Floats) -> Floats:
    """Of centred numbers along the last axis; what is nan in both is left out."""
    size = np.sqrt(np.nansum(x**2, -1) * np.nansum(y**2, -1))
    found: Floats = np.divide(
        np.nansum(x * y, -1), size, np.full_like(size, np.nan), where=size > 0
    )
    return found


def _spearman(scores: Floats, worth: Floats) -> Floats:
    return _correlation(*(_centred(_above(column)) for column in (scores, worth)))


def _centred(ranks: Floats) -> Floats:
    number = np.maximum((~np.isnan(ranks)).sum(-1, keepdims=True), 1)
    found: Floats = ranks - np.nansum(ranks, -1, keepdims=True) / number
    return found


def _kendall(scores: Floats, worth: Floats) -> Floats:
    signs = (np.sign(v[..., None, :] - v[..., :, None]) for v in (scores, worth))
    x, y = (sign.reshape(*sign.shape[:-2], -1) for sign in signs)
    return _correlation(x, y)


def _gained(scores: Floats, worth: Floats) -> Floats:
    """Discounted worth by the order of scores; equal ones share the discounts of their places."""
    discounts = np.cumsum([0.0, *(1 / np.log2(np.arange(2, worth.shape[-1] + 2)))])
    first = (scores[..., None, :] > scores[..., :, None]).sum(-1)
    equal = np.maximum((scores[..., None, :] == scores[..., :, None]).sum(-1), 1)
    shared = (discounts[np.minimum(first + equal, len(discounts) - 1)] - discounts[first]) / equal
    found: Floats = np.nansum(worth * shared, -1)
    return found


def _ndcg(scores: Floats, worth: Floats) -> Floats:
    best = _gained(worth, worth)
    found: Floats = np.divide(
        _gained(scores, worth), best, np.full_like(best, np.nan), where=best > 0
    )
    return found


SPEARMAN = Quality(_spearman, -1, 1)
"""Pearson's correlation of the ranks (Spearman 1904)."""

KENDALL = Quality(_kendall, -1, 1)
"""Tau-b (Kendall 1945)."""

NDCG = Quality(_ndcg, 0, 1)
"""``sum worth_i / log2(1 + rank_i)`` by rank of score over that by rank of worth (Järvelin &
Kekäläinen 2002, ACM TOIS 20(4)). Worth must be at least 0: scores of the target, not gains.
Candidates of equal score share the discounts of their places."""


def _best_of_first(scores: Floats, worth: Floats, k: int) -> Floats:
    """The largest worth among the k highest scores, in the mean over all orders of equal ones.

    Some candidates of one score may get the last places; each is the best of those drawn where the
    others come from the ones below it.
    """
    order = np.argsort(worth, axis=-1)
    scores, worth = (np.take_along_axis(v, order, -1) for v in (scores, worth))
    equal = scores[..., None, :] == scores[..., :, None]
    number = equal.sum(-1)  # 0 of nan
    below = (equal & np.tri(worth.shape[-1], k=-1, dtype=bool)).sum(-1)
    ahead = (scores[..., None, :] > scores[..., :, None]).sum(-1)
    places = np.clip(k - ahead, 0, number)
    sure = np.where(places == number, worth, -np.inf).max(-1, keepdims=True)
    drawn = (places > 0) & (places < number)
    chance = np.where(drawn, comb(below, places - 1) / comb(number, places), 0.0)
    found: Floats = (chance * np.where(drawn, np.maximum(worth, sure), 0.0)).sum(-1)
    return np.where(drawn.any(-1), found, sure[..., 0])


def regret(k: int) -> Quality:
    """Regret@k: what the best of the first k candidates lacks to the best of all, in percent.

    ``100 * (max worth - max worth of the k with the highest scores) / max worth``, worth being
    scores of the target: Poth et al. (2021), "What to pre-train on? Efficient intermediate task
    selection". Candidates of equal score stand in every order alike: it is the mean over all.
    """

    def of(scores: Floats, worth: Floats) -> Floats:
        scores, worth = np.broadcast_arrays(scores, np.where(np.isnan(worth), -np.inf, worth))
        best, first = worth.max(-1), _best_of_first(scores, worth, k)
        lacking: Floats = np.full_like(best, np.nan)
        there = best > 0
        lacking[there] = 100 * (best[there] - first[there]) / best[there]
        return lacking

    return Quality(of, 0, 100, better=-1)


@dataclass(frozen=True)
class Ranking:
    """How good a ranking is.

    Attributes:
        quality: mean over targets.
        by_chance: the same, of permuted candidates.
        p: one-sided, of a ranking by chance; 0-1.
        low: lower end of the 95 % interval; ``None`` without draws of the worth.
        high: its upper end.
        targets: behind the mean.
    """

    quality: float
    by_chance: float
    p: float
    low: float | None
    high: float | None
    targets: int


def ranking(
    scores: NDArray[Any],
    worth: NDArray[Any],
    quality: Quality,
    *,
    worth_draws: NDArray[Any] | None = None,
    permutations: int = 2_000,
    seed: int = 0,
) -> Ranking:
    """Judge how scores rank candidates within targets.

    ``p`` counts the ranking seen among the permutations (Phipson & Smyth 2010). The interval is
    symmetric: as far to either side as 95 % of the draws are from the quality seen, within what it
    can be (Hall 1988, "On symmetric bootstrap confidence intervals", J. R. Statist. Soc. B 50(1)).
    Noise in the worth lowers a quality, and the draws have it twice, so that their percentiles
    would miss the truth; simulated, this one covers 92-100 %. It speaks of other seeds and test
    items, not of other candidates or targets.

    Args:
        scores: shape ``(candidates, targets)``; nan where not defined.
        worth: likewise, as measured; nan where a pair does not count, whoever takes its place.
        quality: ``SPEARMAN``, ``KENDALL``, ``NDCG`` or ``regret(k)``.
        worth_draws: shape ``(draws, candidates, targets)``, of ``xstilts.stats.best.joint_draws``.
        permutations: of the candidates.
        seed: of the permutations.

    Raises:
        ValueError: no target has three candidates with scores that differ.
    """
    scores, worth = np.asarray(scores, float), np.asarray(worth, float)
    [found], targets = _mean_quality(scores[None], worth, quality)
    if not targets[0]:
        raise ValueError("no target has three candidates whose scores differ")
    rng = np.random.default_rng(seed)
    orders = np.stack([rng.permutation(len(scores)) for _ in range(permutations)])
    chance, _ = _mean_quality(scores[orders], worth, quality)
    as_good = quality.better * chance >= quality.better * found - 1e-12
    low = high = None
    if worth_draws is not None:
        drawn, _ = _mean_quality(scores[None], np.asarray(worth_draws, float), quality)
        reach = float(np.nanquantile(np.abs(drawn - found), LEVEL))
        low, high = max(quality.lowest, found - reach), min(quality.highest, found + reach)
    return Ranking(
        float(found),
        float(np.nanmean(chance)),
        float(1 + as_good.sum()) / (1 + permutations),
        low,
        high,
        int(targets[0]),
    )


def _mean_quality(
    scores: Floats, worth: Floats, quality: Quality
) -> tuple[Floats, NDArray[np.int64]]:
    """Of each draw the mean over targets that have a quality, and their number.

    Args:
        scores: shape ``(draws, candidates, targets)``; or one draw for all.
        worth: likewise, or without draws.
        quality: that counts.
    """
    found = []
    for target in range(scores.shape[-1]):
        mine, real = np.broadcast_arrays(scores[..., target], worth[..., target])
        there = ~(np.isnan(mine) | np.isnan(real))
        value = quality.of(np.where(there, mine, np.nan), np.where(there, real, np.nan))
        some = np.where(there, mine, -np.inf).max(-1) > np.where(there, mine, np.inf).min(-1)
        found.append(np.where(some & (there.sum(-1) >= _FEWEST), value, np.nan))
    values = np.stack(found)
    defined = ~np.isnan(values)
    number = defined.sum(0)
    total = np.where(defined, values, 0).sum(0)
    return np.divide(total, number, np.full_like(total, np.nan), where=number > 0), number
