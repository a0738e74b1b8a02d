"""Two gaps of every intermediate task, never mixed: of languages, and of languages trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xstilts.studies.arms import Settings, has_only, members, twin
from xstilts.studies.contrasts import Cell, Weighting, mean, over, shared_cells, total
from xstilts.studies.evidence import Evidence
from xstilts.studies.frames import plain_rows
from xstilts.studies.measured import Measured
from xstilts.studies.numerals import listing

NONE = "none"  # in the place of a task: no intermediate stage


@dataclass(frozen=True)
class Gap:
    """One gap, of every task over the same cells.

    Attributes:
        name: ``language gap`` or ``source gap``.
        by_task: task, or ``NONE`` -> its weighting.
        missing: why there is none; empty where there is one.
        limits: what was left out, one sentence each.
        against: the other languages trained on, as the end of a phrase; empty where there is none.
    """

    name: str
    by_task: Mapping[str, Weighting]
    missing: str = ""
    limits: Sequence[str] = ()
    against: str = ""


def language_gap(evidence: Evidence, table: Measured, arms: Sequence[Settings]) -> Gap:
    """English minus the mean of the other languages, then the mean over targets (XTREME's gap).

    Of targets in which English is above the floor in all arms, over the languages that all arms
    have and that are above it in one.
    """
    name, english = "language gap", evidence.english
    plain = {_task(arm): arm["arm"] for arm in arms if has_only(arm) and _task(arm)}
    if not set(plain) - {NONE}:
        return Gap(name, {}, "no arm with one intermediate task has scores")
    names = list(plain.values())
    cells = shared_cells(table, names)
    firsts = [
        cell
        for cell in cells
        if cell[1] == english and not any(table.scores.at_floor((arm, *cell)) for arm in names)
    ]
    targets = {target for target, _ in firsts}
    others = [cell for cell in cells if cell[1] != english and cell[0] in targets]
    firsts = [cell for cell in firsts if cell[0] in {target for target, _ in others}]
    if not firsts:
        return Gap(name, {}, "no target has scores in English and another language in all arms")
    of = {
        task: total([(1.0, over(firsts, {arm: 1.0})), (-1.0, over(others, {arm: 1.0}))])
        for task, arm in plain.items()
    }
    return Gap(name, of)


def source_gap(evidence: Evidence, table: Measured, arms: Sequence[Settings]) -> Gap:
    """Trained on English minus trained on s, in the languages that are neither.

    The mean over languages, targets trained on either, then over s; of equally many examples. Only
    tasks that were followed by target training in every s count.
    """
    name = "source gap"
    pairs: dict[str, dict[str, tuple[str, str]]] = {}
    for arm in arms:
        spoken = arm["target_language"]
        task = has_only(arm, "target_language", "target_translated") and _task(arm)
        other = twin(arm, arms, target_language=None, target_translated=None)
        if spoken not in (None, "own") and task and other:
            pairs.setdefault(spoken, {})[task] = (arm["arm"], other["arm"])
    if not any(set(by_task) - {NONE} for by_task in pairs.values()):
        missing = "no arm with one intermediate task has a target trained in another language"
        return Gap(name, {}, f"{missing} beside English")
    tasks = set.intersection(*(set(by_task) for by_task in pairs.values()))
    partial = sorted({task for by_task in pairs.values() for task in by_task} - tasks)
    limits = []
    if partial:
        limits = [f"No target was trained in every other source language after {listing(partial)}."]
    found: dict[str, list[Weighting]] = {task: [] for task in sorted(tasks)}
    sources = []
    for spoken, by_task in sorted(pairs.items()):
        mine = {task: by_task[task] for task in found}
        cells = _cells_of(evidence, table, spoken, list(mine.values()))
        unequal = _unequal(evidence, list(mine.values()))
        told = sorted({target for target, _ in cells} & unequal)
        limits += [f"{t} has other numbers of examples in {spoken}: left out." for t in told]
        cells = [cell for cell in cells if cell[0] not in unequal]
        if not cells:
            limits.append(f"No third language has scores of targets trained in {spoken}: left out.")
            continue
        sources.append(spoken)
        for task, (there, here) in mine.items():
            found[task].append(over(cells, {here: 1.0, there: -1.0}))
    kept = {task: mean(parts) for task, parts in found.items() if parts}
    if not set(kept) - {NONE}:
        return Gap(name, {}, "no third language has scores of targets trained in two", limits)
    if not {"arm", "stage", "examples"} <= set(evidence.stages.columns):
        limits.append("That both languages had equally many examples could not be checked.")
    return Gap(name, kept, limits=limits, against=f" and against {listing(sources)}")


def _task(arm: Settings) -> str:
    """The only task before the target, or ``NONE``; empty of several."""
    tasks = members(arm)
    if arm["tasks"] is None:
        return NONE
    return tasks[0] if len(tasks) == 1 else ""


def _cells_of(
    evidence: Evidence, table: Measured, spoken: str, pairs: Sequence[tuple[str, str]]
) -> list[Cell]:
    """Third languages of the targets that were trained in both."""
    sources = zip(*(evidence.rows[c] for c in ("arm", "target", "source")), strict=True)
    of = {(arm, target): source for arm, target, source in sources}

    def keep(target: str, language: str) -> bool:
        return (
            language not in (evidence.english, spoken)
            and all(of.get((other, target)) == spoken for other, _ in pairs)
            and all(of.get((english, target)) == evidence.english for _, english in pairs)
        )

    return shared_cells(table, [name for pair in pairs for name in pair], keep)


def _unequal(evidence: Evidence, pairs: Sequence[tuple[str, str]]) -> set[str]:
    """Targets trained on other numbers of examples in one arm of a pair than in the other."""
    if not {"arm", "stage", "examples"} <= set(evidence.stages.columns):
        return set()
    counts: dict[tuple[str, str], set[int]] = {}
    for row in plain_rows(evidence.stages):
        if row["examples"] is not None:
            counts.setdefault((row["arm"], row["stage"]), set()).add(int(row["examples"]))
    return {
        target
        for target in evidence.main_metrics
        for pair in pairs
        if counts.get((pair[0], target)) != counts.get((pair[1], target))
    }
