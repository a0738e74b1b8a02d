"""F1 of mined sentence pairs, and the score above which a pair is taken: BUCC 2018."""

from collections.abc import Collection, Mapping
from typing import TypeAlias

Pair: TypeAlias = tuple[str, str]


def bitext_f1(gold: Collection[Pair], pred: Collection[Pair]) -> dict[str, float]:
    """F1, precision and recall of pairs of sentence ids; a pair that stands twice counts once.

    Source: `bucc_f1` in XTREME's `evaluate.py`.

    Args:
        gold: the true pairs, `(source id, target id)`.
        pred: the pairs that were mined.

    Returns:
        `f1`, `precision` and `recall`, 0-100; all 0 where no mined pair is true.

    Raises:
        ValueError: there is no true pair.
    """
    true, mined = set(gold), set(pred)
    if not true:
        raise ValueError("0 gold pairs: a score needs at least one")
    right = len(true & mined)
    if right == 0:
        return {"f1": 0.0, "precision": 0.0, "recall": 0.0}
    precision, recall = right / len(mined), right / len(true)
    f1 = 2 * precision * recall / (precision + recall)
    return {"f1": f1 * 100, "precision": precision * 100, "recall": recall * 100}


def bitext_threshold(scores: Mapping[Pair, float], gold: Collection[Pair]) -> float:
    """The score from which on (`>=`) pairs are to be taken so that F1 over `gold` is highest.

    Pairs are taken from the best on; the threshold is half way between the last one taken and the
    next. Of equal F1 the fewer pairs win. To be used on other pairs than those of `gold`: a
    threshold chosen on the very gold that it is scored with is an oracle.

    Source: `bucc_optimize` of XTREME's `third_party/utils_retrieve.py`, which stops with an
    IndexError where taking every pair is best; here the threshold is then the lowest score. Where
    no pair is true that script says 0, which takes all pairs with the ratio margin; here nothing
    can be chosen and that is an error.

    Args:
        scores: margin of every candidate pair.
        gold: the true pairs.

    Returns:
        The threshold, on the scale of `scores`.

    Raises:
        ValueError: no candidate is a true pair.
    """
    true = set(gold)
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    right, best, threshold = 0, 0.0, None
    for taken, (pair, score) in enumerate(ranked, start=1):
        if pair not in true:
            continue  # F1 can only rise with a true pair
        right += 1
        precision, recall = right / taken, right / len(true)
        f1 = 2 * precision * recall / (precision + recall)
        if f1 > best:
            best = f1
            threshold = (score + ranked[taken][1]) / 2 if taken < len(ranked) else score
    if threshold is None:
        raise ValueError(f"none of {len(ranked)} candidates is one of {len(true)} gold pairs")
    return threshold
