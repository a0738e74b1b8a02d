"""A study is chosen by its name, and says in words what it lacks."""

import dataclasses
from typing import get_args

import pytest
from planted_results import evidence

from xstilts.phases.recipe import STUDIES
from xstilts.studies import judge


@pytest.mark.parametrize("study", get_args(STUDIES))
def test_without_a_score_every_study_has_a_sentence_and_no_traceback(study: str) -> None:
    whole = evidence([{"kind": "none"}, {"tasks": "mnli"}], lambda *_: 50.0)
    nothing = dataclasses.replace(whole, rows=whole.rows[:0], cells=whole.cells[:0])
    found = judge(nothing, study)
    assert (found.study, found.measured) == (study, False)
    assert found.answer.startswith("Not measured: ")


@pytest.mark.parametrize("study", ["paper", "layers"])
def test_without_the_arms_that_it_asks_for_a_study_says_what_is_missing(study: str) -> None:
    whole = evidence([{"kind": "none"}], lambda *_: 50.0)
    found = judge(whole, study)
    assert not found.measured and found.answer.startswith("Not measured: ")
