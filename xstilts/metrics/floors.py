"""What a score is worth nothing at: floors, and how far above one noise alone reaches."""

import math
from collections import Counter
from collections.abc import Callable, Sequence

from xstilts.metrics.classification import Label, accuracy
from xstilts.metrics.tagging import TagSequences

# Two-sided 95 % point of the standard normal distribution.
_Z = 1.959964


def majority_floor(
    labels: Sequence[Label],
    metric: Callable[[Sequence[Label], Sequence[Label]], float] = accuracy,
) -> float:
    """What `metric` gives for always answering the most frequent label.

    Of equally frequent labels the first in order is taken, so that the choice does not depend on
    the order of the items.

    Args:
        labels: the gold labels of the split.
        metric: `accuracy` or `macro_f1`.

    Returns:
        That score, 0-100.

    Raises:
        ValueError: no label is given.
    """
    if len(labels) == 0:
        raise ValueError("0 labels: a floor needs at least one")
    counts = Counter(labels)
    frequent = min(counts, key=lambda label: (-counts[label], label))
    return metric(labels, [frequent] * len(labels))


def tagging_floor(
    gold: TagSequences, metric: Callable[[TagSequences, TagSequences], float]
) -> float:
    """What `metric` gives for the most frequent tag on every token.

    Of equally frequent tags the alphabetically first is taken, so that the choice does not
    depend on the order of the sentences.

    Args:
        gold: sentences, each a sequence of tags.
        metric: `seqeval_f1` or `tag_accuracy`.

    Returns:
        That score, 0-100.

    Raises:
        ValueError: no sentence holds a tag.
    """
    counts = Counter(tag for tags in gold for tag in tags)
    if not counts:
        raise ValueError("no sentence holds a tag: a floor needs at least one")
    frequent = min(counts, key=lambda tag: (-counts[tag], tag))
    return metric(gold, [[frequent] * len(tags) for tags in gold])


def random_rank_floor(n: int) -> float:
    """Expected accuracy of picking one of `n` candidates at random.

    Args:
        n: number of candidates, exactly one of them right.

    Returns:
        `100 / n`.

    Raises:
        ValueError: `n` is below 1.
    """
    if n < 1:
        raise ValueError(f"{n} candidates: a floor needs at least one")
    return 100 / n


def random_order_floor(gold: Sequence[int], n: int, k: int = 20) -> float:
    """Expected mAP@k of candidates in random order.

    A candidate at rank i is right with the probability g / n, and then g - 1 of the other n - 1 are
    spread evenly over the ranks before it.

    Args:
        gold: right candidates of each query, at least one.
        n: number of candidates.
        k: ranks that are looked at.

    Returns:
        mean over queries of ``sum over i <= k of g/n (1 + (i-1)(g-1)/(n-1)) / i / min(g, k)``, as
        0-100.
    """

    def expected(right: int) -> float:
        others = (right - 1) / max(n - 1, 1)
        ranks = range(1, min(k, n) + 1)
        return right / n * sum((1 + (i - 1) * others) / i for i in ranks) / min(right, k)

    by_number = {right: expected(right) for right in set(gold)}
    return 100 * sum(by_number[right] for right in gold) / len(gold)


def noise_limit(floor: float, n: int) -> float:
    """Highest score that `n` examples cannot tell from the floor.

    The upper end of the 95 % score interval of a share observed at the floor, with
    `p = floor / 100` and `z = 1.959964`::

        (p + z²/2n + z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)

    A score at or below it is "at floor". Exact for shares (accuracy, exact match); for F1 an
    approximation that takes each example for one trial.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", Journal of the American Statistical Association 22 (1927).

    Args:
        floor: the floor, 0-100.
        n: number of examples scored.

    Returns:
        The limit, 0-100, never below `floor`.

    Raises:
        ValueError: `floor` is outside 0-100 or `n` is below 1.
    """
    if not 0 <= floor <= 100:
        raise ValueError(f"a floor of {floor}: it must lie between 0 and 100")
    if n < 1:
        raise ValueError(f"{n} examples: a noise limit needs at least one")
    p, z2 = floor / 100, _Z * _Z
    spread = _Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    upper = (p + z2 / (2 * n) + spread) / (1 + z2 / n)
    return min(100.0, max(floor, upper * 100))
