"""mAP@20, recall at the first rank, and the error of the best match."""

import pytest

from xstilts.metrics import macro_f1, mean_average_precision, recall_at_1, xsim_error


def test_precision_is_averaged_over_the_ranks_that_are_right():
    assert mean_average_precision([{"a", "b"}], [["a", "x", "b"]]) == pytest.approx(
        100 * (1 + 2 / 3) / 2
    )


def test_more_right_answers_than_ranks_are_divided_by_the_ranks():
    gold = set(range(30))
    assert mean_average_precision([gold], [list(range(30))]) == pytest.approx(100.0)
    assert mean_average_precision([gold], [list(range(30))], k=10) == pytest.approx(100.0)
    assert mean_average_precision([gold], [[*range(10), *range(100, 110)]]) == pytest.approx(50.0)


def test_one_right_answer_scores_the_reciprocal_of_its_rank_and_nothing_beyond_rank_20():
    ranked = [["x", "y", "Q1"], [*range(20), "Q1"], []]
    assert mean_average_precision([["Q1"]] * 3, ranked) == pytest.approx(100 / 9)


def test_an_answer_that_is_ranked_twice_counts_once():
    assert mean_average_precision([{"a", "b"}], [["a", "a", "b"]]) == pytest.approx(
        100 * (1 + 2 / 3) / 2
    )


def test_a_query_without_a_right_answer_is_refused():
    with pytest.raises(ValueError, match="no right answer"):
        mean_average_precision([[]], [["a"]])
    with pytest.raises(ValueError, match="2 gold queries but 1"):
        mean_average_precision([["a"], ["b"]], [["a"]])


def test_only_the_first_rank_counts_for_recall_at_1():
    assert recall_at_1([{"a"}, {"b"}, {"c"}, {"d"}], [["a"], ["x", "b"], [], ["d"]]) == 50.0


def test_xsim_is_an_error_rate():
    assert xsim_error([0, 1, 2, 3], [0, 1, 3, 3]) == 25.0


def test_every_label_has_one_vote_in_macro_f1_also_one_never_predicted():
    gold, pred = ["a", "a", "a", "b"], ["a", "a", "a", "a"]
    assert macro_f1(gold, pred) == pytest.approx(100 * (6 / 7) / 2)
    assert macro_f1(gold, gold) == 100.0
    with pytest.raises(ValueError, match="names in one place"):
        macro_f1(["1"], [1])
