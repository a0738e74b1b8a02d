"""Stage `checkpoint`: the encoder of any model that was trained elsewhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xstilts.core.context import Context, Result
from xstilts.models.files import Ready
from xstilts.models.task_model import load_encoder

UNKNOWN = "unknown"


def checkpoint(
    config: Ready, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write the bare encoder in fp32, without the head that it was trained with.

    Returns:
        its lineage, of which nothing is known but the digest of its files, and its weights' number.
    """
    encoder = load_encoder(context.sources[config.encoder])
    encoder.save_pretrained(folder)
    parameters = sum(weight.numel() for weight in encoder.parameters())
    link = {"task": UNKNOWN, "checkpoint": config.encoder}
    return {"lineage": [link], "parameters": parameters}
