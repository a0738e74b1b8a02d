"""Scores of an evidence with what they would be on other test items."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xstilts.stats.items import Counts, Draws
from xstilts.stats.scores import Place, Scores, Seed, scores
from xstilts.studies.evidence import Evidence

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measured:
    """Main-metric scores, 0-100, and the counts behind them.

    Attributes:
        scores: by place and seed.
        counts: of test items; None where there are none.
    """

    scores: Scores
    counts: Counts | None = None

    def shared_seeds(self, places: Iterable[Place]) -> list[Seed]:
        """The seeds that all places have; None where none of them has a seed."""
        tables = [self.scores.values[place] for place in places]
        seeded = [set(table) for table in tables if None not in table]
        if not seeded:
            return [None] if tables else []
        return sorted(set.intersection(*seeded), key=lambda seed: seed or 0)

    def summed(self, weights: Mapping[Place, float], seeds: Sequence[Seed]) -> Floats:
        """The weighted sum of scores in each of these seeds; shape ``(seeds,)``."""
        found = np.zeros(len(seeds))
        for place, weight in weights.items():
            of = self.scores.values[place]
            found += weight * np.array([of[None] if None in of else of[seed] for seed in seeds])
        return found

    def summed_draws(self, weights: Mapping[Place, float], seeds: Sequence[Seed]) -> Floats:
        """The same on other test items; shape ``(draws, seeds)``, all 0 unless every run has some.

        Without any the test speaks of other seeds alone.
        """
        nothing: Floats = np.zeros((2, len(seeds)))
        if self.counts is None:
            return nothing
        found = np.zeros((self.counts.number, len(seeds)))
        for i, seed in enumerate(seeds):
            for place, weight in weights.items():
                drawn = self._draws(place, seed)
                if drawn is None:
                    return nothing
                found[:, i] += weight * drawn
        return found

    def _draws(self, place: Place, seed: Seed) -> Draws | None:
        assert self.counts is not None
        found = self.counts.draws.get((*place, seed))
        return self.counts.draws.get((*place, None)) if found is None else found


def measured(evidence: Evidence) -> Measured:
    """The main-metric scores of an evidence, with its counts."""
    return Measured(scores(evidence.rows, evidence.main_metrics), evidence.counts)
