"""Stage `read`: the official files of one slice, checked row by row, as a table of examples."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from xstilts.core.context import Context, Result
from xstilts.core.errors import DataError
from xstilts.data.draw import carve, sample
from xstilts.data.readers import READERS
from xstilts.data.readers import read as read_files
from xstilts.data.readers.source import FETCH_AGAIN, MEND_OWN
from xstilts.data.same_examples import MEND, refuse_others
from xstilts.data.slices import TRANSLATED, Slice
from xstilts.store.digests import sha256
from xstilts.tasks import get_task
from xstilts.tasks.examples import Candidate, Example, Kinds, Query, Tagged, asked
from xstilts.tasks.spec import FileSet

EXAMPLES = "examples.parquet"


def read(
    config: Slice, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write the slice's examples to ``examples.parquet``.

    Raises:
        DataError: with file and line, for a row that is not as the release should have it, and
            for a file that changed since the plan was made.
    """
    examples, candidates = _drawn(config, inputs, context)
    write_examples(folder / EXAMPLES, [*examples, *candidates])
    value: dict[str, Any] = {
        "n": sum(map(asked, examples)),
        "groups": len({e.group for e in examples}),
        "files": [context.sources[digest].name for digest in config.digests],
    }
    if get_task(config.task).open_labels:
        value["labels"] = sorted({t for e in examples if isinstance(e, Tagged) for t in e.tags})
    return value


def _drawn(
    config: Slice, inputs: Mapping[str, Result], context: Context
) -> tuple[list[Example], list[Candidate]]:
    """The examples of a slice, and the candidates of its queries."""
    where = _paths(config, context)
    left_out = set(config.without)
    rows = _told(config, context) if _by_a_user(config) else list(_rows(config, inputs, context))
    candidates = [e for e in rows if isinstance(e, Candidate) and e.id not in left_out]
    examples = carve([e for e in rows if not isinstance(e, Candidate)], config.part)
    if config.translates is not None:
        english = {e.id: e for e in _drawn(config.translates, {}, context)[0]}
        if _by_a_user(config):
            original = _paths(config.translates, context)
            refuse_others(examples, english, task=config.task, where=where, original=original)
        examples = [e for e in examples if e.id in english]
    examples = [e for e in examples if e.id not in left_out]
    gone = {e.group for other in config.apart for e in _drawn(other, {}, context)[0]}
    examples = [e for e in examples if e.group not in gone]
    pairs = not config.parts and not READERS[config.format].pool
    if pairs:
        examples = _with_gold(examples, candidates)
    examples = sample(examples, config.sample, where=where, draw=config.draw)
    if config.at_most is not None:
        examples = sample(examples, min(config.at_most, len(examples)), where=where)
    if pairs:
        candidates = _of_queries(candidates, examples)
    if not examples:
        raise DataError(
            f"No example is left of {config.task} ({config.split}, {config.language})",
            where=where,
            expected="at least one example",
            do=_more(config),
        )
    return examples, candidates


def _paths(config: Slice, context: Context) -> str:
    return " ".join(str(context.sources[digest]) for digest in config.digests)


def _by_a_user(config: Slice) -> bool:
    """Whether the files are somebody's translations, which no release can replace."""
    return config.translates is not None and config.translation is None


def _more(config: Slice) -> str:
    """What to do where no example is left."""
    if config.translation is not None:
        return "name another model: this one's translations lost every answer"
    if config.translates is not None:
        return "translate more of the English training file"
    return "use the full release file"


def _told(config: Slice, context: Context) -> list[Example]:
    """The examples of somebody's translations."""
    try:
        return list(_rows(config, {}, context))
    except DataError as error:
        do = MEND if error.do in (FETCH_AGAIN, MEND_OWN) else error.do
        raise DataError(error.what, where=error.where, expected=error.expected, do=do) from None


def _rows(config: Slice, inputs: Mapping[str, Result], context: Context) -> Iterator[Example]:
    """The examples of all parts; ids, unique in each, then start with its task and a colon.

    Those of a translation are what the model made of the English ones.
    """
    if config.translation is not None:
        told = inputs[TRANSLATED]
        yield from read_examples(told.folder, config.kind) if told.value["examples"] else ()
        return
    if config.parts:
        for part in config.parts:
            for example in _rows(part, {}, context):
                yield replace(example, id=f"{part.task}:{example.id}")
        return
    paths = [context.sources[digest] for digest in config.digests]
    for path, digest in zip(paths, config.digests, strict=True):
        if sha256(path) != digest:
            raise DataError(
                "A file changed while it was in use",
                where=str(path),
                expected=f"the bytes that were planned with (sha256 {digest[:12]}…)",
                do="run again: the plan is made from the files as they are then",
            )
    files = FileSet(
        format=config.format,
        names={},
        codes=config.codes,
        columns=config.columns,
        rename=config.rename,
    )
    yield from read_files(get_task(config.task), files, paths, config.split, config.language)


def _with_gold(queries: Sequence[Example], candidates: Sequence[Candidate]) -> list[Example]:
    """The queries whose right candidates are all there: what leaks takes its queries along."""
    there = {c.id for c in candidates}
    return [q for q in queries if isinstance(q, Query) and there.issuperset(q.gold)]


def _of_queries(candidates: Sequence[Candidate], queries: Sequence[Example]) -> list[Candidate]:
    """The candidates that are right for one of the queries, or of the same group as one."""
    groups = {q.group for q in queries}
    gold = {right for q in queries if isinstance(q, Query) for right in q.gold}
    return [c for c in candidates if c.id in gold or c.group in groups]


def write_examples(path: Path, examples: Sequence[Example]) -> None:
    """Write examples of one kind as Parquet, one column a field; candidates lie in a table beside.

    The tables are ``path`` and, where the examples are queries, ``candidates.parquet``.
    """
    for make in dict.fromkeys(map(type, examples)):
        rows = [e for e in examples if type(e) is make]
        columns = {f.name: [getattr(e, f.name) for e in rows] for f in fields(make)}
        pq.write_table(pa.table(columns), _table(path, make))


def read_examples(folder: Path, kind: str) -> list[Any]:
    """The examples of one kind that ``write_examples`` wrote."""
    found: list[Any] = []
    makes: tuple[Any, ...] = Kinds.BY_NAME[kind]
    for make in makes:
        columns = pq.read_table(_table(folder / EXAMPLES, make)).to_pydict()
        rows = zip(*(columns[f.name] for f in fields(make)), strict=True)
        found += [make(*(tuple(v) if isinstance(v, list) else v for v in row)) for row in rows]
    return found


def _table(path: Path, make: type[Example]) -> Path:
    return path.with_name("candidates.parquet") if make is Candidate else path
