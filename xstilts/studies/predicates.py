"""What the tests of claims mean, fixed before anything was run.

* ``gain``: supported where the 95 % interval of the mean gain lies above 0, contradicted below.
* size: on a line of its own, supported where the published value lies inside that interval.
* ``almost_every``: supported where so many arms gain after Holm, contradicted where so many lose
  after Holm that they cannot.
* ``no_benefit``: supported where the mean gain is equivalent to 0 (two one-sided tests at 5 %), or
  a loss; contradicted where it is above 0 and not equivalent. The note says which.
* ``best``: supported where the arm is best with a probability of at least 0.95, contradicted where
  one that is named is better with that probability (by Bonferroni's correction over all others).
  A mixture is judged where half of its tasks are there as arms of their own.
* ``beats``: as ``gain``, of the plain arm minus its version; versions of one arm share its vote.
* ``best_per_target``: as ``gain``, of the arms that English development data choose.

Below half of what a claim speaks of, and below three seeds, nothing is judged. Cells at floor are
not measured.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any, Literal

import numpy as np
import pandas as pd

from xstilts.stats.best import Floats, joint_draws, probability_best
from xstilts.stats.equivalence import equivalence
from xstilts.stats.paired import FEWEST, PairedTest
from xstilts.stats.uncertainty import LEVEL
from xstilts.studies.choice import cells_of, choices
from xstilts.studies.claims import AlmostEvery, Beats, Best, BestPerTarget, Claim, Gains, NoBenefit
from xstilts.studies.frames import plain_rows
from xstilts.studies.means import Mean, cells_against, cells_on, counted, mean, summaries
from xstilts.studies.numerals import amount, gain, listing, probability
from xstilts.studies.scope import ENOUGH, Grid, cells_in_words
from xstilts.studies.versions import pairs

Verdict = Literal[
    "supported", "contradicted", "undecided", "not measured", "reported by the source", "answered"
]
_DRAWS = 4_000
_SEED = 0  # of the draws


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What became of a claim.

    Attributes:
        verdict: in the words of the contract; a question is ``answered``.
        scope: what the verdict holds for.
        effect: in points, or what the note says.
        low: lower end of its 95 % interval.
        high: upper end.
        cells: those that it rests on.
        note: what else a reader has to know.
    """

    verdict: Verdict
    scope: str = ""
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    cells: str = ""
    note: str = ""


@dataclass(frozen=True, eq=False)
class _Part:
    """The cells that a claim speaks of.

    Attributes:
        grid: the results.
        targets: those of the claim.
        arms: how many arms it speaks of.
        cells: what was measured of them.
    """

    grid: Grid
    targets: Sequence[str]
    arms: float
    cells: pd.DataFrame

    @property
    def alive(self) -> pd.DataFrame:
        """The cells above the floor: those that count."""
        return self.cells[~self.cells["at_floor"].astype(bool)]

    def judged(self, verdict: Verdict, found: Mean | None = None, note: str = "") -> Judgement:
        """A verdict on these cells."""
        test = found.test if found else PairedTest(None)
        return Judgement(
            verdict=verdict,
            scope=self.grid.words(self.alive, self.targets, found.seeds if found else 0),
            effect=test.mean,
            low=test.low,
            high=test.high,
            cells=cells_in_words(self.cells),
            note=note,
        )

    def mean(self) -> "Mean | Judgement":
        """The mean with its interval, or the refusal to judge."""
        share = self.grid.share(self.alive, self.arms, self.targets)
        if share < ENOUGH:
            note = f"{100 * share:.0f} % of what it speaks of is measured and above the floor"
            return self.judged("not measured", note=note)
        found = mean(self.cells)
        if found is None:
            return self.judged("not measured", note="its cells have no seed in common")
        if found.test.low is None:
            note = f"{amount(found.seeds, 'seed')}: no interval, and no verdict without one"
            return self.judged("not measured", found, note)
        return found

    def by_sign(self, note: str) -> Judgement:
        """Supported above 0, contradicted below."""
        found = self.mean()
        if isinstance(found, Judgement):
            return found
        verdicts: dict[int, Verdict] = {1: "supported", -1: "contradicted", 0: "undecided"}
        return self.judged(verdicts[found.estimate.sign], found, note)


