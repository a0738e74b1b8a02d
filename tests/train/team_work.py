"""What each process of a team does in a test; `multiprocessing` imports it in every one."""

import json
import os
import signal
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import torch
from safetensors.torch import save_file

from xstilts.core.errors import DataError
from xstilts.models.task_model import TaskModel
from xstilts.train import loop, pretraining


def stages(jobs, inputs, folder, context, team):
    """Run some stages one after the other: name -> stage, config, inputs, most pieces held."""
    values = {}
    for name, (stage, config, given, held) in jobs.items():
        place = folder / name
        place.mkdir(exist_ok=True)
        limited = held is not None and not team.main
        with watched(place, team), memory(held if limited else 10**9):
            values[name] = stage(config, given, place, context, team)
    return values


@contextmanager
def watched(place: Path, team):
    """Write losses, decisions and the last weights of this process beside the stage's own files."""
    rank = team.part.start or 0
    losses = []

    def updating(really):
        def update(self, *args):
            found = really(self, *args)
            losses.append(found[-2])
            return found

        return update

    def training(really):
        def train(self):
            verdict = really(self)
            state = {k: v.clone().contiguous() for k, v in self.model.state_dict().items()}
            save_file(state, place / f"process-{rank}.end")
            told = {"losses": losses, "verdict": verdict, "micro_tokens": self.micro.tokens}
            done = {k: v for k, v in vars(self.progress).items() if k in ("update", "worse")}
            (place / f"process-{rank}.json").write_text(json.dumps(told | done))
            return verdict

        return train

    with (
        patch.object(loop.Run, "one_update", updating(loop.Run.one_update)),
        patch.object(loop.Run, "train", training(loop.Run.train)),
        patch.object(pretraining.Run, "one_update", updating(pretraining.Run.one_update)),
        patch.object(pretraining.Run, "train", training(pretraining.Run.train)),
    ):
        yield


@contextmanager
def memory(most):
    """Memory that ends at more than ``most`` padded pieces of a training pass."""
    really = TaskModel.forward

    def forward(self, ids, *args, **more):
        if self.training and ids.numel() > most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return really(self, ids, *args, **more)

    with patch.object(TaskModel, "forward", forward):
        yield


def killed(config, inputs, folder, context, team):
    """Train; the second process is killed in its eighth update."""
    really, left = loop.Run.gradient, [7]

    def gradient(self, micro_tokens):
        if not left[0] and not team.main:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return really(self, micro_tokens)

    with patch.object(loop.Run, "gradient", gradient):
        return loop.train(config, inputs, folder, context, team)


def refused(config, inputs, folder, context, team):
    """The second process has an error of its own; the first waits for it."""
    if not team.main:
        raise DataError("A file ends", where="line 3", expected="more", do="fetch it again")
    return {"never": team.any(False)}
