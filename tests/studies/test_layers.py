import dataclasses
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest
from planted_results import evidence, renamed, without

from xstilts.stats.gains import cells
from xstilts.studies.evidence import Evidence
from xstilts.studies.layers import find

FROZEN = [
    {"tasks": "mnli", "frozen": blocks, "frozen_during": during}
    for during in ("intermediate", "target")
    for blocks in (2, 4, 6)
]
CARRIED = [
    {"tasks": "mnli", "carried": 4, "carried_which": which, "carried_embeddings": False} | draw
    for which, draws in {"bottom": [{}], "top": [{}], "random": [0, 1, 2]}.items()
    for draw in ([d if isinstance(d, dict) else {"carried_draw": d} for d in draws])
]
ARMS = [{}, {"tasks": "mnli"}, *FROZEN, *CARRIED]


def planted(by_block: float = -1.0, low: float = 3.0, **more: Any) -> Evidence:
    """Every block frozen in the intermediate stage changes scores by ``by_block`` points, in the
    target's by nothing; the lowest blocks carried alone gain ``low`` points, others 1."""

    def score(arm: Mapping[str, Any], target: str, language: str) -> float:
        if arm["carried"]:
            return 50 + (low if arm["carried_which"] == "bottom" else 1.0)
        frozen = arm["frozen"] if arm["frozen_during"] == "intermediate" else 0
        return 50 + (4.0 if arm["tasks"] else 0.0) + by_block * (frozen or 0)

    return evidence(ARMS, score, **more)


def dev(arm: Mapping[str, Any]) -> float:
    """Two frozen blocks look best on English dev."""
    return 80 - abs((arm["frozen"] or 0) - 2)


def test_the_sentence_says_that_freezing_hurts_and_low_blocks_carry_the_gain() -> None:
    found = find(planted(dev=dev))
    assert found.measured
    assert "in the intermediate stage lowers zero-shot scores" in found.answer
    assert "in the target stage changes zero-shot scores by nothing" in found.answer
    assert "the depth that English dev chooses, 2, is worse (−2." in found.answer
    assert "the lowest lead to higher zero-shot scores than others (+" in found.answer
    mean = found.estimates["frozen in intermediate, mean over depths"]
    assert mean.value == pytest.approx(-4.0, abs=0.3) and mean.sign == -1 and mean.seeds == 5
    lead = found.estimates["lowest blocks carried, against as many others"]
    assert lead.value == pytest.approx(2.0, abs=0.3) and lead.sign == 1


def test_the_opposite_effects_turn_the_sentence_around() -> None:
    answer = find(planted(by_block=1.0, low=-1.0, dev=dev)).answer
    assert "in the intermediate stage raises zero-shot scores" in answer
    assert "chooses, 2, is better" in answer
    assert "the lowest lead to lower zero-shot scores than others" in answer


def test_without_frozen_and_carried_arms_nothing_is_measured() -> None:
    plain = without(planted(), lambda arm: pd.isna(arm["frozen"]) and pd.isna(arm["carried"]))
    found = find(plain)
    assert not found.measured
    assert found.answer.startswith("Not measured: no arm with frozen blocks")
    assert "no lowest blocks carried alone have as many others beside them" in found.answer


def test_without_an_unfrozen_twin_the_arm_is_named_as_a_limit_and_not_compared() -> None:
    found = find(
        without(
            planted(),
            lambda arm: arm["tasks"] == "" or pd.notna(arm["frozen"]) or pd.notna(arm["carried"]),
        )
    )
    assert "o arm with frozen blocks has scores beside the same arm without" in found.answer
    assert any("mnli; 2 frozen, intermediate" in limit for limit in found.limits)


def test_two_seeds_give_no_verdict() -> None:
    found = find(planted(seeds=range(2), dev=dev))
    assert found.measured
    assert "lowers" not in found.answer and "too few seeds for a verdict" in found.answer
    assert all(estimate.low is None for estimate in found.estimates.values())


def test_without_dev_scores_no_depth_is_chosen() -> None:
    found = find(planted())
    assert "no depth can be chosen: English dev scores are missing" in found.answer
    assert "chosen-depth" not in [table.name for table in found.tables]


def test_choosing_by_test_scores_is_told_apart_from_choosing_by_dev() -> None:
    tables = {table.name: table.rows for table in find(planted(by_block=1.0, dev=dev)).tables}
    chosen = tables["chosen-depth"].set_index("stage").loc["intermediate"]
    assert (chosen["blocks_chosen"], chosen["blocks_of_oracle"]) == (2, 6)
    assert chosen["optimism"] == pytest.approx(4.0, abs=0.5)


def test_names_of_arms_do_not_matter() -> None:
    one, other = planted(dev=dev), renamed(planted(dev=dev))
    assert find(one).answer == find(other).answer


def test_cells_at_floor_are_in_no_effect() -> None:
    def score(arm: Mapping[str, Any], target: str, language: str) -> float:
        if target == "panx":
            return 5.0  # below the floor, whatever is done
        return 50 - (arm["frozen"] or 0)

    arms = [{}, {"tasks": "mnli"}, {"tasks": "mnli", "frozen": 4, "frozen_during": "both"}]
    found = find(evidence(arms, score)).estimates["frozen in both, mean over depths"]
    assert found.value == pytest.approx(-4.0, abs=0.3)


