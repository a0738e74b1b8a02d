"""Vectors of tokenised sentences with the encoder that a stage is given."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

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
) -> tuple[list[Floats], int]:
    """Vectors ``(sentences, dim)`` of some sides of ``inputs["tokens"]``.

    Returns:
        one array a side, and how many blocks the encoder has.
    """
    device = use(context.runtime)
    if "model" in inputs:
        encoder = _kept(inputs["model"].folder, inputs["model"].key, device)
    else:
        encoder = _kept(context.sources[str(config.encoder)], str(config.encoder), device)
    layers = int(encoder.config.num_hidden_layers)
    found = []
    for side in sides:
        arrays = TokenArrays.load(inputs["tokens"].folder, inputs["tokens"].value["pad"], side)
        vectors = embed(
            encoder,
            arrays,
            layers=[block_of(config.layer, layers)],
            poolings=[config.pooling],
            micro_tokens=context.runtime.micro_tokens * 4,
            precision=config.precision,
            device=device,
        )
        found.append(vectors[0, 0])
    return found, layers
