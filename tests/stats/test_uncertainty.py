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
def test_a_sum_is_what_drawing_its_parts_gives(sources: tuple[Source, ...]) -> None:
    rng = np.random.default_rng(0)
    drawn = np.zeros(400_000)
    for source in sources:
        known = math.isinf(source.freedom)
        part = rng.normal(size=400_000) if known else rng.standard_t(source.freedom, 400_000)
        drawn += math.sqrt(source.variance) * part
    found = Uncertainty(sources)
    for level in (0.5, 0.9, 0.95):
        assert np.mean(np.abs(drawn) <= found.reach(level)) == pytest.approx(level, abs=0.003)
    for error in (0.5, 2.0, 6.0):
        assert found.tail(error) == pytest.approx(np.mean(drawn >= error), abs=0.003)


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
    alone = [Uncertainty((source,)) for source in found.sources if source.variance > 0]
    assert all(reach >= part.reach(level) * 0.999 for part in alone)


def test_the_grid_holds_all_of_a_chi_squared() -> None:
    for freedom in (2, 5, 40):
        shares, values = chi_squared_shares(freedom)
        assert shares.sum() == pytest.approx(1) and shares @ values == pytest.approx(1, abs=1e-9)
        assert shares @ values**2 == pytest.approx(1 + 2 / freedom, abs=1e-9)


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_intervals_cover_the_truth_and_are_hardly_too_wide(seeds: int, share: float) -> None:
    """``share`` of the variance is known, the rest estimated from that few seeds."""
    rng = np.random.default_rng(seeds)
    chances, factors = chi_squared_shares(seeds - 1)
    spreads = rng.chisquare(seeds - 1, 400) / (seeds - 1) * (1 - share)
    covered = [
        1 - 2 * stats.norm.sf(Uncertainty((Source(v, seeds - 1), Source(share))).reach())
        for v in spreads
    ]
    assert len(chances) == len(factors)
    assert 0.935 < np.mean(covered) < 0.98


def test_welchs_degrees_of_freedom_would_cover_less_than_they_say() -> None:
    """Why they are not used: ten parts of variance from three seeds, one part known."""
    rng = np.random.default_rng(0)
    total, seen = 11.0, 10 * rng.chisquare(2, 20_000) / 2
    welch = 2 * (seen + 1) ** 2 / seen**2
    reach = stats.t.ppf(0.975, welch) * np.sqrt(seen + 1)
    assert np.mean(1 - 2 * stats.norm.sf(reach / math.sqrt(total))) < 0.935
    ours = [Uncertainty((Source(v, 2), Source(1.0))).reach() for v in seen[:2_000]]
    assert np.mean(1 - 2 * stats.norm.sf(np.array(ours) / math.sqrt(total))) > 0.945
