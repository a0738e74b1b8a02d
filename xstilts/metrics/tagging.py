"""Scores of tagged sentences: entity F1 as XTREME reports it, and plain token accuracy."""

import warnings
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from xstilts.metrics.lengths import require_same_length

TagSequences: TypeAlias = Sequence[Sequence[str]]


def seqeval_f1(gold: TagSequences, pred: TagSequences) -> float:
    """Micro-averaged F1 over typed chunks, which XTREME reports for `panx` and `udpos` alike.

    Source: `f1` in XTREME's `evaluate.py`, which is `seqeval.metrics.f1_score` with its
    defaults, here of seqeval 1.2.2. Its chunk rules are those of `conlleval`: an `I-` without
    its `B-` opens a chunk.

    Part-of-speech tags carry no prefix, and seqeval takes their first letter for one:

    - equal neighbours melt into one chunk;
    - `CCONJ` and `SCONJ` count as the same type, and so do `X` and `_`;
    - `X` and `_` get the type of `O`. One that ends a sentence is no chunk, and the chunk of
      one that begins a sentence reaches back to where the last chunk began, beyond the break.
      So the score of a corpus with such tags depends on the order of its sentences.

    Published part-of-speech scores are such numbers, not token accuracy. seqeval before
    0.0.16 (September 2020) kept the first letter as part of the type: its scores, and those
    published with it, differ by the second and third point.

    Args:
        gold: sentences, each a sequence of tags.
        pred: the same sentences with predicted tags.

    Returns:
        F1, 0-100; 0 when either side has no chunk at all.

    Raises:
        ValueError: the number of sentences, or of tags in one of them, differs.
    """
    _require_same_shape(gold, pred)
    gold_chunks, pred_chunks = _chunks(gold), _chunks(pred)
    both = len(gold_chunks & pred_chunks)
    if both == 0:
        return 0.0
    precision, recall = both / len(pred_chunks), both / len(gold_chunks)
    return 2 * precision * recall / (precision + recall) * 100


def chunk_counts(gold: TagSequences, pred: TagSequences) -> NDArray[np.int64]:
    """What `seqeval_f1` is made of: ``100 * sum of [:, 0] / sum of [:, 1]``, 0 of nothing.

    A chunk belongs to the sentence that it ends in. Chunks are those of the whole corpus, as
    `seqeval_f1` finds them.

    Args:
        gold: sentences, each a sequence of tags.
        pred: the same sentences with predicted tags.

    Returns:
        Shape `(sentences, 2)`: twice the right chunks; those of gold and predictions together.

    Raises:
        ValueError: as `seqeval_f1`.
    """
    _require_same_shape(gold, pred)
    gold_chunks, pred_chunks = _chunks(gold), _chunks(pred)
    ends = np.cumsum([len(tags) + 1 for tags in gold])  # seqeval puts an O behind each sentence
    counts = np.zeros((len(gold), 2), np.int64)
    for column, chunks in ((0, gold_chunks & pred_chunks), (1, gold_chunks), (1, pred_chunks)):
        last = np.fromiter((chunk[2] for chunk in chunks), np.int64, len(chunks))
        places = np.searchsorted(ends, last, side="right")
        counts[:, column] += np.bincount(places, minlength=len(gold))
    counts[:, 0] *= 2
    return counts


def tag_accuracy(gold: TagSequences, pred: TagSequences) -> float:
    """Share of tokens whose predicted tag is the gold one, over all sentences together.

    Not XTREME's metric: shown next to `seqeval_f1`, as most work on part-of-speech tagging
    outside XTREME reports it.

    Args:
        gold: sentences, each a sequence of tags.
        pred: the same sentences with predicted tags.

    Returns:
        Accuracy, 0-100.

    Raises:
        ValueError: the number of sentences, or of tags in one of them, differs.
    """
    tokens = _require_same_shape(gold, pred)
    right = sum(
        1
        for gold_tags, pred_tags in zip(gold, pred, strict=True)
        for a, b in zip(gold_tags, pred_tags, strict=True)
        if a == b
    )
    return right / tokens * 100


def _require_same_shape(gold: TagSequences, pred: TagSequences) -> int:
    require_same_length(gold, pred, "sentences")
    for number, (gold_tags, pred_tags) in enumerate(zip(gold, pred, strict=True), start=1):
        if len(gold_tags) != len(pred_tags):
            raise ValueError(
                f"sentence {number}: {len(gold_tags)} gold tags but {len(pred_tags)} predicted tags"
            )
    tokens = sum(len(tags) for tags in gold)
    if tokens == 0:
        raise ValueError("no sentence holds a tag: a score needs at least one")
    return tokens


def _chunks(sentences: TagSequences) -> set[tuple[str, int, int]]:
    """Every `(type, first token, last token)`, tokens counted through all sentences."""
    from seqeval.metrics.sequence_labeling import get_entities

    with warnings.catch_warnings():
        # One warning a token for tags without a prefix. They are expected here.
        warnings.filterwarnings(
            "ignore", message=r".* seems not to be NE tag\.$", category=UserWarning
        )
        # seqeval recognises nested input by `list` alone; a tuple would be read as one tag.
        return set(get_entities([list(tags) for tags in sentences]))
