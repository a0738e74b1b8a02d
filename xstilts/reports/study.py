"""What a study found, as the page shows it: figures with their numbers, tables, design, claims."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from xstilts.reports.charts import chart
from xstilts.reports.drawing import inline
from xstilts.reports.frames import frame_table, word
from xstilts.reports.model import ReportInput
from xstilts.reports.numbers import Record, records
from xstilts.reports.sections import Cell, Table
from xstilts.reports.signature import seeds, signature
from xstilts.studies import numerals
from xstilts.studies.finding import Estimate, Figure, Finding

CLAIM_TONES = {"supported": "gain", "contradicted": "loss"}
REFERENCES = (
    "Phang et al. 2020, English intermediate-task training improves zero-shot cross-lingual "
    "transfer too, arXiv:2005.13013",
    "Hu et al. 2020, XTREME, arXiv:2003.11080",
    "Holm 1979, A simple sequentially rejective multiple test procedure",
    "Wilson 1927, Probable inference, the law of succession, and statistical inference",
)


@dataclass(frozen=True)
class Shown:
    """A figure or a table of a study.

    Attributes:
        title: what it shows.
        note: how to read it.
        files: the names of its files beside the report.
        table: its rows, for a figure the rows it draws.
        svg: the figure itself; ``None`` for a table.
    """

    title: str
    note: str
    files: str
    table: Table
    svg: Markup | None = None


@dataclass(frozen=True)
class Study:
    """Everything of a study that the page shows beside the recipe's own sections.

    Attributes:
        finding: answer, method and limits.
        estimates: the numbers of the answer.
        figures: in the order to show.
        tables: likewise.
        design: what was run, in words: term -> text.
        claims: published statements and what is found; ``None`` without any.
        references: one line each.
        signature: one line that tells this analysis from any other.
        data: the files read; ``None`` if they are not told.
    """

    finding: Finding
    estimates: Table | None
    figures: list[Shown]
    tables: list[Shown]
    design: Mapping[str, str]
    claims: Table | None
    references: list[str]
    signature: str
    data: Table | None


def study(report: ReportInput) -> Study | None:
    """The study of a report; ``None`` for a recipe without one."""
    finding = report.finding
    if finding is None:
        return None
    claims = [] if report.claims is None else records(report.claims)
    return Study(
        finding=finding,
        estimates=_estimates(finding.estimates) if finding.estimates else None,
        figures=[_figure(figure) for figure in finding.figures],
        tables=[
            Shown(t.title, t.note, f"{t.name}.csv, {t.name}.tex", frame_table(t.rows))
            for t in finding.tables
        ],
        design=_design(report),
        claims=_claims(claims) if claims else None,
        references=_references(report, claims),
        signature=signature(report),
        data=_data(report.data) if report.data else None,
    )


def _figure(figure: Figure) -> Shown:
    svg = Markup(inline(chart(figure), f"study-{figure.name}", figure.title))
    files = f"{figure.name}.svg, {figure.name}.png"
    return Shown(figure.title, figure.note, files, frame_table(figure.data), svg)


def _estimates(found: Mapping[str, Estimate]) -> Table:
    rows = [
        [
            Cell(name),
            Cell(_amount(estimate.value, estimate.unit)),
            Cell(_ends(estimate)),
            Cell(estimate.unit),
            Cell(numerals.count(estimate.seeds) if estimate.seeds else "—"),
        ]
        for name, estimate in found.items()
    ]
    words = frozenset({3})
    return Table(["estimate", "value", "95 % interval", "unit", "seeds"], rows, words=words)


def _ends(estimate: Estimate) -> str:
    if estimate.low is None and estimate.high is None:
        return "—"
    return f"[{', '.join(_amount(end, estimate.unit) for end in (estimate.low, estimate.high))}]"


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return "—"
    if unit == "points":
        return numerals.signed(value, 1)
    return numerals.plain(value, 0 if unit == "examples" else 2)


def _design(report: ReportInput) -> Mapping[str, str]:
    targets = report.rows[report.rows["metric"] == report.rows["target"].map(report.main_metrics)]
    languages: dict[str, list[str]] = {
        target: sorted(targets[targets["target"] == target]["language"].unique())
        for target in report.main_metrics
    }
    arms = [str(arm) for arm in report.arms["arm"]] if "arm" in report.arms else []
    every = sorted({language for names in languages.values() for language in names})
    lines = {
        "Encoder": report.encoder,
        f"Arms ({len(arms)})": ", ".join(
            f"{arm} (baseline)" if arm == report.baseline else arm for arm in arms
        ),
        f"Targets ({len(report.main_metrics)})": "; ".join(
            f"{target} ({metric}, {numerals.amount(len(languages[target]), 'language')})"
            for target, metric in report.main_metrics.items()
        ),
        f"Languages ({len(every)})": " ".join(every),
        "Seeds": seeds(report) or "none: nothing random was trained",
    }
    return {name: text or "—" for name, text in lines.items()}


def _claims(rows: Iterable[Record]) -> Table:
    head = ["claim", "verdict", "effect", "published", "scope", "rests on", "source says", "note"]
    found = [
        [
            Cell(word(row["statement"]), word(row["id"])),
            Cell(word(row["verdict"]), style=CLAIM_TONES.get(row["verdict"], "unclear")),
            _effect(row),
            Cell(_sized(row, "published")),
            *[Cell(word(row[name])) for name in ("scope", "cells")],
            Cell(word(row["source_verdict"]), _source(row)),
            Cell(word(row["note"])),
        ]
        for row in rows
    ]
    return Table(head, found, words=frozenset({1, 4, 5, 6, 7}))


def _effect(row: Record) -> Cell:
    ends = [_sized(row, end) for end in ("low", "high") if row[end] is not None]
    return Cell(_sized(row, "effect"), f"[{', '.join(ends)}]" if len(ends) == 2 else "")


def _sized(row: Record, name: str) -> str:
    """A gain in points; without an interval a whole number is a count; or what is said in words."""
    value = row[name]
    if not isinstance(value, int | float) or isinstance(value, bool):
        return word(value)
    counted = row["low"] is None and float(value).is_integer()
    return numerals.plain(value, 0) if counted else numerals.signed(value, 1)


def _source(row: Record) -> str:
    found = [row["source"], row["source_confidence"] and f"confidence {row['source_confidence']}"]
    return ", ".join(str(part) for part in found if part)


def _references(report: ReportInput, claims: Iterable[Record]) -> list[str]:
    sources = [str(row["source"]) for row in claims if row["source"]]
    return list(dict.fromkeys([*REFERENCES, *report.references, *sources]))


def _data(rows: Iterable[Mapping[str, Any]]) -> Table:
    found = [
        [
            *[Cell(str(row[name])) for name in ("task", "split", "language")],
            Cell(" ".join(digest[:12] for digest in row["digests"]) or "not here"),
        ]
        for row in rows
    ]
    return Table(["task", "split", "language", "SHA-256 of its files"], found, labels=4)
