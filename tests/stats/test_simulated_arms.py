"""Arms whose truth is known, simulated with what first-light's runs were measured to vary by.

A score is the share of items that are right, so that it has item noise; every seed shifts all its
languages; every language has a level, and takes an effect, of its own.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xstilts.stats.corrections import holm
from xstilts.stats.paired import FEWEST, PairedTest, paired_test, verdict
from xstilts.stats.power import power, smallest_gain

MEASURED = Path(__file__).parents[2] / "docs" / "results" / "first-light-cells.csv"
TARGETS = ("udpos", "panx")
REPEATS = 1_000


@dataclass(frozen=True)
class World:
    """One target.

    Attributes:
        items: a language -> the chance of every item to be right in a run, shape ``(n,)``.
        seed: standard deviation that seeds have in common over languages, in points.
        effect: standard deviation of an arm's effect between languages, in points.
        gain: standard deviation between seeds of the mean over languages of arm minus baseline.
    """

    items: list[np.ndarray]
    seed: float
    effect: float
    gain: float


@pytest.fixture(scope="module", params=TARGETS)
def world(request: pytest.FixtureRequest) -> World:
    """Variances of a target between the two seeds, over four arms and all languages."""
    cells = pd.read_csv(MEASURED).query("target == @request.param")
    runs = cells.pivot_table(index=["arm", "language"], columns="seed", values="value")
    changes = (runs[1.0] - runs[0.0]).unstack("arm")
    within = float(changes.var().mean() / 2)  # of one language, beyond what its seed shares
    seed = max(0.0, float((changes.mean() ** 2).mean() / 2) - within / len(changes))
    levels = runs.mean(axis=1).unstack("arm")
    effects = levels.drop(columns="none").sub(levels["none"], axis=0)
    sizes = cells.groupby("language")["n"].first()
    rng = np.random.default_rng(0)
    items = [_items(rng, levels["none"][x] / 100, int(sizes[x]), within / 1e4) for x in sizes.index]
    gain = (2 * (seed + sum(_noise(p) for p in items) / len(items) ** 2)) ** 0.5
    return World(items, seed**0.5, float(effects.std().mean()), gain)


def _items(rng: np.random.Generator, level: float, n: int, variance: float) -> np.ndarray:
    """Chances with that mean whose runs vary as measured: the less, the surer each item is."""
    level = min(max(level, 0.02), 0.9)
    share = min(variance * n / (level * (1 - level)), 0.95)
    total = share / (1 - share)  # of a beta distribution: E[p(1-p)] = m(1-m) total/(total+1)
    return rng.beta(level * total, (1 - level) * total, n)


def _noise(chances: np.ndarray) -> float:
    return float(1e4 * np.mean(chances * (1 - chances)) / len(chances))


def scores(
    world: World, rng: np.random.Generator, shape: tuple[int, int], effects: np.ndarray
) -> np.ndarray:
    """Shape ``(repeats, seeds, languages)``; effects of shape ``(languages,)``, in points."""
    found = []
    for chances, effect in zip(world.items, effects, strict=True):
        room = 1 - chances if effect > 0 else -chances
        raised = chances + room * effect / 100 / room.mean()
        right = rng.random((*shape, len(chances)), np.float32) < raised
        found.append(100 * right.mean(axis=2))
    shifts = rng.normal(0, world.seed, (*shape, 1))
    return np.stack(found, axis=2) + shifts


def outcomes(world: World, seeds: int, effect: float, repeats: int = REPEATS) -> list[PairedTest]:
    """The paired test of every repeat: baseline and arm run anew."""
    rng = np.random.default_rng([seeds, int(10 * abs(effect))])
    own = rng.normal(0, world.effect, len(world.items)) if effect else np.zeros(len(world.items))
    effects = effect + (own - own.mean()) * min(1.0, abs(effect) / 3)
    arm, base = (scores(world, rng, (repeats, seeds), x) for x in (effects, 0 * effects))
    return [paired_test(list(gains)) for gains in (arm - base).mean(axis=2)]


@pytest.mark.parametrize("seeds", [FEWEST, 5, 10])
def test_null_arms_are_called_as_often_as_the_test_says(world: World, seeds: int) -> None:
    found = outcomes(world, seeds, 0.0)
    for side in ("gain", "loss"):
        assert np.mean([t.verdict == side for t in found]) == pytest.approx(0.025, abs=0.0125)
    twenties = [found[i : i + 20] for i in range(0, len(found), 20)]
    corrected = [holm([t.p for t in family]) for family in twenties]
    assert np.mean([min(family) <= 0.05 for family in corrected]) < 0.15  # 50 families, 5 % each


@pytest.mark.parametrize("effect", [0.5, 1.0, 3.0, -3.0])
def test_planted_arms_are_called_as_often_as_power_says(world: World, effect: float) -> None:
    found = outcomes(world, 5, effect)
    side, other = ("gain", "loss") if effect > 0 else ("loss", "gain")
    share = np.mean([t.verdict == side for t in found])
    assert share == pytest.approx(power(effect, 5, world.gain), abs=0.04)
    assert np.mean([t.verdict == other for t in found]) < 0.01
    assert np.mean([t.low <= effect <= t.high for t in found]) == pytest.approx(0.95, abs=0.02)


def test_of_twenty_null_and_twenty_planted_arms_few_and_nearly_all_are_called(world: World) -> None:
    nulls, planted = (outcomes(world, 5, effect, repeats=20) for effect in (0.0, 3.0))
    assert sum(t.verdict != "undecided" for t in nulls) <= 3
    assert sum(t.verdict == "gain" for t in planted) >= 15
    adjusted = holm([t.p for t in (*nulls, *planted)])
    called = [verdict(t.mean, p) for t, p in zip((*nulls, *planted), adjusted, strict=True)]
    assert set(called[:20]) == {"undecided"} and set(called[20:]) <= {"gain", "undecided"}


def test_the_smallest_gain_is_a_bound_for_what_was_measured(world: World) -> None:
    """Its assumption, items that flip freely, makes it larger than what is needed here."""
    examples = sum(len(chances) for chances in world.items)
    gain = smallest_gain(5, examples, world.seed)
    assert gain is not None
    assert 0.8 <= power(gain, 5, world.gain) < 1
