"""What a study says: one sentence, the estimates it is built from, tables and figures as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

NOT_MEASURED = "Not measured"


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One number of an answer.

    Attributes:
        value: the estimate; None where nothing was measured.
        low: lower end of its 95 % interval; None where there is none.
        high: upper end.
        seeds: how many runs it rests on.
        unit: ``points`` (score points, 0-100), ``correlation`` (-1 to 1), ``examples``, ``share``.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    seeds: int = 0
    unit: str = "points"

    @property
    def sign(self) -> int:
        """1 or -1 where the interval lies on one side of 0; 0 where it does not or is absent."""
        if self.low is None or self.high is None:
            return 0
        return 1 if self.low > 0 else -1 if self.high < 0 else 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """Rows for a reader; written as CSV and LaTeX beside the report.

    Attributes:
        name: of its file: lower case, ``-``.
        title: what it shows.
        rows: a cell without a value is None, never 0.
        note: how to read it.
    """

    name: str
    title: str
    rows: "pd.DataFrame"
    note: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Figure:
    """What to draw; how is the report's.

    Attributes:
        name: of its file: lower case, ``-``.
        kind: ``heat`` (x, y: categories; value), ``curve`` (x: number; y with a band from low to
            high; one line a colour), ``scatter`` (one point a row), ``bars`` (x: category).
        title: what it shows, in words that hold without the picture.
        data: the rows drawn, and no others.
        x: its column across.
        y: its column upwards, or of the rows of a heat map.
        value: the column that colours a heat map.
        colour: the column that tells lines, points or bars apart; none if empty.
        low: the column with the lower end of each band or whisker; none if empty.
        high: that with the upper end.
        note: how to read it.
    """

    name: str
    kind: Literal["heat", "curve", "scatter", "bars"]
    title: str
    data: "pd.DataFrame"
    x: str
    y: str
    value: str = ""
    colour: str = ""
    low: str = ""
    high: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The outcome of a study.

    Attributes:
        study: its name.
        answer: one sentence built from ``estimates``; without data it begins with
            ``NOT_MEASURED`` and says what is missing.
        measured: whether there is an answer, of whatever kind.
        estimates: the numbers of the answer by name.
        tables: in the order to show.
        figures: in the order to show.
        method: how it was worked out, as a paragraph for a paper.
        limits: what it does not show, one sentence each.
    """

    study: str
    answer: str
    measured: bool
    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    method: str = ""
    limits: Sequence[str] = ()
