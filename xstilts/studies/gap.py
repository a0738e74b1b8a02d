"""How the complexity of an intermediate task changes the language gap and the source gap."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from xstilts.stats import language_gap as xtreme
from xstilts.stats.paired import Verdict, verdict
from xstilts.studies.arms import Settings, has_only, settings
from xstilts.studies.complexity import (
    FEWEST_TASKS,
    MEASURES,
    Judged,
    Turn,
    complexity_of,
    judge_gap,
)
from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import Figure, Finding, Table
from xstilts.studies.frames import frame, plain_rows
from xstilts.studies.gaps import NONE, Gap, language_gap, source_gap
from xstilts.studies.measured import measured
from xstilts.studies.numerals import amount, listing, plain
from xstilts.studies.sensitivity import beside
from xstilts.studies.sentences import not_measured, said, sentence, size

STUDY = "gap"
METHOD = (
    "Two gaps are taken apart. The language gap of an intermediate task is the score in English "
    "minus the mean of the other languages, averaged over targets (Hu et al. 2020). The source "
    "gap is what training the target in English instead of another language s scores more in "
    "the languages that are neither, averaged over languages, targets and s, of equally many "
    "examples. All tasks are compared over the same cells, those not at floor. Complexity is "
    "what was declared before: the knobs of a task, varied one at a time with everything else "
    "as it is, and of every task its size, the entropy of its labels, the length of its inputs "
    "and the loss after fixed first steps. A knob's change is the least-squares slope of the "
    "gap over its values times their range, with the crossed test over seeds and test items "
    "(over seeds alone where a run keeps no counts of items). Other measures are Spearman's rank "
    "correlation with the gap over tasks, a task and its variants being one, with a test that "
    "permutes tasks and Bonett and Wright's interval. Verdicts on knobs and measures have Holm's "
    "correction over all those of one gap. Checkpoints are chosen on English held-out examples, "
    "whatever the target was trained in."
)


def find(evidence: Evidence) -> Finding:
    """Judge both gaps; ``METHOD`` says how."""
    table, arms = measured(evidence), settings(evidence)
    gaps = [language_gap(evidence, table, arms), source_gap(evidence, table, arms)]
    if all(gap.missing for gap in gaps):
        missing = [f"of the {gap.name}, {gap.missing}" for gap in gaps]
        return not_measured(STUDY, missing, METHOD)
    measures = complexity_of(evidence, arms)
    judged = [judge_gap(evidence, table, gap, measures) for gap in gaps if not gap.missing]
    numbers = {name: value for one in judged for name, value in one.numbers.items()}
    both, changed = beside(evidence, numbers, lambda other: find(other).estimates)
    parts = [_words(one) for one in judged]
    parts += [f"the {gap.name} is not measured: {gap.missing}" for gap in gaps if gap.missing]
    return Finding(
        study=STUDY,
        answer=sentence(parts),
        measured=True,
        estimates=numbers,
        tables=[*_tables(evidence, judged, measures, arms), *both],
        figures=[*_bars(judged), *_scatters(judged, measures)],
        method=METHOD,
        limits=[*_limits(gaps, measures, judged), *changed],
    )


def _words(one: Judged) -> str:
    """A clause: the gap, what changes it, and what cannot be told to."""
    gap, number = one.gap, sum(task != NONE for task in one.by_task)
    over = f"in the mean over {amount(number, 'intermediate task')}{gap.against}"
    told: list[str] = []
    untold: dict[Verdict, list[str]] = {"undecided": [], "too few seeds": []}
    for turn in one.turns:
        held = verdict(turn.change.test.mean, one.p_holm[turn.name])
        if held in untold:
            untold[held].append(turn.name)
        else:
            moves = said(held, gain="rises", loss="falls", undecided="")
            told.append(f"{moves} with {turn.name} ({size(turn.change.estimate())})")
    for measure, (tasks, rank) in one.ranks.items():
        held = verdict(rank.rho, one.p_holm[measure])
        if held in untold:
            untold[held].append(MEASURES[measure])
        else:
            more = said(held, gain="higher", loss="lower", undecided="")
            rho = f"ρ {plain(rank.rho, 2)} [{plain(rank.low, 2)}, {plain(rank.high, 2)}]"
            told.append(f"is {more} the more {MEASURES[measure]} ({rho}, {tasks} tasks)")
    if untold["undecided"]:
        told.append(f"cannot be told to change with {listing(untold['undecided'])}")
    if untold["too few seeds"]:
        told.append(f"has too few seeds for a verdict on {listing(untold['too few seeds'])}")
    if not told:
        told = ["has no measure of complexity to go along with"]
    return f"the {gap.name} is {size(one.whole.estimate())} {over}, and {listing(told)}"


def _tables(
    evidence: Evidence,
    judged: Sequence[Judged],
    measures: Mapping[str, Mapping[str, float]],
    arms: Sequence[Settings],
) -> list[Table]:
    tasks = dict.fromkeys(task for one in judged for task in one.by_task)
    turned = [_turned(one, turn) for one in judged for turn in one.turns]
    ranked = [_ranked(one, measure) for one in judged for measure in one.ranks]
    found = [
        Table(
            name="gaps",
            title="Both gaps of every intermediate task, and its complexity",
            rows=frame([_of_task(task, judged, measures) for task in tasks]),
            note=f"Points; {NONE}: no intermediate stage.",
        ),
        Table(
            name="language-gap-by-target",
            title="English minus the mean of the other languages, by target",
            rows=_by_target(evidence, arms),
            note="Comparable between tasks of one target, not between targets.",
        ),
    ]
    if turned:
        title = "What turning one knob of a task does to a gap"
        found.append(Table(name="knobs", title=title, rows=frame(turned)))
    if ranked:
        title = "Rank correlation of a gap with the complexity of tasks"
        found.append(Table(name="complexity", title=title, rows=frame(ranked)))
    return found


def _of_task(
    task: str, judged: Sequence[Judged], measures: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    row: dict[str, Any] = {"task": task}
    row |= {measure: values.get(task) for measure, values in measures.items()}
    for one in judged:
        name = one.gap.name.replace(" ", "_")
        if task in one.by_task:
            test = one.by_task[task].test
            row |= {name: test.mean, f"{name}_low": test.low, f"{name}_high": test.high}
    return row


def _turned(one: Judged, turn: Turn) -> dict[str, Any]:
    of = {"gap": one.gap.name, "task": turn.base, "knob": turn.knob}
    change = turn.change.columns("change") | {"p_holm": one.p_holm[turn.name]}
    return of | {"from": turn.low, "to": turn.high} | change


def _ranked(one: Judged, measure: str) -> dict[str, Any]:
    rho = one.rank(measure)
    of = {"gap": one.gap.name, "measure": measure, "tasks": one.ranks[measure][0]}
    return of | {"rho": rho.value, "low": rho.low, "high": rho.high, "p_holm": one.p_holm[measure]}


def _by_target(evidence: Evidence, arms: Sequence[Settings]) -> pd.DataFrame:
    tasks = {arm["arm"]: arm["tasks"] or NONE for arm in arms if has_only(arm)}
    rows = xtreme.language_gap(evidence.rows, evidence.main_metrics, evidence.english)
    found = plain_rows(rows[rows["arm"].isin(list(tasks))])
    return frame([{"tasks": tasks[row.pop("arm")]} | row for row in found])


def _bars(judged: Sequence[Judged]) -> list[Figure]:
    return [
        Figure(
            name=f"knobs-{one.gap.name.replace(' ', '-')}",
            kind="bars",
            title=f"What turning one knob of a task does to the {one.gap.name}",
            data=frame([{"knob": t.name} | t.change.columns("change") for t in one.turns]),
            x="knob",
            y="change",
            low="low",
            high="high",
            note="Points, from the lowest to the highest value of the knob.",
        )
        for one in judged
        if one.turns
    ]


def _scatters(
    judged: Sequence[Judged], measures: Mapping[str, Mapping[str, float]]
) -> list[Figure]:
    """A gap against each measure, one point a task."""
    found = []
    for one in judged:
        for measure in one.ranks:
            points = [
                {"task": task, measure: measures[measure][task]} | of.columns("gap")
                for task, of in one.by_task.items()
                if task in measures[measure]
            ]
            found.append(
                Figure(
                    name=f"{one.gap.name.replace(' ', '-')}-by-{measure.replace('_', '-')}",
                    kind="scatter",
                    title=f"The {one.gap.name} of tasks by {MEASURES[measure]}",
                    data=frame(points),
                    x=measure,
                    y="gap",
                    low="low",
                    high="high",
                )
            )
    return found


def _limits(
    gaps: Sequence[Gap], measures: Mapping[str, Mapping[str, float]], judged: Sequence[Judged]
) -> list[str]:
    limits = [limit for gap in gaps for limit in gap.limits]
    limits.append("A gap between targets that are no translations of each other mixes difficulty.")
    absent = [MEASURES[measure] for measure, values in measures.items() if not values]
    if absent:
        limits.append(f"Not known of any task: {listing(absent)}.")
    ranked = {measure for one in judged for measure in one.ranks}
    few = [MEASURES[m] for m, values in measures.items() if values and m not in ranked]
    if few:
        apart = f"Known of fewer than {FEWEST_TASKS} tasks, variants apart, or alike in all"
        limits.append(f"{apart}: {listing(few)}.")
    return limits
