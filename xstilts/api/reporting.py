"""What a run publishes beside its long table: a page an encoder, with what its study says."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    import pandas as pd

    from xstilts.phases.recipe import Recipe
    from xstilts.phases.running import Results
    from xstilts.phases.workplace import Workplace
    from xstilts.studies.claims import Claim
    from xstilts.studies.evidence import Evidence
    from xstilts.studies.finding import Finding

_MARK = "report.of"  # beside a run's report: the digest of what it shows


def claims_of(recipe: "Recipe") -> "list[Claim]":
    """The claims that a study's report judges: the registry's, and those the recipe adds.

    Raises:
        UserError: for a file that is no list of claims.
    """
    from xstilts.studies.claims import claims

    return claims(map(Path, recipe.analysis.claims)) if recipe.analysis.study else []


def renew(found: "Results", place: "Workplace", said: "Sequence[Claim]") -> None:
    """Write the report beside a run's tables, unless it shows them already."""
    from xstilts.core.spec import digest

    page, mark = found.folder / "report.html", found.folder / _MARK
    shown = f"{found.digest} {digest(repr(said))}"
    there = all((found.folder / name).exists() for name in _pages(found, page).values())
    if found.outcome.ran or not (there and mark.exists() and mark.read_text() == shown):
        _write(found, place, page, said)
        mark.write_text(shown)


def write(found: "Results", place: "Workplace", out: Path | None) -> Path:
    """Write the report to ``out``, or beside the run's tables; returns its path."""
    path = out or found.folder / "report.html"
    if not out:
        (found.folder / _MARK).unlink(missing_ok=True)  # the next run writes its own again
    _write(found, place, path, claims_of(found.planned.recipe))
    return path


def judged(
    known: "Evidence", found: "Results", place: "Workplace", encoder: str, said: "Sequence[Claim]"
) -> "tuple[Finding | None, pd.DataFrame]":
    """What the recipe's study says of one encoder, if it has one, and claims with verdicts."""
    from xstilts.studies import judge
    from xstilts.studies.verdicts import verdicts

    study = found.planned.recipe.analysis.study
    finding = judge(known, study) if study else None
    return finding, verdicts(said, known, encoder, finding, place.data)


def _write(found: "Results", place: "Workplace", path: Path, said: "Sequence[Claim]") -> None:
    from xstilts.phases.results import publish
    from xstilts.reports.files import study_files
    from xstilts.reports.gather import report_input
    from xstilts.reports.html import render
    from xstilts.studies.gather import evidence

    pages = _pages(found, path)
    for label, name in pages.items():
        others = {other: quote(page) for other, page in pages.items() if other != label}
        shown = report_input(found, place.store, label, others)
        if found.planned.recipe.analysis.study:
            known = evidence(found, place.store, label)
            finding, verdicts = judged(known, found, place, label, said)
            # The same counts, so that test items are drawn once.
            shown = replace(shown, counts=known.counts, finding=finding, claims=verdicts)
            if finding:
                publish(path.parent / f"{Path(name).stem}-files", study_files(finding, verdicts))
        publish(path.parent, {name: render(shown).encode()})


def _pages(found: "Results", path: Path) -> Mapping[str, str]:
    """Encoder -> file name of its report: the first has the name itself."""
    first, *others = found.planned.encoders
    return {first: path.name} | {o: f"{path.stem}-{o}{path.suffix}" for o in others}
