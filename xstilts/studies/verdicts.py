"""Every claim with its verdict: what results, files and the study's answer say of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from xstilts.studies.claims import (
    Best,
    BestPerTarget,
    Claim,
    Examples,
    Gains,
    Languages,
    Question,
    Reported,
    Untrained,
)
from xstilts.studies.evidence import Evidence
from xstilts.studies.facts import counted_files
from xstilts.studies.finding import Finding
from xstilts.studies.frames import frame
from xstilts.studies.numerals import gain, interval
from xstilts.studies.predicates import Judgement, judged, size
from xstilts.studies.scope import Grid

COLUMNS = (
    "encoder", "id", "statement", "source", "source_verdict", "source_confidence", "published",
    "verdict", "scope", "effect", "low", "high", "cells", "note",
)  # fmt: skip


def verdicts(
    claims: Sequence[Claim],
    evidence: Evidence,
    encoder: str,
    finding: Finding | None,
    roots: Sequence[Path],
) -> pd.DataFrame:
    """One row a claim; a published gain has a row of its own for its size.

    Args:
        claims: the registry's, and the user's.
        evidence: of one encoder.
        encoder: its name.
        finding: of the recipe's study; None without one.
        roots: data folders, for facts about data sets.

    Returns:
        Columns ``COLUMNS``; what does not apply is None.
    """
    grid = Grid(evidence, encoder)
    rows = [
        {"encoder": encoder} | _row(claim, *line)
        for claim in claims
        for line in _lines(claim, grid, finding, roots)
    ]
    return frame(rows) if rows else pd.DataFrame(columns=list(COLUMNS))


def _lines(
    claim: Claim, grid: Grid, finding: Finding | None, roots: Sequence[Path]
) -> Iterator[tuple[str, str, float | None, Judgement]]:
    """Id, statement, published value and judgement of each line of a claim."""
    found = _judgement(claim, grid, finding, roots)
    sized = isinstance(claim, Gains | Best | BestPerTarget) and claim.published is not None
    yield claim.id, claim.statement, None if sized else claim.published, found
    if sized:
        assert claim.published is not None
        about = f"The size of that gain: {claim.published:g} points."
        yield f"{claim.id}.size", about, claim.published, size(claim.published, found, grid)


def _judgement(
    claim: Claim, grid: Grid, finding: Finding | None, roots: Sequence[Path]
) -> Judgement:
    if isinstance(claim, Reported):
        note = "a fact of the source's own runs: no other run can tell"
        return Judgement(verdict="reported by the source", note=note)
    if isinstance(claim, Question):
        return _answer(claim, finding, grid)
    if isinstance(claim, Examples | Languages | Untrained):
        return counted_files(claim, roots)
    found = judged(claim, grid)
    rest = [] if found.effect is None else _without(claim, grid, found)
    return replace(found, note="; ".join(filter(None, [found.note, *rest])))


def _without(claim: Claim, grid: Grid, whole: Judgement) -> Iterator[str]:
    """What the verdict would be without some results, where they are a part of it."""
    for what, other in grid.without.items():
        rest = judged(claim, other)
        if (rest.verdict, rest.cells, rest.effect) != (whole.verdict, whole.cells, whole.effect):
            told = [f"without {what} {rest.verdict}"]
            if rest.effect is not None:
                told.append(f"{gain(rest.effect)} points")
            if rest.low is not None and rest.high is not None:
                told.append(interval(rest.low, rest.high))
            yield " ".join(told)


def _answer(claim: Question, finding: Finding | None, grid: Grid) -> Judgement:
    """A question is not true or false; where its study was run, the answer stands beside it."""
    if finding is None or finding.study != claim.study:
        note = f"this recipe is not its study: analysis: {{study: {claim.study}}}"
        return Judgement(verdict="not measured", note=note)
    if not finding.measured:
        return Judgement(verdict="not measured", note=finding.answer)
    targets = list(grid.evidence.main_metrics)
    seeds = grid.evidence.rows["seed"].nunique()
    scope = grid.words(grid.evidence.cells, targets, seeds)
    return Judgement(verdict="answered", scope=scope, note=finding.answer)


def _row(
    claim: Claim, id: str, statement: str, published: float | None, found: Judgement
) -> dict[str, object]:
    return {
        "id": id,
        "statement": statement,
        "source": claim.source or None,
        "source_verdict": claim.source_verdict or None,
        "source_confidence": claim.source_confidence or None,
        "published": published,
        "verdict": found.verdict,
        "scope": found.scope or None,
        "effect": found.effect,
        "low": found.low,
        "high": found.high,
        "cells": found.cells or None,
        "note": found.note or None,
    }
