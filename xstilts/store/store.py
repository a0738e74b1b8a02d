"""Results on disk, one folder each: ``{root}/steps/{address}/{key}/``.

A result is built in ``{root}/work``. ``record.json`` is written last, with the checksum of every
file and the full text that was hashed; then the folder is renamed into place, so a folder that
exists is complete. What does not match its record is set aside, never served.

A store may stand before a remote one (`remote.py`). It is then the place of work and a bounded
cache: what is not here is fetched when it is opened, what was built here is published.
"""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from xstilts.core.context import Result
from xstilts.core.errors import CorruptResultError, StoreError
from xstilts.store.cache import RECORD, Bound, Uses, bytes_of, remove, results_in
from xstilts.store.digests import sha256
from xstilts.store.lock import locked
from xstilts.store.remote import Name, Remote

Write = Callable[[Path], dict[str, Any]]


class Store:
    """A folder of finished results."""

    def __init__(self, root: Path, url: str | None = None, limit: int = 0) -> None:
        """Use ``root``; nothing is created before the first result.

        Args:
            root: the folder.
            url: of the remote store that it stands before.
            limit: bytes of finished results that may then lie in ``root``.
        """
        self.root = root.absolute()
        self.remote = Remote(url, self.root / "remote") if url else None
        self.uses = Uses(self.root)
        self._limit = limit
        self._steps = str(self.root / "steps")
        self._verified: set[tuple[str, int, int]] = set()

    def __reduce__(self) -> tuple[object, ...]:
        """Cross a process boundary as its address."""
        return Store, (self.root, self.remote and self.remote.url, self._limit)

    def path(self, address: str, key: str) -> Path:
        """Where the result lies, built or not."""
        return self.root / "steps" / address / key

    def record(self, address: str, key: str, identity: str | None = None) -> dict[str, Any] | None:
        """The record of a finished result, or None. Reads one small file.

        Raises:
            CorruptResultError: when the record is unreadable, names another result, a file is
                absent or has another size.
        """
        record = self._here(address, key, identity)
        if record is None and self.remote is not None:
            return self._there(address, key, identity)
        return record

    def _here(self, address: str, key: str, identity: str | None = None) -> dict[str, Any] | None:
        folder = f"{self._steps}/{address}/{key}"  # no Path: a plan looks at thousands of records
        text = _text(f"{folder}/{RECORD}")
        if text is None:
            return None
        record = _parsed(text, f"{folder}/{RECORD}", address, key, identity)
        pruned = set(record["pruned"])
        for name, facts in record["files"].items():
            if name in pruned:
                continue
            try:
                size = os.stat(f"{folder}/{name}").st_size  # noqa: PTH116
            except FileNotFoundError:
                if _text(f"{folder}/{RECORD}") != text:  # pruned or evicted at this very moment
                    return self.record(address, key, identity)
                raise CorruptResultError(f"{folder}/{name} is gone") from None
            if size != facts["bytes"]:
                raise CorruptResultError(
                    f"{folder}/{name} has {size} bytes, its record says {facts['bytes']}"
                )
        return record

    def _there(
        self, address: str, key: str, identity: str | None = None, *, anew: bool = False
    ) -> dict[str, Any] | None:
        assert self.remote is not None
        text = self.remote.record(address, key, anew=anew)
        place = f"{self.remote.url}/records/{address}/{key}.json"
        return None if text is None else _parsed(text, place, address, key, identity)

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
        folder = self.path(address, key)
        if self.remote is None:
            record = self._here(address, key, identity)
        else:
            self.uses.add(key)
            with locked(self._lock(key), lambda pid: None):
                record = self._here(address, key, identity) or self._fetch(address, key, identity)
        if record is None:
            raise CorruptResultError(f"{folder} is not there")
        if self.remote is not None:
            os.utime(folder)  # what was used longest ago goes first
        self._check(record, folder)
        return Result(folder, record["value"], key)

    def _check(self, record: dict[str, Any], folder: Path) -> None:
        """Read every byte (once a process and state of a file)."""
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

    def records(self, address: str) -> list[dict[str, Any]]:
        """Records of every sound result of one address, newest first."""
        here = (self.root / "steps" / address).glob(f"*/{RECORD}")
        found = {p.parent.name: p.stat().st_mtime for p in here}
        for path in self.remote.remembered(address) if self.remote else ():
            found.setdefault(path.stem, path.stat().st_mtime)
        newest = sorted(found, key=lambda key: found[key], reverse=True)
        records = [r for key in newest if (r := self.sound(address, key))]
        return sorted(records, key=lambda r: float(r["made"]["began"]), reverse=True)

    def set_aside(self, address: str, key: str) -> Path:
        """Move a result that does not match its record out of the way, for a person to look at.

        What is whole in the remote store is fetched again; what is damaged there, too, is set aside
        there.
        """
        place = self.root / "aside" / f"{address.replace('/', '__')}-{key}-{time.time_ns()}"
        place.parent.mkdir(parents=True, exist_ok=True)
        with locked(self._lock(key), lambda pid: None):
            with contextlib.suppress(FileNotFoundError):  # another run was faster
                self.path(address, key).rename(place)
            if self.remote is not None:
                try:
                    self._fetch(address, key)
                except CorruptResultError:
                    self.remote.set_aside(address, key)
                    shutil.rmtree(self.path(address, key), ignore_errors=True)
        return place

    def is_here(self, address: str, key: str) -> bool:
        """Whether a finished result lies in this folder."""
        return (self.path(address, key) / RECORD).exists()

    def gather(self, names: Iterable[Name]) -> None:
        """Learn what the remote store has of these, by one listing and all records at once."""
        if self.remote is not None:
            self.remote.gather(names)

    def share(self, names: Iterable[Name]) -> None:
        """Begin or end a run: publish whatever of these is finished here and not there yet."""
        self.uses.begin()
        if self.remote is None:
            return
        wanted = list(names)
        self.remote.gather(wanted)
        for address, key in wanted:
            self.publish(address, key)

    def publish(self, address: str, key: str) -> None:
        """Put a result that is here into the remote store, if there is one that lacks it.

        Raises:
            StoreError: when it cannot be reached; the result is whole here, and published by the
                next run.
        """
        record = self._here(address, key) if self.remote else None
        if self.remote and record and not self._is_elsewhere(address, key):
            self._check(record, self.path(address, key))
            self.remote.publish(record, self.path(address, key))

    def _is_elsewhere(self, address: str, key: str) -> bool:
        """Whether the remote store is known to have all that is here."""
        theirs = self.remote.known(address, key) if self.remote else None
        try:
            mine = self._here(address, key)
        except CorruptResultError:
            return False
        if theirs is None or mine is None:
            return False
        return set(theirs["pruned"]) <= set(mine["pruned"])

    def _fetch(self, address: str, key: str, identity: str | None = None) -> dict[str, Any] | None:
        """Bring a result from the remote store and check it; None if there is none."""
        self.uses.add(key)
        record = self.remote and self._there(address, key, identity, anew=True)
        if not self.remote or not record:
            return None
        work = self.root / "work" / f"fetched__{key}"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        self.remote.fetch(record, work)
        _write_json(work / RECORD, record)
        self._place(work, address, key)
        try:
            self._check(self._here(address, key) or record, self.path(address, key))
        except CorruptResultError as error:
            raise CorruptResultError(f"{error}, as fetched from {self.remote.url}") from None
        return record

    def _place(self, work: Path, address: str, key: str) -> None:
        """Put a finished folder where it belongs, in the place of one with fewer files."""
        final = self.path(address, key)
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.exists():
            shutil.rmtree(final)
        work.rename(final)
        if self.remote is not None:
            Bound(self.root, self._limit, self.uses, self._is_elsewhere).grew(final)

    def _lock(self, key: str) -> Path:
        return self.root / "locks" / f"{key}.lock"

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
        with locked(self._lock(key), waiting):
            if self._is_whole(address, key):
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
            self._place(work, address, key)
            return True

    def _is_whole(self, address: str, key: str) -> bool:
        """Whether the result is here with all its files, or has come from another machine."""
        known = self._here(address, key)
        if known is not None and not known["pruned"]:
            return True
        try:
            theirs = self._there(address, key, anew=True) if self.remote else None
            return bool(theirs and not theirs["pruned"] and self._fetch(address, key))
        except StoreError:
            return False  # then it is built here, too, and whoever publishes it says what is wrong

    def prune(self, address: str, key: str, names: list[str]) -> None:
        """Delete files of a finished result but keep its record, which then says so."""
        with locked(self._lock(key), lambda pid: None):
            record = self._here(address, key)
            if record is not None:
                record["pruned"] = sorted({*record["pruned"], *names})
                folder = self.path(address, key)
                _write_json(folder / RECORD, record)
                for name in names:
                    (folder / name).unlink(missing_ok=True)
            theirs = self._there(address, key, anew=True) if self.remote else None
            if self.remote and theirs:
                theirs["pruned"] = sorted({*theirs["pruned"], *names})
                self.remote.prune(theirs)

    def names(self) -> dict[Name, int]:
        """Bytes of every result, here or in the remote store."""
        steps = self.root / "steps"
        found = {
            (p.parent.relative_to(steps).as_posix(), p.name): bytes_of(p) for p in results_in(steps)
        }
        return found | (self.remote.sizes() if self.remote else {})

    def delete(self, address: str, key: str) -> None:
        """Delete a result here and in the remote store."""
        if self.remote is not None:
            self.remote.delete(address, key)
        if self.path(address, key).exists():
            remove(self.path(address, key), self.root / "work")


def _text(path: str) -> str | None:
    try:
        with open(path) as file:  # noqa: PTH123
            return file.read()
    except FileNotFoundError:
        return None


def _parsed(text: str, place: str, address: str, key: str, identity: str | None) -> dict[str, Any]:
    """A record, after a look at whose it is."""
    try:
        record: dict[str, Any] = json.loads(text)
        promised = (record["address"], record["key"], identity or record["identity"])
        matches = promised == (address, key, record["identity"])
        _ = record["files"].items(), set(record["pruned"]), record["value"], record["made"]["began"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CorruptResultError(f"{place} is not a record") from None
    if not matches:
        raise CorruptResultError(f"{place} is the record of another result")
    return record


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
