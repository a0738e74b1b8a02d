"""Scores of ranked neighbours: Tatoeba, LAReQA, Mewsli-X, xSIM."""

import operator
from collections.abc import Collection, Hashable, Sequence

from xstilts.metrics.classification import accuracy
from xstilts.metrics.lengths import require_same_length


def retrieval_accuracy(gold: Sequence[int], pred: Sequence[int]) -> float:
    """Share of queries whose nearest neighbour is the right sentence.

    For Tatoeba as XTREME scores it the queries are the English sentences and an entry is the
    0-based line of the other language's sentence, so `gold` is a permutation and accuracies
    of different languages rest on different English sides.

    Source: `accuracy` in XTREME's `evaluate.py` on what `similarity_search` of
    `third_party/utils_retrieve.py` returns.

    Args:
        gold: `n` indices into the collection searched.
        pred: `n` indices of the neighbours found, in the same order.

    Returns:
        Accuracy, 0-100.

    Raises:
        ValueError: the lengths differ, or nothing is there to score.
        TypeError: an entry is no whole number (such as a row of several neighbours).
    """
    return accuracy([operator.index(i) for i in gold], [operator.index(i) for i in pred])


def xsim_error(gold: Sequence[int], pred: Sequence[int]) -> float:
    """Share of sentences whose best match by margin is not their translation; lower is better.

    Source: xSIM as LASER defines it (`source/xsim.py` of facebookresearch/LASER): the error rate
    of the best match in the whole other side. The margin is the search's business, not counted
    here.

    Args:
        gold: `n` indices into the other side.
        pred: `n` indices of the best matches, in the same order.

    Returns:
        Error, 0-100.

    Raises:
        ValueError, TypeError: as `retrieval_accuracy`.
    """
    return 100.0 - retrieval_accuracy(gold, pred)


def mean_average_precision(
    gold: Sequence[Collection[Hashable]], ranked: Sequence[Sequence[Hashable]], k: int = 20
) -> float:
    """Mean over queries of the average precision of their first `k` answers.

    ``AP@k = sum of precision@i over ranks i <= k that hold a right answer / min(right ones, k)``.
    An answer that is ranked twice counts at its first rank. With a single right answer this is
    the reciprocal of its rank, as XTREME-R's Mewsli-X wants it.

    Source: `average_precision_at_k` of XTREME's `third_party/utils_lareqa.py` (LAReQA), and
    `evaluate` of `third_party/utils_mewslix.py`.

    Args:
        gold: the right answers of `n` queries, at least one each.
        ranked: their answers, best first; fewer than `k` are allowed.
        k: ranks that are looked at, at least 1.

    Returns:
        mAP@k, 0-100.

    Raises:
        ValueError: the lengths differ, nothing is there to score, a query has no right answer, or
            `k` is below 1.
    """
    n = require_same_length(gold, ranked, "queries")
    if k < 1:
        raise ValueError(f"k = {k}: at least one rank must be looked at")
    return 100.0 * sum(map(average_precision, gold, ranked, [k] * n)) / n


def recall_at_1(
    gold: Sequence[Collection[Hashable]], ranked: Sequence[Sequence[Hashable]]
) -> float:
    """Share of queries whose first answer is right.

    Args:
        gold: the right answers of `n` queries.
        ranked: their answers, best first; none at all is wrong.

    Returns:
        Recall at rank 1, 0-100.

    Raises:
        ValueError: the lengths differ, or nothing is there to score.
    """
    n = require_same_length(gold, ranked, "queries")
    pairs = zip(gold, ranked, strict=True)
    return 100.0 * sum(1 for right, found in pairs if found and found[0] in right) / n


def average_precision(gold: Collection[Hashable], ranked: Sequence[Hashable], k: int = 20) -> float:
    """The average precision of one query's first ``k`` answers, 0-1.

    Raises:
        ValueError: the query has no right answer.
    """
    right = set(gold)
    if not right:
        raise ValueError("a query has no right answer; average precision needs one")
    total, seen = 0.0, 0
    left = set(right)
    for rank, answer in enumerate(ranked[:k], start=1):
        if answer in left:
            left.discard(answer)
            seen += 1
            total += seen / rank
    return total / min(len(right), k)