@singledispatch
def judged(claim: Claim, grid: Grid) -> Judgement:
    """What a grid of results says of a claim about gains."""
    raise AssertionError(f"{type(claim).__name__} is not a claim about gains")


def size(published: float, of: Judgement, grid: Grid) -> Judgement:
    """Whether a published gain lies inside the interval of the one measured."""
    if of.low is None or of.high is None:
        return replace(of, verdict="not measured", note=of.note or "no interval")
    if grid.laboratory:
        note = "the value was published for other tasks than the laboratory's"
        return replace(of, verdict="not measured", note=note)
    inside = of.low <= published <= of.high
    note = f"the published {gain(published)} points are {'in' if inside else 'out'}side"
    if of.low <= 0 <= of.high:
        note += ", and 0 is inside"
    return replace(of, verdict="supported" if inside else "contradicted", note=note)


@judged.register
def _(claim: Gains, grid: Grid) -> Judgement:
    arm = grid.mixed(claim.tasks)
    if arm is None:
        return _no_arm(claim.tasks)
    return _Part(grid, claim.targets, 1, _cells([arm], claim.targets, grid)).by_sign("")


@judged.register
def _(claim: BestPerTarget, grid: Grid) -> Judgement:
    wanted = {grid.here(target) for target in claim.targets}
    arms = [str(arm["arm"]) for arm in grid.arms]
    cells = grid.evidence.cells
    rows = counted(summaries(cells[cells["target"].isin(wanted)]).targets) if len(cells) else []
    taken = {one.target: one.arm for one in choices(grid.evidence, arms, rows)}
    if not taken:
        return Judgement(verdict="not measured", note="no development scores of all arms")
    told = ", ".join(f"{target}: {arm}" for target, arm in taken.items())
    note = f"chosen among {amount(len(arms), 'arm')}: {told}"
    return _Part(grid, claim.targets, 1, cells_of(grid.evidence, taken)).by_sign(note)


@judged.register
def _(claim: Beats, grid: Grid) -> Judgement:
    found = pairs(grid.arms, claim.instead)
    if not found:
        return Judgement(verdict="not measured", note="no arm has a twin that differs in this only")
    targets = [grid.here(target) for target in claim.targets]
    cells = cells_against(grid.evidence, [(plain, other) for other, plain in found], targets)
    told = listing([f"{plain} against {other}" for other, plain in found])
    stages = len({plain for _, plain in found})
    arms = len(found) * max(1.0, claim.pairs / stages)
    return _Part(grid, claim.targets, arms, cells).by_sign(told)


@judged.register
def _(claim: AlmostEvery, grid: Grid) -> Judgement:
    part = _singles(claim.tasks, claim.targets, grid)
    found = part.mean()
    if isinstance(found, Judgement):
        return found
    gains, losses, there = _after_holm(part.cells)
    verdict: Verdict = "undecided"
    if gains >= claim.needed:
        verdict = "supported"
    elif losses > len(claim.tasks) - claim.needed:
        verdict = "contradicted"
    note = (
        f"of {len(claim.tasks)} arms {gains} gain and {losses} lose after Holm, {claim.needed} "
        f"are needed; {there} are measured; the effect is their mean"
    )
    return part.judged(verdict, found, note)


@judged.register
def _(claim: NoBenefit, grid: Grid) -> Judgement:
    part = _singles(claim.tasks, claim.targets, grid)
    found = part.mean()
    if isinstance(found, Judgement):
        return found
    p, sign = equivalence(found.test, claim.within), found.estimate.sign
    assert p is not None, "a mean with an interval has an error"
    near = p <= 1 - LEVEL
    verdict: Verdict = "contradicted" if sign > 0 else "undecided"
    if near or sign < 0:
        verdict = "supported"
    what = {1: "a gain", -1: "a loss", 0: "neither a gain nor a loss"}[sign]
    gains, losses, there = _after_holm(part.cells)
    note = (
        f"{what}, {'' if near else 'not '}shown to be within ±{claim.within:g} points of 0 "
        f"(p {probability(p)}); of {amount(there, 'arm')} {gains} gain and {losses} lose after Holm"
    )
    return part.judged(verdict, found, note)


