"""Claims are judged by tests fixed in advance: planted results decide them either way."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from planted_claims import (
    ALL,
    KINDS,
    MIXED,
    NINE,
    TARGETS,
    TRANSLATED,
    by,
    own,
    planted,
    registry,
    with_item_noise,
    with_rows,
)
from planted_results import evidence, renamed

from xstilts.stats.benchmarks import XTREME


@pytest.mark.parametrize(
    ("gain", "verdict"), [(3.0, "supported"), (-3.0, "contradicted"), (0.0, "undecided")]
)
def test_a_gain_is_its_direction(gain: float, verdict: str) -> None:
    row = registry(planted(by(mnli=gain)), "mnli-gain")["mnli-gain"]
    assert row["verdict"] == verdict
    assert row["effect"] == pytest.approx(gain, abs=0.3)
    assert row["low"] < row["effect"] < row["high"]
    assert "tiny" in row["scope"] and "9 of 9 targets" in row["scope"]
    assert "a2 on" in row["cells"]


@pytest.mark.parametrize(("gain", "verdict"), [(7.5, "supported"), (3.0, "contradicted")])
def test_the_size_of_a_gain_stands_on_a_line_of_its_own(gain: float, verdict: str) -> None:
    found = registry(planted(by(mnli=gain)), "mnli-gain")
    assert found["mnli-gain"]["verdict"] == "supported"
    assert found["mnli-gain.size"]["verdict"] == verdict
    assert found["mnli-gain.size"]["published"] == 7.5
    assert found["mnli-gain"]["published"] is None


@pytest.mark.parametrize(
    ("gaining", "others", "verdict"),
    [
        (9, 0.0, "supported"),
        (8, 0.0, "supported"),
        (7, 0.0, "undecided"),
        (7, -4.0, "contradicted"),
        (0, 0.0, "undecided"),
    ],
)
def test_almost_every_is_eight_of_nine_after_holm(
    gaining: int, others: float, verdict: str
) -> None:
    gains = {task: 4.0 if i < gaining else others for i, task in enumerate(NINE)}
    row = registry(planted(by(**gains)), "retrieval-dramatic-bucc")["retrieval-dramatic-bucc"]
    assert row["verdict"] == verdict
    assert f"{gaining} gain" in row["note"]


def test_each_retrieval_task_is_judged_by_itself() -> None:
    """What Tatoeba gains is no gain of BUCC's."""
    both = {t: (KINDS[t], "accuracy", XTREME.languages[t]) for t in ("bucc2018", "tatoeba")}
    found = planted(lambda arm, target: 9.0 if target == "tatoeba" else -1.0, targets=both)
    rows = registry(found, "retrieval-dramatic-bucc", "retrieval-dramatic-tatoeba")
    verdicts = {id: row["verdict"] for id, row in rows.items()}
    assert verdicts == {
        "retrieval-dramatic-bucc": "contradicted",
        "retrieval-dramatic-tatoeba": "supported",
    }


@pytest.mark.parametrize(
    ("gain", "verdict", "said"),
    [
        (0.0, "supported", "neither a gain nor a loss, shown to be within ±1"),
        (-4.0, "supported", "a loss, not shown to be within ±1"),
        (-0.5, "supported", "a loss, shown to be within ±1"),
        (0.5, "supported", "a gain, shown to be within ±1"),
        (4.0, "contradicted", "a gain, not shown to be within ±1"),
    ],
)
def test_no_benefit_is_equivalence_to_nothing_or_a_loss_and_the_note_says_which(
    gain: float, verdict: str, said: str
) -> None:
    row = registry(planted(by(**dict.fromkeys(NINE, gain))), "xnli-no-gain")["xnli-no-gain"]
    assert row["verdict"] == verdict and row["note"].startswith(said)


def test_a_mean_without_benefit_says_how_many_tasks_gain_and_lose() -> None:
    gains = {task: 5.0 if i < 4 else -4.0 for i, task in enumerate(NINE)}
    row = registry(planted(by(**gains)), "xnli-no-gain")["xnli-no-gain"]
    assert row["verdict"] == "supported" and "4 gain and 5 lose after Holm" in row["note"]


def test_an_effect_that_is_not_shown_is_no_absence_of_effects() -> None:
    """The interval covers 0 and leaves ±1: neither benefit nor none is told."""
    wide = planted(by(**dict.fromkeys(NINE, 1.0)))
    seeds = wide.rows["seed"].to_numpy(dtype=float)
    arm = (wide.rows["arm"] != wide.baseline).to_numpy()
    rows = wide.rows.assign(value=wide.rows["value"] + arm * (seeds - 2.5) * 2)
    row = registry(with_rows(wide, rows), "xnli-no-gain")["xnli-no-gain"]
    assert row["verdict"] == "undecided" and row["low"] < 0 and row["high"] > 1


@pytest.mark.parametrize(
    ("together", "verdict"), [(6.0, "supported"), (1.0, "contradicted"), (3.0, "undecided")]
)
def test_best_is_a_probability(together: float, verdict: str) -> None:
    def gain(arm: Mapping[str, Any], target: str) -> float:
        if arm["tasks"] == ALL and not arm["mlm_share"] and not arm["language"]:
            return together
        return 3.0 if arm["tasks"] == "squad_v1" else 0.0

    row = registry(planted(gain), "multitask-best")["multitask-best"]
    assert row["verdict"] == verdict
    assert row["effect"] == pytest.approx(together, abs=0.3)


