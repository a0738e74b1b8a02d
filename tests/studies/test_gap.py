import dataclasses
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest
from planted_results import evidence, renamed, without

from xstilts.stats.language_gap import language_gap
from xstilts.studies.evidence import Evidence
from xstilts.studies.gap import find

TARGETS = {
    "xnli": ("pair", "accuracy", ("en", "de", "sw", "ur")),
    "panx": ("tagging", "f1", ("en", "de", "sw")),
    "tatoeba": ("retrieval", "accuracy", ("de", "sw", "ur")),
}
STEPS = {f"lab_mnli_steps_{n}": n for n in (0, 2, 3)} | {"lab_mnli": 1}
NOISE = {"lab_mnli_noise_30": 0.3}
KNOBS = {
    task: {"steps": STEPS.get(task, 1), "noise": NOISE.get(task, 0.0)} for task in STEPS | NOISE
}
BASES = dict.fromkeys(KNOBS, "lab_mnli")
ARMS = [
    {"tasks": task, "target_language": source}
    | ({"target_translated": "lab"} if source != "en" else {})
    for source in ("en", "de")
    for task in ["", *KNOBS]
]


def planted(by_step: float = 1.0, source: float = -0.5, arms: Any = ARMS, **more: Any) -> Evidence:
    """Every step of the task costs the other languages ``by_step`` points and English nothing;
    training in English instead of German scores 1 + ``source`` times the steps more elsewhere."""

    def score(arm: Mapping[str, Any], target: str, language: str) -> float:
        steps = STEPS.get(arm["tasks"], 1) if arm["tasks"] else 0
        value = 80.0 if language == "en" else 60 - by_step * steps
        if target == "tatoeba" or arm["target_language"] == "en" or language in ("en", "de"):
            return value
        return value - (1 + source * steps)

    given = {"knobs": KNOBS, "bases": BASES, "targets": TARGETS} | more
    return evidence(arms, score, **given)


def test_the_sentence_tells_both_gaps_apart() -> None:
    found = find(planted(dev=lambda arm: 1.0))
    turned = "steps of lab_mnli from 0 to 3"
    assert found.answer.startswith("The language gap is +21.4 points [")
    language, source = (found.estimates[f"{gap} gap, {turned}"] for gap in ("language", "source"))
    assert language.value == pytest.approx(3.0, abs=0.2) and language.sign == 1
    assert source.value == pytest.approx(-1.5, abs=0.2) and source.sign == -1
    first, second = found.answer.split("; ")
    assert "in the mean over 5 intermediate tasks, and rises" in first
    assert "in the mean over 5 intermediate tasks and against de, and falls" in second
    assert f"rises with {turned}" in first and f"falls with {turned}" in second
    assert "cannot be told to change with noise of lab_mnli from 0 to 0.3" in first
    assert second.startswith("the source gap is +0.3 points [")
    assert not any("could not be checked" in limit for limit in found.limits)


def test_the_opposite_effects_turn_the_sentence_around() -> None:
    first, second = find(planted(by_step=-1.0, source=0.5)).answer.split("; ")
    assert "falls with steps of lab_mnli" in first and "rises with steps of lab_mnli" in second


def test_the_language_gap_is_xtremes() -> None:
    whole = planted()
    found = next(table for table in find(whole).tables if table.name == "gaps").rows
    mine = found.set_index("task")["language_gap"]
    theirs = language_gap(whole.rows, whole.main_metrics).groupby("arm")["gap"].mean()
    tasks = whole.arms.set_index("arm")["tasks"]
    for arm in [
        name
        for name in theirs.index
        if whole.arms.set_index("arm").loc[name, "target_language"] == "en"
    ]:
        assert mine[tasks[arm] or "none"] == pytest.approx(theirs[arm])


def test_without_target_training_in_another_language_only_one_gap_is_told() -> None:
    found = find(without(planted(), lambda arm: arm["target_language"] == "en"))
    assert "rises with steps" in found.answer
    assert found.answer.endswith(
        "the source gap is not measured: no arm with one intermediate task has a target trained "
        "in another language beside English."
    )


def test_without_intermediate_tasks_nothing_is_measured() -> None:
    found = find(without(planted(), lambda arm: arm["tasks"] == ""))
    assert not found.measured
    assert found.answer.startswith("Not measured: of the language gap, no arm with one")


def test_targets_with_other_numbers_of_examples_are_left_out_and_named() -> None:
    whole = planted(dev=lambda arm: 1.0)
    german = set(whole.arms.query("target_language == 'de'")["arm"])
    fewer = whole.stages["arm"].isin(german) & (whole.stages["stage"] == "panx")
    stages = whole.stages.assign(examples=whole.stages["examples"].mask(fewer, 500))
    found = find(dataclasses.replace(whole, stages=stages))
    assert "panx has other numbers of examples in de: left out." in found.limits


