"""What a run publishes beside its long table: a page an encoder."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from xstilts.phases.running import Results
    from xstilts.phases.workplace import Workplace
    from xstilts.studies.finding import Finding

_MARK = "report.of"  # beside a run's report: the digest of what it shows


def renew(found: "Results", place: "Workplace") -> None:
    """Write the report beside a run's tables, unless it shows them already."""
    page, mark = found.folder / "report.html", found.folder / _MARK
    there = all((found.folder / name).exists() for name in _pages(found, page).values())
    if not (there and mark.exists() and mark.read_text() == found.digest):
        _write(found, place, page)
        mark.write_text(found.digest)


def write(found: "Results", place: "Workplace", out: Path | None) -> Path:
    """Write the report to ``out``, or beside the run's tables; returns its path."""
    path = out or found.folder / "report.html"
    if not out:
        (found.folder / _MARK).unlink(missing_ok=True)  # the next run writes its own again
    _write(found, place, path)
    return path


def finding(found: "Results", place: "Workplace", encoder: str) -> "Finding | None":
    """What the recipe's study says of one encoder; None for a recipe without a study."""
    from xstilts.studies import judge
    from xstilts.studies.gather import evidence

    study = found.planned.recipe.analysis.study
    return judge(evidence(found, place.store, encoder), study) if study else None


def _write(found: "Results", place: "Workplace", path: Path) -> None:
    from xstilts.phases.results import publish
    from xstilts.reports.gather import report_input
    from xstilts.reports.html import render

    pages = _pages(found, path)
    for label, name in pages.items():
        others = {other: quote(page) for other, page in pages.items() if other != label}
        shown = report_input(found, place.store, label, others)
        page = render(replace(shown, finding=finding(found, place, label)))
        publish(path.parent, {name: page.encode()})


def _pages(found: "Results", path: Path) -> dict[str, str]:
    """Encoder -> file name of its report: the first has the name itself."""
    first, *others = found.planned.encoders
    return {first: path.name} | {o: f"{path.stem}-{o}{path.suffix}" for o in others}
