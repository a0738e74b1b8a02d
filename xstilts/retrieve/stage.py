"""Stages `retrieve` (Tatoeba) and `mine` (BUCC): sentences -> neighbours or candidate pairs.

Tatoeba as in XTREME's and jiant's code: the English sentences ask, the other language's sentences
are searched by cosine (XTREME third_party/evaluate_retrieval.py; jiant tasks/lib/tatoeba.py). BUCC
as in XTREME's third_party/utils_retrieve.py.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from xstilts.core.context import Context, Result
from xstilts.data.read import read_examples
from xstilts.prediction.spec import PREDICTIONS
from xstilts.retrieve.encoded import embed_sides
from xstilts.retrieve.margin import mine
from xstilts.retrieve.neighbours import Ints, nearest
from xstilts.retrieve.spec import NEIGHBOURS, Mine, Retrieve, mining_protocol, protocol
from xstilts.tasks.examples import Sentence


def retrieve(
    config: Retrieve, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write each query's nearest sentences, best first, with their cosines.

    ``prediction`` is the 0-based index of the nearest one; query i's translation is sentence i.
    """
    (english, text), layers = embed_sides(config, inputs, context, ("english-", "text-"))
    found = nearest(english, text, NEIGHBOURS)
    examples = read_examples(inputs["examples"].folder, "retrieval")
    columns = {
        "id": [e.id for e in examples],
        "group": [e.group for e in examples],
        "prediction": found.indices[:, 0].tolist(),
        "neighbours": found.indices.tolist(),
        "scores": found.scores.tolist(),
    }
    pq.write_table(pa.table(columns), folder / PREDICTIONS)
    return {"n": len(examples), "protocol": protocol(config, layers)}


def mine_sentences(
    config: Mine, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write the candidate pairs, best first: ``score``, ``source`` and ``target`` id.

    A text that stands several times on a side takes part once, and is no candidate then, as
    nothing tells which of its ids is meant (`text_load_unify` and `read_sent2id` in XTREME).
    """
    vectors, layers = embed_sides(config, inputs, context, ("source-", "target-"))
    examples: Sequence[Sentence] = read_examples(inputs["examples"].folder, "mining")
    ours, theirs = ([e for e in examples if e.side == side] for side in ("source", "target"))
    first, second = (_distinct(side) for side in (ours, theirs))
    mined = mine(vectors[0][first], vectors[1][second], config.k, config.margin, config.strategy)
    source, target = first[mined.source], second[mined.target]
    once = _stand_once(ours)[source] & _stand_once(theirs)[target]
    columns = {
        "score": mined.scores[once],
        "source": [ours[i].id for i in source[once]],
        "target": [theirs[i].id for i in target[once]],
    }
    pq.write_table(pa.table(columns), folder / PREDICTIONS)
    return {"n": len(columns["source"]), "protocol": mining_protocol(config, layers)}


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
