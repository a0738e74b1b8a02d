"""An answer's numbers with and without targets whose data an intermediate stage has seen, too."""

import dataclasses
from collections.abc import Callable, Mapping

from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import Estimate, Table
from xstilts.studies.frames import frame

NOTE = "Same-data cells: the target is trained on data that an intermediate stage has seen."


def without_same_data(evidence: Evidence) -> Evidence | None:
    """The evidence without same-data cells; None where it has none."""
    places = zip(evidence.rows["arm"], evidence.rows["target"], strict=True)
    kept = [place not in evidence.same_data for place in places]
    return None if all(kept) else dataclasses.replace(evidence, rows=evidence.rows[kept])


def beside(
    evidence: Evidence,
    estimates: Mapping[str, Estimate],
    again: Callable[[Evidence], Mapping[str, Estimate]],
) -> tuple[list[Table], list[str]]:
    """A table of both, and a limit where a sign is another without same-data cells.

    Args:
        evidence: whole.
        estimates: those of the answer.
        again: makes them from other evidence; what it leaves out cannot be estimated.
    """
    other = without_same_data(evidence)
    if other is None:
        return [], []
    rest = again(other)
    rows, changed = [], []
    for name, whole in estimates.items():
        left = rest.get(name)
        row = {"estimate": name, "unit": whole.unit, "value": whole.value}
        row |= {"low": whole.low, "high": whole.high}
        row |= {f"{part}_without": getattr(left, part, None) for part in ("value", "low", "high")}
        rows.append(row)
        if left is None or left.sign != whole.sign:
            changed.append(name)
    title = "The numbers of the answer with and without same-data cells"
    limits = [f"Not told so without same-data cells: {name}." for name in changed]
    return [Table(name="same-data", title=title, rows=frame(rows), note=NOTE)], limits
