import pandas as pd
from planted_results import evidence

from xstilts.studies.arms import has_only, members, settings, twin


def test_a_twin_is_the_same_in_every_other_setting() -> None:
    frozen = {"frozen": 2, "frozen_during": "both"}
    arms = [{}, {"tasks": "a"}, {"tasks": "a", "k": 5}, {"tasks": "a", "k": 5} | frozen]
    found = settings(evidence(arms, lambda *_: 50.0))
    nothing = {"frozen": None, "frozen_during": None}
    assert twin(found[3], found, **nothing) == found[2]
    assert twin(found[3], found, **nothing, k=None) == found[1]
    assert twin(found[3], found, **nothing, tasks=None) is None
    assert [has_only(arm) for arm in found] == [True, True, False, False]
    assert has_only(found[2], "k")


def test_arms_without_scores_are_not_there_and_the_baseline_comes_first() -> None:
    whole = evidence([{}, {"tasks": "a"}, {"tasks": "b"}], lambda *_: 50.0)
    turned = whole.__dict__ | {"arms": whole.arms[::-1], "rows": whole.rows.query("arm != 'a1'")}
    found = settings(type(whole)(**turned))
    assert [arm["arm"] for arm in found] == ["a0", "a2"]
    assert found[0]["language"] is None and pd.isna(whole.arms["k"]).all()


def test_members_are_the_tasks_of_an_only_stage() -> None:
    arms = [{"tasks": tasks} for tasks in ("", "a", "b + a", "a > b")]
    found = settings(evidence(arms, lambda *_: 50.0))
    assert [members(arm) for arm in found] == [(), ("a",), ("a", "b"), ()]
