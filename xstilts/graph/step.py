"""A step is a promise: this stage, on this config and these inputs, gives this result."""

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from xstilts.core.spec import Spec, digest

StageFunction = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Stage:
    """The address of a plain function, plus the version of its meaning.

    An address (``package.module:function``), not the function: planning then imports no training
    code, and a worker needs nothing pickled. Bump ``version`` when the same config should mean new
    results. The function takes ``(config, inputs, folder, context)`` and returns a JSON value.

    Attributes:
        name: first part of the step's address.
        version: of the stage's meaning.
        address: where the function is.
        resumes: whether it goes on from what an interrupted run left in its folder.
        weights: file patterns that are dropped when nothing needs them any more.
        alone: whether it runs beside no other step, with the threads of all workers: for the long
            step that nearly all others wait for.
    """

    name: str
    version: int
    address: str
    resumes: bool = False
    weights: tuple[str, ...] = ()
    alone: bool = False

    def load(self) -> StageFunction:
        """Import the function. Called only when the stage really runs."""
        module, _, function = self.address.partition(":")
        loaded: StageFunction = getattr(importlib.import_module(module), function)
        return loaded


@dataclass(frozen=True)
class Work:
    """How much a step has to do, for the plan's estimate. Never hashed.

    Attributes:
        tokens: pieces that pass through the encoder, padding not counted.
        training: whether gradients flow (three times the work of a forward pass).
    """

    tokens: float = 0.0
    training: bool = False


NOTHING = Work()


@dataclass(frozen=True, eq=False)
class Step:
    """One promised result. Making a step runs nothing."""

    stage: Stage
    label: str
    config: Spec
    inputs: Mapping[str, "Step"] = field(default_factory=dict)
    work: Work = NOTHING

    @property
    def address(self) -> str:
        """The readable part of the name, such as ``train/mnli``."""
        return f"{self.stage.name}/{self.label}"

    @cached_property
    def identity(self) -> str:
        """Everything that may change the result and nothing else, as the text that is hashed."""
        inputs = ",".join(
            f'"{name}":"{step.address}@{step.key}"' for name, step in sorted(self.inputs.items())
        )
        stage = json.dumps(f"{self.stage.name}@{self.stage.version}")
        return f'{{"config":{self.config.payload},"inputs":{{{inputs}}},"stage":{stage}}}'

    @cached_property
    def key(self) -> str:
        """The fingerprint of :attr:`identity`."""
        return digest(self.identity)
