"""Finding official files in data folders: ``ROOT/<folder>/<release file name>``."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Literal

from xstilts.core.errors import DataError
from xstilts.data import readers
from xstilts.tasks.spec import FileSet, Split, Task

_SETTLED_NS = 2_000_000_000
_SPLITS: tuple[Split, ...] = ("train", "dev", "test")


@dataclass(frozen=True, slots=True)
class Found:
    """The files of one split in one language.

    Attributes:
        files: the release they belong to.
        paths: in the order of the release's names, sorted where a name is a pattern.
    """

    files: FileSet
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class FileState:
    """What became of one split in one language when its files were read.

    Attributes:
        task: the task's name.
        split: of the release.
        language: as the task names it.
        state: ``missing`` also where the files are there without their gold; ``corrupt`` where a
            reader refused them.
        paths: the files; empty where none was found.
        examples: how many were read; None unless ``ok``.
        detail: what is expected, or the reader's message; empty when ``ok``.
    """

    task: str
    split: Split
    language: str
    state: Literal["ok", "missing", "corrupt"]
    paths: tuple[Path, ...] = ()
    examples: int | None = None
    detail: str = ""


def find(task: Task, split: Split, language: str, roots: Sequence[Path]) -> Found | None:
    """The first files there are: by data folder, then release, then accepted folder name.

    A release counts as there when every one of its names for the split has a file.
    """
    releases = [(f, _names(f, split, language)) for f in task.files if split in f.names]
    for root, (files, names) in product(roots, releases):
        for folder in files.folders:
            groups = [_matches(root / folder, name.split("/")) for name in names]
            if all(groups):
                return Found(files, tuple(path for group in groups for path in group))
    return None


def has_gold(found: Found, task: Task) -> bool:
    """Whether the files hold answers, by a look at their start (XTREME strips its test files)."""
    return readers.has_gold(task, found.files, found.paths)


def present(task: Task, split: Split, roots: Sequence[Path]) -> tuple[str, ...]:
    """The task's languages whose files for ``split`` are there with their gold, in its order."""
    candidates = ((lang, find(task, split, lang, roots)) for lang in task.languages)
    return tuple(lang for lang, found in candidates if found and has_gold(found, task))


def expected(task: Task, split: Split, language: str) -> list[str]:
    """The places under a data folder where the files may lie, best first, for messages."""
    return [
        f"{folder}/{' + '.join(_names(files, split, language))}"
        for files in task.files
        if split in files.names
        for folder in files.folders
    ]


def check(tasks: Iterable[Task], roots: Sequence[Path]) -> list[FileState]:
    """Read every file of ``tasks`` that is there.

    Absent files are listed where they would be needed: English for training and selection, every
    language for the split that is reported. Tasks in formats that no reader knows are left out.
    """
    return [
        _state(task, split, language, roots)
        for task in tasks
        if any(files.format in readers.READERS for files in task.files)
        for split, language in _wanted(task, roots)
    ]


def _wanted(task: Task, roots: Sequence[Path]) -> Iterator[tuple[Split, str]]:
    served = {split for files in task.files for split in files.names}
    for split, language in product((s for s in _SPLITS if s in served), task.languages):
        needed = split == task.score or language == "en"
        if needed or find(task, split, language, roots):
            yield split, language


def _state(task: Task, split: Split, language: str, roots: Sequence[Path]) -> FileState:
    found = find(task, split, language, roots)
    if found is None:
        places = "expected one of: " + ", ".join(expected(task, split, language))
        return FileState(task.name, split, language, "missing", detail=places)
    if not has_gold(found, task):
        detail = "the files are there, but the release took their gold out"
        return FileState(task.name, split, language, "missing", found.paths, detail=detail)
    try:
        count = sum(1 for _ in readers.read(task, found.files, found.paths, split, language))
    except DataError as error:
        return FileState(task.name, split, language, "corrupt", found.paths, detail=str(error))
    return FileState(task.name, split, language, "ok", found.paths, count)


def _names(files: FileSet, split: Split, language: str) -> list[str]:
    code = files.codes.get(language, language)
    return [name.replace("{code}", code) for name in files.names[split]]


def _matches(folder: Path, parts: Sequence[str]) -> list[Path]:
    """The files under ``folder`` whose path matches ``parts``, sorted; ``*`` is any text."""
    first, *rest = parts
    if "*" in first:
        names = sorted(n for n in _listing(folder) if fnmatchcase(n, first))
    else:
        names = [first] if rest or first in _listing(folder) else []
    if rest:
        return [path for name in names for path in _matches(folder / name, rest)]
    return [folder / name for name in names]


def _listing(folder: Path) -> frozenset[str]:
    """The names in ``folder``; none where it is no folder.

    Kept until the folder changes. A folder that changed just now is listed again each time, since
    its next change may carry the same time stamp.
    """
    try:
        changed = folder.stat().st_mtime_ns
        if time.time_ns() - changed < _SETTLED_NS:
            return _list(folder)
        return _list_settled(folder, changed)
    except OSError:
        return frozenset()


def _list(folder: Path) -> frozenset[str]:
    return frozenset(entry.name for entry in folder.iterdir())


@lru_cache(maxsize=1024)
def _list_settled(folder: Path, changed: int) -> frozenset[str]:
    return _list(folder)
