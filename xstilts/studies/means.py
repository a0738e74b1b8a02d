"""Means over cells of several arms: what answers and claims rest on.

A mean is that of ``xstilts.stats.mean_gains``: over seeds that all cells have, of means over
targets of means over languages, cells at floor left out. Here cells of several arms go into one
mean, too; each arm then has as many votes as it has targets.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from xstilts.stats.gains import cells as cells_of
from xstilts.stats.mean_gains import Summary, mean_test, summary
from xstilts.stats.paired import PairedTest
from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import Estimate
from xstilts.studies.frames import plain_rows


@dataclass(frozen=True, eq=False)
class Mean:
    """A mean gain.

    Attributes:
        test: its interval and p.
        seeds: runs that all cells have.
    """

    test: PairedTest
    seeds: int

    @property
    def estimate(self) -> Estimate:
        """The number of an answer."""
        return Estimate(
            value=self.test.mean, low=self.test.low, high=self.test.high, seeds=self.seeds
        )


def cells_on(
    evidence: Evidence, arms: Collection[str], targets: Collection[str] | None = None
) -> pd.DataFrame:
    """The cells of some arms, on some targets or on all."""
    cells = evidence.cells
    mine = cells["arm"].isin(list(arms))
    return cells[mine if targets is None else mine & cells["target"].isin(list(targets))]


def cells_against(
    evidence: Evidence,
    pairs: Iterable[tuple[str, str]],
    targets: Collection[str] | None = None,
) -> pd.DataFrame:
    """The cells of arms compared with the second of each pair, not with the baseline."""
    rows, found = evidence.rows, []
    if targets is not None:
        rows = rows[rows["target"].isin(list(targets))]
    for arm, other in pairs:
        two = rows[rows["arm"].isin([arm, other])]
        found.append(
            cells_of(
                two,
                evidence.main_metrics,
                other,
                evidence.same_data,
                evidence.english,
                evidence.counts,
            )
        )
    there = [cells for cells in found if len(cells)]
    return pd.concat(there, ignore_index=True) if there else evidence.cells[:0]


def mean(cells: pd.DataFrame) -> Mean | None:
    """The mean over all of these cells; None where none is above the floor."""
    if cells.empty:
        return None
    one = cells.assign(arm="all", target=cells["arm"] + "/" + cells["target"])
    (row,) = plain_rows(summaries(one).arms)
    if not row["counted"] or not row["seeds"]:
        return None
    return Mean(mean_test(one), row["seeds"])


def summaries(cells: pd.DataFrame) -> Summary:
    """Mean gains of every arm of some cells, in their order, with Holm's correction over them."""
    languages = {
        str(target): sorted(set(mine["language"])) for target, mine in cells.groupby("target")
    }
    return summary(cells, languages, arms=list(dict.fromkeys(cells["arm"])))


def counted(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a summary that have a mean."""
    return [row for row in plain_rows(rows) if row["counted"] and row["seeds"]]
