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
from xstilts.tasks import get_task
from xstilts.tasks.examples import Example, asked
from xstilts.tasks.spec import FileSet, Split, Task

_SETTLED_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Found:
    """The files of one split in one language.

    Attributes:
        task: whose files these are.
        split: of that task.
        files: the release they belong to; its format is ``parts`` for those of several tasks.
        paths: in the order of the release's names, sorted where a name is a pattern.
        parts: what was found of each part, where a task is made of others.
    """

    task: Task
    split: Split
    files: FileSet
    paths: tuple[Path, ...]
    parts: tuple["Found", ...] = ()


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

    A release counts as there when every one of its names for the split has a file; a task that is
    made of others when every part is there. The folder of a user's own declaration comes first.
    """
    if split in task.parts:
        return _find_parts(task, split, language, roots)
    releases = [(f, _names(f, split, language)) for f in task.files if f.has(split, language)]
    beside = [Path(task.beside)] if task.beside else []
    for root, (files, names) in product([*beside, *roots], releases):
        for folder in files.folders:
            groups = [_matches(root / folder, name.split("/")) for name in names]
            if all(groups):
                paths = tuple(path for group in groups for path in group)
                return Found(task, split, files, paths)
    return None


def _find_parts(task: Task, split: Split, language: str, roots: Sequence[Path]) -> Found | None:
    parts = [find(get_task(t), s, language, roots) for t, s in task.parts[split].items()]
    there = tuple(part for part in parts if part is not None)
    if len(there) < len(parts):
        return None
    paths = tuple(path for part in there for path in part.paths)
    return Found(task, split, FileSet(format="parts", names={}), paths, there)


def has_gold(found: Found, task: Task) -> bool:
    """Whether the files hold answers, by a look at their start (XTREME strips its test files)."""
    if found.parts:
        return all(has_gold(part, part.task) for part in found.parts)
    return readers.has_gold(task, found.files, found.paths)


def present(task: Task, split: Split, roots: Sequence[Path]) -> tuple[str, ...]:
    """The task's languages whose files for ``split`` are there with their gold, in its order."""
    candidates = ((lang, find(task, split, lang, roots)) for lang in task.languages)
    return tuple(lang for lang, found in candidates if found and has_gold(found, task))


def expected(task: Task, split: Split, language: str) -> list[str]:
    """The places under a data folder where the files may lie, best first, for messages.

    Those of a user's own task stand beside its declaration.
    """
    if split in task.parts:
        parts = [expected(get_task(t), s, language)[:1] for t, s in task.parts[split].items()]
        return [" + ".join(place for part in parts for place in part)]
    return [
        " + ".join(str(Path(task.beside, folder, name)) for name in _names(files, split, language))
        for files in task.files
        if files.has(split, language)
        for folder in files.folders
    ]


def check(tasks: Iterable[Task], roots: Sequence[Path]) -> list[FileState]:
    """Read every file of ``tasks`` that is there.

    Absent files are listed where they would be needed: English for training and selection, every
    language for the split that is reported, also where a user's own task names no file for it,
    unless it is a dictionary, which is there to be trained on.
    """
    return [
        examples_in(task, split, language, roots)
        for task in tasks
        for split, language in _wanted(task, roots)
    ]


def _wanted(task: Task, roots: Sequence[Path]) -> Iterator[tuple[Split, str]]:
    dictionary = all(files.format == "dictionary_tsv" for files in task.files)
    reported = (task.score,) if task.beside and not dictionary else ()
    for split, language in product(dict.fromkeys((*task.splits, *reported)), task.languages):
        needed = split == task.score or language == "en"
        if needed or find(task, split, language, roots):
            yield split, language


def examples_in(task: Task, split: Split, language: str, roots: Sequence[Path]) -> FileState:
    """Read the files of one split in one language, and count what is in them."""
    found = find(task, split, language, roots)
    if found is None:
        places = ", ".join(expected(task, split, language))
        detail = f"expected one of: {places}" if places else _nothing_reported(task)
        return FileState(task.name, split, language, "missing", detail=detail)
    if not has_gold(found, task):
        detail = "the files are there, but the release took their gold out"
        return FileState(task.name, split, language, "missing", found.paths, detail=detail)
    try:
        count = sum(map(asked, examples_of(found, language)))
    except DataError as error:
        return FileState(task.name, split, language, "corrupt", found.paths, detail=str(error))
    return FileState(task.name, split, language, "ok", found.paths, count)


def _nothing_reported(task: Task) -> str:
    there = "".join(f", or score: {split}" for split in task.splits if split != "train")
    return (
        f"nothing could be reported: the declaration names no {task.score} file; "
        f"expected names: {{{task.score}: FILE}}{there}"
    )


def examples_of(found: Found, language: str) -> Iterator[Example]:
    """The examples of files, in file order; a file is read no further than they are asked for.

    Raises:
        DataError: with file and line, for a row that is not as the release should have it.
    """
    for part in found.parts:
        yield from examples_of(part, language)
    if not found.parts:
        task, files = found.task, found.files
        yield from readers.read(task, files, found.paths, found.split, language)


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
