"""Which intermediate task to try first for a target: candidates ranked by how alike tasks are.

A measure ranks the candidates that it is defined for, 0 for the least and 1 for the most alike; a
candidate's score is its mean rank. Measures disagree: places on other draws of the measures tell
how far. What a score is worth in points is read off other targets of the recipe that are finished,
if there are any; without them only ``--with-stages`` compares a candidate with no intermediate
task, by how well the labels of the target can be told from the vectors of either, and by nothing
that is measured of candidates alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from xstilts.core.errors import DataError
from xstilts.studies.evidence import Evidence
from xstilts.studies.frames import frame, plain_rows
from xstilts.studies.orders import ALONE, candidates, mean_ranks, ranks

if TYPE_CHECKING:
    import pandas as pd

NONE = "none"
FEWEST_TARGETS = 3  # that are finished, to say what a score is worth
_DRAWS = 2_000
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Recommendation:
    """Candidates for a target, the one to try first on top.

    Attributes:
        target: the task.
        languages: that it is wanted in.
        rows: one row a candidate: ``place`` (1 is first; None where nothing tells), ``candidate``
            (a task, or ``none``), ``score`` (0-1; None of ``none``, which has a place among the
            others, no mean rank like theirs), ``place_low`` and ``place_high`` (95 %),
            ``first`` (share of draws of the measures in which it is first), ``gain`` with
            ``gain_low`` and ``gain_high`` (points over no intermediate task, 95 %; None where
            nothing tells), then every measure; None where a measure is not defined.
        notes: what the table does not show, one sentence each.
    """

    target: str
    languages: Sequence[str]
    rows: "pd.DataFrame"
    notes: Sequence[str]


def recommend(evidence: Evidence, target: str, languages: Sequence[str]) -> Recommendation:
    """Rank the intermediate tasks of a recipe for one of its targets.

    Args:
        evidence: with probes of the tasks; finished scores of other targets make it more telling.
        target: the task.
        languages: that it is wanted in.

    Raises:
        DataError: where no similarity to the target is defined, as it has no training data.
    """
    names = [*dict.fromkeys(str(task) for task in candidates(evidence)["tasks"]), NONE]
    told = {t: measured(evidence, names, t) for t in evidence.main_metrics}
    if not told[target]:
        raise DataError(
            f"Nothing is known of how alike {target} and the intermediate tasks are",
            where="--target",
            expected="a target with English training data, and two arms of one task or more",
            do="name another target, or a recipe with more arms",
        )
    tables = {t: _table(values) for t, values in told.items() if values}
    score = _scores(tables[target])
    gains, slope = _worth(evidence, names, tables, target, languages)
    places = _places(tables[target])
    order = _order(names, score, gains)
    rows: list[dict[str, Any]] = []
    for i in order:
        known = not np.isnan(score[i])
        drawn = places[:, i][~np.isnan(places[:, i])] if known else np.array([])
        placed = known or (gains is not None)
        rows.append(
            {
                "place": len(rows) + 1 if placed else None,
                "candidate": names[i],
                "score": float(score[i]) if known and names[i] != NONE else None,
                "place_low": int(np.quantile(drawn, 0.025, method="lower")) if known else None,
                "place_high": int(np.quantile(drawn, 0.975, method="higher")) if known else None,
                "first": float((places[:, i] == 1).mean()) if known else None,
                **_gain(gains, i, names[i]),
                **{m: _value(values[i]) for m, values in told[target].items()},
            }
        )
    notes = _warnings(evidence, told[target], target)
    notes += _notes(evidence, languages, gains is not None, not np.isnan(score[-1]), slope)
    return Recommendation(target=target, languages=languages, rows=frame(rows), notes=notes)


def measured(evidence: Evidence, names: Sequence[str], target: str) -> dict[str, Floats]:
    """Measure -> its value for every candidate, nan where not defined; measures that differ.

    Of no intermediate task there are the measures of the untuned encoder's own vectors, of the
    others those of the candidate's own arm where they are of an arm.
    """
    found: dict[str, list[list[float]]] = {}
    deepest: dict[str, int] = {}
    arms = {None, *candidates(evidence)["arm"]}
    mine = evidence.probes[evidence.probes["target"] == target]
    rows = [row for row in plain_rows(mine) if row["arm"] in arms]
    for row in rows:
        if row["layer"] is not None:
            deepest[row["measure"]] = max(deepest.get(row["measure"], 0), int(row["layer"]))
    for row in rows:
        name = row["intermediate"] or NONE
        top = row["layer"] is None or int(row["layer"]) == deepest[row["measure"]]
        if name in names and top:
            values = found.setdefault(row["measure"], [[] for _ in names])
            values[names.index(name)].append(float(row["value"]))
    means = {m: np.array([fmean(v) if v else np.nan for v in vs]) for m, vs in found.items()}
    return {m: v for m, v in means.items() if _differ(v)}


def _differ(values: Floats) -> bool:
    there = values[~np.isnan(values)]
    return len(there) > 1 and float(np.ptp(there)) > 0


def _table(values: Mapping[str, Floats]) -> Floats:
    """The ranks by all similarities, ``(measures, candidates)``; size alone counts if it must."""
    similar = [v for m, v in values.items() if m not in ALONE] or list(values.values())
    return ranks(np.stack(similar, axis=1)).T


def _scores(table: Floats) -> Floats:
    """Mean ranks of the candidates, and for ``none``, the last, a number that says its place.

    It stands behind those that are better by the measures that it has, too: a mean rank by other
    measures says nothing of it.
    """
    score = mean_ranks(table)
    shared = mean_ranks(table[~np.isnan(table[:, -1])])
    if not np.isnan(shared[-1]):
        better = int((shared[:-1] > shared[-1] + 1e-12).sum())
        others = np.sort(score[:-1][~np.isnan(score[:-1])])[::-1]
        score[-1] = np.mean([2.0, *others, -1.0][better : better + 2])
    return score


def _places(table: Floats) -> Floats:
    """Places of the candidates on draws of the measures with replacement, ``(draws, candidates)``.

    Candidates of equal score share the better place; nan where a draw says nothing of one.
    """
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(table), (_DRAWS, len(table)))
    score = np.stack([_scores(table[rows]) for rows in drawn])
    better = (score[:, None, :] > score[:, :, None] + 1e-12).sum(-1)
    return np.where(np.isnan(score), np.nan, better + 1.0)


def _order(names: Sequence[str], score: Floats, gains: "_Gains | None") -> list[int]:
    """Candidates by expected gain, then by score; what nothing is known of comes last."""
    known = np.nan_to_num(score, nan=-1.0)
    expected = gains.expected if gains is not None else np.zeros(len(names))
    return sorted(range(len(names)), key=lambda i: (-expected[i], -known[i], names[i]))


@dataclass(frozen=True, eq=False)
class _Gains:
    """Expected gains of the candidates in points, 0 for none, and how far off they may be."""

    expected: Floats
    reach: float


def _worth(
    evidence: Evidence,
    names: Sequence[str],
    tables: Mapping[str, Floats],
    target: str,
    languages: Sequence[str],
) -> tuple[_Gains | None, float]:
    """What the scores of a target are worth, by a line through those of other, finished targets.

    Each target has one vote on how far off the line is for a target that it was not drawn with; a
    line that falls is taken for level.
    """
    points: dict[str, list[tuple[float, float]]] = {}
    for other, table in tables.items():
        mine = _finished(evidence, other, languages)
        score = mean_ranks(table)
        found = [(float(x), mine[n]) for n, x in zip(names, score, strict=True) if n in mine]
        found = [(x, y) for x, y in found if not np.isnan(x)]
        if other != target and len(found) > 1:
            points[other] = found
    if len(points) < FEWEST_TARGETS:
        return None, 0.0
    errors = []
    for left in points:
        level, slope = _line([p for other, some in points.items() if other != left for p in some])
        errors.append(fmean((y - level - slope * x) ** 2 for x, y in points[left]))
    level, slope = _line([p for some in points.values() for p in some])
    known = np.nan_to_num(mean_ranks(tables[target]), nan=0.0)
    expected = np.array(
        [0.0 if n == NONE else level + slope * x for n, x in zip(names, known, strict=True)]
    )
    quantile = float(stats.t.ppf(0.975, len(points) - 1))
    return _Gains(expected, quantile * float(np.sqrt(fmean(errors)))), slope


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Level and slope of the best line that does not fall."""
    x, y = np.array(points).T
    spread = float(((x - x.mean()) ** 2).sum())
    slope = max(0.0, float(((x - x.mean()) * y).sum()) / spread) if spread > 0 else 0.0
    return float(y.mean() - slope * x.mean()), slope


