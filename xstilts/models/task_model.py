"""An encoder with the library's own head for a kind of example, or with a small one of ours.

*Next stage* is one operation: the encoder's weights are kept, everything else is new. Poolers count
as heads: they are trained for one task's label and carry nothing that the next one should start
from.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMultipleChoice,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.utils import logging

from xstilts.core.errors import EncoderError
from xstilts.models.layer_mix import LayerMix, read_mixed
from xstilts.models.packing import can_pack, gather_embedding_gradients, pack
from xstilts.models.written import Written, is_written
from xstilts.tasks.spec import Kind

logging.set_verbosity_error()
logging.disable_progress_bar()

_LIBRARY: dict[Kind, Any] = {
    "pair": AutoModelForSequenceClassification,
    "choice": AutoModelForMultipleChoice,
    "span": AutoModelForQuestionAnswering,
    "tagging": AutoModelForTokenClassification,
}
_ABOUT = "xstilts.json"  # kind and outputs of a saved model
_HEAD = "head.safetensors"
_MIX = "layer_mix.safetensors"
SCALE = 100.0  # of cosines, before anything is learned (XTREME-R's LAReQA)


class LinearHead(nn.Module):
    """An encoder without a head of its own in the library, with one linear layer on top."""

    def __init__(self, encoder: PreTrainedModel, outputs: int) -> None:
        """Put a new layer with ``outputs`` outputs on ``encoder``."""
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.config.hidden_size, outputs)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, **inputs: Tensor) -> Tensor:
        """Outputs of every piece, ``(batch, length, outputs)``."""
        scores: Tensor = self.head(self.encoder(**inputs).last_hidden_state)
        return scores


class Similarity(nn.Module):
    """Cosines times a scale that is learned."""

    def __init__(self) -> None:
        """Start from ``SCALE``."""
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(SCALE))

    def forward(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """``(queries, candidates)`` from vectors of length 1, ``(n, dim)`` each."""
        return self.scale * queries @ candidates.T


class DualEncoder(nn.Module):
    """One encoder for queries and candidates alike; its head says how alike two vectors are."""

    def __init__(self, encoder: PreTrainedModel) -> None:
        """Take ``encoder`` without its pooler, which nothing would train."""
        super().__init__()
        if getattr(encoder, "pooler", None) is not None:
            encoder.pooler = None
        self.encoder = encoder
        self.head = Similarity()

    def forward(self, **inputs: Tensor) -> Tensor:
        """The last block's output at the first piece, brought to length 1: ``(rows, dim)``."""
        hidden: Tensor = self.encoder(**inputs).last_hidden_state
        return F.normalize(hidden[:, 0].float(), dim=-1)


class TaskModel(nn.Module):
    """One stage's model; `forward` gives the kind's logits (or vectors) and never a loss."""

    def __init__(
        self,
        kind: Kind,
        outputs: int,
        inner: PreTrainedModel | LinearHead | DualEncoder,
        *,
        mixed: bool = False,
    ) -> None:
        """Wrap ``inner``.

        Args:
            kind: the example kind.
            outputs: labels; 1 for choices, 2 for spans, 0 for ranking.
            inner: encoder and head.
            mixed: whether the head reads a new :class:`LayerMix` of all layers.
        """
        super().__init__()
        self.kind, self.outputs, self.inner = kind, outputs, inner
        self.mix = LayerMix(self.encoder.config.num_hidden_layers + 1) if mixed else None
        if self.mix is not None:
            read_mixed(self.encoder, self.mix)
        self._packed = False
        self.written: Written | None = None  # runs the blocks if they are run by hand

    @property
    def encoder(self) -> PreTrainedModel:
        """The part that the next stage starts from."""
        inner = self.inner
        found: PreTrainedModel = inner.encoder if isinstance(inner, _OURS) else inner.base_model
        return found

    @property
    def can_pack(self) -> bool:
        """Whether the blocks can run without padding; layers to mix leave only ours so."""
        return can_pack(self.encoder) if self.mix is None else is_written(self.encoder)

    def without_padding(self) -> bool:
        """Run the blocks without padding from now on; False where this encoder cannot."""
        gather_embedding_gradients(self.encoder)
        if not self._packed and self.can_pack:
            self.written = pack(self.encoder)
            self._packed = True
        return self._packed

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor | None = None) -> Tensor:
        """Logits; for ranking, vectors of length 1.

        Args:
            ids: pieces, ``(batch, length)``; for choices ``(batch, choices, length)``.
            mask: 1 for a piece, 0 for padding, same shape.
            types: token types, same shape, or None.

        Returns:
            ``(batch, labels)`` for pairs, ``(batch, choices)`` for choices, ``(batch, length, 2)``
            for spans (first, last), ``(batch, length, labels)`` for tags, ``(batch, dim)`` for
            queries and candidates.
        """
        inputs = {"input_ids": ids, "attention_mask": mask}
        if types is not None:
            inputs["token_type_ids"] = types
        if isinstance(self.inner, LinearHead):
            return self._linear(inputs)
        if isinstance(self.inner, DualEncoder):
            vectors: Tensor = self.inner(**inputs)
            return vectors
        out = self.inner(**inputs)
        if self.kind == "span":
            return torch.stack([out.start_logits, out.end_logits], dim=-1)
        logits: Tensor = out.logits
        return logits

    def _linear(self, inputs: dict[str, Tensor]) -> Tensor:
        shape = inputs["input_ids"].shape
        scores: Tensor = self.inner(**{k: v.reshape(-1, shape[-1]) for k, v in inputs.items()})
        if self.kind == "pair":
            return scores[:, 0]
        if self.kind == "choice":
            return scores[:, 0].reshape(shape[:-1])
        return scores

    def save(self, folder: Path) -> None:
        """Write safetensors that `AutoModel` loads too, and what is needed to load them as this."""
        if isinstance(self.inner, _OURS):
            self.inner.encoder.save_pretrained(folder)
            save_file(dict(self.inner.head.state_dict()), folder / _HEAD)
        else:
            self.inner.save_pretrained(folder)
        if self.mix is not None:
            save_file(dict(self.mix.state_dict()), folder / _MIX)
        about = {"kind": self.kind, "outputs": self.outputs}
        (folder / _ABOUT).write_text(json.dumps(about))


