"""Which arm to take for each target: told by English development data, or by the test results."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd

from xstilts.stats.choosing import Choice, choose
from xstilts.studies.evidence import Evidence
from xstilts.studies.frames import plain_rows

Runs = Mapping[str, Mapping[int | None, float]]  # arm -> seed -> value


@dataclass(frozen=True)
class Chosen:
    """The arm of one target.

    Attributes:
        target: whose arm.
        arm: the one with the best mean score on held-out English examples.
        best: the one with the largest mean gain in the results.
        choice: dev scores, gains over the baseline in points, and the optimism of the latter.
    """

    target: str
    arm: str
    best: str
    choice: Choice


def dev_scores(evidence: Evidence, arms: Collection[str]) -> dict[str, dict[str, float]]:
    """Target -> arm -> mean score of its models on held-out English examples, 0-100.

    Only targets that have one of every arm: those without training data have none.
    """
    return {
        target: {arm: fmean(by_seed.values()) for arm, by_seed in runs.items()}
        for target, runs in _dev_runs(evidence, arms).items()
        if len(runs) == len(arms)
    }


def choices(
    evidence: Evidence, arms: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> list[Chosen]:
    """The choice of every target, among the arms that have a mean gain there and the baseline.

    A target without dev scores, as it has no training data, takes the arm that is best in the mean
    over the others. None where no target has any.

    Args:
        evidence: whose stages have dev scores.
        arms: those to choose from, the baseline among them; the first of equals is taken.
        rows: one an arm x target, of ``xstilts.stats.mean_gains``.
    """
    dev = _dev_runs(evidence, arms)
    overall = _overall(dev, arms)
    gains: dict[str, dict[str, dict[int | None, float]]] = {}
    for row in rows:
        gains.setdefault(row["target"], {})[row["arm"]] = dict(row["seed_gains"])
    found = []
    for target, by_arm in gains.items():
        seeds = {seed for runs in by_arm.values() for seed in runs}
        there = by_arm | {evidence.baseline: dict.fromkeys(seeds, 0.0)}
        names = [arm for arm in arms if arm in there]
        told = dev[target] if set(names) <= set(dev.get(target, {})) else overall
        if chosen := _chosen(told, there, names):
            arm, best = names[chosen.arm], names[chosen.on_test]
            found.append(Chosen(target, arm, best, chosen))
    return found


def _chosen(dev: Runs, gains: Runs, names: Sequence[str]) -> Choice | None:
    """None where the arms share no seed."""
    if not set(names) <= set(dev):
        return None
    shared = set.intersection(*(set(of[name]) for of in (dev, gains) for name in names))
    seeds = sorted(shared, key=lambda seed: seed or 0)
    if not seeds:
        return None
    both = (np.array([[of[n][seed] for n in names] for seed in seeds]) for of in (dev, gains))
    return choose(*both)


def _dev_runs(evidence: Evidence, arms: Collection[str]) -> dict[str, dict[str, dict[Any, float]]]:
    """Target -> arm -> seed -> score of its model on held-out English examples, 0-100."""
    found: dict[str, dict[str, dict[Any, float]]] = {}
    if not {"arm", "stage", "seed", "dev_score"} <= set(evidence.stages.columns):
        return found
    for row in plain_rows(evidence.stages):
        told = row["stage"] in evidence.main_metrics and row["arm"] in arms
        if told and row["dev_score"] is not None:
            of_arm = found.setdefault(row["stage"], {}).setdefault(row["arm"], {})
            of_arm[row["seed"]] = row["dev_score"]
    return found


def _overall(dev: Mapping[str, Runs], arms: Sequence[str]) -> dict[str, dict[Any, float]]:
    """Arm -> seed -> mean over the targets that have dev scores of all arms."""
    whole = [runs for runs in dev.values() if set(runs) == set(arms)]
    return {
        arm: {
            seed: fmean(runs[arm][seed] for runs in whole)
            for seed in set.intersection(*(set(runs[arm]) for runs in whole))
        }
        for arm in (arms if whole else ())
    }


def cells_of(evidence: Evidence, taken: Mapping[str, str]) -> pd.DataFrame:
    """The cells of the arm taken for each target; those of the baseline gain nothing."""
    found = []
    for target, arm in taken.items():
        mine = evidence.cells[evidence.cells["target"] == target]
        if arm == evidence.baseline:
            mine = _of_baseline(mine.drop_duplicates("language"), evidence.baseline)
        else:
            mine = mine[mine["arm"] == arm]
        found.append(mine)
    there = [cells for cells in found if len(cells)]
    return pd.concat(there, ignore_index=True) if there else evidence.cells[:0]


def _of_baseline(cells: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """What any arm's cells are where nothing is changed."""
    floor = [
        limit is not None and mean <= limit
        for mean, limit in zip(cells["baseline_mean"], cells["noise_limit"], strict=True)
    ]
    nothing: dict[str, Any] = {
        name: pd.Series([_no_gain(of) for of in cells[name]], cells.index, dtype=object)
        for name in ("seed_gains", "item_draws")
    }
    changed: dict[str, Any] = {"arm": baseline, "gain": 0.0, "at_floor": floor, "same_data": False}
    return cells.assign(arm_mean=cells["baseline_mean"], **changed, **nothing)


def _no_gain(by_seed: Any) -> Any:
    """Gains by seed, or those of drawn test items, where nothing is gained; None as it is."""
    return by_seed and tuple((seed, 0.0 * gain) for seed, gain in by_seed)
