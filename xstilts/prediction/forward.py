"""Forward passes over the rows of a slice, shortest first, within a budget of padded pieces."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from xstilts.data.batches import Ints, TokenArrays, micro_batches
from xstilts.models.device import Precision, number_format
from xstilts.models.memory import freed, halved
from xstilts.models.packing import layer_outputs
from xstilts.models.task_model import TaskModel
from xstilts.prediction.spec import Pooling

Floats = NDArray[np.floating]
T = TypeVar("T")


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

    def computed(examples: Ints) -> tuple[Ints, Floats]:
        rows = arrays.rows_of(examples)
        inputs = shaped_for(model, inputs_of(arrays, rows, device), len(examples))
        with number_format(precision, device):
            out = model(**inputs)
        return rows, out.float().cpu().numpy()

    for examples, (rows, found) in _within_memory(arrays, micro_tokens, device, computed):
        yield examples, rows, found


def _within_memory(
    arrays: TokenArrays, micro_tokens: int, device: torch.device, compute: Callable[[Ints], T]
) -> Iterator[tuple[Ints, T]]:
    """Micro-batches of all examples with what is computed of each; smaller where memory ends."""
    waiting = deque(micro_batches(arrays, np.arange(arrays.examples), micro_tokens))
    while waiting:
        examples = waiting[0]
        try:
            found = compute(examples)
        except RuntimeError as error:
            micro_tokens = halved(micro_tokens, error, device)
        else:
            yield waiting.popleft(), found
            continue
        freed(device)
        waiting = deque(micro_batches(arrays, np.concatenate(waiting), micro_tokens))


@torch.inference_mode()
def embed(
    encoder: PreTrainedModel,
    arrays: TokenArrays,
    *,
    layers: Sequence[int],
    poolings: Sequence[Pooling] = ("mean",),
    micro_tokens: int,
    precision: Precision,
    device: torch.device,
    out: Floats | None = None,
) -> Floats:
    """Vectors of rows at some layers, all from one pass.

    Args:
        encoder: any encoder of the library.
        arrays: one row an example.
        layers: 0 is the embeddings, i the output of block i; nothing above the highest is run.
        poolings: ``mean`` over every attended piece, special ones counted, as in jiant's and
            XTREME's retrieval code; or the ``first`` piece.
        micro_tokens: padded pieces of one forward pass.
        precision: of the products inside the encoder.
        device: where it runs.
        out: where to write, such as a memory-mapped file; new memory if None.

    Returns:
        ``(layers, poolings, examples, dim)`` in fp32.
    """
    states = layer_outputs(encoder.eval(), layers)
    if out is None:
        shape = len(layers), len(poolings), arrays.examples, int(encoder.config.hidden_size)
        out = np.empty(shape, np.float32)

    def write(examples: Ints) -> None:
        inputs = inputs_of(arrays, arrays.rows_of(examples), device)
        with number_format(precision, device):
            found = states(inputs["ids"], inputs["mask"], inputs.get("types"))
            for layer, hidden in found:
                for i, pooling in enumerate(poolings):
                    vectors = _pooled(hidden, inputs["mask"], pooling)
                    out[layers.index(layer), i, examples] = vectors.cpu().numpy()

    for _ in _within_memory(arrays, micro_tokens, device, write):
        pass
    return out


def _pooled(hidden: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    """``(rows, dim)`` from ``(rows, length, dim)``, in fp32."""
    if pooling == "first":
        return hidden[:, 0]
    share = mask / mask.sum(1, keepdim=True)
    with torch.autocast(hidden.device.type, enabled=False):
        return torch.bmm(share[:, None], hidden)[:, 0]
