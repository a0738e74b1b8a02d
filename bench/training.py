"""Training throughput and peak memory beside transformers.Trainer at its best.

    python -m bench.training [--updates N]

Same encoder, token arrays, batch size and threads (one, as two stages side by side have, and all
cores); the peer with bf16 autocast where that is fast
here, fused AdamW, dynamic padding, grouping by length, and the better of its two attentions. Every
subject runs three times, in both orders in turn; the medians are written to
``docs/results/training-speed.csv``. Data and encoder are those of XSTILTS_DATA and XSTILTS_MODELS,
else the generated world.
"""

import argparse
import csv
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from xstilts.executors import LocalExecutor
from xstilts.executors.build import made
from xstilts.graph import Step
from xstilts.phases.loading import load
from xstilts.phases.planning import make_plan
from xstilts.phases.recipe import Recipe
from xstilts.phases.workplace import Workplace
from xstilts.train.spec import FineTune

SUBJECTS = ("ours", "trainer-sdpa", "trainer-eager")
TASKS = {"pair": "mnli", "span": "squad_v1", "tagging": "udpos"}
RESULTS = Path("docs/results")


def recipe() -> Recipe:
    """First-light's stages on real data, or the quickstart's on the generated world."""
    if os.environ.get("XSTILTS_DATA") and os.environ.get("XSTILTS_MODELS"):
        return load("first-light", ["leaks=allow"])
    return load("quickstart", ["leaks=allow"])


def main() -> None:
    """Measure, print one table, write the CSV."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=16)
    updates = parser.parse_args().updates
    chosen = recipe()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        place = Workplace.of(Path(folder) / "store")
        planned = make_plan(chosen, place)
        for kind, task in TASKS.items():
            step = next(s for n, s in planned.models.items() if s.config.task == task)  # type: ignore[attr-defined]
            needed = list(step.inputs.values())
            LocalExecutor().run(planned.plan, needed, place.store, chosen.runtime, print)
            for threads in sorted({1, os.cpu_count() or 1}):
                job = write_job(step, place, Path(folder), threads, updates, planned)
                rows.append({"kind": kind, "threads": str(threads)} | measure(kind, job))
                write(rows, chosen)  # after every measurement: nothing is lost


def write_job(
    step: Step, place: Workplace, folder: Path, threads: int, updates: int, planned: object
) -> Path:
    """What a worker needs to know."""
    config = step.config
    assert isinstance(config, FineTune)
    paths = {n: str(place.store.path(s.address, s.key)) for n, s in step.inputs.items()}
    record = place.store.record(step.inputs["train"].address, step.inputs["train"].key)
    assert record is not None
    encoder = planned.plan.sources[str(config.encoder)]  # type: ignore[attr-defined]
    job = {
        "config": config.model_dump(),
        "inputs": paths,
        "pad": record["value"]["pad"],
        "encoder": str(encoder),
        "threads": threads,
        "updates": updates,
        "scratch": str(folder / "scratch"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{config.task}.json"
    path.write_text(json.dumps(job))
    return path


def measure(kind: str, job: Path) -> dict[str, str]:
    """Medians of three runs of every subject, in both orders."""
    found: dict[str, list[dict[str, float]]] = {s: [] for s in SUBJECTS}
    for turn in range(3):
        for subject in SUBJECTS if turn % 2 == 0 else reversed(SUBJECTS):
            command = [sys.executable, "-W", "ignore", "-m", "bench.worker", subject, str(job)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{subject} failed on {kind}:\n{done.stderr}")
            found[subject].append(json.loads(done.stdout.splitlines()[-1]))
            print(kind, subject, found[subject][-1], flush=True)
    speed = {s: statistics.median(r["tokens_per_second"] for r in v) for s, v in found.items()}
    memory = {s: statistics.median(r["megabytes"] for r in v) for s, v in found.items()}
    best = max(SUBJECTS[1:], key=lambda s: speed[s])
    return {
        "tokens/s": f"{speed['ours']:.0f}",
        "Trainer tokens/s": f"{speed[best]:.0f}",
        "Trainer attention": best.removeprefix("trainer-"),
        "ratio": f"{speed['ours'] / speed[best]:.2f}",
        "peak MB": f"{memory['ours']:.0f}",
        "Trainer peak MB": f"{memory[best]:.0f}",
    }


def write(rows: list[dict[str, str]], chosen: Recipe) -> None:
    """The CSV and what it was measured with."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (RESULTS / "training-speed.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    facts = made(chosen.runtime)
    versions = facts["versions"]
    about = {
        "recipe": chosen.recipe,
        "command": "make bench",
        "machine": f"{facts['processor']}, {facts['cores']} cores",
        "date": datetime.date.today().isoformat(),
        "seeds": [0],
        "note": f"torch {versions['torch']}, transformers {versions['transformers']}; "
        f"batches of {chosen.training.batch_size}, medians of three in both orders",
    }
    (RESULTS / "training-speed.json").write_text(json.dumps(about, indent=1) + "\n")
    for row in rows:
        print("  ".join(f"{k} {v}" for k, v in row.items()))


if __name__ == "__main__":
    main()
