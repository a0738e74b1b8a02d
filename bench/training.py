"""Training throughput, utilisation and peak memory beside transformers.Trainer.

    python -m bench.training [--encoder small|768] [--kind K] [--threads N] [--updates N] …

Same encoder, token arrays, batch size and threads (one, as two stages side by side have, and all
cores). The peer at its best (see :func:`bench.worker.trainer`), with each of its attentions, in
both orders in turn, medians; and once as the library's example scripts have it. Utilisation is the
model's operations a second over those of its dense products alone, timed in the same processes.
The encoders are mini-xlmr of XSTILTS_MODELS on XSTILTS_DATA, and one of XLM-R Base's shape with
mini-xlmr's vocabulary and random weights, for which an eighth of the updates is run, on all cores.
Writes ``docs/results/training-speed.csv``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import torch
from transformers import AutoConfig, AutoModel

from bench.results import RESULTS, Row, write
from bench.worker import AT_DEFAULTS
from xstilts.data.slices import Tokens
from xstilts.executors import LocalExecutor
from xstilts.graph import Step
from xstilts.phases.loading import load
from xstilts.phases.planned import Planned
from xstilts.phases.planning import make_plan
from xstilts.phases.recipe import Recipe
from xstilts.phases.workplace import Workplace
from xstilts.train.spec import FineTune

BEST = ("trainer-sdpa", "trainer-eager")
SUBJECTS = ("ours", *BEST)
TASKS = {"pair": "mnli", "span": "squad_v1", "tagging": "udpos"}
WARM = 16  # updates before the clock starts: a stage has hundreds, and most of its shapes by then
BASE = {"num_hidden_layers": 12, "hidden_size": 768, "intermediate_size": 3072}
BASE |= {"num_attention_heads": 12}
FEWER = 8  # updates of the large encoder are so many times fewer


def recipe() -> Recipe:
    """First-light's stages."""
    if not (os.environ.get("XSTILTS_DATA") and os.environ.get("XSTILTS_MODELS")):
        raise SystemExit("set XSTILTS_DATA and XSTILTS_MODELS: this is measured on mini-xlmr")
    return load("first-light", ["leaks=allow"])


