"""The study of similarity on results with a planted truth: what is planted is what it says."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from xstilts.stats.gains import cells
from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import NOT_MEASURED
from xstilts.studies.orders import candidates, resource_levels
from xstilts.studies.similarity import find

TASKS = ("nli", "squad", "qqp", "ccg", "cosmos", "swag")
TARGETS = ("xnli", "pos", "ner", "xquad")
LANGUAGES = {"en": 1e9, "de": 1e8, "fr": 9e7, "tr": 8e6, "sw": 1e6, "ay": 0.0, "qu": 0.0}
DISTANCE = {"en": 0.0, "de": 0.1, "fr": 0.2, "tr": 0.5, "sw": 0.4, "ay": 0.6, "qu": 0.7}
SEEDS = (0, 1, 2, 3)
METRIC = "accuracy"


def alike(task: str, target: str) -> float:
    """Some similarity of every pair, 0-1, without a pattern."""
    rng = np.random.default_rng([TASKS.index(task), TARGETS.index(target)])
    return float(rng.uniform())


def evidence(
    effect: float,
    *,
    in_language: Callable[[str], float] = lambda x: 1.0,
    probes: bool = True,
    noise: float = 0.3,
    seeds: Sequence[int] = SEEDS,
) -> Evidence:
    """Results in which a pair gains ``effect`` points times its similarity."""
    rng, rows = np.random.default_rng(7), []

    def row(arm: str, target: str, language: str, seed: int, value: float) -> None:
        said = {"arm": arm, "target": target, "language": language, "metric": METRIC}
        rows.append(said | {"value": value, "seed": seed, "n": 400, "floor": 33.3})

    for target in TARGETS:
        for language in LANGUAGES:
            for seed in seeds:
                row("none", target, language, seed, 60.0 + noise * rng.standard_normal())
                for task in TASKS:
                    gain = effect * alike(task, target) * in_language(language)
                    value = 60.0 + gain + noise * rng.standard_normal()
                    row(f"arm_{task}", target, language, seed, value)
    table = pd.DataFrame(rows)
    metrics = dict.fromkeys(TARGETS, METRIC)
    arms = [{"arm": "none", "kind": "none", "tasks": ""}]
    arms += [{"arm": f"arm_{t}", "kind": "task", "tasks": t} for t in TASKS]
    measured = [
        {"measure": measure, "price": price, "intermediate": i, "target": t, "arm": None,
         "layer": None, "language": None, "seed": None, "value": value(i, t)}
        for measure, price, value in (
            ("textemb", "encoder", alike),
            ("gradient", "encoder", lambda i, t: alike(i, t) ** 2),
            ("size", "data", lambda i, t: float(TASKS.index(i))),
            ("vocabulary", "data", alike),
        )
        for i in TASKS
        for t in TARGETS
        if probes
    ]  # fmt: skip
    columns = ["measure", "price", "intermediate", "target", "arm", "layer", "language", "seed",
               "value"]  # fmt: skip
    known = [{"language": x, "tokens": LANGUAGES[x], "distance": DISTANCE[x]} for x in LANGUAGES]
    return Evidence(
        baseline="none",
        arms=pd.DataFrame(arms),
        stages=pd.DataFrame(),
        rows=table,
        cells=cells(table, metrics, "none"),
        main_metrics=metrics,
        kinds=dict.fromkeys((*TASKS, *TARGETS), "pair"),
        same_data=frozenset(),
        languages=pd.DataFrame(known),
        probes=pd.DataFrame(measured, columns=columns),
    )


def test_the_sentence_says_what_was_planted_and_its_opposite_when_that_is_planted():
    more, less = find(evidence(+8)), find(evidence(-8))
    assert "help more in low-resource languages" in more.answer
    assert "help less in low-resource languages" in less.answer
    assert more.estimates["similarity"].sign == 1
    assert less.estimates["similarity"].sign == -1
    nothing = find(evidence(0))
    assert "neither more nor less" in nothing.answer and nothing.measured


def test_two_seeds_give_no_verdict_and_no_interval():
    found = find(evidence(+8, seeds=(0, 1)))
    assert "too few seeds for a verdict" in found.answer and "help more" not in found.answer
    assert found.estimates["similarity"].low is None
    assert "Under 3 seeds there are no intervals." in found.limits
    assert not any("intervals speak" in limit for limit in found.limits)


def test_a_seed_that_collapsed_is_counted_and_left_out_beside():
    whole = evidence(+8)
    names = zip(("arm", "target", "seed"), ("arm_nli", "pos", 2), strict=True)
    fell = np.all([whole.rows[column] == name for column, name in names], axis=0)
    rows = whole.rows.assign(value=whole.rows["value"].mask(fell, 20.0))
    found = find(replace(whole, rows=rows, cells=cells(rows, whole.main_metrics, "none")))
    table = next(t.rows for t in found.tables if t.name == "sensitivity")
    one = table[table["estimate"] == "similarity"]
    assert one["without"].tolist() == ["nothing", "collapsed seeds"]
    assert one["seeds"].tolist() == [4, 3]
    assert "sensitivity" not in [t.name for t in find(whole).tables]


def test_without_similarities_or_scores_nothing_is_claimed():
    for poor, missing in (
        (evidence(8, probes=False), "no similarity of tasks was measured"),
        (without(evidence(8), "cells"), "no arm has a score"),
        (with_probes(evidence(8), price="data"), "no similarity that is known from the untuned"),
        (with_arms(evidence(8), "arm_nli"), "three intermediate tasks"),
    ):
        found = find(poor)
        assert found.answer.startswith(f"{NOT_MEASURED}: ") and missing in found.answer
        assert not found.measured and not found.estimates


def without(one: Evidence, name: str) -> Evidence:
    return replace(one, **{name: getattr(one, name).iloc[:0]})


def with_probes(one: Evidence, **said: str) -> Evidence:
    probes = one.probes
    for column, value in said.items():
        probes = probes[probes[column] == value]
    return replace(one, probes=probes)


def with_arms(one: Evidence, *names: str) -> Evidence:
    return replace(one, arms=one.arms[one.arms["arm"].isin(("none", *names))])


def test_a_measure_that_is_planted_beats_size_and_chance_and_regrets_nothing():
    [table] = [t for t in find(evidence(8)).tables if t.name == "similarity-measures"]
    rows = table.rows.set_index(["measure", "price"])
    planted, size = rows.loc[("textemb", "encoder")], rows.loc[("size", "data")]
    assert planted["spearman"] > 0.9 > 0.5 > size["spearman"]
    assert planted["regret_1"] < size["regret_1"]
    assert planted["regret_1"] < planted["regret_1_by_chance"]
    assert planted["regret_1_low"] <= planted["regret_1"] <= planted["regret_1_high"]
    assert planted["regret_3"] <= planted["regret_1"]
    assert planted["ndcg"] > planted["ndcg_by_chance"]
    assert planted["p_holm"] >= planted["p"]
    assert ("together", "encoder") in rows.index


def test_pairs_with_common_data_are_shown_and_not_ranked():
    one = evidence(8)
    shared = replace(one, same_data=frozenset({("arm_nli", "xnli")}))
    tables = {t.name: t.rows for t in find(shared).tables}
    pairs = tables["similarity-pairs"].set_index(["intermediate", "target"])
    assert pairs.loc[("nli", "xnli"), "same_data"]
    assert pairs.loc[("nli", "xnli"), "textemb"] is None
    measured = tables["similarity-measures"].set_index("measure")
    assert measured.loc["textemb", "pairs"] == len(TASKS) * len(TARGETS) - 1


def test_what_a_pair_with_common_data_scored_counts_neither_in_the_ranking_nor_by_chance():
    one = replace(evidence(8), same_data=frozenset({("arm_nli", "xnli")}))
    pair = (one.rows["arm"] == "arm_nli") & (one.rows["target"] == "xnli")
    rows = one.rows.assign(value=one.rows["value"].mask(pair, 99.0))
    other = replace(one, rows=rows, cells=cells(rows, one.main_metrics, "none", one.same_data))
    whole, changed = (
        next(t.rows for t in find(e).tables if t.name == "similarity-measures")
        for e in (one, other)
    )
    pd.testing.assert_frame_equal(whole, changed)


def test_an_arm_that_does_more_than_train_on_one_task_is_no_candidate():
    one = evidence(8)
    more = [
        {"arm": f"{way}", "kind": "task", "tasks": "nli", way: said}
        for way, said in {"k": 10, "longer": "arm_nli", "language": "de", "mix_law": "capped",
                          "frozen": 2, "mlm_share": 0.5, "translated": "lab"}.items()
    ]  # fmt: skip
    arms = pd.concat([pd.DataFrame(more), one.arms.assign(language="en", target_language="en")])
    found = candidates(replace(one, arms=arms.reset_index(drop=True)))
    assert list(found["arm"]) == [f"arm_{task}" for task in TASKS]


def test_a_measure_that_is_undefined_for_a_pair_is_missing_and_never_zero():
    one = evidence(8)
    gone = (one.probes["measure"] == "textemb") & (one.probes["target"] == "pos")
    tables = find(replace(one, probes=one.probes[~gone])).tables
    pairs = next(t.rows for t in tables if t.name == "similarity-pairs")
    assert pairs[pairs["target"] == "pos"]["textemb"].isna().all()
    measured = next(t.rows for t in tables if t.name == "similarity-measures")
    assert measured.set_index("measure").loc["textemb", "targets"] == len(TARGETS) - 1


def test_levels_are_by_the_text_that_the_encoder_read_and_unseen_is_one_of_them():
    levels = resource_levels(evidence(8))
    assert levels == {"de": "high", "fr": "high", "tr": "low", "sw": "low",
                      "ay": "unseen", "qu": "unseen"}  # fmt: skip


def test_where_similarity_works_is_told_by_level_and_by_distance():
    near = find(evidence(8, in_language=lambda x: float(DISTANCE[x] < 0.3)))
    tables = {t.name: t.rows for t in near.tables}
    levels = tables["similarity-levels"]
    encoder = levels[levels["price"] == "encoder"].set_index("level")["spearman"]
    assert encoder["high"] > 0.8 > 0.5 > encoder["unseen"]
    by_language = tables["similarity-languages"].set_index("language")
    assert by_language.loc["ay", "log_tokens"] is None and "en" not in by_language.index
    assert "help neither more nor less" in near.answer


def test_a_moderator_has_an_interval_where_there_are_five_languages_that_were_seen():
    assert "by distance" not in find(evidence(8)).estimates  # four of them were seen
    seen = evidence(8)
    known = seen.languages.assign(tokens=[10.0 ** (9 - i) for i in range(len(LANGUAGES))])
    estimates = find(replace(seen, languages=known)).estimates
    assert estimates["by distance"].low <= estimates["by distance"].high


def test_languages_with_little_text_that_are_at_floor_are_not_called_unknown():
    one = evidence(8)
    low = one.rows["language"].isin(["tr", "sw", "ay", "qu"])
    rows = one.rows.assign(value=one.rows["value"].mask(low, 30.0))
    found = find(replace(one, rows=rows, cells=cells(rows, one.main_metrics, "none")))
    assert "in other languages" in found.answer
    assert "In low-resource languages no target has scores that could be judged." in found.limits
    assert not any("is unknown" in limit for limit in found.limits)


@pytest.mark.parametrize("unknown", ["tokens", "distance"])
def test_what_is_unknown_of_languages_is_said_and_not_guessed(unknown):
    one = evidence(8)
    blank = replace(one, languages=one.languages.assign(**{unknown: None}))
    found = find(blank)
    assert found.measured
    assert ("in other languages" in found.answer) == (unknown == "tokens")
    assert any("is unknown" in limit for limit in found.limits) == (unknown == "tokens")
