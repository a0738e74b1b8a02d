"""Which tasks a mixture draws, and how often: the law, with no model."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import chisquare
from workbench import how

from xstilts.train.mixture import alone, budget, mixed, shares, total_updates
from xstilts.train.spec import Mix, joint_name

SIZES = [400, 8000, 100, 1500]
LAWS = {
    "proportional": (Mix(), [0.04, 0.8, 0.01, 0.15]),
    "capped": (Mix(law="capped", cap=500), [0.2667, 0.3333, 0.0667, 0.3333]),
    "temperature": (
        Mix(law="temperature", temperature=2),
        [0.12644, 0.56548, 0.06322, 0.24486],
    ),
    "cold and capped": (
        Mix(law="temperature", temperature=2, cap=400),
        [2 / 7, 2 / 7, 1 / 7, 2 / 7],
    ),
    "uniform": (Mix(law="uniform"), [0.25] * 4),
}


@pytest.mark.parametrize("name", LAWS)
def test_shares_are_those_of_the_formula(name):
    mix, expected = LAWS[name]
    found = shares(mix, SIZES)
    assert found.sum() == pytest.approx(1)
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("name", LAWS)
def test_realised_draws_follow_the_law(name):
    """Chi-square over the updates of 20 seeds, and of all joint_name."""
    law = shares(LAWS[name][0], SIZES)
    found = [np.bincount(mixed(law, 32 * 2000, 32, seed).task, minlength=4) for seed in range(20)]
    values = [chisquare(counts, law * 2000).pvalue for counts in found]
    assert chisquare(sum(found), law * 40_000).pvalue > 0.01
    assert min(values) > 1e-4 and np.median(values) > 0.2
    assert len({tuple(counts) for counts in found}) > 15, "seeds draw alike"
    wrong = np.roll(law, 1) if name != "uniform" else np.array([0.26, 0.24, 0.24, 0.26])
    assert chisquare(sum(found), wrong * 40_000).pvalue < 1e-3, "any counts would pass"


def test_draws_depend_on_the_seed_and_the_update_alone():
    law = shares(Mix(), SIZES)
    long, short = mixed(law, 32 * 500, 32, 7), mixed(law, 32 * 100 - 5, 32, 7)
    np.testing.assert_array_equal(long.task[:100], short.task)
    np.testing.assert_array_equal(long.start[:100], short.start)
    assert short.count.tolist() == [32] * 99 + [27]


def test_each_task_goes_on_where_its_last_update_ended():
    draws = mixed(shares(Mix(), SIZES), 3210, 16, 3)
    for task in range(4):
        mine = draws.task == task
        ends = draws.start[mine] + draws.count[mine]
        assert draws.start[mine].tolist() == [0, *ends[:-1].tolist()][: mine.sum()]
        assert draws.drawn(task, len(draws.task)) == (ends[-1] if mine.any() else 0)
    assert sum(draws.drawn(task, 10**6) for task in range(4)) == 3210


@pytest.mark.parametrize(
    ("mix", "epochs", "examples"),
    [
        (Mix(), 1, 10_000),
        (Mix(), 2.5, 25_000),
        (Mix(law="capped", cap=500), 1, 1500),
        (Mix(law="temperature", temperature=4, cap=500), 2, 3000),
        (Mix(law="uniform"), 0.29, 2900),
        (Mix(law="uniform", examples=777), 3, 777),
    ],
)
def test_the_budget_is_passes_over_everything_or_what_is_declared(mix, epochs, examples):
    assert budget(mix, SIZES, epochs) == examples


def test_a_single_task_is_drawn_pass_by_pass_with_a_smaller_batch_at_the_end():
    draws = alone(96, total_updates(96, how(epochs=2, batch_size=36)), 36)
    assert draws.count.tolist() == [36, 36, 24] * 2
    assert draws.start.tolist() == [0, 36, 72, 96, 132, 168]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"law": "capped"}, "lacks its cap"),
        ({"law": "temperature", "cap": 5}, "lacks its temperature"),
        ({"cap": 5}, "proportional mixture has no cap"),
        ({"law": "capped", "cap": 5, "temperature": 2}, "capped mixture has no temperature"),
        ({"examples": 0}, "greater than or equal to 1"),
    ],
)
def test_a_law_has_its_own_keys_and_no_others(said, told):
    with pytest.raises(ValidationError, match=told):
        Mix(**said)


def test_a_name_of_many_tasks_stays_short():
    assert joint_name(["mnli", "squad_v1"]) == "mnli+squad_v1"
    assert joint_name(f"task{i}" for i in range(40)) == "task0+39"
