"""Logits -> what is kept of every example, so that a new metric never needs the model again."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xstilts.data.batches import Ints, TokenArrays
from xstilts.metrics import no_answer_threshold
from xstilts.prediction.forward import Floats
from xstilts.tasks.examples import Candidate, Choice, Pair, Query, Span, Tagged

RANKED = 20  # candidates kept of a query: those that mAP@20 looks at
BEST = 20  # spans kept of a question (n_best_size of the SQuAD scripts)
ANSWER_MOST = 30  # pieces of an answer (max_answer_length of the SQuAD scripts)
Parts = Iterable[tuple[Ints, Ints, Floats]]
Columns = dict[str, list[Any]]


def decode(
    kind: str, examples: list[Any], arrays: TokenArrays, parts: Parts, labels: tuple[str, ...]
) -> Columns:
    """Columns of the prediction table, one row an example, in the order of the slice.

    Always ``id``, ``group`` and ``prediction``; beside them ``logits`` (pair, choice),
    ``probabilities`` of the chosen tags (tagging), or ``texts``, ``scores`` of the best spans and
    ``null_score`` (span). ``prediction`` is a label, the index of a choice, a list of tags, the
    answer, or the ids of a query's best candidates. Candidates have no row.
    """
    columns = _DECODE[kind](examples, arrays, parts, labels)
    rows = [e for e in examples if not isinstance(e, Candidate)]
    return {"id": [e.id for e in rows], "group": [e.group for e in rows], **columns}


def null_margins(columns: Columns) -> list[float]:
    """How much better "no answer" scores than the best answer that is not empty, by question.

    A question without any answer has a margin of infinity.
    """
    return [
        null - next((s for t, s in zip(texts, scores, strict=True) if t), float("-inf"))
        for null, texts, scores in zip(
            columns["null_score"], columns["texts"], columns["scores"], strict=True
        )
    ]


def answered(columns: Columns, threshold: float) -> Columns:
    """``columns`` with the answers of SQuAD 2.0: none where the margin is above ``threshold``.

    Source: the rule of BERT's `run_squad.py` (`null_score_diff_threshold`): the best answer that
    is not empty, unless the score of the first piece is higher by more than the threshold.
    """
    best = [next(filter(None, texts), "") for texts in columns["texts"]]
    margins = null_margins(columns)
    said = ["" if m > threshold else text for text, m in zip(best, margins, strict=True)]
    return {**columns, "prediction": said}


def chosen_threshold(examples: list[Any], columns: Columns) -> float:
    """The threshold with the highest F1 on ``examples``, which then must not be reported on."""
    ids = columns["id"]
    best = [next(filter(None, texts), "") for texts in columns["texts"]]
    gold = {e.id: list(e.answers) for e in examples}
    margins = dict(zip(ids, null_margins(columns), strict=True))
    return no_answer_threshold(gold, dict(zip(ids, best, strict=True)), margins)[1]


def _pairs(
    examples: list[Pair], arrays: TokenArrays, parts: Parts, labels: tuple[str, ...]
) -> Columns:
    kept = _logits_in_order(examples, parts)
    return {"prediction": [labels[int(np.argmax(x))] for x in kept], "logits": kept}


def _choices(
    examples: list[Choice], arrays: TokenArrays, parts: Parts, labels: tuple[str, ...]
) -> Columns:
    kept = _logits_in_order(examples, parts)
    return {"prediction": [int(np.argmax(x)) for x in kept], "logits": kept}


def _logits_in_order(examples: list[Any], parts: Parts) -> list[list[float]]:
    kept: list[list[float]] = [[] for _ in examples]
    for indices, _, out in parts:
        for i, row in zip(indices, out, strict=True):
            kept[i] = row.tolist()
    return kept


def _tags(
    examples: list[Tagged], arrays: TokenArrays, parts: Parts, labels: tuple[str, ...]
) -> Columns:
    tags = [[""] * len(e.words) for e in examples]
    sure = [[0.0] * len(e.words) for e in examples]
    for _, rows, out in parts:
        words = arrays.padded(rows, "word", -1)
        shifted = np.exp(out - out.max(-1, keepdims=True))
        chosen = out.argmax(-1)
        share = shifted.max(-1) / shifted.sum(-1)
        for r, row in enumerate(rows):
            example = int(arrays.example[row])
            for place in np.flatnonzero(words[r] >= 0):
                word = words[r, place]
                tags[example][word] = labels[chosen[r, place]]
                sure[example][word] = float(share[r, place])
    return {"prediction": tags, "probabilities": sure}


def _spans(
    examples: list[Span], arrays: TokenArrays, parts: Parts, labels: tuple[str, ...]
) -> Columns:
    """The best spans of all windows of a question.

    Source: the rule of BERT's `run_squad.py`, which XTREME's scripts take over: the 20 best
    first and last pieces of every window; an answer begins only in the window that shows most
    around its first piece; at most 30 pieces. They take the 20 best of all pieces and drop those of
    the question and of padding then; here these never count among the 20.
    """
    widest = widest_window(arrays)
    found: dict[int, list[tuple[float, int, int]]] = defaultdict(list)
    null = [float("inf")] * len(examples)
    for _, rows, out in parts:
        begins, ends = arrays.padded(rows, "begin", -1), arrays.padded(rows, "end", -1)
        for r, row in enumerate(rows):
            example = int(arrays.example[row])
            null[example] = min(null[example], float(out[r, 0].sum()))
            mine = widest[arrays.starts[row] : arrays.starts[row + 1]]
            context = examples[example].context
            found[example] += _best_spans(context, out[r], begins[r], ends[r], mine)
    columns: Columns = {"prediction": [], "texts": [], "scores": [], "null_score": null}
    for i, asked in enumerate(examples):
        best: dict[str, float] = {}
        for score, begin, end in sorted(found[i], key=lambda s: (-s[0], s[1], s[2])):
            best.setdefault(asked.context[begin:end].strip(), score)
        texts = list(best)[:BEST]
        columns["texts"].append(texts)
        columns["scores"].append([best[t] for t in texts])
        columns["prediction"].append(texts[0] if texts else "")
    return columns


def widest_window(arrays: TokenArrays) -> NDArray[np.bool_]:
    """For every piece whether its window shows most of the context around it, ``(pieces,)``.

    That is the window with the most context on the side that has less of it, with a hundredth of
    its length on top, and of equal ones the first (`_check_is_max_context` in `run_squad.py`).
    Pieces of several windows are one if they have the same characters; of those that a letter is
    torn into, in their order. True of exactly one window for every piece of the context.
    """
    here = np.flatnonzero(arrays.extra["begin"] >= 0)
    row = np.repeat(np.arange(len(arrays.lengths)), arrays.lengths)[here]
    place = np.arange(len(here)) - np.searchsorted(row, row)  # in the window's context
    size = np.bincount(row, minlength=len(arrays.lengths))[row]
    seen = np.minimum(place, size - 1 - place) + 0.01 * size
    at = np.stack([row, arrays.extra["begin"][here], arrays.extra["end"][here]])
    torn = np.r_[False, (at[:, 1:] == at[:, :-1]).all(0)][: len(here)]
    count = np.arange(len(here))
    nth = count - np.maximum.accumulate(np.where(torn, 0, count))
    piece = np.stack([arrays.example[row], at[1], at[2], nth])
    order = np.lexsort((row, -seen, *piece[::-1]))
    piece = piece[:, order]
    first = np.r_[True, (piece[:, 1:] != piece[:, :-1]).any(0)][: len(here)]
    found = np.zeros(len(arrays.ids), np.bool_)
    found[here[order[first]]] = True
    return found


def _best_spans(
    context: str, out: Floats, begin: Ints, end: Ints, widest: NDArray[np.bool_]
) -> list[tuple[float, int, int]]:
    """The best spans of one window as ``(score, first character, last character + 1)``.

    As many as have 20 different texts, the best of every text.
    """
    inside, opening = np.flatnonzero(begin >= 0), np.flatnonzero(widest)
    firsts = opening[np.argsort(-out[opening, 0], kind="stable")[:BEST]]
    lasts = inside[np.argsort(-out[inside, 1], kind="stable")[:BEST]]
    fits = (firsts[:, None] <= lasts) & (lasts < firsts[:, None] + ANSWER_MOST)
    a, b = np.nonzero(fits)
    scores = out[firsts[a], 0] + out[lasts[b], 1]
    best: dict[str, tuple[float, int, int]] = {}
    for i in np.argsort(-scores, kind="stable"):
        span = float(scores[i]), int(begin[firsts[a[i]]]), int(end[lasts[b[i]]])
        best.setdefault(context[span[1] : span[2]].strip(), span)
        if len(best) == BEST:
            break
    return list(best.values())


def _ranked(
    examples: list[Query | Candidate], arrays: TokenArrays, parts: Parts, labels: tuple[str, ...]
) -> Columns:
    """The best candidates of the slice by the product of vectors; the first of equal ones."""
    found = {i: row for indices, _, out in parts for i, row in zip(indices, out, strict=True)}
    vectors = np.stack([found[i] for i in range(len(examples))])
    candidates = [e.id for e in examples if isinstance(e, Candidate)]
    queries = len(examples) - len(candidates)
    products = vectors[:queries] @ vectors[queries:].T
    best = np.argsort(-products, axis=1, kind="stable")[:, :RANKED]
    return {"prediction": [[candidates[i] for i in row] for row in best]}


_DECODE: dict[str, Callable[[list[Any], TokenArrays, Parts, tuple[str, ...]], Columns]] = {
    "pair": _pairs,
    "choice": _choices,
    "span": _spans,
    "tagging": _tags,
    "ranking": _ranked,
}
