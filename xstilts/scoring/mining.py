"""Scores of mined pairs, with the threshold chosen where it may be."""

import hashlib
from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa

from xstilts.core.context import Result
from xstilts.data.read import read_examples
from xstilts.metrics import bitext_f1, bitext_threshold
from xstilts.metrics.mining import Pair
from xstilts.scoring.blocks import found_at, protocol_at
from xstilts.scoring.counts import pair_counts
from xstilts.scoring.outcome import Outcome
from xstilts.scoring.spec import Threshold
from xstilts.tasks.examples import Sentence

Candidates = Mapping[Pair, float]


def score_pairs(
    threshold: Threshold, inputs: Mapping[str, Result], block: int | None = None
) -> Outcome:
    """F1, precision and recall of the pairs that pass the threshold, 0-100.

    The threshold is chosen on the dev split where ``inputs`` has its candidates
    (``dev_predictions``) and gold (``dev_examples``). Without them the gold is halved by a hash of
    the source id: each half's pairs are taken by the threshold that is best on the other half, and
    all of them are scored together. ``oracle`` chooses on the gold that is scored. Of a sweep
    ``block`` says which block's candidates are meant, in both splits; None for the fixed one.

    Returns:
        with 1 or 0 a gold pair, in the order of the examples: found or not; and the pairs that
        pass, best first: ``score``, ``source`` and ``target`` id.
    """
    sentences = _sentences(inputs["examples"])
    candidates, gold = _read(inputs["predictions"], sentences, block)
    if "dev_predictions" in inputs:
        dev = _sentences(inputs["dev_examples"])
        level = _best(*_read(inputs["dev_predictions"], dev, block))
        taken, origin = _taken(candidates, level), "threshold of dev"
    elif threshold == "oracle":
        taken, origin = _taken(candidates, _best(candidates, gold)), "oracle threshold"
    else:
        taken, origin = two_fold(candidates, gold), "two-fold"
    scores = bitext_f1(gold, taken)
    record = {"n": len(gold), "scores": scores, "floors": dict.fromkeys(scores, 0.0)}
    record |= {"protocol": f"{protocol_at(inputs['predictions'], block)}, {origin}"}
    record |= {"threshold": origin}
    found = [float(pair in taken) for pair in gold]
    counts = pair_counts(sentences, gold, sorted(taken))
    return Outcome(record, found, counts, _best_first(candidates, taken))


def two_fold(candidates: Candidates, gold: Sequence[Pair]) -> set[Pair]:
    """Pairs of each half by the threshold that is best on the other half."""
    taken: set[Pair] = set()
    for half in (0, 1):
        tuned = _best(_half(candidates, 1 - half), [p for p in gold if _fold(p) != half])
        taken |= _taken(_half(candidates, half), tuned)
    return taken


def _half(candidates: Candidates, half: int) -> Candidates:
    return {pair: score for pair, score in candidates.items() if _fold(pair) == half}


def _fold(pair: Pair) -> int:
    return hashlib.sha256(pair[0].encode()).digest()[0] & 1


def _best(candidates: Candidates, gold: Collection[Pair]) -> float:
    """The best threshold; above every score where no candidate is right, so nothing is taken."""
    return bitext_threshold(candidates, gold) if candidates.keys() & set(gold) else float("inf")


def _taken(candidates: Candidates, threshold: float) -> set[Pair]:
    return {pair for pair, score in candidates.items() if score >= threshold}


def _best_first(candidates: Candidates, taken: Collection[Pair]) -> pa.Table:
    pairs = sorted(taken, key=lambda pair: (-candidates[pair], pair))
    return pa.table(
        {
            "score": pa.array([candidates[pair] for pair in pairs], pa.float64()),
            "source": pa.array([source for source, _ in pairs], pa.string()),
            "target": pa.array([target for _, target in pairs], pa.string()),
        }
    )


def _sentences(examples: Result) -> Sequence[Sentence]:
    return read_examples(examples.folder, "mining")


def _read(
    predictions: Result, sentences: Sequence[Sentence], block: int | None
) -> tuple[Candidates, list[Pair]]:
    found = found_at(predictions, block, "score", "source", "target")
    pairs = zip(found["source"], found["target"], strict=True)
    gold = [(s.id, other) for s in sentences for other in s.gold]
    return dict(zip(pairs, found["score"], strict=True)), gold
