"""Draw what was measured: cost against length, frozen blocks and the size of a grid.

    python -m bench.plots [--results docs/results] [--out docs]

Reads ``lengths.csv``, ``freezing-depth.csv`` and ``grid-size.csv``; one SVG for each.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.results import RESULTS, is_there
from xstilts.reports.charts import chart
from xstilts.reports.drawing import file_svg
from xstilts.studies.finding import Figure


@dataclass(frozen=True)
class Curves:
    """Columns of a table drawn over one of its columns.

    Attributes:
        x: column across.
        y: what the height means.
        series: column -> name of its line.
        title: what it shows.
    """

    x: str
    y: str
    series: dict[str, str]
    title: str


PLOTS = {
    "lengths": Curves(
        "pieces a row",
        "µs a piece",
        {"µs a piece": "xstilts", "Trainer µs a piece": "Trainer"},
        "What a piece costs to train on, by the length of its row",
    ),
    "freezing-depth": Curves(
        "frozen blocks",
        "seconds an epoch",
        {"first epoch s": "first epoch", "later epoch s": "later epochs"},
        "What an epoch costs, by the blocks that are frozen",
    ),
    "grid-size": Curves(
        "cells",
        "seconds",
        {"unique stages s": "every stage once", "one process a cell s": "one process a cell"},
        "What a grid costs, by its cells",
    ),
}


def main() -> None:
    """Draw all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    said = parser.parse_args()
    for name, curves in PLOTS.items():
        if not is_there(name, said.results):
            continue
        table = pd.read_csv(said.results / f"{name}.csv")
        (said.out / f"{name}.svg").write_bytes(drawn(name, curves, table))


def drawn(name: str, curves: Curves, table: pd.DataFrame) -> bytes:
    """One plot as an SVG file."""
    long = table.rename(columns=curves.series).melt(
        curves.x, list(curves.series.values()), var_name="who", value_name=curves.y
    )
    figure = Figure(
        name=name, kind="curve", title=curves.title, data=long, x=curves.x, y=curves.y, colour="who"
    )
    return file_svg(chart(figure), curves.title)


if __name__ == "__main__":
    main()
