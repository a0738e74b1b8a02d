"""The crossed test against variance components worked out by hand and worlds whose truth is known.

A world has items shared by all seeds, arms and languages; items, seeds, languages and all their
interactions move the score. Baseline and arm are drawn alike, so that the true gain is 0.
"""

import numpy as np
import pytest

from xstilts.stats.counts import corpus_score, resampled_scores
from xstilts.stats.crossed import cell_weights, crossed_test
from xstilts.stats.paired import PairedTest, paired_test

DRAWS = 150


def counts_of(rng: np.random.Generator, seeds: int, languages: int, **sd: float) -> np.ndarray:
    """Shape ``(80 groups, 2 arms, seeds, languages, 2)``: F1 counts of three sentences a group."""
    groups = 80
    logit = (
        0.3
        + rng.normal(0, 0.7, (groups, 1, 1, 1))
        + rng.normal(0, 0.3, (1, 1, 1, languages))
        + rng.normal(0, sd.get("seed", 0), (1, 2, seeds, 1))
        + rng.normal(0, sd.get("item", 0), (groups, 2, 1, 1))
        + rng.normal(0, sd.get("item_seed", 0), (groups, 2, seeds, 1))
        + rng.normal(0, sd.get("language", 0), (1, 2, 1, languages))
    )
    gold = np.broadcast_to(3 * rng.integers(2, 5, (groups, 1, 1, 1)), logit.shape)
    right = rng.binomial(gold, 1 / (1 + np.exp(-logit)))
    wrong = rng.binomial(gold - right, 0.7)
    return np.stack([2 * right, gold + right + wrong], axis=-1)


def judge(counts: np.ndarray, rng: np.random.Generator, languages: bool = False) -> PairedTest:
    whole, drawn = corpus_score(counts), resampled_scores(counts, DRAWS, rng)
    numbers = np.arange(counts.shape[3]) if languages else None
    return crossed_test(whole[1] - whole[0], drawn[:, 1] - drawn[:, 0], languages=numbers)


WORLDS = {
    "seeds differ": {"seed": 0.3},
    "items differ": {"item": 0.7},
    "runs differ freely": {"item_seed": 0.8},
    "all": {"seed": 0.08, "item": 0.4, "item_seed": 0.4},
}


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_intervals_hold_the_truth_and_null_arms_are_rarely_called(seeds: int, name: str) -> None:
    rng = np.random.default_rng([seeds, len(name)])
    found = [judge(counts_of(rng, seeds, 2, **WORLDS[name]), rng) for _ in range(250)]
    covered = np.mean([t.low <= 0 <= t.high for t in found])
    assert 0.91 <= covered <= 0.985  # of 250
    assert np.mean([t.verdict != "undecided" for t in found]) == pytest.approx(1 - covered)


def test_a_plain_percentile_bootstrap_covers_too_little_and_too_much() -> None:
    """Why it is not used: with three seeds it is far too short, with free runs far too long."""

    def covered(name: str, seeds: int) -> float:
        rng = np.random.default_rng(0)
        held = []
        for _ in range(200):
            counts = counts_of(rng, seeds, 2, **WORLDS[name])
            scores = resampled_scores(counts, DRAWS, rng).mean(axis=3)
            seed_draws = rng.integers(0, seeds, (DRAWS, seeds))
            gains = np.take_along_axis(scores[:, 1] - scores[:, 0], seed_draws, axis=1).mean(axis=1)
            low, high = np.percentile(gains, [2.5, 97.5])
            held.append(low <= 0 <= high)
        return float(np.mean(held))

    assert covered("seeds differ", 3) < 0.85
    assert covered("runs differ freely", 5) > 0.985


