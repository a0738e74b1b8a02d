"""One measurement in a process of its own, so that peak memory is its own.

    python -m bench.worker SUBJECT JOB.json

prints one JSON line: real tokens a second (padding not counted) and peak resident megabytes.
"""

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from xstilts.core.context import Context, Result
from xstilts.core.spec import Runtime
from xstilts.data.batches import IGNORED, TokenArrays
from xstilts.models.device import use
from xstilts.models.task_model import next_stage
from xstilts.train.assembly import assemble
from xstilts.train.loop import Run
from xstilts.train.spec import FineTune

WARM = 5  # updates before the clock starts


def ours(job: dict[str, Any]) -> tuple[float, float]:
    """Tokens and seconds of our loop."""
    config = FineTune.model_validate(job["config"])
    run = started(config, job)
    tokens = began = 0.0
    for update in range(job["updates"] + WARM):
        if update == WARM:
            tokens, began = run.progress.pieces, time.perf_counter()
        run.one_update()
        run.progress.update += 1
    return run.progress.pieces - tokens, time.perf_counter() - began


def started(config: FineTune, job: dict[str, Any]) -> Run:
    """The stage as it stands before its first update."""
    context = Context(Runtime(threads=job["threads"]), {str(config.encoder): Path(job["encoder"])})
    device = use(context.runtime)
    inputs = {
        name: Result(Path(place), {"pad": job["pad"]}, "") for name, place in job["inputs"].items()
    }
    built = assemble(config, inputs, context, device)
    return Run(config, built, [], Path(job["scratch"]), context, device)


def trainer(job: dict[str, Any], attention: str) -> tuple[float, float]:
    """Tokens and seconds of transformers' Trainer with dynamic padding and grouping by length."""
    from transformers import Trainer, TrainerCallback, TrainingArguments

    config = FineTune.model_validate(job["config"])
    use(Runtime(threads=job["threads"]))
    data = TokenArrays.load(Path(job["inputs"]["train"]), job["pad"])
    model = next_stage(
        Path(job["encoder"]),
        config.kind,
        len(config.labels),
        seed=0,
        dropout=0.0,
        attention=attention,
    ).inner
    seen = {"tokens": 0.0, "began": 0.0, "before": 0.0}

    def collate(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        seen["tokens"] += sum(len(r["input_ids"]) for r in rows)
        return padded(rows, job["pad"])

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if state.global_step == WARM:
                seen["before"], seen["began"] = seen["tokens"], time.perf_counter()

    arguments = TrainingArguments(
        output_dir=job["scratch"],
        use_cpu=True,
        bf16=config.how.precision == "bf16",
        per_device_train_batch_size=config.how.batch_size,
        max_steps=job["updates"] + WARM,
        learning_rate=config.how.lr,
        optim="adamw_torch_fused",
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        max_grad_norm=config.how.clip,
        remove_unused_columns=False,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )
    Trainer(
        model=model,
        args=arguments,
        train_dataset=features(data, config.kind),
        data_collator=collate,
        callbacks=[Clock()],
    ).train()
    return seen["tokens"] - seen["before"], time.perf_counter() - seen["began"]


def features(data: TokenArrays, kind: str) -> list[dict[str, Any]]:
    """The same rows as lists, as a Trainer's data set has them."""
    rows = []
    for row in range(len(data.example)):
        place = slice(int(data.starts[row]), int(data.starts[row + 1]))
        item: dict[str, Any] = {"input_ids": data.ids[place].tolist()}
        if kind == "pair":
            item["labels"] = int(data.extra["label"][data.example[row]])
        elif kind == "tagging":
            item["labels"] = data.extra["tag"][place].tolist()
        else:
            item["start_positions"] = int(data.extra["first"][row])
            item["end_positions"] = int(data.extra["last"][row])
        item["length"] = len(item["input_ids"])
        rows.append(item)
    return rows


def padded(rows: list[dict[str, Any]], pad: int) -> dict[str, torch.Tensor]:
    """Rows padded to the longest of the batch."""
    longest = max(r["length"] for r in rows)
    out: dict[str, torch.Tensor] = {}
    for name in rows[0]:
        if name == "length":
            continue
        values = [r[name] for r in rows]
        if isinstance(values[0], list):
            fill = pad if name == "input_ids" else IGNORED
            values = [v + [fill] * (longest - len(v)) for v in values]
        out[name] = torch.tensor(np.array(values))
    lengths = torch.tensor([r["length"] for r in rows])
    out["attention_mask"] = (torch.arange(longest) < lengths[:, None]).long()
    return out


def peak_megabytes() -> float:
    """Most memory that this program held; ``getrusage`` would count the one that started it too."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None, "Linux tells the peak"
    return int(found[1]) / 1024


def main() -> None:
    """Measure and print."""
    subject, job_file = sys.argv[1:]
    job = json.loads(Path(job_file).read_text())
    if subject == "ours":
        tokens, seconds = ours(job)
    else:
        tokens, seconds = trainer(job, subject.removeprefix("trainer-"))
    print(json.dumps({"tokens_per_second": tokens / seconds, "megabytes": peak_megabytes()}))


if __name__ == "__main__":
    main()
