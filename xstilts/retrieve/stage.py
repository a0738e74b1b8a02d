"""Stage `retrieve`: nearest neighbours of every English sentence among its translations' file.

Protocol of XTREME's and jiant's Tatoeba code: sentence vectors are L2-normalised, the English
sentences ask, the other language's sentences are searched (XTREME
third_party/evaluate_retrieval.py; jiant tasks/lib/tatoeba.py).
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from transformers import PreTrainedModel

from xstilts.core.context import Context, Result
from xstilts.data.batches import TokenArrays
from xstilts.data.read import read_examples
from xstilts.models.device import use
from xstilts.models.task_model import load_encoder
from xstilts.prediction.forward import Floats, embed
from xstilts.prediction.spec import PREDICTIONS
from xstilts.retrieve.spec import NEIGHBOURS, Retrieve, block_of, protocol


@lru_cache(maxsize=1)
def _kept(folder: Path, digest: str, device: torch.device) -> PreTrainedModel:
    """The last encoder that was used; ``digest``, as a folder may get other weights meanwhile."""
    return load_encoder(folder).to(device)


def retrieve(
    config: Retrieve, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write each query's nearest sentences, best first, with their cosines.

    ``prediction`` is the 0-based index of the nearest one; query i's translation is sentence i.
    """
    device = use(context.runtime)
    if "model" in inputs:
        encoder = _kept(inputs["model"].folder, inputs["model"].key, device)
    else:
        encoder = _kept(context.sources[str(config.encoder)], str(config.encoder), device)
    layers = int(encoder.config.num_hidden_layers)
    sides: list[Floats] = []
    for side in ("english-", "text-"):
        arrays = TokenArrays.load(inputs["tokens"].folder, inputs["tokens"].value["pad"], side)
        vectors = embed(
            encoder,
            arrays,
            layer=block_of(config.layer, layers),
            micro_tokens=context.runtime.micro_tokens * 4,
            precision=config.precision,
            device=device,
        )
        sides.append(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    indices, scores = nearest(sides[0], sides[1], NEIGHBOURS)
    examples = read_examples(inputs["examples"].folder, "retrieval")
    columns = {
        "id": [e.id for e in examples],
        "group": [e.group for e in examples],
        "prediction": indices[:, 0].tolist(),
        "neighbours": indices.tolist(),
        "scores": scores.tolist(),
    }
    pq.write_table(pa.table(columns), folder / PREDICTIONS)
    return {"n": len(examples), "protocol": protocol(config, layers)}


def nearest(queries: Floats, corpus: Floats, k: int) -> tuple[np.ndarray, Floats]:
    """The ``k`` nearest rows of ``corpus`` to every query by inner product, best first.

    Args:
        queries: ``(queries, dim)``.
        corpus: ``(corpus, dim)``.
        k: at most the size of the corpus is returned. Of equal products the lower index is first.

    Returns:
        indices and products, both ``(queries, k)``.
    """
    products = queries @ corpus.T
    order = np.argsort(-products, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(products, order, axis=1)