def test_a_planted_gain_is_found_and_its_interval_holds_it() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(60):
        counts = counts_of(rng, 5, 3, seed=0.05, item=0.3)
        flipped = rng.binomial(counts[:, 1, ..., 1] // 2 - counts[:, 1, ..., 0] // 2, 0.3)
        counts[:, 1, ..., 0] += 2 * np.minimum(flipped, counts[:, 1, ..., 1] // 2)
        found.append(judge(counts, rng))
    assert sum(t.verdict == "gain" for t in found) >= 55
    assert not any(t.verdict == "loss" for t in found)


def test_other_languages_widen_the_interval_and_are_then_covered() -> None:
    """Languages that take to the arm differently: 0 in the mean of all there are, not of six."""
    rng = np.random.default_rng(1)
    general, fixed = [], []
    for _ in range(150):
        counts = counts_of(rng, 5, 6, seed=0.05, item=0.3, language=0.3)
        general.append(judge(counts, rng, languages=True))
        fixed.append(judge(counts, rng))
    held = [np.mean([t.low <= 0 <= t.high for t in tests]) for tests in (general, fixed)]
    assert 0.92 <= held[0] <= 0.98 and held[1] < 0.75
    wider = [g.error.variance > f.error.variance for g, f in zip(general, fixed, strict=True)]
    assert np.mean(wider) > 0.95


def test_items_that_move_nothing_leave_students_t() -> None:
    gains = np.random.default_rng(0).normal(1, 1, (5, 4))
    still = np.broadcast_to(gains, (50, 5, 4))
    found, oracle = crossed_test(gains, still), paired_test(list(gains.mean(axis=1)))
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high))
    assert found.p == pytest.approx(oracle.p)


def test_the_item_part_is_the_covariance_between_seeds_over_the_number_of_items() -> None:
    """The textbook's variance components of a crossed design, of a metric that is a mean."""
    rng = np.random.default_rng(0)
    right = rng.random((300, 1)) + rng.normal(0, 0.5, (300, 4)) > 0.5
    counts = np.stack([right, np.ones_like(right)], axis=-1).astype(float)
    draws = resampled_scores(counts, 20_000, rng)
    found = crossed_test(corpus_score(counts)[:, None], draws[:, :, None])
    table = np.cov(100 * right.T)
    apart = table[~np.eye(4, dtype=bool)].mean() / 300
    assert found.error is not None
    assert found.error.sources[0].variance == pytest.approx(right.mean(0).var(ddof=1) * 1e4 / 4)
    assert found.error.sources[1].variance == pytest.approx(apart, rel=0.05)


def test_the_language_part_is_the_covariance_between_seeds_over_the_number_of_languages() -> None:
    rng = np.random.default_rng(0)
    gains = rng.normal(0, 2, (1, 8)) + rng.normal(0, 1, (4, 8))
    still = np.broadcast_to(gains, (10, 4, 8))
    found = crossed_test(gains, still, languages=np.arange(8))
    apart = np.cov(gains)[~np.eye(4, dtype=bool)].mean() / 8
    assert found.error is not None
    assert found.error.sources[1].variance == pytest.approx(apart)
    assert found.error.sources[1].freedom == 7


def test_every_target_has_one_vote_however_many_languages_it_has() -> None:
    targets = np.array([0, 0, 0, 1])
    assert cell_weights(targets) == pytest.approx([1 / 6, 1 / 6, 1 / 6, 1 / 2])
    gains = np.array([[3.0, 3.0, 3.0, 1.0]] * 3)
    assert crossed_test(gains, gains[None].repeat(5, 0), targets).mean == 2


def test_below_three_seeds_there_is_a_mean_and_nothing_else() -> None:
    found = crossed_test(np.ones((2, 3)), np.ones((10, 2, 3)))
    assert (found.mean, found.low, found.p, found.verdict) == (1, None, None, "too few seeds")


def test_one_language_says_nothing_about_languages_in_general() -> None:
    with pytest.raises(ValueError, match="languages in general"):
        crossed_test(np.ones((3, 1)), np.ones((10, 3, 1)), languages=np.zeros(1))


def test_the_order_of_seeds_cells_and_draws_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    gains, items = rng.normal(size=(5, 6)), rng.normal(size=(40, 5, 6))
    targets, languages = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 2, 0, 1, 2])
    first = crossed_test(gains, items, targets, languages)
    seeds, cells, draws = rng.permutation(5), rng.permutation(6), rng.permutation(40)
    again = crossed_test(
        gains[seeds][:, cells],
        items[draws][:, seeds][:, :, cells],
        targets[cells],
        languages[cells],
    )
    assert (again.mean, again.low, again.p) == pytest.approx((first.mean, first.low, first.p))
