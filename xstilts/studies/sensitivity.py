"""An answer's numbers with and without results that a reader may not want to count."""

import dataclasses
from collections.abc import Callable, Mapping

import pandas as pd

from xstilts.stats.gains import cells
from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import Estimate, Table
from xstilts.studies.frames import frame, plain_rows


def without_same_data(evidence: Evidence) -> Evidence | None:
    """The evidence without targets whose data an intermediate stage has seen; None if all stay."""
    places = zip(evidence.rows["arm"], evidence.rows["target"], strict=True)
    return _only(evidence, [place not in evidence.same_data for place in places])


def without_collapsed(evidence: Evidence) -> Evidence | None:
    """The evidence without runs at the floor while other seeds are above it; None if all stay."""
    fallen = set()
    for row in plain_rows(evidence.cells):
        fallen |= {(row["arm"], row["target"], seed) for seed in row["collapsed_seeds"]}
        own = row["baseline_collapsed_seeds"]
        fallen |= {(evidence.baseline, row["target"], seed) for seed in own}
    columns = (evidence.rows[name] for name in ("arm", "target", "seed"))
    return _only(evidence, [run not in fallen for run in zip(*columns, strict=True)])


def _only(evidence: Evidence, kept: list[bool]) -> Evidence | None:
    if all(kept):
        return None
    rows: pd.DataFrame = evidence.rows[kept]
    known = evidence.main_metrics, evidence.baseline, evidence.same_data, evidence.english
    return dataclasses.replace(evidence, rows=rows, cells=cells(rows, *known, evidence.counts))


LEFT_OUT = {"same-data cells": without_same_data, "collapsed seeds": without_collapsed}


def beside(
    evidence: Evidence,
    estimates: Mapping[str, Estimate],
    again: Callable[[Evidence], Mapping[str, Estimate]],
) -> tuple[list[Table], list[str]]:
    """A table of the numbers with and without, and a limit where a sign is another.

    Args:
        evidence: whole.
        estimates: those of the answer.
        again: makes them from other evidence; what it leaves out cannot be estimated.
    """
    others = {what: drop(evidence) for what, drop in LEFT_OUT.items()}
    rest = {what: again(other) for what, other in others.items() if other is not None}
    if not rest:
        return [], []
    rows = [
        {"estimate": name, "unit": whole.unit, "without": what}
        | {part: getattr(one, part, None) for part in ("value", "low", "high", "seeds")}
        for name, whole in estimates.items()
        for what, one in {"nothing": whole, **{w: of.get(name) for w, of in rest.items()}}.items()
    ]
    limits = [
        f"Not told so without {what}: {name}."
        for what, of in rest.items()
        for name, whole in estimates.items()
        if name not in of or of[name].sign != whole.sign
    ]
    title = f"The numbers of the answer with and without {' and '.join(rest)}"
    note = "Same data: an intermediate stage has seen what the target is trained on. Collapsed: at "
    note += "the floor while other seeds of the same arm and target are above it."
    return [Table(name="sensitivity", title=title, rows=frame(rows), note=note)], limits
