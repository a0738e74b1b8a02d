"""Holm against the closure principle it is a short cut of; Benjamini and Hochberg by hand."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xstilts.stats.corrections import benjamini_hochberg, holm

FAMILY = st.lists(st.floats(0, 1), max_size=30)


def test_holm_rejects_what_every_bonferroni_test_of_a_family_around_it_rejects() -> None:
    rng = np.random.default_rng(1)
    for m in range(1, 7):
        p = list(rng.beta(0.4, 3, m).round(3))  # with ties
        families = [f for size in range(1, m + 1) for f in combinations(range(m), size)]
        closed = [
            max(min(1.0, len(f) * min(p[i] for i in f)) for f in families if mine in f)
            for mine in range(m)
        ]
        assert holm(p) == pytest.approx(closed)
    assert holm([]) == []


def test_benjamini_and_hochberg_reject_up_to_the_last_p_below_its_share_of_the_level() -> None:
    """Their step-up procedure, at every level; and the example of their paper (section 3.3)."""
    rng = np.random.default_rng(2)
    for m in (1, 2, 7, 40):
        p = rng.beta(0.4, 3, m)
        adjusted = np.array(benjamini_hochberg(list(p)))
        for level in (0.01, 0.05, 0.2):
            ranked = np.sort(p)
            passing = [i for i in range(m) if ranked[i] <= (i + 1) / m * level]
            rejected = p <= ranked[passing[-1]] if passing else np.zeros(m, bool)
            assert list(adjusted <= level) == list(rejected)
    paper = [.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344,
             .0459, .3240, .4262, .5719, .6528, .7590, 1.0]  # fmt: skip
    assert sum(q <= 0.05 for q in benjamini_hochberg(paper)) == 4
    assert sum(q <= 0.05 for q in holm(paper)) == 3
    assert benjamini_hochberg([]) == []


@given(FAMILY)
def test_corrections_never_help_keep_the_order_and_do_not_depend_on_it(p: list[float]) -> None:
    for correct in (holm, benjamini_hochberg):
        adjusted = correct(p)
        assert all(p[i] - 1e-12 <= adjusted[i] <= 1 for i in range(len(p)))
        assert all(
            adjusted[i] <= adjusted[j] + 1e-12
            for i in range(len(p))
            for j in range(len(p))
            if p[i] < p[j]
        )
        assert correct(p[::-1])[::-1] == pytest.approx(adjusted)
    pairs = zip(benjamini_hochberg(p), holm(p), strict=True)
    assert all(q <= h + 1e-12 for q, h in pairs)


def test_of_null_families_few_have_a_call_and_of_mixed_ones_few_calls_are_false() -> None:
    rng = np.random.default_rng(3)
    nulls = rng.random((2_000, 20))
    assert np.mean([min(holm(list(p))) <= 0.05 for p in nulls]) == pytest.approx(0.05, abs=0.015)
    shares = []
    for p in nulls[:500]:
        p[:8] = rng.beta(0.05, 3, 8)  # effects
        called = np.array(benjamini_hochberg(list(p))) <= 0.05
        shares.append(called[8:].sum() / max(1, called.sum()))
    assert np.mean(shares) < 0.05
