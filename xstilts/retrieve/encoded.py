"""Vectors of tokenised sentences with the encoder that a stage is given."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import torch
from transformers import PreTrainedModel

from xstilts.core.context import Context, Result
from xstilts.data.batches import TokenArrays
from xstilts.models.device import use
from xstilts.models.task_model import load_encoder
from xstilts.prediction.forward import Floats, embed
from xstilts.retrieve.spec import Mine, Retrieve, Vectors, block_of


@lru_cache(maxsize=1)
def _kept(folder: Path, digest: str, device: torch.device) -> PreTrainedModel:
    """The last encoder that was used; ``digest``, as a folder may get other weights meanwhile."""
    return load_encoder(folder).to(device)


def embed_sides(
    config: Retrieve | Mine | Vectors,
    inputs: Mapping[str, Result],
    context: Context,
    sides: Sequence[str],
    scratch: Path | None = None,
) -> tuple[list[Floats], int]:
    """Vectors of some sides of ``inputs["tokens"]``, from one pass over each.

    Args:
        config: the encoder, the layer and how pieces are pooled.
        inputs: the tokens, and the model if a stage trained one.
        context: where encoders lie, and how to run.
        sides: names of the token arrays.
        scratch: a folder. The vectors of every block are then made, and lie in files there that
            vanish with the arrays, as they may be too large for memory.

    Returns:
        one array a side, ``(blocks, sentences, dim)``: the block of ``config.layer``, or with
        ``scratch`` 0 (the embeddings) and all others; and how many blocks the encoder has.
    """
    device = use(context.runtime)
    if "model" in inputs:
        encoder = _kept(inputs["model"].folder, inputs["model"].key, device)
    else:
        encoder = _kept(context.sources[str(config.encoder)], str(config.encoder), device)
    layers = int(encoder.config.num_hidden_layers)
    blocks = list(range(layers + 1)) if scratch else [block_of(config.layer, layers)]
    found = []
    for side in sides:
        arrays = TokenArrays.load(inputs["tokens"].folder, inputs["tokens"].value["pad"], side)
        shape = len(blocks), 1, arrays.examples, int(encoder.config.hidden_size)
        vectors = embed(
            encoder,
            arrays,
            layers=blocks,
            poolings=[config.pooling],
            micro_tokens=context.runtime.micro_tokens * 4,
            precision=config.precision,
            device=device,
            out=_on_disk(scratch, shape) if scratch else None,
        )
        found.append(vectors[:, 0])
    return found, layers


def _on_disk(folder: Path, shape: tuple[int, ...]) -> Floats:
    """Room in a file without a name."""
    with TemporaryFile(dir=folder) as file:
        return np.memmap(file, np.float32, "w+", shape=shape)
