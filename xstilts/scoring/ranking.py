"""Scores of ranked candidates: LAReQA and Mewsli-X."""

from collections.abc import Mapping
from typing import Any

import pyarrow.parquet as pq

from xstilts.core.context import Result
from xstilts.metrics import mean_average_precision, random_order_floor
from xstilts.prediction.spec import PREDICTIONS


def score_ranking(inputs: Mapping[str, Result]) -> tuple[dict[str, Any], list[float]]:
    """Mean average precision of the best 20, 0-100.

    Returns:
        the record, and 1 or 0 a query: whether its first candidate is right.
    """
    predictions = inputs["predictions"]
    found = pq.read_table(predictions.folder / PREDICTIONS).to_pydict()
    gold, ranked = found["gold"], found["prediction"]
    floor = random_order_floor([len(g) for g in gold], predictions.value["candidates"])
    record = {"n": len(gold), "protocol": predictions.value["protocol"]}
    record |= {"scores": {"map@20": mean_average_precision(gold, ranked)}}
    right = [float(r[0] in g) for g, r in zip(gold, ranked, strict=True)]
    return {**record, "floors": {"map@20": floor}}, right
