"""Gains by hand: pairing by seed, floors, same data, missing cells, retrieval without a seed."""

import math
from typing import Any

import pandas as pd
import pytest

from xstilts.stats.corrections import holm
from xstilts.stats.gains import cells
from xstilts.stats.language_gap import language_gap
from xstilts.stats.mean_gains import summary
from xstilts.stats.paired import paired_test
from xstilts.stats.scores import languages_of, scores

METRICS = {"xnli": "accuracy", "tatoeba": "accuracy"}


def row(
    arm: str, target: str, language: str, value: float, seed: int | None, **more: Any
) -> dict[str, Any]:
    plain = {"metric": "accuracy", "n": 1000, "floor": 33.3 if target == "xnli" else 0.1}
    place = {"arm": arm, "target": target, "language": language, "value": value, "seed": seed}
    return plain | place | more


def frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    found = pd.DataFrame(rows)
    found["seed"] = found["seed"].astype("Int64")
    return found


def runs(arm: str, target: str, language: str, *values: float, **more: Any) -> list[dict[str, Any]]:
    return [row(arm, target, language, value, seed, **more) for seed, value in enumerate(values)]


def only(table: pd.DataFrame, **where: str) -> dict[str, Any]:
    found = [r for r in table.to_dict("records") if all(r[k] == v for k, v in where.items())]
    assert len(found) == 1
    return {str(name): value for name, value in found[0].items()}


def test_gains_are_paired_by_seed_and_a_seed_of_one_side_is_left_out() -> None:
    rows = frame(runs("none", "xnli", "sw", 60, 64) + runs("mnli", "xnli", "sw", 61, 67, 90))
    cell = only(cells(rows, METRICS, "none"))
    assert cell["gain"] == 2 and cell["seeds"] == 2  # (1 + 3) / 2
    assert cell["spread"] == pytest.approx(math.sqrt(2))  # sd of 1 and 3, divisor 1
    assert (cell["baseline_mean"], cell["arm_mean"]) == (62, 64)
    assert (cell["low"], cell["p"], cell["verdict"]) == (None, None, "too few seeds")


def test_a_retrieval_baseline_without_a_seed_pairs_with_every_seed() -> None:
    rows = frame([row("none", "tatoeba", "sw", 40, None), *runs("mnli", "tatoeba", "sw", 50, 46)])
    cell = only(cells(rows, METRICS, "none"))
    assert (cell["gain"], cell["baseline_mean"], cell["seeds"]) == (8, 40, 2)
    assert cell["seed_gains"] == ((0, 10.0), (1, 6.0))


def test_two_runs_without_a_seed_give_a_gain_without_a_spread() -> None:
    rows = frame([row(arm, "tatoeba", "sw", v, None) for arm, v in (("none", 40), ("ready", 41))])
    cell = only(cells(rows, METRICS, "none"))
    assert (cell["gain"], cell["spread"], cell["verdict"]) == (1, None, "too few seeds")


def test_only_the_main_metric_counts() -> None:
    rows = frame(
        runs("none", "xnli", "sw", 60)
        + runs("mnli", "xnli", "sw", 63)
        + runs("none", "xnli", "sw", 10, metric="f1")
        + runs("mnli", "xnli", "sw", 90, metric="f1")
    )
    assert only(cells(rows, METRICS, "none"))["gain"] == 3


def test_a_cell_is_at_floor_only_if_both_arms_are() -> None:
    # The Wilson bound of 33.3 on 1000 examples is 36.3.
    rows = frame(
        runs("none", "xnli", "sw", 34, 35)
        + runs("low", "xnli", "sw", 35, 36)
        + runs("high", "xnli", "sw", 50, 52)
    )
    found = cells(rows, METRICS, "none")
    assert only(found, arm="low")["noise_limit"] == pytest.approx(36.3, abs=0.1)
    assert only(found, arm="low")["at_floor"] and not only(found, arm="high")["at_floor"]


def test_cells_at_floor_never_count_in_a_mean() -> None:
    rows = frame(
        runs("none", "xnli", "en", 70, 70)
        + runs("mnli", "xnli", "en", 74, 72)
        + runs("none", "xnli", "sw", 34, 34)
        + runs("mnli", "xnli", "sw", 30, 30)
    )
    found = summary(cells(rows, METRICS, "none"), {"xnli": ["en", "sw"]})
    target = only(found.targets)
    assert (target["mean_gain"], target["counted"], target["at_floor"]) == (3, 1, 1)
    assert target["spread"] == pytest.approx(math.sqrt(2))
    assert target["zero_shot_gain"] is None


