"""Sentence pairs with a label: XTREME's tables, and SNLI's, MultiNLI's and ANLI's JSON Lines.

The tables are not quoted: a quotation mark is a character like any other, as XTREME's own readers
have it.
"""

from collections.abc import Iterator

from xstilts.data.readers.json_values import json_lines
from xstilts.data.readers.source import NO_GOLD, Source, groups_of, head, lines
from xstilts.tasks.examples import Pair

_UNLABELLED = "-"
_JSON_FIELDS = (
    {"id": "pairID", "first": "sentence1", "second": "sentence2", "label": "gold_label"},
    {"id": "uid", "first": "context", "second": "hypothesis", "label": "label"},
)


def pair_tsv(source: Source) -> Iterator[Pair]:
    """XTREME's tables: two sentences and a label, no header. An id is the row's number from 0.

    Sentences may be empty or ``NS`` (PAWS-X: no translation).
    """
    group = groups_of(source)
    for number, line in lines(source.path):
        cells = line.split("\t")
        if number == 1 and len(cells) == 2 and not pair_tsv_has_gold(source):
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
        yield Pair(
            id=f"{source.prefix}{number - 1}",
            group=group(first),
            first=first,
            second=second,
            label=source.label(label, f"{source.path}:{number}"),
        )


def pair_tsv_has_gold(source: Source) -> bool:
    """Whether one of the first rows has more, or less, than two sentences."""
    rows = head(source.path)
    return not rows or any(line.count("\t") != 1 for line in rows)


def nli_jsonl(source: Source) -> Iterator[Pair]:
    """SNLI's, MultiNLI's and ANLI's JSON Lines.

    Rows on which the annotators did not agree (``gold_label`` is ``-``) are left out, as SNLI and
    MultiNLI ask for.
    """
    group = groups_of(source)
    for _, row in json_lines(source.path):
        fields = next((f for f in _JSON_FIELDS if f["first"] in row.values), _JSON_FIELDS[0])
        label = row.text(fields["label"])
        if label == _UNLABELLED:
            continue
        first = row.text(fields["first"])
        yield Pair(
            id=source.prefix + row.text(fields["id"]),
            group=group(first),
            first=first,
            second=row.text(fields["second"]),
            label=source.label(label, row.where),
        )
