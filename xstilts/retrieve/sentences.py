"""Sentences -> vectors of any layers, streamed to memory or to a file."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np

from xstilts.core.errors import DataError, EncoderError, UnknownNameError
from xstilts.core.spec import Runtime
from xstilts.data.readers.source import FETCH_AGAIN, lines
from xstilts.data.tokens import encode_texts, load_tokenizer
from xstilts.models.device import use
from xstilts.models.files import EncoderFiles
from xstilts.models.task_model import load_encoder
from xstilts.prediction.forward import embed
from xstilts.prediction.spec import Pooling
from xstilts.retrieve.coarse import Floats
from xstilts.retrieve.spec import block_of
from xstilts.retrieve.vectors import replaced

LONGEST = 512  # pieces of a sentence, if the encoder reads that many
_MICRO_TOKENS = 2**14


@dataclass(frozen=True)
class Embedded:
    """Vectors of sentences.

    Attributes:
        vectors: ``(sentences, dim)`` in fp32; ``(layers, sentences, dim)`` for all layers,
            ``(poolings, sentences, dim)`` for several poolings, ``(layers, poolings, sentences,
            dim)`` for both. Layer 0 is the embeddings; poolings are in the order of asking.
        shortened: sentences that were too long and lost their end.
        longest: pieces that the encoder was given at most.
    """

    vectors: Floats
    shortened: int
    longest: int


def sentences_of(text: Path | Sequence[str]) -> Sequence[str]:
    """Of a file one sentence a line; an empty line is an empty sentence.

    Raises:
        DataError: for a file that cannot be opened or is not UTF-8, and where there is no sentence.
    """
    texts = _lines_of(text) if isinstance(text, Path) else text
    if not texts:
        raise DataError(
            "There is no sentence",
            where=str(text) if isinstance(text, Path) else "text",
            expected="one sentence a line",
            do="give another file",
        )
    return texts


def _lines_of(path: Path) -> list[str]:
    try:
        return [line for _, line in lines(path)]
    except DataError as error:
        do = error.do if error.do != FETCH_AGAIN else "save the file as UTF-8"
        raise DataError(error.what, where=error.where, expected=error.expected, do=do) from None


def embed_sentences(
    encoder: EncoderFiles,
    texts: Sequence[str],
    out: Path | None,
    *,
    layer: int | float | None,
    pooling: str,
) -> Embedded:
    """Vectors of ``texts``, in fp32 throughout; see :func:`xstilts.api.embed`."""
    layers, poolings = _layers(encoder, layer), _poolings(pooling)
    longest = min(encoder.positions or LONGEST, LONGEST)
    device = use(Runtime(threads=os.cpu_count() or 1))
    tokenizer, model = _loaded(encoder.folder)
    arrays, shortened = encode_texts(tokenizer, texts, longest)
    model.to(device)
    dim = int(model.config.hidden_size)

    def fill(room: Floats) -> None:
        embed(
            model,
            arrays,
            layers=layers,
            poolings=poolings,
            micro_tokens=_MICRO_TOKENS,
            precision="fp32",
            device=device,
            out=room.reshape(len(layers), len(poolings), len(texts), dim),
        )

    every = [len(layers)] if layer is None else []
    several = [len(poolings)] if len(poolings) > 1 else []
    shape = (*every, *several, len(texts), dim)
    if out is None:
        vectors = np.empty(shape, np.float32)
        fill(vectors)
        return Embedded(vectors, shortened, longest)
    with replaced(out) as scratch:
        mapped = np.lib.format.open_memmap(scratch, "w+", np.float32, shape)
        fill(mapped)
        mapped.flush()
    return Embedded(np.load(out, mmap_mode="r", allow_pickle=False), shortened, longest)


def _loaded(folder: Path) -> tuple[Any, Any]:
    """The tokenizer and the encoder of a folder."""
    try:
        return load_tokenizer(folder), load_encoder(folder)
    except Exception as error:  # of three libraries, that have no common one for damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise EncoderError(
            f"The encoder cannot be loaded: {reason}",
            where=str(folder),
            expected="whole files that AutoTokenizer and AutoModel load",
            do="fetch or make the encoder again",
        ) from error


def _poolings(names: str) -> list[Pooling]:
    """The poolings of ``mean``, ``mean,first`` or ``all``."""
    known = get_args(Pooling)
    asked = known if names == "all" else tuple(name.strip() for name in names.split(","))
    for name in asked:
        if name not in known or asked.count(name) > 1:
            raise UnknownNameError(
                "pooling",
                name if asked.count(name) == 1 else names,
                (*known, ",".join(known), "all"),
                where="--pooling",
                do="correct --pooling",
            )
    return [cast(Pooling, name) for name in asked]


def _layers(encoder: EncoderFiles, layer: int | float | None) -> list[int]:
    if layer is None:
        return list(range(encoder.layers + 1))
    there = 0 <= layer <= encoder.layers  # not so for NaN
    if not there or (layer >= 1 and layer != int(layer)):
        raise EncoderError(
            f"The encoder has no layer {layer}",
            where="--layer",
            expected=f"0 (embeddings) to {encoder.layers}, a share of depth such as 0.58, or all",
            do="--layer 0.58",
        )
    return [block_of(layer, encoder.layers)]
