"""Sentence vectors in ``.npy`` files: memory-mapped, and checked before anything is computed."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from xstilts.core.errors import DataError
from xstilts.retrieve.coarse import Floats

_AT_ONCE = 2**14  # vectors that are looked at together
_MADE_BY = "make it with: xstilts embed --encoder E --text FILE --out X.npy"


def read_vectors(path: Path) -> Floats:
    """The vectors of a file, ``(n, dim)``, left on disk until they are used.

    Raises:
        DataError: for a file that is none, holds Python objects, has another shape than
            ``(n, dim)``, other numbers than floats, or one that is not finite.
    """
    if not path.is_file():
        raise DataError(
            f"There is no file {path}", where=str(path), expected="a .npy file", do="check the path"
        )
    try:
        with np.errstate(over="raise"):  # of the size that the header claims
            found = np.lib.format.open_memmap(path, mode="r")  # never unpickles anything
    except Exception as error:  # the header is Python: its parser raises errors of many kinds
        reason = str(error).partition("\n")[0]
        raise _wrong(f"The file is no array of numbers: {reason}", path) from None
    if found.ndim != 2 or 0 in found.shape:
        raise _wrong(f"The array has the shape {found.shape}", path)
    if found.dtype.kind != "f" or found.dtype.itemsize > 8:
        raise _wrong(f"The array holds {found.dtype}", path)
    for first in range(0, len(found), _AT_ONCE):
        whole = np.isfinite(found[first : first + _AT_ONCE]).all(1)
        if not whole.all():
            row = first + int(whole.argmin())
            raise _wrong(f"Vector {row} has a number that is not finite", f"{path}: row {row}")
    return found


def read_pair(first: Path, second: Path) -> tuple[Floats, Floats]:
    """The vectors of two files that are to be compared.

    Raises:
        DataError: as :func:`read_vectors`, and where the vectors are not of one length.
    """
    one, other = read_vectors(first), read_vectors(second)
    if one.shape[1] != other.shape[1]:
        raise DataError(
            f"Vectors of {one.shape[1]} and of {other.shape[1]} numbers cannot be compared",
            where=f"{first} and {second}",
            expected="vectors of one encoder, layer and pooling",
            do=_MADE_BY,
        )
    return one, other


def require_neighbours(k: int) -> None:
    """Refuse a number of neighbours below 1.

    Raises:
        DataError: with the remedy.
    """
    if k < 1:
        raise DataError(f"{k} neighbours are none", where="--k", expected="1 or more", do="--k 4")


def require_apart(out: Path, *inputs: Path) -> None:
    """Refuse to write over what is read.

    Raises:
        DataError: where ``out`` is the file of an input, be it by another name.
    """
    for path in inputs:
        if out.exists() and path.exists() and out.samefile(path):
            raise DataError(
                f"{out} is an input and would be overwritten",
                where=f"--out {out}",
                expected="a file that is not read",
                do="choose another name for --out",
            )


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A scratch path beside ``path`` that takes its place once it is whole.

    Raises:
        DataError: where the folder of ``path`` does not exist or is not to be written to.
    """
    if not path.parent.is_dir() or path.is_dir() or not os.access(path.parent, os.W_OK):
        raise DataError(
            f"{path} cannot be written",
            where=f"--out {path}",
            expected="a file in a folder that exists",
            do=f"mkdir -p {path.parent}",
        )
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield scratch
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def write_rows(path: Path, rows: Iterable[tuple[object, ...]]) -> None:
    """Rows of a text file, cells parted by tabs."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines("\t".join(map(str, row)) + "\n" for row in rows)


def _wrong(what: str, where: object) -> DataError:
    return DataError(
        what,
        where=str(where),
        expected="one array of finite float32 numbers, (sentences, dim)",
        do=_MADE_BY,
    )
