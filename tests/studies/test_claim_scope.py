"""What a verdict on a claim speaks of, and where there is none."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
from planted_claims import KINDS, NINE, TARGETS, by, planted, registry, with_rows
from planted_results import evidence

from xstilts.stats.benchmarks import XTREME


def test_under_half_of_its_scope_nothing_is_judged() -> None:
    found = planted(by(mnli=4.0))
    for targets, verdict in ((list(TARGETS)[:4], "not measured"), (list(TARGETS)[:8], "supported")):
        rows = found.rows[found.rows["target"].isin(targets)]
        assert registry(with_rows(found, rows), "mnli-gain")["mnli-gain"]["verdict"] == verdict


def test_under_half_of_the_languages_nothing_is_judged() -> None:
    found = planted(by(**dict.fromkeys(NINE, 4.0)))
    for count, verdict in ((7, "not measured"), (8, "contradicted")):
        rows = found.rows[found.rows["language"].isin(XTREME.languages["xnli"][:count])]
        assert (
            registry(with_rows(found, rows), "xnli-no-gain")["xnli-no-gain"]["verdict"] == verdict
        )


def test_cells_at_floor_are_not_measured() -> None:
    found = planted(by(**dict.fromkeys(NINE, 4.0)))
    rows = found.rows.assign(floor=90.0)
    judged = registry(
        with_rows(found, rows), "mnli-gain", "xnli-no-gain", "multitask-best", "tydiqa-consistent"
    )
    assert {row["verdict"] for row in judged.values()} == {"not measured"}


def test_languages_of_the_laboratory_at_floor_are_not_measured() -> None:
    lab = {f"lab_{t}": (kind, "accuracy", ("en", "qab", "qda")) for t, kind in KINDS.items()}
    arms: list[dict[str, Any]] = [{"kind": "none"}, {"tasks": "lab_mnli"}]
    for alive, verdict in ((("en",), "not measured"), (("en", "qab"), "supported")):

        def score(arm: Mapping[str, Any], target: str, language: str) -> float:
            return 50.0 + 3 * bool(arm["tasks"]) if language in alive else 5.0  # noqa: B023

        row = registry(evidence(arms, score, targets=lab), "mnli-gain")["mnli-gain"]
        assert row["verdict"] == verdict


def test_a_scope_names_what_is_counted_and_no_more() -> None:
    found = planted(by(mnli=4.0))
    rows = found.rows[(found.rows["arm"] != "a2") | (found.rows["seed"] < 3)]
    rows = rows.assign(
        floor=rows["floor"].where(rows["target"] != "xnli", 90.0),
        split=rows["split"].where(rows["target"] != "panx", "dev"),
    )
    scope = registry(with_rows(found, rows), "mnli-gain")["mnli-gain"]["scope"]
    assert scope.startswith("8 of 9 targets, ") and scope.endswith("; tiny; 3 seeds")
    assert "of dev and test" in scope


def test_without_a_seed_that_all_cells_have_nothing_is_judged() -> None:
    found = planted(by(mnli=4.0))
    rows = found.rows[(found.rows["arm"] != "a2") | (found.rows["seed"] < 2)]
    other = (rows["target"] == "xnli") != (rows["seed"] == 0)
    rows = rows[(rows["arm"] != "a2") | other]
    row = registry(with_rows(found, rows), "mnli-gain")["mnli-gain"]
    assert (row["verdict"], row["note"]) == ("not measured", "its cells have no seed in common")


def test_without_the_baselines_scores_nothing_is_judged() -> None:
    found = planted(by(mnli=4.0))
    rows = registry(with_rows(found, found.rows[found.rows["arm"] != "a0"]))
    beats = {id: row["verdict"] for id, row in rows.items() if id.startswith("beats")}
    assert set(beats.values()) == {"undecided"}  # versions need no baseline
    rest = {row["verdict"] for id, row in rows.items() if id not in beats}
    assert rest == {"not measured", "reported by the source"}


def test_verdicts_are_told_without_same_data_cells_and_collapsed_seeds() -> None:
    found = planted(lambda arm, target: 20.0 if target == "xnli" else 1.0)
    plain = registry(found, "mnli-gain")["mnli-gain"]
    assert "without" not in str(plain["note"])
    same = dataclasses.replace(found, same_data=frozenset({("a2", "xnli")}))
    row = registry(same, "mnli-gain", "hellaswag-gain")
    assert "without same-data cells supported +1." in row["mnli-gain"]["note"]
    assert row["mnli-gain"]["effect"] == plain["effect"]
    assert "without" not in str(row["hellaswag-gain"]["note"])
    rows = found.rows
    fallen = (rows["arm"] == "a2") & (rows["target"] == "xnli") & (rows["seed"] == 4)
    collapsed = with_rows(found, rows.assign(value=rows["value"].mask(fallen, 5.0)))
    row = registry(collapsed, "mnli-gain")["mnli-gain"]
    assert "without collapsed seeds supported +3." in row["note"]


def test_below_three_seeds_there_is_an_effect_and_no_verdict() -> None:
    row = registry(planted(by(mnli=4.0), seeds=(0, 1)), "mnli-gain")["mnli-gain"]
    assert row["verdict"] == "not measured" and row["effect"] == pytest.approx(4.0, abs=0.5)
    assert row["low"] is None and "2 seeds" in row["note"]


def test_without_any_result_every_line_is_there_and_none_is_judged() -> None:
    found = planted(by(mnli=4.0))
    nothing = with_rows(found, found.rows[:0])
    rows = registry(dataclasses.replace(nothing, stages=found.stages[:0]))
    assert {row["verdict"] for row in rows.values()} == {"not measured", "reported by the source"}
    assert rows["start-xlmr-large"]["verdict"] == "reported by the source"


def test_the_laboratory_stands_in_for_directions_and_never_for_sizes() -> None:
    lab = {f"lab_{t}": (kind, "accuracy", ("en", "qab")) for t, kind in KINDS.items()}
    arms: list[dict[str, Any]] = [{"kind": "none"}, {"tasks": "lab_mnli"}]
    found = evidence(arms, lambda arm, *_: 57.5 if arm["tasks"] else 50.0, targets=lab)
    rows = registry(found, "mnli-gain")
    assert rows["mnli-gain"]["verdict"] == "supported"
    assert "laboratory" in rows["mnli-gain"]["scope"]
    assert rows["mnli-gain.size"]["verdict"] == "not measured"
