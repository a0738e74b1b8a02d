"""The model of a stage, put together as its configuration says: heads and text on one encoder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

from xstilts.core.context import Context, Result
from xstilts.core.seeds import derive
from xstilts.data.tokens import labels_of
from xstilts.models.freezing import freeze
from xstilts.models.joint import JointModel
from xstilts.models.masked_lm import MaskedLM, load_masked_lm
from xstilts.models.task_model import TaskModel, load_trained, next_stage
from xstilts.train.part import Part
from xstilts.train.spec import FineTune, Head, Mixture, Reading
from xstilts.train.text_part import NAME, TextPart

Config = FineTune | Mixture | Reading
AnyModel = TaskModel | JointModel | MaskedLM
_Part = TypeVar("_Part", TaskModel, MaskedLM)


@dataclass(frozen=True)
class Assembly:
    """What one stage trains.

    Attributes:
        model: all of it, of which weights are saved.
        parts: its tasks, each with a head on the same encoder; none where it only reads text.
        text: that is read; None for tasks alone.
        packed: whether blocks run without padding.
    """

    model: AnyModel
    parts: list[Part]
    text: TextPart | None
    packed: bool

    def merge_adapters(self) -> None:
        """Add them to the encoder's weights, which are then those of a plain encoder."""
        from xstilts.models.adapters import merge

        first: Part | TextPart | None = self.parts[0] if self.parts else self.text
        assert first is not None, "a stage has tasks or text"
        merge(first.model.encoder)  # which all of them share


def assemble(
    config: Config, inputs: Mapping[str, Result], context: Context, device: torch.device
) -> Assembly:
    """Load the encoder that a stage starts from, put heads on it, freeze or adapt its layers."""
    start = inputs["start"].folder if "start" in inputs else context.sources[str(config.encoder)]
    own = {head.task: _inputs_of(config, head, inputs) for head in config.heads}
    models = (
        _adapted(config, _task_model(config, head, start, own[head.task]["train"])).to(device)
        for head in config.heads
    )
    text = None
    if config.text is not None:
        seed = derive(config.seed, "head", NAME)
        masked, kind = load_masked_lm(start, seed=seed, dropout=config.how.dropout)
        size = config.how.batch_size
        masked = _adapted(config, masked).to(device)
        text = TextPart(config.text, masked, kind, inputs, context, size, config.seed)
    model: AnyModel
    each: list[TaskModel] = []
    if isinstance(config, Reading):
        assert text is not None
        model = text.model
    elif isinstance(config, Mixture) or text:
        model = JointModel(models, text.model if text else None)
        each = model.models
    else:
        model = next(models)
        each = [model]
    if config.layers.frozen is not None:
        for part in (*each, *([text.model] if text else [])):
            freeze(part.encoder, config.layers.frozen)
    packed = model.train().without_padding()  # as far as dropout allows
    parts = [
        Part(head, part, own[head.task], config.seed)
        for head, part in zip(config.heads, each, strict=True)
    ]
    return Assembly(model, parts, text, packed)


def _task_model(config: Config, head: Head, start: Path, train: Result) -> TaskModel:
    """The encoder in ``start`` under a new head, or the whole model that lies there."""
    if isinstance(config, FineTune) and config.head == "kept":
        return load_trained(start, config.how.dropout)
    return next_stage(
        start,
        head.kind,
        len(labels_of(head.labels, train)),
        seed=derive(config.seed, "head", head.task),
        dropout=config.how.dropout,
        mixed=config.layers.mixed,
    )


def _adapted(config: Config, part: _Part) -> _Part:
    """The model with new adapters where the stage trains some: the same ones under every head."""
    lora = config.layers.lora
    if lora is not None:
        from xstilts.models.adapters import adapt

        adapt(part.encoder, lora.rank, lora.scale, derive(config.seed, "lora", config.task))
    return part


def _inputs_of(config: Config, head: Head, inputs: Mapping[str, Result]) -> dict[str, Result]:
    end = f".{head.task}" if isinstance(config, Mixture) else ""
    return {name: inputs[f"{name}{end}"] for name in ("train", "dev", "dev_examples")}
