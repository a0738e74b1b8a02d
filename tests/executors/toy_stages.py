"""Stages that count, fail or spoil something, importable in worker processes."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from xstilts.core.spec import Spec
from xstilts.graph import Stage, Step


class PanicException(BaseException):
    """As a library in Rust raises it: no Exception, of a module that cannot be imported."""


PanicException.__module__ = "pyo3_runtime"


class Number(Spec):
    n: int = 0
    behaviour: str = ""


def add(config: Number, inputs: Any, folder: Path, context: Any) -> dict[str, Any]:
    """The sum of the inputs and this number; also what the behaviour asks for."""
    time.sleep(0.05)
    _behave(config.behaviour, context)
    total = config.n + sum(int((r.folder / "sum.txt").read_text()) for r in inputs.values())
    (folder / "sum.txt").write_text(str(total))
    value = {"sum": total, "inputs": {name: r.value["sum"] for name, r in inputs.items()}}
    return value | ({"verdict": "diverged"} if config.behaviour == "diverge" else {})


def _behave(behaviour: str, context: Any) -> None:
    if behaviour == "fail":
        raise RuntimeError("this step always fails")
    if behaviour == "fail silently":
        raise AssertionError
    if behaviour == "panic":
        raise PanicException("called `unwrap()` on a `None` value")
    if behaviour == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if behaviour == "interrupt":
        raise KeyboardInterrupt
    if behaviour == "say":
        context.say(f"pid {os.getpid()}")
    if behaviour == "count threads":
        context.say(f"begins with {context.runtime.threads}")
        time.sleep(0.2)
        context.say("ends")
    if behaviour == "stay":
        context.say(f"pid {os.getpid()}")
        time.sleep(600)


ADD = Stage("add", 1, "toy_stages:add")
MODEL = Stage("model", 1, "toy_stages:add", weights=("*.txt",))
ALONE = Stage("alone", 1, "toy_stages:add", alone=True)


def step(label: str, n: int = 0, behaviour: str = "", stage: Stage = ADD, **inputs: Step) -> Step:
    return Step(stage, label, Number(n=n, behaviour=behaviour), inputs)
