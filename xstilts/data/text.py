"""Stage `text`: the documents of one language, some of them held out."""

import gzip
import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.core.context import Context, Result
from xstilts.core.errors import DataError
from xstilts.core.seeds import rank
from xstilts.data.corpora import FEWEST, Corpus, FolderText, LabText
from xstilts.lab import documents as lab
from xstilts.store.digests import sha256

TRAIN, HELD = "train.txt", "held.txt"
NAMES, HELD_NAMES = "train.names", "held.names"
_HELD_SEED = 0  # of the draw; the same documents whatever the run's seed
_RANKS = 16**64  # of xstilts.core.seeds.rank


def text(
    config: Corpus, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write ``train.txt`` and ``held.txt``, one document a line.

    A document that stands several times is held out everywhere or nowhere. Where a share of names
    is held out, other names under which one of those documents stands, too, are left out, and
    ``train.names`` and ``held.names`` have the name of every line.

    Raises:
        DataError: for a file that is not as it should be, or changed since the plan was made, or
            where there are too few documents to hold any out.
    """
    documents = list(_documents(config, context))
    names = dict.fromkeys(name for name, _ in documents)
    held = _held(names, config.held)
    kept = [(name, document) for name, document in documents if name in held]
    train = [(name, document) for name, document in documents if name not in held]
    value = {}
    if isinstance(config.held, float):
        known = {document for _, document in kept}
        there = len(train)
        train = [(name, document) for name, document in train if document not in known]
        value = {"repeated": there - len(train)}
        _write(folder / NAMES, [name for name, _ in train])
        _write(folder / HELD_NAMES, [name for name, _ in kept])
    if not (kept and train):
        raise DataError(
            f"{len(names)} documents of {config.language} are too few to hold some out and train",
            where=_place(config, context),
            expected=_enough(config.held),
            do="give more text",
        )
    _write(folder / HELD, [document for _, document in kept])
    _write(folder / TRAIN, [document for _, document in train])
    words = sum(len(document.split()) for _, document in train)
    return {"documents": len(train), "held": len(kept), "words": words, **value}


def _held(names: Collection[str], said: int | float) -> set[str]:
    """The names that are held out."""
    if isinstance(said, float):
        return {name for name in names if int(rank(_HELD_SEED, name), 16) < said * _RANKS}
    most = min(said, len(names) // FEWEST)
    return set(heapq.nsmallest(most, names, key=lambda name: rank(_HELD_SEED, name)))


def _enough(said: int | float) -> str:
    if isinstance(said, float):
        return f"some names among the {said:.2%} of all that are held out, and other text beside"
    return f"at least {FEWEST} different documents, one a line"


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{x}\n" for x in lines), "utf-8", newline="\n")


def documents_of(result: Result, part: str = TRAIN) -> list[str]:
    """The lines that :func:`text` wrote."""
    return (result.folder / part).read_text("utf-8").split("\n")[:-1]


def _place(config: Corpus, context: Context) -> str:
    if isinstance(config.source, LabText):
        return f"the laboratory's text in {config.language}"
    return " ".join(str(context.sources[digest]) for digest in config.source.digests)


def _documents(config: Corpus, context: Context) -> Iterator[tuple[str, str]]:
    """Name and text of every document."""
    if isinstance(config.source, LabText):
        found = lab.documents(config.language, config.source.tokens, config.source.seed)
        yield from ((document, document) for document in found)
    else:
        yield from _in_files(config.source, context)


def _in_files(source: FolderText, context: Context) -> Iterator[tuple[str, str]]:
    """One document a line; what stands before a tab is its name."""
    for digest in source.digests:
        path = context.sources[digest]
        if sha256(path) != digest:
            raise DataError(
                "A file changed while it was in use",
                where=str(path),
                expected=f"the bytes that were planned with (sha256 {digest[:12]}…)",
                do="run again: the plan is made from the files as they are then",
            )
        for line in _lines(path):
            name, tab, rest = line.partition("\t")
            document = " ".join((rest if tab else name).split())
            if document:
                yield name, document


def _lines(path: Path) -> Iterator[str]:
    opened = gzip.open if path.suffix == ".gz" else Path.open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            yield from file
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise DataError(
            f"{path.name} cannot be read: {error}",
            where=str(path),
            expected="text in UTF-8, one document a line; gzip if its name ends in .gz",
            do="mend the file, or leave its language out",
        ) from None
