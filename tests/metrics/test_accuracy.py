import pytest
from hypothesis import given
from hypothesis import strategies as st

from xstilts.metrics import accuracy, retrieval_accuracy

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


def test_three_of_four_right_is_75():
    assert accuracy(["a", "b", "c", "a"], ["a", "b", "c", "b"]) == 75.0


def test_numbers_are_labels_too():
    assert accuracy([0, 1], [0, 0]) == 50.0


@given(PAIRS)
def test_accuracy_lies_between_0_and_100_and_is_100_for_the_gold_itself(pairs):
    gold, pred = [a for a, _ in pairs], [b for _, b in pairs]
    assert 0 <= accuracy(gold, pred) <= 100
    assert accuracy(gold, gold) == 100


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_items_does_not_matter(pairs, rng):
    shuffled = rng.sample(pairs, len(pairs))
    one, other = (
        accuracy([a for a, _ in items], [b for _, b in items]) for items in (pairs, shuffled)
    )
    assert one == other


@pytest.mark.parametrize("metric", [accuracy, retrieval_accuracy])
def test_lengths_that_differ_are_both_named(metric):
    with pytest.raises(ValueError, match=r"3 gold labels but 2 predicted labels"):
        metric([0, 1, 2], [0, 1])


@pytest.mark.parametrize("metric", [accuracy, retrieval_accuracy])
def test_nothing_to_score_is_refused(metric):
    with pytest.raises(ValueError, match="at least one"):
        metric([], [])


def test_names_against_numbers_are_refused_instead_of_scoring_0():
    with pytest.raises(ValueError, match="names in one place and numbers in another"):
        accuracy(["0", "1"], [0, 1])


def test_a_neighbour_counts_only_at_the_gold_index():
    assert retrieval_accuracy([2, 0, 1, 3], [2, 1, 0, 3]) == 50.0


def test_a_row_of_several_neighbours_is_refused():
    with pytest.raises(TypeError):
        retrieval_accuracy([2, 0], [[2, 1], [0, 1]])
