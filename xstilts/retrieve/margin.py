"""Margin-based bitext mining: sentence vectors of two languages -> pairs, best first.

Scores are those of Artetxe and Schwenk (2019, arXiv:1811.01136), strategies those of LASER's
``mine_bitexts.py`` and XTREME's ``third_party/utils_retrieve.py``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast, get_args

import numpy as np

from xstilts.core.errors import UnknownNameError
from xstilts.models.device import Precision
from xstilts.retrieve.coarse import Floats
from xstilts.retrieve.neighbours import Ints, Neighbours, nearest_both_ways
from xstilts.retrieve.spec import Margin, Strategy


def how(margin: str, strategy: str) -> tuple[Margin, Strategy]:
    """The margin and the strategy of these names.

    Raises:
        UnknownNameError: for a name that there is none of.
    """
    for kind, name, known in (("margin", margin, Margin), ("strategy", strategy, Strategy)):
        if name not in get_args(known):
            option = f"--{kind}"
            raise UnknownNameError(
                kind, name, get_args(known), where=option, do=f"correct {option}"
            )
    return cast(Margin, margin), cast(Strategy, strategy)


@dataclass(frozen=True)
class Mined:
    """Pairs of sentences, best first; of equal scores the lower source, then the lower target.

    Attributes:
        scores: margins, ``(pairs,)``.
        source: 0-based rows of the source, ``(pairs,)``.
        target: 0-based rows of the target, ``(pairs,)``.
    """

    scores: Floats
    source: Ints
    target: Ints


def mine(
    source: Floats,
    target: Floats,
    k: int = 4,
    margin: Margin = "ratio",
    strategy: Strategy = "max",
    precision: Precision | None = None,
) -> Mined:
    """Pairs that translate each other.

    Args:
        source: sentence vectors, ``(sources, dim)``, finite; only their directions count.
        target: sentence vectors, ``(targets, dim)``, likewise.
        k: neighbours that make up a sentence's neighbourhood, at most all of the other side.
        margin: ``absolute``: the cosine; ``distance``: less the mean of the cosines of both
            sentences with their ``k`` neighbours; ``ratio``: divided by that mean.
        strategy: ``forward``: the best target of every source; ``backward``: the best source of
            every target; ``intersect``: pairs that are both; ``max``: all of both, the best ones
            first, each sentence once.
        precision: as in :func:`xstilts.retrieve.neighbours.nearest`.
    """
    ahead, back = nearest_both_ways(source, target, k, precision)
    return choose(*candidates(ahead, back, margin), strategy)


def candidates(ahead: Neighbours, back: Neighbours, margin: Margin) -> tuple[Mined, Mined]:
    """The best target of every source and the best source of every target, by margin.

    Returns:
        one pair a source, in the order of the sources, and one a target, in theirs.
    """
    around_source, around_target = (n.scores.mean(1, dtype=np.float64) for n in (ahead, back))
    best = []
    for found, own, others in (
        (ahead, around_source, around_target),
        (back, around_target, around_source),
    ):
        around = (own[:, None] + others[found.indices]) / 2
        scores = margin_of(found.scores.astype(np.float64), around, margin)
        rows = np.arange(len(scores))
        place = scores.argmax(1)
        best.append((scores[rows, place], rows, found.indices[rows, place]))
    (forward, i, j), (backward, n, m) = best
    return Mined(forward, i, j), Mined(backward, m, n)


def margin_of(cosines: Floats, around: Floats, margin: Margin) -> Floats:
    """Margins of pairs.

    Args:
        cosines: of the pairs.
        around: mean of both sentences' mean cosines with their neighbours, same shape.
        margin: see :func:`mine`. A ratio means nothing where the neighbours themselves are not
            nearer than chance (``around <= 0``, as for a vector of zeros): it is 0 there.
    """
    if margin == "absolute":
        return cosines
    if margin == "distance":
        return cosines - around
    return np.divide(cosines, around, out=np.zeros_like(cosines), where=around > 0)


def choose(forward: Mined, backward: Mined, strategy: Strategy) -> Mined:
    """Pairs of a strategy, best first, from the best pairs of every sentence."""
    if strategy == "forward":
        return _best_first(forward)
    if strategy == "backward":
        return _best_first(backward)
    if strategy == "intersect":
        mutual = forward.source == backward.source[forward.target]
        return _best_first(_some(forward, mutual))
    union = _best_first(
        Mined(
            np.concatenate([forward.scores, backward.scores]),
            np.concatenate([forward.source, backward.source]),
            np.concatenate([forward.target, backward.target]),
        )
    )
    return _some(union, np.fromiter(_one_to_one(union), np.int64))


def _best_first(mined: Mined) -> Mined:
    return _some(mined, np.lexsort((mined.target, mined.source, -mined.scores)))


def _some(mined: Mined, which: Ints) -> Mined:
    return Mined(mined.scores[which], mined.source[which], mined.target[which])


def _one_to_one(mined: Mined) -> Iterator[int]:
    """Places of the pairs neither side of which stands in a better pair."""
    sources, targets = mined.source.tolist(), mined.target.tolist()
    seen_source, seen_target = set(), set()
    for place, (i, j) in enumerate(zip(sources, targets, strict=True)):
        if i not in seen_source and j not in seen_target:
            seen_source.add(i)
            seen_target.add(j)
            yield place
