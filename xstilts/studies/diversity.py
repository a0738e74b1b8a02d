"""Does retrieval get better with the number of English intermediate tasks?"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from xstilts.stats.paired import Verdict
from xstilts.studies.arms import Settings, has_only, members, settings
from xstilts.studies.contrasts import (
    Cell,
    Contrast,
    Weighting,
    contrast,
    mean,
    over,
    shared_cells,
    slope,
    together,
    total,
)
from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import Figure, Finding, Table
from xstilts.studies.frames import frame
from xstilts.studies.measured import Measured, measured
from xstilts.studies.numerals import count, listing, score
from xstilts.studies.sensitivity import beside
from xstilts.studies.sentences import not_measured, said, sentence, size

STUDY = "diversity"
FRONT = frozenset({"retrieval", "ranking"})  # kinds of target; mining stands beside them
MINING = "mining"
METHOD = (
    "Arms with k intermediate tasks in one stage are compared at a fixed total of examples, and "
    "with totals that grow with the tasks. Only numbers k at which every task is drawn equally "
    "often count, so that no task's own worth is taken for that of their number. The score at k "
    "is the mean over its arms of the mean over retrieval and ranking targets of the mean over "
    "languages other than English. The trend is the least-squares slope over log2 k; the test "
    "is the crossed test over seeds and test items (over seeds alone where a run keeps no "
    "counts of items), with Holm's correction over what the answer tells. The additive "
    "prediction for a mixture is the baseline plus the sum of what its tasks gain alone, or, at "
    "a fixed total, of which each task has its share, plus their mean. Cells at floor in all "
    "arms are left out. Mining is shown beside and is in no mean."
)


@dataclass(frozen=True)
class Regime:
    """Arms whose totals go by one rule.

    Attributes:
        name: the rule, in a sentence and in tables.
        fixed: whether all arms have the same total, of which each task has its share.
        by_k: number of tasks -> arms; only numbers with balanced draws.
        unbalanced: numbers of tasks left out.
    """

    name: str
    fixed: bool
    by_k: dict[int, list[Settings]]
    unbalanced: list[int]

    @property
    def names(self) -> list[str]:
        """Of its arms."""
        return [arm["arm"] for arms in self.by_k.values() for arm in arms]

    @property
    def alone(self) -> dict[str, str]:
        """Task -> the arm with that task alone."""
        return {members(arm)[0]: arm["arm"] for arm in self.by_k.get(1, ())}

    def score_at(self, k: int, cells: Sequence[Cell]) -> Weighting:
        """The mean score of the arms with k tasks."""
        return mean([over(cells, {arm["arm"]: 1.0}) for arm in self.by_k[k]])

    def predicted_at(self, k: int, cells: Sequence[Cell], baseline: str) -> Weighting | None:
        """The additive prediction for them; None if one of their tasks has no arm alone."""
        parts = []
        for arm in self.by_k[k]:
            tasks = members(arm)
            if not set(tasks) <= set(self.alone):
                return None
            each = 1 / k if self.fixed else 1.0
            weights = {self.alone[task]: each for task in tasks}
            parts.append(over(cells, weights | {baseline: 1 - each * k}))
        return mean(parts)


def find(evidence: Evidence) -> Finding:
    """Judge the number of intermediate tasks; ``METHOD`` says how."""
    table, arms = measured(evidence), settings(evidence)
    front = [target for target, kind in evidence.kinds.items() if kind in FRONT]
    found = _regimes(arms)
    judged = []
    for regime in found:
        cells = _cells(evidence, table, regime, front)
        if len(regime.by_k) > 1 and cells:
            judged.append(_judged(evidence, table, regime, cells))
    if not judged:
        return not_measured(STUDY, _missing(evidence, table, found, front), METHOD)
    tested = {name: of for one in judged for name, of in one.tested.items()}
    numbers, verdicts = {name: of.estimate() for name, of in tested.items()}, together(tested)
    both, changed = beside(evidence, numbers, lambda other: find(other).estimates)
    rows = [row for one in judged for row in one.rows]
    others = _by_target(evidence, table, [one.regime for one in judged])
    return Finding(
        study=STUDY,
        answer=sentence([_words(one, verdicts) for one in judged]),
        measured=True,
        estimates=numbers,
        tables=[
            Table(
                name="by-number-of-tasks",
                title="Zero-shot retrieval by the number of intermediate tasks",
                rows=frame(rows),
                note="Score: 0-100; excess: points above the additive prediction; passes: over "
                "the examples that the tasks of an arm have.",
            ),
            Table(
                name="by-target",
                title="The same for every target, mining beside",
                rows=frame(others),
                note="slope: points a doubling of the number of tasks.",
            ),
            *both,
        ],
        figures=[_curve(rows)],
        method=METHOD,
        limits=[*_limits(found, judged), *changed],
    )


@dataclass(frozen=True)
class _Judged:
    regime: Regime
    trend: Contrast
    excess: Contrast | None
    rows: list[dict[str, Any]]

    @property
    def tested(self) -> dict[str, Contrast]:
        """What the answer tells, by name."""
        beyond = {_beyond(self.regime): self.excess} if self.excess else {}
        return {_doubling(self.regime): self.trend} | beyond


def _doubling(regime: Regime) -> str:
    return f"a doubling of the tasks, {regime.name}"


def _beyond(regime: Regime) -> str:
    return f"beyond the additive prediction, {regime.name}"


def _regimes(arms: Sequence[Settings]) -> list[Regime]:
    """Fixed totals, then those that grow; an arm with one task can stand in both."""
    fixed: dict[float, list[Settings]] = {}
    each: dict[float, list[Settings]] = {}
    whole = []
    for arm in arms:
        if members(arm) and has_only(arm):
            if arm["mix_examples"] is None:
                whole.append(arm)
            else:
                examples = int(arm["mix_examples"])
                fixed.setdefault(examples, []).append(arm)
                each.setdefault(examples / len(members(arm)), []).append(arm)
    rules = [(f"at a fixed total of {count(n)} examples", True, fixed[n]) for n in sorted(fixed)]
    rules += [(f"with {count(n)} examples of each task", False, each[n]) for n in sorted(each)]
    rules.append(("with all examples of each task", False, whole))
    found = [_regime(*rule) for rule in rules]
    return [regime for regime in found if len(regime.by_k) + len(regime.unbalanced) > 1]


def _regime(name: str, fixed: bool, arms: Sequence[Settings]) -> Regime:
    of: dict[int, list[Settings]] = {}
    for arm in arms:
        of.setdefault(len(members(arm)), []).append(arm)
    pool = {task for arm in arms for task in members(arm)}
    even = {k: of[k] for k in sorted(of) if _balanced(of[k], pool)}
    return Regime(name, fixed, even, [k for k in sorted(of) if k not in even])


def _balanced(arms: Sequence[Settings], pool: Collection[str]) -> bool:
    """Whether every task stands in equally many of the arms."""
    times = Counter(task for arm in arms for task in members(arm))
    return len({times[task] for task in pool}) == 1


def _cells(
    evidence: Evidence, table: Measured, regime: Regime, targets: Collection[str]
) -> list[Cell]:
    return shared_cells(
        table,
        [evidence.baseline, *regime.names],
        lambda target, language: target in targets and language != evidence.english,
    )


def _trend(table: Measured, regime: Regime, cells: Sequence[Cell]) -> Contrast:
    """Points a doubling of the number of tasks."""
    at = {math.log2(k): regime.score_at(k, cells) for k in regime.by_k}
    return contrast(table, slope(at))


def _excess(
    table: Measured, regime: Regime, cells: Sequence[Cell], sizes: Collection[int], baseline: str
) -> Contrast | None:
    """Scores of mixtures minus their additive predictions, every number of tasks one vote."""
    parts = []
    for k in sizes:
        predicted = regime.predicted_at(k, cells, baseline)
        if k > 1 and predicted is not None:
            parts.append(total([(1.0, regime.score_at(k, cells)), (-1.0, predicted)]))
    return contrast(table, mean(parts)) if parts else None


def _judged(evidence: Evidence, table: Measured, regime: Regime, cells: Sequence[Cell]) -> _Judged:
    base = evidence.baseline
    start = contrast(table, over(cells, {base: 1.0}))
    rows = [{"regime": regime.name, "k": 0, "arms": 1} | _level(start)]
    for k, arms in regime.by_k.items():
        row = {"regime": regime.name, "k": k, "arms": len(arms), "passes": _passes(arms)}
        row |= _level(contrast(table, regime.score_at(k, cells)))
        predicted = regime.predicted_at(k, cells, base)
        row["predicted"] = predicted and contrast(table, predicted).test.mean
        more = _excess(table, regime, cells, [k], base)
        if more:
            ends = {"excess_low": more.test.low, "excess_high": more.test.high}
            row |= {"excess": more.test.mean} | ends
        rows.append(row)
    trend, excess = _trend(table, regime, cells), _excess(table, regime, cells, regime.by_k, base)
    return _Judged(regime, trend, excess, rows)


def _passes(arms: Sequence[Settings]) -> float | None:
    """Passes of a mixture over the examples that its tasks have, in the mean over arms."""
    known = [arm for arm in arms if arm["mix_examples"] and arm["examples"]]
    return fmean(arm["mix_examples"] / arm["examples"] for arm in known) if known else None


def _level(of: Contrast) -> dict[str, Any]:
    """A score with its interval; that it is 0 nobody asks."""
    return {name: value for name, value in of.columns("score").items() if name != "p"}


def _words(one: _Judged, verdicts: Mapping[str, Verdict]) -> str:
    regime = one.regime
    told = said(
        verdicts[_doubling(regime)],
        gain="rises with the number of intermediate tasks",
        loss="falls with the number of intermediate tasks",
        undecided="cannot be told to change with the number of intermediate tasks",
    )
    first, last = one.rows[1], one.rows[-1]
    ends = f"{score(first['score'])} with {first['k']}, {score(last['score'])} with {last['k']}"
    trended = size(one.trend.estimate(), " a doubling")
    words = f"{regime.name} zero-shot retrieval {told} ({trended}; {ends})"
    if one.excess is None:
        return words
    added = "mean" if regime.fixed else "sum"
    more = said(
        verdicts[_beyond(regime)],
        gain="gain more than",
        loss="gain less than",
        undecided="are not told from",
    )
    words += f", and mixtures {more} the {added} of what their tasks gain alone"
    return f"{words} ({size(one.excess.estimate())})"


def _by_target(
    evidence: Evidence, table: Measured, regimes: Sequence[Regime]
) -> list[dict[str, Any]]:
    rows = []
    for regime in regimes:
        for target, kind in evidence.kinds.items():
            cells = _cells(evidence, table, regime, [target])
            if kind in {*FRONT, MINING} and cells:
                slope = _trend(table, regime, cells).columns("slope")
                of = {"regime": regime.name, "target": target, "kind": kind}
                rows.append(of | {"languages": len(cells)} | slope)
    return rows


def _curve(rows: Sequence[dict[str, Any]]) -> Figure:
    data = []
    for row in rows:
        of = {"k": row["k"], "regime": row["regime"]}
        data.append(of | {"score": row["score"], "low": row["low"], "high": row["high"]})
        if row["k"] > 1 and row["predicted"] is not None:
            predicted = f"{row['regime']}, additive prediction"
            of = {"k": row["k"], "regime": predicted, "score": row["predicted"]}
            data.append(of | {"low": None, "high": None})
    return Figure(
        name="score-by-number-of-tasks",
        kind="curve",
        title="Zero-shot retrieval by the number of intermediate tasks",
        data=frame(data),
        x="k",
        y="score",
        colour="regime",
        low="low",
        high="high",
        note="0 tasks: the baseline; bands are 95 % intervals.",
    )


def _missing(
    evidence: Evidence, table: Measured, found: Sequence[Regime], front: Sequence[str]
) -> list[str]:
    missing = []
    if not any(target in front for _, target, _ in table.scores.values):
        missing.append("no retrieval or ranking target has scores")
    if not any(len(regime.by_k) > 1 for regime in found):
        uneven = sorted({k for regime in found for k in regime.unbalanced})
        sizes = f" (unbalanced: {listing([str(k) for k in uneven])})" if uneven else ""
        need = "no two numbers of tasks have arms in which every task is drawn equally often"
        missing.append(need + sizes)
    return missing or ["the arms share no score in another language above the floor"]


def _limits(found: Sequence[Regime], judged: Sequence[_Judged]) -> list[str]:
    limits = ["Numbers of tasks are compared over the subsets that were drawn, not over all."]
    for regime in found:
        if regime.unbalanced:
            sizes = listing([str(k) for k in regime.unbalanced])
            limits.append(f"Left out {regime.name}, since draws are not balanced: k = {sizes}.")
    limits += [
        f"No additive prediction {one.regime.name}: not every task has an arm alone."
        for one in judged
        if one.excess is None
    ]
    return limits
