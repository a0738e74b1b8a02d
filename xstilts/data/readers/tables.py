"""Tables with a header, whose file set says which column holds what.

``glue_tsv`` is tab separated and not quoted: a quotation mark is a character like any other, as
GLUE's own readers have it; ``qqp_tsv`` is such a table with torn rows in it. ``csv`` is quoted as
in RFC 4180, separated by commas or, where the header holds one, by tabs.
"""

import csv
from collections.abc import Iterator

from xstilts.data.readers.records import Record, examples
from xstilts.data.readers.source import FETCH_AGAIN, Source, lines, raw_lines
from xstilts.tasks.examples import Example

_XNLI_COLUMNS = {
    "id": "pairID",
    "first": "sentence1",
    "second": "sentence2",
    "label": "gold_label",
    "language": "language",
}
_QUOTING = "quote cells with commas, quotation marks or line breaks in them, as in RFC 4180"
_NAME_COLUMNS = "mend the header or `columns` of the task; commas or tabs separate cells"
Rows = Iterator[tuple[int, list[str]]]


def glue_tsv(source: Source) -> Iterator[Example]:
    """A table without quoting."""
    return examples(source, _records(source, _plain_rows(source), source.files.columns))


def qqp_tsv(source: Source) -> Iterator[Example]:
    """A table without quoting, less its torn rows."""
    return examples(source, _records(source, _whole_rows(source), source.files.columns))


def xnli_tsv(source: Source) -> Iterator[Example]:
    """The XNLI release: a table without quoting, all languages in one file."""
    columns = _XNLI_COLUMNS | source.files.columns
    return examples(source, _records(source, _plain_rows(source), columns))


def quoted_table(source: Source) -> Iterator[Example]:
    """A table with quoting; cells may hold line breaks."""
    return examples(source, _records(source, _quoted_rows(source), source.files.columns))


def _records(source: Source, rows: Rows, columns: dict[str, str]) -> Iterator[Record]:
    _, header = next(rows, (1, [""]))
    if header == [""]:
        raise source.error("The file has no header", 1, expected=", ".join(columns.values()))
    missing = [name for name in columns.values() if name not in header]
    if missing:
        raise source.error(
            f"The header has no column {', '.join(map(repr, missing))}",
            1,
            expected=f"these columns: {', '.join(columns.values())}; it has: {', '.join(header)}",
            do=_NAME_COLUMNS if source.task.beside else FETCH_AGAIN,
        )
    twice = [name for name in columns.values() if header.count(name) > 1]
    if twice:
        raise source.error(
            f"The header has {header.count(twice[0])} columns {twice[0]!r}",
            1,
            expected="each column that is read once",
            do=_NAME_COLUMNS if source.task.beside else FETCH_AGAIN,
        )
    at = {role: header.index(name) for role, name in columns.items()}
    for number, cells in rows:
        if len(cells) != len(header):
            raise source.error(
                f"The row has {len(cells)} columns",
                number,
                expected=f"{len(header)}, as in the header",
            )
        found = {role: cells[place] for role, place in at.items()}
        if found.get("language", source.code) == source.code:
            yield Record(f"{source.path}:{number}", found)


def _plain_rows(source: Source) -> Rows:
    """Line numbers and cells."""
    return ((number, line.split("\t")) for number, line in lines(source.path))


def _whole_rows(source: Source) -> Rows:
    """The rows that stand on one line.

    GLUE's QQP holds a few questions with a line break, each in a cell that opens with a quotation
    mark and goes on in the next line. Such a row is passed over, as in the readers that the
    published numbers of examples were counted with. Its id stands before the tear, so that the
    rest of it has fewer cells than any whole row, and none is lost with it.
    """
    rows = _plain_rows(source)
    width = 0
    for number, cells in rows:
        width = width or len(cells)
        torn = 1 < len(cells) < width and cells[-1].startswith('"')
        if not (torn and _torn(rows, width - len(cells))):
            yield number, cells


def _torn(rows: Rows, missing: int) -> bool:
    """Pass over the lines with the ``missing`` cells of a row; whether they hold just those."""
    while missing > 0:
        missing -= len(next(rows, (0, [""] * (missing + 2)))[1]) - 1
    return missing == 0


def _quoted_rows(source: Source) -> Rows:
    """The line on which each row starts, and its cells; blank lines are passed over."""
    header = next(lines(source.path), (1, ""))[1]
    texts = (line for _, line in raw_lines(source.path))
    reader = csv.reader(texts, delimiter="\t" if "\t" in header else ",", strict=True)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        own = source.task.beside
        if "new-line character" in str(error):
            what, expected = "A carriage return stands alone", "lines that end in LF or CR LF"
            do = "save it with the line ends of Unix or Windows"
        else:
            what, expected, do = (
                f"The CSV is broken: {error}",
                "cells quoted as in RFC 4180",
                _QUOTING,
            )
        raise source.error(what, line, expected=expected, do=do if own else FETCH_AGAIN) from None
