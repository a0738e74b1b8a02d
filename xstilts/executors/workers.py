"""Worker processes of the local executor: what they say reaches the run, and they end with it."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from pathlib import Path

from xstilts.core.spec import Runtime
from xstilts.executors.build import build
from xstilts.graph import Step
from xstilts.store import Store
from xstilts.tasks import Task, know, own_tasks

_ORPHAN_CHECK = 1.0  # seconds
_spoken: "SimpleQueue[str | None]"  # of a worker: to the run that started it

Submit = Callable[[Step, str], Future[bool]]


@contextmanager
def workers(
    root: Path, sources: Mapping[str, Path], runtime: Runtime, say: Callable[[str], None]
) -> Iterator[Submit]:
    """``runtime.workers`` processes; yields ``submit(step, name)``, whose result `build` gives."""
    spawn = get_context("spawn")
    spoken: SimpleQueue[str | None] = spawn.SimpleQueue()
    listener = threading.Thread(target=_listen, args=(spoken, say), daemon=True)
    listener.start()
    pool = ProcessPoolExecutor(
        runtime.workers,
        mp_context=spawn,
        initializer=_begin,
        initargs=(spoken, os.getpid(), own_tasks()),
    )
    try:
        with pool:
            yield lambda step, name: pool.submit(_build, step, root, sources, runtime, name)
    finally:
        spoken.put(None)
        listener.join()


def _listen(spoken: "SimpleQueue[str | None]", say: Callable[[str], None]) -> None:
    while (line := spoken.get()) is not None:
        say(line)


def _begin(spoken: "SimpleQueue[str | None]", parent: int, tasks: tuple[Task, ...]) -> None:
    global _spoken
    _spoken = spoken
    know(tasks)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """Leave when the run has died: an orphan would go on for hours, holding its lock."""
    while os.getppid() == parent:
        time.sleep(_ORPHAN_CHECK)
    os._exit(1)


def _build(
    step: Step, root: Path, sources: Mapping[str, Path], runtime: Runtime, name: str
) -> bool:
    return build(step, Store(root), sources, runtime, lambda m: _spoken.put(f"{name}  {m}"))
