"""Forward passes over the rows of a slice, shortest first, within a budget of padded pieces."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from xstilts.data.batches import Ints, TokenArrays, micro_batches
from xstilts.models.device import Precision, number_format
from xstilts.models.packing import layer_output
from xstilts.models.task_model import TaskModel

Floats = NDArray[np.floating]


def inputs_of(arrays: TokenArrays, rows: Ints, device: torch.device) -> dict[str, Tensor]:
    """Padded pieces, mask and types of some rows, each ``(rows, longest)``."""
    ids = torch.from_numpy(arrays.padded(rows))
    lengths = torch.from_numpy(np.asarray(arrays.lengths[rows]))
    inputs = {"ids": ids, "mask": (torch.arange(ids.shape[1]) < lengths[:, None]).long()}
    if arrays.types is not None:
        inputs["types"] = torch.from_numpy(arrays.padded(rows, "types", 0))
    return {name: tensor.to(device, non_blocking=True) for name, tensor in inputs.items()}


def shaped_for(model: TaskModel, inputs: dict[str, Tensor], examples: int) -> dict[str, Tensor]:
    """The same rows as the model's kind wants them: choices get a dimension of their own."""
    if model.kind != "choice":
        return inputs
    return {k: v.view(examples, -1, v.shape[-1]) for k, v in inputs.items()}


@torch.inference_mode()
def logits(
    model: TaskModel,
    arrays: TokenArrays,
    *,
    micro_tokens: int,
    precision: Precision,
    device: torch.device,
) -> Iterator[tuple[Ints, Ints, Floats]]:
    """Logits of every example of a slice.

    Yields:
        ``(examples, rows, logits)``: indices of some examples, of their rows, and the model's
        logits in fp32 (see :meth:`TaskModel.forward` for shapes).
    """
    model.eval()
    for examples in micro_batches(arrays, np.arange(arrays.examples), micro_tokens):
        rows = arrays.rows_of(examples)
        inputs = shaped_for(model, inputs_of(arrays, rows, device), len(examples))
        with number_format(precision, device):
            out = model(**inputs)
        yield examples, rows, out.float().cpu().numpy()


@torch.inference_mode()
def embed(
    encoder: PreTrainedModel,
    arrays: TokenArrays,
    *,
    layer: int,
    micro_tokens: int,
    precision: Precision,
    device: torch.device,
) -> Floats:
    """Mean over every attended piece of a layer's output, ``(examples, dim)`` in fp32.

    Layer 0 is the embeddings, layer i the output of block i. Special pieces are counted, as in
    jiant's and XTREME's retrieval code.
    """
    states = layer_output(encoder.eval(), layer)
    out = np.zeros((arrays.examples, encoder.config.hidden_size), np.float32)
    for examples in micro_batches(arrays, np.arange(arrays.examples), micro_tokens):
        inputs = inputs_of(arrays, arrays.rows_of(examples), device)
        with number_format(precision, device):
            hidden = states(**inputs)
        mask = inputs["mask"][..., None].float()
        out[examples] = ((hidden * mask).sum(1) / mask.sum(1)).cpu().numpy()
    return out
