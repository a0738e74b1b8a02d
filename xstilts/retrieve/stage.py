"""Stages `retrieve` (Tatoeba) and `mine` (BUCC): sentences -> neighbours or candidate pairs.

Tatoeba as in XTREME's and jiant's code: the English sentences ask, the other language's sentences
are searched by cosine (XTREME third_party/evaluate_retrieval.py; jiant tasks/lib/tatoeba.py). BUCC
as in XTREME's third_party/utils_retrieve.py.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from xstilts.core.context import Context, Result
from xstilts.data.read import read_examples
from xstilts.prediction.spec import BLOCKS, PREDICTIONS
from xstilts.retrieve.encoded import embed_sides
from xstilts.retrieve.margin import mine
from xstilts.retrieve.neighbours import Ints, nearest
from xstilts.retrieve.spec import (
    NEIGHBOURS,
    Mine,
    Retrieve,
    block_of,
    mining_protocol,
    protocol,
)
from xstilts.tasks.examples import Sentence


def retrieve(
    config: Retrieve, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write each query's nearest sentences, best first, with their cosines.

    ``prediction`` is the 0-based index of the nearest one; query i's translation is sentence i.
    """
    scratch = folder if config.sweep else None
    sides = ("english-", "text-")
    (english, text), layers = embed_sides(config, inputs, context, sides, scratch)
    examples = read_examples(inputs["examples"].folder, "retrieval")

    def neighbours(place: int) -> pa.Table:
        found = nearest(english[place], text[place], NEIGHBOURS)
        columns = {
            "id": [e.id for e in examples],
            "group": [e.group for e in examples],
            "prediction": found.indices[:, 0].tolist(),
            "neighbours": found.indices.tolist(),
            "scores": found.scores.tolist(),
        }
        return pa.table(columns)

    return _written(folder, config, layers, neighbours, partial(protocol, config, layers=layers))


def mine_sentences(
    config: Mine, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write the candidate pairs, best first: ``score``, ``source`` and ``target`` id.

    A text that stands several times on a side takes part once, and is no candidate then, as
    nothing tells which of its ids is meant (`text_load_unify` and `read_sent2id` in XTREME).
    """
    scratch = folder if config.sweep else None
    vectors, layers = embed_sides(config, inputs, context, ("source-", "target-"), scratch)
    examples: Sequence[Sentence] = read_examples(inputs["examples"].folder, "mining")
    ours, theirs = ([e for e in examples if e.side == side] for side in ("source", "target"))
    first, second = (_distinct(side) for side in (ours, theirs))
    alone, also_alone = (_stand_once(side) for side in (ours, theirs))

    def pairs(place: int) -> pa.Table:
        sides = vectors[0][place][first], vectors[1][place][second]
        mined = mine(*sides, config.k, config.margin, config.strategy)
        source, target = first[mined.source], second[mined.target]
        once = alone[source] & also_alone[target]
        columns = {
            "score": mined.scores[once],
            "source": pa.array([ours[i].id for i in source[once]], pa.string()),
            "target": pa.array([theirs[i].id for i in target[once]], pa.string()),
        }
        return pa.table(columns)

    return _written(folder, config, layers, pairs, partial(mining_protocol, config, layers=layers))


def _written(
    folder: Path,
    config: Retrieve | Mine,
    layers: int,
    found_at: Callable[[int], pa.Table],
    said_of: Callable[[int], str],
) -> dict[str, Any]:
    """Write what was found at the block of ``config.layer``, and for a sweep at every block.

    Args:
        folder: where to.
        config: the layer, and whether it is a sweep.
        layers: blocks of the encoder.
        found_at: what was found with the vectors at a place of the arrays.
        said_of: the protocol of a block.

    Returns:
        the record; of a sweep with the fixed ``block`` and the protocols of all ``blocks``.
    """
    fixed = block_of(config.layer, layers)
    if not config.sweep:
        table = found_at(0)
        pq.write_table(table, folder / PREDICTIONS)
        return {"n": table.num_rows, "protocol": said_of(fixed)}
    blocks = range(layers + 1)
    tables = [found_at(block) for block in blocks]
    pq.write_table(tables[fixed], folder / PREDICTIONS)
    numbers = [pa.array([block] * len(tables[block]), pa.int16()) for block in blocks]
    every = [t.append_column("block", n) for t, n in zip(tables, numbers, strict=True)]
    pq.write_table(pa.concat_tables(every), folder / BLOCKS)
    value = {"n": tables[fixed].num_rows, "protocol": said_of(fixed)}
    return value | {"block": fixed, "blocks": [said_of(block) for block in blocks]}


def _distinct(sentences: Sequence[Sentence]) -> Ints:
    """Places of the first sentence of every text."""
    places: dict[str, int] = {}
    for place, sentence in enumerate(sentences):
        places.setdefault(sentence.text.strip(), place)
    return np.fromiter(places.values(), np.int64)


def _stand_once(sentences: Sequence[Sentence]) -> np.ndarray:
    """For every sentence, whether no other on its side has its text, ``(sentences,)``."""
    times = Counter(s.text.strip() for s in sentences)
    return np.array([times[s.text.strip()] == 1 for s in sentences])
