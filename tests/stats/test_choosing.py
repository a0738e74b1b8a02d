"""Arms chosen on dev and on test, where it is known which is best."""

import numpy as np
import pytest

from xstilts.stats.choosing import choose, optimism


def runs(rng: np.random.Generator, truth: list[float], seeds: int, noise: float) -> np.ndarray:
    return np.array(truth) + rng.normal(0, noise, (seeds, len(truth)))


def test_the_arm_that_is_best_on_dev_is_taken_and_scored_on_test() -> None:
    dev = np.array([[80.0, 84.0, 82.0], [80.0, 86.0, 82.0]])
    test = np.array([[50.0, 52.0, 57.0], [50.0, 54.0, 53.0]])
    found = choose(dev, test)
    assert (found.arm, found.dev, found.score) == (1, 85.0, 53.0)
    assert (found.on_test, found.score_on_test) == (2, 55.0)
    # seed 0 left out: arm 1 has 54 in the other and 52 there; seed 1 left out: arm 2, 57 and 53
    assert found.optimism == 3.0


def test_of_equal_arms_the_first_is_taken() -> None:
    assert choose(np.full((2, 3), 80.0), np.full((2, 3), 50.0)).arm == 0


def test_a_planted_best_arm_is_found_on_dev_and_costs_nothing() -> None:
    rng = np.random.default_rng(0)
    truth = [50.0, 51.0, 60.0, 49.0]
    for _ in range(50):
        found = choose(runs(rng, truth, 3, 1.0), runs(rng, truth, 3, 1.0))
        assert found.arm == found.on_test == 2
    optimistic = [optimism(runs(rng, truth, 3, 1.0)) for _ in range(400)]
    assert np.mean(optimistic) == pytest.approx(0, abs=0.15)


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_of_arms_that_are_all_alike_choosing_on_test_flatters_by_the_expected_maximum(
    seeds: int,
) -> None:
    """The largest of ten standard normals is 1.539 in the mean; dev scores flatter by nothing."""
    rng = np.random.default_rng(seeds)
    flattered, reported, honest = [], [], []
    for _ in range(2_000):
        dev, test = (runs(rng, [50.0] * 10, seeds, 1.0) for _ in range(2))
        found = choose(dev, test)
        flattered.append(found.optimism)
        reported.append(found.score_on_test)
        honest.append(found.score)
    assert np.mean(reported) - 50 == pytest.approx(1.539 / seeds**0.5, abs=0.05)
    assert np.mean(flattered) == pytest.approx(1.539 / (seeds - 1) ** 0.5, abs=0.05)
    assert np.mean(honest) == pytest.approx(50, abs=0.05)


def test_one_seed_says_nothing_of_what_choosing_adds() -> None:
    assert choose(np.ones((1, 2)), np.ones((1, 2))).optimism is None
    with pytest.raises(ValueError, match=r"shape \(1, 2\)"):
        choose(np.ones((1, 2)), np.ones((2, 2)))
