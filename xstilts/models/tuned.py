"""Stage `tuned`: a model that was fine-tuned elsewhere, with the head it was trained with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xstilts.core.context import Context, Result
from xstilts.models.ready import UNKNOWN
from xstilts.models.task_model import load_tuned, outputs_of
from xstilts.models.tuned_files import Tuned


def tuned(
    config: Tuned, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write the model in fp32 as a stage leaves its own.

    Returns:
        its lineage, of which nothing is known but the digest of its files, and its weights' number.
    """
    outputs = outputs_of(config.kind, len(config.labels))
    model = load_tuned(context.sources[config.encoder], config.kind, outputs)
    model.save(folder)
    link = {"task": UNKNOWN, "checkpoint": config.encoder}
    return {"lineage": [link], "parameters": sum(w.numel() for w in model.parameters())}