def test_best_of_hardly_any_arms_is_not_judged() -> None:
    found = planted(lambda arm, target: 6.0 if arm["tasks"] == ALL else 0.0)
    few = found.rows[found.rows["arm"].isin(["a0", "a2", "a10"])]
    row = registry(with_rows(found, few), "multitask-best")["multitask-best"]
    assert row["verdict"] == "not measured" and "1 of its 9 tasks" in row["note"]


def test_best_leaves_out_no_arm_whose_seeds_are_not_finished() -> None:
    """An arm that gains more, but has no seed that all its cells have, is still a rival."""
    found = planted(lambda arm, _: {"squad_v1": 9.0, ALL: 6.0}.get(arm["tasks"], 0.0))
    early = found.rows["seed"] < 2
    odd = (found.rows["arm"] == "a5") & ((found.rows["target"] == "xnli") != early)
    row = registry(with_rows(found, found.rows[~odd]), "multitask-best")["multitask-best"]
    assert row["verdict"] == "not measured" and "no three seeds" in row["note"]


@pytest.mark.parametrize(("added", "verdict"), [(-3.0, "supported"), (3.0, "contradicted")])
@pytest.mark.parametrize(
    ("id", "setting"), [("beats-mlm", MIXED), ("beats-translated", TRANSLATED)]
)
def test_plain_training_is_compared_with_its_versions(
    id: str, setting: dict[str, Any], added: float, verdict: str
) -> None:
    def gain(arm: Mapping[str, Any], target: str) -> float:
        version = all(arm[name] == value for name, value in setting.items())
        return 4.0 + (added if version else 0.0)

    found = registry(planted(gain), "beats-mlm", "beats-translated")
    row = found[id]
    assert row["verdict"] == verdict
    assert row["effect"] == pytest.approx(-added, abs=0.3)
    other = ({"beats-mlm", "beats-translated"} - {id}).pop()
    assert found[other]["verdict"] == "undecided"


def test_an_interval_that_holds_everything_says_so() -> None:
    found = planted(by(mnli=4.0))
    wide = dataclasses.replace(found, cells=with_item_noise(found.cells, 5.0))
    row = registry(wide, "mnli-gain")["mnli-gain.size"]
    assert row["verdict"] == "supported" and "0 is inside" in row["note"]


def test_verdicts_speak_of_other_test_items_too() -> None:
    """Seeds agree, and the test items leave more than that open."""
    certain = planted(by(mnli=4.0))
    few_items = dataclasses.replace(certain, cells=with_item_noise(certain.cells, 5.0))
    ids = ("mnli-gain", "multitask-best", "best-per-target")
    sure, unsure = registry(certain, *ids), registry(few_items, *ids)
    for id in ("mnli-gain", "best-per-target"):
        assert (sure[id]["verdict"], unsure[id]["verdict"]) == ("supported", "undecided")
    assert (sure["multitask-best"]["verdict"], unsure["multitask-best"]["verdict"]) == (
        "contradicted",
        "undecided",
    )


def test_of_four_versions_one_is_too_little() -> None:
    found = planted(by(mnli=2.0))
    few = found.rows[found.rows["arm"].isin(["a0", "a1", "a2", "a11"])]
    row = registry(with_rows(found, few), "beats-mlm")["beats-mlm"]
    assert row["verdict"] == "not measured"


def test_three_translations_of_one_stage_are_one_stage_of_four(tmp_path: Path) -> None:
    versions = [{"tasks": "mnli"} | TRANSLATED | {"language": x} for x in ("de", "ru", "sw")]
    arms: list[dict[str, Any]] = [{"kind": "none"}, {"tasks": "mnli"}, *versions]
    found = evidence(arms, lambda arm, *_: 50.0 - 4 * bool(arm["language"]), targets=TARGETS)
    row = registry(found, "beats-translated")["beats-translated"]
    assert row["verdict"] == "not measured" and row["note"].startswith("16 %")
    row = own(tmp_path, "predicate: beats, instead: translated, targets: [xnli]", found)
    assert row["verdict"] == "supported"


@pytest.mark.parametrize(("gain", "verdict"), [(4.0, "supported"), (-4.0, "contradicted")])
def test_the_arm_for_each_target_is_chosen_on_english_dev(gain: float, verdict: str) -> None:
    """Dev data prefer MultiNLI whatever it does elsewhere."""

    def dev(arm: Mapping[str, Any]) -> float:
        return 60.0 if arm["tasks"] == "mnli" else 50.0

    row = registry(planted(by(mnli=gain, qqp=9.0), dev=dev), "best-per-target")["best-per-target"]
    assert row["verdict"] == verdict
    assert row["effect"] == pytest.approx(gain, abs=0.3)


def test_without_development_scores_no_choice_is_judged() -> None:
    row = registry(planted(by(mnli=4.0), dev=None), "best-per-target")["best-per-target"]
    assert (row["verdict"], row["effect"]) == ("not measured", None)


def test_arms_are_known_by_their_settings_and_not_by_their_names() -> None:
    found = planted(by(mnli=4.0))
    one, other = registry(found), registry(renamed(found))
    assert {k: v["verdict"] for k, v in one.items()} == {k: v["verdict"] for k, v in other.items()}
