"""XTREME's and XTREME-R's scores of every arm, and what they lack, as a table and as text."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xstilts.reports.sections import Cell, Table
from xstilts.stats.benchmarks import (
    XTREME,
    XTREME_R,
    Benchmark,
    Mean,
    benchmark_cells,
    benchmark_score,
    missing_by_task,
    not_as_published,
)
from xstilts.studies import numerals

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class BenchmarkTable:
    """One benchmark.

    Attributes:
        name: of the benchmark.
        table: arms x (overall and groups); in parentheses where it is no score of the benchmark
            but the mean of what is there.
        missing: what the overall score lacks, in one line an arm or one for all.
        notes: why complete scores are still not comparable with published ones.
    """

    name: str
    table: Table
    missing: list[str]
    notes: list[str]


def benchmark_tables(rows: "pd.DataFrame") -> list[BenchmarkTable]:
    """One table a benchmark of which any cell was scored; a line an encoder and arm of ``rows``."""
    found = [_table(rows, benchmark) for benchmark in (XTREME, XTREME_R)]
    return [table for table in found if table is not None]


def benchmark_text(rows: "pd.DataFrame") -> str:
    """The same for a terminal; empty where no benchmark was touched."""
    return "\n".join(line for found in benchmark_tables(rows) for line in _lines(found))


def _table(rows: "pd.DataFrame", benchmark: Benchmark) -> BenchmarkTable | None:
    lines, missing = [], {}
    several = rows["encoder"].nunique() > 1
    for (encoder, arm), mine in rows.groupby(["encoder", "arm"], sort=False):
        cells = benchmark_cells(mine, benchmark)
        score = benchmark_score(benchmark, cells)
        if score.overall.value is None:
            continue
        name = f"{encoder}: {arm}" if several else str(arm)
        means = [score.overall, *score.groups.values()]
        lines.append([Cell(name), *map(_cell, means)])
        missing[name] = ", ".join(missing_by_task(score))
    if not lines:
        return None
    head = ["arm", "overall", *benchmark.groups]
    told = not_as_published(rows, benchmark)
    return BenchmarkTable(benchmark.name, Table(head, lines), _missing(missing), told)


def _cell(mean: Mean) -> Cell:
    if mean.value is None:
        return Cell("—")
    text, zero_shot = numerals.score(mean.value), numerals.score(mean.zero_shot)
    note = f"zero-shot {zero_shot}"
    return Cell(text, note) if mean.score is not None else Cell(f"({text})", note)


def _missing(by_arm: dict[str, str]) -> list[str]:
    """One line for all arms where they lack the same."""
    if len(set(by_arm.values())) == 1:
        return [f"missing {text}" for text in set(by_arm.values()) if text]
    return [f"{arm}: missing {text}" for arm, text in by_arm.items() if text]


def _lines(found: BenchmarkTable) -> list[str]:
    rows = [found.table.head] + [
        [f"{cell.text} [{cell.note}]" if cell.note else cell.text for cell in row]
        for row in found.table.rows
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    table = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    incomplete = [f"incomplete, in parentheses the mean of what is there: {line}"
                  for line in found.missing]  # fmt: skip
    notes = [f"not as published: {line}" for line in found.notes]
    return [f"{found.name} score", *table, *incomplete, *notes, ""]
