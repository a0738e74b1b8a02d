"""Mined pairs are those of the published definitions, written down naively."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xstilts.core.errors import UnknownNameError
from xstilts.retrieve.margin import how, mine

MARGINS = ("ratio", "distance", "absolute")


def naive(a, b, k, margin):
    """Margins of each pair, and the k neighbours of both sides."""
    length = [np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b)]
    cosines = (a / np.where(length[0] == 0, 1, length[0])) @ (
        b / np.where(length[1] == 0, 1, length[1])
    ).T
    cosines = np.round(cosines, 9)  # sums of a doubled vector are to be ties
    ahead = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    back = np.argsort(-cosines.T, axis=1, kind="stable")[:, :k]
    mean_a = [np.mean([cosines[i, j] for j in ahead[i]]) for i in range(len(a))]
    mean_b = [np.mean([cosines[i, j] for i in back[j]]) for j in range(len(b))]

    def score(i, j):
        around = (mean_a[i] + mean_b[j]) / 2
        if margin == "absolute":
            return cosines[i, j]
        if margin == "distance":
            return cosines[i, j] - around
        return cosines[i, j] / around if around > 0 else 0.0

    forward = {i: max((score(i, j), -r, j) for r, j in enumerate(ahead[i])) for i in range(len(a))}
    backward = {j: max((score(i, j), -r, i) for r, i in enumerate(back[j])) for j in range(len(b))}
    ahead_pairs = [(s, i, int(j)) for i, (s, _, j) in forward.items()]
    back_pairs = [(s, int(i), j) for j, (s, _, i) in backward.items()]
    return ahead_pairs, back_pairs


def expected(a, b, k, margin, strategy):
    ahead, back = naive(a, b, k, margin)
    pairs = {"forward": ahead, "backward": back}.get(strategy)
    if strategy == "intersect":
        both = {(i, j) for _, i, j in back}
        pairs = [p for p in ahead if p[1:] in both]
    if pairs is not None:
        return sorted(pairs, key=lambda p: (-p[0], *p[1:]))
    found, sources, targets = [], set(), set()
    for score, i, j in sorted(ahead + back, key=lambda p: (-p[0], *p[1:])):
        if i not in sources and j not in targets:
            found.append((score, i, j))
            sources.add(i)
            targets.add(j)
    return found


@given(
    n=st.integers(1, 40),
    m=st.integers(1, 40),
    k=st.integers(1, 50),
    seed=st.integers(0, 9999),
    margin=st.sampled_from(MARGINS),
    strategy=st.sampled_from(["forward", "backward", "intersect", "max"]),
)
@settings(max_examples=200, deadline=None)
def test_pairs_are_those_of_the_definition(n, m, k, seed, margin, strategy):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((n, 12)) + 1, rng.standard_normal((m, 12)) + 1
    if n > 3 and m > 3:
        a[1] = b[2] = 0  # a zero vector has the cosine 0 with all
        b[1] = b[0]
    mined = mine(a.astype(np.float32), b.astype(np.float32), k, margin, strategy)
    wanted = expected(a, b, k, margin, strategy)
    np.testing.assert_allclose(mined.scores, [p[0] for p in wanted], rtol=1e-3, atol=1e-4)
    if n <= 3 or m <= 3:  # no ties
        pairs = list(zip(mined.source.tolist(), mined.target.tolist(), strict=True))
        assert pairs == [p[1:] for p in wanted]
    assert np.isfinite(mined.scores).all()


def test_translations_are_found_and_each_sentence_only_once():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((300, 64)).astype(np.float32)
    order = rng.permutation(500)
    b = rng.standard_normal((500, 64)).astype(np.float32)
    b[order[:300]] = a + 0.3 * rng.standard_normal((300, 64)).astype(np.float32)
    mined = mine(a, b)
    best = dict(zip(mined.source[:300].tolist(), mined.target[:300].tolist(), strict=True))
    assert best == {i: int(order[i]) for i in range(300)}
    assert len(set(mined.source)) == len(mined.source)
    assert len(set(mined.target)) == len(mined.target)
    assert (np.diff(mined.scores) <= 0).all()


def test_a_name_that_is_no_margin_or_strategy_is_refused_with_the_nearest_that_is():
    with pytest.raises(UnknownNameError, match="Did you mean 'ratio'"):
        how("ration", "max")
    with pytest.raises(UnknownNameError, match="No strategy is called 'both'"):
        how("ratio", "both")
