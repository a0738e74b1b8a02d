"""Building one step in the process at hand."""

import os
import platform
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from xstilts.core.context import Context
from xstilts.core.errors import StoreError
from xstilts.core.spec import Runtime
from xstilts.graph import Step
from xstilts.store import Store

_RECORDED = ("xstilts", "torch", "transformers", "peft", "tokenizers", "numpy", "seqeval")


def build(
    step: Step,
    store: Store,
    sources: Mapping[str, Path],
    runtime: Runtime,
    say: Callable[[str], None],
) -> bool:
    """Run one step whose inputs are there; False if another process built it meanwhile.

    Every byte of the inputs is checked first. What is built is published, where the store has a
    remote one; if that cannot be reached, the run goes on and tries again at its end. Whoever calls
    sees to it that a stage that wants to be alone is, for it gets all threads.

    Raises:
        CorruptResultError: when an input does not match its record.
    """
    runtime = runtime.undivided if step.stage.alone else runtime
    with store.uses.scope():
        inputs = {n: store.open(s.address, s.key, s.identity) for n, s in step.inputs.items()}

        def write(folder: Path) -> dict[str, Any]:
            return step.stage.load()(step.config, inputs, folder, Context(runtime, sources, say))

        built = store.build(
            step.address,
            step.key,
            step.identity,
            write,
            made=made(runtime),
            resumes=step.stage.resumes,
            waiting=lambda pid: say(f"waiting: process {pid} builds {step.address}"),
        )
    try:
        store.publish(step.address, step.key)
    except StoreError as error:
        say(f"not published, the end of the run tries again: {error.what}")
    return built


def made(runtime: Runtime) -> dict[str, Any]:
    """Where and with what a result is made; recorded, never hashed."""
    return {**_machine(), "runtime": runtime.model_dump(), "pid": os.getpid()}


@cache
def _machine() -> dict[str, Any]:
    return {
        "machine": platform.node(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _RECORDED},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")), "")
