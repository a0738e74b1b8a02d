"""Layer sweeps: the three ways to a block side by side, and every block's score."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from xstilts.reports.model import ReportInput
from xstilts.reports.sections import Cell, Table
from xstilts.studies import numerals

Rows = list[Mapping[str, Any]]


@dataclass(frozen=True)
class Swept:
    """The sweep of one target.

    Attributes:
        target: its name.
        three: arms x (fixed block, best on aligned text, oracle): means over languages and seeds.
        curves: arm -> the same mean at every block, from 0, the embeddings.
        blocks: the curves as a table, blocks x arms.
    """

    target: str
    three: Table
    curves: Mapping[str, list[float]]
    blocks: Table


def sweeps(report: ReportInput) -> list[Swept]:
    """Every target whose layers were swept; nothing here is in a mean, a gain or the answer."""
    return [
        _swept(report, [row for row in report.sweeps if row["target"] == target])
        for target in report.main_metrics
        if any(row["target"] == target for row in report.sweeps)
    ]


def _swept(report: ReportInput, rows: Rows) -> Swept:
    of: dict[tuple[str, str], Rows] = defaultdict(list)
    for row in rows:
        of[row["arm"], row["chosen"]].append(row)
    arms = list(dict.fromkeys(arm for arm, _ in of))
    ways = {"fixed": "fixed block", "aligned": f"best on {rows[0]['text']}", "oracle": "oracle"}
    three = [[Cell(arm), *[_mean(of[arm, chosen]) for chosen in ways]] for arm in arms]
    curves = {arm: _curve(of[arm, "fixed"]) for arm in arms if of[arm, "fixed"]}
    blocks = [
        [Cell(str(block)), *[Cell(numerals.score(curve[block])) for curve in curves.values()]]
        for block in range(max(map(len, curves.values()), default=0))
    ]
    return Swept(
        target=rows[0]["target"],
        three=Table(["arm", *ways.values()], three),
        curves=curves,
        blocks=Table(["block", *curves], blocks),
    )


def _mean(rows: Rows) -> Cell:
    if not rows:
        return Cell("missing", style="missing")
    blocks = sorted({row["block"] for row in rows})
    languages = numerals.amount(len({row["language"] for row in rows}), "language")
    named = f"{'block' if len(blocks) == 1 else 'blocks'} {', '.join(map(str, blocks))}"
    return Cell(numerals.score(fmean(row["value"] for row in rows)), f"{named} ({languages})")


def _curve(rows: Rows) -> list[float]:
    return [fmean(block) for block in zip(*(row["curve"] for row in rows), strict=True)]
