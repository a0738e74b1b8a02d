"""What an epoch costs when the lower half of the blocks is frozen and their outputs are kept.

    python -m bench.freezing [--threads N] [--turns N] [--examples N] [--out DIR]

Trains the same stage, on a sentence-pair, a tagging and a question task of XSTILTS_DATA, with
mini-xlmr of XSTILTS_MODELS, once with all layers learning and once with the embeddings and three of
its six blocks frozen, in processes of their own, in both orders in turn. An epoch is all its
updates and one evaluation on the held-out examples. In the first epoch a frozen row is computed and
kept, later it is read. ``freezing.csv`` gets the medians over all turns, and the ratio of later
epochs: unfrozen to frozen.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from bench.results import RESULTS, Row, write
from bench.training import TASKS, write_job
from bench.worker import started
from xstilts.executors import LocalExecutor
from xstilts.phases.loading import load
from xstilts.phases.planning import make_plan
from xstilts.phases.recipe import Recipe
from xstilts.phases.workplace import Workplace
from xstilts.train.loop import rows_kept
from xstilts.train.spec import FineTune

HALF = 3  # blocks of mini-xlmr's six
EPOCHS = 4
ARMS: dict[str, int | None] = {"all learn": None, "half frozen": HALF}  # blocks that are frozen


def recipe(arms: Mapping[str, int | None], examples: int) -> Recipe:
    """The arms of every task, so many training examples of each, the usual hyper-parameters."""
    if not (os.environ.get("XSTILTS_DATA") and os.environ.get("XSTILTS_MODELS")):
        raise SystemExit("set XSTILTS_DATA and XSTILTS_MODELS: this is measured on mini-xlmr")
    stages = {
        name_of(task, arm): f"[{{train: {task}{_frozen(blocks)}}}]"
        for task in TASKS.values()
        for arm, blocks in arms.items()
    }
    every = ", ".join(f"{name}: {stage}" for name, stage in stages.items())
    changes = [f"arms={{none: [], {every}}}", f"training.epochs={EPOCHS}", "seeds=[0]"]
    changes += [
        f"tasks.{task}.train={{from: train, sample: {examples}}}" for task in TASKS.values()
    ]
    return load("first-light", [*changes, "targets=[tatoeba]", "leaks=allow", "recipe=freezing"])


def name_of(task: str, arm: str) -> str:
    """An arm's name in the recipe."""
    return f"{task}.{arm.replace(' ', '-')}"


def _frozen(blocks: int | None) -> str:
    return "" if blocks is None else f", freeze: {{blocks: {blocks}, during: intermediate}}"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--examples", type=int, default=500)
    parser.add_argument("--out", type=Path, default=RESULTS)
    said = parser.parse_args()
    rows: list[Row] = []
    note = (
        f"mini-xlmr, {said.threads} threads; embeddings and {HALF} of 6 blocks frozen; seconds an "
        "epoch with one evaluation; medians of all turns, ratios within a turn"
    )
    with tempfile.TemporaryDirectory() as folder:
        for kind, task in TASKS.items():
            jobs = written_jobs(ARMS, said.examples, task, Path(folder), said.threads)
            rows.append({"kind": kind} | compared(kind, jobs, said.turns))
            write(  # after every task: nothing is lost
                "freezing",
                rows,
                recipe="first-light",
                command="python -m bench.freezing",
                note=note,
                out=said.out,
            )


def written_jobs(
    arms: Mapping[str, int | None], examples: int, task: str, folder: Path, threads: int
) -> dict[str, Path]:
    """What a worker needs to know of each arm of a task, whose data are made ready first."""
    chosen = recipe(arms, examples)
    place = Workplace.of(folder / "store")
    planned = make_plan(chosen, place)
    jobs = {}
    for arm in arms:
        step = planned.models[f"{name_of(task, arm)}/{task}@0"]
        needed = list(step.inputs.values())
        ran = LocalExecutor().run(planned.plan, needed, place.store, chosen.runtime, print)
        if ran.failed:
            raise SystemExit(f"{task}: {ran.failed}")
        jobs[arm] = write_job(step, place, folder / arm, threads, 0, planned)
    return jobs


def compared(kind: str, jobs: Mapping[str, Path], turns: int) -> Row:
    """Medians of the first epoch, and of all later ones, of both arms in turn."""
    found = in_turn(kind, jobs, turns)
    first = {arm: median(epochs[0] for epochs in runs) for arm, runs in found.items()}
    later = {arm: [s for epochs in runs for s in epochs[1:]] for arm, runs in found.items()}
    pairs = zip(*found.values(), strict=True)  # of one turn
    ratios = [median(free[1:]) / median(frozen[1:]) for free, frozen in pairs]
    row = {f"{arm}, first epoch s": f"{seconds:.2f}" for arm, seconds in first.items()}
    row |= {f"{arm}, later epoch s": f"{median(seconds):.2f}" for arm, seconds in later.items()}
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    return row | {"ratio of later epochs": f"{median(ratios):.2f}", "over the turns": spread}


def in_turn(kind: str, jobs: Mapping[str, Path], turns: int) -> dict[str, list[list[float]]]:
    """Seconds of the epochs of each arm's stage, every second turn the other way round."""
    found: dict[str, list[list[float]]] = {arm: [] for arm in jobs}
    for turn in range(turns):
        for arm in jobs if turn % 2 == 0 else reversed(list(jobs)):
            command = [sys.executable, "-W", "ignore", "-m", "bench.freezing", "--work"]
            done = subprocess.run([*command, str(jobs[arm])], capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"{kind} with {arm} failed:\n{done.stderr}")
            found[arm].append(json.loads(done.stdout.splitlines()[-1]))
            print(kind, arm, found[arm][-1], flush=True)
    return found


def work(job_file: Path) -> None:
    """Train the stage of a job and print the seconds of each epoch."""
    job: dict[str, Any] = json.loads(job_file.read_text())
    config = FineTune.model_validate(job["config"])
    Path(job["scratch"]).mkdir(parents=True, exist_ok=True)
    run = started(config, job)
    seconds = []
    with rows_kept(run.model, config, run.folder, run.context.runtime) as kept:
        if kept != bool(config.layers.frozen):
            raise SystemExit("rows are kept where layers are frozen, and nowhere else")
        for _ in range(EPOCHS):
            began = time.perf_counter()
            for _ in range(run.total // EPOCHS):
                run.one_update()
                run.progress.update += 1
            run.select()
            seconds.append(time.perf_counter() - began)
    print(json.dumps(seconds))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(Path(sys.argv[2]))
    else:
        main()
