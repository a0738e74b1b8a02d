"""The scores that gains are made of: those of every target's main metric, by place and seed.

A *place* is an arm, a target and a language. Scores are points (0-100); a score without a seed is
that of a retrieval on an encoder where nothing random was trained. What was not measured is not
there: it is never 0 and never NaN.

pandas is imported at the top: import this module only where results are read, never while planning.
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any, TypeAlias

import pandas as pd

from xstilts.metrics.floors import noise_limit

Seed: TypeAlias = int | None
Place: TypeAlias = tuple[str, str, str]


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

    def at_floor(self, place: Place) -> bool:
        """Whether the mean score is no higher than the noise limit."""
        limit = self.limit(place)
        return limit is not None and self.mean(place) <= limit


def scores(rows: pd.DataFrame, main_metrics: Mapping[str, str]) -> Scores:
    """Pick the main-metric rows; ``main_metrics`` decides which targets count.

    Raises:
        ValueError: a value is not finite, or one cell and seed has two scores (several encoders,
            sources, splits or protocols): the caller chooses one of them, nothing is averaged here.
    """
    values: dict[Place, dict[Seed, float]] = defaultdict(dict)
    facts: dict[Place, tuple[int, float | None]] = {}
    for row in records(rows):
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


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table."""
    columns = [str(column) for column in frame.columns]
    return [dict(zip(columns, row, strict=True)) for row in frame.itertuples(index=False)]
