"""What a grid costs as one problem, and as one process a cell.

    python -m bench.grid [RECIPE] [--store STORE] [--set KEY=VALUE …] [--turns N]

Runs the recipe (the quickstart) where the store lacks something, and reads what every step took
from its record. A cell is one arm, target and seed, in all languages: what one call of a training
script does. The other side is computed: every cell runs all that it needs, in a process of its own
that starts and loads an encoder, which is measured. Both sides have as many processes side by side,
and the other one is taken to keep all of them busy to the end. An encoder that the recipe pretrains
counts for nobody. Writes ``docs/results/grid.csv``,
and ``grid-size.csv`` with the cost of the first arms, the first two, and so on.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from bench.results import RESULTS, Row, write
from xstilts import api
from xstilts.graph import Step
from xstilts.graph.plan import in_order
from xstilts.phases.planned import Cell, Planned
from xstilts.phases.workplace import Workplace
from xstilts.store import Store

START = """
import pathlib, sys
from xstilts.models.task_model import load_encoder
load_encoder(pathlib.Path(sys.argv[1]))
"""


def main() -> None:
    """Run what is missing, add up, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", nargs="?", default="quickstart")
    parser.add_argument("--store", type=Path)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS)
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = said.store or Path(scratch) / "store"
        found = api.run(said.recipe, *said.set, store=place, say=print)
        store, planned = Workplace.of(place).store, found.planned
        start = started(planned, store, said.turns)
        sizes = [size(planned, store, arms, start) for arms in growing(planned)]
        workers = planned.recipe.runtime.workers
        began, ended = zip(*intervals(planned, store), strict=True)
    origin: dict[str, Any] = {
        "recipe": planned.recipe.recipe,
        "command": f"python -m bench.grid {said.recipe}",
        "out": said.out,
        "note": f"{workers} processes side by side, {planned.recipe.runtime.threads} threads each; "
        f"a process starts and loads the encoder in {start:.1f} s",
    }
    for i in range(len(sizes)):
        write("grid-size", sizes[: i + 1], **origin)
    row = sizes[-1] | {"wall-clock s": f"{busy(began, ended):.0f}"}
    alone = float(row["one process a cell s"]) / workers
    row |= {"cells' wall-clock s": f"{alone:.0f}", "ratio": f"{alone / busy(began, ended):.2f}"}
    write("grid", [row], **origin)


def growing(planned: Planned) -> list[list[str]]:
    """The first arm, the first two, and so on."""
    arms = list(dict.fromkeys(cell.arm for cell in planned.scored))
    return [arms[: i + 1] for i in range(len(arms))]


def size(planned: Planned, store: Store, arms: list[str], start: float) -> Row:
    """What some arms cost: every step once, and every cell by itself."""
    cells: dict[tuple[Any, ...], list[Step]] = {}
    for cell in planned.scored:
        if cell.arm in arms:
            cells.setdefault(name_of(cell), []).append(cell.score)
    goals = [goal for mine in cells.values() for goal in mine]
    alone = [took(counted(mine, planned), store) + start for mine in cells.values()]
    unique = counted(goals, planned)
    return {
        "arms": str(len(arms)),
        "cells": str(len(cells)),
        "unique stages": str(len(unique)),
        "unique stages s": f"{took(unique, store):.0f}",
        "one process a cell s": f"{sum(alone):.0f}",
    }


def name_of(cell: Cell) -> tuple[Any, ...]:
    """What one process would do."""
    return cell.encoder, cell.arm, cell.target, cell.source, cell.seed


def counted(goals: list[Step], planned: Planned) -> list[Step]:
    """Every step that some scores need, but for those that pretrain an encoder."""
    made = [e.made.step for e in planned.encoders.values() if e.made]
    before = {step.key for step in in_order(made)}
    return [step for step in in_order(goals) if step.key not in before]


def took(steps: Iterable[Step], store: Store) -> float:
    """Seconds in all."""
    return sum(ended - began for began, ended in (interval(s, store) for s in steps))


def interval(step: Step, store: Store) -> tuple[float, float]:
    """When a step began and ended, in seconds of the clock."""
    record = store.record(step.address, step.key)
    if record is None:
        raise SystemExit(f"{step.address} is not in the store: the run did not end well")
    made = record["made"]
    return made["began"], made["began"] + made["seconds"]


def intervals(planned: Planned, store: Store) -> list[tuple[float, float]]:
    """Those of every step that counts, in the order of their beginnings."""
    goals = [cell.score for cell in planned.scored]
    return sorted(interval(step, store) for step in counted(goals, planned))


def busy(began: Iterable[float], ended: Iterable[float]) -> float:
    """Seconds in which a step ran; pauses between two calls do not count."""
    total, until = 0.0, float("-inf")
    for start, end in zip(began, ended, strict=True):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total


def started(planned: Planned, store: Store, turns: int) -> float:
    """Seconds until a new process has loaded the encoder, a median."""
    encoder = next(iter(planned.encoders.values()))
    if encoder.made:
        folder = store.path(encoder.made.step.address, encoder.made.step.key)
    else:
        folder = planned.plan.sources[encoder.digest]
    times = []
    for _ in range(turns):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-W", "ignore", "-c", START, str(folder)], check=True)
        times.append(time.perf_counter() - began)
    return median(times)


if __name__ == "__main__":
    main()
