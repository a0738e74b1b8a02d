"""Measures of similarity and transferability, of plain arrays.

More of each is meant to be better for transfer. None of them is a score of a task: LogME and LEEP
are log-likelihoods, H-score is at most the number of classes less one, the others are cosines or
shares.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_ROUNDS, _CLOSE = 100, 1e-5  # of the fixed point of LogME


def log_evidence(features: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Log marginal likelihood of a linear model per example, at its best two precisions.

    ``wanted = features @ w + noise`` with Gaussian ``w`` and noise, whose precisions are found by
    the fixed point of MacKay (1992) on the singular values (You et al. 2021, "LogME: Practical
    assessment of pre-trained models for transfer learning", ICML). There is no intercept, and
    nothing is centred, as in their code.

    Args:
        features: shape ``(examples, dim)``.
        wanted: shape ``(examples,)``.
    """
    x, y = np.asarray(features, float), np.asarray(wanted, float)
    n, dim = x.shape
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    s2, z2 = s**2, (u.T @ y) ** 2
    outside = max(float(y @ y - z2.sum()), 0.0)  # of wanted, that no weights reach
    alpha = beta = 1.0
    for _ in range(_ROUNDS):
        ratio = alpha / beta
        known = float((s2 / (s2 + ratio)).sum())
        weights = float((s2 * z2 / (s2 + ratio) ** 2).sum())
        rest = float((z2 * (ratio / (s2 + ratio)) ** 2).sum()) + outside
        alpha, beta = known / (weights + 1e-12), (n - known) / (rest + 1e-12)
        if abs(alpha / beta - ratio) <= _CLOSE * ratio:
            break
    ratio = alpha / beta
    weights = float((s2 * z2 / (s2 + ratio) ** 2).sum())
    rest = float((z2 * (ratio / (s2 + ratio)) ** 2).sum()) + outside
    log_det = float(np.log(alpha + beta * s2).sum()) + (dim - len(s)) * np.log(alpha)
    evidence = dim * np.log(alpha) + n * np.log(beta) - n * np.log(2 * np.pi) - log_det
    return float((evidence - beta * rest - alpha * weights) / 2 / n)


def logme(features: NDArray[Any], labels: NDArray[Any]) -> float:
    """LogME of You et al. (2021): the mean over classes of the evidence of telling it apart.

    Args:
        features: shape ``(examples, dim)``.
        labels: shape ``(examples,)``; two different ones or more.

    Raises:
        ValueError: for fewer than two classes.
    """
    found = _classes(labels)
    return float(np.mean([log_evidence(features, labels == label) for label in found]))


def h_score(features: NDArray[Any], labels: NDArray[Any]) -> float:
    """H-score with a shrunk covariance: ``tr(cov(f)^-1 cov(E[f | label]))``.

    Bao et al. (2019), "An information-theoretic approach to transferability in task transfer
    learning", ICIP; shrunk as in Ibrahim et al. (2022), "Newer is not always better: Rethinking
    transferability metrics, their peculiarities, stability and performance", ECML, by the share of
    Ledoit & Wolf (2004), which is also taken from the numerator.

    Args:
        features: shape ``(examples, dim)``.
        labels: shape ``(examples,)``; two different ones or more.

    Raises:
        ValueError: for fewer than two classes.
    """
    from sklearn.covariance import ledoit_wolf

    found = _classes(labels)
    centred = np.asarray(features, float) - np.mean(features, axis=0)
    shrunk, share = ledoit_wolf(centred, assume_centered=True)
    means = np.stack([centred[labels == label].mean(axis=0) for label in found])
    counts = np.array([(labels == label).sum() for label in found])
    expected = np.repeat(means, counts, axis=0)  # E[f | label] of every example
    between = np.cov(expected, rowvar=False).reshape(shrunk.shape)
    return float((1 - share) * np.trace(np.linalg.pinv(shrunk, hermitian=True) @ between))


def leep(probabilities: NDArray[Any], labels: NDArray[Any]) -> float:
    """LEEP: mean log-likelihood of the labels through those that another task's head expects.

    ``mean_i log sum_z P(y_i | z) p_i(z)``, where ``P(y | z)`` is counted from the same examples
    (Nguyen et al. 2020, "LEEP: A new measure to evaluate transferability of learned
    representations", ICML). At most 0.

    Args:
        probabilities: of the other task's labels, shape ``(examples, other labels)``.
        labels: shape ``(examples,)``.
    """
    expected = np.asarray(probabilities, float)
    found, at = np.unique(labels, return_inverse=True)
    joint = np.zeros((len(found), expected.shape[1]))
    np.add.at(joint, at, expected)
    given = joint / np.maximum(joint.sum(axis=0), np.finfo(float).tiny)
    return float(np.log((given[at] * expected).sum(axis=1)).mean())


def linear_cka(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Linear centred kernel alignment of two sets of vectors of the same texts, 0-1.

    ``||Y'X||^2 / (||X'X|| ||Y'Y||)`` in Frobenius norms, with centred columns (Kornblith et al.
    2019, "Similarity of neural network representations revisited", ICML). Turning either set, or
    scaling it, changes nothing; stretching it along one direction does.

    Args:
        one: shape ``(texts, dim)``.
        other: shape ``(texts, other dim)``.
    """
    x, y = (np.asarray(v, float) - np.mean(v, axis=0) for v in (one, other))
    size = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.linalg.norm(y.T @ x) ** 2 / size)


def cosine(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Of two vectors, -1 to 1."""
    x, y = (np.asarray(v, float) for v in (one, other))
    return float(x @ y / (np.linalg.norm(x) * np.linalg.norm(y)))


def fisher_cosine(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Of two diagonals of Fisher information, each divided by the sum of both, 0-1.

    Achille et al. (2019), "Task2Vec: Task embedding for meta-learning", ICCV: weights that matter
    to every task would otherwise drown the others. A weight that matters to neither is left out.
    """
    x, y = (np.asarray(v, float) for v in (one, other))
    there = x + y > 0
    both = (x + y)[there]
    return cosine(x[there] / both, y[there] / both)


def length_similarity(one: float, other: float) -> float:
    """Less the difference of the logarithms of two mean lengths, at most 0."""
    return -abs(float(np.log(one / other)))


def word_overlap(one: set[str], other: set[str]) -> float:
    """Words that two vocabularies share, by the sum of their sizes, 0-0.5 (Lin et al. 2019).

    "Choosing transfer languages for cross-lingual learning", ACL.
    """
    return len(one & other) / (len(one) + len(other))


def label_overlap(one: set[str], other: set[str]) -> float:
    """Labels that two tasks share, by all labels of both, 0-1 (Jaccard)."""
    return len(one & other) / len(one | other)


def label_entropy(labels: Sequence[str]) -> float:
    """Of the distribution of labels, in bits."""
    _, counts = np.unique(labels, return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def _classes(labels: NDArray[Any]) -> NDArray[Any]:
    found = np.unique(labels)
    if len(found) < 2:
        raise ValueError("all examples have one label, so there is nothing to tell apart")
    return found