def test_two_seeds_give_no_verdict() -> None:
    found = find(planted(seeds=range(2)))
    assert "rises" not in found.answer and "falls" not in found.answer
    assert "has too few seeds for a verdict on noise of lab_mnli" in found.answer
    assert all(estimate.low is None for estimate in found.estimates.values())


OTHERS = [f"task{i}" for i in range(7)]


def measured_tasks(by_task: float, tasks: list[str] = OTHERS, **more: Any) -> Evidence:
    """Task i is trained on 1,000 + 100 i examples and costs other languages ``by_task`` times i
    points; its inputs have 10 + i words, its labels 1.5 bits."""
    rows = [
        {"measure": measure, "price": "data", "intermediate": task, "target": None, "arm": None,
         "layer": None, "language": None, "seed": None, "value": value}
        for i, task in enumerate(tasks)
        for measure, value in (("input_length", 10 + i), ("label_entropy", 1.5))
    ]  # fmt: skip
    arms = [{}, *({"tasks": task, "examples": 1000 + 100 * i} for i, task in enumerate(tasks))]

    def score(arm: Mapping[str, Any], target: str, language: str) -> float:
        place = tasks.index(arm["tasks"]) if arm["tasks"] else 0
        return 80.0 if language == "en" else 60 - by_task * place

    return evidence(arms, score, targets=TARGETS, probes=pd.DataFrame(rows), **more)


def test_declared_measures_are_correlated_with_each_gap_over_tasks() -> None:
    found = find(measured_tasks(1.0))
    rho = found.estimates["language gap by input_length"]
    assert rho.unit == "correlation" and rho.value == pytest.approx(1) and rho.sign == 1
    assert "language gap by label_entropy" not in found.estimates  # the same in all tasks
    assert "is higher the more training examples (ρ 1.00 [" in found.answer
    assert "is higher the more words an input" in found.answer
    assert any("Not known of any task: loss after the first steps" in x for x in found.limits)
    assert "is lower the more words an input" in find(measured_tasks(-1.0)).answer


def test_verdicts_on_measures_allow_for_their_number() -> None:
    """Of five tasks in perfect order p is 1 in 60; two measures make it 1 in 30, four too much."""
    whole = measured_tasks(1.0, OTHERS[:5])
    assert "is higher the more words an input" in find(whole).answer
    more = [whole.probes.assign(measure=name) for name in ("label_entropy", "early_loss")]
    lengths = [table[whole.probes["measure"] == "input_length"] for table in more]
    several = pd.concat([whole.probes.query("measure == 'input_length'"), *lengths])
    found = find(dataclasses.replace(whole, probes=several))
    assert "is higher" not in found.answer
    assert "cannot be told to change with training examples, bits of label" in found.answer


def test_a_task_and_its_variants_are_one_task_to_a_rank_correlation() -> None:
    bases = {task: OTHERS[0] for task in OTHERS[3:]}
    found = find(measured_tasks(1.0, bases=bases))
    assert not [name for name in found.estimates if " by " in name]
    assert "has no measure of complexity to go along with" in found.answer
    assert any(limit.startswith("Known of fewer than 5 tasks, variants") for limit in found.limits)


def test_of_two_seeds_a_measure_has_a_correlation_and_no_verdict() -> None:
    found = find(measured_tasks(1.0, seeds=range(2)))
    assert "too few seeds for a verdict on training examples and words" in found.answer
    assert found.estimates["language gap by size"].low is None


def test_another_language_in_which_no_third_was_scored_is_named() -> None:
    arms = [*ARMS, *(arm | {"target_language": "sw"} for arm in ARMS[len(ARMS) // 2 :])]
    whole = planted(arms=arms)
    swahili = set(whole.arms.query("target_language == 'sw'")["arm"])
    gone = whole.rows["arm"].isin(swahili) & ~whole.rows["language"].isin(["en", "sw"])
    found = find(dataclasses.replace(whole, rows=whole.rows[~gone]))
    assert "No third language has scores of targets trained in sw: left out." in found.limits
    assert "and against de, and" in found.answer


def test_names_of_arms_do_not_matter() -> None:
    assert find(planted()).answer == find(renamed(planted())).answer


def test_english_at_floor_takes_the_target_out_of_the_language_gap() -> None:
    whole = planted()
    dead = (whole.rows["target"] == "panx") & (whole.rows["language"] == "en")
    rows = whole.rows.assign(value=whole.rows["value"].mask(dead, 5.0))
    one = find(dataclasses.replace(whole, rows=rows)).estimates["language gap"]
    other = find(dataclasses.replace(whole, rows=whole.rows.query("target != 'panx'")))
    assert one == other.estimates["language gap"]
