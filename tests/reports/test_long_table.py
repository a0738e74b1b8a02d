import csv
import io
import json

import pytest

from xstilts.core.errors import UserError
from xstilts.phases.results import COLUMNS
from xstilts.reports.model import ReportInput
from xstilts.reports.tables import long_table


def test_csv_has_the_exact_columns_and_full_precision(report: ReportInput) -> None:
    shuffled = report.rows[list(reversed(report.rows.columns))].assign(value=1 / 3)
    lines = list(csv.DictReader(io.StringIO(long_table(shuffled, "csv"))))
    assert tuple(lines[0]) == COLUMNS
    assert len(lines) == len(report.rows)
    assert float(lines[0]["value"]) == 1 / 3
    assert {line["seed"] for line in lines} == {"0", "1", "2", "3", "4", ""}


def test_json_has_null_for_an_empty_seed_and_whole_numbers_stay_whole(report: ReportInput) -> None:
    lines = json.loads(long_table(report.rows, "json"))
    assert all(tuple(line) == COLUMNS for line in lines)
    assert {line["seed"] for line in lines} == {0, 1, 2, 3, 4, None}
    assert all(isinstance(line["n"], int) for line in lines)


@pytest.mark.parametrize("format", ["csv", "json", "latex", "table"])
def test_a_value_that_is_no_number_is_refused(report: ReportInput, format: str) -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"missing row|finite"):
            long_table(report.rows.assign(value=value), format)


def test_the_text_table_states_constant_columns_once(report: ReportInput) -> None:
    text = long_table(report.rows)
    assert text.count("tiny") == 1 and "encoder: tiny" in text
    assert "hellaswag" in text and "71.00" not in text.splitlines()[0]
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_latex_escapes_what_latex_would_read(report: ReportInput) -> None:
    text = long_table(report.rows.replace({"hellaswag": r"a_b & 50% {x} \y"}), "latex")
    assert r"a\_b \& 50\% \{x\} \textbackslash{}y &" in text
    assert text.count(r"\begin{longtable}") == text.count(r"\end{longtable}") == 1


def test_no_rows_are_an_empty_table(report: ReportInput) -> None:
    none = report.rows.iloc[:0]
    assert long_table(none, "csv") == ",".join(COLUMNS) + "\n"
    assert json.loads(long_table(none, "json")) == []
    assert long_table(none) == "No results yet.\n"
    assert r"\end{longtable}" in long_table(none, "latex")


def test_an_unknown_format_is_a_user_error_that_suggests_one(report: ReportInput) -> None:
    with pytest.raises(UserError, match="Did you mean 'json'"):
        long_table(report.rows, "jsn")
