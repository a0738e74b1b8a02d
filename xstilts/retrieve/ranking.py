"""Stages `vectors` and `rank`: queries of a language among the candidates of all languages.

LAReQA as XTREME-R asks it: candidates are ranked by the inner product of vectors of length 1, the
best 20 are kept (XTREME third_party/utils_lareqa.py).
"""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from xstilts.core.context import Context, Result
from xstilts.data.read import read_examples
from xstilts.prediction.spec import PREDICTIONS
from xstilts.retrieve.encoded import embed_sides
from xstilts.retrieve.neighbours import nearest
from xstilts.retrieve.spec import Rank, Vectors, ranking_protocol
from xstilts.tasks.examples import Candidate, Query

_SIDES = ("query", "candidate")


def vectors(
    config: Vectors, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write the vectors of one language's queries and candidates, ``(n, dim)`` each."""
    found, layers = embed_sides(config, inputs, context, [f"{side}-" for side in _SIDES])
    for side, array in zip(_SIDES, found, strict=True):
        np.save(folder / f"{side}.npy", array[0], allow_pickle=False)
    sizes = {side: array.shape[1] for side, array in zip(_SIDES, found, strict=True)}
    return {**sizes, "protocol": ranking_protocol(config, layers)}


def rank(
    config: Rank, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write the best candidates of every query, best first, with their cosines and all gold.

    Inputs are ``vectors.LANGUAGE`` and ``examples.LANGUAGE`` of every language of the pool. Right
    are the candidates that are gold, in any language, of the query with the same id.
    """
    pool: list[str] = []
    places: list[Path] = []
    gold: dict[str, list[str]] = defaultdict(list)
    for language in config.pool:
        for example in read_examples(inputs[f"examples.{language}"].folder, "ranking"):
            if isinstance(example, Candidate):
                pool.append(example.id)
            else:
                gold[example.id] += example.gold
        places.append(inputs[f"vectors.{language}"].folder / "candidate.npy")
    asked = inputs[f"vectors.{config.language}"]
    candidates = np.concatenate([np.load(p, allow_pickle=False) for p in places])
    found = nearest(np.load(asked.folder / "query.npy", allow_pickle=False), candidates, config.k)
    examples = read_examples(inputs[f"examples.{config.language}"].folder, "ranking")
    queries = [e for e in examples if isinstance(e, Query)]
    ranked = [[pool[i] for i in row] for row in found.indices.tolist()]
    columns = {
        "id": [q.id for q in queries],
        "group": [q.group for q in queries],
        "prediction": ranked,
        "scores": found.scores.tolist(),
        "gold": [gold[q.id] for q in queries],
    }
    pq.write_table(pa.table(columns), folder / PREDICTIONS)
    said = f"{asked.value['protocol']}, candidates of {', '.join(config.pool)}"
    return {"n": len(queries), "candidates": len(pool), "protocol": said}
