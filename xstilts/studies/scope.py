"""What a claim speaks of, and how much of it was measured."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

import pandas as pd

from xstilts.stats.benchmarks import XTREME
from xstilts.studies.arms import Settings, has_only, members, settings
from xstilts.studies.evidence import Evidence
from xstilts.studies.numerals import amount, listing
from xstilts.studies.sensitivity import LEFT_OUT
from xstilts.tasks import get_task

_LAB = "lab_"  # the laboratory's counterpart of a task has its name behind this
ENOUGH = 0.5


@dataclass(frozen=True, eq=False)
class Grid:
    """The results of one encoder by the tasks' own names.

    Attributes:
        evidence: results.
        encoder: in words.
    """

    evidence: Evidence
    encoder: str

    @cached_property
    def laboratory(self) -> bool:
        """Whether the tasks are the laboratory's."""
        return bool(self.evidence.kinds) and all(t.startswith(_LAB) for t in self.evidence.kinds)

    @cached_property
    def arms(self) -> list[Settings]:
        """The arms that were scored."""
        return settings(self.evidence)

    @cached_property
    def without(self) -> dict[str, "Grid"]:
        """The same without same-data cells, and without collapsed seeds, where there are any."""
        rest = {what: drop(self.evidence) for what, drop in LEFT_OUT.items()}
        return {what: Grid(of, self.encoder) for what, of in rest.items() if of is not None}

    def here(self, task: str) -> str:
        """A task's name in this recipe: in the laboratory that of its counterpart."""
        return _LAB + task if self.laboratory and not task.startswith(_LAB) else task

    def mixed(self, tasks: Collection[str]) -> str | None:
        """The arm with one plain English stage on exactly these tasks."""
        wanted = tuple(sorted(map(self.here, tasks)))
        plain = (arm for arm in self.arms if has_only(arm) and members(arm) == wanted)
        return next((str(arm["arm"]) for arm in plain), None)

    def share(self, cells: pd.DataFrame, arms: float, targets: Sequence[str]) -> float:
        """The measured share of a claim about so many arms on these targets, 0-1.

        Every arm on every target has one vote, shared by the languages of the target: XTREME's
        where it has them, the catalogue's of other tasks, those scored in the laboratory.
        """
        found = []
        for target in targets:
            mine = cells[cells["target"] == self.here(target)]
            wanted = set(self._languages(target))
            there = mine["language"].isin(wanted).sum()
            found.append(int(there) / (arms * len(wanted)) if wanted else 0.0)
        return fmean(found)

    def _languages(self, target: str) -> Collection[str]:
        if self.laboratory:
            rows = self.evidence.rows
            return list(rows["language"][rows["target"] == self.here(target)])
        return XTREME.languages.get(target) or get_task(target).languages

    def words(self, cells: pd.DataFrame, targets: Sequence[str], seeds: int) -> str:
        """What a verdict holds for: targets, languages, splits, encoder and seeds.

        Args:
            cells: those that it counts.
            targets: that the claim speaks of.
            seeds: how many all of these cells have.
        """
        there = list(dict.fromkeys(map(self.here, targets)))
        measured = [target for target in there if target in set(cells["target"])]
        names = measured if len(measured) <= 3 else []
        shown = f" ({listing(names)})" if names else ""
        languages = amount(cells["language"].nunique(), "language")
        rows = self.evidence.rows
        splits = sorted(set(rows["split"][rows["target"].isin(measured)]))
        scored = f" of {listing(splits)}" if splits else ""
        runs = f"; {amount(seeds, 'seed')}" if seeds else ""
        kind = "targets of the laboratory" if self.laboratory else "targets"
        return (
            f"{len(measured)} of {len(there)} {kind}{shown}, {languages}{scored}; {self.encoder}"
            f"{runs}"
        )


def cells_in_words(cells: pd.DataFrame) -> str:
    """Which cells a verdict rests on: arms, targets, and how many there are."""
    if cells.empty:
        return ""
    arms, targets = (", ".join(dict.fromkeys(cells[name])) for name in ("arm", "target"))
    floor = int(cells["at_floor"].astype(bool).sum())
    beside = f", {floor} of them at floor" if floor else ""
    return f"{arms} on {targets}: {amount(len(cells), 'cell')}{beside}"
