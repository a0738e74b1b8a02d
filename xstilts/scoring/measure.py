"""The scores of a slice by the rules of its task, and the score that takes no skill."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xstilts.core.errors import DataError
from xstilts.metrics import (
    accuracy,
    macro_f1,
    majority_floor,
    mlqa,
    mlqa_normalizer,
    normalize_answer,
    random_rank_floor,
    retrieval_accuracy,
    seqeval_f1,
    squad,
    squad_v2,
    tag_accuracy,
    tagging_floor,
    xsim_error,
)
from xstilts.scoring.ranking import ranking_scores
from xstilts.scoring.spec import USUAL, Score
from xstilts.tasks.examples import Candidate, Parallel, Query, Span, Tagged

Scores = dict[str, float]
Measured = tuple[Scores, Scores]
Metric = Callable[[Any, Any], float]

_LABELS: Mapping[str, Metric] = {"accuracy": accuracy, "macro_f1": macro_f1}
_TAGS: Mapping[str, Metric] = {"f1": seqeval_f1, "accuracy": tag_accuracy}
_NEIGHBOURS: Mapping[str, Metric] = {
    "accuracy": retrieval_accuracy,
    "recall@1": retrieval_accuracy,  # one right sentence a query
    "xsim": xsim_error,
}


def measure(config: Score, examples: Sequence[Any], predictions: Sequence[Any]) -> Measured:
    """Scores and floors of one slice, both 0-100 and by metric name.

    Args:
        config: the kind, and the rules.
        examples: with gold.
        predictions: one an example (a query), as :func:`xstilts.prediction.decode.decode` gives
            them, or the index of the nearest sentence.

    Returns:
        ``(scores, floors)``; a floor is the score of the most frequent label or tag, of empty
        answers, or of a random rank or order.

    Raises:
        DataError: a question without an answer where the task says that all have one.
    """
    return _MEASURE[config.kind](config, examples, predictions)


def _labels(config: Score, examples: Sequence[Any], predictions: Sequence[Any]) -> Measured:
    gold = [e.label for e in examples]
    metrics = _chosen(config, _LABELS)
    scores = {name: metric(gold, predictions) for name, metric in metrics.items()}
    return scores, {name: majority_floor(gold, metric) for name, metric in metrics.items()}


def _tags(
    config: Score, examples: Sequence[Tagged], predictions: Sequence[Sequence[str]]
) -> Measured:
    gold = [list(e.tags) for e in examples]
    metrics = _chosen(config, _TAGS)
    scores = {name: metric(gold, predictions) for name, metric in metrics.items()}
    return scores, {name: tagging_floor(gold, metric) for name, metric in metrics.items()}


def _spans(config: Score, examples: Sequence[Span], predictions: Sequence[str | None]) -> Measured:
    gold = {e.id: list(e.answers) for e in examples}
    if config.answers != "squad_v2":
        _refuse_unanswerable(config, gold)
    said = {e.id: p for e, p in zip(examples, predictions, strict=True) if p is not None}
    return _answers(config, gold, said), _answers(config, gold, dict.fromkeys(gold, ""))


def _answers(config: Score, gold: Mapping[str, Sequence[str]], said: Mapping[str, str]) -> Scores:
    if config.answers == "mlqa":
        return mlqa(gold, said, config.language)
    return squad_v2(gold, said) if config.answers == "squad_v2" else squad(gold, said)


def _retrieval(config: Score, examples: Sequence[Parallel], predictions: Sequence[int]) -> Measured:
    n = len(examples)
    metrics = _chosen(config, _NEIGHBOURS)
    scores = {name: metric(range(n), predictions) for name, metric in metrics.items()}
    by_chance = random_rank_floor(n)
    return scores, {name: 100 - by_chance if name == "xsim" else by_chance for name in metrics}


def _ranking(
    config: Score, examples: Sequence[Query | Candidate], predictions: Sequence[Sequence[str]]
) -> Measured:
    gold = [e.gold for e in examples if isinstance(e, Query)]
    return ranking_scores(gold, predictions, len(examples) - len(gold))


def _chosen(config: Score, known: Mapping[str, Metric]) -> dict[str, Metric]:
    names = config.metrics or USUAL[config.kind]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise DataError(
            f"No metric of a {config.kind} task is called {unknown[0]!r}",
            where="metrics of the task's declaration",
            expected=f"one of {', '.join(known)}",
            do="correct the name",
        )
    return {name: known[name] for name in names}


def _refuse_unanswerable(config: Score, gold: Mapping[str, Sequence[str]]) -> None:
    silent = [question for question, answers in gold.items() if not answers]
    if silent:
        raise DataError(
            f"{len(silent)} questions have no answer",
            where=f"question {silent[0]}",
            expected=f"answers, as the rules of {config.answers} have it",
            do="declare the task with `answers: squad_v2`",
        )


def right(config: Score, examples: Sequence[Any], predictions: Sequence[Any]) -> list[float]:
    """1 for every example that is entirely right, else 0: label, choice, all tags, exact answer.

    Retrieval: the translation is the nearest sentence.
    """
    if config.kind == "span":
        normalize = _normalizer(config)
        return [float(_exact(e, p, normalize)) for e, p in zip(examples, predictions, strict=True)]
    gold_of: Callable[[int, Any], Any] = {
        "pair": lambda i, e: e.label,
        "choice": lambda i, e: e.label,
        "tagging": lambda i, e: list(e.tags),
        "retrieval": lambda i, e: i,
    }[config.kind]
    pairs = enumerate(zip(examples, predictions, strict=True))
    return [float(gold_of(i, e) == p) for i, (e, p) in pairs]


def _normalizer(config: Score) -> Callable[[str], str]:
    return mlqa_normalizer(config.language) if config.answers == "mlqa" else normalize_answer


def _exact(example: Span, prediction: str, normalize: Callable[[str], str]) -> bool:
    """Whether an answer matches exactly; no answer at all where there is none (SQuAD 2.0)."""
    gold = [normalize(a) for a in example.answers] or [""]
    return normalize(prediction) in gold


_MEASURE: dict[str, Callable[[Score, Sequence[Any], Sequence[Any]], Measured]] = {
    "pair": _labels,
    "choice": _labels,
    "tagging": _tags,
    "span": _spans,
    "retrieval": _retrieval,
    "ranking": _ranking,
}
