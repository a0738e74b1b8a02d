"""The report as one HTML file: inline style, inline SVG, one script of our own, nothing fetched."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from xstilts.reports import lineage, sections
from xstilts.reports.answer import answer
from xstilts.reports.benchmarks import benchmark_tables
from xstilts.reports.drawing import night_styles
from xstilts.reports.figures import heat_map, language_bars, layer_lines
from xstilts.reports.model import ReportInput
from xstilts.reports.numbers import Numbers, numbers, records
from xstilts.reports.study import study
from xstilts.reports.sweep import sweeps
from xstilts.studies import numerals

TEMPLATES = Path(__file__).parent / "templates"
NIGHT = "/* colours of figures on a dark page */"
EXAMPLE_CELLS = 12  # cells whose won and lost examples are printed per target, widest change first


def render(report: ReportInput) -> str:
    """Write the whole report.

    Everything that comes from data is escaped; the only markup passed through is the SVG drawn
    here, whose text vl-convert has escaped. Should a name get through all the same, the page's
    own policy lets no script run but the one here, and nothing be fetched.

    Returns:
        A complete HTML document that needs no network.

    Raises:
        ValueError: rows that hold NaN, or two scores for one cell and seed.
    """
    found = numbers(report)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn = any(row["item_draws"] for row in found.targets.values())
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    page = environment.get_template("report.html.j2").render(
        report=report,
        script=Markup(script),
        script_digest=_digest(script),
        night=NIGHT,
        study=study(report),
        answer=answer(report, found),
        heat=Markup(heat_map(report, found)) if found.cells else None,
        gains=sections.gain_table(report, found),
        benchmarks=benchmark_tables(report.rows) if report.published else [],
        overall=sections.overall_table(report, found),
        targets=[_target(report, found, target) for target in found.languages],
        sweeps=_sweeps(report, found),
        gaps=sections.gap_table(report, found),
        floors=sections.floor_table(found),
        collapsed=sections.collapsed_table(report, found),
        same_data=_same_data(report, found),
        arms=sections.arm_table(report),
        stages=sections.stage_table(report),
        tree=_tree(report),
        cost=_cost(report),
        cuts=sections.cut_table(report),
        missing=[*report.missing, *_absent(report, found)],
        reading=sections.reading_table(report),
        tested=any(row["p"] is not None for row in found.targets.values()),
        items=numerals.count(report.counts.number) if report.counts and drawn else "",
        over="seeds and test items" if drawn else "seeds",
    )
    return page.replace(NIGHT, night_styles(page), 1)


def _digest(script: str) -> str:
    """The script as a content security policy names it."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _tree(report: ReportInput) -> Markup | None:
    if not len(report.stages):
        return None
    return Markup(lineage.drawn(lineage.branches(report.stages, report.encoder)))


def _target(report: ReportInput, found: Numbers, target: str) -> dict[str, Any]:
    examples = _examples(report, target)
    return {
        "name": target,
        "metric": report.main_metrics[target],
        "bars": Markup(language_bars(report, found, target)),
        "table": sections.language_table(report, found, target),
        "won": sections.won_table(report, found, target),
        "examples": examples[:EXAMPLE_CELLS],
        "more": max(0, len(examples) - EXAMPLE_CELLS),
    }


def _sweeps(report: ReportInput, found: Numbers) -> list[dict[str, Any]]:
    return [
        {
            "target": swept.target,
            "three": swept.three,
            "lines": Markup(layer_lines(report, found, swept.target, swept.curves)),
            "blocks": swept.blocks,
        }
        for swept in sweeps(report)
    ]


def _examples(report: ReportInput, target: str) -> list[dict[str, Any]]:
    rows = [row for row in records(report.won_lost) if row["target"] == target and row["examples"]]
    return sorted(rows, key=lambda row: -abs(row["won"] - row["lost"]))


def _same_data(report: ReportInput, found: Numbers) -> list[str]:
    return [
        f"{arm} on {target}"
        for arm in found.order
        for target in report.main_metrics
        if (arm, target) in report.same_data
    ]


def _absent(report: ReportInput, found: Numbers) -> list[str]:
    """Cells without a score that another arm has, and targets nothing was scored on."""
    lines = [
        f"{target}: no score of any arm." for target in report.main_metrics
        if target not in found.languages
    ]  # fmt: skip
    for (arm, target), languages in found.absent.items():
        if len(languages) == len(found.languages[target]):
            lines.append(f"{arm} on {target}: no score in any language.")
        else:
            lines.append(f"{arm} on {target}: no score in {', '.join(languages)}.")
    return lines


def _cost(report: ReportInput) -> Mapping[str, str]:
    rows = lineage.distinct(report.stages)
    if not rows:
        return {}
    return {
        "stages": numerals.amount(len(rows), "training stage"),
        "time": numerals.duration(sum(row["seconds"] or 0 for row in rows)),
        "examples": numerals.count(sum(row["examples"] or 0 for row in rows)),
        "updates": numerals.count(sum(row["updates"] or 0 for row in rows)),
    }