@judged.register
def _(claim: Best, grid: Grid) -> Judgement:
    arm = grid.mixed(claim.tasks)
    if arm is None:
        return _no_arm(claim.tasks)
    cells = _in_all(grid.evidence.cells, [grid.here(target) for target in claim.targets])
    part = _Part(grid, claim.targets, 1, cells[cells["arm"] == arm])
    found = part.mean()
    if isinstance(found, Judgement):
        return found
    drawn = _drawn(cells, grid.evidence.baseline)
    if drawn is None:
        return part.judged("not measured", found, "no three seeds that all arms have")
    names, draws = drawn
    alone = sum(grid.mixed([task]) in names for task in claim.tasks)
    if len(claim.tasks) > 1 and alone < ENOUGH * len(claim.tasks):
        note = f"{alone} of its {len(claim.tasks)} tasks are there as arms to compare it with"
        return part.judged("not measured", found, note)
    mine = names.index(arm)
    shares = probability_best(draws)
    better = (draws > draws[:, [mine]]).mean(axis=0)
    rival = int(better.argmax())
    note = (
        f"best of {len(names)} arms with probability {shares[mine]:.2f}; "
        f"{names[rival]} is better with {better[rival]:.2f}"
    )
    verdict: Verdict = "undecided"
    if shares[mine] >= LEVEL:
        verdict = "supported"
    elif better[rival] >= 1 - (1 - LEVEL) / (len(names) - 1):
        verdict = "contradicted"
    return part.judged(verdict, found, note)


def _drawn(cells: pd.DataFrame, baseline: str) -> tuple[list[str], Floats] | None:
    """Arms, the baseline the last, and joint draws of their gains; None below three seeds."""
    rows = plain_rows(summaries(cells).arms)
    seeds = set.intersection(*(set(dict(row["seed_gains"])) for row in rows))
    if len(seeds) < FEWEST:
        return None
    gains = np.stack([_by_seed(row["seed_gains"], seeds) for row in rows], axis=-1)
    items = np.zeros((_DRAWS, *gains.shape))
    if all(row["item_draws"] for row in rows):
        by_arm = [_by_seed(row["item_draws"], seeds) for row in rows]
        items = np.stack(by_arm, axis=-1).swapaxes(0, 1)
    rng = np.random.default_rng(_SEED)
    draws = joint_draws(_with_nothing(gains), _with_nothing(items), rng)
    return [*(str(row["arm"]) for row in rows), baseline], draws


def _after_holm(cells: pd.DataFrame) -> tuple[int, int, int]:
    """How many arms gain and lose, by Holm's correction over all, and how many there are."""
    rows = counted(summaries(cells).arms)
    gains, losses = (sum(row["headline"] == word for row in rows) for word in ("gain", "loss"))
    return gains, losses, len(rows)


def _with_nothing(gains: Floats) -> Floats:
    """A column more for the baseline, which gains nothing."""
    return np.append(gains, np.zeros((*gains.shape[:-1], 1)), axis=-1)


def _by_seed(values: Any, seeds: Collection[Any]) -> Floats:
    """Shape ``(seeds, ...)``."""
    table = dict(values)
    return np.array([table[seed] for seed in sorted(seeds)], float)


def _in_all(cells: pd.DataFrame, targets: Sequence[str]) -> pd.DataFrame:
    """Cells of the places that every arm has, and some arm above the floor: none is left out."""
    mine = cells[cells["target"].isin(list(targets))]
    places = mine.astype({"at_floor": bool}).groupby(["target", "language"])
    whole = places["arm"].transform("nunique") == mine["arm"].nunique()
    dead = places["at_floor"].transform("all")
    return mine[whole & ~dead].assign(at_floor=False)


def _singles(tasks: Sequence[str], targets: Sequence[str], grid: Grid) -> _Part:
    """The plain arms of single tasks."""
    arms = [arm for arm in (grid.mixed([task]) for task in tasks) if arm is not None]
    return _Part(grid, targets, len(tasks), _cells(arms, targets, grid))


def _cells(arms: Sequence[str], targets: Sequence[str], grid: Grid) -> pd.DataFrame:
    return cells_on(grid.evidence, arms, [grid.here(target) for target in targets])


def _no_arm(tasks: Sequence[str]) -> Judgement:
    what = listing(sorted(tasks)) if len(tasks) < 4 else f"these {len(tasks)} tasks"
    return Judgement(verdict="not measured", note=f"no arm with scores is a plain stage on {what}")
