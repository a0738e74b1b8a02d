"""Every measurement of speed, and one table of them all.

    python -m bench [PART …]

Runs the parts (all of them, or those named) one after the other, then draws the plots and writes
``docs/results/speed.csv`` from the tables of all parts. Each part runs alone, too, with options of
its own: ``python -m bench.PART --help``.
"""

import subprocess
import sys
from collections.abc import Callable

from bench.results import Row, is_there, read, write

PARTS = ("training", "lengths", "predicting", "freezing", "depth", "grid", "mining")


def main() -> None:
    """Run, gather, draw."""
    for part in sys.argv[1:] or PARTS:
        subprocess.run([sys.executable, "-W", "ignore", "-m", f"bench.{part}"], check=True)
    gather()
    subprocess.run([sys.executable, "-m", "bench.plots"], check=True)


def gather() -> None:
    """One row a comparison: what ours and the other reach, and how many times better ours is."""
    rows = [
        row
        for name, of in TABLES.items()
        if is_there(name)
        for line in read(name)
        for row in of(line)
    ]
    note = "medians; how each was measured stands under its own table"
    write("speed", rows, recipe="none", command="make bench", note=note)


def _entry(*cells: str) -> Row:
    return dict(zip(("what", "where", "ours", "other", "whose", "times"), cells, strict=True))


def _training(line: Row) -> list[Row]:
    where = f"{line['kind']}, {line['encoder']}, {line['threads']} threads"
    best, speed = f"Trainer, {line['Trainer attention']}", line["tokens/s"]
    plain, times = line["defaults tokens/s"], line["ratio to defaults"]
    share, other = line["utilisation"], line["Trainer utilisation"]
    return [
        _entry("training, tokens/s", where, speed, line["Trainer tokens/s"], best, line["ratio"]),
        _entry("training, tokens/s", where, speed, plain, "example scripts", times),
        _entry("utilisation", where, share, other, best, ""),
        _entry("peak MB", where, line["peak MB"], line["Trainer peak MB"], best, ""),
    ]


def _predicting(line: Row) -> list[Row]:
    where = f"{line['kind']}, {line['languages']} languages"
    best = f"Trainer, {line['Trainer is']}"
    return [_entry("prediction, s", where, line["s"], line["Trainer s"], best, line["ratio"])]


def _freezing(line: Row) -> list[Row]:
    one, other = line["half frozen, later epoch s"], line["all learn, later epoch s"]
    ratio = line["ratio of later epochs"]
    return [_entry("half frozen, s an epoch", line["kind"], one, other, "all learn", ratio)]


def _grid(line: Row) -> list[Row]:
    where = f"{line['cells']} cells, {line['unique stages']} stages"
    wall, alone = line["wall-clock s"], line["cells' wall-clock s"]
    return [
        _entry("grid, wall-clock s", where, wall, alone, "one process a cell", line["ratio"]),
    ]


def _mining(line: Row) -> list[Row]:
    where = f"{line['n']} {line['vectors']} vectors"
    return [_entry("mining, s", where, line["s"], line["faiss s"], "faiss", line["times faster"])]


def _embedding(line: Row) -> list[Row]:
    where = f"{line['sentences']} sentences, {line['layers']} layers"
    every, top = line["every layer and pooling s"], line["top layer s"]
    return [_entry("embedding every layer, s", where, every, top, "the top layer alone", "")]


TABLES: dict[str, Callable[[Row], list[Row]]] = {
    "training-speed": _training,
    "predicting": _predicting,
    "freezing": _freezing,
    "grid": _grid,
    "mining": _mining,
    "embedding": _embedding,
}

if __name__ == "__main__":
    main()
