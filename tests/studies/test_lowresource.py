import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest
from planted_results import evidence, renamed, without

from xstilts.stats.paired import paired_test
from xstilts.studies.break_even import break_even
from xstilts.studies.evidence import Evidence
from xstilts.studies.lowresource import find

SIZES, DRAWS = (10, 100, 1000), (0, 1, 2)
OWN = {"target_language": "own"}


def few(**settings: Any) -> list[dict[str, Any]]:
    """Arms that go on with k examples, three draws each."""
    return [
        {"k": k, "draw": draw, "after": "target", "kind": "few-shot"} | settings
        for k in SIZES
        for draw in DRAWS
    ]


ARMS = [
    {},
    {"tasks": "mnli"},
    *few(),
    *few(tasks="mnli"),
    *few(after="arm", target_language="own"),
    OWN | {"target_translated": "lab"},
]


def planted(stage: float = 4.0, beside: float = 1.0, arms: Any = ARMS, **more: Any) -> Evidence:
    """The intermediate stage gains ``stage`` points, and ``beside`` k examples as many as that;
    k examples gain 2 points for every factor of 10 (so 4 points are worth 100 examples)."""

    def score(arm: Mapping[str, Any], target: str, language: str) -> float | None:
        if target == "tatoeba" and (arm["k"] or arm["target_translated"]):
            return None
        if language == "en" and arm["target_language"] == "own":
            return None
        value = 40.0 if arm["after"] == "arm" else 50.0
        value += 2 * math.log10(arm["k"]) if arm["k"] else 0
        value += 3 if arm["target_translated"] else 0
        value += 0.3 * (arm["draw"] - 1) if arm["k"] else 0
        return value + (0 if not arm["tasks"] else beside if arm["k"] else stage)

    return evidence(arms, score, **more)


def test_the_sentence_says_how_many_examples_a_stage_is_worth() -> None:
    found = find(planted())
    assert "(mnli) is worth" in found.answer and "2 targets" in found.answer
    assert "it is better than 10 of them (+2.0 points" in found.answer
    assert "worse than 1,000 of them (−2.0 points" in found.answer
    assert "beside the same examples it adds to them (+1.0 points" in found.answer
    worth = found.estimates["break-even"]
    assert worth.unit == "examples" and worth.value == pytest.approx(100, rel=0.2)
    assert worth.low is not None and worth.high is not None
    assert 10 < worth.low < 100 < worth.high < 1000


def test_a_stage_that_gains_nothing_is_worth_fewer_than_were_tried() -> None:
    found = find(planted(stage=0.0, beside=-1.0))
    assert "is worth <10 [<10, <10] labelled examples" in found.answer
    assert "it is worse than 10 of them" in found.answer
    assert "beside the same examples it costs beside them" in found.answer
    assert found.estimates["break-even"].value is None


def test_a_stage_that_beats_all_examples_is_worth_more_than_were_tried() -> None:
    answer = find(planted(stage=12.0)).answer
    assert "is worth >1,000 [>1,000, >1,000] labelled examples" in answer
    assert "better than 1,000 of them" in answer


@pytest.mark.parametrize(
    ("gone", "missing"),
    [
        (lambda arm: arm["tasks"] == "", "no arm with an English intermediate stage alone"),
        (lambda arm: pd.isna(arm["k"]), "no arm that goes on with k examples of the language"),
        (lambda arm: arm["arm"] != "a0", "the baseline has no scores"),
    ],
)
def test_what_is_missing_is_named(gone: Any, missing: str) -> None:
    found = find(without(planted(), gone))
    assert not found.measured
    assert found.answer.startswith("Not measured: ") and missing in found.answer


def test_two_seeds_give_no_verdict_and_no_interval() -> None:
    found = find(planted(seeds=range(2)))
    assert "too few seeds for a verdict" in found.answer
    assert "better than" not in found.answer and "worse than" not in found.answer
    assert all(estimate.low is None for estimate in found.estimates.values())


def test_names_of_arms_do_not_matter() -> None:
    assert find(planted()).answer == find(renamed(planted())).answer


def test_every_way_has_its_gain_over_english_training_alone() -> None:
    ways = next(table for table in find(planted()).tables if table.name == "ways").rows
    gains = {(row["way"][0], row["k"]): row["gain"] for _, row in ways.iterrows()}
    expected = {
        ("B", None): 4, ("F", None): 3, ("C", 10): 2, ("C", 1000): 6, ("D", 100): 5, ("E", 100): -6,
    }  # fmt: skip
    assert {place: gains[place] for place in expected} == pytest.approx(expected, abs=0.3)


def test_languages_have_numbers_of_their_own_beside_the_pretraining_text_they_had() -> None:
    four = {"panx": ("tagging", "f1", ("en", "de", "sw", "ur", "yo"))}
    tokens = {"en": 9e9, "de": 1e9, "ur": 1e6, "sw": 1e5, "yo": 0}
    languages = pd.DataFrame({"language": list(tokens), "tokens": list(tokens.values())})
    found = find(planted(targets=four, languages=languages.assign(distance=0.5)))
    rows = next(table for table in found.tables if table.name == "break-even").rows
    assert rows["languages"].tolist() == [
        "all", "least pretraining text", "most pretraining text", "de", "sw", "ur", "yo"
    ]  # fmt: skip
    assert rows.set_index("languages").loc["yo", "tokens"] == 0
    assert "(with least pretraining text: " in found.answer


