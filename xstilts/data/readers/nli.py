"""Sentence pairs with a label: GLUE's and XNLI's tables, XTREME's tables, SNLI's JSON Lines.

None of the tables is quoted: a quotation mark is a character like any other, as GLUE's and
XTREME's own readers have it.
"""

from collections.abc import Iterator

from xstilts.data.readers.json_values import json_lines
from xstilts.data.readers.source import NO_GOLD, Source, lines, pair_groups
from xstilts.tasks.examples import Pair

_XNLI_COLUMNS = {
    "id": "pairID",
    "first": "sentence1",
    "second": "sentence2",
    "label": "gold_label",
    "language": "language",
}
_UNLABELLED = "-"
_JSON_FIELDS = (
    {"id": "pairID", "first": "sentence1", "second": "sentence2", "label": "gold_label"},
    {"id": "uid", "first": "context", "second": "hypothesis", "label": "label"},
)
_ANLI_LABELS = {"e": "entailment", "n": "neutral", "c": "contradiction"}


def glue_tsv(source: Source) -> Iterator[Pair]:
    """A table with a header; the file set's ``columns`` name id, first, second and label."""
    return _table(source, source.files.columns)


def xnli_tsv(source: Source) -> Iterator[Pair]:
    """The XNLI release: a table with a header, all languages in one file."""
    return _table(source, _XNLI_COLUMNS | source.files.columns)


def _table(source: Source, columns: dict[str, str]) -> Iterator[Pair]:
    rows = lines(source.path)
    header = next(rows, (1, ""))[1].split("\t")
    missing = [name for name in columns.values() if name not in header]
    if missing:
        raise source.error(
            f"The header has no column {', '.join(map(repr, missing))}",
            1,
            expected=f"these columns: {', '.join(columns.values())}",
        )
    at = {role: header.index(name) for role, name in columns.items()}
    code = source.files.codes.get(source.language, source.language)
    group = pair_groups(source)
    for number, cells in _whole_rows(source, rows, len(header)):
        if "language" in at and cells[at["language"]] != code:
            continue
        first = cells[at["first"]]
        yield Pair(
            id=source.prefix + cells[at["id"]],
            group=group(first),
            first=first,
            second=cells[at["second"]],
            label=source.label(cells[at["label"]], f"{source.path}:{number}"),
        )


def _whole_rows(
    source: Source, rows: Iterator[tuple[int, str]], width: int
) -> Iterator[tuple[int, list[str]]]:
    """Rows of ``width`` cells.

    GLUE's QQP holds a few questions with a line break, each in a cell that opens with a quotation
    mark and goes on in the next line. Such a row is passed over, as in the readers that the
    published numbers of examples were counted with.
    """
    for number, line in rows:
        cells = line.split("\t")
        if len(cells) < width and cells[-1].startswith('"') and _torn(rows, width - len(cells)):
            continue
        if len(cells) != width:
            raise source.error(
                f"The row has {len(cells)} columns", number, expected=f"{width}, as in the header"
            )
        yield number, cells


def _torn(rows: Iterator[tuple[int, str]], missing: int) -> bool:
    """Pass over the lines with the ``missing`` cells of a row; whether they hold just those."""
    while missing > 0:
        missing -= next(rows, (0, "\t" * (missing + 1)))[1].count("\t")
    return missing == 0


def pair_tsv(source: Source) -> Iterator[Pair]:
    """XTREME's tables: two sentences and a label, no header. An id is the row's number from 0.

    Sentences may be empty or ``NS`` (PAWS-X: no translation).
    """
    group = pair_groups(source)
    for number, line in lines(source.path):
        cells = line.split("\t")
        if number == 1 and len(cells) == 2:
            raise source.error(
                "The file has no gold: the column of labels is absent",
                1,
                expected="sentence, sentence, label",
                do=NO_GOLD,
            )
        if len(cells) != 3:
            raise source.error(
                f"The row has {len(cells)} columns", number, expected="sentence, sentence, label"
            )
        first, second, label = cells
        source.label(label, f"{source.path}:{number}")
        row_id = f"{source.prefix}{number - 1}"
        yield Pair(id=row_id, group=group(first), first=first, second=second, label=label)


def pair_tsv_has_gold(source: Source) -> bool:
    """Whether the first row has more than two sentences."""
    return next(lines(source.path), (1, ""))[1].count("\t") != 1


def nli_jsonl(source: Source) -> Iterator[Pair]:
    """SNLI's, MultiNLI's and ANLI's JSON Lines.

    Rows on which the annotators did not agree (``gold_label`` is ``-``) are left out, as SNLI and
    MultiNLI ask for. ANLI's ``e``, ``n`` and ``c`` are written out.
    """
    group = pair_groups(source)
    for _, row in json_lines(source.path):
        fields = next((f for f in _JSON_FIELDS if f["first"] in row.values), _JSON_FIELDS[0])
        label = row.text(fields["label"])
        if label == _UNLABELLED:
            continue
        if fields is _JSON_FIELDS[1]:
            label = _ANLI_LABELS.get(label, label)
        first = row.text(fields["first"])
        yield Pair(
            id=source.prefix + row.text(fields["id"]),
            group=group(first),
            first=first,
            second=row.text(fields["second"]),
            label=source.label(label, row.where),
        )
