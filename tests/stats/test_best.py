"""Joint draws of gains, and which arm is best, in worlds whose truth is known."""

import numpy as np
import pytest

from xstilts.stats.best import joint_draws, probability_best
from xstilts.stats.crossed import crossed_test
from xstilts.stats.paired import paired_test


def still(gains: np.ndarray, draws: int) -> np.ndarray:
    return np.broadcast_to(gains, (draws, *gains.shape))


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_the_middle_of_the_draws_is_students_interval_for_every_arm_and_difference(
    seeds: int,
) -> None:
    rng = np.random.default_rng(seeds)
    gains = rng.normal([0, 1, 3], [1, 2, 0.5], (seeds, 3))
    gains[:, 2] += gains[:, 1]
    found = joint_draws(gains, still(gains, 200_000), rng)
    for weights in ([1, 0, 0], [0, 0, 1], [0, -1, 1], [1, -2, 1]):
        oracle = paired_test(list(gains @ weights))
        low, high = np.percentile(found @ weights, [2.5, 97.5])
        width = oracle.high - oracle.low
        assert (low - oracle.low) / width == pytest.approx(0, abs=0.03)
        assert (high - oracle.high) / width == pytest.approx(0, abs=0.03)


def test_with_items_it_is_the_interval_of_the_crossed_test() -> None:
    rng = np.random.default_rng(0)
    gains = rng.normal(1, 0.5, (4, 1))
    changes = rng.normal(0, 0.4, (50_000, 1, 1)) + rng.normal(0, 0.5, (50_000, 4, 1))
    items = gains + changes
    low, high = np.percentile(joint_draws(gains, items, rng), [2.5, 97.5])
    oracle = crossed_test(gains, items)
    assert (low, high) == pytest.approx((oracle.low, oracle.high), abs=0.06)


def test_what_the_seed_does_to_all_arms_does_not_blur_which_is_best() -> None:
    rng = np.random.default_rng(0)
    common = rng.normal(0, 20, (5, 1))
    gains = common + rng.normal(0, 0.1, (5, 3)) + [0, 0, 1]
    assert probability_best(joint_draws(gains, still(gains, 2_000), rng))[2] > 0.99


def test_arms_that_are_equal_share() -> None:
    found = probability_best(np.array([[1.0, 1, 0], [0, 0, 2], [1, 1, 1]]))
    assert found == pytest.approx([(1 / 2 + 1 / 3) / 3, (1 / 2 + 1 / 3) / 3, (1 + 1 / 3) / 3])
    assert found.sum() == pytest.approx(1)


@pytest.mark.parametrize("seeds", [3, 5])
def test_of_arms_without_any_difference_one_is_rarely_surely_the_best(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    tops = []
    for _ in range(400):
        gains = rng.normal(0, 1, (seeds, 4))
        tops.append(probability_best(joint_draws(gains, still(gains, 500), rng)).max())
    assert np.mean(np.array(tops) >= 0.95) < 0.1  # four arms, each at most 1 in 40 above another


def test_the_probability_of_being_best_is_right_as_often_as_it_says() -> None:
    """True gains drawn from wide, the best arm named with its probability."""
    rng = np.random.default_rng(1)
    said, true = [], []
    for _ in range(600):
        truth = rng.normal(0, 1, 3)
        gains = truth + rng.normal(0, 1, (4, 3))
        chances = probability_best(joint_draws(gains, still(gains, 400), rng))
        said.append(chances.max())
        true.append(chances.argmax() == truth.argmax())
    assert np.mean(said) == pytest.approx(np.mean(true), abs=0.05)


def test_two_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="2 seeds say nothing of others"):
        joint_draws(np.ones((2, 3)), np.ones((5, 2, 3)), np.random.default_rng(0))
