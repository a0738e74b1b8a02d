"""The smallest gain of a design, against experiments simulated item by item.

The simulation knows nothing of the formulas: items are right or wrong by a threshold, runs are
drawn and scored, test items resampled, and the product's test is asked.
"""

import math

import numpy as np
import pytest
from scipy.special import ndtri

from xstilts.stats.counts import corpus_score, resampled_scores
from xstilts.stats.crossed import crossed_test
from xstilts.stats.power import power, smallest_gain

# What two runs have in common on an item, as a correlation of right and wrong, by what they share.
ALL, LANGUAGE, ARM, ARM_AND_LANGUAGE, RUN = 0.15, 0.23, 0.17, 0.30, 0.27
REPEATS = 300


def latent(share: float) -> float:
    """The correlation of normal variables whose signs correlate by ``share``."""
    return math.sin(math.pi / 2 * share)


def experiment(
    rng: np.random.Generator, seeds: int, languages: int, items: int, gain: float, parallel: bool
) -> np.ndarray:
    """Counts ``(items, 2, seeds, languages, 2)`` of a baseline at 50 % and an arm that gains."""

    def part(variance: float, *axes: int) -> np.ndarray:
        sizes = (items, 2, seeds, languages)
        axes = axes if parallel or 0 not in axes else (*axes, 3)  # else a language's own items
        return rng.normal(0, variance**0.5, [n if i in axes else 1 for i, n in enumerate(sizes)])

    item = latent(ALL)
    of_language = latent(LANGUAGE) - item
    of_arm = latent(ARM) - item
    of_both = latent(ARM_AND_LANGUAGE) - latent(LANGUAGE) - of_arm
    of_run = latent(RUN) - latent(ARM)
    rest = 1 - item - of_language - of_arm - of_both - of_run
    point = 0.01 * math.sqrt(2 * math.pi)  # of a score, in normal deviates at 50 %
    variable = (
        part(item, 0) + part(of_language, 0, 3) + part(of_arm, 0, 1) + part(of_both, 0, 1, 3)
        + part(of_run, 0, 1, 2) + part(rest, 0, 1, 2, 3) + part(point**2, 1, 2)
    )  # fmt: skip
    level = np.array([0.0, ndtri(0.5 + gain / 100)]).reshape(1, 2, 1, 1)
    right = (variable + level > 0).astype(np.int8)
    return np.stack([right, np.ones_like(right)], axis=-1)


def found(counts: np.ndarray, rng: np.random.Generator, parallel: bool) -> bool:
    whole, groups = corpus_score(counts), [counts]
    if not parallel:
        groups = [counts[..., [x], :] for x in range(counts.shape[3])]
    drawn = np.concatenate([resampled_scores(g, 150, rng) for g in groups], axis=-1)
    return crossed_test(whole[1] - whole[0], drawn[:, 1] - drawn[:, 0]).verdict == "gain"


@pytest.mark.parametrize(
    ("seeds", "languages", "parallel"), [(3, 3, True), (5, 1, True), (5, 6, True), (5, 3, False)]
)
def test_four_of_five_simulated_experiments_find_the_smallest_gain(
    seeds: int, languages: int, parallel: bool
) -> None:
    rng = np.random.default_rng([seeds, languages])
    items = 250
    same = languages if parallel else 1
    gain = smallest_gain(seeds, items * languages, languages=same)
    assert gain is not None
    share = np.mean(
        [
            found(experiment(rng, seeds, languages, items, gain, parallel), rng, parallel)
            for _ in range(REPEATS)
        ]
    )
    assert share == pytest.approx(0.8, abs=0.07)


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_many_items_leave_the_seeds(seeds: int) -> None:
    gain = smallest_gain(seeds, examples=10**9, spread=0.5)
    assert gain is not None
    assert power(gain, seeds, 0.5 * 2**0.5) == pytest.approx(0.8, abs=1e-4)
    assert power(-gain, seeds, 0.5 * 2**0.5) == power(gain, seeds, 0.5 * 2**0.5)


def test_languages_with_items_of_their_own_tell_more_than_translations() -> None:
    own, same = smallest_gain(5, 3_000), smallest_gain(5, 3_000, languages=6)
    assert own is not None and same is not None and own < same
    least = [smallest_gain(n, 1_000) for n in (3, 5, 10, 30)]
    assert least == sorted(least, reverse=True)
