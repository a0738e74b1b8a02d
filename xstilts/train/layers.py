"""Stages `carry`, `reinit` and `merge`: an encoder put together from others, without training.

Layers are copied bit for bit. What is no block (embeddings, a final norm, relative positions that
all blocks share) stays that of the encoder the rest comes from.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedModel

from xstilts.core.context import Context, Result
from xstilts.core.seeds import derive
from xstilts.models.freezing import blocks_of, embeddings_of
from xstilts.models.task_model import load_encoder
from xstilts.train.layers_spec import MERGED, Carried, Merged, Reinit


def carry(
    config: Carried, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write the original encoder with some layers of ``inputs["start"]``.

    The original is ``inputs["origin"]``, unless ``config.encoder`` names it.

    Returns:
        which layers were carried, and the lineage.
    """
    origin = inputs["origin"].folder if "origin" in inputs else context.sources[str(config.encoder)]
    encoder, trained = load_encoder(origin), load_encoder(inputs["start"].folder)
    chosen = config.carry.chosen(len(blocks_of(encoder)))
    for block in chosen:
        _copy(blocks_of(trained)[block - 1], blocks_of(encoder)[block - 1])
    if config.carry.embeddings:
        _copy(embeddings_of(trained), embeddings_of(encoder))
    encoder.save_pretrained(folder)
    done = {"carried": list(chosen), **config.carry.model_dump()}
    return {**done, "lineage": [*inputs["start"].value["lineage"], done]}


def reinit(
    config: Reinit, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write the encoder with its top blocks as the library draws those of a new one.

    Returns:
        which blocks were drawn, the seed of the draw, and the lineage.
    """
    start = inputs["start"].folder if "start" in inputs else context.sources[str(config.encoder)]
    encoder = load_encoder(start)
    seed = derive(config.seed, "reinit")
    torch.manual_seed(seed)
    new: PreTrainedModel = AutoModel.from_config(encoder.config, dtype=torch.float32)
    depth = len(blocks_of(encoder))
    drawn = list(range(depth - config.blocks + 1, depth + 1))
    for block in drawn:
        _copy(blocks_of(new)[block - 1], blocks_of(encoder)[block - 1])
    encoder.save_pretrained(folder)
    lineage = inputs["start"].value["lineage"] if "start" in inputs else []
    done = {"reinitialised": drawn, "seed": config.seed, "drawn_with": seed}
    return {**done, "lineage": [*lineage, done]}


def merge(
    config: Merged, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write the encoder with the weighted sum of what trainings changed in it.

    That is ``encoder + sum_i weight_i * (trained_i - encoder)`` (Ilharco et al. 2023, arXiv
    2212.04089), worked out in fp64 as ``(1 - sum_i weight_i) * encoder + sum_i weight_i *
    trained_i`` and rounded once. So one training with weight 1 is that training's encoder, and what
    no training changed stays as it was, both to the last bit. Poolers count as heads: the sum has
    none.

    The encoder is ``inputs["origin"]``, unless ``config.encoder`` names it.

    Returns:
        the weights, each with its training's lineage.
    """
    origin = inputs["origin"].folder if "origin" in inputs else context.sources[str(config.encoder)]
    trained = [inputs[f"{MERGED}{i}"] for i in range(1, len(config.weights) + 1)]
    shares = [1 - math.fsum(config.weights), *config.weights]
    encoder, total = _bare(origin), dict[str, Tensor]()
    for share, place in zip(shares, [origin, *(one.folder for one in trained)], strict=True):
        for name, x in _bare(place).state_dict().items() if share else ():
            if x.is_floating_point():
                part = share * x.double()
                total[name] = total[name] + part if name in total else part
    _, unknown = encoder.load_state_dict(total, strict=False)
    assert not unknown, f"encoders of several architectures: {unknown}"
    encoder.save_pretrained(folder)
    parts = [
        {"weight": weight, "lineage": one.value["lineage"]}
        for weight, one in zip(config.weights, trained, strict=True)
    ]
    return {"merged": parts, "lineage": [{"merged": parts}]}


def _bare(folder: Path) -> PreTrainedModel:
    """The encoder without its pooler."""
    encoder = load_encoder(folder)
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None
    return encoder


def _copy(source: nn.Module, into: nn.Module) -> None:
    into.load_state_dict(source.state_dict())
