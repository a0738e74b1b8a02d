"""Ranking quality against scipy and scikit-learn, and in worlds where scores know nothing."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import ndcg_score

from xstilts.stats.best import joint_draws
from xstilts.stats.rankings import KENDALL, NDCG, SPEARMAN, Quality, ranking, regret


@pytest.mark.parametrize("seed", range(5))
def test_each_quality_is_that_of_scipy_or_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, worth = rng.integers(0, 6, 9).astype(float), rng.uniform(0, 100, 9)  # with ties
    assert SPEARMAN.of(scores, worth) == pytest.approx(stats.spearmanr(scores, worth).statistic)
    assert KENDALL.of(scores, worth) == pytest.approx(stats.kendalltau(scores, worth).statistic)
    assert NDCG.of(scores, worth) == pytest.approx(ndcg_score([worth], [scores]))


def test_regret_is_what_the_best_of_the_first_k_lacks() -> None:
    scores, worth = np.array([0.9, 0.1, 0.8, 0.3]), np.array([50.0, 80.0, 60.0, 70.0])
    found = [regret(k).of(scores, worth) for k in (1, 2, 3, 4)]
    assert found == pytest.approx([100 * 30 / 80, 100 * 20 / 80, 100 * 10 / 80, 0])


@pytest.mark.parametrize("seed", range(8))
def test_regret_is_the_mean_over_all_orders_of_equal_scores(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, worth = rng.integers(0, 3, 6).astype(float), rng.integers(1, 9, 6).astype(float)
    for k in range(1, 7):
        lacking = []
        for order in permutations(range(6)):
            first = sorted(order, key=lambda i: -scores[i])[:k]
            lacking.append(100 * (1 - worth[first].max() / worth.max()))
        assert regret(k).of(scores, worth) == pytest.approx(np.mean(lacking))


def test_a_pair_that_does_not_count_is_left_out_by_chance_too() -> None:
    rng = np.random.default_rng(5)
    scores, worth = rng.normal(size=(5, 2)), rng.uniform(10, 50, (5, 2))
    scores[0, 0] = worth[0, 0] = np.nan
    found = ranking(scores, worth, regret(1), permutations=4_000)

    def mean(order: tuple[int, ...]) -> float:
        parts = []
        for mine, real in zip(scores[list(order)].T, worth.T, strict=True):
            there = ~np.isnan(mine + real)
            parts.append(100 * (1 - real[there][mine[there].argmax()] / real[there].max()))
        return float(np.mean(parts))

    assert found.quality == pytest.approx(mean(tuple(range(5))))
    by_chance = np.mean([mean(order) for order in permutations(range(5))])
    assert found.by_chance == pytest.approx(by_chance, rel=0.05)


@settings(max_examples=60, deadline=None)
@given(st.integers(3, 12), st.integers(0, 2**32 - 1))
def test_a_perfect_ranking_has_the_best_quality_and_none_is_out_of_range(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, worth = rng.normal(size=n), rng.uniform(1, 100, n)
    for quality in (SPEARMAN, KENDALL, NDCG, regret(1), regret(3)):
        assert quality.lowest - 1e-9 <= quality.of(scores, worth) <= quality.highest + 1e-9
        best = quality.highest if quality.better == 1 else quality.lowest
        assert quality.of(worth, worth) == pytest.approx(best)
        assert quality.of(np.exp(scores), worth) == pytest.approx(quality.of(scores, worth))


def test_the_mean_is_over_targets_and_p_counts_permutations_of_candidates() -> None:
    rng = np.random.default_rng(0)
    scores, worth = rng.normal(size=(5, 3)), rng.uniform(0, 100, (5, 3))
    found = ranking(scores, worth, SPEARMAN, permutations=4_000)

    def mean(order: tuple[int, ...]) -> float:
        pairs = zip(scores[list(order)].T, worth.T, strict=True)
        return float(np.mean([stats.spearmanr(*pair).statistic for pair in pairs]))

    every = [mean(order) for order in permutations(range(5))]
    assert found.quality == pytest.approx(every[0])
    assert found.p == pytest.approx(np.mean(np.array(every) >= every[0] - 1e-9), abs=0.02)
    assert found.by_chance == pytest.approx(np.mean(every), abs=0.03)
    assert (found.low, found.high, found.targets) == (None, None, 3)


def test_pairs_without_a_score_are_left_out_and_so_are_targets_with_hardly_any() -> None:
    rng = np.random.default_rng(1)
    scores, worth = rng.normal(size=(6, 3)), rng.uniform(0, 100, (6, 3))
    scores[0, 0] = np.nan
    scores[2:, 2] = np.nan
    found = ranking(scores, worth, SPEARMAN, permutations=50)
    alone = [
        stats.spearmanr(scores[1:, 0], worth[1:, 0]),
        stats.spearmanr(scores[:, 1], worth[:, 1]),
    ]
    assert found.quality == pytest.approx(np.mean([each.statistic for each in alone]))
    assert found.targets == 2
    with pytest.raises(ValueError, match="no target has three candidates"):
        ranking(np.ones((6, 3)), worth, SPEARMAN)


def test_a_candidate_good_on_all_targets_is_no_more_evidence_for_being_good_on_all() -> None:
    """Targets that agree entirely: as many false calls as with one of them."""
    rng = np.random.default_rng(2)
    called = []
    for _ in range(200):
        scores = np.repeat(rng.normal(size=(8, 1)), 3, axis=1)
        worth = np.repeat(rng.uniform(20, 80, (8, 1)), 3, axis=1)
        called.append(ranking(scores, worth, SPEARMAN, permutations=59).p <= 0.05)
    assert np.mean(called) < 0.08
    pooled = [
        stats.spearmanr(np.repeat(rng.normal(size=8), 9), np.repeat(rng.normal(size=8), 9)).pvalue
        for _ in range(300)
    ]
    assert np.mean(np.array(pooled) <= 0.05) > 0.3  # what 72 observations would call


def test_scores_that_know_are_found() -> None:
    rng = np.random.default_rng(3)
    worth = rng.uniform(20, 80, (9, 6))
    for quality in (SPEARMAN, KENDALL, NDCG, regret(1)):
        found = ranking(worth + rng.normal(0, 5, (9, 6)), worth, quality, permutations=200)
        assert found.p < 0.01
        assert quality.better * (found.quality - found.by_chance) > 0


@pytest.mark.parametrize("quality", [SPEARMAN, regret(1), regret(3)])
@pytest.mark.parametrize("seeds", [3, 10])
def test_intervals_hold_the_quality_against_the_true_worth(quality: Quality, seeds: int) -> None:
    rng = np.random.default_rng(4)
    held = []
    for _ in range(150):
        truth = rng.normal(60, 3, (9, 4))
        scores = truth + rng.normal(0, 3, (9, 4))
        seen = truth + rng.normal(0, 2, (seeds, 9, 4))
        flat = seen.reshape(seeds, -1)
        draws = joint_draws(flat, np.broadcast_to(flat, (100, *flat.shape)), rng)
        found = ranking(
            scores, seen.mean(0), quality, worth_draws=draws.reshape(-1, 9, 4), permutations=1
        )
        true = ranking(scores, truth, quality, permutations=1).quality
        assert found.low is not None and found.high is not None
        assert quality.lowest <= found.low <= found.quality <= found.high <= quality.highest
        held.append(found.low - 1e-9 <= true <= found.high + 1e-9)
    assert np.mean(held) >= 0.9
