"""Figures as SVG text, drawn by altair and vl-convert: no browser, no network, no script.

Import this module only where a report is rendered: it loads altair.
"""

import math
import textwrap
from collections.abc import Mapping

import altair as alt

from xstilts.reports.drawing import (
    BASE_INK,
    GREY,
    GRID,
    INK,
    INKS,
    LOSS_TO_GAIN,
    QUIET,
    SOFT,
    STRONG,
    inline,
)
from xstilts.reports.model import ReportInput
from xstilts.reports.numbers import Numbers, Record, tone
from xstilts.studies import numerals

PAGE_WIDTH, GUTTER = 1000, 8  # of a figure, and between the bars of two languages, in pixels
LINE_LETTERS = 150  # letters of the subtitle's size that fit the width of a figure
MEAN = "mean"


def heat_map(report: ReportInput, numbers: Numbers) -> str:
    """:func:`heat_chart` for a page."""
    return inline(heat_chart(report, numbers), "heat", heat_title(report))


def heat_title(report: ReportInput) -> str:
    """What the heat map shows."""
    return f"Mean gain over {report.baseline}, arms by targets"


def heat_chart(report: ReportInput, numbers: Numbers) -> alt.HConcatChart:
    """Arms x targets, coloured by mean gain on a scale centred at 0; the last column is the mean.

    Grey: undecided by the paired test, in the last column after Holm's correction; below three
    seeds: smaller than the spread over seeds. Dashed and empty: every language at
    floor. Dotted and empty: nothing measured. A dagger marks same-data cells.
    """
    tiles = [
        _tile(report, numbers, arm, target) for arm in numbers.order for target in _columns(report)
    ]
    tiles += [_mean_tile(numbers.arms[arm]) for arm in numbers.order]
    strongest = max((abs(t["gain"]) for t in tiles if t["state"] == "clear"), default=1.0) or 1.0
    for tile in tiles:
        light = tile["state"] == "clear" and abs(tile["gain"]) > STRONG * strongest
        tile["ink"] = "#ffffff" if light else INK if tile["state"] != "missing" else SOFT
    headers = [f"{target}\n{report.main_metrics[target]}" for target in _columns(report)]
    body = [tile for tile in tiles if tile["column"] != MEAN]
    means = [tile for tile in tiles if tile["column"] == MEAN]
    return alt.hconcat(
        _tiles(body, headers, numbers.order, strongest, labelled=True),
        _tiles(means, [MEAN], numbers.order, strongest, labelled=False),
        spacing=14,
    )


