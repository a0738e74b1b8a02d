"""Measures against values published elsewhere, other libraries, and what must not change them."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import BayesianRidge

from xstilts.probe.measures import (
    cosine,
    fisher_cosine,
    h_score,
    label_entropy,
    label_overlap,
    leep,
    length_similarity,
    linear_cka,
    log_evidence,
    logme,
    word_overlap,
)

RNG = np.random.default_rng(0)


def rotation(dim: int) -> np.ndarray:
    return np.linalg.qr(RNG.standard_normal((dim, dim)))[0]


def test_logme_and_h_score_of_iris_are_those_of_the_transformer_ranker_tests():
    data = load_iris()
    assert logme(data.data, data.target) == pytest.approx(-0.160060220, abs=1e-7)
    assert h_score(data.data, data.target) == pytest.approx(1.177842480, abs=1e-7)


@pytest.mark.parametrize(("n", "dim"), [(200, 5), (40, 60)])
def test_the_evidence_is_that_of_scikit_learns_bayesian_ridge(n, dim):
    """Also with more dimensions than examples; the figure for housing prices needs a download."""
    x = RNG.standard_normal((n, dim))
    y = x @ RNG.standard_normal(dim) + 2 * RNG.standard_normal(n)
    none = {"alpha_1": 0.0, "alpha_2": 0.0, "lambda_1": 0.0, "lambda_2": 0.0}
    ridge = BayesianRidge(fit_intercept=False, compute_score=True, max_iter=500, tol=1e-9, **none)
    assert log_evidence(x, y) == pytest.approx(ridge.fit(x, y).scores_[-1] / n, abs=1e-4)


def test_features_that_tell_the_classes_apart_score_higher():
    labels = np.arange(120) % 3
    noise = RNG.standard_normal((120, 8))
    told = noise + 3 * np.eye(8)[labels]
    assert logme(told, labels) > logme(noise, labels)
    assert h_score(told, labels) > h_score(noise, labels)
    assert h_score(told, labels) < 2  # classes less one


def test_turning_the_features_changes_neither():
    labels = np.arange(90) % 3
    features = RNG.standard_normal((90, 6)) + np.eye(6)[labels]
    turned = features @ rotation(6)
    assert logme(turned, labels) == pytest.approx(logme(features, labels), abs=1e-6)
    assert h_score(turned, labels) == pytest.approx(h_score(features, labels), abs=1e-9)


def test_one_class_is_refused():
    for measure in (logme, h_score):
        with pytest.raises(ValueError, match="one label"):
            measure(RNG.standard_normal((5, 2)), np.zeros(5))


def test_leep_is_the_log_likelihood_that_can_be_worked_out_by_hand():
    """P(y|z) of two examples that the head is sure of is 1, so nothing is lost."""
    sure = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert leep(sure, np.array([1, 0])) == pytest.approx(0.0)
    undecided = np.full((4, 2), 0.5)
    assert leep(undecided, np.array([0, 0, 1, 1])) == pytest.approx(np.log(0.5))
    mixed = np.array([[0.8, 0.2], [0.4, 0.6]])  # P(0|z) = 2/3, 1/4
    by_hand = np.log(2 / 3 * 0.8 + 1 / 4 * 0.2) + np.log(1 / 3 * 0.4 + 3 / 4 * 0.6)
    assert leep(mixed, np.array([0, 1])) == pytest.approx(by_hand / 2)


def test_cka_is_blind_to_turning_and_scaling_but_not_to_stretching():
    x = RNG.standard_normal((50, 10)) @ np.diag(np.arange(1, 11))
    assert linear_cka(x, x) == pytest.approx(1)
    assert linear_cka(x, -3 * x @ rotation(10) + 7) == pytest.approx(1)
    assert linear_cka(x, x @ np.diag(1 / np.arange(1, 11))) < 0.95
    y = RNG.standard_normal((50, 4))
    assert linear_cka(x, y) == pytest.approx(linear_cka(y, x))
    assert 0 < linear_cka(x, y) < 0.7


def test_cka_is_the_alignment_of_the_centred_kernels():
    """Gretton's HSIC of the two linear kernels, normalised (Kornblith et al. 2019, eq. 4)."""
    x, y = RNG.standard_normal((20, 6)), RNG.standard_normal((20, 3))
    centre = np.eye(20) - 1 / 20
    kernels = [centre @ v @ v.T @ centre for v in (x, y)]
    k, m = kernels
    hsic = [np.trace(a @ b) for a, b in ((k, m), (k, k), (m, m))]
    assert linear_cka(x, y) == pytest.approx(hsic[0] / np.sqrt(hsic[1] * hsic[2]))


def test_cosines_and_overlaps():
    assert cosine([1, 0], [3, 3]) == pytest.approx(np.sqrt(0.5))
    assert fisher_cosine([1, 2, 0], [1, 2, 0]) == pytest.approx(1)
    assert fisher_cosine([9, 1], [1, 9]) == pytest.approx(2 * 0.09 / (0.81 + 0.01))
    assert length_similarity(5, 10) == length_similarity(10, 5) == pytest.approx(-np.log(2))
    assert word_overlap({"a", "b"}, {"b", "c"}) == 1 / 4
    assert label_entropy(["a", "b"] * 3) == pytest.approx(1) and label_entropy("aaa") == 0
    assert label_overlap({"a", "b"}, {"b", "c"}) == 1 / 3
