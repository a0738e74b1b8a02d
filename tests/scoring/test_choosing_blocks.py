"""The stage that takes a block of a sweep by the mean over languages."""

from statistics import fmean

import pytest

from xstilts.core.context import Context, Result
from xstilts.scoring.blocks import choose
from xstilts.scoring.spec import Choose


def chosen(folder, curves, metric="accuracy", text="ntrex"):
    """What is chosen by the values of each block in some languages."""
    inputs = {
        language: Result(folder, {"blocks": [{metric: value} for value in curve]}, language)
        for language, curve in curves.items()
    }
    return choose(Choose(metric=metric, text=text), inputs, folder, Context())


def test_the_mean_over_languages_decides_and_no_single_language(tmp_path):
    found = chosen(tmp_path, {"de": [10.0, 30.0, 29.0], "sw": [40.0, 5.0, 20.0]})
    assert found["means"] == [25.0, 17.5, 24.5] and found["block"] == 0
    assert found["said"] == "best of blocks 0-2 on ntrex (2 languages)"


def test_of_equal_means_the_lowest_block_is_taken_whatever_rounding_says(tmp_path):
    german, swahili = ([100 * right / 7 for right in some] for some in ([0, 0, 1], [0, 3, 2]))
    assert fmean([german[2], swahili[2]]) > fmean([german[1], swahili[1]]), "by their last bit"
    assert chosen(tmp_path, {"de": german, "sw": swahili})["block"] == 1


@pytest.mark.parametrize(("metric", "block"), [("accuracy", 1), ("xsim", 2)])
def test_an_error_rate_is_best_where_it_is_lowest(tmp_path, metric, block):
    assert chosen(tmp_path, {"de": [5.0, 9.0, 2.0]}, metric)["block"] == block


def test_a_choice_by_the_reported_scores_is_called_an_oracle(tmp_path):
    assert chosen(tmp_path, {"de": [5.0, 9.0]}, text=None)["said"] == "oracle block (1 language)"
