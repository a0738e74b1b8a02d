import csv
import dataclasses
import io
import shutil
import struct
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from xstilts.reports.files import study_files
from xstilts.studies.finding import Finding, Table


def test_each_table_is_two_files_and_each_figure_two(
    finding: Finding, claims: pd.DataFrame
) -> None:
    found = study_files(finding, claims)
    tables, figures = ("ranking", "estimates", "claims"), ("gains", "shots", "points", "gaps")
    assert set(found) == {
        *(f"{name}.{end}" for name in tables for end in ("csv", "tex")),
        *(f"{name}.{end}" for name in figures for end in ("svg", "png")),
    }


def test_csv_keeps_every_digit_and_leaves_out_what_is_missing(finding: Finding) -> None:
    found = study_files(finding)
    rows = list(csv.DictReader(io.StringIO(found["ranking.csv"].decode())))
    assert rows[0]["regret_at_1"] == "3.25" and rows[2]["ndcg"] == ""
    estimates = list(csv.DictReader(io.StringIO(found["estimates.csv"].decode())))
    assert estimates[1] == {
        "estimate": "gain of mnli", "value": "2.35", "low": "-0.1", "high": "4.8",
        "unit": "points", "seeds": "5",
    }  # fmt: skip


def test_latex_is_escaped_and_ruled_by_booktabs(finding: Finding) -> None:
    text = study_files(finding)["ranking.tex"].decode()
    assert r"\begin{tabular}{lrrrr}" in text and r"\toprule" in text and r"\bottomrule" in text
    assert r"CKA\_100\% & --- & --- & --- & 0 \\" in text
    assert r"LogME & 0.81 & $-$0.4 & \textless{} 0.001 & 81 \\" in text
    assert r"\caption{How well each score ranks. Means over targets.}" in text


def test_a_row_that_begins_with_a_bracket_or_a_star_is_no_argument_of_the_line_before(
    finding: Finding,
) -> None:
    rows = pd.DataFrame({"a": ["[1]", "*", r"\input{x}"]})
    only = dataclasses.replace(finding, tables=[Table(name="t", title="T", rows=rows)], figures=[])
    text = study_files(only)["t.tex"].decode()
    assert "{[}1]" in text and "{*}" in text and r"\textbackslash{}input\{x\}" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")
def test_latex_compiles(finding: Finding, claims: pd.DataFrame, tmp_path: Path) -> None:
    tables = [
        data.decode() for name, data in study_files(finding, claims).items() if ".tex" in name
    ]
    head = r"\documentclass{article}\usepackage{booktabs}\begin{document}"
    (tmp_path / "all.tex").write_text("\n".join([head, *tables, r"\end{document}"]))
    subprocess.run(
        ["pdflatex", "-halt-on-error", "all.tex"], cwd=tmp_path, check=True, capture_output=True
    )
    assert (tmp_path / "all.pdf").stat().st_size > 1000


def test_figures_are_whole_svg_and_png_named_by_their_titles(finding: Finding) -> None:
    found = study_files(finding)
    for figure in finding.figures:
        root = ElementTree.fromstring(found[f"{figure.name}.svg"])
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.get("aria-label") == figure.title
        assert b"var(" not in found[f"{figure.name}.svg"]  # other programs know no variables
        png = found[f"{figure.name}.png"]
        assert png.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", png[16:24])
        drawn = float(root.attrib["width"]), float(root.attrib["height"])
        assert (width, height) == pytest.approx((2 * drawn[0], 2 * drawn[1]), abs=2)


def test_two_tables_of_one_name_are_refused(finding: Finding) -> None:
    twice = dataclasses.replace(finding, tables=[*finding.tables, *finding.tables])
    with pytest.raises(ValueError, match=r"written to ranking\.csv"):
        study_files(twice)


def test_an_infinite_number_is_refused(finding: Finding) -> None:
    rows = pd.DataFrame({"a": [float("inf")]})
    with pytest.raises(ValueError, match="infinite a"):
        study_files(dataclasses.replace(finding, tables=[Table(name="t", title="T", rows=rows)]))
