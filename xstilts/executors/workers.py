"""Worker processes of the local executor: what they say reaches the run, and they end with it.

Each worker has a pipe of its own, so one that dies takes nothing with it but its own step.
"""

import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import ModuleType

from xstilts.core.errors import WorkerError
from xstilts.core.spec import Runtime
from xstilts.executors.build import build
from xstilts.graph import Step
from xstilts.store import Store
from xstilts.tasks import Task, know, own_tasks

_ORPHAN_CHECK = 1.0  # seconds

Answer = bool | BaseException


class Worker:
    """A process that builds one step after the other."""

    def __init__(self, store: Store, sources: Mapping[str, Path], runtime: Runtime) -> None:
        """Start it; it imports what a stage needs when the first step comes."""
        spawn = get_context("spawn")
        self.pipe, theirs = spawn.Pipe()
        arguments = (theirs, os.getpid(), store, sources, runtime, own_tasks())
        self._process = spawn.Process(target=_serve, args=arguments, daemon=True)
        with _no_script():
            self._process.start()
        theirs.close()  # so that the pipe ends when the worker does

    def give(self, step: Step, name: str) -> None:
        """Begin a step; ``name`` stands before all that it says."""
        self.pipe.send((step, name))

    def answer(self, say: Callable[[str], None]) -> Answer | None:
        """The next message: a line to say (None), what `build` gave, or the error of the step."""
        try:
            message: str | Answer = self.pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            code = self._process.exitcode
            return WorkerError(f"the worker process died (exit code {code})")
        if isinstance(message, str):
            say(message)
            return None
        return message

    @property
    def alive(self) -> bool:
        """Whether it can take another step."""
        return self._process.is_alive()

    def stop(self) -> None:
        """End it at once; the checkpoints of its step stay."""
        self._process.terminate()
        self._process.join()
        self.pipe.close()


@contextmanager
def _no_script() -> Iterator[None]:
    """Keep a new process from importing the script that runs, which would start the run again.

    `multiprocessing` tells it to, so that what is defined there can cross the pipe. Nothing that
    crosses ours is; scripts then need no ``if __name__ == "__main__"``.
    """
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def ready(workers: list[Worker]) -> list[Worker]:
    """Wait until some of them have a message, or have died."""
    found = wait([w.pipe for w in workers]) if workers else []
    return [w for w in workers if w.pipe in found]


def _serve(
    pipe: Connection,
    parent: int,
    store: Store,
    sources: Mapping[str, Path],
    runtime: Runtime,
    tasks: tuple[Task, ...],
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run hears Ctrl-C too, and ends its workers
    # Before torch is imported: how often a thread looks for the others before it sleeps. With GCC's
    # 300,000 a stage of two threads gets nowhere beside any other work on the machine; with none a
    # quiet machine is a quarter slower.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    know(tasks)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    while True:
        try:
            step, name = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(build(step, store, sources, runtime, partial(_say, pipe, name)))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            pipe.send(_portable(error))


def _say(pipe: Connection, name: str, message: str) -> None:
    pipe.send(f"{name}  {message}")


def _portable(error: BaseException) -> BaseException:
    """The error itself if it can cross the pipe, else one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return WorkerError(f"{type(error).__name__}: {error}")
    return error


def _end_with(parent: int) -> None:
    """Leave when the run has died: an orphan would go on for hours, holding its lock."""
    while os.getppid() == parent:
        time.sleep(_ORPHAN_CHECK)
    os._exit(1)
