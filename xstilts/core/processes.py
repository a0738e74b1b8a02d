"""What every process that is started here has to mind."""

import os
import pickle
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from xstilts.core.errors import WorkerError

_ORPHAN_CHECK = 1.0  # seconds


@contextmanager
def without_script() -> Iterator[None]:
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


def end_with(parent: int) -> None:
    """Leave when the process ``parent`` has died: an orphan would go on for hours."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_ORPHAN_CHECK)
    os._exit(1)


def portable(error: BaseException) -> BaseException:
    """The error itself if it can cross a pipe, else one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return WorkerError(f"{type(error).__name__}: {error}")
    return error
