"""Fifty updates of the whole loop are fifty updates of transformers' Trainer."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from transformers import Trainer, TrainingArguments
from workbench import TRAINED, how

from xstilts.core.context import Result
from xstilts.core.seeds import derive
from xstilts.data.batches import IGNORED, TokenArrays
from xstilts.models.task_model import next_stage
from xstilts.train.assembly import assemble
from xstilts.train.loop import Run

UPDATES, BATCH = 50, 16
CPU = torch.device("cpu")
KINDS = ("pair", "span", "tagging", "choice")


def rows_alike(arrays: TokenArrays) -> TokenArrays:
    """Windows of the most frequent length, each an example.

    The library lets an answer stand in the padding, so its loss depends on who is in the batch.
    """
    length = np.bincount(arrays.lengths).argmax()
    rows = np.flatnonzero(arrays.lengths == length)
    ends = {name: arrays.extra[name][rows] for name in ("first", "last")}
    return dataclasses.replace(arrays.taken(rows), extra=ends)


def labels(arrays: TokenArrays, kind: str, examples: np.ndarray) -> dict[str, np.ndarray]:
    """What the library's heads call gold."""
    rows = arrays.rows_of(examples)
    if kind == "tagging":
        return {"labels": arrays.padded(rows, "tag", IGNORED)}
    if kind == "span":
        names = {"start_positions": "first", "end_positions": "last"}
        return {name: arrays.extra[ours][rows] for name, ours in names.items()}
    return {"labels": arrays.extra["label"][examples]}


def batch(arrays: TokenArrays, kind: str, examples: np.ndarray) -> dict[str, torch.Tensor]:
    """Some examples as the library wants them, padded to the longest row."""
    rows = arrays.rows_of(examples)
    ids = arrays.padded(rows)
    mask = np.arange(ids.shape[1]) < arrays.lengths[rows][:, None]
    inputs = {"input_ids": ids, "attention_mask": mask}
    if kind == "choice":
        inputs = {name: x.reshape(len(examples), -1, x.shape[1]) for name, x in inputs.items()}
    found = inputs | labels(arrays, kind, examples)
    return {name: torch.from_numpy(x.astype(np.int64)) for name, x in found.items()}


class Recording(Trainer):
    """Keeps the loss of every update."""

    def training_step(self, *inputs, **named):
        loss = super().training_step(*inputs, **named)
        self.losses.append(float(loss))
        return loss


def losses_of_trainer(model, batches, said, folder) -> list[float]:
    arguments = TrainingArguments(
        output_dir=str(folder),
        use_cpu=True,
        max_steps=UPDATES,
        learning_rate=said.lr,
        warmup_steps=int(UPDATES * said.warmup),
        weight_decay=said.weight_decay,
        max_grad_norm=said.clip,
        remove_unused_columns=False,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )
    trainer = Recording(model=model, args=arguments, train_dataset=batches)
    trainer.losses = []
    trainer.get_train_dataloader = lambda: DataLoader(batches, batch_size=None)
    trainer.train()
    return trainer.losses


@pytest.mark.parametrize("kind", KINDS)
def test_losses_of_fifty_updates_are_trainers(workbench, kind, tmp_path):
    bench = workbench("xlmr")
    step = bench.train(TRAINED[kind], how())
    inputs = {name: bench.build(needed) for name, needed in step.inputs.items()}
    if kind == "span":
        alike = rows_alike(bench.arrays(step.inputs["train"]))
        (tmp_path / "alike").mkdir()
        alike.save(tmp_path / "alike")
        inputs["train"] = Result(tmp_path / "alike", inputs["train"].value, "")
    arrays = TokenArrays.load(inputs["train"].folder, inputs["train"].value["pad"])
    passes = (UPDATES + 0.5) / -(-arrays.examples // BATCH)
    said = how(lr=1e-3, epochs=passes, batch_size=BATCH)
    config = step.config.model_copy(update={"how": said})
    built = assemble(config, inputs, bench.context, CPU)
    assert built.packed
    run = Run(config, built, [], tmp_path, bench.context, CPU)
    assert run.total == UPDATES
    mine, batches = [], []
    for update in range(UPDATES):
        part, examples = run.drawn(update)
        batches.append(batch(arrays, kind, examples))
        mine.append(run.one_update()[1])
        run.progress.update += 1
    seed = derive(config.seed, "head", config.task)
    model = next_stage(bench.encoder, kind, len(part.labels), seed=seed, dropout=0.0)
    theirs = losses_of_trainer(model.inner, batches, said, tmp_path / "trainer")
    assert theirs == pytest.approx(mine, abs=1e-4)
    assert np.mean(mine[-10:]) < np.mean(mine[:10]), "nothing was learnt, so nothing was compared"
