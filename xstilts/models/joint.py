"""Several heads, of any kinds, on one encoder that they all train."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel

from xstilts.models.masked_lm import MaskedLM
from xstilts.models.packing import gather_embedding_gradients, pack
from xstilts.models.task_model import TaskModel
from xstilts.models.written import Written

_OWN = "pooler"  # part of the library's encoders, yet trained for one task's label


class JointModel(nn.Module):
    """Task models that share their encoder's weights; each is run as if it were alone."""

    def __init__(self, models: Iterable[TaskModel], text: MaskedLM | None = None) -> None:
        """Give every model the encoder of the first.

        Args:
            models: on encoders with the same weights; taken one after the other, so that no more
                than two encoders are in memory.
            text: a masked LM on the same encoder, too.
        """
        super().__init__()
        self.models: list[TaskModel] = []
        self.written: Written | None = None  # runs the blocks if they are run by hand
        for i, model in enumerate(models):
            if i:
                _share(self.models[0].encoder, model.encoder)
            self.models.append(model)
            self.add_module(str(i), model)
        self.text = text
        if text is not None:
            _share(self.models[0].encoder, text.encoder)
            text.tie()
        seen: set[int] = set()
        self._names: set[str] = set()  # under which every tensor is saved once
        for name, tensor in super().state_dict(keep_vars=True).items():
            if id(tensor) not in seen:
                seen.add(id(tensor))
                self._names.add(name)

    def without_padding(self) -> bool:
        """Run the blocks without padding from now on; False where this encoder cannot."""
        encoders = [model.encoder for model in (*self.models, self.text) if model is not None]
        gather_embedding_gradients(encoders[0])
        packed = all(model.can_pack for model in self.models)
        if packed:
            self.written = pack(*encoders)
        return packed

    def still(self, active: nn.Module) -> None:
        """Take the gradients of all other heads away, so that an update leaves them as they are."""
        moved = {id(p) for p in active.parameters()}
        for weight in self.parameters():
            if id(weight) not in moved:
                weight.grad = None

    def state_dict(self, *args: Any, **more: Any) -> dict[str, Tensor]:  # type: ignore[override]
        """Every tensor once."""
        every = super().state_dict(*args, **more)
        return {name: tensor for name, tensor in every.items() if name in self._names}

    def load_state_dict(self, state: Any, *args: Any, **more: Any) -> Any:  # type: ignore[override]
        """What :meth:`state_dict` gave."""
        assert set(state) == self._names, "the state is that of another model"
        return super().load_state_dict(state, strict=False)

    def save(self, folder: Path) -> None:
        """Write the encoder for `AutoModel` and the next stage, which want no head."""
        self.models[0].encoder.save_pretrained(folder)


def _share(encoder: PreTrainedModel, other: PreTrainedModel) -> None:
    """Put every part of ``encoder`` but its pooler in the place of that of ``other``."""
    for name, part in [*encoder.named_children(), *encoder.named_parameters(recurse=False)]:
        if name != _OWN:
            setattr(other, name, part)
    mine = {id(weight) for weight in encoder.parameters()}
    alone = [n for n, w in other.named_parameters() if id(w) not in mine]
    assert all(name.startswith(f"{_OWN}.") for name in alone), f"not shared: {alone}"
