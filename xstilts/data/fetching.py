"""Official files from the hub, at a pinned commit and with a known checksum, into a data folder."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from xstilts.core.context import silent
from xstilts.core.errors import DataError
from xstilts.store import hub
from xstilts.store.digests import sha256
from xstilts.tasks import Task, get_task
from xstilts.tasks.spec import HubSource

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of one file, or of a task none of whose files can be fetched.

    Attributes:
        task: the task's name.
        state: ``ok`` was there already.
        path: the file; None where nothing can be fetched.
        detail: why not; empty otherwise.
    """

    task: str
    state: Literal["ok", "fetched", "not fetchable"]
    path: Path | None = None
    detail: str = ""


def fetch(tasks: Iterable[Task], roots: Sequence[Path], say: Say = silent) -> list[Fetched]:
    """Bring the files of ``tasks`` into the first data folder; those of parts for their whole.

    Raises:
        DataError: without a data folder, for a place that holds another file, and where nothing
            can be written.
        HubError: when the hub does not give a file. What came before it is kept, and not fetched
            again.
    """
    if not roots:
        raise DataError(
            "No data folder is named",
            where="--data, XSTILTS_DATA",
            expected="a folder that gets the files",
            do="name one: xstilts data fetch TASK --data DIR",
        )
    whole = {part.name: part for task in tasks for part in _parts(task)}
    return [state for task in whole.values() for state in _fetch(task, roots[0], say)]


def refuse_missing(found: Sequence[Fetched]) -> None:
    """Stop where something could not be fetched, after all else was.

    Raises:
        DataError: with the number of tasks.
    """
    missing = [state.task for state in found if state.state == "not fetchable"]
    if missing:
        raise DataError(
            f"Not all of it can be fetched: {', '.join(missing)}",
            where="`hub` of their declarations: xstilts tasks NAME",
            expected="a commit, and the SHA-256 of each file, that somebody has read",
            do="get the release from its authors, put it where `xstilts tasks NAME` says, "
            "then: xstilts data check",
        )


def _parts(task: Task) -> Iterator[Task]:
    if not task.parts:
        yield task
    for name in dict.fromkeys(name for parts in task.parts.values() for name in parts):
        yield from _parts(get_task(name))


def _fetch(task: Task, root: Path, say: Say) -> Iterator[Fetched]:
    source = task.hub
    if source is None or source.revision is None or not source.files:
        yield Fetched(task.name, "not fetchable", detail=_why_not(source))
        return
    otherwise = f"get the release yourself: xstilts tasks {task.name}"
    where = f"task {task.name}, hub"
    repository = hub.Repository(source.repo, source.revision, where, otherwise, "dataset")
    for place, file in source.files.items():
        target = root / place
        if target.exists():
            _require_same(target, file.sha256)
            yield Fetched(task.name, "ok", target)
            continue
        say(f"fetching {place} from {source.repo}")
        _put(hub.fetched(repository, hub.HubFile(file.path, file.sha256)), target)
        yield Fetched(task.name, "fetched", target)


def _why_not(source: HubSource | None) -> str:
    if source is None:
        return "no copy on the hub is known"
    if source.revision is None:
        return f"no commit of {source.repo} is known: what it holds today may differ tomorrow"
    return f"no checksum of a release file in {source.repo} is known at {source.revision}"


def _require_same(target: Path, checksum: str) -> None:
    if not target.is_file() or sha256(target) != checksum:
        raise DataError(
            f"{target.name} is there already, and is another file",
            where=str(target),
            expected=f"no file, or the one with the SHA-256 {checksum}",
            do="move it away, then fetch again",
        )


def _put(source: Path, target: Path) -> None:
    """A copy that is there whole or not at all."""
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, scratch)
        scratch.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
        raise DataError(
            f"{target.name} cannot be kept: {error.strerror or error}",
            where=str(target),
            expected="a data folder that can be written to, with room for the file",
            do="make room, or name another: --data DIR; what came is kept in the hub's cache",
        ) from None
