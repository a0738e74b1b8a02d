import dataclasses

import pandas as pd

from xstilts.reports.answer import answer
from xstilts.reports.model import ReportInput
from xstilts.reports.numbers import numbers


def paragraph(report: ReportInput) -> str:
    return " ".join(answer(report, numbers(report)))


def test_the_answer_names_the_best_arm_the_extremes_and_what_cannot_be_told(
    report: ReportInput,
) -> None:
    text = paragraph(report)
    assert "mnli gained most over the baseline none: +6.5 ± 0.3 points (the mean of 2" in text
    assert "Without same-data cells it is still the highest (+10.0)." in text
    assert "The largest gain is that of mnli on tatoeba, +10.0 ± 0.3." in text
    assert "The largest loss is that of hellaswag on tatoeba, −4.0 ± 1.4." in text
    assert "Nothing can be told about hellaswag on xnli." in text
    assert "7 cells counted; 2 at floor and in no mean; 1 missing." in text


def test_one_seed_tells_no_winner_from_chance(report: ReportInput) -> None:
    rows = report.rows[report.rows["seed"].fillna(0) == 0]
    text = paragraph(dataclasses.replace(report, rows=rows))
    assert "fewer than two shared seeds nobody can tell it from chance" in text
    assert "gained most" not in text


def test_a_gain_within_the_spread_is_not_called_one(report: ReportInput) -> None:
    rows = report.rows[(report.rows["arm"] != "mnli") & (report.rows["target"] == "xnli")]
    text = paragraph(dataclasses.replace(report, rows=rows))
    assert "No arm gained more than its seeds vary" in text


def test_an_arm_that_only_lost_did_not_gain(report: ReportInput) -> None:
    rows = report.rows[(report.rows["arm"] != "mnli") & (report.rows["target"] == "tatoeba")]
    arms = report.arms[report.arms["arm"] != "mnli"]
    text = paragraph(dataclasses.replace(report, rows=rows, arms=arms))
    assert "No arm gained over none; hellaswag lost least: −4.0 ± 1.4 points" in text


def test_close_arms_are_not_ordered(report: ReportInput) -> None:
    twin = report.rows[report.rows["arm"] == "mnli"].assign(arm="twin")
    both = pd.concat([report.rows, twin], ignore_index=True)
    text = paragraph(dataclasses.replace(report, rows=both))
    assert "so close (+6.5 ± 0.3) that their order cannot be told" in text


def test_without_results_there_is_no_answer(report: ReportInput) -> None:
    empty = dataclasses.replace(report, rows=report.rows.iloc[:0])
    assert paragraph(empty).startswith("Nothing can be answered yet")


def test_with_every_cell_at_floor_nothing_can_be_told(report: ReportInput) -> None:
    rows = report.rows[report.rows["language"] == "yo"]
    text = paragraph(dataclasses.replace(report, rows=rows))
    assert text == "Nothing can be told: every cell is at the floor of its task."
