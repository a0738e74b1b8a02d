import dataclasses

import pandas as pd
import pytest

from xstilts.reports.answer import answer
from xstilts.reports.model import ReportInput
from xstilts.reports.numbers import numbers


def paragraph(report: ReportInput) -> str:
    return " ".join(answer(report, numbers(report)))


def noisier(report: ReportInput, arm: str, by: float) -> ReportInput:
    """The same means of one arm, with seeds that differ by so much more."""
    shift = report.rows["seed"].fillna(2).map({0: by, 1: -by, 2: 0.0, 3: by, 4: -by})
    mine = (report.rows["arm"] == arm) & (report.rows["language"] != "yo")
    value = report.rows["value"] + shift.astype(float).where(mine, 0.0)
    return dataclasses.replace(report, rows=report.rows.assign(value=value))


def test_the_answer_names_the_best_arm_the_extremes_and_what_cannot_be_told(
    report: ReportInput,
) -> None:
    text = paragraph(report)
    best = (
        "mnli gained most over the baseline none: +6.5 [+6.3, +6.7] points (the mean of 2 targets"
    )
    assert f"{best}, 4 cells; 95 % interval over 5 seeds)." in text
    assert "Of the others, hellaswag lost." in text
    corrected = "Corrected for 4 comparisons of an arm on a target"
    assert "Without same-data cells the highest mean is still that of mnli (+10.0)." in text
    assert f"{corrected}, the largest gain is that of mnli on tatoeba, +10.0 [+9.8, +10.2]." in text
    assert "The largest loss is that of hellaswag on tatoeba, −4.0 [−5.0, −3.0]." in text
    assert "Nothing can be told about hellaswag on xnli." in text
    assert "7 cells counted; 2 at floor and in no mean; 1 missing." in text


def test_of_many_arms_and_targets_that_cannot_be_told_the_number_stands(
    report: ReportInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xstilts.reports.answer._NAMED", 0)
    assert "Nothing can be told about 1 other tile, grey below." in paragraph(report)


def test_two_seeds_give_means_and_spreads_but_no_verdict(two_seeds: ReportInput) -> None:
    text = paragraph(two_seeds)
    assert "mnli has the highest mean gain over none, +6.5 ± 0.3 points" in text
    assert "2 shared seeds: too few seeds for a verdict." in text
    assert "The largest gain is that of mnli on tatoeba, +10.0 ± 0.3." in text
    for verdict in ("gained", "lost", "can be told", "interval"):
        assert verdict not in text


def test_one_seed_has_not_even_a_spread(report: ReportInput) -> None:
    rows = report.rows[report.rows["seed"].fillna(0) == 0]
    text = paragraph(dataclasses.replace(report, rows=rows))
    assert "1 shared seed: too few seeds for a verdict" in text
    assert "±" not in text and "largest" not in text


def test_an_interval_with_zero_in_it_tells_no_gain(report: ReportInput) -> None:
    rows = report.rows[(report.rows["arm"] != "mnli") & (report.rows["target"] == "xnli")]
    text = paragraph(dataclasses.replace(report, rows=rows))
    assert "No gain over none can be told from 0: the highest mean is that of hellaswag" in text


def test_an_arm_that_only_lost_did_not_gain(report: ReportInput) -> None:
    rows = report.rows[(report.rows["arm"] != "mnli") & (report.rows["target"] == "tatoeba")]
    arms = report.arms[report.arms["arm"] != "mnli"]
    text = paragraph(dataclasses.replace(report, rows=rows, arms=arms))
    assert "No arm gained over none; hellaswag lost least: −4.0 [−5.0, −3.0] points" in text


def test_close_arms_are_not_ordered_and_distant_ones_are(report: ReportInput) -> None:
    mnli = report.rows[report.rows["arm"] == "mnli"]

    def beside(change: float) -> str:
        twin = mnli.assign(arm="twin", value=mnli["value"] - change * (mnli["language"] != "yo"))
        rows = pd.concat([report.rows, twin], ignore_index=True)
        return paragraph(dataclasses.replace(report, rows=rows))

    assert "twin is so close (+6.5 [+6.3, +6.7]) that their order cannot be told" in beside(0)
    assert "twin comes second (+5.5 [+5.3, +5.7])." in beside(1)


def test_a_sure_gain_is_named_before_a_higher_mean_that_is_none(report: ReportInput) -> None:
    higher = report.rows[report.rows["arm"] == "mnli"].assign(arm="wild")
    higher["value"] += higher["language"] != "yo"
    rows = pd.concat([report.rows, higher], ignore_index=True)
    text = paragraph(noisier(dataclasses.replace(report, rows=rows), "wild", 12))
    assert "mnli gained most over the baseline none: +6.5" in text
    assert "The mean of wild is higher (+7.5 [" in text and "), but proves no gain." in text


@pytest.mark.parametrize("others", [0, 12])
def test_an_arm_among_many_needs_a_smaller_p(report: ReportInput, others: int) -> None:
    """hellaswag's loss has p = 0.02 once its seeds differ more; Holm asks that of an arm alone."""
    noisy = noisier(report, "hellaswag", 0.7)
    mine = noisy.rows["arm"].isin(["none", "hellaswag"])
    idle = [noisy.rows[noisy.rows["arm"] == "none"].assign(arm=f"idle {i}") for i in range(others)]
    with_seeds = [
        pd.concat([rows.assign(seed=seed, value=rows["value"] + seed % 2) for seed in range(5)])
        for rows in (rows[rows["seed"].fillna(0) == 0] for rows in idle)
    ]
    rows = pd.concat([noisy.rows[mine], *with_seeds], ignore_index=True)
    rows["seed"] = rows["seed"].astype("Int64")
    found = numbers(dataclasses.replace(noisy, rows=rows)).arms["hellaswag"]
    assert found["verdict"] == "loss"
    assert found["headline"] == ("undecided" if others else "loss")


def test_with_counts_of_items_the_answer_speaks_of_other_items_too(
    report: ReportInput, counted: ReportInput
) -> None:
    alone, crossed = numbers(report).arms["mnli"], numbers(counted).arms["mnli"]
    assert alone["mean_gain"] == crossed["mean_gain"]
    assert crossed["low"] < alone["low"] - 1
    assert "95 % interval over 5 seeds and other test items)." in paragraph(counted)


def test_without_results_there_is_no_answer(report: ReportInput) -> None:
    empty = dataclasses.replace(report, rows=report.rows.iloc[:0])
    assert paragraph(empty).startswith("Nothing can be answered yet")


def test_with_every_cell_at_floor_nothing_can_be_told(report: ReportInput) -> None:
    rows = report.rows[report.rows["language"] == "yo"]
    text = paragraph(dataclasses.replace(report, rows=rows))
    assert text == "Nothing can be told: every cell is at the floor of its task."
