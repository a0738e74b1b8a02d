"""Vectors of a slice's texts, and of what its labels are given to."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from xstilts.core.context import Context, Result
from xstilts.data.batches import IGNORED, Ints, TokenArrays, micro_batches, together
from xstilts.models.device import number_format, use
from xstilts.models.packing import layer_outputs
from xstilts.models.task_model import load_encoder
from xstilts.prediction.forward import embed, inputs_of
from xstilts.tasks.spec import Kind

Floats = NDArray[np.floating]


@lru_cache(maxsize=2)
def _kept(folder: Path, digest: str, device: torch.device) -> PreTrainedModel:
    """The last two encoders; ``digest``, as a folder may get other weights meanwhile."""
    return load_encoder(folder).to(device).eval()


def encoder_of(
    name: str, digest: str | None, inputs: Mapping[str, Result], context: Context
) -> PreTrainedModel:
    """The encoder that ``digest`` names, or that of ``inputs[name]`` where it is None."""
    device = use(context.runtime)
    if digest is None:
        return _kept(inputs[name].folder, inputs[name].key, device)
    return _kept(context.sources[digest], digest, device)


def arrays_of(kind: Kind, tokens: Result) -> TokenArrays:
    """The rows of a slice; those of queries, then of candidates where candidates are ranked."""
    first, *more = (
        TokenArrays.load(tokens.folder, tokens.value["pad"], side)
        for side in (("query-", "candidate-") if kind == "ranking" else ("",))
    )
    return together(first, more[0]) if more else first


def row_vectors(
    encoder: PreTrainedModel, arrays: TokenArrays, layers: list[int], context: Context
) -> Floats:
    """Each row's mean over its pieces, ``(layers, rows, dim)`` in fp32."""
    rows = arrays.taken(np.arange(len(arrays.example)))
    found = embed(
        encoder,
        rows,
        layers=layers,
        micro_tokens=context.runtime.micro_tokens * 4,
        precision="fp32",
        device=encoder.device,
    )
    return found[:, 0]


def labelled(
    kind: Kind, encoder: PreTrainedModel, arrays: TokenArrays, seed: int, context: Context
) -> tuple[Floats, Ints]:
    """Vectors of the top block, and the label of each.

    A pair has the mean over its pieces; a choice as well, labelled right or wrong. A tagged word
    has that of its first piece. Of a question there are the pieces of the answer, and as many
    others of the same context, drawn.

    Returns:
        ``(items, dim)`` and ``(items,)``.
    """
    top = int(encoder.config.num_hidden_layers)
    if kind in ("pair", "choice"):
        [vectors] = row_vectors(encoder, arrays, [top], context)
        return vectors, row_labels(kind, arrays)
    places = tagged(arrays) if kind == "tagging" else answers(arrays, np.random.default_rng(seed))
    vectors = piece_vectors(encoder, arrays, np.array(list(places)), context)
    return vectors, np.array(list(places.values()))


def row_labels(kind: Kind, arrays: TokenArrays) -> Ints:
    """Of pairs their label; of the rows of a choice 1 for the right one, else 0."""
    label: Ints = arrays.extra["label"]
    if kind == "pair":
        return np.asarray(label)
    first = np.searchsorted(arrays.example, np.arange(arrays.examples))
    right = np.zeros(len(arrays.example), np.int64)
    right[first + label] = 1
    return right


def tagged(arrays: TokenArrays) -> dict[int, int]:
    """Place among all pieces -> tag, of the first piece of every labelled word."""
    tags = np.asarray(arrays.extra["tag"])
    return {int(i): int(tags[i]) for i in np.flatnonzero(tags != IGNORED)}


def answers(arrays: TokenArrays, rng: np.random.Generator) -> dict[int, int]:
    """Place among all pieces -> 1 for those of an answer, 0 for as many others of its context."""
    found: dict[int, int] = {}
    both = zip(arrays.extra["first"], arrays.extra["last"], strict=True)
    for row, (first, last) in enumerate(both):
        if last == 0:  # the answer is not in this window
            continue
        start, end = int(arrays.starts[row]), int(arrays.starts[row + 1])
        context = start + np.flatnonzero(np.asarray(arrays.extra["begin"][start:end]) >= 0)
        inside = np.arange(start + first, start + last + 1)
        others = np.setdiff1d(context, inside)
        some = rng.permutation(others)[: len(inside)]
        found |= dict.fromkeys(inside.tolist(), 1) | dict.fromkeys(some.tolist(), 0)
    return found


@torch.inference_mode()
def piece_vectors(
    encoder: PreTrainedModel, arrays: TokenArrays, places: Ints, context: Context
) -> Floats:
    """The top block's output at some pieces, ``(places, dim)`` in fp32."""
    top = int(encoder.config.num_hidden_layers)
    states = layer_outputs(encoder.eval(), [top])
    out = np.empty((len(places), int(encoder.config.hidden_size)), np.float32)
    row_of = np.searchsorted(arrays.starts, places, side="right") - 1
    budget = context.runtime.micro_tokens * 4
    every = arrays.taken(np.arange(len(arrays.example)))
    for rows in micro_batches(every, np.unique(row_of), budget):
        inputs = inputs_of(every, rows, encoder.device)
        with number_format("fp32", encoder.device):
            [(_, hidden)] = states(inputs["ids"], inputs["mask"], inputs.get("types"))
        for i, row in enumerate(rows):
            mine = np.flatnonzero(row_of == row)
            columns = torch.from_numpy(places[mine] - arrays.starts[row]).to(hidden.device)
            out[mine] = hidden[i, columns].cpu().numpy()
    return out
