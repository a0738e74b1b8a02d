"""The figures of a finding as charts: heat maps, curves with bands, scatters and bars.

Import this module only where a report is rendered: it loads altair.
"""

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import altair as alt

from xstilts.reports.drawing import GREY, GRID, INK, INKS, LOSS_TO_GAIN, QUIET, SOFT, STRONG
from xstilts.reports.frames import digits, frame_records, heading
from xstilts.reports.numbers import Record
from xstilts.studies import numerals
from xstilts.studies.finding import Figure

_ROOM = 900  # pixels across a figure that its tiles, panels or bars share
_NOTE = 80  # pixels from which on an interval fits into a tile
_WIDE = 30  # counts of which one is more than so many times another stand on a scale by ratios
_MANY = 12  # numbers across, up to which each gets its own tick
_SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")


def chart(figure: Figure) -> alt.TopLevelMixin:
    """Draw one figure.

    A row without a value is a gap, never 0. Where the ends of an interval are given, a tile whose
    interval holds 0 is grey; curves have bands, points and bars thin lines.

    Raises:
        ValueError: a column that the figure names is not in its data, or a heat map has two values
            for one tile.
    """
    roles = {
        role: column
        for role in ("x", "y", "value", "colour", "low", "high")
        if (column := getattr(figure, role))
    }
    if lost := [column for column in roles.values() if column not in figure.data.columns]:
        raise ValueError(f"figure {figure.name}: its data has no column {', '.join(lost)}")
    found = [
        {role: row[column] for role, column in roles.items()} for row in frame_records(figure.data)
    ]
    return _KINDS[figure.kind](figure, found)


