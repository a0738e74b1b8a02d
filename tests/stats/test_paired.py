"""The paired test against scipy, its power against the noncentral t distribution."""

import numpy as np
import pytest
from scipy import stats

from xstilts.stats.paired import judged, paired_test, verdict
from xstilts.stats.power import power, smallest_gain
from xstilts.stats.uncertainty import Source, Uncertainty


@pytest.mark.parametrize("seeds", [3, 4, 5, 10, 40])
def test_interval_and_p_are_those_of_scipy(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    for effect in (0.0, 0.7, -20.0):
        base = rng.normal(60, 2, seeds)
        arm = base + rng.normal(effect, 1, seeds)
        found, oracle = paired_test(list(arm - base)), stats.ttest_rel(arm, base)
        interval = oracle.confidence_interval(0.95)
        assert found.mean == pytest.approx(np.mean(arm - base))
        assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
        assert found.p == pytest.approx(oracle.pvalue, rel=1e-9)


def test_the_verdict_is_the_side_of_zero_on_which_the_interval_lies() -> None:
    rng = np.random.default_rng(0)
    seen = set()
    for effect in np.linspace(-3, 3, 121):
        found = paired_test(list(effect + rng.normal(0, 1, 4)))
        assert found.low is not None and found.high is not None
        side = "gain" if found.low > 0 else "loss" if found.high < 0 else "undecided"
        assert found.verdict == side
        seen.add(side)
    assert len(seen) == 3


@pytest.mark.parametrize("gains", [[], [4.0], [4.0, 4.1]])
def test_below_three_seeds_there_is_a_mean_and_nothing_else(gains: list[float]) -> None:
    found = paired_test(gains)
    assert found.mean == (pytest.approx(sum(gains) / len(gains)) if gains else None)
    assert (found.low, found.high, found.p, found.verdict) == (None, None, None, "too few seeds")


def test_seeds_that_agree_entirely_leave_no_doubt() -> None:
    assert paired_test([2.0] * 3).verdict == "gain"
    assert (paired_test([2.0] * 3).low, paired_test([2.0] * 3).high) == (2, 2)
    assert paired_test([-2.0] * 3).verdict == "loss"
    for nothing in ([0.0] * 3, [1e-14, 1.1e-14, 1.2e-14]):  # the second: rounded sums
        assert (paired_test(nothing).verdict, paired_test(nothing).p) == ("undecided", 1)


def test_a_p_of_five_percent_is_a_verdict_and_a_larger_one_is_none() -> None:
    assert (verdict(1.0, 0.05), verdict(-1.0, 0.05)) == ("gain", "loss")
    assert (verdict(1.0, 0.0501), verdict(1.0, None)) == ("undecided", "too few seeds")


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("gain", [0.3, 1.0, 4.0])
def test_power_over_seeds_is_that_of_the_noncentral_t(seeds: int, gain: float) -> None:
    oracle = stats.nct.sf(stats.t.ppf(0.975, seeds - 1), seeds - 1, gain * seeds**0.5 / 1.5)
    assert power(gain, seeds, 1.5) == pytest.approx(oracle, abs=1e-6)


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_power_with_items_is_the_share_of_simulated_experiments_that_find_it(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    shared = rng.normal(0, 0.6, 1_000)
    runs = 2 + shared[:, None] + rng.normal(0, 1, (1_000, seeds))
    found = [
        judged(
            float(gains.mean()),
            Uncertainty((Source(gains.var(ddof=1) / seeds, seeds - 1), Source(0.36))),
        ).verdict
        for gains in runs
    ]
    share = np.mean([told == "gain" for told in found])
    assert share == pytest.approx(power(2, seeds, 1, items=0.6), abs=0.04)
    assert power(2, seeds, 1, items=1.2) < power(2, seeds, 1)


def test_two_seeds_find_nothing_however_large() -> None:
    assert smallest_gain(2, examples=10**6) is None
    assert power(50.0, 2, spread=0.1) == 0
