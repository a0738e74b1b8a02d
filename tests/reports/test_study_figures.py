import dataclasses
import re

import pandas as pd
import pytest

from xstilts.reports.charts import chart
from xstilts.reports.drawing import GREY, INKS, inline, night, night_styles
from xstilts.studies.finding import Figure, Finding


def drawn(figure: Figure) -> str:
    return inline(chart(figure), figure.name, figure.title)


def words(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)", svg)


def of_kind(finding: Finding, kind: str) -> Figure:
    return next(figure for figure in finding.figures if figure.kind == kind)


def test_a_tile_whose_interval_holds_0_is_grey_and_an_absent_one_is_a_dash(
    finding: Finding,
) -> None:
    svg = drawn(of_kind(finding, "heat"))
    assert {"+5.5", "[+3.5, +7.5]", "+1.0", "−4.0", "—"} <= set(words(svg))
    assert len(re.findall(rf'<path[^>]*fill="var\(--x{GREY[1:]},{GREY}\)"', svg)) == 1


def test_values_without_sign_or_interval_are_coloured_from_0(finding: Finding) -> None:
    heat = of_kind(finding, "heat")
    share = heat.data.assign(gain=[0.2, 0.5, 1.0])
    svg = drawn(dataclasses.replace(heat, data=share, low="", high=""))
    assert {"0.20", "0.50", "1.00", "0", "1"} <= set(words(svg)) and "+0.20" not in words(svg)


def test_two_values_for_one_tile_are_refused(finding: Finding) -> None:
    heat = of_kind(finding, "heat")
    with pytest.raises(ValueError, match="gains: two values for one tile"):
        chart(dataclasses.replace(heat, data=pd.concat([heat.data, heat.data])))


def test_a_column_that_is_not_there_is_refused(finding: Finding) -> None:
    with pytest.raises(ValueError, match="points: its data has no column nowhere"):
        chart(dataclasses.replace(of_kind(finding, "scatter"), y="nowhere"))


def test_a_curve_has_a_line_and_a_band_for_each_series_and_counts_by_ratios(
    finding: Finding,
) -> None:
    svg = drawn(of_kind(finding, "curve"))
    assert {"0", "10", "1,000", "k (scale by ratios)", "mnli", "none"} <= set(words(svg))
    for ink in INKS[:2]:
        assert len(re.findall(rf'<path[^>]*stroke="var\(--x{ink[1:]}', svg)) >= 1
        assert len(re.findall(rf'<path[^>]*fill="var\(--x{ink[1:]}', svg)) >= 2  # band and points


def test_a_scatter_has_a_point_a_row_and_bars_a_bar_a_category(finding: Finding) -> None:
    svg = drawn(of_kind(finding, "scatter"))
    assert len(re.findall(rf'<path[^>]*d="M[^"]*A[^"]*"[^>]*fill="var\(--x{INKS[0][1:]}', svg)) == 2
    svg = drawn(of_kind(finding, "bars"))
    assert len(re.findall(rf'<path[^>]*fill="var\(--x{INKS[0][1:]}', svg)) == 2
    assert {"sw", "de", "language", "gap"} <= set(words(svg))


def test_a_point_without_a_value_is_left_out_and_is_not_0(finding: Finding) -> None:
    scatter = of_kind(finding, "scatter")
    gone = scatter.data.assign(gain=[None, 3.0])
    assert drawn(dataclasses.replace(scatter, data=gone)).count('aria-label="Similarity') == 1
    path = rf'<path[^>]*d="M[^"]*A[^"]*"[^>]*fill="var\(--x{INKS[0][1:]}'
    assert len(re.findall(path, drawn(dataclasses.replace(scatter, data=gone)))) == 1


def test_names_of_columns_are_no_paths_into_the_data(finding: Finding) -> None:
    bars = of_kind(finding, "bars")
    data = bars.data.rename(columns={"gap": "a.b[0]"})
    same = drawn(dataclasses.replace(bars, data=data, y="a.b[0]"))
    assert same.replace("a.b[0]", "gap") == drawn(bars)


def test_light_turns_dark_and_dark_light_but_series_only_get_lighter() -> None:
    def light(colour: str) -> float:
        return sum(int(colour[i : i + 2], 16) for i in (1, 3, 5))

    assert light(night("#ffffff")) < 90 and light(night("#000000")) > 690
    assert light(night(GREY)) < 150
    for ink in INKS:
        assert light(night(ink)) >= light(ink) - 3


def test_every_colour_of_an_inline_figure_has_one_for_the_dark_page(finding: Finding) -> None:
    for figure in finding.figures:
        svg = drawn(figure)
        assert not re.search(r'(fill|stroke|stop-color)="(#|rgb)', svg)
        for colour in re.findall(r"var\(--x([0-9a-f]{6}),#\1\)", svg):
            assert f"--x{colour}:#" in night_styles(svg)