_OURS = (LinearHead, DualEncoder)


def outputs_of(kind: Kind, labels: int) -> int:
    """Outputs a row or piece has."""
    return {"choice": 1, "span": 2, "ranking": 0}.get(kind, labels)


def next_stage(
    start: Path,
    kind: Kind,
    labels: int,
    *,
    seed: int,
    dropout: float,
    attention: str | None = None,
    mixed: bool = False,
) -> TaskModel:
    """The encoder in ``start`` under a new head.

    Args:
        start: a folder with a pretrained encoder or any earlier stage's model.
        kind: the example kind.
        labels: number of labels (pairs, tags).
        seed: of the new head's weights.
        dropout: of encoder and head alike.
        attention: the library's attention to use, its default if None.
        mixed: whether the head reads a learned mix of all layers.
    """
    torch.manual_seed(seed)  # a pooler that the files lack is drawn while loading
    encoder = load_encoder(start, attention, dropout)
    config = encoder.config
    outputs = outputs_of(kind, labels)
    torch.manual_seed(seed)
    library = _LIBRARY.get(kind)
    if library is None or type(config) not in library._model_mapping:
        return TaskModel(kind, outputs, _ours(kind, outputs, encoder), mixed=mixed)
    config.num_labels = outputs
    inner = library.from_config(config, dtype=torch.float32)
    kept = {k: v for k, v in encoder.state_dict().items() if not k.startswith("pooler.")}
    absent, unknown = inner.base_model.load_state_dict(kept, strict=False)
    lost = [name for name in absent if not name.startswith("pooler.")]
    assert not lost and not unknown, f"encoder weights did not fit: {lost} {unknown}"
    return TaskModel(kind, outputs, inner, mixed=mixed)


def _ours(kind: Kind, outputs: int, encoder: PreTrainedModel) -> LinearHead | DualEncoder:
    return DualEncoder(encoder) if kind == "ranking" else LinearHead(encoder, outputs)


def load_encoder(
    folder: Path, attention: str | None = None, dropout: float | None = None
) -> PreTrainedModel:
    """The bare encoder of any checkpoint, in fp32, from safetensors only.

    Args:
        folder: of the checkpoint.
        attention: the library's attention to use, its default if None.
        dropout: every rate of it; those of its config if None.
    """
    chosen = {"attn_implementation": attention} if attention else {}
    config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False)
    encoder: PreTrainedModel = AutoModel.from_pretrained(
        str(folder),
        config=config if dropout is None else with_dropout(config, dropout),
        dtype=torch.float32,
        use_safetensors=True,
        trust_remote_code=False,
        **chosen,
    )
    return encoder


def load_trained(folder: Path, dropout: float | None = None) -> TaskModel:
    """A finished stage's model with its head, in fp32; every dropout rate is set if one is given.

    It goes on as it is, so nothing is new.
    """
    about = json.loads((folder / _ABOUT).read_text())
    kind: Kind = about["kind"]
    inner: PreTrainedModel | LinearHead | DualEncoder
    if (folder / _HEAD).exists():
        inner = _ours(kind, about["outputs"], load_encoder(folder, dropout=dropout))
        inner.head.load_state_dict(load_file(folder / _HEAD))
    else:
        config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False)
        inner = _LIBRARY[kind].from_pretrained(
            str(folder),
            config=config if dropout is None else with_dropout(config, dropout),
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
        )
    mixed = (folder / _MIX).exists()
    model = TaskModel(kind, about["outputs"], inner, mixed=mixed)
    if model.mix is not None:
        model.mix.load_state_dict(load_file(folder / _MIX))
    return model


def load_tuned(folder: Path, kind: Kind, outputs: int) -> TaskModel:
    """A model with its head that was trained elsewhere, in fp32: by the library, or by us.

    Raises:
        EncoderError: when it has no head for the kind, with that many outputs.
    """
    if (folder / _ABOUT).exists():
        model = load_trained(folder)
        whole = (model.kind, model.outputs) == (kind, outputs)
    else:
        inner, found = _LIBRARY[kind].from_pretrained(
            str(folder),
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
        model, whole = TaskModel(kind, outputs, inner), not found["missing_keys"]
    if not whole:
        raise EncoderError(
            f"The model in {folder} has no head for the kind {kind} with {outputs} outputs",
            where="the model's folder",
            expected=f"a model that was fine-tuned for {kind}, saved with its head",
            do="finetune it on the task first",
        )
    return model


def with_dropout(config: PretrainedConfig, dropout: float) -> PretrainedConfig:
    """The same architecture with every dropout rate set to ``dropout``."""
    for name, value in vars(config).items():
        if "dropout" in name and (value is None or isinstance(value, int | float)):
            setattr(config, name, dropout)
    return config
