"""The numbers of a report, computed once: figures, tables and sentences all read these."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from xstilts.reports.model import ReportInput
from xstilts.stats import gains, mean_gains
from xstilts.stats.language_gap import language_gap
from xstilts.stats.scores import Scores, languages_of, scores

Record = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Numbers:
    """Everything derived from the rows of one ``ReportInput``; scores and gains in points, 0-100.

    Attributes:
        scores: the main-metric scores by place and seed.
        cells: arm x target x language, columns ``gains.CELL_COLUMNS``.
        targets: (arm, target) -> the row of ``mean_gains.TARGET_COLUMNS``.
        arms: arm -> the row of ``mean_gains.ARM_COLUMNS``.
        gaps: (arm, target) -> the row of ``language_gap.GAP_COLUMNS``.
        languages: target -> its languages, English first, then by baseline score, best first.
        order: the arms to compare, without the baseline, in the order of the recipe.
        absent: (arm, target) -> languages without a score that another arm has.
    """

    scores: Scores
    cells: list[Record]
    targets: Mapping[tuple[str, str], Record]
    arms: Mapping[str, Record]
    gaps: Mapping[tuple[str, str], Record]
    languages: Mapping[str, list[str]]
    order: list[str]
    absent: Mapping[tuple[str, str], list[str]]


def records(frame: pd.DataFrame) -> list[Record]:
    """The rows of a frame as dictionaries; whatever pandas calls missing becomes ``None``."""
    columns = [str(column) for column in frame.columns]
    return [
        {name: _plain(value) for name, value in zip(columns, row, strict=True)}
        for row in frame.itertuples(index=False, name=None)
    ]


def numbers(report: ReportInput) -> Numbers:
    """Compute the cells, means and gaps of a report."""
    table = scores(report.rows, report.main_metrics)
    measured = languages_of(table)
    seen = {arm for arm, _, _ in table.values}
    declared = [str(arm) for arm in report.arms["arm"]] if "arm" in report.arms else []
    every = declared + sorted(seen - set(declared))
    order = [arm for arm in every if arm != report.baseline]
    cells = gains.cells(
        report.rows,
        report.main_metrics,
        report.baseline,
        report.same_data,
        report.english,
        report.counts,
    )
    means = mean_gains.summary(cells, measured, report.pretraining_languages, report.english, order)
    gaps = language_gap(report.rows, report.main_metrics, report.english)
    return Numbers(
        scores=table,
        cells=records(cells),
        targets={(row["arm"], row["target"]): row for row in records(means.targets)},
        arms={row["arm"]: row for row in records(means.arms)},
        gaps={(row["arm"], row["target"]): row for row in records(gaps)},
        languages={target: _by_score(table, target, report) for target in measured},
        order=order,
        absent=_absent(table, measured, [report.baseline, *order]),
    )


def tone(gain: float | None, row: Record, verdict: str = "verdict") -> str:
    """How a gain is coloured: ``gain``, ``loss`` or ``unclear``.

    By the verdict in that column; where seeds are too few for one, by whether the gain exceeds
    its spread.
    """
    if row[verdict] != "too few seeds":
        return str(row[verdict]).replace("undecided", "unclear")
    if gain is None or row["spread"] is None or abs(gain) <= row["spread"]:
        return "unclear"
    return "gain" if gain > 0 else "loss"


def _plain(value: Any) -> Any:
    plain = value.tolist() if hasattr(value, "tolist") else value
    return None if pd.api.types.is_scalar(plain) and pd.isna(plain) else plain


def _by_score(table: Scores, target: str, report: ReportInput) -> list[str]:
    """English first, then the languages the encoder does best before anything was tried."""

    def key(language: str) -> tuple[bool, float, str]:
        place = (report.baseline, target, language)
        known = table.mean(place) if place in table.values else -1.0
        return (language != report.english, -known, language)

    return sorted(languages_of(table)[target], key=key)


def _absent(
    table: Scores, measured: Mapping[str, list[str]], arms: list[str]
) -> dict[tuple[str, str], list[str]]:
    found = {
        (arm, target): [lang for lang in languages if (arm, target, lang) not in table.values]
        for arm in arms
        for target, languages in measured.items()
    }
    return {place: languages for place, languages in found.items() if languages}
