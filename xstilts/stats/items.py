"""Test items of finished runs, and their scores on other items: the item level of every test.

A *run* is an arm, a target, a language and a seed. Its score is a ratio of sums over item groups
(``xstilts.stats.counts``), or the mean of several such ratios (macro F1: one a label). Other test
sets are drawn group by group with replacement, and every corpus score is worked out anew.

A draw takes the same groups for all arms and seeds of a target, and for all languages in which a
group has the same name: in parallel test sets these are translations of one another. Where names
are equal by chance (line numbers of texts that have nothing in common) joint draws do no harm: the
texts' scores stay unrelated. Targets are drawn independently of each other.

Phases gather a `Counts` from the store (``xstilts.phases.results.counts``); reports and studies
hand it to ``xstilts.stats.gains.cells``.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Seed: TypeAlias = int | None
Run: TypeAlias = tuple[str, str, str, Seed]  # arm, target, language, seed
Draws: TypeAlias = NDArray[np.float32]  # shape (draws,): scores, 0-100

DRAWS = 1_000  # docs/decisions/0018-items.md says what fewer would do
_AT_ONCE = 20_000_000  # numbers of a block of draws, to bound memory


@dataclass(frozen=True, eq=False)
class Counted:
    """What one run's score is a ratio of.

    Attributes:
        groups: names of the item groups, in order, each once; shape ``(groups,)``, bytes.
        counts: numerators and denominators, shape ``(groups, parts, 2)``; the score is 100 times
            the mean of the ratios of sums over all parts that have a denominator.
    """

    groups: NDArray[np.bytes_]
    counts: NDArray[np.float64]

    @property
    def score(self) -> float:
        """The official score of the whole test set, 0-100."""
        return float(_scores(self.counts.sum(axis=0)))


@dataclass(frozen=True, eq=False)
class Counts:
    """The counts of all runs of one encoder, by the main metric of each target.

    Attributes:
        runs: those that are there; a run without counts is tested over seeds alone.
        number: of other test sets that are drawn.
        seed: of the draws; the same counts give the same draws.
    """

    runs: Mapping[Run, Counted]
    number: int = DRAWS
    seed: int = 0

    @cached_property
    def draws(self) -> Mapping[Run, Draws]:
        """Run -> its scores on drawn test sets; absent where a test set is one single group."""
        targets: dict[str, list[Run]] = defaultdict(list)
        for run in self.runs:
            targets[run[1]].append(run)
        return {run: d for name in targets for run, d in self._target(name, targets[name])}

    def _target(self, target: str, runs: Sequence[Run]) -> Iterator[tuple[Run, Draws]]:
        places: dict[str, list[Run]] = defaultdict(list)
        for run in runs:
            places[run[2]].append(run)
        tables = {
            language: _table([self.runs[r] for r in mine]) for language, mine in places.items()
        }
        tables = {language: table for language, table in tables.items() if len(table[0]) > 1}
        if not tables:
            return
        names = np.unique(np.concatenate([own for own, _ in tables.values()]))
        at = {language: np.searchsorted(names, own) for language, (own, _) in tables.items()}
        found: dict[str, list[NDArray[Any]]] = defaultdict(list)
        rng = np.random.default_rng([self.seed, zlib.crc32(target.encode())])
        for times in _times(len(names), self.number, rng):
            for language, (_, counts) in tables.items():
                chosen = times if len(at[language]) == len(names) else times[:, at[language]]
                sums = chosen @ counts.reshape(len(counts), -1)
                found[language].append(_scores(sums.reshape(len(times), *counts.shape[1:])))
        for language in tables:
            drawn = np.ascontiguousarray(np.concatenate(found[language]).T)
            yield from zip(places[language], drawn, strict=True)


def _table(runs: Sequence[Counted]) -> tuple[NDArray[np.bytes_], Draws]:
    """All groups of a language's runs, and the counts there: ``(groups, runs, parts, 2)``.

    Runs have the same groups; of mined pairs each has the groups of the pairs that it takes.
    """
    different = {run.groups.tobytes() + run.groups.dtype.str.encode(): run.groups for run in runs}
    names = np.unique(np.concatenate(list(different.values())))
    at = {key: np.searchsorted(names, groups) for key, groups in different.items()}
    parts = max(run.counts.shape[1] for run in runs)
    found = np.zeros((len(names), len(runs), parts, 2), np.float32)
    for number, run in enumerate(runs):
        place = at[run.groups.tobytes() + run.groups.dtype.str.encode()]
        found[place, number, : run.counts.shape[1]] = run.counts
    return names, found


def _times(groups: int, draws: int, rng: np.random.Generator) -> Iterator[Draws]:
    """How often each group is in each drawn test set, some draws at a time.

    One group fewer is drawn than there are, so that variances are not too small: Rao & Wu (1988),
    "Resampling inference with complex survey data", JASA 83(401), section 2.
    """
    size = max(1, _AT_ONCE // groups)
    for first in range(0, draws, size):
        some = min(size, draws - first)
        drawn = rng.integers(0, groups, (some, groups - 1))
        drawn += groups * np.arange(some)[:, None]
        counted = np.bincount(drawn.ravel(), minlength=some * groups)
        yield counted.reshape(some, groups).astype(np.float32)


def _scores(sums: NDArray[Any]) -> NDArray[Any]:
    """Scores of sums of counts, shape ``(..., parts, 2)``; 0 where there is no denominator."""
    above, below = sums[..., 0], sums[..., 1]
    there = below > 0
    ratios = np.divide(100 * above, below, out=np.zeros_like(above), where=there)
    parts = there.sum(axis=-1)
    found: NDArray[Any] = ratios.sum(axis=-1) / np.maximum(parts, 1).astype(ratios.dtype)
    return found
