"""What a later epoch costs with so many blocks frozen whose outputs are kept.

    python -m bench.depth [--threads N] [--turns N] [--examples N] [--out DIR]

As :mod:`bench.freezing`, on sentence pairs alone, at every depth from nothing to all blocks.
Writes ``docs/results/freezing-depth.csv``.
"""

import argparse
import os
import tempfile
from pathlib import Path
from statistics import median

from bench.freezing import in_turn, written_jobs
from bench.results import RESULTS, Row, write
from bench.training import TASKS

BLOCKS = 6  # of mini-xlmr
ARMS: dict[str, int | None] = {"nothing": None} | {str(n): n for n in range(BLOCKS)}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--examples", type=int, default=500)
    parser.add_argument("--out", type=Path, default=RESULTS)
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        jobs = written_jobs(ARMS, said.examples, TASKS["pair"], Path(folder), said.threads)
        found = in_turn("pair", jobs, said.turns)
    rows: list[Row] = []
    for arm, runs in found.items():
        later = median(s for epochs in runs for s in epochs[1:])
        first = median(epochs[0] for epochs in runs)
        row = {
            "frozen blocks": arm,
            "first epoch s": f"{first:.2f}",
            "later epoch s": f"{later:.2f}",
        }
        rows.append(row)
    write(
        "freezing-depth",
        rows,
        recipe="first-light",
        command="python -m bench.depth",
        note=f"mini-xlmr, {said.threads} threads, {said.examples} sentence pairs and an evaluation "
        "an epoch; embeddings frozen from 0 blocks on; medians of all turns",
        out=said.out,
    )


if __name__ == "__main__":
    main()