def test_draws_that_differ_widen_the_interval() -> None:
    def score(by_draw: float) -> Any:
        return lambda arm, target, language: 50 + by_draw * (arm["draw"] or 0)

    arms = [{}, {"tasks": "mnli"}, *few()]
    near, far = (find(evidence(arms, score(x))) for x in (0.0, 3.0))
    width = [
        found.estimates["intermediate against 10 examples"].high
        - found.estimates["intermediate against 10 examples"].low
        for found in (near, far)
    ]
    assert width[1] > 5 * width[0]
    alone = find(evidence([{}, {"tasks": "mnli"}, *few()[::3], *few(tasks="mnli")], score(0.0)))
    few_draws = [limit for limit in alone.limits if limit.startswith("Fewer than 3 draws")]
    ends = "intervals leave out the choice of examples."
    assert few_draws == [f"Fewer than 3 draws of k = 10, 100 and 1,000 in C: {ends}"]


def test_several_intermediate_stages_on_the_same_examples_are_no_draws_of_their_own() -> None:
    """What draws of examples move is the same after three stages as after one."""

    def score(arm: Mapping[str, Any], target: str, language: str) -> float:
        return 50 + 3.0 * (arm["draw"] or 0)

    def width(*tasks: str) -> float:
        arms = [{}, *({"tasks": task} for task in tasks), *few()]
        arms += [arm for task in tasks for arm in few(tasks=task)]
        ways = next(table for table in find(evidence(arms, score)).tables if table.name == "ways")
        row = ways.rows[(ways.rows["way"].str.startswith("D")) & (ways.rows["k"] == 10)].iloc[0]
        assert row["arms"] == 3 * len(tasks) and row["cells"] == 6
        return float(row["high"] - row["low"])

    assert width("mnli", "qqp", "sick") == pytest.approx(width("mnli"), rel=0.1)


def test_what_a_stage_adds_to_examples_is_as_unsure_as_its_draws() -> None:
    def score(by_draw: float) -> Any:
        return lambda arm, target, language: 50 + by_draw * (arm["draw"] or 0) * bool(arm["tasks"])

    arms = [{}, {"tasks": "mnli"}, *few(), *few(tasks="mnli")]
    near, far = (
        find(evidence(arms, score(x))).estimates["intermediate beside the same examples"]
        for x in (0.0, 3.0)
    )
    assert far.high - far.low > 5 * (near.high - near.low)


def test_all_ways_are_compared_over_the_same_cells() -> None:
    """Examples alone stay at the floor like English alone, where both together do not."""

    def score(arm: Mapping[str, Any], target: str, language: str) -> float:
        low = language == "ur" and (not arm["k"] or arm["after"] == "arm")
        return 5.0 if low else 50.0

    found = find(evidence([{}, {"tasks": "mnli"}, *few(), *few(after="arm", **OWN)], score))
    ways = next(table for table in found.tables if table.name == "ways").rows
    assert set(ways["cells"]) == {6}


def test_numbers_of_examples_that_no_seed_has_beside_the_stage_do_not_count() -> None:
    whole = planted(stage=3.0)
    arms = whole.arms.set_index("arm")
    most = whole.rows["arm"].map(lambda arm: arms.loc[arm, "k"] == 1000)
    first = whole.rows["seed"] < 2
    of = whole.rows[(most & first) | (~most & ~first)].astype({"seed": "Int64"})
    found = find(dataclasses.replace(whole, rows=of))
    assert found.estimates["break-even"].value == pytest.approx(10**1.5, rel=0.2)
    assert "1,000" not in found.answer
    other = whole.rows["arm"].map(lambda arm: bool(arms.loc[arm, "k"] > 0))
    none = whole.rows[(other & first) | (~other & ~first)].astype({"seed": "Int64"})
    assert find(dataclasses.replace(whole, rows=none)).answer.startswith(
        "Not measured: no seed has both an intermediate stage and examples"
    )


def test_break_even_lies_between_the_sizes_tried_on_a_logarithmic_scale() -> None:
    def lead(mean: float) -> Any:
        return paired_test([mean - 0.5, mean, mean + 0.5])

    found = break_even({10: lead(1.0), 100: lead(-1.0), 1000: lead(-3.0)})
    assert found.value == pytest.approx(10**1.5)
    reach = lead(0.0).high
    assert found.low == 0.0  # at 10 the interval of the lead holds 0
    assert found.high == pytest.approx(10 ** (2 + (reach - 1) / 2))
    assert found.text == f"32 [<10, {found.high:,.0f}]"
    two = break_even({10: paired_test([1.0, 1.1]), 100: paired_test([-1.0, -1.1])})
    assert two.text == "32" and two.estimate(2).low is None
