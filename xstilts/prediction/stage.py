"""Stage `predict`: one finished model on one language.

Prediction steps are one a language, so a new language costs one new step. An executor runs all
steps of one model one after the other in one process, which keeps the last model it loaded.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from xstilts.core.context import Context, Result
from xstilts.data.batches import TokenArrays
from xstilts.data.read import read_examples
from xstilts.data.tokens import labels_of
from xstilts.models.device import use
from xstilts.models.task_model import TaskModel, load_trained
from xstilts.prediction.decode import answered, decode
from xstilts.prediction.forward import logits
from xstilts.prediction.spec import PREDICTIONS, Predict


@lru_cache(maxsize=1)
def _kept(folder: Path, device: torch.device) -> TaskModel:
    model = load_trained(folder).to(device).eval()
    model.without_padding()
    return model


def predict(
    config: Predict, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write ``predictions.parquet`` for ``inputs["model"]`` on ``inputs["tokens"]``."""
    device = use(context.runtime)
    arrays = TokenArrays.load(inputs["tokens"].folder, inputs["tokens"].value["pad"])
    examples = read_examples(inputs["examples"].folder, config.kind)
    parts = logits(
        _kept(inputs["model"].folder, device),
        arrays,
        micro_tokens=context.runtime.micro_tokens * 4,  # no gradients to keep
        precision=config.precision,
        device=device,
    )
    labels = labels_of(config.labels, inputs["tokens"])
    columns = decode(config.kind, examples, arrays, parts, labels)
    value: dict[str, Any] = {"n": len(examples)}
    if config.no_answer:
        threshold, origin = _threshold(inputs["model"])
        columns = answered(columns, threshold)
        value |= {"no_answer_threshold": threshold, "protocol": f"no-answer threshold {origin}"}
    pq.write_table(pa.table(columns), folder / PREDICTIONS)
    return value


def _threshold(model: Result) -> tuple[float, str]:
    """Above which margin a question is left unanswered, and where that comes from."""
    if "no_answer_threshold" in model.value:
        return float(model.value["no_answer_threshold"]), "chosen on held-out examples"
    return 0.0, "0 (the training had only answered questions)"
