"""Stage `score`: predictions and gold of one language -> numbers in the record."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from xstilts.core.context import Context, Result
from xstilts.data.read import read_examples
from xstilts.prediction.spec import PREDICTIONS
from xstilts.scoring.measure import measure, right
from xstilts.scoring.mining import score_pairs
from xstilts.scoring.ranking import score_ranking
from xstilts.scoring.spec import RIGHT, TAKEN, Score


def score(
    config: Score, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """The metrics with their floors and the number of examples.

    Writes ``right.npy``, 1 or 0 an example (a gold pair, a query) in the slice's order, for won
    and lost examples; and, of mined pairs, those that pass the threshold.
    """
    if config.kind in ("mining", "ranking"):
        if config.kind == "mining":
            record, found, taken = score_pairs(config.threshold, inputs)
            pq.write_table(taken, folder / TAKEN)
        else:
            record, found = score_ranking(inputs)
        np.save(folder / RIGHT, np.array(found, np.int8), allow_pickle=False)
        return record
    examples = read_examples(inputs["examples"].folder, config.kind)
    table = pq.read_table(inputs["predictions"].folder / PREDICTIONS, columns=["id", "prediction"])
    columns = table.to_pydict()
    assert columns["id"] == [e.id for e in examples], "predictions are not in the slice's order"
    scores, floors = measure(config, examples, columns["prediction"])
    items = right(config, examples, columns["prediction"])
    np.save(folder / RIGHT, np.array(items, np.int8), allow_pickle=False)
    protocol = inputs["predictions"].value.get("protocol", "")
    return {"n": len(examples), "scores": scores, "floors": floors, "protocol": protocol}