def main() -> None:
    """Measure, print, write."""
    cores = os.cpu_count() or 1
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", choices=("small", "768"))
    parser.add_argument("--kind", choices=TASKS)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--updates", type=int, default=32)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS)
    said = parser.parse_args()
    kinds = [said.kind] if said.kind else list(TASKS)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        place = Workplace.of(folder / "store")
        planned = make_plan(recipe(), place)
        for size in [said.encoder] if said.encoder else ["small", "768"]:
            few = size == "768"
            updates = max(2, said.updates // FEWER) if few else said.updates
            for kind in kinds:
                step = tokenised(planned, TASKS[kind], place)
                usual = sorted({cores if few else 1, cores})
                for threads in [said.threads] if said.threads else usual:
                    job = write_job(step, place, folder, threads, updates, planned)
                    if few:
                        widened(job, folder)
                    row = {"encoder": size, "kind": kind, "threads": str(threads)}
                    rows.append(row | measured(kind, job, said.turns))
                    noted(rows, planned.recipe, said.out)  # each time: nothing is lost


def tokenised(planned: Planned, task: str, place: Workplace) -> Step:
    """The first training on a task, once what it reads is there."""
    step = next(s for s in planned.models.values() if s.config.task == task)  # type: ignore[attr-defined]
    runtime = planned.recipe.runtime
    LocalExecutor().run(planned.plan, list(step.inputs.values()), place.store, runtime, print)
    return step


def write_job(
    step: Step, place: Workplace, folder: Path, threads: int, updates: int, planned: Planned
) -> Path:
    """What a worker needs to know."""
    config, tokens = step.config, step.inputs["train"].config
    assert isinstance(config, FineTune) and isinstance(tokens, Tokens)
    paths = {n: str(place.store.path(s.address, s.key)) for n, s in step.inputs.items()}
    record = place.store.record(step.inputs["train"].address, step.inputs["train"].key)
    assert record is not None
    job = {
        "config": config.model_dump(),
        "inputs": paths,
        "pad": record["value"]["pad"],
        "labels": record["value"].get("labels", []),
        "max_length": tokens.max_length,
        "encoder": str(planned.plan.sources[str(config.encoder)]),
        "threads": threads,
        "updates": updates,
        "warm": WARM,
        "scratch": str(folder / "scratch"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{config.task}.json"
    path.write_text(json.dumps(job))
    return path


def changed(job: Path, **changes: object) -> Path:
    """The same job but for some keys."""
    job.write_text(json.dumps(json.loads(job.read_text()) | changes))
    return job


def widened(job: Path, folder: Path) -> None:
    """Have a job train an encoder of XLM-R Base's shape, the clock from the second update on."""
    place = folder / "768"
    if not place.exists():
        config = AutoConfig.from_pretrained(json.loads(job.read_text())["encoder"])
        config.update(BASE)
        torch.manual_seed(0)
        AutoModel.from_config(config, dtype=torch.float32).save_pretrained(place)
    changed(job, encoder=str(place), warm=1)


def measured(kind: str, job: Path, turns: int) -> Row:
    """Medians over the turns, in both orders; what takes longest once."""
    found = in_turn(kind, SUBJECTS, job, turns)
    found |= in_turn(kind, (AT_DEFAULTS,), changed(job, updates=2, warm=1), 1)

    def of(subject: str, name: str) -> float:
        return median(run[name] for run in found[subject])

    best = max(BEST, key=lambda s: of(s, "tokens"))
    rate = median(run["products"] for s in SUBJECTS for run in found[s])
    speed = {s: of(s, "tokens") for s in ("ours", best, AT_DEFAULTS)}
    return {
        "tokens/s": f"{speed['ours']:.0f}",
        "Trainer tokens/s": f"{speed[best]:.0f}",
        "Trainer attention": best.removeprefix("trainer-"),
        "ratio": f"{speed['ours'] / speed[best]:.2f}",
        "defaults tokens/s": f"{speed[AT_DEFAULTS]:.0f}",
        "ratio to defaults": f"{speed['ours'] / speed[AT_DEFAULTS]:.1f}",
        "utilisation": f"{of('ours', 'operations') / rate:.0%}",
        "Trainer utilisation": f"{of(best, 'operations') / rate:.0%}",
        "products GFLOP/s": f"{rate / 1e9:.0f}",
        "peak MB": f"{of('ours', 'megabytes'):.0f}",
        "Trainer peak MB": f"{of(best, 'megabytes'):.0f}",
    }


def in_turn(
    label: str, subjects: tuple[str, ...], job: Path, turns: int
) -> dict[str, list[dict[str, float]]]:
    """What each subject's worker printed, every second turn the other way round."""
    found: dict[str, list[dict[str, float]]] = {s: [] for s in subjects}
    for turn in range(turns):
        for subject in subjects if turn % 2 == 0 else reversed(subjects):
            command = [sys.executable, "-W", "ignore", "-m", "bench.worker", subject, str(job)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{subject} failed on {label}:\n{done.stderr}")
            found[subject].append(json.loads(done.stdout.splitlines()[-1]))
            print(label, subject, found[subject][-1], flush=True)
    return found


def noted(rows: list[Row], chosen: Recipe, out: Path) -> None:
    """The table and its origin."""
    note = (
        f"batches of {chosen.training.batch_size}, medians of all turns in both orders; the "
        "example scripts' defaults once; 768: 12 blocks, random weights, the small vocabulary"
    )
    write("training-speed", rows, recipe=chosen.recipe, command="make bench", note=note, out=out)


if __name__ == "__main__":
    main()