def _finished(evidence: Evidence, target: str, languages: Sequence[str]) -> dict[str, float]:
    """Task -> its mean gain on a target, in the languages asked for if it has any of them."""
    tasks = {row["arm"]: row["tasks"] for row in plain_rows(candidates(evidence))}
    mine = [
        row
        for row in plain_rows(evidence.cells)
        if row["target"] == target
        and row["arm"] in tasks
        and row["language"] != evidence.english
        and not (row["at_floor"] or row["same_data"])
    ]
    wanted = [row for row in mine if row["language"] in languages] or mine
    gains: dict[str, list[float]] = {}
    for row in wanted:
        gains.setdefault(tasks[row["arm"]], []).append(float(row["gain"]))
    return {task: fmean(values) for task, values in gains.items()}


def _gain(gains: _Gains | None, i: int, name: str) -> dict[str, float | None]:
    if gains is None:
        return dict.fromkeys(("gain", "gain_low", "gain_high"))
    value, reach = float(gains.expected[i]), gains.reach if name != NONE else 0.0
    return {"gain": value, "gain_low": value - reach, "gain_high": value + reach}


def _value(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)


def _warnings(evidence: Evidence, told: Mapping[str, Floats], target: str) -> list[str]:
    """What keeps places from being what they look like."""
    notes = []
    if set(told) <= set(ALONE):
        notes.append(
            f"How alike {target} and the tasks are is not known, so places are by "
            f"{' and '.join(told)} alone."
        )
    arms = candidates(evidence)
    for arm, task in zip(arms["arm"], arms["tasks"], strict=True):
        if (arm, target) in evidence.same_data:
            notes.append(f"{task} shares training data with {target}, and is alike for that.")
    return notes


def _notes(
    evidence: Evidence, languages: Sequence[str], worth: bool, compared: bool, slope: float
) -> list[str]:
    notes = []
    if not worth:
        notes.append(
            f"Fewer than {FEWEST_TARGETS} other targets are finished here, so nothing says how "
            "many points a candidate gains."
        )
        if not compared:
            notes.append("Whether any of them is better than `none` is open: add --with-stages.")
    elif slope == 0:
        notes.append("On finished targets more alike tasks did not gain more: gains are means.")
    about = {row["language"]: row for row in plain_rows(evidence.languages)}
    for language in languages:
        row = about.get(language, {})
        if row.get("tokens") == 0:
            notes.append(f"{language} was not in the encoder's pretraining.")
    return notes
