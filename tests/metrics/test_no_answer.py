"""When a question is better left unanswered: SQuAD 2.0."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xstilts.metrics import no_answer_threshold, squad_v2

GOLD = {"a": ["mill"], "b": [], "c": ["river"], "d": []}
SAID = {"a": "mill", "b": "mill", "c": "stone", "d": "river"}


def apply(said, margins, threshold):
    return {q: "" if margins[q] > threshold else text for q, text in said.items()}


def test_the_surest_question_is_answered_and_the_others_are_not():
    margins = {"a": -3.0, "b": 2.0, "c": 1.0, "d": 4.0}
    f1, threshold = no_answer_threshold(GOLD, SAID, margins)
    assert (f1, threshold) == (75.0, -3.0)
    assert squad_v2(GOLD, apply(SAID, margins, threshold))["f1"] == 75.0


def test_where_silence_is_best_no_question_is_answered():
    margins = {"a": 3.0, "b": -2.0, "c": -1.0, "d": -4.0}
    f1, threshold = no_answer_threshold(GOLD, SAID, margins)
    assert f1 == 50.0
    assert set(apply(SAID, margins, threshold).values()) == {""}


@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from(["mill", "stone", ""])), min_size=1, max_size=12
    ),
    st.randoms(use_true_random=False),
)
def test_no_other_threshold_does_better(rows, rng):
    gold = {f"q{i}": ["mill"] if has else [] for i, (has, _) in enumerate(rows)}
    said = {f"q{i}": text for i, (_, text) in enumerate(rows)}
    margins = dict(zip(gold, rng.sample(range(100), len(rows)), strict=True))
    f1, threshold = no_answer_threshold(gold, said, margins)
    reached = squad_v2(gold, apply(said, margins, threshold))["f1"]
    tried = [squad_v2(gold, apply(said, margins, t))["f1"] for t in [-1, *margins.values()]]
    assert reached == pytest.approx(f1) == pytest.approx(max(tried))
