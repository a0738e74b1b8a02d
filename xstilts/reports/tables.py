"""The long table of result rows, as ``xstilts results`` writes it: text, CSV, JSON or LaTeX."""

import csv
import io
import json
import math
from typing import TYPE_CHECKING, Any

from xstilts.core.errors import UnknownNameError
from xstilts.phases.results import COLUMNS
from xstilts.reports import latex

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("table", "csv", "json", "latex")
NUMERIC = frozenset({"value", "n", "seed", "floor"})
WHOLE = frozenset({"n", "seed"})

Row = dict[str, Any]


def long_table(rows: "pd.DataFrame", format: str = "table") -> str:
    """Write result rows, one line each, in the order given.

    ``csv`` and ``json`` hold exactly ``COLUMNS`` with full precision; an empty seed is an empty
    field or ``null``. ``table`` and ``latex`` round to two decimals and state columns that never
    change once, above the table.

    Args:
        rows: data frame with (at least) the columns ``COLUMNS``.
        format: one of ``FORMATS``.

    Raises:
        UnknownNameError: ``format`` is none of ``FORMATS``.
        ValueError: a value is NaN or infinite; a missing cell must be a missing row.
    """
    writers = {"table": _text, "csv": _csv, "json": _json, "latex": _latex}
    if format not in writers:
        do = "xstilts results RECIPE --format csv"
        raise UnknownNameError("format", format, FORMATS, where="--format", do=do)
    return writers[format](_records(rows))


def _records(rows: "pd.DataFrame") -> list[Row]:
    found = rows[list(COLUMNS)].itertuples(index=False, name=None)
    return [
        {name: _clean(name, value) for name, value in zip(COLUMNS, row, strict=True)}
        for row in found
    ]


def _clean(name: str, value: Any) -> Any:
    import pandas as pd

    if pd.isna(value):
        if name == "value":
            raise ValueError("a result row has no value; a missing cell must be a missing row")
        return None if name in NUMERIC else ""
    if name in WHOLE:
        return int(value)
    if name in NUMERIC:
        if not math.isfinite(value):
            raise ValueError(f"a result row has {name} {value}; only finite numbers are results")
        return float(value)
    return str(value)


def _csv(records: list[Row]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue()


def _json(records: list[Row]) -> str:
    lines = [json.dumps(record, ensure_ascii=False, allow_nan=False) for record in records]
    return "[" + ",".join(f"\n  {line}" for line in lines) + ("\n]\n" if lines else "]\n")


def _text(records: list[Row]) -> str:
    if not records:
        return "No results yet.\n"
    constant, varying = _split(records)
    body = [varying, *[[_shown(name, record[name]) for name in varying] for record in records]]
    widths = [max(len(line[i]) for line in body) for i in range(len(varying))]
    lines = [
        "  ".join(
            text.rjust(width) if name in NUMERIC else text.ljust(width)
            for name, text, width in zip(varying, line, widths, strict=True)
        ).rstrip()
        for line in body
    ]
    rule = "  ".join("-" * width for width in widths)
    head = [f"{name}: {text}" for name, text in constant if text]
    return "\n".join([*head, *([""] if head else []), lines[0], rule, *lines[1:]]) + "\n"


def _latex(records: list[Row]) -> str:
    """A ``longtable`` with ``booktabs`` rules; needs these two packages and nothing else."""
    constant, varying = _split(records) if records else ([], list(COLUMNS))
    columns = "".join("r" if name in NUMERIC else "l" for name in varying)
    head = latex.row(varying)
    body = [latex.row([_shown(name, record[name]) for name in varying]) for record in records]
    notes = [f"% {name}: {text}" for name, text in constant if text]
    return "\n".join(
        [
            *notes,
            rf"\begin{{longtable}}{{{columns}}}",
            rf"\toprule {head} \midrule \endhead",
            *body,
            r"\bottomrule",
            r"\end{longtable}",
            "",
        ]
    )


def _split(records: list[Row]) -> tuple[list[tuple[str, str]], list[str]]:
    """Columns with one value for all rows (with it), and the columns that vary; both in order."""
    same = {name for name in COLUMNS if len({record[name] for record in records}) == 1}
    same -= {"arm", "target", "language", "metric", "value"}
    constant = [(name, _shown(name, records[0][name])) for name in COLUMNS if name in same]
    return constant, [name for name in COLUMNS if name not in same]


def _shown(name: str, value: Any) -> str:
    if value is None:
        return ""
    text = f"{value:.2f}" if isinstance(value, float) else str(value)
    return " ".join(text.split())
