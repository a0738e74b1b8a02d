import math
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pandas as pd
import pytest
from planted_results import evidence, renamed, without

from xstilts.studies.diversity import find
from xstilts.studies.evidence import Evidence

TARGETS = {
    "tatoeba": ("retrieval", "accuracy", ("de", "sw", "ur")),
    "lareqa": ("ranking", "map@20", ("en", "de", "sw")),
    "bucc2018": ("mining", "f1", ("de", "ru")),
    "xnli": ("pair", "accuracy", ("en", "de")),
}
WORTH = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}
BALANCED = [set_ for k in (1, 2, 4) for set_ in combinations(WORTH, k)]


def arms(total: int | None, sets: Any = BALANCED) -> list[dict[str, Any]]:
    return [{"tasks": " + ".join(tasks), "mix_examples": total} for tasks in sets]


def planted(
    fixed: float = 1.5, growing: float = 1.0, sets: Any = BALANCED, **more: Any
) -> Evidence:
    """At a fixed total a mixture has the mean of its tasks' worth and ``fixed`` points more for
    every doubling; else ``growing`` times their sum. Nothing of this in targets without retrieval,
    and the opposite in mining."""

    def score(arm: Mapping[str, Any], target: str, language: str) -> float:
        tasks = arm["tasks"].split(" + ") if arm["tasks"] else []
        if target == "xnli" or not tasks:
            return 40.0
        worth = sum(WORTH[task] for task in tasks)
        if arm["mix_examples"]:
            gain = worth / len(tasks) + fixed * math.log2(len(tasks))
        else:
            gain = worth * (growing if len(tasks) > 1 else 1)
        return 40.0 - gain if target == "bucc2018" else 40.0 + gain

    every = [{}, *arms(4000, sets), *arms(None, sets)]
    return evidence(every, score, targets=TARGETS, **more)


def test_the_sentence_says_how_retrieval_changes_with_the_number_of_tasks() -> None:
    found = find(planted())
    fixed = found.estimates["a doubling of the tasks, at a fixed total of 4,000 examples"]
    assert fixed.value == pytest.approx(1.5, abs=0.1) and fixed.sign == 1
    beyond = "beyond the additive prediction, "
    more = found.estimates[f"{beyond}at a fixed total of 4,000 examples"]
    assert more.value == pytest.approx((1.5 + 3.0) / 2, abs=0.2)
    grown = found.estimates[f"{beyond}with all examples of each task"]
    assert grown.value == pytest.approx(0.0, abs=0.3)
    assert found.answer.startswith(
        "At a fixed total of 4,000 examples zero-shot retrieval rises with the number of"
    )
    assert "mixtures gain more than the mean of what their tasks gain alone" in found.answer


def test_the_opposite_effects_turn_the_sentence_around() -> None:
    answer = find(planted(fixed=-1.5, growing=0.1)).answer
    assert "4,000 examples zero-shot retrieval falls with the number" in answer
    assert "mixtures gain less than the mean of what their tasks gain alone" in answer
    assert "all examples of each task zero-shot retrieval falls with the number" in answer
    assert "mixtures gain less than the sum of what their tasks gain alone" in answer


def test_mining_stands_beside_and_is_in_no_mean() -> None:
    found = find(planted())
    slopes = next(table for table in found.tables if table.name == "by-target").rows
    fixed = slopes[slopes["regime"].str.startswith("at a fixed")].set_index("target")["slope"]
    assert fixed["bucc2018"] == pytest.approx(-1.5, abs=0.2)
    assert fixed["tatoeba"] == pytest.approx(1.5, abs=0.2) and "xnli" not in fixed


def test_draws_that_favour_a_task_are_left_out_and_named() -> None:
    sets = [*BALANCED, ("a", "b", "d"), ("b", "c", "d")]
    found = find(planted(sets=sets))
    assert any("not balanced: k = 3" in limit for limit in found.limits)
    trend = found.estimates["a doubling of the tasks, at a fixed total of 4,000 examples"]
    assert trend.value == pytest.approx(1.5, abs=0.1)
    shown = next(table for table in found.tables if table.name == "by-number-of-tasks").rows
    assert set(shown["k"]) == {0, 1, 2, 4}


