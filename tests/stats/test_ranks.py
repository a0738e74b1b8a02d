"""Rank correlations against scipy's, and intervals against simulations whose truth is known."""

import numpy as np
import pytest
from scipy import stats

from xstilts.stats.ranks import rank_correlation, rank_test


def drawn(seed, languages=16, slope=0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=languages)
    return x, slope * x + rng.normal(size=languages)


def test_without_anything_held_fixed_it_is_spearmans():
    x, y = drawn(0, slope=0.7)
    x[3] = x[4]
    found = rank_correlation(x, y, draws=100)
    assert found.rho == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert found.low < found.rho < found.high


def test_what_is_held_fixed_explains_nothing_any_more():
    """Two columns that both follow a third: the partial one is what the textbook formula gives."""
    rng = np.random.default_rng(1)
    given = rng.normal(size=300)
    x, y = given + rng.normal(size=300), given + rng.normal(size=300)
    plain = rank_correlation(x, y, draws=50)
    partial = rank_correlation(x, y, given, draws=50)
    assert plain.low > 0.2
    a, b, c = (stats.spearmanr(*pair).statistic for pair in ((x, y), (x, given), (y, given)))
    assert partial.rho == pytest.approx((a - b * c) / np.sqrt((1 - b**2) * (1 - c**2)), abs=1e-9)
    assert abs(partial.rho) < 0.15


def test_an_interval_of_unrelated_columns_rarely_leaves_zero_out():
    out = 0
    for seed in range(150):
        found = rank_correlation(*drawn(seed), draws=200)
        out += not found.low <= 0 <= found.high
    assert out / 150 < 0.15  # a percentile interval of 16 languages is a little short


def test_a_strong_relation_is_found():
    found = rank_correlation(*drawn(2, slope=-3), draws=500)
    assert found.rho < -0.8 and found.high < -0.5


def test_the_same_seed_gives_the_same_interval():
    assert rank_correlation(*drawn(3), draws=100) == rank_correlation(*drawn(3), draws=100)


@pytest.mark.parametrize(
    ("x", "told"), [([1, 2, 3], "3 languages are too few"), ([1] * 8, "one value only")]
)
def test_what_has_no_correlation_is_refused(x, told):
    with pytest.raises(ValueError, match=told):
        rank_correlation(x, list(range(len(x))))


@pytest.mark.parametrize("tasks", [5, 7, 9, 14])
def test_the_p_of_a_few_tasks_is_that_of_all_their_orders(tasks):
    x, y = drawn(tasks, tasks, slope=0.8)
    x[0] = x[1]
    oracle = stats.permutation_test(
        (x,),
        lambda column: abs(stats.spearmanr(column, y).statistic),
        permutation_type="pairings",
        alternative="greater",
        n_resamples=2_000,
    )
    found = rank_test(x, y)
    assert found.rho == pytest.approx(stats.spearmanr(x, y).statistic)
    assert found.p == pytest.approx(oracle.pvalue, abs=1e-9 if tasks == 5 else 0.05)


def test_five_tasks_in_perfect_order_have_an_interval_of_some_width():
    found = rank_test([1, 2, 3, 4, 5], [2, 3, 5, 7, 11])
    assert found.rho == pytest.approx(1) and found.p == pytest.approx(2 / 120)
    assert 0 < found.low < 0.5 and found.high == pytest.approx(1)
    other = rank_test([1, 2, 3, 4, 5], [11, 7, 5, 3, 2])
    assert (other.low, other.high) == pytest.approx((-found.high, -found.low))


@pytest.mark.parametrize("tasks", [5, 6, 7])
def test_few_unrelated_tasks_are_called_related_once_in_twenty_at_most(tasks):
    found = [rank_test(*drawn(seed, tasks)) for seed in range(200)]
    assert sum(one.p <= 0.05 for one in found) / 200 <= 0.08
    assert sum(not one.low <= 0 <= one.high for one in found) / 200 <= 0.08


def test_a_relation_of_few_tasks_is_held_by_its_interval():
    """Ranks of normal columns of correlation 0.7 have 6 / pi * asin(0.35) = 0.68."""
    truth, rng = 6 / np.pi * np.arcsin(0.35), np.random.default_rng(1)
    held = 0
    for _ in range(200):
        x, y = rng.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], 7).T
        found = rank_test(x, y)
        held += found.low <= truth <= found.high
    assert held / 200 >= 0.9


@pytest.mark.parametrize(
    ("x", "told"), [([1, 2, 3, 4], "4 tasks are too few"), ([1] * 8, "one value only")]
)
def test_tasks_that_have_no_rank_correlation_are_refused(x, told):
    with pytest.raises(ValueError, match=told):
        rank_test(x, list(range(len(x))))
