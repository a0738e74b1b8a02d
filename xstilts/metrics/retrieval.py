"""Accuracy of nearest neighbours: Tatoeba."""

import operator
from collections.abc import Sequence

from xstilts.metrics.classification import accuracy


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