def test_a_missing_cell_is_a_missing_row_and_is_counted_as_missing() -> None:
    rows = frame(
        runs("none", "xnli", "en", 70)
        + runs("none", "xnli", "sw", 60)
        + runs("mnli", "xnli", "en", 72)
        + runs("none", "tatoeba", "sw", 50)
        + runs("squad_v1", "tatoeba", "sw", 55)
    )
    found = cells(rows, METRICS, "none")
    assert list(zip(found["arm"], found["target"], found["language"], strict=True)) == [
        ("mnli", "xnli", "en"),
        ("squad_v1", "tatoeba", "sw"),
    ]
    means = summary(found, languages_of(scores(rows, METRICS)))
    assert only(means.targets, arm="mnli")["missing"] == 1
    assert only(means.arms, arm="mnli")["missing"] == 2  # Swahili in XNLI and in Tatoeba
    assert only(means.arms, arm="squad_v1")["mean_gain"] == 5
    assert not found.map(lambda v: isinstance(v, float) and math.isnan(v)).any(axis=None)


def test_means_split_by_pretraining_zero_shot_and_same_data() -> None:
    rows = frame(
        [r for lang in ("en", "sw", "yo") for r in runs("none", "xnli", lang, 60)]
        + runs("mnli", "xnli", "en", 61)
        + runs("mnli", "xnli", "sw", 65)
        + runs("mnli", "xnli", "yo", 69)
        + runs("none", "tatoeba", "sw", 40)
        + runs("mnli", "tatoeba", "sw", 51)
    )
    found = cells(rows, METRICS, "none", same_data={("mnli", "xnli")})
    means = summary(found, languages_of(scores(rows, METRICS)), pretraining={"en", "sw"})
    xnli = only(means.targets, target="xnli")
    assert (xnli["mean_gain"], xnli["zero_shot_gain"]) == (5, 7)
    assert (xnli["inside_gain"], xnli["outside_gain"], xnli["same_data"]) == (3, 9, True)
    arm = only(means.arms)
    assert arm["mean_gain"] == 8  # (5 + 11) / 2: each target one vote
    assert arm["gain_without_same_data"] == 11
    assert (arm["zero_shot_gain"], arm["zero_shot_gain_without_same_data"]) == (9, 11)
    assert (arm["inside_gain"], arm["outside_gain"]) == (7, 9)
    assert arm["outside_gain_without_same_data"] is None
    assert only(summary(found, {"xnli": ["en"]}).targets)["inside_gain"] is None


def test_the_spread_of_a_mean_is_taken_over_seeds_of_the_language_mean() -> None:
    rows = frame(
        runs("none", "xnli", "de", 60, 60)
        + runs("none", "xnli", "sw", 50, 50)
        + runs("mnli", "xnli", "de", 64, 60)
        + runs("mnli", "xnli", "sw", 50, 54)
    )
    target = only(summary(cells(rows, METRICS, "none"), {"xnli": ["de", "sw"]}).targets)
    assert (target["mean_gain"], target["spread"]) == (2, 0)
    assert target["seed_gains"] == ((0, 2.0), (1, 2.0))


def test_the_test_of_a_mean_stands_on_the_same_cells_in_every_seed() -> None:
    rows = frame(
        runs("none", "xnli", "de", 60, 61, 62, 63)
        + runs("mnli", "xnli", "de", 62, 64, 64, 66)
        + runs("none", "xnli", "sw", 50, 50, 50)  # no fourth seed
        + runs("mnli", "xnli", "sw", 53, 54, 52)
        + runs("none", "xnli", "yo", 34, 34, 34, 34)
        + runs("mnli", "xnli", "yo", 33, 34, 45, 30)  # one seed above the floor, the mean not
    )
    languages = {"xnli": ["de", "sw", "yo"]}
    target = only(summary(cells(rows, METRICS, "none"), languages).targets)
    gains = [2.5, 3.5, 2.0]
    assert target["seed_gains"] == tuple(enumerate(gains))
    assert (target["counted"], target["at_floor"], target["seeds"]) == (2, 1, 3)
    assert target["mean_gain"] == pytest.approx(sum(gains) / 3)
    found = paired_test(gains)
    assert (target["low"], target["high"], target["p"]) == (found.low, found.high, found.p)
    assert target["verdict"] == "gain"


def test_verdicts_on_arms_are_corrected_for_their_number() -> None:
    values = {"up": (63, 64, 62), "down": (57, 57, 56.9), "same": (60, 61, 59)}
    rows = frame(
        runs("none", "xnli", "sw", 60, 60, 60)
        + [r for arm, found in values.items() for r in runs(arm, "xnli", "sw", *found)]
        + runs("short", "xnli", "sw", 70, 70)
    )
    found = summary(cells(rows, METRICS, "none"), {"xnli": ["sw"]})
    for table in (found.targets, found.arms):
        adjusted = holm([only(table, arm=arm)["p"] for arm in sorted(values)])
        assert [only(table, arm=arm)["p_holm"] for arm in sorted(values)] == adjusted
        verdicts = {arm: only(table, arm=arm)["verdict"] for arm in (*values, "short")}
        headlines = {arm: only(table, arm=arm)["headline"] for arm in (*values, "short")}
        assert verdicts == {
            "up": "gain", "down": "loss", "same": "undecided", "short": "too few seeds"
        }  # fmt: skip
        assert headlines == verdicts | {"up": "undecided", "down": "loss"}


