import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import xstilts.metrics
from xstilts.metrics import (
    accuracy,
    majority_floor,
    noise_limit,
    random_rank_floor,
    seqeval_f1,
    tag_accuracy,
    tagging_floor,
)

TAGGED = st.lists(st.lists(st.sampled_from(["NOUN", "VERB", "ADV"]), min_size=1), min_size=1)


def test_the_majority_floor_is_the_share_of_the_most_frequent_label():
    assert majority_floor(["a", "b", "a", "c"]) == 50.0
    assert majority_floor([1, 1, 1]) == 100.0


@given(st.lists(st.integers(0, 4), min_size=1))
def test_no_constant_answer_beats_the_majority_floor(labels):
    constants = [accuracy(labels, [label] * len(labels)) for label in set(labels)]
    assert majority_floor(labels) == max(constants)


def test_the_tagging_floor_is_the_metric_itself_on_the_most_frequent_tag():
    gold = [["NOUN"], ["NOUN", "VERB"], ["NOUN", "NOUN", "VERB"]]
    assert tagging_floor(gold, tag_accuracy) == pytest.approx(100 * 4 / 6)
    assert tagging_floor(gold, seqeval_f1) == pytest.approx(100 * 2 / 8)


def test_the_tagging_floor_of_mostly_untagged_text_is_0():
    assert tagging_floor([["O", "O", "B-PER"], ["O"]], seqeval_f1) == 0.0


@given(TAGGED, st.randoms(use_true_random=False))
def test_the_tagging_floor_does_not_depend_on_the_order_of_sentences(gold, rng):
    shuffled = rng.sample(gold, len(gold))
    assert math.isclose(tagging_floor(gold, seqeval_f1), tagging_floor(shuffled, seqeval_f1))


def test_a_random_rank_is_right_once_in_n():
    assert random_rank_floor(1000) == 0.1
    assert random_rank_floor(1) == 100.0


def test_the_noise_limit_of_a_floor_of_0_is_known_in_closed_form():
    assert noise_limit(0.0, 10) == pytest.approx(100 * 1.959964**2 / (10 + 1.959964**2))


@given(st.floats(0.01, 99.99), st.integers(1, 100_000))
def test_the_limit_is_the_share_whose_own_standard_error_reaches_down_to_the_floor(floor, n):
    p, upper = floor / 100, noise_limit(floor, n) / 100
    assert p < upper < 1
    error = math.sqrt(upper * (1 - upper) / n)
    assert (upper - p) / error == pytest.approx(1.959964, rel=1e-6)


@given(st.floats(0, 100), st.integers(1, 10_000))
def test_the_limit_never_falls_below_the_floor_and_shrinks_with_more_examples(floor, n):
    assert floor <= noise_limit(floor, n) <= 100
    assert noise_limit(floor, 2 * n) <= noise_limit(floor, n) + 1e-9


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: majority_floor([]), "0 labels"),
        (lambda: tagging_floor([[]], tag_accuracy), "no sentence holds a tag"),
        (lambda: random_rank_floor(0), "0 candidates"),
        (lambda: noise_limit(50.0, 0), "0 examples"),
        (lambda: noise_limit(100.5, 10), "between 0 and 100"),
        (lambda: noise_limit(math.nan, 10), "between 0 and 100"),
    ],
)
def test_floors_of_nothing_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_room_exports_sorted_names_that_exist():
    names = xstilts.metrics.__all__
    assert names == sorted(names)
    assert all(callable(getattr(xstilts.metrics, name)) for name in names)
