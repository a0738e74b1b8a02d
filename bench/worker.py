"""One measurement in a process of its own, so that peak memory is its own.

    python -m bench.worker SUBJECT JOB.json

prints one JSON line: real tokens a second (padding not counted), operations of the model a second,
operations a second of its products alone, and peak resident megabytes.
"""

import json
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoConfig

from bench.flops import PASSES, operations, product_rate
from xstilts.core.context import Context, Result
from xstilts.core.spec import Runtime
from xstilts.data.batches import IGNORED, TokenArrays
from xstilts.data.tokens import labels_of
from xstilts.models.device import use
from xstilts.models.task_model import next_stage
from xstilts.train.assembly import assemble
from xstilts.train.loop import Run
from xstilts.train.spec import FineTune

AT_DEFAULTS = "trainer-defaults"
AT_ITS_BEST: dict[str, Any] = {
    "optim": "adamw_torch_fused",
    "train_sampling_strategy": "group_by_length",
    "length_column_name": "length",
}


@dataclass
class Watched:
    """What passes while the clock runs: it starts after ``warm`` updates.

    Attributes:
        lengths: pieces of every row that was trained on since.
    """

    warm: int
    lengths: list[int] = field(default_factory=list)
    began: float = 0.0
    seconds: float = 0.0

    def after(self, update: int) -> None:
        """Note the time after so many updates."""
        if update == self.warm:
            self.lengths, self.began = [], time.perf_counter()
        self.seconds = time.perf_counter() - self.began


def ours(job: dict[str, Any]) -> Watched:
    """Our loop."""
    run = started(FineTune.model_validate(job["config"]), job)
    watched = Watched(job["warm"])
    for update in range(job["updates"] + job["warm"]):
        part, examples = run.drawn(update)
        watched.lengths += part.data.lengths[part.data.rows_of(examples)].tolist()
        run.one_update()
        run.progress.update += 1
        watched.after(run.progress.update)
    return watched


def started(config: FineTune, job: dict[str, Any]) -> Run:
    """The stage as it stands before its first update."""
    context = Context(Runtime(threads=job["threads"]), {str(config.encoder): Path(job["encoder"])})
    device = use(context.runtime)
    built = assemble(config, inputs_of(job), context, device)
    return Run(config, built, [], Path(job["scratch"]), context, device)


def inputs_of(job: dict[str, Any]) -> dict[str, Result]:
    """What the stage reads, as its executor would hand it over."""
    value = {"pad": job["pad"], "labels": job["labels"]}
    return {name: Result(Path(place), value, "") for name, place in job["inputs"].items()}


def trainer(job: dict[str, Any], subject: str) -> Watched:
    """The loop of transformers' Trainer.

    At its best: bf16 where that is fast, a fused optimizer, dynamic padding, rows of similar length
    in one batch, one of two attentions. At the defaults of the library's example scripts: fp32,
    rows at random, padded to the maximum.
    """
    from transformers import Trainer, TrainerCallback, TrainingArguments

    config = FineTune.model_validate(job["config"])
    best = subject != AT_DEFAULTS
    torch.set_num_threads(job["threads"])
    data = TokenArrays.load(Path(job["inputs"]["train"]), job["pad"])
    model = next_stage(
        Path(job["encoder"]),
        config.kind,
        len(labels_of(config.labels, inputs_of(job)["train"])),
        seed=0,
        dropout=0.0,
        attention=subject.removeprefix("trainer-") if best else None,
    ).inner
    watched = Watched(job["warm"])

    def collate(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        watched.lengths += [r["length"] for r in rows]
        return padded(rows, job["pad"], 0 if best else job["max_length"])

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            watched.after(state.global_step)

    arguments = TrainingArguments(
        output_dir=job["scratch"],
        use_cpu=True,
        bf16=best and config.how.precision == "bf16",
        per_device_train_batch_size=config.how.batch_size,
        max_steps=job["updates"] + job["warm"],
        learning_rate=config.how.lr,
        max_grad_norm=config.how.clip,
        remove_unused_columns=False,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        **(AT_ITS_BEST if best else {}),
    )
    Trainer(
        model=model,
        args=arguments,
        train_dataset=features(data, config.kind),
        data_collator=collate,
        callbacks=[Clock()],
    ).train()
    return watched


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


def padded(rows: list[dict[str, Any]], pad: int, width: int = 0) -> dict[str, torch.Tensor]:
    """Rows padded to the longest of the batch, or to ``width`` where that is more."""
    longest = max(width, *(r["length"] for r in rows))
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
    watched = ours(job) if subject == "ours" else trainer(job, subject)
    peak = peak_megabytes()
    encoder = AutoConfig.from_pretrained(job["encoder"])
    bf16 = job["config"]["how"]["precision"] == "bf16"
    rate = product_rate(
        encoder,
        sum(watched.lengths) // job["updates"],
        torch.bfloat16 if bf16 else torch.float32,
    )
    found = {
        "tokens": sum(watched.lengths) / watched.seconds,
        "operations": PASSES * operations(encoder, watched.lengths) / watched.seconds,
        "products": rate,
        "megabytes": peak,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