def _heat(figure: Figure, found: list[Record]) -> alt.TopLevelMixin:
    tiles = {(str(row["x"]), str(row["y"])): row for row in found}
    if len(tiles) < len(found):
        raise ValueError(f"figure {figure.name}: two values for one tile")
    columns, rows = (list(dict.fromkeys(place[i] for place in tiles)) for i in (0, 1))
    values = [row["value"] for row in found if row["value"] is not None]
    signed = bool(figure.low) or min(values, default=0) < 0
    strongest = max(map(abs, values), default=1) or 1
    step = min(92, max(48, _ROOM // max(1, len(columns))))
    write = numerals.signed if signed else numerals.plain
    places = digits(values)
    drawn = [
        {"x": x, "y": y, **_tile(tiles.get((x, y)), strongest, lambda v: write(v, places))}
        for x, y in product(columns, rows)
    ]
    if step < _NOTE:
        drawn = [tile | {"note": ""} for tile in drawn]
    long = max((len(name) for name in columns), default=0) * 7 > step
    names = {"domain": False, "ticks": False, "labelColor": INK, "labelLimit": 220, "title": None}
    across = alt.Axis(orient="top", labelAngle=-45 if long else 0, labelPadding=8, **names)
    base = alt.Chart(alt.Data(values=drawn)).encode(
        x=alt.X("x:N", sort=columns, axis=across, scale=alt.Scale(paddingInner=0.04)),
        y=alt.Y(
            "y:N", sort=rows, axis=alt.Axis(labelPadding=10, **names),
            scale=alt.Scale(paddingInner=0.08),
        ),
    )  # fmt: skip

    def only(state: str) -> alt.Chart:
        return base.transform_filter(alt.FieldEqualPredicate(field="state", equal=state))

    ink = alt.Color("ink:N", scale=None)
    apart = 7 if any(tile["note"] for tile in drawn) else 0
    layers = [
        only("clear")
        .mark_rect(cornerRadius=3)
        .encode(color=_heat_colour(heading(figure.value), strongest, signed)),
        only("unclear").mark_rect(cornerRadius=3, fill=GREY),
        only("missing").mark_rect(
            cornerRadius=3, fill="#ffffff", stroke="#d4d4cf", strokeDash=[1, 3], strokeWidth=1
        ),
        base.mark_text(dy=-apart, fontWeight="bold", fontSize=13).encode(text="label:N", color=ink),
        base.mark_text(dy=10, fontSize=10).encode(text="note:N", color=ink),
    ]
    return (
        alt.layer(*layers)
        .resolve_scale(color="independent")
        .properties(width=alt.Step(step), height=alt.Step(44 if apart else 34))
    )


def _tile(row: Record | None, strongest: float, write: Callable[[float], str]) -> Record:
    if row is None or row["value"] is None:
        return {"state": "missing", "value": 0.0, "label": "—", "note": "", "ink": SOFT}
    ends = [row[end] for end in ("low", "high") if row.get(end) is not None]
    unclear = len(ends) == 2 and ends[0] <= 0 <= ends[1]
    dark = not unclear and abs(row["value"]) > STRONG * strongest
    return {
        "state": "unclear" if unclear else "clear",
        "value": row["value"],
        "label": write(row["value"]),
        "note": f"[{', '.join(map(write, ends))}]" if len(ends) == 2 else "",
        "ink": "#ffffff" if dark else INK,
    }


def _heat_colour(title: str, strongest: float, signed: bool) -> alt.Color:
    domain = [-strongest, -strongest / 2, 0, strongest / 2, strongest]
    colours, ends = list(LOSS_TO_GAIN), [-strongest, 0, strongest]
    if not signed:
        domain, colours, ends = domain[2:], colours[2:], ends[1:]
    legend = alt.Legend(
        title=title, orient="bottom", direction="horizontal", gradientLength=220,
        gradientThickness=10, values=ends, offset=16,
        labelExpr=f"datum.value === 0 ? '0' : format(datum.value, '{'+' if signed else ''}.2~f')",
    )  # fmt: skip
    scale = alt.Scale(domain=domain, range=colours, interpolate="lab")
    return alt.Color("value:Q", scale=scale, legend=legend)


def _curve(figure: Figure, found: list[Record]) -> alt.TopLevelMixin:
    base = alt.Chart(alt.Data(values=found)).encode(x=_across(figure, found))
    colour, shape = _told_apart(figure, found)
    layers: list[alt.Chart | alt.LayerChart] = [_zero()] if _crosses(found) else []
    if figure.low and figure.high:
        layers.append(
            base.mark_area(opacity=0.16).encode(y=_up(figure, "low"), y2="high:Q", color=colour)
        )
    layers.append(
        base.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=45)).encode(
            y=_up(figure), color=colour, **shape
        )
    )
    return alt.layer(*layers).properties(width=620, height=260)


def _scatter(figure: Figure, found: list[Record]) -> alt.TopLevelMixin:
    base = alt.Chart(alt.Data(values=found)).encode(x=_across(figure, found))
    colour, shape = _told_apart(figure, found)
    layers: list[alt.Chart | alt.LayerChart] = [_zero()] if _crosses(found) else []
    if figure.low and figure.high:
        layers.append(
            base.mark_rule(strokeWidth=1, opacity=0.6).encode(
                y=_up(figure, "low"), y2="high:Q", color=colour
            )
        )
    layers.append(
        base.mark_point(filled=True, size=60, opacity=0.85).encode(
            y=_up(figure), color=colour, **shape
        )
    )
    return alt.layer(*layers).properties(width=620, height=320)


