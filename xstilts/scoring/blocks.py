"""Layer sweeps: what was found at each block, and stage `choose`: which block is taken."""

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import pyarrow.parquet as pq

from xstilts.core.context import Context, Result
from xstilts.prediction.spec import BLOCKS, PREDICTIONS
from xstilts.scoring.spec import Choose

_LOWER_IS_BETTER = ("xsim",)


def found_at(predictions: Result, block: int | None, *columns: str) -> dict[str, list[Any]]:
    """Columns that a stage wrote about a block of its sweep; None: about its fixed block."""
    path = predictions.folder / (PREDICTIONS if block is None else BLOCKS)
    only = None if block is None else [("block", "=", block)]
    return dict(pq.read_table(path, columns=list(columns), filters=only).to_pydict())


def protocol_at(predictions: Result, block: int | None) -> str:
    """What the scores of a block depend on, if anything; None: those of the fixed block."""
    value = predictions.value
    return str(value.get("protocol", "") if block is None else value["blocks"][block])


def choose(
    config: Choose, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """The best block over all languages; ``inputs`` are the scores of every block in each.

    Returns:
        ``block``; ``means``, 0-100, of every block, from 0, the embeddings; ``said``, the words
        that the protocols of scores at this block end with.
    """
    curves = [scores.value["blocks"] for scores in inputs.values()]
    means = [
        round(fmean(scores[config.metric] for scores in block), 9)  # so that ties are ties
        for block in zip(*curves, strict=True)
    ]
    best = min(means) if config.metric in _LOWER_IS_BETTER else max(means)
    by = f"best of blocks 0-{len(means) - 1} on {config.text}" if config.text else "oracle block"
    noun = "language" if len(curves) == 1 else "languages"
    said = f"{by} ({len(curves)} {noun})"
    return {"block": means.index(best), "means": means, "said": said}