def language_bars(report: ReportInput, numbers: Numbers, target: str) -> str:
    """Scores of baseline and arms in every language of one target, grouped by pretraining.

    Thin lines run from the lowest to the highest seed; a dark line is the task's floor; pale
    bars are at floor. The subtitle states each arm's English gap.
    """
    series = [arm for arm in [report.baseline, *numbers.order] if _measured(numbers, arm, target)]
    names = {arm: _marked(report, arm, target) for arm in series}
    inks = _inks(report, numbers)
    colour = alt.Scale(domain=[names[arm] for arm in series], range=[inks[arm] for arm in series])
    room = PAGE_WIDTH / len(numbers.languages[target]) - GUTTER
    step = GUTTER + len(series) * int(min(max(room / len(series), 4), 9))
    bars = {
        language: [
            _bar(numbers, (arm, target, language), names[arm])
            for arm in series
            if (arm, target, language) in numbers.scores.values
        ]
        for language in numbers.languages[target]
    }
    tops = [max(bar["high"], bar["floor"]) for found in bars.values() for bar in found]
    ceiling = min(100, 10 * (int(max(tops, default=0.0)) // 10 + 1))
    lines = [
        alt.hconcat(
            *[
                _panel(
                    [bar for name in part for bar in bars[name]], part, title, colour, step, ceiling
                )
                for title, part in line
            ],
            spacing=24,
        )
        for line in _lines(_groups(report, numbers.languages[target]), PAGE_WIDTH // step)
    ]
    title = alt.TitleParams(
        text=f"{target} ({report.main_metrics[target]})",
        subtitle=_gap_lines(report, numbers, target, series),
        anchor="start",
        offset=10,
    )
    chart = alt.vconcat(*lines, spacing=18).properties(title=title)
    return inline(chart, f"bars-{target}", f"Scores of {target} in each language, arm by arm")


def layer_lines(
    report: ReportInput, numbers: Numbers, target: str, curves: Mapping[str, list[float]]
) -> str:
    """The mean score of one target at every block of the encoder, one line an arm."""
    points = [
        {"arm": arm, "block": block, "score": score}
        for arm, curve in curves.items()
        for block, score in enumerate(curve)
    ]
    inks = _inks(report, numbers)
    colour = alt.Scale(domain=list(curves), range=[inks[arm] for arm in curves])
    across = alt.Axis(tickMinStep=1, format="d", grid=False, title="block (0: embeddings)", **QUIET)
    up = alt.Axis(title=report.main_metrics[target], tickCount=5, gridColor=GRID, **QUIET)
    legend = alt.Legend(title=None, orient="right", labelLimit=400)
    chart = (
        alt.Chart(alt.Data(values=points))
        .mark_line(point=True, strokeWidth=2)
        .encode(
            x=alt.X("block:Q", axis=across),
            y=alt.Y("score:Q", axis=up),
            color=alt.Color("arm:N", scale=colour, legend=legend),
        )
        .properties(width=560, height=180, title=alt.TitleParams(text=target, anchor="start"))
    )
    return inline(
        chart, f"layers-{target}", f"Mean score of {target} at every block of the encoder"
    )


def _columns(report: ReportInput) -> list[str]:
    return list(report.main_metrics)


def _inks(report: ReportInput, numbers: Numbers) -> dict[str, str]:
    """The colour of every arm, the same in all figures of a report."""
    inks = {arm: INKS[i % len(INKS)] for i, arm in enumerate(numbers.order)}
    return inks | {report.baseline: BASE_INK}


def _marked(report: ReportInput, arm: str, target: str) -> str:
    return f"{arm} †" if (arm, target) in report.same_data else arm


def _measured(numbers: Numbers, arm: str, target: str) -> bool:
    return any(place[:2] == (arm, target) for place in numbers.scores.values)


def _tile(report: ReportInput, numbers: Numbers, arm: str, target: str) -> Record:
    row = numbers.targets.get((arm, target))
    tile = _state(row)
    dagger = " †" if row is not None and row["same_data"] and tile["state"] != "floor" else ""
    return tile | {
        "arm": arm,
        "column": f"{target}\n{report.main_metrics[target]}",
        "label": tile["label"] + dagger,
    }


def _mean_tile(row: Record) -> Record:
    return _state(row if row["counted"] + row["at_floor"] else None, "headline") | {
        "arm": row["arm"],
        "column": MEAN,
    }


def _state(row: Record | None, verdict: str = "verdict") -> Record:
    """What one tile shows; ``spread`` is ``None`` with one seed, and then nothing is greyed."""
    if row is None:
        return {"state": "missing", "gain": 0.0, "label": "missing", "note": ""}
    if row["mean_gain"] is None:
        return {"state": "floor", "gain": 0.0, "label": "at floor", "note": ""}
    unclear = tone(row["mean_gain"], row, verdict) == "unclear" and row["spread"] is not None
    return {
        "state": "unclear" if unclear else "clear",
        "gain": row["mean_gain"],
        "label": numerals.gain(row["mean_gain"]),
        "note": numerals.around(row) or "one seed",
    }


def _tiles(
    tiles: list[Record], columns: list[str], arms: list[str], strongest: float, *, labelled: bool
) -> alt.LayerChart:
    axis = alt.Axis(
        orient="top", title=None, domain=False, ticks=False, labelAngle=0, labelPadding=18,
        labelFontSize=12, labelLineHeight=15, labelColor=INK, labelLimit=88,
        labelExpr="split(datum.label, '\\n')",
    )  # fmt: skip
    side = alt.Axis(
        title=None, domain=False, ticks=False, labelPadding=10, labelFontSize=13, labelColor=INK,
        labelLimit=200,
    )  # fmt: skip
    base = alt.Chart(alt.Data(values=tiles)).encode(
        x=alt.X("column:N", sort=columns, axis=axis, scale=alt.Scale(paddingInner=0.04)),
        y=alt.Y(
            "arm:N", sort=arms, axis=side if labelled else None, scale=alt.Scale(paddingInner=0.08)
        ),
    )

    def only(state: str) -> alt.Chart:
        return base.transform_filter(alt.FieldEqualPredicate(field="state", equal=state))

    scale = alt.Scale(
        domain=[-strongest, -strongest / 2, 0, strongest / 2, strongest],
        range=list(LOSS_TO_GAIN),
        interpolate="lab",
    )
    legend = alt.Legend(
        title="mean gain (points)", orient="bottom", direction="horizontal", gradientLength=220,
        gradientThickness=10,
        labelExpr="datum.value === 0 ? '0' : format(datum.value, '+.1f')",
        values=[-strongest, 0, strongest], offset=16,
    )  # fmt: skip
    label = alt.value(14)
    return (
        alt.layer(
            only("clear")
            .mark_rect(cornerRadius=3)
            .encode(color=alt.Color("gain:Q", scale=scale, legend=legend if labelled else None)),
            only("unclear").mark_rect(cornerRadius=3, fill=GREY),
            only("floor").mark_rect(
                cornerRadius=3, fill="#ffffff", stroke="#a3a39d", strokeDash=[5, 3], strokeWidth=1
            ),
            only("missing").mark_rect(
                cornerRadius=3, fill="#ffffff", stroke="#d4d4cf", strokeDash=[1, 3], strokeWidth=1
            ),
            base.mark_text(dy=-7, fontWeight="bold").encode(
                text="label:N", color=alt.Color("ink:N", scale=None), size=label
            ),
            base.mark_text(dy=10, fontSize=10.5).encode(
                text="note:N", color=alt.Color("ink:N", scale=None)
            ),
        )
        .resolve_scale(color="independent")
        .properties(width=alt.Step(92), height=alt.Step(48))
    )


def _bar(numbers: Numbers, place: tuple[str, str, str], name: str) -> Record:
    runs, limit = numbers.scores.values[place].values(), numbers.scores.limit(place)
    mean = numbers.scores.mean(place)
    return {
        "series": name,
        "language": place[2],
        "score": mean,
        "low": min(runs),
        "high": max(runs),
        "floor": numbers.scores.facts[place][1],
        "fade": 0.35 if limit is not None and mean <= limit else 1.0,
    }


def _groups(report: ReportInput, languages: list[str]) -> list[tuple[str, list[str]]]:
    known = report.pretraining_languages
    if known is None:
        return [("all languages (which the encoder was pretrained on is unknown)", languages)]
    groups = [
        ("in the encoder's pretraining", [name for name in languages if name in known]),
        ("not in its pretraining", [name for name in languages if name not in known]),
    ]
    return [(title, names) for title, names in groups if names]


def _lines(groups: list[tuple[str, list[str]]], most: int) -> list[list[tuple[str, list[str]]]]:
    """Panels laid out in lines of at most ``most`` languages; a longer group is split evenly."""
    panels = []
    for title, names in groups:
        size = math.ceil(len(names) / math.ceil(len(names) / most))
        for start in range(0, len(names), size):
            head = "… continued" if start else f"{title} ({len(names)})"
            panels.append((head, names[start : start + size]))
    lines: list[list[tuple[str, list[str]]]] = []
    for panel in panels:
        if lines and sum(len(names) for _, names in lines[-1]) + len(panel[1]) <= most:
            lines[-1].append(panel)
        else:
            lines.append([panel])
    return lines


def _panel(
    bars: list[Record], languages: list[str], title: str, colour: alt.Scale, step: int, ceiling: int
) -> alt.LayerChart:
    long_names = max(len(name) for name in languages) * 7 > step
    base = alt.Chart(alt.Data(values=bars)).encode(
        x=alt.X(
            "language:N", sort=languages,
            scale=alt.Scale(domain=languages, paddingInner=0.2, paddingOuter=0.1),
            axis=alt.Axis(
                title=None, labelAngle=-90 if long_names else 0, ticks=False, labelPadding=5,
                domainColor="#c9c9c4",
            ),
        ),
        xOffset=alt.XOffset("series:N", sort=colour.domain),
    )  # fmt: skip
    axis = alt.Axis(title=None, tickCount=5, domain=False, ticks=False, gridColor=GRID)
    widest = max(len(str(name)) for name in colour.domain) + 5
    legend = alt.Legend(
        title=None, orient="top", direction="horizontal", symbolType="square", labelFontSize=12,
        labelLimit=400, columns=max(1, LINE_LETTERS // widest),
    )  # fmt: skip
    return alt.layer(
        base.mark_bar().encode(
            y=alt.Y("score:Q", scale=alt.Scale(domain=[0, ceiling]), axis=axis),
            color=alt.Color("series:N", scale=colour, legend=legend),
            opacity=alt.Opacity("fade:Q", scale=None, legend=None),
        ),
        base.mark_rule(strokeWidth=1, color=INK, opacity=0.65).encode(y="low:Q", y2="high:Q"),
        base.transform_filter("isValid(datum.floor)").mark_tick(
            color=INK, thickness=0.8, opacity=0.7, strokeDash=[2, 2]
        ).encode(y="floor:Q"),
    ).properties(
        width=alt.Step(step, **{"for": "position"}), height=150,
        title=alt.TitleParams(
            text=title, anchor="start", fontSize=11.5, fontWeight="normal", color=SOFT, offset=4
        ),
    )  # fmt: skip


def _gap_lines(report: ReportInput, numbers: Numbers, target: str, series: list[str]) -> list[str]:
    parts = [
        f"{arm} {numerals.gain(numbers.gaps[(arm, target)]['gap'])}"
        for arm in series
        if (arm, target) in numbers.gaps
    ]
    if not parts:
        return [f"No gap to {report.english}: it is not scored here, or it is at floor."]
    text = f"{report.english} minus the mean of the other languages: {' · '.join(parts)}"
    return textwrap.wrap(text, LINE_LETTERS)
