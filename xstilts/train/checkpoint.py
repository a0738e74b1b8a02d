"""Checkpoints of a running stage: everything that the next update depends on, to the last bit.

A checkpoint is a folder that is renamed into place when it is complete and on the disk; the one
before it is deleted afterwards. Tensors are safetensors, the rest JSON: nothing is unpickled.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

_TENSORS, _FACTS = "state.safetensors", "state.json"


class Counted(Protocol):
    """How far a stage is: a dataclass of plain values."""

    update: int
    __dataclass_fields__: ClassVar[dict[str, Any]]


_Progress = TypeVar("_Progress", bound=Counted)


@dataclass
class Progress:
    """How far fine-tuning is.

    Attributes:
        update: updates done.
        pieces: pieces seen, padding not counted.
        seconds: spent in updates and evaluations, over all sessions.
        best_score: best score on held-out examples; None before the first evaluation.
        best_scores: task -> its score then; their mean is the best score.
        best_update: after which it was reached.
        worse: evaluations since then.
        no_answer_threshold: chosen at the best update, for questions that may have no answer.
        log: one entry a logged update or evaluation; holds no times, so that two runs can be
            compared bit for bit.
    """

    update: int = 0
    pieces: int = 0
    seconds: float = 0.0
    best_score: float | None = None
    best_scores: dict[str, float] = field(default_factory=dict)
    best_update: int = 0
    worse: int = 0
    no_answer_threshold: float | None = None
    log: list[dict[str, Any]] = field(default_factory=list)


def save(
    folder: Path,
    progress: Counted,
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    best: Mapping[str, Tensor] = MappingProxyType({}),
) -> None:
    """Write the checkpoint after ``progress.update`` updates and delete older ones."""
    final = folder / f"checkpoint-{progress.update:09d}"
    scratch = folder / ".checkpoint"
    if final.exists():
        return
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    tensors = {f"model.{k}": v for k, v in _once(model).items()}
    tensors |= {f"best.{k}": v for k, v in best.items()}
    for number, optimizer in enumerate(optimizers):
        for i, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{i}.{k}": v for k, v in state.items()}
    tensors["rng.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["rng.cuda"] = torch.cuda.get_rng_state()
    save_file({k: v.contiguous() for k, v in tensors.items()}, scratch / _TENSORS)
    (scratch / _FACTS).write_text(json.dumps(asdict(progress)))
    for place in (scratch / _TENSORS, scratch / _FACTS, scratch):
        _to_disk(place)
    scratch.rename(final)
    _to_disk(folder)  # before the older one is deleted
    for old in sorted(folder.glob("checkpoint-*"))[:-1]:
        shutil.rmtree(old)


def load(
    folder: Path,
    fresh: _Progress,
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    say: Callable[[str], None],
) -> tuple[_Progress, dict[str, Tensor]]:
    """Put the newest checkpoint into ``model`` and ``optimizers``; a fresh start if there is none.

    One that cannot be read is set aside, until the stage is done, and the one before it is taken.

    Returns:
        the progress, ``fresh`` at a fresh start, and the best weights so far (empty before the
        first evaluation).
    """
    found = _newest(folder, type(fresh), say)
    if found is None:
        return fresh, {}
    progress, tensors = found
    with torch.no_grad():
        for name, tensor in _once(model).items():
            tensor.copy_(tensors[f"model.{name}"])
    for number, optimizer in enumerate(optimizers):
        layout = optimizer.state_dict()
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _under(tensors, f"optimizer.{number}.").items():
            index, _, what = name.partition(".")
            state.setdefault(int(index), {})[what] = tensor
        optimizer.load_state_dict({"state": state, "param_groups": layout["param_groups"]})
    torch.set_rng_state(tensors["rng.cpu"])
    if "rng.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["rng.cuda"])
    return progress, _under(tensors, "best.")


def _newest(
    folder: Path, kind: type[_Progress], say: Callable[[str], None]
) -> tuple[_Progress, dict[str, Tensor]] | None:
    for place in sorted(folder.glob("checkpoint-*"), reverse=True):
        try:
            progress = kind(**json.loads((place / _FACTS).read_text()))
            return progress, load_file(place / _TENSORS)
        except (OSError, ValueError, TypeError, SafetensorError) as error:
            aside = place.with_name(f"unreadable-{place.name}")
            shutil.rmtree(aside, ignore_errors=True)
            place.rename(aside)
            say(f"{place.name} cannot be read ({error}); set aside as {aside.name}")
    return None


def clear(folder: Path) -> None:
    """Delete all checkpoints of a stage that is finished."""
    for old in [*folder.glob("*checkpoint-*"), folder / ".checkpoint"]:
        shutil.rmtree(old, ignore_errors=True)


def _once(model: nn.Module) -> dict[str, Tensor]:
    """The state of a model; of names that share one tensor the first."""
    state = model.state_dict(keep_vars=True)
    first = {id(tensor): name for name, tensor in reversed(state.items())}
    return {name: state[name].detach() for name in state if name in first.values()}


def _to_disk(place: Path) -> None:
    """Have a file or a folder outlive a power cut."""
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
