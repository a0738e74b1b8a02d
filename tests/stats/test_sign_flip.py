"""The sign-flip test against scipy's enumeration, and in worlds without an effect."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from xstilts.stats.sign_flip import sign_flip


@pytest.mark.parametrize("seeds", [6, 8, 11])
def test_it_is_scipys_exact_permutation_test_of_pairs(seeds: int) -> None:
    for number, effect in enumerate((0.0, 0.5, -2.0)):
        gains = np.random.default_rng(number).normal(effect, 1, seeds)
        oracle = stats.permutation_test(
            (gains,), np.mean, permutation_type="samples", n_resamples=np.inf
        )
        assert sign_flip(list(gains)) == pytest.approx(oracle.pvalue)


def test_below_six_seeds_nothing_can_be_rejected_and_that_is_said() -> None:
    assert sign_flip([5.0] * 5) is None
    assert sign_flip([5.0, 4.0, 6.0, 5.5, 4.5, 5.2]) == 2 / 2**6


def test_gains_of_nothing_are_no_evidence() -> None:
    assert sign_flip([0.0] * 6) == 1
    assert sign_flip([1.0, -1.0] * 4) == 1


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=6, max_size=9))
def test_neither_sign_nor_scale_nor_order_of_the_gains_matters(gains: list[float]) -> None:
    p = sign_flip(gains)
    assert p is not None and 2 / 2 ** len(gains) - 1e-12 <= p <= 1
    assert sign_flip([-gain for gain in gains]) == p
    assert sign_flip(sorted(gains)) == p


def test_many_seeds_are_drawn_from_and_agree_with_students_t() -> None:
    gains = np.random.default_rng(0).normal(0.5, 1, 30)
    p = sign_flip(list(gains))
    assert p == pytest.approx(stats.ttest_1samp(gains, 0).pvalue, rel=0.2)
    assert p == sign_flip(list(gains))


def test_false_calls_are_no_more_than_the_level_even_for_skewed_pairs() -> None:
    """A difference of two runs of one recipe is symmetric however skewed the runs are."""
    rng = np.random.default_rng(1)
    runs = rng.exponential(2, (2, 2_000, 8))
    found = [sign_flip(list(gains)) for gains in runs[0] - runs[1]]
    assert np.mean([p is not None and p <= 0.05 for p in found]) < 0.062
