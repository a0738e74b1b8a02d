"""What is in use, and how much of a remote store may lie here."""

import fcntl
import os
import shutil
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO

from xstilts.store.lock import locked

RECORD = "record.json"
_LEAVE = 0.9  # of the bound, so that not every new result is followed by a look at all of them


class Uses:
    """Keys that processes are using: a file a process, locked by the kernel while it lives."""

    def __init__(self, root: Path) -> None:
        """Keep them in ``root``; nothing is made before the first use begins."""
        self._root = root
        self._file: IO[str] | None = None
        self._keys: set[str] = set()

    def begin(self) -> None:
        """Say that this process is at work in the store, until it ends."""
        with self.locked():
            self._write()

    def add(self, key: str) -> None:
        """Keep a result from being evicted until the scope ends; outside of one, the process."""
        if key not in self._keys:
            self._keys.add(key)
            self.begin()

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Let go at the end of what was taken inside."""
        before = set(self._keys)
        try:
            yield
        finally:
            if self._keys != before:
                self._keys = before
                self.begin()

    def locked(self) -> AbstractContextManager[None]:
        """While it is held nobody begins to use anything."""
        return locked(self._root / "locks" / "uses", lambda pid: None)

    def in_use(self) -> dict[str, set[str]]:
        """Process id -> keys, of every process that lives. Call it with the lock held."""
        found: dict[str, set[str]] = {}
        for path in (self._root / "uses").glob("*"):
            with path.open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    process = path.name.partition(".")[0]
                    found[process] = found.get(process, set()) | set(file.read().split())
                else:
                    path.unlink()  # of a process that has ended
        return found

    def _write(self) -> None:
        if self._file is None:
            place = self._root / "uses" / f"{os.getpid()}.{id(self):x}"
            place.parent.mkdir(parents=True, exist_ok=True)
            self._file = place.open("w")
            weakref.finalize(self, self._file.close)
            fcntl.flock(self._file, fcntl.LOCK_EX)
        self._file.seek(0)
        self._file.truncate()
        self._file.write("\n".join(sorted(self._keys)))
        self._file.flush()


class Bound:
    """Keeps the finished results of a folder below a number of bytes.

    What was used longest ago goes first; what is in use, or nowhere else, never goes.
    """

    def __init__(
        self, root: Path, limit: int, uses: Uses, elsewhere: Callable[[str, str], bool]
    ) -> None:
        """Bound the results in ``root``; ``elsewhere`` says of address and key what can go."""
        self._root, self._limit, self._uses, self._elsewhere = root, limit, uses, elsewhere
        self._total = root / "cache.bytes"

    def grew(self, folder: Path) -> None:
        """Count a new result, and make room if that is too much."""
        with self._uses.locked():
            try:
                total = int(self._total.read_text()) + bytes_of(folder)
            except (OSError, ValueError):
                total = -1
            if not 0 <= total <= self._limit:
                total = self._evict()
            self._total.write_text(str(total))

    def _evict(self) -> int:
        steps = self._root / "steps"
        found = []
        for folder in results_in(steps):
            with suppress(FileNotFoundError):  # another process has just replaced it
                found.append((folder.stat().st_mtime_ns, bytes_of(folder), folder))
        total = sum(size for _, size, _ in found)
        if total <= self._limit:
            return total
        used = set().union(*self._uses.in_use().values())
        for _, size, folder in sorted(found):
            if total <= _LEAVE * self._limit:
                break
            address = folder.parent.relative_to(steps).as_posix()
            if folder.name not in used and self._elsewhere(address, folder.name):
                remove(folder, self._root / "work")
                total -= size
        return total


def results_in(steps: Path) -> list[Path]:
    """The folder of every finished result."""
    return [p.parent for p in steps.rglob(RECORD)]


def remove(folder: Path, scratch: Path) -> None:
    """Delete a result, whole at any moment: first it is moved out of the way."""
    scratch.mkdir(parents=True, exist_ok=True)
    gone = scratch / f"removed__{folder.name}.{time.time_ns()}"
    folder.rename(gone)
    shutil.rmtree(gone)


def bytes_of(folder: Path) -> int:
    """What the files in a folder take."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
