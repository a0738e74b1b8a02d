"""What every score is a ratio of, per item group, so that other test items can be drawn.

A score is ``100 * sum of numerators / sum of denominators`` over the groups (paragraphs, premises,
sentences) of a slice: right and all for accuracy, the values of questions and their number for
exact match, F1 of answers and average precision, twice the right and both sides together for F1 of
tags and pairs. Macro F1 is the mean of one such ratio a label; every other metric has one part.

They lie in ``counts.npy``, one record a group: ``group``, its name in UTF-8, and one field a
metric, shape ``(parts, 2)``, float64: numerators and denominators. NumPy reads it without pickle.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xstilts.metrics import (
    average_precision,
    chunk_counts,
    mlqa_normalizer,
    squad_items,
    squad_v2_items,
)
from xstilts.metrics.mining import Pair
from xstilts.scoring.spec import COUNTS, USUAL, Score
from xstilts.stats.items import Counted
from xstilts.tasks.examples import Sentence, Span, Tagged

Floats = NDArray[np.float64]
ByMetric = dict[str, Floats]  # metric -> shape (items, parts, 2)
Groups = Sequence[str]


def item_counts(
    config: Score, examples: Sequence[Any], predictions: Sequence[Any]
) -> NDArray[np.void]:
    """The counts of a slice by group, of every metric that its score has.

    Args:
        config: the kind, and the rules.
        examples: with gold.
        predictions: one an example, as :func:`xstilts.scoring.measure.measure` takes them.
    """
    if config.kind == "span":
        return by_group(*_answers(config, examples, predictions))
    found = _COUNTED[config.kind](config.metrics or USUAL[config.kind], examples, predictions)
    return by_group([e.group for e in examples], found)


def pair_counts(
    sentences: Sequence[Sentence], gold: Sequence[Pair], taken: Sequence[Pair]
) -> NDArray[np.void]:
    """The counts of mined pairs; a pair belongs to the group of its source sentence."""
    group_of = {s.id: s.group for s in sentences if s.side == "source"}
    true, mined = list(dict.fromkeys(gold)), list(dict.fromkeys(taken))
    there = set(true)
    right = np.array([pair in there for pair in mined], float)
    one, none = np.ones(len(true)), np.zeros(len(true))
    found = {
        "f1": _ratio(np.r_[none, 2 * right], np.ones(len(true) + len(mined))),
        "precision": _ratio(np.r_[none, right], np.r_[none, np.ones(len(mined))]),
        "recall": _ratio(np.r_[none, right], np.r_[one, np.zeros(len(mined))]),
    }
    return by_group([group_of[source] for source, _ in (*true, *mined)], found)


def ranked_counts(
    groups: Groups, gold: Sequence[Sequence[str]], ranked: Sequence[Sequence[str]]
) -> NDArray[np.void]:
    """The counts of ranked candidates, one item a query."""
    values = np.array([average_precision(g, r) for g, r in zip(gold, ranked, strict=True)])
    return by_group(groups, {"map@20": _mean(values)})


def by_group(groups: Groups, items: Mapping[str, Floats]) -> NDArray[np.void]:
    """Items summed over the groups they belong to, groups in order of their names."""
    names, place = np.unique(np.array([g.encode() for g in groups]), return_inverse=True)
    fields: list[Any] = [("group", names.dtype)]
    fields += [(metric, np.float64, counts.shape[1:]) for metric, counts in items.items()]
    found = np.zeros(len(names), fields)
    found["group"] = names
    for metric, counts in items.items():
        np.add.at(found[metric], place.ravel(), counts)
    return found


def write_counts(folder: Path, counts: NDArray[np.void]) -> None:
    """Put them beside the scores."""
    np.save(folder / COUNTS, counts, allow_pickle=False)


def read_counts(folder: Path, metric: str) -> Counted:
    """Those of one metric that ``write_counts`` wrote.

    Raises:
        KeyError: the score has no such metric.
    """
    found = np.load(folder / COUNTS, allow_pickle=False)
    if metric not in found.dtype.names:
        raise KeyError(f"{folder} has no counts of {metric}")
    return Counted(np.ascontiguousarray(found["group"]), np.ascontiguousarray(found[metric]))


def _labels(
    metrics: Sequence[str], examples: Sequence[Any], predictions: Sequence[Any]
) -> ByMetric:
    gold, said = [e.label for e in examples], list(predictions)
    right = np.array([g == p for g, p in zip(gold, said, strict=True)], float)
    found = {"accuracy": _mean(right)}
    if "macro_f1" in metrics:
        labels = sorted({*gold, *said})
        of_gold, of_said = (_is(values, labels) for values in (gold, said))
        below = of_gold + of_said
        found["macro_f1"] = np.stack([2 * of_gold * of_said, below], axis=-1)
    return {metric: found[metric] for metric in metrics}


def _tags(
    metrics: Sequence[str], examples: Sequence[Tagged], predictions: Sequence[Sequence[str]]
) -> ByMetric:
    gold = [list(e.tags) for e in examples]
    found = {}
    if "f1" in metrics:
        found["f1"] = chunk_counts(gold, predictions)[:, None, :].astype(float)
    if "accuracy" in metrics:
        right = [sum(map(str.__eq__, g, p)) for g, p in zip(gold, predictions, strict=True)]
        found["accuracy"] = _ratio(np.array(right, float), np.array([len(g) for g in gold], float))
    return found


def _neighbours(
    metrics: Sequence[str], examples: Sequence[Any], predictions: Sequence[int]
) -> ByMetric:
    right = (np.arange(len(examples)) == np.array(predictions)).astype(float)
    return {metric: _mean(1 - right if metric == "xsim" else right) for metric in metrics}


_COUNTED: Mapping[str, Callable[[Sequence[str], Sequence[Any], Sequence[Any]], ByMetric]] = {
    "pair": _labels,
    "choice": _labels,
    "tagging": _tags,
    "retrieval": _neighbours,
}


def _answers(
    config: Score, examples: Sequence[Span], predictions: Sequence[str | None]
) -> tuple[list[str], ByMetric]:
    """Of every question id, as the official scripts count them."""
    gold = {e.id: list(e.answers) for e in examples}
    group_of = {e.id: e.group for e in examples}
    said = {e.id: p for e, p in zip(examples, predictions, strict=True) if p is not None}
    if config.answers == "squad_v2":
        items = squad_v2_items(gold, said)
    elif config.answers == "mlqa":
        items = squad_items(gold, said, mlqa_normalizer(config.language))
    else:
        items = squad_items(gold, said)
    values = np.array(list(items.values()), float)
    exact, f1 = values[:, 0], values[:, 1]
    found = {"exact_match": _mean(exact), "f1": _mean(f1), "em_f1": _mean((exact + f1) / 2)}
    if config.answers == "squad_v2":
        has = np.array([bool(answers) for answers in gold.values()], float)
        for name, part in (("HasAns", has), ("NoAns", 1 - has)):
            if part.any():
                found |= {f"{name}_exact": _ratio(exact * part, part)}
                found |= {f"{name}_f1": _ratio(f1 * part, part)}
    return [group_of[question] for question in items], found


def _is(values: Sequence[Any], labels: Sequence[Any]) -> Floats:
    """Shape ``(items, labels)``: 1 where an item has that label."""
    number = {label: place for place, label in enumerate(labels)}
    found: Floats = np.eye(len(labels))[[number[value] for value in values]]
    return found


def _mean(values: NDArray[Any]) -> Floats:
    """A mean over items."""
    return _ratio(values, np.ones(len(values)))


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> Floats:
    """Shape ``(items, 1, 2)``: a metric with one part."""
    found: Floats = np.stack([above, below], axis=-1)[:, None, :]
    return found
