"""Arms against each other: weighted sums of mean scores, tested over the seeds that all share.

What the studies of transfer estimate is linear in scores: a difference of arms, a mean over
languages, a slope over a number of tasks. A *weighting* says how much each place (arm, target,
language) counts. Its value in a seed is the weighted sum of that seed's scores, its value on other
test items that of the scores drawn there; the test is that of ``xstilts.stats.crossed``, or over
seeds alone where a run keeps no counts of items. Only seeds that every place has are used, so that
each stands for the same places; a score without a seed stands for every seed. A cell is left out
where all arms compared are at the floor, as in ``xstilts.stats.gains``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Protocol, TypeAlias

import numpy as np

from xstilts.stats.corrections import holm
from xstilts.stats.crossed import between_seeds, centred, crossed_test
from xstilts.stats.paired import FEWEST, PairedTest, Verdict, judged, paired_test, verdict
from xstilts.stats.scores import Place, Seed
from xstilts.stats.uncertainty import Source, Uncertainty
from xstilts.studies.finding import Estimate
from xstilts.studies.measured import Measured

Cell: TypeAlias = tuple[str, str]
Weighting: TypeAlias = Mapping[Place, float]
Keep: TypeAlias = Callable[[str, str], bool]


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of scores.

    Attributes:
        test: its mean over seeds, interval and p.
        by_seed: seed -> its value, in points where the weighting has no unit.
    """

    test: PairedTest
    by_seed: Mapping[Seed, float]

    def estimate(self, unit: str = "points") -> Estimate:
        """The number of an answer."""
        test = self.test
        seeds = len(self.by_seed)
        return Estimate(value=test.mean, low=test.low, high=test.high, seeds=seeds, unit=unit)

    def columns(self, name: str) -> dict[str, Any]:
        """The cells of a table: the value under ``name``, then low, high, p and seeds."""
        test = self.test
        numbers = {"low": test.low, "high": test.high, "p": test.p}
        return {name: test.mean, **numbers, "seeds": len(self.by_seed)}


def contrast(table: Measured, weights: Weighting) -> Contrast:
    """The sum over places of weight times score, by seed, and its test."""
    used = {place: weight for place, weight in weights.items() if weight}
    seeds = table.shared_seeds(used)
    values = table.summed(used, seeds)
    by_seed = dict(zip(seeds, values.tolist(), strict=True))
    if len(seeds) < FEWEST:
        return Contrast(paired_test(values.tolist()), by_seed)
    items = table.summed_draws(used, seeds)
    return Contrast(crossed_test(values[:, None], items[:, :, None]), by_seed)


def contrast_of_draws(table: Measured, draws: Sequence[Weighting]) -> Contrast:
    """The mean of the same contrast in several draws of examples or layers, each in every seed.

    From ``FEWEST`` draws on they are a sample of other draws: the variance of what a draw moves in
    all seeds alike (the mean covariance between seeds, as in ``xstilts.stats.crossed``) joins that
    of seeds and items. Of fewer the interval speaks of these draws alone.
    """
    whole = mean(draws)
    plain = contrast(table, whole)
    seeds = list(plain.by_seed)
    if plain.test.error is None or plain.test.mean is None or len(draws) < FEWEST:
        return plain
    changes = centred(np.array([table.summed(weights, seeds) for weights in draws]))
    shared = max(0.0, between_seeds(changes)) / len(draws)
    error = Uncertainty((*plain.test.error.sources, Source(shared, len(draws) - 1)))
    return Contrast(judged(plain.test.mean, error), plain.by_seed)


def over(cells: Sequence[Cell], arms: Mapping[str, float]) -> Weighting:
    """The weighted sum of arms in the mean over cells; every target has one vote."""
    targets = [target for target, _ in cells]
    votes = {cell: 1 / (len(set(targets)) * targets.count(cell[0])) for cell in cells}
    return {
        (arm, *cell): weight * vote for cell, vote in votes.items() for arm, weight in arms.items()
    }


def total(parts: Iterable[tuple[float, Weighting]]) -> Weighting:
    """The weighted sum of weightings."""
    found: dict[Place, float] = {}
    for factor, weights in parts:
        for place, weight in weights.items():
            found[place] = found.get(place, 0.0) + factor * weight
    return found


def mean(parts: Sequence[Weighting]) -> Weighting:
    """The mean of weightings."""
    return total((1 / len(parts), weights) for weights in parts)


def slope(parts: Mapping[float, Weighting]) -> Weighting:
    """The slope of the least-squares line of weightings over their keys; two keys or more."""
    middle = fmean(parts)
    square = sum((x - middle) ** 2 for x in parts)
    return total(((x - middle) / square, weights) for x, weights in parts.items())


def every(target: str, language: str) -> bool:
    """Keep every cell."""
    return True


def shared_cells(table: Measured, arms: Iterable[str], keep: Keep = every) -> list[Cell]:
    """The (target, language) pairs that all arms were scored in, at least one above the floor.

    Args:
        table: the scores.
        arms: those compared.
        keep: of a target and a language: whether it is looked at.
    """
    names = list(dict.fromkeys(arms))
    sets = [{place[1:] for place in table.scores.values if place[0] == name} for name in names]
    both = sorted(cell for cell in set.intersection(*sets) if keep(*cell)) if sets else []
    return [c for c in both if not all(table.scores.at_floor((name, *c)) for name in names)]


def against(
    table: Measured, pairs: Iterable[tuple[str, Mapping[str, float]]], keep: Keep = every
) -> Weighting | None:
    """The mean over pairs of an arm minus a weighted mean of others; None if none share cells."""
    parts = []
    for arm, others in pairs:
        cells = shared_cells(table, [arm, *others], keep)
        if cells:
            parts.append(over(cells, {arm: 1.0} | {name: -w for name, w in others.items()}))
    return mean(parts) if parts else None


def with_holm(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with ``p``, each with a ``p_holm`` that allows for the number of tests among them."""
    adjusted = iter(holm([row["p"] for row in rows if row["p"] is not None]))
    return [row | {"p_holm": None if row["p"] is None else next(adjusted)} for row in rows]


class Tested(Protocol):
    """A mean with its test."""

    @property
    def test(self) -> PairedTest:
        """Its interval and p."""


def together(found: Mapping[str, Tested]) -> dict[str, Verdict]:
    """The verdicts of one answer, by Holm's correction over all of them."""
    rows = with_holm([{"name": name, "p": one.test.p} for name, one in found.items()])
    return {row["name"]: verdict(found[row["name"]].test.mean, row["p_holm"]) for row in rows}
