"""From result rows to gains over the baseline, with floors, seeds and missing cells kept honest.

A *cell* is one arm x target x language. Its numbers, all in score points (0-100):

* run gain        g_s = arm score - baseline score of the same seed s. A score without a seed
                  (retrieval on an encoder where nothing random was trained) pairs with every seed.
* gain            mean of g_s over the paired seeds; a seed only one side has is not used.
* spread          sample standard deviation of g_s (divisor n - 1); ``None`` under two seeds.
* low, high, p    interval and two-sided p of ``xstilts.stats.paired``; ``None`` under three seeds.
* verdict         ``gain``, ``loss``, ``undecided`` or ``too few seeds``, by that p alone.
* noise limit     Wilson upper bound of a score at the floor on n examples
                  (``xstilts.metrics.floors.noise_limit``).
* at floor        baseline mean and arm mean both at or below the noise limit: shown, never counted.

Whether a cell is at floor is judged over all its seeds together, and means over cells use only the
seeds that all these cells have: every seed stands for the same cells, as a test over seeds needs.
Means over languages and targets are unweighted, as in XTREME (Hu et al. 2020, and its
``evaluate.py``). A cell that was not measured has no row: it is never 0 and never NaN.

pandas is imported at the top: import this module only where results are read, never while planning.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, TypeAlias

import pandas as pd

from xstilts.metrics.floors import noise_limit
from xstilts.stats.paired import holm, paired_test, verdict

Seed: TypeAlias = int | None
Place: TypeAlias = tuple[str, str, str]

CELL_COLUMNS = (
    "arm", "target", "language", "metric", "baseline_mean", "arm_mean", "gain", "spread", "seeds",
    "low", "high", "p", "verdict", "n", "floor", "noise_limit", "at_floor", "same_data",
    "collapsed_seeds", "baseline_collapsed_seeds", "gain_without_collapsed", "seed_gains",
)  # fmt: skip
TARGET_COLUMNS = (
    "arm", "target", "metric", "mean_gain", "spread", "seeds", "low", "high", "p", "verdict",
    "p_holm", "headline", "seed_gains", "zero_shot_gain", "inside_gain", "outside_gain",
    "gain_without_collapsed", "same_data", "counted", "at_floor", "missing",
)  # fmt: skip
ARM_COLUMNS = (
    "arm", "mean_gain", "spread", "seeds", "low", "high", "p", "verdict", "p_holm", "headline",
    "seed_gains", "gain_without_same_data", "zero_shot_gain", "zero_shot_gain_without_same_data",
    "inside_gain", "inside_gain_without_same_data", "outside_gain",
    "outside_gain_without_same_data", "gain_without_collapsed", "targets", "counted", "at_floor",
    "missing",
)  # fmt: skip
GAP_COLUMNS = ("arm", "target", "metric", "english", "others", "gap", "languages")


@dataclass(frozen=True)
class Scores:
    """The main-metric scores of one recipe, by place and seed.

    Attributes:
        values: (arm, target, language) -> seed -> score, 0-100.
        facts: (arm, target, language) -> (examples scored, floor or ``None``).
        metrics: target -> main metric.
    """

    values: Mapping[Place, Mapping[Seed, float]]
    facts: Mapping[Place, tuple[int, float | None]]
    metrics: Mapping[str, str]

    def mean(self, place: Place) -> float:
        """The mean score over the seeds of one cell, 0-100."""
        return fmean(self.values[place].values())

    def limit(self, place: Place) -> float | None:
        """The noise limit of a cell, 0-100; ``None`` where the task declares no floor."""
        n, floor = self.facts[place]
        return None if floor is None else float(noise_limit(floor, n))


@dataclass(frozen=True)
class Summary:
    """Mean gains.

    Attributes:
        targets: one row an arm x target with at least one cell; columns ``TARGET_COLUMNS``.
        arms: one row an arm; columns ``ARM_COLUMNS``.
    """

    targets: pd.DataFrame
    arms: pd.DataFrame


def scores(rows: pd.DataFrame, main_metrics: Mapping[str, str]) -> Scores:
    """Pick the main-metric rows; ``main_metrics`` decides which targets count.

    Raises:
        ValueError: a value is not finite, or one cell and seed has two scores (several encoders,
            sources, splits or protocols): the caller chooses one of them, nothing is averaged here.
    """
    values: dict[Place, dict[Seed, float]] = defaultdict(dict)
    facts: dict[Place, tuple[int, float | None]] = {}
    for row in _records(rows):
        if main_metrics.get(row["target"]) != row["metric"]:
            continue
        place, seed = (str(row["arm"]), str(row["target"]), str(row["language"])), row["seed"]
        seed, value = None if pd.isna(seed) else int(seed), float(row["value"])
        if not math.isfinite(value):
            raise ValueError(f"{place} has the value {value}; a missing cell must be a missing row")
        if seed in values[place]:
            raise ValueError(
                f"{place} has two {row['metric']} scores for seed {seed}; "
                "give rows of one encoder, source, split and protocol"
            )
        values[place][seed] = value
        floor = None if pd.isna(row["floor"]) else float(row["floor"])
        facts[place] = (int(row["n"]), floor)
    return Scores(dict(values), facts, dict(main_metrics))


def languages_of(table: Scores) -> dict[str, list[str]]:
    """Target -> the languages at least one arm was scored in, sorted: the grid cells can miss."""
    found: dict[str, set[str]] = defaultdict(set)
    for _, target, language in table.values:
        found[target].add(language)
    return {target: sorted(found[target]) for target in table.metrics if target in found}


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


def summary(
    cells: pd.DataFrame,
    languages: Mapping[str, Collection[str]],
    pretraining: Collection[str] | None = None,
    english: str = "en",
    arms: Collection[str] | None = None,
) -> Summary:
    """Mean gains per arm x target and per arm; cells at floor are counted apart, never averaged.

    Args:
        cells: what ``cells`` returned.
        languages: target -> the languages expected of it (``languages_of``); the rest is missing.
        pretraining: languages the encoder was pretrained on; ``None`` if nobody knows, and then
            there are no inside and outside means.
        english: the language left out of the zero-shot mean.
        arms: the arms expected, in the order wanted; default: those of ``cells``.

    Returns:
        Per arm x target: ``seed_gains`` = (seed, mean over the languages counted), of the seeds
        that all of them have; ``mean_gain`` their mean, ``spread`` their standard deviation;
        ``zero_shot_gain`` leaves English out; ``inside_gain`` / ``outside_gain`` split by
        pretraining language. Per arm: the same of means over targets, and with same-data targets
        left out. ``headline`` = the verdict by ``p_holm``, corrected for all tests of the table.
        ``None`` where nothing is left to average; no test where cells share no seed.
    """
    records = _records(cells)
    order = list(arms) if arms is not None else sorted({r["arm"] for r in records})
    inside = None if pretraining is None else frozenset(pretraining)
    per_target, per_arm = [], []
    for arm in order:
        mine = {t: [r for r in records if r["arm"] == arm and r["target"] == t] for t in languages}
        rows = [
            _target_row(found, len(languages[target]), inside, english)
            for target, found in mine.items()
            if found
        ]
        per_target += rows
        per_arm.append(_arm_row(arm, rows, sum(len(names) for names in languages.values())))
    _add_headlines(per_target)
    _add_headlines(per_arm)
    return Summary(
        pd.DataFrame(per_target, columns=list(TARGET_COLUMNS), dtype=object),
        pd.DataFrame(per_arm, columns=list(ARM_COLUMNS), dtype=object),
    )


def language_gap(
    rows: pd.DataFrame, main_metrics: Mapping[str, str], english: str = "en"
) -> pd.DataFrame:
    """XTREME's cross-lingual transfer gap: English minus the mean of the others (Hu et al. 2020).

    A language counts where at least one arm is above its noise limit, so that the arms of a target
    are compared over the same languages. An arm with English missing or at floor has no row.

    Returns:
        Columns ``GAP_COLUMNS``; ``english``, ``others`` and ``gap`` in points, ``languages`` = the
        number of languages behind ``others``. Meaningful between arms of one target; between
        targets only where their test sets are translations of each other.
    """
    table = scores(rows, main_metrics)
    off_floor = {place for place in table.values if not _at_floor(table, place)}
    alive = {(target, language) for _, target, language in off_floor}
    found = []
    for arm, target, language in table.values:
        if language != english or (arm, target, english) not in off_floor:
            continue
        others = [
            table.mean(place)
            for place in table.values
            if place[:2] == (arm, target) and place[2] != english and (target, place[2]) in alive
        ]
        if others:
            first, rest = table.mean((arm, target, english)), fmean(others)
            metric = table.metrics[target]
            found.append((arm, target, metric, first, rest, first - rest, len(others)))
    return pd.DataFrame(found, columns=list(GAP_COLUMNS))


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    columns = [str(column) for column in frame.columns]
    return [dict(zip(columns, row, strict=True)) for row in frame.itertuples(index=False)]


def _pairs(
    arm: Mapping[Seed, float], origin: Mapping[Seed, float]
) -> dict[Seed, tuple[float, float]]:
    """Seed -> (arm score, baseline score); a score without a seed is the same for every seed."""
    if None in arm and None not in origin:
        return {seed: (arm[None], value) for seed, value in origin.items()}
    if None in origin and None not in arm:
        return {seed: (value, origin[None]) for seed, value in arm.items()}
    return {seed: (value, origin[seed]) for seed, value in arm.items() if seed in origin}


def _at_floor(table: Scores, place: Place) -> bool:
    limit = table.limit(place)
    return limit is not None and table.mean(place) <= limit


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
        **_tested(gains),
        "n": table.facts[place][0],
        "floor": table.facts[place][1],
        "noise_limit": limit,
        "at_floor": limit is not None and max(baseline_mean, arm_mean) <= limit,
        "same_data": same_data,
        "collapsed_seeds": marks[0],
        "baseline_collapsed_seeds": marks[1],
        "gain_without_collapsed": fmean(kept) if kept else None,
    }


def _tested(by_seed: Mapping[Seed, float]) -> dict[str, Any]:
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


def _add_headlines(rows: list[dict[str, Any]]) -> None:
    """Verdicts that allow for the number of tests in the table."""
    tested = [row for row in rows if row["p"] is not None]
    adjusted = iter(holm([row["p"] for row in tested]))
    for row in rows:
        row["p_holm"] = None if row["p"] is None else next(adjusted)
        row["headline"] = verdict(row["mean_gain"], row["p_holm"])


def _mean(values: Iterable[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return fmean(found) if found else None


def _mean_by_seed(tables: Collection[Mapping[Seed, float]]) -> dict[Seed, float]:
    """Seed -> mean over the tables, for the seeds all of them have.

    A seed that one table lacks is left out: its mean would be over other languages or targets.
    A table with only the seedless run stands for every seed.
    """
    seeded = [set(table) for table in tables if None not in table]
    shared: set[Seed] = set.intersection(*seeded) if seeded else {None} if tables else set()
    return {
        seed: fmean(table[seed] if seed in table else table[None] for table in tables)
        for seed in sorted(shared, key=lambda seed: seed or 0)
    }


def _target_row(
    found: list[dict[str, Any]], expected: int, inside: frozenset[str] | None, english: str
) -> dict[str, Any]:
    counted = [row for row in found if not row["at_floor"]]
    by_seed = _mean_by_seed([dict(row["seed_gains"]) for row in counted])

    def over(keep: Callable[[str], bool]) -> float | None:
        return _mean(row["gain"] for row in counted if keep(row["language"]))

    return {
        "arm": found[0]["arm"],
        "target": found[0]["target"],
        "metric": found[0]["metric"],
        "mean_gain": _mean(by_seed.values() or [row["gain"] for row in counted]),
        **_tested(by_seed),
        "zero_shot_gain": over(lambda language: language != english),
        "inside_gain": None if inside is None else over(lambda language: language in inside),
        "outside_gain": None if inside is None else over(lambda language: language not in inside),
        "gain_without_collapsed": _mean(row["gain_without_collapsed"] for row in counted),
        "same_data": bool(found[0]["same_data"]),
        "counted": len(counted),
        "at_floor": len(found) - len(counted),
        "missing": expected - len(found),
    }


def _arm_row(arm: str, rows: list[dict[str, Any]], expected: int) -> dict[str, Any]:
    """The arm's mean over its target means, each target one vote however many languages it has."""
    counted = [row for row in rows if row["counted"]]
    by_seed = _mean_by_seed([dict(row["seed_gains"]) for row in counted])
    other = [row for row in rows if not row["same_data"]]
    split = {
        f"{column}{suffix}": _mean(row[column] for row in chosen)
        for column in ("zero_shot_gain", "inside_gain", "outside_gain")
        for suffix, chosen in (("", rows), ("_without_same_data", other))
    }
    return {
        "arm": arm,
        "mean_gain": _mean(by_seed.values() or [row["mean_gain"] for row in counted]),
        **_tested(by_seed),
        "gain_without_same_data": _mean(row["mean_gain"] for row in other),
        "gain_without_collapsed": _mean(row["gain_without_collapsed"] for row in rows),
        "targets": len(counted),
        "counted": sum(row["counted"] for row in rows),
        "at_floor": sum(row["at_floor"] for row in rows),
        "missing": expected - sum(row["counted"] + row["at_floor"] for row in rows),
        **split,
    }
