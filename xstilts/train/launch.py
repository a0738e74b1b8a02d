"""Starting the processes of a team, and ending all of them together."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from xstilts.core.context import Context, Result, silent
from xstilts.core.errors import MachineError, WorkerError
from xstilts.core.processes import end_with, portable, without_script
from xstilts.core.spec import Runtime
from xstilts.tasks import Task, know, own_tasks
from xstilts.train.team import ALONE, Several, Team

_NOTICE = 1.0  # seconds in which a process has ended whose death another one told first

Inputs = Mapping[str, Result]
Value = dict[str, Any]
Work = Callable[[Any, Inputs, Path, Context, Team], Value]
Started = list[tuple[SpawnProcess, Connection]]


def together(work: Work, config: Any, inputs: Inputs, folder: Path, context: Context) -> Value:
    """What ``work`` returns in the main one of as many processes as ``runtime.devices`` says.

    Raises:
        MachineError: there are GPUs, but not as many.
        WorkerError: one of the processes died.
    """
    size = context.runtime.devices
    if size == 1:
        return work(config, inputs, folder, context, ALONE)
    if torch.cuda.is_available() and torch.cuda.device_count() < size:
        raise MachineError(
            f"A stage is to train on {size} devices; this machine has "
            f"{torch.cuda.device_count()} GPU(s)",
            where="runtime.devices",
            expected="at most as many as there are GPUs, or none at all",
            do=f"--set runtime.devices={torch.cuda.device_count()}",
        )
    runtimes = [_of(context.runtime, rank) for rank in range(size)]
    with _processes(runtimes, context.sources, (work, config, inputs, folder)) as started:
        return _gathered(started, context.say)


def _of(runtime: Runtime, rank: int) -> Runtime:
    """A process's share of threads and disk; only the main one writes."""
    own: dict[str, Any] = {
        "threads": max(1, runtime.threads // runtime.devices),
        "prefix_gigabytes": runtime.prefix_gigabytes / runtime.devices,
    }
    if rank:
        own |= {"checkpoint_seconds": float("inf"), "tensorboard": False}
    return runtime.model_copy(update=own)


@contextmanager
def _processes(
    runtimes: list[Runtime], sources: Mapping[str, Path], job: tuple[Any, ...]
) -> Iterator[Started]:
    """A process for each runtime; none outlives the block."""
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as in every worker process
    spawn = get_context("spawn")
    started: Started = []
    with TemporaryDirectory() as place:
        try:
            for rank, runtime in enumerate(runtimes):
                ours, theirs = spawn.Pipe()
                arguments = (theirs, os.getpid(), rank, Path(place, "meeting"), runtime, sources)
                process = spawn.Process(target=_take_part, args=(*arguments, own_tasks(), *job))
                with without_script():
                    process.start()
                theirs.close()  # so that the pipe ends when the process does
                started.append((process, ours))
            yield started
        finally:
            for process, pipe in started:
                process.kill()
                process.join()
                pipe.close()


def _gathered(started: Started, say: Callable[[str], None]) -> Value:
    """What the main process returns, once all are through."""
    values: dict[Connection, Value] = {}
    pipes = [pipe for _, pipe in started]
    while len(values) < len(pipes):
        for pipe in wait([p for p in pipes if p not in values]):
            assert isinstance(pipe, Connection)
            try:
                message: str | Value | BaseException = pipe.recv()
            except (EOFError, OSError) as error:
                message = error
            if isinstance(message, str):
                say(message)
            elif isinstance(message, BaseException):
                raise _cause(started, message)
            else:
                values[pipe] = message
    return values[pipes[0]]


def _cause(started: Started, error: BaseException) -> BaseException:
    """A death among the processes, of which the others tell that they lost a connection."""
    time.sleep(_NOTICE)
    for number, (process, _) in enumerate(started, 1):
        if not process.is_alive():
            return WorkerError(
                f"process {number} of the {len(started)} that train together died "
                f"(exit code {process.exitcode})"
            )
    return error


def _take_part(
    pipe: Connection,
    parent: int,
    rank: int,
    meeting: Path,
    runtime: Runtime,
    sources: Mapping[str, Path],
    tasks: tuple[Task, ...],
    work: Work,
    config: Any,
    inputs: Inputs,
    folder: Path,
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it hears Ctrl-C too, and ends it
    end_with(parent)
    know(tasks)
    # Else accelerate warns, and takes all cores until the stage has its threads.
    os.environ.setdefault("OMP_NUM_THREADS", str(runtime.threads))
    context = Context(runtime, sources, silent if rank else pipe.send)
    try:
        team = Several(rank, runtime.devices, meeting)
        pipe.send(work(config, inputs, folder, context, team))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        pipe.send(portable(error))
    pipe.recv()  # until it is ended: the others would take an end of its own for a death
