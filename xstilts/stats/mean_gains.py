"""Means of gains over languages and targets, and what they say of an arm.

Means use only the seeds that all their cells have: every seed stands for the same cells, as a test
over seeds needs. They are unweighted over languages and targets, as in XTREME (Hu et al. 2020, and
its ``evaluate.py``). Cells at floor are counted apart. Where every cell of a mean has draws of its
test items, the same mean of the draws goes into the test: it then speaks of other seeds and other
test items, in these very languages.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd

from xstilts.stats.corrections import holm
from xstilts.stats.crossed import crossed_test
from xstilts.stats.gains import gain_test, tested
from xstilts.stats.items import Draws
from xstilts.stats.paired import PairedTest, verdict
from xstilts.stats.scores import Seed, records
from xstilts.stats.sign_flip import sign_flip

TARGET_COLUMNS = (
    "arm", "target", "metric", "mean_gain", "spread", "seeds", "low", "high", "p", "verdict",
    "p_holm", "p_sign_flip", "headline", "seed_gains", "item_draws", "zero_shot_gain",
    "inside_gain", "outside_gain", "gain_without_collapsed", "same_data", "counted", "at_floor",
    "missing",
)  # fmt: skip
ARM_COLUMNS = (
    "arm", "mean_gain", "spread", "seeds", "low", "high", "p", "verdict", "p_holm", "p_sign_flip",
    "headline", "seed_gains", "item_draws", "gain_without_same_data", "zero_shot_gain",
    "zero_shot_gain_without_same_data", "inside_gain", "inside_gain_without_same_data",
    "outside_gain", "outside_gain_without_same_data", "gain_without_collapsed", "targets",
    "counted", "at_floor", "missing",
)  # fmt: skip


@dataclass(frozen=True)
class Summary:
    """Mean gains.

    Attributes:
        targets: one row an arm x target with at least one cell; columns ``TARGET_COLUMNS``.
        arms: one row an arm; columns ``ARM_COLUMNS``.
    """

    targets: pd.DataFrame
    arms: pd.DataFrame


def summary(
    cells: pd.DataFrame,
    languages: Mapping[str, Collection[str]],
    pretraining: Collection[str] | None = None,
    english: str = "en",
    arms: Collection[str] | None = None,
) -> Summary:
    """Mean gains per arm x target and per arm; cells at floor are counted apart, never averaged.

    Args:
        cells: what ``xstilts.stats.gains.cells`` returned.
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
        left out. ``headline`` = the verdict by ``p_holm``, corrected for all tests of the table;
        ``p_sign_flip`` = of ``xstilts.stats.sign_flip``, of one test, from six seeds on.
        ``None`` where nothing is left to average; no test where cells share no seed.
    """
    rows_of_cells = records(cells)
    order = list(arms) if arms is not None else sorted({r["arm"] for r in rows_of_cells})
    inside = None if pretraining is None else frozenset(pretraining)
    per_target, per_arm = [], []
    for arm in order:
        mine = {
            t: [r for r in rows_of_cells if r["arm"] == arm and r["target"] == t] for t in languages
        }
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


def mean_test(cells: pd.DataFrame, *, in_general: bool = False) -> PairedTest:
    """The test of the mean gain over some cells off the floor, every target one vote.

    Args:
        cells: rows of what ``xstilts.stats.gains.cells`` returned, of one arm.
        in_general: whether the languages are a sample and the sentence speaks of all languages; by
            default it speaks of these.

    Returns:
        Over the seeds that all cells have, and over other test items where all cells have counts;
        without a mean where they share no seed.

    Raises:
        ValueError: languages in general are spoken of, and a target has only one.
    """
    counted = [row for row in records(cells) if not row["at_floor"]]
    seeds = _mean_by_seed([dict(row["seed_gains"]) for row in counted])
    if not seeds:
        return PairedTest(None)

    def by_seed(values: tuple[tuple[Seed, Any], ...]) -> list[Any]:
        table = dict(values)
        return [table[seed] if seed in table else table[None] for seed in seeds]

    gains = np.array([by_seed(row["seed_gains"]) for row in counted]).T
    items = np.zeros((2, *gains.shape))
    if all(row["item_draws"] for row in counted):
        items = np.array([by_seed(row["item_draws"]) for row in counted]).transpose(2, 1, 0)
    number = {name: i for i, name in enumerate(sorted({row["target"] for row in counted}))}
    spoken = {name: i for i, name in enumerate(sorted({row["language"] for row in counted}))}
    return crossed_test(
        gains,
        items,
        np.array([number[row["target"]] for row in counted]),
        np.array([spoken[row["language"]] for row in counted]) if in_general else None,
    )


def lead_test(first: Mapping[str, Any], second: Mapping[str, Any]) -> PairedTest:
    """The test of how far one mean gain is ahead of another, under the seeds that both have.

    Args:
        first: a row of ``Summary.targets``, ``Summary.arms`` or of cells, with the same cells as
        second: another one.
    """
    ahead, behind = dict(first["seed_gains"]), dict(second["seed_gains"])
    leads = {seed: ahead[seed] - behind[seed] for seed in ahead if seed in behind}
    above, below = _draws(first), _draws(second)
    if above is None or below is None:
        return gain_test(leads)
    return gain_test(leads, {seed: above[seed] - below[seed] for seed in leads})


def _add_headlines(rows: list[dict[str, Any]]) -> None:
    """Verdicts that allow for the number of tests in the table."""
    tested = [row for row in rows if row["p"] is not None]
    adjusted = iter(holm([row["p"] for row in tested]))
    for row in rows:
        row["p_holm"] = None if row["p"] is None else next(adjusted)
        row["p_sign_flip"] = sign_flip([gain for _, gain in row["seed_gains"]])
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


def _mean_draws(
    tables: Collection[Mapping[Seed, Draws] | None], seeds: Collection[Seed]
) -> dict[Seed, Draws] | None:
    """Seed -> the mean of the draws of all tables; None unless all of them have draws."""
    if not tables or not all(tables):
        return None
    there = [table for table in tables if table]
    return {
        seed: np.mean([table[seed] if seed in table else table[None] for table in there], axis=0)
        for seed in seeds
    }


def _draws(row: Mapping[str, Any]) -> Mapping[Seed, Draws] | None:
    return row["item_draws"] and dict(row["item_draws"])


def _target_row(
    found: list[dict[str, Any]], expected: int, inside: frozenset[str] | None, english: str
) -> dict[str, Any]:
    counted = [row for row in found if not row["at_floor"]]
    by_seed = _mean_by_seed([dict(row["seed_gains"]) for row in counted])
    draws = _mean_draws([_draws(row) for row in counted], by_seed)

    def over(keep: Callable[[str], bool]) -> float | None:
        return _mean(row["gain"] for row in counted if keep(row["language"]))

    return {
        "arm": found[0]["arm"],
        "target": found[0]["target"],
        "metric": found[0]["metric"],
        "mean_gain": _mean(by_seed.values() or [row["gain"] for row in counted]),
        **tested(by_seed, draws),
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
    draws = _mean_draws([_draws(row) for row in counted], by_seed)
    other = [row for row in rows if not row["same_data"]]
    split = {
        f"{column}{suffix}": _mean(row[column] for row in chosen)
        for column in ("zero_shot_gain", "inside_gain", "outside_gain")
        for suffix, chosen in (("", rows), ("_without_same_data", other))
    }
    return {
        "arm": arm,
        "mean_gain": _mean(by_seed.values() or [row["mean_gain"] for row in counted]),
        **tested(by_seed, draws),
        "gain_without_same_data": _mean(row["mean_gain"] for row in other),
        "gain_without_collapsed": _mean(row["gain_without_collapsed"] for row in rows),
        "targets": len(counted),
        "counted": sum(row["counted"] for row in rows),
        "at_floor": sum(row["at_floor"] for row in rows),
        "missing": expected - sum(row["counted"] + row["at_floor"] for row in rows),
        **split,
    }
