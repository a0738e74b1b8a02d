"""Results on disk, one folder each: ``{root}/steps/{address}/{key}/``.

A result is built in ``{root}/work``. ``record.json`` is written last, with the checksum of every
file and the full text that was hashed; then the folder is renamed into place, so a folder that
exists is complete. What does not match its record is set aside, never served.
"""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xstilts.core.context import Result
from xstilts.core.errors import CorruptResultError
from xstilts.store.digests import sha256
from xstilts.store.lock import locked

RECORD = "record.json"
Write = Callable[[Path], dict[str, Any]]


class Store:
    """A folder of finished results."""

    def __init__(self, root: Path) -> None:
        """Use ``root``; nothing is created before the first result."""
        self.root = root.absolute()
        self._steps = str(self.root / "steps")
        self._verified: set[tuple[str, int, int]] = set()

    def path(self, address: str, key: str) -> Path:
        """Where the result lies, built or not."""
        return self.root / "steps" / address / key

    def record(self, address: str, key: str, identity: str | None = None) -> dict[str, Any] | None:
        """The record of a finished result, or None. Reads one small file.

        Raises:
            CorruptResultError: when the record is unreadable, names another result, a file is
                absent or has another size.
        """
        folder = f"{self._steps}/{address}/{key}"  # no Path: a plan looks at thousands of records
        try:
            with open(f"{folder}/{RECORD}") as file:  # noqa: PTH123
                text = file.read()
        except FileNotFoundError:
            return None
        try:
            record: dict[str, Any] = json.loads(text)
            promised = (record["address"], record["key"], identity or record["identity"])
            files, pruned = record["files"], set(record["pruned"])
            matches = promised == (address, key, record["identity"])
        except (ValueError, KeyError, TypeError):
            raise CorruptResultError(f"{folder}/{RECORD} is not a record") from None
        if not matches:
            raise CorruptResultError(f"{folder}/{RECORD} is the record of another result")
        for name, facts in files.items():
            if name in pruned:
                continue
            try:
                size = os.stat(f"{folder}/{name}").st_size  # noqa: PTH116
            except FileNotFoundError:
                if Path(folder, RECORD).read_text() != text:  # pruned at this very moment
                    return self.record(address, key, identity)
                raise CorruptResultError(f"{folder}/{name} is gone") from None
            if size != facts["bytes"]:
                raise CorruptResultError(
                    f"{folder}/{name} has {size} bytes, its record says {facts['bytes']}"
                )
        return record

    def sound(self, address: str, key: str, identity: str | None = None) -> dict[str, Any] | None:
        """The record of a finished result; None if it is absent or does not match its files."""
        try:
            return self.record(address, key, identity)
        except CorruptResultError:
            return None

    def open(self, address: str, key: str, identity: str | None = None) -> Result:
        """A finished result, every byte checked (once a process and state of a file).

        Raises:
            CorruptResultError: when a checksum does not match, or the result is not there.
        """
        record = self.record(address, key, identity)
        folder = self.path(address, key)
        if record is None:
            raise CorruptResultError(f"{folder} is not there")
        for name, facts in record["files"].items():
            if name in record["pruned"]:
                continue
            stat = (folder / name).stat()
            mark = (str(folder / name), stat.st_size, stat.st_mtime_ns)
            if mark in self._verified:
                continue
            if sha256(folder / name) != facts["sha256"]:
                raise CorruptResultError(f"{folder / name} does not match its checksum")
            self._verified.add(mark)
        return Result(folder, record["value"], key)

    def records(self, address: str) -> list[dict[str, Any]]:
        """Records of every sound result of one address, newest first."""
        found = sorted(
            (self.root / "steps" / address).glob(f"*/{RECORD}"),
            key=lambda p: p.stat().st_mtime,
            reverse=True,
        )
        records = (self.sound(address, p.parent.name) for p in found)
        return [r for r in records if r is not None]

    def set_aside(self, address: str, key: str) -> Path:
        """Move a result that does not match its record out of the way, for a person to look at."""
        place = self.root / "aside" / f"{address.replace('/', '__')}-{key}-{time.time_ns()}"
        place.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # another run was faster
            self.path(address, key).rename(place)
        return place

    def build(
        self,
        address: str,
        key: str,
        identity: str,
        write: Write,
        *,
        made: dict[str, Any],
        resumes: bool = False,
        waiting: Callable[[str], None] = lambda pid: None,
    ) -> bool:
        """Run ``write(folder)`` and keep what it leaves there; False if another process had.

        A result whose files were pruned is built again and replaced.

        Args:
            address: readable part of the name.
            key: fingerprint part of the name.
            identity: the text that was hashed.
            write: fills the folder and returns the JSON value of the record.
            made: facts about the making (machine, versions, threads), kept in the record.
            resumes: whether ``write`` goes on from what an interrupted run left in the folder.
            waiting: called once with the other builder's process id when there is one.
        """
        with locked(self.root / "locks" / f"{key}.lock", waiting):
            known = self.record(address, key)
            if known is not None and not known["pruned"]:
                return False
            work = self.root / "work" / f"{address.replace('/', '__')}-{key}"
            if work.exists() and not resumes:
                shutil.rmtree(work)
            work.mkdir(parents=True, exist_ok=True)
            for stale in work.glob(f"{RECORD}*"):  # of a run that ended just before the rename
                stale.unlink()
            began = time.time()
            value = write(work)
            record = {
                "address": address,
                "key": key,
                "identity": identity,
                "value": value,
                "files": _checksums(work),
                "pruned": [],
                "made": made | {"began": round(began, 3), "seconds": round(time.time() - began, 3)},
            }
            _write_json(work / RECORD, record)
            final = self.path(address, key)
            final.parent.mkdir(parents=True, exist_ok=True)
            if known is not None:
                shutil.rmtree(final)  # the same result without its weights
            work.rename(final)
            return True

    def prune(self, address: str, key: str, names: list[str]) -> None:
        """Delete files of a finished result but keep its record, which then says so."""
        with locked(self.root / "locks" / f"{key}.lock", lambda pid: None):
            record = self.record(address, key)
            if record is None:
                return
            record["pruned"] = sorted({*record["pruned"], *names})
            folder = self.path(address, key)
            _write_json(folder / RECORD, record)
            for name in names:
                (folder / name).unlink(missing_ok=True)


def _checksums(folder: Path) -> dict[str, dict[str, Any]]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {
        p.relative_to(folder).as_posix(): {"bytes": p.stat().st_size, "sha256": sha256(p)}
        for p in files
    }


def _write_json(path: Path, value: dict[str, Any]) -> None:
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    with scratch.open("w") as file:
        json.dump(value, file, indent=1, sort_keys=True, allow_nan=False)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
