"""Scores of ranked candidates: LAReQA and Mewsli-X."""

from collections.abc import Collection, Mapping, Sequence

import pyarrow.parquet as pq

from xstilts.core.context import Result
from xstilts.metrics import mean_average_precision, random_order_floor
from xstilts.prediction.spec import PREDICTIONS
from xstilts.scoring.counts import ranked_counts
from xstilts.scoring.outcome import Outcome


def score_ranking(inputs: Mapping[str, Result]) -> Outcome:
    """Mean average precision of the best 20, 0-100; with 1 or 0 a query: is its first one right."""
    predictions = inputs["predictions"]
    found = pq.read_table(predictions.folder / PREDICTIONS).to_pydict()
    gold, ranked = found["gold"], found["prediction"]
    scores, floors = ranking_scores(gold, ranked, predictions.value["candidates"])
    record = {"n": len(gold), "protocol": predictions.value["protocol"]}
    right = [float(r[0] in g) for g, r in zip(gold, ranked, strict=True)]
    counts = ranked_counts(found["group"], gold, ranked)
    return Outcome({**record, "scores": scores, "floors": floors}, right, counts)


def ranking_scores(
    gold: Sequence[Collection[str]], ranked: Sequence[Sequence[str]], candidates: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Score and floor, the score of a random order of that many candidates, both 0-100."""
    floor = random_order_floor([len(g) for g in gold], candidates)
    return {"map@20": mean_average_precision(gold, ranked)}, {"map@20": floor}
