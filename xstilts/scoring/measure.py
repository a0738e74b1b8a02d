"""The metrics of a kind of example, and the score that takes no skill."""

from collections.abc import Callable, Sequence
from typing import Any

from xstilts.metrics import (
    accuracy,
    majority_floor,
    normalize_answer,
    random_rank_floor,
    retrieval_accuracy,
    seqeval_f1,
    squad,
    squad_v2,
    tag_accuracy,
    tagging_floor,
)
from xstilts.tasks.examples import Choice, Pair, Parallel, Span, Tagged

Scores = dict[str, float]


def measure(
    kind: str, examples: Sequence[Any], predictions: Sequence[Any]
) -> tuple[Scores, Scores]:
    """Scores and floors of one slice, both 0-100 and by metric name.

    Args:
        kind: the example kind.
        examples: with gold.
        predictions: one an example, as :func:`xstilts.prediction.decode.decode` gives them.

    Returns:
        ``(scores, floors)``; a floor is the score of the most frequent label or tag, of empty
        answers, or of a random rank.
    """
    return _MEASURE[kind](examples, predictions)


def _pairs(examples: Sequence[Pair], predictions: Sequence[str]) -> tuple[Scores, Scores]:
    gold = [e.label for e in examples]
    return {"accuracy": accuracy(gold, predictions)}, {"accuracy": majority_floor(gold)}


def _choices(examples: Sequence[Choice], predictions: Sequence[int]) -> tuple[Scores, Scores]:
    gold = [e.label for e in examples]
    return {"accuracy": accuracy(gold, predictions)}, {"accuracy": majority_floor(gold)}


def _tags(
    examples: Sequence[Tagged], predictions: Sequence[Sequence[str]]
) -> tuple[Scores, Scores]:
    gold = [list(e.tags) for e in examples]
    by_name = {"f1": seqeval_f1, "accuracy": tag_accuracy}
    scores = {name: metric(gold, predictions) for name, metric in by_name.items()}
    return scores, {name: tagging_floor(gold, metric) for name, metric in by_name.items()}


def _spans(examples: Sequence[Span], predictions: Sequence[str]) -> tuple[Scores, Scores]:
    gold = {e.id: list(e.answers) for e in examples}
    rules = squad if all(gold.values()) else squad_v2
    scores = rules(gold, {e.id: p for e, p in zip(examples, predictions, strict=True)})
    empty = rules(gold, dict.fromkeys(gold, ""))
    return scores, empty


def _retrieval(examples: Sequence[Parallel], predictions: Sequence[int]) -> tuple[Scores, Scores]:
    n = len(examples)
    scores = {"accuracy": retrieval_accuracy(range(n), predictions)}
    return scores, {"accuracy": random_rank_floor(n)}


def right(kind: str, examples: Sequence[Any], predictions: Sequence[Any]) -> list[float]:
    """1 for every example that is entirely right, else 0: label, choice, all tags, exact answer.

    Retrieval: the translation is the nearest sentence.
    """
    if kind == "span":
        return [float(_exact(e, p)) for e, p in zip(examples, predictions, strict=True)]
    gold_of: Callable[[int, Any], Any] = {
        "pair": lambda i, e: e.label,
        "choice": lambda i, e: e.label,
        "tagging": lambda i, e: list(e.tags),
        "retrieval": lambda i, e: i,
    }[kind]
    pairs = enumerate(zip(examples, predictions, strict=True))
    return [float(gold_of(i, e) == p) for i, (e, p) in pairs]


def _exact(example: Span, prediction: str) -> bool:
    """Whether an answer matches exactly; no answer at all where there is none (SQuAD 2.0)."""
    gold = [normalize_answer(a) for a in example.answers] or [""]
    return normalize_answer(prediction) in gold


_MEASURE: dict[str, Callable[[Sequence[Any], Sequence[Any]], tuple[Scores, Scores]]] = {
    "pair": _pairs,
    "choice": _choices,
    "tagging": _tags,
    "span": _spans,
    "retrieval": _retrieval,
}