def test_an_arm_spread_reaches_over_seeded_and_seedless_targets() -> None:
    rows = frame(
        runs("none", "xnli", "sw", 60, 60)
        + runs("ready", "xnli", "sw", 62, 66)
        + [row("none", "tatoeba", "sw", 40, None), row("ready", "tatoeba", "sw", 50, None)]
    )
    arm = only(summary(cells(rows, METRICS, "none"), {"xnli": ["sw"], "tatoeba": ["sw"]}).arms)
    assert arm["mean_gain"] == 7 and arm["seeds"] == 2  # per seed: (2 + 10) / 2, (6 + 10) / 2
    assert arm["spread"] == pytest.approx(math.sqrt(2))


def test_a_collapsed_seed_is_judged_in_english_and_left_out_on_request() -> None:
    rows = frame(
        [r for lang in ("en", "sw") for r in runs("none", "xnli", lang, 60, 60)]
        + runs("mnli", "xnli", "en", 70, 34)
        + runs("mnli", "xnli", "sw", 62, 40)
    )
    found = cells(rows, METRICS, "none")
    swahili = only(found, language="sw")
    assert swahili["collapsed_seeds"] == (1,) and swahili["baseline_collapsed_seeds"] == ()
    assert (swahili["gain"], swahili["gain_without_collapsed"]) == (-9, 2)
    target = only(summary(found, {"xnli": ["en", "sw"]}).targets)
    assert target["gain_without_collapsed"] == 6  # (10 + 2) / 2


def test_seeds_all_at_floor_have_not_collapsed() -> None:
    rows = frame(runs("none", "xnli", "sw", 60, 34) + runs("mnli", "xnli", "sw", 33, 34))
    cell = only(cells(rows, METRICS, "none"))
    assert cell["collapsed_seeds"] == () and cell["baseline_collapsed_seeds"] == (1,)


def test_two_protocols_in_one_cell_are_refused_and_so_is_nan() -> None:
    twice = frame(runs("none", "xnli", "sw", 60) * 2)
    with pytest.raises(ValueError, match="two accuracy scores for seed 0"):
        cells(twice, METRICS, "none")
    with pytest.raises(ValueError, match="missing row"):
        cells(frame(runs("none", "xnli", "sw", math.nan)), METRICS, "none")


def test_the_gap_is_english_minus_the_mean_of_the_others_above_the_floor() -> None:
    rows = frame(
        runs("none", "xnli", "en", 80, 82)
        + runs("none", "xnli", "de", 70)
        + runs("none", "xnli", "sw", 60)
        + runs("none", "xnli", "yo", 34)
        + runs("none", "tatoeba", "sw", 60)
    )
    gap = only(language_gap(rows, METRICS))
    assert (gap["english"], gap["others"], gap["gap"], gap["languages"]) == (81, 65, 16, 2)


def test_the_arms_of_a_target_share_the_languages_of_the_gap() -> None:
    rows = frame(
        [r for arm in ("none", "mnli") for r in runs(arm, "xnli", "en", 80)]
        + runs("none", "xnli", "yo", 34)
        + runs("mnli", "xnli", "yo", 50)
    )
    gaps = language_gap(rows, METRICS)
    assert only(gaps, arm="none")["gap"] == 46 and only(gaps, arm="mnli")["gap"] == 30


def test_rows_without_results_give_empty_tables() -> None:
    rows = frame(runs("none", "xnli", "sw", 60)).iloc[:0]
    found = cells(rows, METRICS, "none")
    assert found.empty and language_gap(rows, METRICS).empty
    assert summary(found, {}).targets.empty


def test_from_six_seeds_on_a_sign_flip_p_stands_beside_the_verdict() -> None:
    def means(seeds: int) -> dict[str, Any]:
        base = runs("none", "xnli", "en", *[70.0] * seeds)
        rows = frame(base + runs("mnli", "xnli", "en", *(71.0 + s / 10 for s in range(seeds))))
        return only(summary(cells(rows, METRICS, "none"), {"xnli": ["en"]}).arms)

    assert means(5)["p_sign_flip"] is None and means(5)["headline"] == "gain"
    assert means(6)["p_sign_flip"] == 2 / 2**6
