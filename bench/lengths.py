"""What a piece costs to train on where all rows have one length, beside Trainer at its best.

    python -m bench.lengths [--threads N] [--updates N] [--turns N]

Real text cut into rows, so many that an update has 2,048 pieces whatever their length; nothing is
padded by anyone. Needs XSTILTS_DATA and XSTILTS_MODELS. Writes ``docs/results/lengths.csv``.
"""

import argparse
import json
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from bench.results import RESULTS, Row, write
from bench.training import BEST, SUBJECTS, TASKS, in_turn, recipe, tokenised, write_job
from xstilts.data.batches import TokenArrays
from xstilts.phases.planning import make_plan
from xstilts.phases.workplace import Workplace

LENGTHS = (16, 32, 64, 128, 256)
PIECES = 2048  # of an update


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--updates", type=int, default=12)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS)
    said = parser.parse_args()
    rows: list[Row] = []
    note = f"mini-xlmr, {said.threads} threads, {PIECES} pieces an update; medians of all turns"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        place = Workplace.of(folder / "store")
        planned = make_plan(recipe(), place)
        step = tokenised(planned, TASKS["pair"], place)
        job = write_job(step, place, folder, said.threads, said.updates, planned)
        for length in LENGTHS:
            found = in_turn(f"length {length}", SUBJECTS, cut(job, length, folder), said.turns)
            cost = {s: median(1e6 / run["tokens"] for run in runs) for s, runs in found.items()}
            best = min(cost[s] for s in BEST)
            row = {"pieces a row": str(length), "µs a piece": f"{cost['ours']:.1f}"}
            row |= {"Trainer µs a piece": f"{best:.1f}", "ratio": f"{best / cost['ours']:.2f}"}
            rows.append(row)
            write(
                "lengths",
                rows,
                recipe="first-light",
                command="python -m bench.lengths",
                note=note,
                out=said.out,
            )


def cut(job: Path, length: int, folder: Path) -> Path:
    """The same stage on rows of one length."""
    said = json.loads(job.read_text())
    whole = TokenArrays.load(Path(said["inputs"]["train"]), said["pad"])
    rows = len(whole.ids) // length
    place = folder / f"length-{length}"
    place.mkdir()
    TokenArrays(
        whole.ids[: rows * length],
        None,
        np.arange(rows + 1) * length,
        np.arange(rows),
        {"label": np.arange(rows) % 3},
        whole.pad,
    ).save(place)
    said["config"]["how"]["batch_size"] = PIECES // length
    said["inputs"]["train"] = str(place)
    new = folder / f"length-{length}.json"
    new.write_text(json.dumps(said))
    return new


if __name__ == "__main__":
    main()
