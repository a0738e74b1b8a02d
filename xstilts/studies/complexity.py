"""What the complexity of tasks does to one of their gaps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from xstilts.stats.paired import FEWEST
from xstilts.stats.ranks import RankTest, rank_test
from xstilts.studies.arms import Settings, has_only, members
from xstilts.studies.contrasts import Contrast, contrast, mean, slope, total, with_holm
from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import Estimate
from xstilts.studies.frames import plain_rows
from xstilts.studies.gaps import NONE, Gap
from xstilts.studies.measured import Measured

MEASURES = {
    "size": "training examples",
    "label_entropy": "bits of label entropy",
    "input_length": "words an input",
    "early_loss": "loss after the first steps",
}
FEWEST_TASKS = 5  # for a rank correlation


@dataclass(frozen=True)
class Turn:
    """One knob of one task turned: what it does to a gap.

    Attributes:
        base: the task.
        knob: of it.
        low: its lowest value.
        high: its highest.
        change: of the gap between them, in points.
    """

    base: str
    knob: str
    low: float
    high: float
    change: Contrast

    @property
    def name(self) -> str:
        """In a sentence."""
        return f"{self.knob} of {self.base} from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Judged:
    """A gap with what it goes along with.

    Attributes:
        gap: of every task.
        whole: its mean over tasks.
        by_task: of every task.
        turns: of knobs.
        ranks: measure -> tasks and rank correlation with the gap.
        p_holm: of each turn, by its name, and each measure; None below three seeds.
    """

    gap: Gap
    whole: Contrast
    by_task: Mapping[str, Contrast]
    turns: Sequence[Turn]
    ranks: Mapping[str, tuple[int, RankTest]]
    p_holm: Mapping[str, float | None]

    @property
    def numbers(self) -> dict[str, Estimate]:
        """For the answer."""
        name = self.gap.name
        turned = {f"{name}, {turn.name}": turn.change.estimate() for turn in self.turns}
        ranked = {f"{name} by {measure}": self.rank(measure) for measure in self.ranks}
        return {name: self.whole.estimate()} | turned | ranked

    def rank(self, measure: str) -> Estimate:
        """The rank correlation of the gap with a measure; below three seeds without interval."""
        found, seeds = self.ranks[measure][1], len(self.whole.by_seed)
        ends = {"low": found.low, "high": found.high} if seeds >= FEWEST else {}
        return Estimate(value=found.rho, seeds=seeds, unit="correlation", **ends)


def complexity_of(evidence: Evidence, arms: Sequence[Settings]) -> dict[str, dict[str, float]]:
    """Measure -> task -> value; sizes are those of the finished stages."""
    found: dict[str, dict[str, list[float]]] = {measure: {} for measure in MEASURES}
    for arm in arms:
        tasks = members(arm)
        if len(tasks) == 1 and has_only(arm) and arm["examples"] is not None:
            found["size"].setdefault(tasks[0], []).append(float(arm["examples"]))
    for row in plain_rows(evidence.probes):
        named = [task for task in (row["intermediate"], row["target"]) if task is not None]
        task = named[0] if len(named) == 1 else None
        if task and row["measure"] in set(MEASURES) - {"size"} and row["value"] is not None:
            found[row["measure"]].setdefault(task, []).append(float(row["value"]))
    return {
        measure: {task: fmean(values) for task, values in by_task.items()}
        for measure, by_task in found.items()
    }


def judge_gap(
    evidence: Evidence, table: Measured, gap: Gap, measures: Mapping[str, Mapping[str, float]]
) -> Judged:
    """Put a gap beside everything that is known of how complex tasks are."""
    by_task = {task: contrast(table, weights) for task, weights in gap.by_task.items()}
    tasks = [task for task in gap.by_task if task != NONE]
    whole = contrast(table, mean([gap.by_task[task] for task in tasks]))
    turns = _turns(evidence, table, gap)
    alone = [task for task in tasks if evidence.bases.get(task, task) == task]
    ranks = _ranks(by_task, alone, measures)
    tested = {turn.name: turn.change.test.p for turn in turns}
    few = len(whole.by_seed) < FEWEST
    tested |= {measure: None if few else found.p for measure, (_, found) in ranks.items()}
    judged = with_holm([{"name": name, "p": p} for name, p in tested.items()])
    return Judged(gap, whole, by_task, turns, ranks, {row["name"]: row["p_holm"] for row in judged})


def _ranks(
    by_task: Mapping[str, Contrast],
    tasks: Sequence[str],
    measures: Mapping[str, Mapping[str, float]],
) -> dict[str, tuple[int, RankTest]]:
    """Measure -> number of tasks and rank correlation with the gap, where tasks differ in both."""
    found = {}
    gaps = {task: mean for task in tasks if (mean := by_task[task].test.mean) is not None}
    for measure, values in measures.items():
        there = [task for task in gaps if task in values]
        x, y = [values[task] for task in there], [gaps[task] for task in there]
        if len(there) >= FEWEST_TASKS and len(set(x)) > 1 and len(set(y)) > 1:
            found[measure] = len(there), rank_test(x, y)
    return found


def _turns(evidence: Evidence, table: Measured, gap: Gap) -> list[Turn]:
    """Every knob with two values or more among tasks that are the same in all other knobs."""
    families: dict[tuple[str, str, str], dict[float, str]] = {}
    for task in gap.by_task:
        knobs = evidence.knobs.get(task, {})
        for knob, value in knobs.items():
            rest = repr(sorted((k, v) for k, v in knobs.items() if k != knob))
            base = evidence.bases.get(task, task)
            families.setdefault((base, knob, rest), {})[value] = task
    found = []
    for (base, knob, _), by_value in sorted(families.items()):
        low, high = min(by_value), max(by_value)
        if low < high:
            line = slope({value: gap.by_task[task] for value, task in by_value.items()})
            change = contrast(table, total([(high - low, line)]))
            found.append(Turn(base, knob, low, high, change))
    return found
