"""What the study ``paper`` works out: gains of arms, of additions to them, and of chosen arms."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import Any

from xstilts.stats.mean_gains import Summary
from xstilts.studies.arms import Settings, has_only, members, settings
from xstilts.studies.choice import Chosen, cells_of, choices
from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import Estimate
from xstilts.studies.means import Mean, cells_against, cells_on, counted, mean, summaries
from xstilts.studies.versions import Kind, pairs

KINDS: dict[Kind, str] = {"mlm": "mlm_mixed", "translated": "translated"}
OTHERS = {"mlm": "mlm_only", "longer": "longer"}  # kind of an arm -> name of its estimate
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Numbers:
    """Everything that the answer, tables and figures read.

    Attributes:
        evidence: what it is worked out from.
    """

    evidence: Evidence

    @cached_property
    def arms(self) -> dict[str, Settings]:
        """The arms that were scored, the baseline first."""
        return {str(arm["arm"]): arm for arm in settings(self.evidence)}

    @cached_property
    def _summary(self) -> Summary:
        return summaries(self.evidence.cells)

    @cached_property
    def gains(self) -> dict[str, Row]:
        """Arm -> its mean gain over targets."""
        return {row["arm"]: row for row in counted(self._summary.arms)}

    @cached_property
    def targets(self) -> list[Row]:
        """One row an arm x target."""
        return counted(self._summary.targets)

    @cached_property
    def measured(self) -> list[str]:
        """Targets with a cell above the floor."""
        there = {row["target"] for row in self.targets}
        return [target for target in self.evidence.main_metrics if target in there]

    @cached_property
    def singles(self) -> list[Row]:
        """Gains of arms with one plain English task."""
        return [row for arm, row in self.gains.items() if len(self._tasks(arm)) == 1]

    @cached_property
    def together(self) -> list[Row]:
        """Gains of arms with all of these tasks, and maybe others, in one plain English stage."""
        single = {task for row in self.singles for task in self._tasks(row["arm"])}
        return [
            row
            for arm, row in self.gains.items()
            if len(self._tasks(arm)) > 1 and single <= set(self._tasks(arm))
        ]

    def _tasks(self, arm: str) -> tuple[str, ...]:
        settings = self.arms[arm]
        return members(settings) if has_only(settings) else ()

    @cached_property
    def versions(self) -> list[tuple[Kind, str, str]]:
        """Arms with an addition, each with its plain twin."""
        arms = list(self.arms.values())
        return [(kind, arm, plain) for kind in KINDS for arm, plain in pairs(arms, kind)]

    @cached_property
    def chosen(self) -> list[Chosen]:
        """The arm of each target, chosen on English development data."""
        return choices(self.evidence, list(self.arms), self.targets)

    @cached_property
    def means(self) -> dict[str, Mean]:
        """Every mean of an answer that can be told."""
        return {name: of for name, of in self._means() if of}

    @cached_property
    def estimates(self) -> dict[str, Estimate]:
        """Every number of an answer: these means, and how optimistic the choice by them is."""
        found = {name: of.estimate for name, of in self.means.items()}
        told = [c.choice.optimism for c in self.chosen if c.choice.optimism is not None]
        if told and "chosen" in found:
            found["optimism"] = Estimate(value=fmean(told), seeds=found["chosen"].seeds)
        return found

    def _means(self) -> Iterator[tuple[str, Mean | None]]:
        evidence = self.evidence
        if self.singles:
            best = most(self.singles)["arm"]
            yield "singles", mean(cells_on(evidence, [row["arm"] for row in self.singles]))
            yield "best_single", mean(cells_on(evidence, [best]))
        if self.together:
            yield "together", mean(cells_on(evidence, [most(self.together)["arm"]]))
        if self.together and self.singles:
            pair = (most(self.together)["arm"], most(self.singles)["arm"])
            yield "together_over_best_single", mean(cells_against(evidence, [pair]))
        for kind, name in KINDS.items():
            mine = [(arm, plain) for of, arm, plain in self.versions if of == kind]
            if mine:
                yield name, mean(cells_against(evidence, mine))
        for of, name in OTHERS.items():
            arms = [arm for arm in self.gains if self.arms[arm]["kind"] == of]
            yield name, mean(cells_on(evidence, arms))
        if self.chosen:
            yield "chosen", mean(cells_of(evidence, {c.target: c.arm for c in self.chosen}))
            hindsight = {c.target: c.best for c in self.chosen}
            yield "chosen_by_results", mean(cells_of(evidence, hindsight))


def most(rows: Sequence[Row]) -> Row:
    """The largest mean gain."""
    return max(rows, key=lambda row: float(row["mean_gain"]))
