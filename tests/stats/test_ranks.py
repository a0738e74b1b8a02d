"""Rank correlations against scipy's, and intervals against simulations whose truth is known."""

import numpy as np
import pytest
from scipy import stats

from xstilts.stats.ranks import rank_correlation


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
