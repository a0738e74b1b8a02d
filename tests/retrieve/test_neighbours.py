"""Nearest neighbours are those of comparing everything with everything, however they are found."""

import subprocess
import sys
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xstilts.retrieve import coarse, neighbours
from xstilts.retrieve.neighbours import nearest, nearest_both_ways

PRECISIONS = ("fp32", "bf16")
SMALL = {
    coarse: {"TILE": 24, "GROUP": 4, "HELD": 300, "_ROWS": 5, "_NAMED": 32, "_FOLD": 2},
    neighbours: {
        **{"TILE": 24, "GROUP": 4, "SPARE": 1, "MORE": (1, 1), "ALONE": 4},
        **{"_AGAIN": 500, "_CACHED": 60, "_IN_FULL": 3, "_TOGETHER": 7},
    },
}


@contextmanager
def tiles_of(small):
    """Everything in tiles and parts of a few numbers, so that small tests cross their borders."""
    with ExitStack() as stack:
        for module, names in SMALL.items() if small else ():
            stack.enter_context(patch.multiple(module, **names))
        yield


def brute(queries, corpus, k):
    """Cosines in double precision, sorted; of equal ones the lower index first."""
    lengths = [
        np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-30) for x in (queries, corpus)
    ]
    cosines = (queries / lengths[0]).astype(float) @ (corpus / lengths[1]).astype(float).T
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(cosines, order, axis=1)


def exact_vectors(rng, n, most):
    """Rows whose cosines are exact in every number format: signs, zeros, many of them alike."""
    kinds = rng.choice([-1.0, 1.0], (most, 16)).astype(np.float32)
    kinds[0] = 0
    return kinds[rng.integers(0, most, n)]


def assert_found(found, expected):
    indices, cosines = expected
    np.testing.assert_allclose(found.scores, cosines, atol=1e-6)
    np.testing.assert_array_equal(found.indices, indices)


@given(
    n=st.integers(1, 70),
    m=st.integers(1, 70),
    k=st.integers(1, 80),
    most=st.integers(1, 40),
    seed=st.integers(0, 9999),
    precision=st.sampled_from(PRECISIONS),
    tiled=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_ties_and_zeros_are_settled_by_the_lower_index(n, m, k, most, seed, precision, tiled):
    rng = np.random.default_rng(seed)
    a, b = exact_vectors(rng, n, most), exact_vectors(rng, m, most)
    with tiles_of(tiled):
        ahead, back = nearest_both_ways(a, b, k, precision)
        alone = nearest(a, b, k, precision)
    assert_found(ahead, brute(a, b, k))
    assert_found(back, brute(b, a, k))
    assert_found(alone, brute(a, b, k))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("shape", ["random", "crowded", "duplicated", "opposite", "scaled", "flat"])
def test_neighbours_are_those_of_comparing_everything(shape, precision):
    rng = np.random.default_rng(3)
    a, b = (rng.standard_normal((n, 48)).astype(np.float32) for n in (2300, 4500))
    if shape == "crowded":  # cosines around 0.98: closer to each other than bf16 can tell
        a, b = a + 8, b + 8
    if shape == "duplicated":
        b[2000:] = b[rng.integers(0, 2000, 2500)]
        a[:300] = b[:300]
    if shape == "opposite":  # no cosine is positive
        a, b = np.abs(a), -np.abs(b)
    if shape == "scaled":
        a *= 10.0 ** rng.integers(-15, 15, (len(a), 1)).astype(np.float32)
    if shape == "flat":  # few axes hold nearly all, but a few rows are near each other by the rest
        a[:, :12], b[:, :12] = 30 * a[:, :12], 30 * b[:, :12]
        a[:5, 12:] = b[:5, 12:] = 20 * b[:5, 12:]
        sides = neighbours.Side(a, "bf16", 1024), neighbours.Side(b, "bf16", 2048)
        assert 12 < coarse.Axes(*sides).width < 40
    ahead, back = nearest_both_ways(a, b, 4, precision)
    for found, (x, y) in ((ahead, (a, b)), (back, (b, a))):
        indices, cosines = brute(x, y, 4)
        np.testing.assert_allclose(found.scores, cosines, atol=2e-6)
        differing = (found.indices != indices).any(1)
        assert differing.mean() < 1e-3
        own = (unit(x)[:, None] * unit(y)[found.indices]).sum(-1)
        np.testing.assert_allclose(own, cosines, atol=2e-6)  # the others are as near


def unit(x):
    return (x / np.linalg.norm(x.astype(float), axis=1, keepdims=True)).astype(float)


def test_only_a_few_random_rows_need_a_comparison_with_everything():
    rng = np.random.default_rng(4)
    a, b = (rng.standard_normal((4000, 256)).astype(np.float32) for _ in range(2))
    for found in nearest_both_ways(a, b, 4, "bf16"):
        assert found.unproved < 100
    for found in nearest_both_ways(a, b, 4, "fp32"):
        assert found.unproved == 0


def test_a_bound_that_was_too_low_would_be_noticed():
    """Without the proof, bf16 alone gets crowded rows wrong: the proof is what makes it exact."""
    rng = np.random.default_rng(5)
    crowds = rng.standard_normal((3, 32))
    a, b = (
        crowds[rng.integers(0, 3, n)] + 0.03 * rng.standard_normal((n, 32)) for n in (900, 6000)
    )
    expected = brute(a, b, 4)[0]
    with patch.object(neighbours, "_limit", lambda *_: -np.inf):
        trusted = nearest(a, b, 4, "bf16")
    assert (trusted.indices != expected).any(1).mean() > 0.5
    assert (nearest(a, b, 4, "bf16").indices != expected).any(1).mean() < 0.02


def test_memory_is_bounded_by_blocks_not_by_the_products():
    """40,000 × 40,000 products would take 6.4 GB in fp32."""
    code = """
import resource, numpy, torch
from xstilts.retrieve import coarse, neighbours
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
x = numpy.random.default_rng(0).standard_normal((40000, 16), dtype=numpy.float32)
neighbours.nearest_both_ways(x[:500], x[:500], 4, "bf16")
before = peak()
neighbours.nearest_both_ways(x, x, 4, "bf16")
print((peak() - before) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 450


def test_rows_far_from_the_mean_are_searched_without_their_shift():
    rng = np.random.default_rng(6)
    middle = rng.standard_normal(64).astype(np.float32)
    a, b = (rng.standard_normal((n, 64)).astype(np.float32) + middle for n in (900, 6000))
    a[:30] -= 2 * middle
    found = nearest(a, b, 4, "bf16")
    assert_found(found, brute(a, b, 4))
    with patch.object(neighbours._Finish, "_unshifted", lambda _, rows: rows):
        unsettled = nearest(a, b, 4, "bf16").unproved
    assert found.unproved < 5 < 20 < unsettled


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("factor", [1e200, 1e-200, 1e-300])
def test_the_length_of_a_vector_does_not_matter_however_large_or_small(factor, precision):
    rng = np.random.default_rng(0)
    queries, corpus = rng.standard_normal((30, 8)), rng.standard_normal((50, 8))
    right = nearest(queries, corpus, 3, precision)
    found = nearest(queries * factor, corpus * factor, 3, precision)
    np.testing.assert_array_equal(found.indices, right.indices)
    np.testing.assert_allclose(found.scores, right.scores, atol=1e-6)
