"""One official file while it is read: its numbered lines, and the errors that name them."""

import codecs
import gzip
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from xstilts.core.errors import DataError
from xstilts.core.spec import digest
from xstilts.tasks.spec import FileSet, Task

FETCH_AGAIN = "replace the file by the release's own, then: xstilts data check"
MEND_OWN = "mend the file, or what the declaration says of it, then: xstilts data check TASK.yaml"
MEND_LABELS = "mend the row, or name the label under `labels` or `rename` of the task"
NO_GOLD = "use the release that holds the answers; XTREME's download takes them out of test files"


@dataclass(frozen=True, slots=True)
class Source:
    """The files of one example stream.

    Attributes:
        task: whose examples these are.
        files: the release they come from.
        paths: one file, or those that only make sense together.
        language: of the text, as the task names it.
        prefix: put before ids and position groups, so that several files never share one.
    """

    task: Task
    files: FileSet
    paths: tuple[Path, ...]
    language: str
    prefix: str = ""

    @property
    def path(self) -> Path:
        """The first (usually the only) file."""
        return self.paths[0]

    def error(
        self,
        what: str,
        line: int,
        *,
        expected: str,
        do: str = FETCH_AGAIN,
        path: Path | None = None,
    ) -> DataError:
        """A :class:`DataError` at ``line`` (1-based) of the file, or of the one at ``path``."""
        return DataError(what, where=f"{path or self.path}:{line}", expected=expected, do=do)

    @property
    def code(self) -> str:
        """The release's code of the language."""
        return self.files.codes.get(self.language, self.language)

    def renamed(self, text: str) -> str:
        """``text`` as the task writes it."""
        return self.files.rename.get(text, text)

    def label(self, text: str, where: str) -> str:
        """The label that the release writes as ``text``; any but none where labels are open.

        Raises:
            DataError: with the known labels, when it is none of them.
        """
        label = self.renamed(text)
        if label not in self.task.labels and not (self.task.open_labels and label):
            raise DataError(
                f"{text!r} is no label of {self.task.name}",
                where=where,
                expected=f"one of: {', '.join(self.task.labels) or 'any but an empty one'}",
                do=MEND_LABELS if self.task.beside else FETCH_AGAIN,
            )
        return label


def raw_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Line numbers (from 1) and lines with their ends; a UTF-8 byte order mark is dropped.

    A file whose name ends in ``.gz`` is unpacked. Only a line feed ends a line: Unicode's own
    separators do stand inside sentences.

    Raises:
        DataError: for a file that cannot be opened, and for a line that is not UTF-8.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                line = raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
                if line:
                    yield number, _decode(line, path, number)
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from None


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """As :func:`raw_lines`, without the line ends (LF or CRLF)."""
    for number, line in raw_lines(path):
        yield number, line.removesuffix("\n").removesuffix("\r")


def head(path: Path) -> list[str]:
    """The first 20 lines that are not blank, to tell a release without gold from one bad row."""
    return [line for _, line in islice((x for x in lines(path) if x[1].strip(" ")), 20)]


def whole(path: Path) -> str:
    """The text of a file that can only be understood as one document.

    Raises:
        DataError: for a file that cannot be opened; for bytes that are not UTF-8, with the line.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None
    return _decode(raw.removeprefix(codecs.BOM_UTF8), path, 1)


def _decode(raw: bytes, path: Path, first_line: int) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = first_line + raw.count(b"\n", 0, error.start)
        raise DataError(
            "The file is not UTF-8 text",
            where=f"{path}:{line}",
            expected="UTF-8, uncompressed",
            do=FETCH_AGAIN,
        ) from None


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(
        f"The file cannot be read: {getattr(error, 'strerror', None) or error}",
        where=str(path),
        expected="a readable file",
        do="check that it exists and that you may read it",
    )


def normalised(text: str) -> str:
    """``text`` for comparing: NFKC, case folded, white space squeezed."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def text_group(text: str) -> str:
    """The group of all examples that share ``text``, up to case and white space."""
    return digest(normalised(text))


def groups_of(source: Source) -> Callable[[str], str]:
    """How the examples of this file are grouped, given their first texts in file order.

    In a parallel set the n-th block of equal first texts is ``p<n>`` in every language. Elsewhere
    the text itself names the group, wherever it stands.
    """
    if not source.task.parallel:
        return text_group
    block, previous = -1, None

    def position(first: str) -> str:
        nonlocal block, previous
        if first != previous:
            block, previous = block + 1, first
        return f"{source.prefix}p{block}"

    return position
