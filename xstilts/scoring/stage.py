"""Stage `score`: predictions and gold of one language -> numbers in the record."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from xstilts.core.context import Context, Result
from xstilts.data.read import read_examples
from xstilts.scoring.blocks import found_at, protocol_at
from xstilts.scoring.counts import item_counts, write_counts
from xstilts.scoring.measure import measure, right
from xstilts.scoring.mining import score_pairs
from xstilts.scoring.outcome import Outcome
from xstilts.scoring.ranking import score_ranking
from xstilts.scoring.spec import RIGHT, TAKEN, Score


def score(
    config: Score, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """The metrics with their floors and the number of examples.

    Of a sweep they are those of the fixed block, or of the one that ``inputs["choice"]`` names;
    the former's record also has the scores of every block, ``blocks``.

    Writes ``right.npy``, 1 or 0 an example (a gold pair, a query) in the slice's order, for won
    and lost examples; ``counts.npy``, what every score is the ratio of, by item group
    (:mod:`xstilts.scoring.counts`); and, of mined pairs, those that pass the threshold.
    """
    predictions = inputs["predictions"].value
    choice = inputs["choice"].value if "choice" in inputs else None
    found = _scored(config, inputs, choice["block"] if choice else None)
    record = found.record
    if choice:
        record |= {"block": choice["block"], "protocol": f"{record['protocol']}, {choice['said']}"}
    elif "blocks" in predictions:
        every = [_scored(config, inputs, block) for block in range(len(predictions["blocks"]))]
        record |= {"block": predictions["block"], "blocks": [at.record["scores"] for at in every]}
    np.save(folder / RIGHT, np.array(found.right, np.int8), allow_pickle=False)
    write_counts(folder, found.counts)
    if found.taken is not None:
        pq.write_table(found.taken, folder / TAKEN)
    return record


def _scored(config: Score, inputs: Mapping[str, Result], block: int | None) -> Outcome:
    """At a block of a sweep, or at the only one."""
    if config.kind == "mining":
        return score_pairs(config.threshold, inputs, block)
    if config.kind == "ranking":
        return score_ranking(inputs)
    examples = read_examples(inputs["examples"].folder, config.kind)
    columns = found_at(inputs["predictions"], block, "id", "prediction")
    assert columns["id"] == [e.id for e in examples], "predictions are not in the slice's order"
    said = columns["prediction"]
    scores, floors = measure(config, examples, said)
    record = {"n": len(examples), "scores": scores, "floors": floors}
    record["protocol"] = protocol_at(inputs["predictions"], block)
    counts = item_counts(config, examples, said)
    return Outcome(record, right(config, examples, said), counts)
