"""Worker processes of the local executor: what they say reaches the run, and they end with it.

Each worker has a pipe of its own, so one that dies takes nothing with it but its own step.
"""

import os
import signal
from collections.abc import Callable, Mapping
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path

from xstilts.core.errors import WorkerError
from xstilts.core.processes import end_with, portable, without_script
from xstilts.core.spec import Runtime
from xstilts.executors.build import build
from xstilts.graph import Step
from xstilts.store import Store
from xstilts.tasks import Task, know, own_tasks

Answer = bool | BaseException


class Worker:
    """A process that builds one step after the other."""

    def __init__(self, store: Store, sources: Mapping[str, Path], runtime: Runtime) -> None:
        """Start it; it imports what a stage needs when the first step comes."""
        spawn = get_context("spawn")
        self.pipe, theirs = spawn.Pipe()
        arguments = (theirs, os.getpid(), store, sources, runtime, own_tasks())
        self._process = spawn.Process(target=_serve, args=arguments)  # it may start some itself
        with without_script():
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
    end_with(parent)
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
            pipe.send(portable(error))


def _say(pipe: Connection, name: str, message: str) -> None:
    pipe.send(f"{name}  {message}")