def test_freezing_in_the_target_stage_is_judged_by_targets_that_have_one() -> None:
    def score(arm: Mapping[str, Any], target: str, language: str) -> float:
        return 50 - (3 if arm["frozen"] and target != "tatoeba" else 0)

    arms = [{}, {"frozen": 2, "frozen_during": "target"}]
    found = find(evidence(arms, score)).estimates["frozen in target, mean over depths"]
    assert found.value == pytest.approx(-3.0, abs=0.3)


def test_random_draws_that_differ_widely_leave_open_what_the_lowest_do() -> None:
    def score(arm: Mapping[str, Any], target: str, language: str) -> float:
        draw = 1 if arm["carried_draw"] is None else arm["carried_draw"]
        return 53 if arm["carried_which"] == "bottom" else 51 + 6 * (draw - 1)

    found = find(evidence([{}, {"tasks": "mnli"}, *CARRIED], score))
    lead = found.estimates["lowest blocks carried, against as many others"]
    assert lead.value == pytest.approx(2.0, abs=0.5) and lead.sign == 0
    assert "no difference between the lowest and others can be told" in found.answer


def test_the_curve_of_the_target_stage_starts_from_the_targets_that_have_one() -> None:
    def score(arm: Mapping[str, Any], target: str, language: str) -> float:
        return 50 + ((30 if target == "tatoeba" else 4) if arm["tasks"] else 0)

    arms = [{}, {"tasks": "mnli"}, {"tasks": "mnli", "frozen": 2, "frozen_during": "target"}]
    curve = next(f.data for f in find(evidence(arms, score)).figures if f.name == "gain-by-depth")
    assert curve["layers"].tolist() == [0, 3]
    assert curve["gain"].tolist() == pytest.approx([4.0, 4.0], abs=0.3)


def test_english_is_a_language_of_the_tables_and_in_no_mean_of_a_kind() -> None:
    def score(arm: Mapping[str, Any], target: str, language: str) -> float:
        return 50 + ((20 if language == "en" else 2) if arm["tasks"] else 0)

    arms = [{}, {"tasks": "mnli"}, {"tasks": "mnli", "frozen": 2, "frozen_during": "both"}]
    tables = {table.name: table.rows for table in find(evidence(arms, score)).tables}
    assert tables["by-kind"]["gain"].tolist() == pytest.approx([2.0] * 6, abs=0.3)
    english = tables["by-language"].query("language == 'en'")
    assert english["gain"].tolist() == pytest.approx([20.0] * 2, abs=0.3)


def test_similarity_of_layers_is_drawn_where_it_was_measured() -> None:
    rows = [
        {"measure": "cka", "price": "stage", "arm": "a1", "layer": layer, "seed": seed,
         "intermediate": None, "target": None, "language": "de", "value": 1 - layer / 10}
        for layer in range(3)
        for seed in range(5)
    ]  # fmt: skip
    rows += [row | {"arm": "a5", "value": 0.0} for row in rows]  # frozen in the target's stage
    found = find(planted(probes=pd.DataFrame(rows)))
    drawn = next(figure for figure in found.figures if figure.name == "cka")
    assert drawn.data["cka"].tolist() == pytest.approx([1.0, 0.9, 0.8])
    assert not any("CKA" in limit for limit in found.limits)
    assert any("CKA" in limit for limit in find(planted()).limits)


def test_numbers_without_same_data_cells_stand_beside_those_with_them() -> None:
    def score(arm: Mapping[str, Any], target: str, language: str) -> float:
        return 50 - (arm["frozen"] or 0) * (target == "xnli")

    arms = [{}, {"tasks": "mnli"}, {"tasks": "mnli", "frozen": 6, "frozen_during": "both"}]
    found = find(evidence(arms, score, same_data={("a1", "xnli"), ("a2", "xnli")}))
    shown = next(table for table in found.tables if table.name == "sensitivity").rows
    values = shown.set_index("without")["value"]
    assert values["nothing"] == pytest.approx(-2.0, abs=0.2)
    assert values["same-data cells"] == pytest.approx(0.0, abs=0.2)
    assert any(limit.startswith("Not told so without same-data") for limit in found.limits)


def test_a_seed_that_collapsed_is_counted_and_left_out_beside() -> None:
    whole = planted()
    frozen = whole.arms.query("frozen == 6 and frozen_during == 'intermediate'")["arm"].iloc[0]
    fell = (whole.rows["arm"] == frozen) & (whole.rows["seed"] == 2)
    rows = whole.rows.assign(value=whole.rows["value"].mask(fell, 8.0))
    fallen = dataclasses.replace(
        whole, rows=rows, cells=cells(rows, whole.main_metrics, whole.baseline)
    )
    shown = next(table for table in find(fallen).tables if table.name == "sensitivity").rows
    one = shown[shown["estimate"] == "frozen in intermediate, mean over depths"]
    assert one["without"].tolist() == ["nothing", "collapsed seeds"]
    assert one["seeds"].tolist() == [5, 4]
    assert one["value"].iloc[0] < -5 and one["value"].iloc[1] == pytest.approx(-4.0, abs=0.2)


def test_random_blocks_that_differ_widen_the_interval_of_the_lead() -> None:
    def score(by_draw: float) -> Any:
        return lambda arm, target, language: 50 + by_draw * (arm["carried_draw"] or 0)

    near, far = (
        find(evidence([{}, *CARRIED], score(x))).estimates[
            "lowest blocks carried, against as many others"
        ]
        for x in (0.0, 3.0)
    )
    assert far.value == pytest.approx(-1.5, abs=0.2)  # half of the controls, 3 points in the mean
    assert far.high - far.low > 5 * (near.high - near.low)
