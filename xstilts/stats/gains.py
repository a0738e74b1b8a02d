"""Gains of arms over the baseline, cell by cell, with floors and seeds kept honest.

A *cell* is one arm x target x language. Its numbers, all in score points (0-100):

* run gain        g_s = arm score - baseline score of the same seed s. A score without a seed
                  pairs with every seed.
* gain            mean of g_s over the paired seeds; a seed only one side has is not used.
* spread          sample standard deviation of g_s (divisor n - 1); ``None`` under two seeds.
* low, high, p    interval and two-sided p of ``xstilts.stats.paired``; ``None`` under three seeds.
* verdict         ``gain``, ``loss``, ``undecided`` or ``too few seeds``, by that p alone.
* noise limit     Wilson upper bound of a score at the floor on n examples
                  (``xstilts.metrics.floors.noise_limit``).
* at floor        baseline mean and arm mean both at or below the noise limit: shown, never counted.

Whether a cell is at floor is judged over all its seeds together. A cell that was not measured has
no row.
"""

from collections.abc import Collection, Mapping
from statistics import fmean, stdev
from typing import Any

import pandas as pd

from xstilts.stats.paired import paired_test
from xstilts.stats.scores import Place, Scores, Seed, scores

CELL_COLUMNS = (
    "arm", "target", "language", "metric", "baseline_mean", "arm_mean", "gain", "spread", "seeds",
    "low", "high", "p", "verdict", "n", "floor", "noise_limit", "at_floor", "same_data",
    "collapsed_seeds", "baseline_collapsed_seeds", "gain_without_collapsed", "seed_gains",
)  # fmt: skip


def cells(
    rows: pd.DataFrame,
    main_metrics: Mapping[str, str],
    baseline: str,
    same_data: Collection[tuple[str, str]] = frozenset(),
    english: str = "en",
) -> pd.DataFrame:
    """One row per arm x target x language where arm and baseline share at least one run.

    Args:
        rows: result rows (the columns of ``results.parquet``).
        main_metrics: target -> the metric its gain is measured in; other targets are left out.
        baseline: the arm every other arm is compared with.
        same_data: (arm, target) pairs whose intermediate data is also the target's training data.
        english: the language a collapsed seed is judged by, where the target has it.

    Returns:
        Columns ``CELL_COLUMNS``; the module's docstring has the formulas. ``seeds`` counts paired
        runs; ``seed_gains`` holds ``(seed, gain)`` pairs; the two ``collapsed`` columns hold the
        seeds at floor while another seed of the same arm and target is not.
    """
    table = scores(rows, main_metrics)
    found = []
    for place in sorted(table.values, key=lambda p: (p[0], list(main_metrics).index(p[1]), p[2])):
        arm, target, language = place
        origin = (baseline, target, language)
        if arm == baseline or origin not in table.values:
            continue
        pairs = _pairs(table.values[place], table.values[origin])
        if pairs:
            marks = _collapsed(table, place, english), _collapsed(table, origin, english)
            found.append(_cell(table, place, pairs, (arm, target) in same_data, marks))
    return pd.DataFrame(found, columns=list(CELL_COLUMNS), dtype=object)


def _pairs(
    arm: Mapping[Seed, float], origin: Mapping[Seed, float]
) -> dict[Seed, tuple[float, float]]:
    """Seed -> (arm score, baseline score); a score without a seed is the same for every seed."""
    if None in arm and None not in origin:
        return {seed: (arm[None], value) for seed, value in origin.items()}
    if None in origin and None not in arm:
        return {seed: (value, origin[None]) for seed, value in arm.items()}
    return {seed: (value, origin[seed]) for seed, value in arm.items() if seed in origin}


def _collapsed(table: Scores, place: Place, english: str) -> tuple[int, ...]:
    """Seeds at floor while another seed is not, judged in English where the target has it."""
    arm, target, _ = place
    judge = (arm, target, english) if (arm, target, english) in table.values else place
    limit = table.limit(judge)
    runs = {seed: value for seed, value in table.values[judge].items() if seed is not None}
    low = {seed for seed, value in runs.items() if limit is not None and value <= limit}
    if len(low) == len(runs):
        return ()
    return tuple(sorted(low & {seed for seed in table.values[place] if seed is not None}))


def _cell(
    table: Scores,
    place: Place,
    pairs: Mapping[Seed, tuple[float, float]],
    same_data: bool,
    marks: tuple[tuple[int, ...], tuple[int, ...]],
) -> dict[str, Any]:
    arm, target, language = place
    gains = {seed: mine - base for seed, (mine, base) in pairs.items()}
    arm_mean = fmean(mine for mine, _ in pairs.values())
    baseline_mean = fmean(base for _, base in pairs.values())
    limit = table.limit(place)
    kept = [value for seed, value in gains.items() if seed not in marks[0] + marks[1]]
    return {
        "arm": arm,
        "target": target,
        "language": language,
        "metric": table.metrics[target],
        "baseline_mean": baseline_mean,
        "arm_mean": arm_mean,
        "gain": fmean(gains.values()),
        **tested(gains),
        "n": table.facts[place][0],
        "floor": table.facts[place][1],
        "noise_limit": limit,
        "at_floor": limit is not None and max(baseline_mean, arm_mean) <= limit,
        "same_data": same_data,
        "collapsed_seeds": marks[0],
        "baseline_collapsed_seeds": marks[1],
        "gain_without_collapsed": fmean(kept) if kept else None,
    }


def tested(by_seed: Mapping[Seed, float]) -> dict[str, Any]:
    """The columns that speak of the spread over seeds."""
    values = list(by_seed.values())
    found = paired_test(values)
    return {
        "spread": stdev(values) if len(values) > 1 else None,
        "seeds": len(values),
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "verdict": found.verdict,
        "seed_gains": tuple(by_seed.items()),
    }
