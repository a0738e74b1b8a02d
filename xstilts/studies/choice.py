"""Which arm to take for each target: told by English development data, or by the test results."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from statistics import fmean
from typing import Any

import pandas as pd

from xstilts.studies.evidence import Evidence
from xstilts.studies.frames import plain_rows

Scores = Mapping[str, Mapping[str, float]]  # target -> arm -> mean over seeds


def dev_scores(evidence: Evidence, arms: Collection[str]) -> Scores:
    """The mean score of each target's models on held-out English examples, 0-100.

    Only targets that have one of every arm: those without training data have none.
    """
    if not {"arm", "stage", "dev_score"} <= set(evidence.stages.columns):
        return {}
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in plain_rows(evidence.stages):
        told = row["stage"] in evidence.main_metrics and row["arm"] in arms
        if told and row["dev_score"] is not None:
            found[row["stage"]][row["arm"]].append(row["dev_score"])
    return {
        target: {arm: fmean(values) for arm, values in by_arm.items()}
        for target, by_arm in found.items()
        if len(by_arm) == len(arms)
    }


def by_dev(scores: Scores, arms: Sequence[str], targets: Sequence[str]) -> dict[str, str]:
    """Target -> the arm with the best dev score; the first of equals.

    A target without dev scores takes the arm that is best in the mean over the others. Empty where
    no target has any.
    """
    if not scores:
        return {}
    overall = {arm: fmean(by_arm[arm] for by_arm in scores.values()) for arm in arms}
    tables = {target: scores.get(target, overall) for target in targets}
    return {target: max(arms, key=lambda arm: of[arm]) for target, of in tables.items()}


def by_test(
    rows: Sequence[Mapping[str, Any]], baseline: str, targets: Sequence[str]
) -> dict[str, str]:
    """Target -> the arm with the largest mean gain, or the baseline where none gains.

    Args:
        rows: one an arm x target, of ``xstilts.stats.mean_gains``.
        baseline: the arm that gains nothing.
        targets: those wanted.
    """
    nothing = {"arm": baseline, "mean_gain": 0.0}
    found = {}
    for target in targets:
        mine = [nothing, *(row for row in rows if row["target"] == target)]
        found[target] = str(max(mine, key=lambda row: row["mean_gain"])["arm"])
    return found


def cells_of(evidence: Evidence, choice: Mapping[str, str]) -> pd.DataFrame:
    """The cells of the arm chosen for each target; those of the baseline gain nothing."""
    found = []
    for target, arm in choice.items():
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
