"""Unigram vocabularies (Kudo 2018), estimated so that the same words give the same bytes.

The trainer of the `tokenizers` library visits words in the order of a hash table, so that it gives
other scores in every process (docs/decisions/0012). Here every sum runs in a fixed order, over all
words at once.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]

LONGEST = 16  # letters of a piece, as in SentencePiece
_PART = 32  # letters; longer words are cut, so that no path's probability is too small for a float
_SEEDS = 10  # pieces to start from, as a multiple of the size wanted
_KEPT = 0.75  # share that survives one round of pruning, as in SentencePiece
_ROUNDS = 2  # of expectation and maximisation between two prunings
_LEAST = 0.5  # expected occurrences below which a piece is dropped
_DECIMALS = 6  # of a score, far below what changes a segmentation


def vocabulary(
    words: Mapping[str, float], size: int, coverage: float = 1.0
) -> list[tuple[str, float]]:
    """The pieces by which ``words`` are likeliest, with their log probabilities, best first.

    Args:
        words: how often each word occurs; weights need not be whole.
        size: most pieces; every covered letter is one of them.
        coverage: share of all letters that get a piece, the frequent ones first.

    Raises:
        ValueError: when the letters alone are more than ``size``.
    """
    text = _Text(_parts(words, _letters(words, coverage)))
    pieces, counts = text.seeds(_SEEDS * size)
    if pieces.letters > size:
        raise ValueError(f"{pieces.letters} letters do not fit into {size} pieces")
    while True:
        lattice = text.segmentations(pieces)
        for _ in range(_ROUNDS):
            counts = lattice.expected(_shares(counts), text.weights)
            counts[: pieces.letters] = np.maximum(counts[: pieces.letters], _LEAST)
        alive = counts >= _LEAST
        if alive.sum() <= size:
            break
        worth = np.where(alive, counts * text.gains(pieces, _shares(counts)), -np.inf)
        worth[: pieces.letters] = np.inf
        kept = np.sort(np.argsort(-worth, kind="stable")[: max(size, int(alive.sum() * _KEPT))])
        pieces, counts = pieces.only(kept), counts[kept]
    scores = np.log(_shares(counts)[alive]).round(_DECIMALS).tolist()
    found = zip(text.strings(pieces.only(np.flatnonzero(alive))), scores, strict=True)
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def _shares(counts: Floats) -> Floats:
    shares: Floats = counts / counts.sum()
    return shares


def _letters(words: Mapping[str, float], coverage: float) -> set[str]:
    counts: dict[str, float] = defaultdict(float)
    for word in sorted(words):
        for letter in word:
            counts[letter] += words[word]
    ranked = sorted(counts, key=lambda letter: (-counts[letter], letter))
    before = np.cumsum([0.0, *(counts[letter] for letter in ranked)])
    return {x for x, sum_ in zip(ranked, before, strict=False) if sum_ < coverage * before[-1]}


def _parts(words: Mapping[str, float], letters: set[str]) -> dict[str, float]:
    """The words, cut at letters that have no piece and where they are long, in a fixed order."""
    parts: dict[str, float] = defaultdict(float)
    for word in sorted(words):
        known = "".join(x if x in letters else "\n" for x in word)
        for run in filter(None, known.split("\n")):
            for i in range(0, len(run), _PART):
                parts[run[i : i + _PART]] += words[word]
    return parts


@dataclass(frozen=True)
class _Pieces:
    """Some strings of a text: first all single letters, then longer ones.

    Attributes:
        starts: a place where each stands, ``(pieces,)``.
        lengths: its letters, ``(pieces,)``.
        letters: number of single letters.
        at: piece of a length (row) that begins at a place (column), -1 for none.
    """

    starts: Ints
    lengths: Ints
    letters: int
    at: Ints

    def only(self, kept: Ints) -> "_Pieces":
        """Some of them, by ascending index."""
        new = np.full(len(self.starts) + 1, -1, np.int32)  # its last place is that of -1
        new[kept] = np.arange(len(kept))
        return _Pieces(self.starts[kept], self.lengths[kept], self.letters, new[self.at])


class _Text:
    """Words, one after the other."""

    def __init__(self, words: Mapping[str, float]) -> None:
        """Take words with their weights."""
        self.text = "".join(words)
        self.weights = np.array(list(words.values()), float)
        self.lengths = np.array([len(word) for word in words])
        self.starts = np.cumsum(self.lengths) - self.lengths

    def seeds(self, most: int) -> tuple[_Pieces, Floats]:
        """All letters and the strings that cover most of the text, and how often they occur."""
        found = list(self._strings())
        at = np.full((len(found), len(self.text)), -1, np.int32)
        worth = np.concatenate([n * length for length, (_, _, n) in enumerate(found, 1)])
        letters = len(found[0][2])
        worth[:letters] = np.inf
        chosen = np.sort(np.argsort(-worth, kind="stable")[: letters + most])
        new = np.full(len(worth), -1, np.int32)
        new[chosen] = np.arange(len(chosen))
        first = 0
        for row, (places, inverse, counts) in zip(at, found, strict=True):
            row[places] = new[first + inverse]
            first += len(counts)
        lengths, starts = np.zeros((2, len(chosen)), np.int64)
        for length, row in enumerate(at, 1):
            here = np.flatnonzero(row >= 0)[::-1]
            lengths[row[here]], starts[row[here]] = length, here
        counts = np.concatenate([n for _, _, n in found])[chosen]
        return _Pieces(starts, lengths, letters, at), counts

    def _strings(self) -> Iterator[tuple[Ints, Ints, Floats]]:
        """Of every length: places of all strings, which string stands there, how often it does."""
        letters = np.frombuffer(self.text.encode("utf-32-le"), np.uint32)
        code = np.unique(letters, return_inverse=True)[1]
        room = np.repeat(self.starts + self.lengths, self.lengths) - np.arange(len(code))
        weight = np.repeat(self.weights, self.lengths)
        before = np.zeros(len(code), np.int64)  # the string that is one letter shorter
        for length in range(1, min(LONGEST, int(self.lengths.max())) + 1):
            places = np.flatnonzero(room >= length)
            longer = before[places] * (code.max() + 1) + code[places + length - 1]
            inverse = np.unique(longer, return_inverse=True)[1]
            before[places] = inverse
            yield places, inverse, np.bincount(inverse, weight[places]).astype(float)

    def segmentations(self, pieces: _Pieces) -> "_Lattice":
        """All ways to put the words together from pieces."""
        return _Lattice(pieces, self.starts, self.lengths)

    def gains(self, pieces: _Pieces, shares: Floats) -> Floats:
        """How much likelier each piece is than the best way to put it together from others."""
        parts = _Lattice(pieces, pieces.starts, pieces.lengths, whole=False)
        with np.errstate(divide="ignore"):
            return np.log(shares) - np.log(parts.best(shares))

    def strings(self, pieces: _Pieces) -> list[str]:
        """The pieces as text."""
        spans = zip(pieces.starts.tolist(), pieces.lengths.tolist(), strict=True)
        return [self.text[start : start + length] for start, length in spans]


class _Lattice:
    """Every way to put some words together from pieces.

    Nodes are the places between the letters of all words, one word after the other; an edge is a
    piece at a place.
    """

    def __init__(self, pieces: _Pieces, starts: Ints, lengths: Ints, *, whole: bool = True) -> None:
        """Find all pieces in the words at ``starts``; if not ``whole``, no word is a piece."""
        self.size = len(pieces.starts)
        self.first = np.cumsum(lengths + 1) - lengths - 1
        self.last = self.first + lengths
        word = np.repeat(np.arange(len(starts)), lengths)
        inside = np.arange(len(word)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        longest = lengths - (not whole)
        found: list[tuple[Ints, ...]] = []
        for length, row in enumerate(pieces.at, 1):
            piece = row[starts[word] + inside]
            fits = (piece >= 0) & (length <= longest[word]) & (inside + length <= lengths[word])
            some = np.flatnonzero(fits)
            found.append((piece[some], word[some], inside[some], inside[some] + length))
        self.piece, self.word, begin, end = map(np.concatenate, zip(*found, strict=True))
        self.begin, self.end = self.first[self.word] + begin, self.first[self.word] + end
        self._forward = _steps(end, self.end)
        self._backward = _steps(-begin, self.begin)

    def expected(self, shares: Floats, weights: Floats) -> Floats:
        """Expected occurrences of each piece over all segmentations, ``(pieces,)``."""
        edge = shares[self.piece]
        before = self._along(np.add, self._forward, self.first, self.begin, edge)
        after = self._along(np.add, self._backward, self.last, self.end, edge)
        of_word = weights / before[self.last]
        chance = before[self.begin] * edge * after[self.end]
        return np.bincount(self.piece, chance * of_word[self.word], self.size).astype(float)

    def best(self, shares: Floats) -> Floats:
        """Probability of each word's best segmentation, ``(words,)``; 0 where there is none."""
        edge = shares[self.piece]
        best = self._along(np.maximum, self._forward, self.first, self.begin, edge)
        return best.take(self.last)

    def _along(
        self, join: np.ufunc, steps: "list[_Step]", origin: Ints, source: Ints, edge: Floats
    ) -> Floats:
        """What all paths from ``origin`` to each node join to, ``(nodes,)``."""
        out = np.zeros(int(self.last[-1]) + 1)
        out[origin] = 1.0
        for step in steps:
            values = out[source[step.edges]] * edge[step.edges]
            out[step.nodes] = join.reduceat(values, step.starts)
        return out


@dataclass(frozen=True)
class _Step:
    """Edges that lead to nodes at the same place of their words.

    Attributes:
        edges: indices, those to one node together.
        starts: where each node's edges begin.
        nodes: the nodes.
    """

    edges: Ints
    starts: Ints
    nodes: Ints


def _steps(place: Ints, node: Ints) -> list[_Step]:
    """Edges by the place of the node that they lead to, in the order in which they are walked."""
    edges = np.lexsort((node, place))
    cuts = np.flatnonzero(np.diff(place[edges])) + 1
    steps = []
    for some in np.split(edges, cuts):
        starts = np.flatnonzero(np.diff(node[some], prepend=-1))
        steps.append(_Step(some, starts, node[some][starts]))
    return steps