def test_without_mixtures_or_without_retrieval_nothing_is_measured() -> None:
    alone = find(without(planted(), lambda arm: " + " not in arm["tasks"]))
    assert alone.answer.startswith("Not measured: no two numbers of tasks have arms")
    whole = planted()
    pairs = whole.rows[whole.rows["target"] == "xnli"]
    none = find(Evidence(**{**whole.__dict__, "rows": pairs}))
    assert none.answer == "Not measured: no retrieval or ranking target has scores."
    assert not alone.measured and not none.measured


def test_unbalanced_draws_alone_are_no_curve() -> None:
    found = find(planted(sets=[("a",), ("b",), ("a", "b"), ("a", "c")]))
    assert found.answer.startswith("Not measured: ") and "(unbalanced: 1 and 2)" in found.answer


def test_without_single_tasks_there_is_a_trend_and_no_additive_prediction() -> None:
    found = find(without(planted(), lambda arm: arm["tasks"] not in WORTH))
    assert "rises with the number" in found.answer and "gain alone" not in found.answer
    assert any("No additive prediction at a fixed total" in limit for limit in found.limits)


def test_two_seeds_give_no_verdict() -> None:
    found = find(planted(seeds=range(2)))
    assert "rises" not in found.answer and "too few seeds for a verdict" in found.answer
    assert all(estimate.low is None for estimate in found.estimates.values())


def test_names_of_arms_do_not_matter() -> None:
    assert find(planted()).answer == find(renamed(planted())).answer


def test_a_baseline_without_seeds_stands_for_every_seed() -> None:
    whole = planted()
    base = whole.rows["arm"] == "a0"
    one = whole.rows[base & (whole.rows["seed"] == 0)].assign(seed=pd.NA)
    rows = pd.concat([one, whole.rows[~base]]).astype({"seed": "Int64"})
    found = find(Evidence(**{**whole.__dict__, "rows": rows}))
    assert "rises with the number" in found.answer
    shown = next(table for table in found.tables if table.name == "by-number-of-tasks").rows
    assert shown.iloc[0]["low"] is None and shown.iloc[1]["low"] is not None


def test_totals_that_grow_with_the_tasks_share_their_single_tasks_with_a_fixed_total() -> None:
    sets = [set_ for k in (1, 2, 4) for set_ in combinations(WORTH, k)]
    each = [{"tasks": " + ".join(s), "mix_examples": 1000 * len(s)} for s in sets if len(s) > 1]

    def score(arm: Mapping[str, Any], target: str, language: str) -> float:
        return 40.0 + (arm["mix_examples"] or 0) / 1000

    found = find(evidence([{}, *arms(1000, sets), *each], score, targets=TARGETS))
    fixed, grown = (
        found.estimates[f"a doubling of the tasks, {rule}"].value
        for rule in ("at a fixed total of 1,000 examples", "with 1,000 examples of each task")
    )
    assert (fixed, grown) == pytest.approx((0.0, 1.5), abs=0.15)
    assert len([name for name in found.estimates if name.startswith("a doubling")]) == 2


def test_how_often_mixtures_pass_over_their_examples_stands_beside_their_scores() -> None:
    own = {task: 1000 * (i + 1) for i, task in enumerate(WORTH)}
    every = [
        arm | {"examples": sum(own[t] for t in arm["tasks"].split(" + "))} for arm in arms(4000)
    ]
    found = find(evidence([{}, *every], lambda arm, target, language: 40.0, targets=TARGETS))
    assert "cannot be told to change with the number of intermediate tasks" in found.answer
    shown = next(table for table in found.tables if table.name == "by-number-of-tasks").rows
    passes = shown.set_index("k")["passes"]
    assert passes[1] == pytest.approx((4 + 2 + 4 / 3 + 1) / 4) and passes[4] == pytest.approx(0.4)
