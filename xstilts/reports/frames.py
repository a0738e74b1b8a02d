"""Data frames of a study as text cells: how many digits, which sign, which columns are numbers."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from xstilts.reports.numbers import Record, records
from xstilts.reports.sections import Cell, Table
from xstilts.studies import numerals

if TYPE_CHECKING:
    import pandas as pd

NONE = "—"


def frame_records(frame: "pd.DataFrame") -> list[Record]:
    """The rows of a study's table or figure; what is missing is ``None``.

    Raises:
        ValueError: two columns of one name, or a value that is infinite.
    """
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        raise ValueError(f"a table names a column twice: {', '.join(names)}")
    found = records(frame)
    for row in found:
        for name, value in row.items():
            if isinstance(value, float) and math.isinf(value):
                raise ValueError(f"a table holds an infinite {name}; only finite numbers are shown")
    return found


def frame_table(frame: "pd.DataFrame") -> Table:
    """Every row and column; each column of numbers has one number of digits.

    Integers are whole, probabilities (``p``, ``p_…``) as :func:`numerals.probability` writes them;
    the others have the digits that :func:`digits` says, with a plus where the column has a minus.
    ``low``, ``high`` and the column before them are written alike.
    """
    found = frame_records(frame)
    names = [str(name) for name in frame.columns]
    alike = _interval(names)
    columns = [
        _texts(
            name,
            [row[name] for row in found],
            [row[other] for row in found for other in (alike if name in alike else [name])],
        )
        for name in names
    ]
    words = frozenset(i for i, name in enumerate(names) if not _numeric([r[name] for r in found]))
    rows = [[Cell(text) for text in line] for line in zip(*columns, strict=True)]
    return Table([heading(name) for name in names], rows, words=words)


def digits(values: Sequence[float]) -> int:
    """Digits behind the point: those of points where a value leaves -1 to 1, else two, or three.

    0 from a thousand on.
    """
    most = max(map(abs, values), default=0)
    return 0 if most >= 1000 else 1 if most > 1 else 2 if most >= 0.1 or most == 0 else 3


def heading(name: str) -> str:
    """The name of a column for readers: ``mean_gain`` is ``mean gain``."""
    return name.replace("_", " ")


def word(value: Any) -> str:
    """One value of any type in words; a dash for what is missing or empty."""
    if value is None or value == "" or (isinstance(value, list | tuple | set) and not value):
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple | set):
        return "; ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _interval(names: Sequence[str]) -> Sequence[str]:
    """An estimate with the ends of its interval."""
    if not {"low", "high"} <= set(names):
        return []
    start = min(names.index("low"), names.index("high"))
    return [*names[max(0, start - 1) : start], "low", "high"]


def _texts(name: str, values: Sequence[Any], alike: Sequence[Any]) -> list[str]:
    """``values`` as text, with the sign and the digits that ``alike`` needs, too."""
    if not _numeric(values):
        return [word(value) for value in values]
    if name == "p" or name.startswith("p_"):
        return [NONE if value is None else numerals.probability(value) for value in values]
    told = [value for value in alike if _number(value)]
    places = 0 if all(float(value).is_integer() for value in told) else digits(told)
    signed = any(value < 0 for value in told)
    write = numerals.signed if signed else numerals.plain
    return [NONE if value is None else write(value, places) for value in values]


def _numeric(values: Sequence[Any]) -> bool:
    told = [value for value in values if value is not None]
    return bool(told) and all(map(_number, told))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
