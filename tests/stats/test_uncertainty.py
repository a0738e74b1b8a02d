"""Sums of Student and normal errors against scipy and against errors drawn at random."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from xstilts.stats.uncertainty import Source, Uncertainty, chi_squared_shares


@pytest.mark.parametrize("freedom", [2, 4, 9, 60])
def test_one_source_is_students_t(freedom: int) -> None:
    found, oracle = Uncertainty((Source(4.0, freedom), Source(0.0))), stats.t(freedom, scale=2)
    assert found.reach() == pytest.approx(oracle.ppf(0.975), rel=1e-12)
    assert found.reach(0.9) == pytest.approx(oracle.ppf(0.95), rel=1e-12)
    for error in (-1.0, 0.0, 3.0, 30.0):
        assert found.tail(error) == pytest.approx(oracle.sf(error), rel=1e-9)


def test_a_known_variance_is_normal_and_two_of_them_add() -> None:
    found = Uncertainty((Source(9.0), Source(16.0)))
    assert found.reach() == pytest.approx(5 * stats.norm.ppf(0.975))
    assert found.tail(7.0) == pytest.approx(stats.norm.sf(7 / 5))
    assert found.variance == 25


SUMS = [
    (Source(1.0, 2), Source(1.0)),
    (Source(5.0, 2), Source(0.5)),
    (Source(1.0, 4), Source(2.0, 5)),
    (Source(1.0, 2), Source(2.0, 5), Source(0.5)),
]


@pytest.mark.parametrize("sources", SUMS)
def test_a_tail_is_the_mean_of_drawing_the_parts_and_of_welchs_t(
    sources: tuple[Source, ...],
) -> None:
    rng = np.random.default_rng(0)
    drawn = np.zeros(400_000)
    for source in sources:
        known = math.isinf(source.freedom)
        part = rng.normal(size=400_000) if known else rng.standard_t(source.freedom, 400_000)
        drawn += math.sqrt(source.variance) * part
    found = Uncertainty(sources)
    total = sum(source.variance for source in sources)
    freedom = total**2 / sum(source.variance**2 / source.freedom for source in sources)
    for error in (0.5, 2.0, 6.0):
        welch = stats.t.sf(error / math.sqrt(total), freedom)
        assert found.tail(error) == pytest.approx((np.mean(drawn >= error) + welch) / 2, abs=0.003)


VARIANCE = st.floats(0, 1e4)
ESTIMATED = st.builds(Source, VARIANCE, st.sampled_from([2.0, 3.0, 4.0, 9.0, 30.0]))


@settings(max_examples=40, deadline=None)
@given(st.lists(ESTIMATED, min_size=1, max_size=2), VARIANCE, st.floats(0.5, 0.99))
def test_reach_and_tail_are_each_others_inverse(
    estimated: list[Source], known: float, level: float
) -> None:
    found = Uncertainty((*estimated, Source(known)))
    assume(found.variance > 1e-6)
    reach = found.reach(level)
    assert found.tail(reach) == pytest.approx((1 - level) / 2, abs=1e-6)
    assert found.tail(-reach) == pytest.approx((1 + level) / 2, abs=1e-6)


def test_the_grid_holds_all_of_a_chi_squared() -> None:
    for freedom in (2, 5, 40):
        shares, values = chi_squared_shares(freedom)
        assert shares.sum() == pytest.approx(1) and shares @ values == pytest.approx(1, abs=1e-9)
        assert shares @ values**2 == pytest.approx(1 + 2 / freedom, abs=1e-9)


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.1, 0.5, 0.75, 0.9, 1.0])
def test_intervals_cover_what_they_say(seeds: int, share: float) -> None:
    """``share`` of the variance is known, the rest estimated from that few seeds."""
    chances, factors = chi_squared_shares(seeds - 1)
    known, seen = share, (1 - share) * factors

    def covered(level: float) -> float:
        errors = [Uncertainty((Source(v, seeds - 1), Source(known))) for v in seen.tolist()]
        return float(chances @ [1 - 2 * stats.norm.sf(e.reach(level)) for e in errors])

    assert 0.939 < covered(0.95) < 0.966
    assert covered(0.998) > 0.996, "Holm's correction asks for small p: these hold, too"


def test_welch_alone_would_cover_too_little_and_behrens_and_fisher_alone_too_much() -> None:
    """Why their mean is taken: three seeds, a tenth or three quarters of the variance known."""
    chances, factors = chi_squared_shares(2)
    rng = np.random.default_rng(0)
    held = {}
    for share in (0.1, 0.75):
        seen = (1 - share) * factors
        freedom = 2 * (seen + share) ** 2 / seen**2
        reach = stats.t.ppf(0.975, freedom) * np.sqrt(seen + share)
        held["welch", share] = chances @ (1 - 2 * stats.norm.sf(reach))
        student, normal = rng.standard_t(2, 40_000), rng.normal(size=40_000)
        wide = [
            np.quantile(np.abs(math.sqrt(v) * student + math.sqrt(share) * normal), 0.95)
            for v in seen
        ]
        held["behrens", share] = chances @ (1 - 2 * stats.norm.sf(np.array(wide)))
    assert held["welch", 0.1] < 0.925 and held["behrens", 0.75] > 0.972
