import dataclasses
import re

import pytest

from xstilts.reports.figures import GREY, heat_map, language_bars
from xstilts.reports.model import ReportInput
from xstilts.reports.numbers import numbers


def words(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)", svg)


def grey_tiles(svg: str) -> int:
    return len(re.findall(rf'<path[^>]*fill="var\(--x{GREY[1:]},{GREY}\)"', svg))


def test_an_undecided_gain_is_grey(report: ReportInput) -> None:
    # hellaswag on xnli: +0.1 [−0.9, +1.1], and nothing else.
    svg = heat_map(report, numbers(report))
    assert grey_tiles(svg) == 1 and "[−0.9, +1.1]" in words(svg)


def test_two_seeds_grey_a_gain_smaller_than_its_spread(two_seeds: ReportInput) -> None:
    svg = heat_map(two_seeds, numbers(two_seeds))
    assert grey_tiles(svg) == 1 and "± 1.4" in words(svg)


def test_the_means_are_judged_by_the_corrected_p(report: ReportInput) -> None:
    found = numbers(report)
    found.arms["mnli"]["headline"] = "undecided"
    assert grey_tiles(heat_map(report, found)) == 2


def test_one_seed_greys_nothing_but_says_so(report: ReportInput) -> None:
    one = dataclasses.replace(report, rows=report.rows[report.rows["seed"].fillna(0) == 0])
    svg = heat_map(one, numbers(one))
    assert grey_tiles(svg) == 0 and "one seed" in words(svg)


def test_the_numbers_and_the_same_data_mark_stand_in_the_tiles(report: ReportInput) -> None:
    found = words(heat_map(report, numbers(report)))
    assert {"+3.0 †", "+10.0", "−4.0", "+0.1", "+6.5"} <= set(found)


def test_targets_at_floor_and_missing_ones_are_named(report: ReportInput) -> None:
    rows = report.rows
    floor = (rows["target"] == "tatoeba") | (rows["language"] == "yo")
    kept = rows[floor & ~((rows["arm"] == "hellaswag") & (rows["target"] == "tatoeba"))]
    changed = dataclasses.replace(report, rows=kept)
    found = words(heat_map(changed, numbers(changed)))
    assert found.count("at floor") == 3  # both arms on xnli, and hellaswag's mean
    assert found.count("missing") == 1  # hellaswag on tatoeba


def test_bars_stand_in_groups_by_pretraining_with_the_gap(report: ReportInput) -> None:
    found = words(language_bars(report, numbers(report), "xnli"))
    assert "in the encoder's pretraining (1)" in found and "not in its pretraining (2)" in found
    assert any("none +10.0 · mnli +10.0 · hellaswag +10.0" in text for text in found)
    unknown = dataclasses.replace(report, pretraining_languages=None)
    text = " ".join(words(language_bars(unknown, numbers(unknown), "xnli")))
    assert "is unknown) (3)" in text and "not in its" not in text


@pytest.mark.parametrize("known", [True, False])
def test_a_target_without_english_has_bars_and_no_gap(report: ReportInput, known: bool) -> None:
    changed = report if known else dataclasses.replace(report, pretraining_languages=None)
    found = words(language_bars(changed, numbers(changed), "tatoeba"))
    assert any("No gap to en" in text for text in found)
    assert {"sw", "de"} <= set(found)


def test_a_floor_above_every_score_stays_on_the_axis(report: ReportInput) -> None:
    def highest(shown: ReportInput) -> int:
        return max(
            int(t) for t in words(language_bars(shown, numbers(shown), "tatoeba")) if t.isdecimal()
        )

    assert highest(report) < 80
    assert highest(dataclasses.replace(report, rows=report.rows.assign(floor=87.0))) >= 80
