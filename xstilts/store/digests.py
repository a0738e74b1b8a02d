"""SHA-256 of files, worked out once for each size and time of change."""

import hashlib
import json
import os
from pathlib import Path


def sha256(path: Path) -> str:
    """All 64 hex digits of the file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Digests:
    """Digests of files outside the store, remembered in one JSON file.

    A file whose size, time of change and inode are as remembered is not read again.
    """

    def __init__(self, memory: Path) -> None:
        """Remember in ``memory``, which need not exist."""
        self._memory = memory
        self._changed = False
        try:
            self._known: dict[str, list[object]] = json.loads(memory.read_text())
        except (OSError, ValueError):
            self._known = {}

    def of(self, path: Path) -> str:
        """The digest of one file."""
        place = os.path.realpath(path)
        stat = os.stat(place)  # noqa: PTH116 - called once a file of every plan: keep it cheap
        mark = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        known = self._known.get(place)
        if known is not None and known[:3] == mark:
            return str(known[3])
        found = sha256(Path(place))
        self._known[place] = [*mark, found]
        self._changed = True
        return found

    def of_all(self, paths: list[Path]) -> str:
        """One digest for several files: of their names and digests, in the order given."""
        text = "\n".join(f"{p.name}\t{self.of(p)}" for p in paths)
        return hashlib.sha256(text.encode()).hexdigest()

    def save(self) -> None:
        """Write the memory, if it changed, so that no reader sees half of it."""
        if not self._changed:
            return
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        scratch = self._memory.with_suffix(f".{os.getpid()}.tmp")
        scratch.write_text(json.dumps(self._known))
        scratch.replace(self._memory)
        self._changed = False
