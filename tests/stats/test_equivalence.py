"""Two one-sided tests against scipy's one-sided t tests."""

import numpy as np
import pytest
from scipy import stats

from xstilts.stats.equivalence import equivalence
from xstilts.stats.paired import PairedTest, paired_test
from xstilts.stats.uncertainty import Source, Uncertainty


@pytest.mark.parametrize("mean", [0.0, 0.6, -0.9, 3.0])
def test_it_is_the_larger_of_two_one_sided_p_values(mean: float) -> None:
    gains = np.random.default_rng(0).normal(mean, 0.4, 6)
    above = stats.ttest_1samp(gains, -1, alternative="greater").pvalue
    below = stats.ttest_1samp(gains, 1, alternative="less").pvalue
    assert equivalence(paired_test(list(gains))) == pytest.approx(max(above, below))


def test_it_says_yes_where_the_ninety_percent_interval_lies_inside_the_margin() -> None:
    rng, seen = np.random.default_rng(1), set()
    for _ in range(200):
        test = paired_test(list(rng.normal(0.3, 0.6, 5)))
        assert test.mean is not None and test.error is not None
        inside = abs(test.mean) + test.error.reach(0.9) <= 1
        p = equivalence(test)
        assert p is not None and (p <= 0.05) == inside
        seen.add(inside)
    assert seen == {True, False}


def test_too_few_seeds_show_no_equivalence_and_no_variation_shows_it_at_once() -> None:
    assert equivalence(paired_test([0.0, 0.1])) is None
    assert equivalence(paired_test([0.5] * 3)) == 0
    assert equivalence(paired_test([1.5] * 3)) == 1


def test_a_mean_that_rests_on_several_sources_of_error_is_judged_by_their_sum() -> None:
    error = Uncertainty((Source(0.02, 4), Source(0.03)))
    p = equivalence(PairedTest(0.4, error=error))
    assert p == pytest.approx(error.tail(0.6)) and p > Uncertainty((Source(0.02, 4),)).tail(0.6)


def test_an_effect_at_the_margin_is_rarely_called_equivalent() -> None:
    rng = np.random.default_rng(2)
    found = [equivalence(paired_test(list(rng.normal(1, 0.3, 5)))) for _ in range(2_000)]
    assert np.mean([p is not None and p <= 0.05 for p in found]) == pytest.approx(0.05, abs=0.015)
