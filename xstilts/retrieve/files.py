"""Neighbours and pairs of vectors that lie in files, into files."""

from contextlib import nullcontext
from pathlib import Path

from xstilts.retrieve.margin import Mined, how, mine
from xstilts.retrieve.neighbours import nearest
from xstilts.retrieve.vectors import (
    read_pair,
    replaced,
    require_apart,
    require_neighbours,
    write_rows,
)


def write_nearest(queries: Path, corpus: Path, out: Path, k: int) -> None:
    """Write the ``k`` nearest vectors of a corpus to every query; see :func:`xstilts.retrieve`."""
    require_neighbours(k)
    require_apart(out, queries, corpus)
    with replaced(out) as scratch:
        found = nearest(*read_pair(queries, corpus), k)
        rows = zip(found.indices.tolist(), found.scores.tolist(), strict=True)
        every = (
            (query, rank, index, f"{score:.9g}")
            for query, (indices, scores) in enumerate(rows)
            for rank, (index, score) in enumerate(zip(indices, scores, strict=True), 1)
        )
        write_rows(scratch, every)


def mine_files(
    source: Path, target: Path, out: Path | None, k: int, margin: str, strategy: str
) -> Mined:
    """Pairs that translate each other, written where ``out`` says; see :func:`xstilts.mine`."""
    require_neighbours(k)
    if out:
        require_apart(out, source, target)
    kinds = how(margin, strategy)
    with replaced(out) if out else nullcontext() as scratch:
        mined = mine(*read_pair(source, target), k, *kinds)
        if scratch:
            scores = (f"{score:.9g}" for score in mined.scores.tolist())
            rows = zip(scores, mined.source.tolist(), mined.target.tolist(), strict=True)
            write_rows(scratch, rows)
    return mined