def _bars(figure: Figure, found: list[Record]) -> alt.TopLevelMixin:
    names = list(dict.fromkeys(str(row["x"]) for row in found))
    series = _series(found)
    step = min(90, max(14 * len(series), 34, min(64, _ROOM // max(1, len(names)))))
    long = max((len(name) for name in names), default=0) * 7 > step
    axis = alt.Axis(
        title=heading(figure.x), labelAngle=-45 if long else 0, labelLimit=220, labelPadding=6,
        labelOverlap=False, **QUIET | {"domain": True, "domainColor": "#c9c9c4"},
    )  # fmt: skip
    base = alt.Chart(alt.Data(values=[row | {"x": str(row["x"])} for row in found])).encode(
        x=alt.X("x:N", sort=names, axis=axis, scale=alt.Scale(paddingInner=0.25))
    )
    colour, _ = _told_apart(figure, found)
    if figure.colour:
        base = base.encode(xOffset=alt.XOffset("colour:N", sort=series))
    layers: list[alt.Chart | alt.LayerChart] = [
        base.mark_bar().encode(y=_up(figure, zero=True), color=colour)
    ]
    if figure.low and figure.high:
        layers.append(
            base.mark_rule(strokeWidth=1, color=INK, opacity=0.7).encode(
                y=_up(figure, "low", zero=True), y2="high:Q"
            )
        )
    if _crosses(found):
        layers.append(_zero())
    return alt.layer(*layers).properties(
        width=alt.Step(step, **{"for": "position"} if figure.colour else {}), height=240
    )


def _across(figure: Figure, found: list[Record]) -> alt.X:
    """The axis across: of numbers, by ratios where counts differ widely, or of names."""
    values = sorted({row["x"] for row in found if _number(row["x"])})
    title = heading(figure.x)
    if not values or len(values) < len({row["x"] for row in found if row["x"] is not None}):
        names = list(dict.fromkeys(str(row["x"]) for row in found))
        axis = alt.Axis(title=title, labelAngle=-45, labelLimit=220, **QUIET)
        return alt.X("x:N", sort=names, axis=axis)
    smallest = min((value for value in values if value > 0), default=0)
    counts = values[0] >= 0 and all(float(value).is_integer() for value in values)
    ratios = counts and smallest > 0 and values[-1] > _WIDE * smallest
    kind = "linear" if not ratios else "log" if values[0] > 0 else "symlog"
    own = figure.kind == "curve" and len(values) <= _MANY
    ticks: Mapping[str, Any] = {"values": values} if own else {}
    note = " (scale by ratios)" if ratios else ""
    axis = alt.Axis(title=title + note, grid=False, labelOverlap="parity", **ticks, **QUIET)
    constant = {"constant": smallest} if kind == "symlog" else {}
    scale = alt.Scale(type=kind, zero=False, nice=False, padding=12, **constant)
    return alt.X("x:Q", axis=axis, scale=scale)


def _up(figure: Figure, field: str = "y", *, zero: bool = False) -> alt.Y:
    axis = alt.Axis(title=heading(figure.y), tickCount=6, gridColor=GRID, **QUIET)
    return alt.Y(f"{field}:Q", axis=axis, scale=alt.Scale(zero=zero, padding=0 if zero else 8))


def _told_apart(figure: Figure, found: list[Record]) -> tuple[Any, dict[str, Any]]:
    """Colour, and for those who see no colours, shape."""
    if not figure.colour:
        return alt.value(INKS[0]), {}
    series = _series(found)
    title = heading(figure.colour)
    legend = alt.Legend(title=title, orient="right", labelLimit=260, symbolLimit=0)
    inks = [INKS[i % len(INKS)] for i in range(len(series))]
    shapes = [_SHAPES[i % len(_SHAPES)] for i in range(len(series))]
    colour = alt.Color("colour:N", scale=alt.Scale(domain=series, range=inks), legend=legend)
    shape = alt.Shape("colour:N", scale=alt.Scale(domain=series, range=shapes), legend=legend)
    return colour, {"shape": shape}


def _series(found: list[Record]) -> list[str]:
    return list(dict.fromkeys(str(row["colour"]) for row in found if row.get("colour") is not None))


def _crosses(found: list[Record]) -> bool:
    """Whether 0 lies between what is drawn."""
    values = [row[end] for row in found for end in ("y", "low", "high") if _number(row.get(end))]
    return bool(values) and min(values) < 0 < max(values)


def _zero() -> alt.Chart:
    rule = alt.Chart(alt.Data(values=[{"y": 0}])).mark_rule(strokeWidth=1, color=SOFT)
    return rule.encode(y="y:Q")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_KINDS: Mapping[str, Callable[[Figure, list[Record]], alt.TopLevelMixin]] = {
    "heat": _heat,
    "curve": _curve,
    "scatter": _scatter,
    "bars": _bars,
}
