"""Gains of arms over the baseline, cell by cell, with floors and seeds kept honest.

A *cell* is one arm x target x language. Its numbers, all in score points (0-100):

* run gain        g_s = arm score - baseline score of the same seed s. A score without a seed
                  pairs with every seed.
* gain            mean of g_s over the paired seeds; a seed only one side has is not used.
* spread          sample standard deviation of g_s (divisor n - 1); ``None`` under two seeds.
* low, high, p    interval and two-sided p of ``xstilts.stats.crossed``, over other seeds and other
                  test items; without counts of items (``xstilts.stats.items``) of
                  ``xstilts.stats.paired``, over other seeds alone. ``None`` under three seeds.
* verdict         ``gain``, ``loss``, ``undecided`` or ``too few seeds``, by that p alone.
* item draws      the run gains on other test items, by seed; ``None`` without counts.
* noise limit     Wilson upper bound of a score at the floor on n examples
                  (``xstilts.metrics.floors.noise_limit``).
* at floor        baseline mean and arm mean both at or below the noise limit: shown, never counted.

Whether a cell is at floor is judged over all its seeds together. A cell that was not measured has
no row.
"""

from collections.abc import Collection, Mapping
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pandas as pd

from xstilts.stats.crossed import crossed_test
from xstilts.stats.items import Counts, Draws
from xstilts.stats.paired import PairedTest, paired_test
from xstilts.stats.scores import Place, Scores, Seed, scores

CELL_COLUMNS = (
    "arm", "target", "language", "metric", "baseline_mean", "arm_mean", "gain", "spread", "seeds",
    "low", "high", "p", "verdict", "n", "floor", "noise_limit", "at_floor", "same_data",
    "collapsed_seeds", "baseline_collapsed_seeds", "gain_without_collapsed", "seed_gains",
    "item_draws",
)  # fmt: skip


def cells(
    rows: pd.DataFrame,
    main_metrics: Mapping[str, str],
    baseline: str,
    same_data: Collection[tuple[str, str]] = frozenset(),
    english: str = "en",
    counts: Counts | None = None,
) -> pd.DataFrame:
    """One row per arm x target x language where arm and baseline share at least one run.

    Args:
        rows: result rows (the columns of ``results.parquet``).
        main_metrics: target -> the metric its gain is measured in; other targets are left out.
        baseline: the arm every other arm is compared with.
        same_data: (arm, target) pairs whose intermediate data is also the target's training data.
        english: the language a collapsed seed is judged by, where the target has it.
        counts: of the test items of these runs; without, the test speaks of other seeds alone.

    Returns:
        Columns ``CELL_COLUMNS``; the module's docstring has the formulas. ``seeds`` counts paired
        runs; ``seed_gains`` holds ``(seed, gain)`` pairs, ``item_draws`` ``(seed, gains on drawn
        test sets)`` pairs, the same test sets in all cells of a target; the two
        ``collapsed`` columns hold the seeds at floor while another seed of the same arm and target
        is not.
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
            draws = _item_draws(counts, place, baseline, pairs) if counts else None
            found.append(_cell(table, place, pairs, (arm, target) in same_data, marks, draws))
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


def _item_draws(
    counts: Counts, place: Place, baseline: str, pairs: Collection[Seed]
) -> dict[Seed, Draws] | None:
    """Seed -> the gain on drawn test sets; None unless all of these runs have counts."""

    def of(arm: str, seed: Seed) -> Draws | None:
        found = counts.draws.get((arm, *place[1:], seed))
        return counts.draws.get((arm, *place[1:], None)) if found is None else found

    drawn: dict[Seed, Draws] = {}
    for seed in pairs:
        mine, base = of(place[0], seed), of(baseline, seed)
        if mine is None or base is None:
            return None
        drawn[seed] = mine - base
    return drawn


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
    draws: Mapping[Seed, Draws] | None,
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
        **tested(gains, draws),
        "n": table.facts[place][0],
        "floor": table.facts[place][1],
        "noise_limit": limit,
        "at_floor": limit is not None and max(baseline_mean, arm_mean) <= limit,
        "same_data": same_data,
        "collapsed_seeds": marks[0],
        "baseline_collapsed_seeds": marks[1],
        "gain_without_collapsed": fmean(kept) if kept else None,
    }


def gain_test(
    by_seed: Mapping[Seed, float], draws: Mapping[Seed, Draws] | None = None
) -> PairedTest:
    """The test of a mean gain over other seeds and, with draws, other test items.

    Args:
        by_seed: seed -> gain in points.
        draws: seed -> the same gain on drawn test sets, the same sets for all seeds.
    """
    if not draws or not by_seed:
        return paired_test(list(by_seed.values()))
    items = np.stack([draws[seed] for seed in by_seed], axis=1)
    return crossed_test(np.array([[gain] for gain in by_seed.values()]), items[:, :, None])


def tested(
    by_seed: Mapping[Seed, float], draws: Mapping[Seed, Draws] | None = None
) -> dict[str, Any]:
    """The columns that speak of other seeds and other test items."""
    values = list(by_seed.values())
    found = gain_test(by_seed, draws)
    return {
        "spread": stdev(values) if len(values) > 1 else None,
        "seeds": len(values),
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "verdict": found.verdict,
        "seed_gains": tuple(by_seed.items()),
        "item_draws": tuple(draws.items()) if draws else None,
    }
