"""Logits of every language of a target: ours beside Trainer.predict one language at a time.

    python -m bench.predicting [--kind K] [--threads N] [--examples N] [--turns N]

The same model under a new head, loaded once by everyone, and the same token arrays. The peer sorts
by length, pads to the longest of each batch of 32, and runs under autocast or with bf16 weights,
with either of its attentions: the best of the four counts. Needs XSTILTS_DATA and XSTILTS_MODELS.
Writes ``docs/results/predicting.csv``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise, product
from pathlib import Path
from statistics import median
from typing import Any

import torch

from bench.results import RESULTS, Row, write
from bench.worker import padded, peak_megabytes
from xstilts.core.spec import Runtime
from xstilts.data.batches import TokenArrays
from xstilts.executors import LocalExecutor
from xstilts.models.device import faster_precision, measure, use
from xstilts.models.task_model import TaskModel, next_stage
from xstilts.phases.loading import load
from xstilts.phases.planning import make_plan
from xstilts.phases.workplace import Workplace
from xstilts.prediction.forward import logits
from xstilts.prediction.spec import Predict

TARGETS = {"pair": "xnli", "span": "xquad", "tagging": "udpos"}
SPLITS = {"xnli": "dev", "xquad": "test", "udpos": "test"}
PEERS = tuple("-".join(x) for x in product(("sdpa", "eager"), ("autocast", "bf16")))
LABELS = {"pair": 3, "span": 2, "tagging": 17}
BATCH = 32


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=TARGETS)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS)
    said = parser.parse_args()
    if not (os.environ.get("XSTILTS_DATA") and os.environ.get("XSTILTS_MODELS")):
        raise SystemExit("set XSTILTS_DATA and XSTILTS_MODELS: this is measured on mini-xlmr")
    rows: list[Row] = []
    note = (
        f"mini-xlmr, {said.threads} threads, at most {said.examples} examples a language; medians "
        "of all turns in both orders"
    )
    with tempfile.TemporaryDirectory() as folder:
        for kind in [said.kind] if said.kind else list(TARGETS):
            job = written(kind, Path(folder), said.threads, said.examples)
            rows.append({"kind": kind} | compared(kind, job, said.turns))
            write(
                "predicting",
                rows,
                recipe="first-light",
                command="python -m bench.predicting",
                note=note,
                out=said.out,
            )


def written(kind: str, folder: Path, threads: int, examples: int) -> Path:
    """What a worker needs to know of a target, whose languages are tokenised first."""
    name = TARGETS[kind]
    score = f"tasks.{name}.score={{from: {SPLITS[name]}, sample: {examples}}}"
    changes = ["arms={none: []}", f"targets=[{name}]", "seeds=[0]", "leaks=allow", score]
    place = Workplace.of(folder / "store")
    planned = make_plan(load("first-light", changes), place)
    steps = [cell.score.inputs["predictions"].inputs["tokens"] for cell in planned.cells]
    ran = LocalExecutor().run(planned.plan, steps, place.store, planned.recipe.runtime, print)
    if ran.failed:
        raise SystemExit(f"{name}: {ran.failed}")
    config = planned.cells[0].score.inputs["predictions"].config
    assert isinstance(config, Predict)
    job = {
        "kind": kind,
        "labels": LABELS[kind],
        "precision": faster_precision(measure(threads)),
        "slices": [str(place.store.path(s.address, s.key)) for s in steps],
        "pad": place.store.open(steps[0].address, steps[0].key).value["pad"],
        "encoder": str(Path(os.environ["XSTILTS_MODELS"]) / "mini-xlmr"),
        "threads": threads,
        "micro_tokens": 4 * planned.recipe.runtime.micro_tokens,
        "scratch": str(folder / "scratch"),
    }
    path = folder / f"{kind}.json"
    path.write_text(json.dumps(job))
    return path


def compared(kind: str, job: Path, turns: int) -> Row:
    """Medians of all turns of everyone."""
    subjects = ("ours", *PEERS)
    found: dict[str, list[dict[str, float]]] = {s: [] for s in subjects}
    for turn in range(turns):
        for subject in subjects if turn % 2 == 0 else reversed(subjects):
            command = [sys.executable, "-W", "ignore", "-m", "bench.predicting", "--work"]
            done = subprocess.run([*command, subject, str(job)], capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"{subject} failed on {kind}:\n{done.stderr}")
            found[subject].append(json.loads(done.stdout.splitlines()[-1]))
            print(kind, subject, found[subject][-1], flush=True)
    seconds = {s: median(run["seconds"] for run in runs) for s, runs in found.items()}
    memory = {s: median(run["megabytes"] for run in runs) for s, runs in found.items()}
    best, pieces = min(PEERS, key=seconds.__getitem__), found["ours"][0]["pieces"]
    return {
        "languages": f"{found['ours'][0]['languages']:.0f}",
        "pieces": f"{pieces:.0f}",
        "s": f"{seconds['ours']:.2f}",
        "Trainer s": f"{seconds[best]:.2f}",
        "Trainer is": best,
        "ratio": f"{seconds[best] / seconds['ours']:.2f}",
        "peak MB": f"{memory['ours']:.0f}",
        "Trainer peak MB": f"{memory[best]:.0f}",
    }


def work(subject: str, job: dict[str, Any]) -> None:
    """Predict every language and print the seconds that takes."""
    torch.set_num_threads(job["threads"])  # and nothing else of ours for the peer
    slices = [TokenArrays.load(Path(place), job["pad"]) for place in job["slices"]]
    attention = None if subject == "ours" else subject.split("-")[0]
    model = next_stage(
        Path(job["encoder"]), job["kind"], job["labels"], seed=0, dropout=0.0, attention=attention
    ).eval()
    if subject == "ours":
        device = use(Runtime(threads=job["threads"]))
        model.without_padding()
        passes = packed(model, slices, job, device)
    else:
        passes = trainer(model, slices, job, subject.endswith("bf16"))
    next(passes)  # plans and casts are made; the first language does not count
    began = time.perf_counter()
    for _ in passes:
        pass
    seconds = time.perf_counter() - began
    pieces = sum(int(arrays.lengths.sum()) for arrays in slices[1:])
    facts = {"seconds": seconds, "pieces": pieces, "languages": len(slices) - 1}
    print(json.dumps(facts | {"megabytes": peak_megabytes()}))


def packed(
    model: TaskModel, slices: list[TokenArrays], job: dict[str, Any], device: torch.device
) -> Iterator[None]:
    """Our logits of one slice after the other."""
    for arrays in slices:
        for _ in logits(
            model,
            arrays,
            micro_tokens=job["micro_tokens"],
            precision=job["precision"],
            device=device,
        ):
            pass
        yield


def trainer(
    model: TaskModel, slices: list[TokenArrays], job: dict[str, Any], cast: bool
) -> Iterator[None]:
    """One ``Trainer.predict`` a slice, whose rows are lists of pieces as in a data set."""
    from transformers import Trainer, TrainingArguments

    bf16 = job["precision"] == "bf16"
    arguments = TrainingArguments(
        output_dir=job["scratch"],
        use_cpu=True,
        bf16=bf16 and not cast,
        bf16_full_eval=bf16 and cast,
        per_device_eval_batch_size=BATCH,
        remove_unused_columns=False,
        report_to=[],
        disable_tqdm=True,
    )
    collate = lambda rows: padded(rows, job["pad"])  # noqa: E731
    peer = Trainer(model=model.inner, args=arguments, data_collator=collate)
    for rows in [by_length(arrays) for arrays in slices]:
        peer.predict(rows)
        yield


def by_length(arrays: TokenArrays) -> list[dict[str, Any]]:
    """Rows as a data set has them, longest first."""
    rows = [arrays.ids[a:b].tolist() for a, b in pairwise(arrays.starts)]
    return [{"input_ids": x, "length": len(x)} for x in sorted(rows, key=len, reverse=True)]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], json.loads(Path(sys.argv[3]).read_text()))
    else:
        main()
