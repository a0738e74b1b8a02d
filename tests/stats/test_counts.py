"""Scores worked out from counts against the official metrics, whole and resampled."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xstilts.metrics import accuracy, seqeval_f1
from xstilts.stats.counts import corpus_score, resampled_scores

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def tagged(rng: np.random.Generator, sentences: int) -> list[list[str]]:
    return [list(rng.choice(TAGS, rng.integers(1, 9))) for _ in range(sentences)]


def chunk_counts(gold: list[list[str]], said: list[list[str]]) -> np.ndarray:
    from seqeval.metrics.sequence_labeling import get_entities

    pairs = [(set(get_entities(g)), set(get_entities(s))) for g, s in zip(gold, said, strict=True)]
    return np.array([(2 * len(g & s), len(g) + len(s)) for g, s in pairs])


def confused(rng: np.random.Generator, gold: list[list[str]]) -> list[list[str]]:
    return [[str(rng.choice(TAGS)) if rng.random() < 0.3 else t for t in tags] for tags in gold]


def test_f1_from_chunk_counts_is_seqevals_of_the_whole_corpus() -> None:
    rng = np.random.default_rng(0)
    gold = tagged(rng, 200)
    said = confused(rng, gold)
    counts = chunk_counts(gold, said)
    assert corpus_score(counts) == pytest.approx(seqeval_f1(gold, said))
    each = [100 * a / b for a, b in counts if b]
    assert abs(np.mean(each) - seqeval_f1(gold, said)) > 1  # a mean of F1s is another number


def test_a_resampled_score_is_the_metric_of_the_drawn_sentences() -> None:
    """The draw is repeated by hand, sentence by sentence, through the official metric."""
    rng = np.random.default_rng(1)
    gold = tagged(rng, 30)
    said = confused(rng, gold)
    found = resampled_scores(chunk_counts(gold, said), 25, np.random.default_rng(7))
    drawn = np.random.default_rng(7).integers(0, 30, (25, 29))
    by_hand = [seqeval_f1([gold[i] for i in draw], [said[i] for i in draw]) for draw in drawn]
    assert found == pytest.approx(by_hand, abs=1e-3)


def test_all_arms_seeds_and_languages_get_the_same_draw() -> None:
    rng = np.random.default_rng(2)
    right = rng.random((50, 1)) < 0.6
    same = np.broadcast_to(right[:, :, None], (50, 4, 3)).astype(int)
    counts = np.stack([same, np.ones_like(same)], axis=-1)
    found = resampled_scores(counts, 40, np.random.default_rng(0))
    assert found.shape == (40, 4, 3)
    assert np.ptp(found, axis=(1, 2)).max() == 0 and np.ptp(found[:, 0, 0]) > 0


def test_the_spread_of_resampled_accuracies_is_the_textbook_standard_error() -> None:
    right = np.arange(40) % 5 > 0
    counts = np.stack([right, np.ones(40)], axis=-1)
    found = resampled_scores(counts, 20_000, np.random.default_rng(0))
    assert corpus_score(counts) == accuracy([1] * 40, [int(r) for r in right])
    assert found.mean() == pytest.approx(80, abs=0.2)
    assert found.std() == pytest.approx(100 * right.std(ddof=1) / 40**0.5, rel=0.03)


def test_groups_are_drawn_whole() -> None:
    """Ten questions a paragraph, all right or all wrong: ten times the variance."""
    right = np.repeat(np.arange(20) % 2, 10)
    items = np.stack([right, np.ones(200)], axis=-1)
    groups = items.reshape(20, 10, 2).sum(axis=1)
    rng = np.random.default_rng(0)
    alone, whole = (resampled_scores(c, 5_000, rng).var() for c in (items, groups))
    assert whole / alone == pytest.approx(10 * 199 / 190, rel=0.1)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 30), st.integers(0, 2**32 - 1))
def test_scores_stay_between_0_and_100_and_what_never_varies_stays_put(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    below = rng.integers(0, 4, (n, 3))
    counts = np.stack([rng.integers(0, below + 1), below], axis=-1)
    found = resampled_scores(counts, 20, rng)
    assert found.min() >= 0 and found.max() <= 100
    perfect = np.stack([below, below], axis=-1)
    assert set(np.unique(resampled_scores(perfect, 20, rng))) <= {0.0, 100.0}


def test_one_group_cannot_be_resampled() -> None:
    with pytest.raises(ValueError, match="1 item groups cannot be resampled"):
        resampled_scores(np.ones((1, 2)), 10, np.random.default_rng(0))


def test_a_draw_of_a_large_target_takes_no_more_than_seconds() -> None:
    """12 runs' arms x 3 seeds x 4 languages of 1,000 items in parallel, 1,000 draws."""
    counts = np.random.default_rng(0).integers(0, 2, (1_000, 12, 3, 4, 2)).astype(np.int16)
    began = time.perf_counter()
    assert resampled_scores(counts, 1_000, np.random.default_rng(0)).shape == (1_000, 12, 3, 4)
    assert time.perf_counter() - began < 5
