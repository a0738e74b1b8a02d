"""The first study: planted gains are told, their opposite is told, and so is what is not there."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from planted_results import evidence, renamed, without

from xstilts.stats.gains import cells
from xstilts.studies import judge
from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import Estimate
from xstilts.studies.paper import effect, find

TASKS = ("mnli", "squad_v1", "qqp")
ALL = {"tasks": "mnli + qqp + squad_v1", "kind": "mixture", "mix_law": "proportional"}
MIXED = {"mlm_share": 0.2, "mlm_languages": "de sw"}
TRANSLATED = {"language": "de", "translated": "somewhere"}
ARMS: list[dict[str, Any]] = [
    {"kind": "none"},
    *({"tasks": task} for task in TASKS),
    ALL,
    {"tasks": "mlm", "kind": "mlm", "mlm_share": 1.0, "mlm_languages": "de sw", "language": "text"},
    {"kind": "longer", "longer": "a1"},
    *({"tasks": task} | added for added in (MIXED, TRANSLATED) for task in TASKS[:2]),
]
GAINS = {"mnli": 4.0, "squad_v1": 6.0, "qqp": 1.0}


def planted(sign: float = 1.0, added: float = -2.0, **more: Any) -> Evidence:
    """Gains of every arm times ``sign``; what is mixed in or translated adds to that."""

    def score(arm: Mapping[str, Any], target: str, language: str) -> float:
        if arm["tasks"] == ALL["tasks"]:
            return 50 + sign * 7.0
        if arm["kind"] in ("mlm", "longer"):
            return 50 + sign * 0.5
        version = arm["language"] or arm["mlm_share"]
        return 50 + sign * GAINS.get(arm["tasks"], 0.0) + (added if version else 0.0)

    said = {"dev": lambda arm: 60.0 + GAINS.get(arm["tasks"], 0.0)} | more
    return evidence(ARMS, score, **said)


def test_the_answer_tells_what_was_planted() -> None:
    found = find(planted())
    assert found.measured
    assert "Of 3 single English intermediate tasks 3 raise the mean over 3 targets" in found.answer
    assert "with squad_v1" in found.answer
    assert "masked LM mixed in lowers it (−2.0 points" in found.answer
    assert "translated data in the place of English lowers it" in found.answer
    assert "all tasks at once, against the best single one raises it (+1.0 points" in found.answer
    assert found.estimates["best_single"].value == pytest.approx(6.0, abs=0.3)
    assert found.estimates["mlm_only"].value == pytest.approx(0.5, abs=0.3)
    assert found.estimates["longer"].value == pytest.approx(0.5, abs=0.3)


def test_the_opposite_effect_gives_the_opposite_sentence() -> None:
    found = find(planted(sign=-1.0, added=2.0))
    assert "0 raise the mean over 3 targets and 3 lower it" in found.answer
    assert "masked LM mixed in raises it (+2.0 points" in found.answer
    assert "development data lowers the mean" in found.answer


def test_no_effect_is_no_difference_that_can_be_told() -> None:
    found = find(planted(added=0.0))
    assert "masked LM mixed in makes no difference that can be told" in found.answer


def test_an_interval_without_0_that_correction_does_not_let_stand_is_told_as_such() -> None:
    beyond, around = Estimate(value=1.1, low=0.2, high=2.0), Estimate(value=1.1, low=-0.2, high=2.4)
    unclear = "makes no difference that can be told"
    assert effect("undecided", beyond) == f"{unclear} among so many comparisons"
    assert effect("undecided", around) == unclear
    assert effect("gain", beyond) == "raises it"


def test_the_arm_for_each_target_is_chosen_on_dev_with_hindsight_beside_it() -> None:
    """Dev data prefer MultiNLI; the results prefer all tasks at once, by three points."""
    found = find(planted(dev=lambda arm: 70.0 if arm["tasks"] == "mnli" else 50.0))
    assert found.estimates["chosen"].value == pytest.approx(4.0, abs=0.3)
    assert found.estimates["chosen_by_results"].value == pytest.approx(7.0, abs=0.3)
    assert "would report +7.0 points" in found.answer
    (table,) = [table for table in found.tables if table.name == "best-per-target"]
    assert set(table.rows["chosen_on_dev"]) == {"a1"}
    assert set(table.rows["best_in_results"]) == {"a4"}


def test_choosing_among_equals_by_the_results_is_optimistic() -> None:
    """No arm does anything, and chance differs by seed: hindsight finds a gain all the same."""
    equal = planted(sign=0.0, added=0.0)
    rng = np.random.default_rng(1)
    keys = list(zip(equal.rows["arm"], equal.rows["seed"], strict=True))
    luck = {key: rng.normal(0, 4) for key in dict.fromkeys(keys)}
    rows = equal.rows.assign(value=equal.rows["value"] + [luck[key] for key in keys])
    found = find(_of(equal, rows))
    assert found.estimates["optimism"].value > 2.0
    clear = find(planted()).estimates["optimism"]
    assert clear.value is not None and abs(clear.value) < 0.3


def test_a_target_without_dev_data_takes_the_arm_that_is_best_elsewhere() -> None:
    whole = planted(dev=lambda arm: 70.0 if arm["tasks"] == "mnli" else 50.0)
    stages = whole.stages[whole.stages["stage"] != "tatoeba"]
    found = find(dataclasses.replace(whole, stages=stages))
    (table,) = [table for table in found.tables if table.name == "best-per-target"]
    assert (
        dict(zip(table.rows["target"], table.rows["chosen_on_dev"], strict=True))["tatoeba"] == "a1"
    )


def test_the_baseline_may_be_chosen_and_gains_nothing() -> None:
    found = find(planted(dev=lambda arm: 70.0 if arm["kind"] == "none" else 50.0))
    chosen = found.estimates["chosen"]
    assert (chosen.value, chosen.low, chosen.high) == (0.0, 0.0, 0.0)


def test_without_dev_scores_nothing_is_chosen_and_that_is_said() -> None:
    found = find(planted(dev=None))
    assert "chosen" not in found.estimates
    assert any("could be chosen" in limit for limit in found.limits)


def test_versions_are_compared_with_their_own_twin() -> None:
    (table,) = [table for table in find(planted()).tables if table.name == "versions"]
    assert dict(zip(table.rows["arm"], table.rows["plain"], strict=True)) == {
        "a7": "a1", "a8": "a2", "a9": "a1", "a10": "a2"
    }  # fmt: skip
    assert table.rows["difference"].to_list() == pytest.approx([-2.0] * 4, abs=0.3)
    assert set(table.rows["headline"]) == {"loss"}


def test_names_of_arms_say_nothing() -> None:
    one, other = find(planted()), find(renamed(planted()))
    assert one.answer == other.answer


@pytest.mark.parametrize(
    ("setting", "estimate"),
    [("mlm_share", "mlm_mixed"), ("translated", "translated"), ("longer", "longer")],
)
def test_what_is_not_there_is_not_spoken_of(setting: str, estimate: str) -> None:
    whole = planted()
    found = find(without(whole, lambda arm: pd.isna(arm[setting]) or not arm[setting]))
    assert found.measured
    assert estimate in find(whole).estimates and estimate not in found.estimates
    assert any(limit.startswith("Not measured: ") for limit in found.limits)


def test_same_data_cells_are_told_apart() -> None:
    plain = planted()
    marked = plain.cells.assign(
        same_data=(plain.cells["arm"] == "a2") & (plain.cells["target"] == "xnli")
    )
    found = find(dataclasses.replace(plain, cells=marked, same_data=frozenset({("a2", "xnli")})))
    (table,) = [table for table in found.tables if table.name == "sensitivity"]
    best = table.rows[table.rows["estimate"] == "best_single"].set_index("without")["value"]
    assert best["nothing"] != best["same-data cells"]


def test_all_tasks_at_once_are_the_arm_with_all_of_them() -> None:
    """A larger gain of an arm with two of the three does not make it that arm."""
    two = {"tasks": "mnli + squad_v1", "kind": "mixture", "mix_law": "proportional"}

    def score(arm: Mapping[str, Any], target: str, language: str) -> float:
        return 50 + {ALL["tasks"]: 7.0, two["tasks"]: 9.0}.get(
            arm["tasks"], 2.0 * bool(arm["tasks"])
        )

    found = find(evidence([*ARMS[:5], two], score))
    assert found.estimates["together"].value == pytest.approx(7.0, abs=0.3)
    without_all = find(evidence([*ARMS[:4], two], score))
    assert "together" not in without_all.estimates
    assert any(limit.startswith("Not measured: all tasks") for limit in without_all.limits)


def test_what_is_said_of_additions_allows_for_how_many_there_are() -> None:
    """An interval just above 0 raises the mean where nothing else is said, not among six."""
    whole = planted(sign=0.0, added=0.0, dev=None)
    rows = whole.rows[whole.rows["arm"] != "a0"].assign(value=50.0)
    step = rows["seed"].map({0: 0.0, 1: 0.5, 2: 1.0, 3: 1.5, 4: 2.0}).astype(float)
    rows["value"] += step.where(rows["arm"] == "a6", 0.0)  # mean 1, interval [0.02, 1.98]
    rows = pd.concat([whole.rows[whole.rows["arm"] == "a0"].assign(value=50.0), rows])
    among = find(_of(whole, rows))
    assert among.estimates["longer"].sign == 1
    assert "longer training on the target alone makes no difference that" in among.answer
    alone = find(_of(whole, rows[rows["arm"].isin(["a0", "a1", "a6"])]))
    assert "longer training on the target alone raises it" in alone.answer


def test_choices_whose_targets_share_no_seed_have_no_mean() -> None:
    """One arm has finished one target under some seeds, another another under others."""
    whole = planted()
    runs = zip(*(whole.rows[name] for name in ("arm", "target", "seed")), strict=True)
    kept = [
        arm == "a0" or (arm, target, seed < 3) in {("a1", "xnli", True), ("a2", "tatoeba", False)}
        for arm, target, seed in runs
    ]
    found = find(_of(whole, whole.rows[kept]))
    assert found.measured and "chosen" not in found.estimates


def test_below_three_seeds_there_is_no_verdict() -> None:
    found = find(planted(seeds=(0, 1)))
    assert found.measured and "With 2 seeds nothing is told" in found.answer
    assert "raise" not in found.answer and "lower" not in found.answer


def test_without_results_it_is_not_measured() -> None:
    whole = planted()
    floor = dataclasses.replace(whole, cells=whole.cells.assign(at_floor=True))
    alone = dataclasses.replace(
        whole, rows=whole.rows[whole.rows["arm"] == "a0"], cells=whole.cells[:0]
    )
    none = dataclasses.replace(whole, rows=whole.rows[:0], cells=whole.cells[:0])
    for nothing in (floor, alone, none):
        found = judge(nothing, "paper")
        assert not found.measured and found.answer.startswith("Not measured: ")


def _of(whole: Evidence, rows: pd.DataFrame) -> Evidence:
    return dataclasses.replace(whole, rows=rows, cells=cells(rows, whole.main_metrics, "a0"))
