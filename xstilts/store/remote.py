"""Finished results behind a URL, for any number of machines (docs/decisions/0025-remote-store.md).

``{url}/records/{address}/{key}.json`` is a record and ``{url}/steps/{address}/{key}/{sha256}`` a
file of it. Files are written first, under names that no other bytes have; the record last, once.
"""

import json
import os
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from xstilts.core.errors import CorruptResultError, StoreError

_AT_ONCE = 16  # requests
_SECRET = re.compile("KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL")

Name = tuple[str, str]  # address and key


class Remote:
    """What a URL holds; what is known of it is remembered in a folder here."""

    def __init__(self, url: str, memory: Path) -> None:
        """Use ``url``; nothing is asked of it yet."""
        self.url = url.rstrip("/")
        self._memory = memory
        self._listed: set[Name] | None = None

    @cached_property
    def _place(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        try:
            fs, path = url_to_fs(self.url, use_listings_cache=False)
        except ImportError as error:
            own = self.url.startswith("s3:")
            do = "pip install 'xstilts[s3]'" if own else "install that package"
            raise self._error(str(error), do=do) from None
        return fs, path.rstrip("/")

    def names(self) -> set[Name]:
        """Every result that has a record; one listing a process."""
        if self._listed is None:
            began = time.time()
            with self._told("listed"):
                fs, base = self._place
                found = fs.find(f"{base}/records")
            inner = (path.partition(f"{base}/records/")[2] for path in found)
            named = (_name(x.removesuffix(".json")) for x in inner if x.endswith(".json"))
            self._listed = {name for name in named if name}
            self._forget_all_but(self._listed, began)
        return self._listed

    def gather(self, names: Iterable[Name]) -> None:
        """Remember the records of those of ``names`` that are there, all at once."""
        there = self.names()
        self._each(
            lambda name: self.record(*name, anew=True),
            [name for name in names if name in there and not self._remembered(*name).exists()],
        )

    def known(self, address: str, key: str) -> dict[str, Any] | None:
        """A record as it is remembered; asks nobody."""
        try:
            record: dict[str, Any] = json.loads(self._remembered(address, key).read_text())
        except (OSError, ValueError):
            return None
        return record

    def remembered(self, address: str) -> list[Path]:
        """The remembered records of one address; each is called as its key."""
        self.gather(name for name in self.names() if name[0] == address)
        return sorted((self._memory / address).glob("*.json"))

    def record(self, address: str, key: str, *, anew: bool = False) -> str | None:
        """The text of a record, or None; ``anew`` asks the server whatever is remembered."""
        memory = self._remembered(address, key)
        if not anew:
            if memory.exists():
                return memory.read_text(errors="replace")
            if self._listed is not None and (address, key) not in self._listed:
                return None
        fs, _ = self._place

        def bring(scratch: Path) -> object:
            return fs.get_file(self._record(address, key), str(scratch))

        with self._told("read"):
            try:
                self._remember(address, key, bring)
            except FileNotFoundError:
                memory.unlink(missing_ok=True)
                return None
        return memory.read_text(errors="replace")

    def fetch(self, record: dict[str, Any], folder: Path) -> None:
        """Bring the files of a result as they are; what is not there is left out.

        Raises:
            CorruptResultError: when the record names a file outside its folder.
        """
        fs, _ = self._place
        wanted = [file for file in record["files"].items() if file[0] not in record["pruned"]]
        for name in record["files"]:
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise CorruptResultError(f"{self.url}: a record names the file {name!r}")

        def bring(file: tuple[str, dict[str, Any]]) -> None:
            place = folder / file[0]
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                fs.get_file(self._file(record, file[1]), str(place))
            except FileNotFoundError:
                place.unlink(missing_ok=True)

        with self._told("read"):
            self._each(bring, wanted)

    def publish(self, record: dict[str, Any], folder: Path) -> bool:
        """Write files and then the record; False if another machine's record was there first.

        A record whose files were pruned gives way to one with all of them.
        """
        address, key = record["address"], record["key"]
        kept = {n: f for n, f in record["files"].items() if n not in record["pruned"]}
        fs, _ = self._place
        text = json.dumps(record, indent=1, sort_keys=True, allow_nan=False)
        with self._told("written"):
            self._each(
                lambda file: fs.put_file(str(folder / file[0]), self._file(record, file[1])),
                list(kept.items()),
            )
            try:
                fs.pipe_file(self._record(address, key), text.encode(), mode="create")
            except FileExistsError:
                theirs = self.record(address, key, anew=True)
                if theirs is None or record["pruned"] or not json.loads(theirs)["pruned"]:
                    return False
                fs.pipe_file(self._record(address, key), text.encode())
        self._remember(address, key, lambda scratch: scratch.write_text(text))
        return True

    def prune(self, record: dict[str, Any]) -> None:
        """Write a record that says which files are gone, and delete them."""
        fs, _ = self._place
        text = json.dumps(record, indent=1, sort_keys=True, allow_nan=False)
        gone = {f["sha256"] for n, f in record["files"].items() if n in record["pruned"]}
        gone -= {f["sha256"] for n, f in record["files"].items() if n not in record["pruned"]}
        with self._told("written"):
            fs.pipe_file(self._record(record["address"], record["key"]), text.encode())
            self._each(self._drop, [self._file(record, {"sha256": digest}) for digest in gone])
        address, key = record["address"], record["key"]
        self._remember(address, key, lambda scratch: scratch.write_text(text))

    def set_aside(self, address: str, key: str) -> None:
        """Take the record of a damaged result away, to ``{url}/aside``; its files stay."""
        text = self.record(address, key, anew=True)
        if text is None:
            return
        fs, base = self._place
        name = f"{address.replace('/', '__')}-{key}-{time.time_ns()}.json"
        with self._told("written"):
            fs.pipe_file(f"{base}/aside/{name}", text.encode())
            self._drop(self._record(address, key))
        self._forget(address, key)

    def sizes(self) -> dict[Name, int]:
        """Bytes of every result, with or without a record."""
        fs, base = self._place
        found: dict[Name, int] = defaultdict(int, dict.fromkeys(self.names(), 0))
        with self._told("listed"):
            files = fs.find(f"{base}/steps", detail=True)
        for path, facts in files.items():
            name = _name(path.partition(f"{base}/steps/")[2].rpartition("/")[0])
            if name:
                found[name] += facts["size"]
        return dict(found)

    def delete(self, address: str, key: str) -> None:
        """Delete a result, its record first."""
        fs, base = self._place
        with self._told("written"):
            self._drop(self._record(address, key))
            self._each(self._drop, fs.find(f"{base}/steps/{address}/{key}"))
        self._forget(address, key)

    def _record(self, address: str, key: str) -> str:
        return f"{self._place[1]}/records/{address}/{key}.json"

    def _file(self, record: dict[str, Any], facts: dict[str, Any]) -> str:
        return f"{self._place[1]}/steps/{record['address']}/{record['key']}/{facts['sha256']}"

    def _drop(self, path: str) -> None:
        try:
            self._place[0].rm_file(path)
        except FileNotFoundError:
            return

    def _remembered(self, address: str, key: str) -> Path:
        return self._memory / address / f"{key}.json"

    def _remember(self, address: str, key: str, write: Callable[[Path], object]) -> None:
        memory = self._remembered(address, key)
        memory.parent.mkdir(parents=True, exist_ok=True)
        scratch = memory.with_suffix(f".{os.getpid()}.{time.time_ns()}")
        try:
            write(scratch)
            scratch.replace(memory)
        finally:
            scratch.unlink(missing_ok=True)
        if self._listed is not None:
            self._listed.add((address, key))

    def _forget(self, address: str, key: str) -> None:
        self._remembered(address, key).unlink(missing_ok=True)
        if self._listed is not None:
            self._listed.discard((address, key))

    def _forget_all_but(self, names: set[Name], before: float) -> None:
        """Drop what was remembered before the listing, and is there no more."""
        for memory in self._memory.rglob("*.json"):
            address = memory.parent.relative_to(self._memory).as_posix()
            if (address, memory.stem) not in names and memory.stat().st_mtime < before:
                memory.unlink(missing_ok=True)

    @staticmethod
    def _each(work: Callable[[Any], object], items: list[Any]) -> None:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(work, items))

    @contextmanager
    def _told(self, done: str) -> Iterator[None]:
        """Whatever the server or its client library raise, as an error that the user can mend."""
        try:
            yield
        except (StoreError, CorruptResultError):
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise self._error(
                f"cannot be {done}: {reason}",
                do="see that it can be reached and run again; what is finished stays here "
                f"({self._memory.parent}) and is published then",
            ) from None

    def _error(self, what: str, *, do: str) -> StoreError:
        return StoreError(
            without_secrets(f"{self.url}: {what}"),
            where="--store, or XSTILTS_HOME",
            expected="a folder, or the URL of an object store that answers, its credentials where "
            "its client looks for them (AWS_PROFILE, AWS_ACCESS_KEY_ID …)",
            do=do,
        )


def without_secrets(text: str) -> str:
    """``text`` with the values of environment variables that name a secret struck out."""
    for name, value in os.environ.items():
        if _SECRET.search(name) and len(value) >= 4:
            text = text.replace(value, f"${name}")
    return text


def _name(path: str) -> Name | None:
    """Address and key of a path in the store; None for what is none."""
    address, _, key = path.rpartition("/")
    parts = path.split("/")
    return (address, key) if address and not {"", ".", ".."} & set(parts) else None
