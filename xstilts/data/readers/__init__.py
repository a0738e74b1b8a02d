"""Readers: official release files in, examples out, in file order, checked row by row."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from xstilts.core.errors import DataError
from xstilts.data.readers.choice import commonsenseqa_jsonl, hellaswag_jsonl
from xstilts.data.readers.dictionary import dictionary_tsv
from xstilts.data.readers.mining import bucc_has_gold, bucc_lines
from xstilts.data.readers.nli import nli_jsonl, pair_tsv, pair_tsv_has_gold
from xstilts.data.readers.parallel import aligned_lines, tatoeba_has_gold, tatoeba_lines
from xstilts.data.readers.ranking import (
    mewslix_jsonl,
    mewslix_pairs,
    squad_sentences,
    xquadr_json,
)
from xstilts.data.readers.records import json_document, json_objects
from xstilts.data.readers.source import FETCH_AGAIN, MEND_OWN, Source
from xstilts.data.readers.squad import squad_has_gold, squad_json
from xstilts.data.readers.tables import glue_tsv, qqp_tsv, quoted_table, xnli_tsv
from xstilts.data.readers.tagging import (
    ccg_auto,
    conllu,
    supertag_conllu,
    tagged_spaced,
    tagged_tsv,
    tagged_tsv_has_gold,
)
from xstilts.tasks.examples import Example, asked
from xstilts.tasks.spec import FileSet, Format, Split, Task


def _always(source: Source) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Reader:
    """How one format is read.

    Attributes:
        examples: the examples of a source, in file order.
        has_gold: a look at the start of a source: False where a release took its answers out.
        together: whether all files of a file set are one source (else each is one).
        pool: whether candidates, if there are any, are a pool of their own, there whole whatever
            queries are drawn; else they are pairs, and candidates come with their queries.
    """

    examples: Callable[[Source], Iterator[Example]]
    has_gold: Callable[[Source], bool] = _always
    together: bool = False
    pool: bool = True


READERS: Mapping[Format, Reader] = MappingProxyType(
    {
        "aligned_lines": Reader(aligned_lines, together=True),
        "bucc_lines": Reader(bucc_lines, bucc_has_gold, together=True),
        "ccg_auto": Reader(ccg_auto),
        "commonsenseqa_jsonl": Reader(commonsenseqa_jsonl),
        "conllu": Reader(conllu),
        "csv": Reader(quoted_table),
        "dictionary_tsv": Reader(dictionary_tsv),
        "glue_tsv": Reader(glue_tsv),
        "hellaswag_jsonl": Reader(hellaswag_jsonl),
        "json": Reader(json_document),
        "jsonl": Reader(json_objects),
        "mewslix_jsonl": Reader(mewslix_jsonl, together=True),
        "mewslix_pairs": Reader(mewslix_pairs, pool=False),
        "nli_jsonl": Reader(nli_jsonl),
        "pair_tsv": Reader(pair_tsv, pair_tsv_has_gold),
        "qqp_tsv": Reader(qqp_tsv),
        "squad_json": Reader(squad_json, squad_has_gold),
        "squad_sentences": Reader(squad_sentences, squad_has_gold, pool=False),
        "supertag_conllu": Reader(supertag_conllu),
        "tagged_spaced": Reader(tagged_spaced),
        "tagged_tsv": Reader(tagged_tsv, tagged_tsv_has_gold),
        "tatoeba_lines": Reader(tatoeba_lines, tatoeba_has_gold, together=True),
        "xnli_tsv": Reader(xnli_tsv),
        "xquadr_json": Reader(xquadr_json),
    }
)


def read(
    task: Task, files: FileSet, paths: Sequence[Path], split: Split, language: str
) -> Iterator[Example]:
    """The examples of ``paths``, which hold one split in one language, in file order.

    Ids are unique: an id that a release uses again gets ``#1``, ``#2`` … (XTREME's TyDiQA training
    files number questions within an article only). Where a split is several files, ids start with
    the file's position and a colon.

    Args:
        task: whose examples these are; its labels and number of choices are enforced.
        files: the release: format, columns and codes.
        paths: in the order of ``files.names[split]``.
        split: named in messages.
        language: as the task names it; picks rows where a file holds several languages.

    Raises:
        DataError: for a file that cannot be read or holds nothing, and for the first row that is
            not as the release should have it, with its line or its place in the document.
    """
    return unique(read_as_released(task, files, paths, split, language))


def read_as_released(
    task: Task, files: FileSet, paths: Sequence[Path], split: Split, language: str
) -> Iterator[Example]:
    """As :func:`read`, but an id that a release uses again stays as it is."""
    reader = READERS[files.format]
    found = _examples(reader, _sources(reader, task, files, paths, language), split)
    return _own(found) if task.beside else found


def _own(examples: Iterator[Example]) -> Iterator[Example]:
    """Examples of a user's own files, which no release can replace."""
    try:
        yield from examples
    except DataError as error:
        do = MEND_OWN if error.do == FETCH_AGAIN else error.do
        raise DataError(error.what, where=error.where, expected=error.expected, do=do) from None


def has_gold(task: Task, files: FileSet, paths: Sequence[Path]) -> bool:
    """Whether the files hold answers, by a look at their start.

    True also for a file that is broken: reading it will say so.
    """
    reader = READERS[files.format]
    try:
        return all(map(reader.has_gold, _sources(reader, task, files, paths, "")))
    except (DataError, OSError):
        return True


def _sources(
    reader: Reader, task: Task, files: FileSet, paths: Sequence[Path], language: str
) -> list[Source]:
    if reader.together or len(paths) == 1:
        return [Source(task, files, tuple(paths), language)]
    return [Source(task, files, (p,), language, f"{i}:") for i, p in enumerate(paths)]


def _examples(reader: Reader, sources: Iterable[Source], split: Split) -> Iterator[Example]:
    for source in sources:
        count = 0
        for example in reader.examples(source):
            count += asked(example)
            yield example
        if not count:
            raise DataError(
                f"The file holds no example of {source.task.name} ({split}, {source.language})",
                where=f"{source.path}:1",
                expected="at least one example",
                do=FETCH_AGAIN,
            )


def unique(examples: Iterable[Example]) -> Iterator[Example]:
    """The examples with an id each, as :func:`read` tells."""
    seen: Counter[str] = Counter()
    for example in examples:
        own = example.id
        while own in seen:
            seen[example.id] += 1
            own = f"{example.id}#{seen[example.id] - 1}"
        seen[own] += 1
        yield example if own == example.id else replace(example, id=own)
