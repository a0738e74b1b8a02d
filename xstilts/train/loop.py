"""Stage `train`: the next stage of an encoder, on one task, for one seed.

The order of examples depends on the seed and the epoch only, the learning rate on the update only,
so a run that was interrupted goes on exactly where it was.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from xstilts.core.context import Context, Result
from xstilts.core.seeds import derive
from xstilts.data.batches import Ints, TokenArrays, micro_batches
from xstilts.data.read import read_examples
from xstilts.data.tokens import labels_of
from xstilts.metrics import noise_limit
from xstilts.models.device import Precision, number_format, use
from xstilts.models.task_model import TaskModel, next_stage
from xstilts.prediction.decode import answered, chosen_threshold, decode
from xstilts.prediction.forward import inputs_of, logits, shaped_for
from xstilts.scoring.measure import Scores, measure
from xstilts.scoring.spec import USUAL, Score
from xstilts.train import checkpoint
from xstilts.train.events import Events
from xstilts.train.optim import clip, make_optimizer, rate, summed_loss, terms, total_updates
from xstilts.train.spec import LOG, FineTune

_LOG_EVERY = 10
_SAY_SECONDS = 10.0


def finetune(
    config: FineTune, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Train and keep the weights that scored best on held-out English examples.

    Args:
        config: head, hyper-parameters, seed.
        inputs: ``train`` and ``dev`` token arrays, ``dev_examples``, and ``start``, the model of
            an earlier stage, unless ``config.encoder`` names an encoder.
        folder: gets weights, ``log.jsonl`` and, while running, checkpoints.
        context: where things lie and how to run.

    Returns:
        the verdict (``ok``, ``diverged``: no weights are kept, ``collapsed``: the best score is
        within noise of the floor), what was selected, the lineage, and the cost.
    """
    device = use(context.runtime)
    start = inputs["start"].folder if "start" in inputs else context.sources[str(config.encoder)]
    model = next_stage(
        start,
        config.kind,
        len(labels_of(config.labels, inputs["train"])),
        seed=derive(config.seed, "head", config.task),
        dropout=config.how.dropout,
    ).to(device)
    packed = model.without_padding()
    run = Run(config, inputs, model, folder, context, device)
    verdict = run.train()
    (folder / LOG).write_text("".join(json.dumps(e) + "\n" for e in run.progress.log))
    if verdict != "diverged":
        model.load_state_dict(run.best)
        model.save(folder)
    checkpoint.clear(folder)
    return run.value(verdict) | {"packed": packed}


class Run:
    """The state of one training run."""

    def __init__(
        self,
        config: FineTune,
        inputs: Mapping[str, Result],
        model: TaskModel,
        folder: Path,
        context: Context,
        device: torch.device,
    ) -> None:
        self.config, self.model, self.folder = config, model, folder
        self.context, self.device = context, device
        self.lineage = inputs["start"].value["lineage"] if "start" in inputs else []
        self.data = TokenArrays.load(inputs["train"].folder, inputs["train"].value["pad"])
        self.dev = TokenArrays.load(inputs["dev"].folder, inputs["dev"].value["pad"])
        self.dev_examples = read_examples(inputs["dev_examples"].folder, config.kind)
        self.labels = labels_of(config.labels, inputs["train"])
        self.total = total_updates(self.data.examples, config.how)
        self.optimizer = make_optimizer(model, config.how)
        torch.manual_seed(derive(config.seed, "dropout", config.task))
        self.progress, self.best = checkpoint.load(
            folder, checkpoint.Progress(), model, [self.optimizer], context.say
        )
        self.floor: Scores = {}
        self.order: tuple[int, Ints] | None = None  # the epoch in progress and its order
        self.events = Events(folder, context.runtime.tensorboard)

    def train(self) -> str:
        """Run all remaining updates; returns the verdict."""
        how, progress = self.config.how, self.progress
        began = saved = said = time.monotonic()
        before = progress.seconds
        while progress.update < self.total and progress.worse < how.select.patience:
            loss, norm = self.one_update(self.drawn(progress.update))
            if not (np.isfinite(loss) and np.isfinite(norm)):
                self.log(loss=str(loss), norm=str(norm))
                return "diverged"
            progress.update += 1
            if progress.update % _LOG_EVERY == 0:
                self.log(loss=loss, norm=norm)
            if progress.update % how.select.every == 0 or progress.update == self.total:
                self.evaluate()
            now = time.monotonic()
            progress.seconds = before + now - began
            if now - saved >= self.context.runtime.checkpoint_seconds:
                checkpoint.save(self.folder, progress, self.model, [self.optimizer], self.best)
                saved = time.monotonic()
            if now - said >= _SAY_SECONDS:
                self.say(loss)
                said = now
        self.events.close()
        floor = noise_limit(self.dev_floor(), len(self.dev_examples))
        return "collapsed" if (progress.best_score or 0.0) <= floor else "ok"

    def drawn(self, update: int) -> Ints:
        """The examples of one update: the epoch's random order, cut into batches."""
        size = self.config.how.batch_size
        epoch, place = divmod(update, -(-self.data.examples // size))
        if self.order is None or self.order[0] != epoch:
            seed = derive(self.config.seed, "order", self.config.task, epoch)
            self.order = epoch, np.random.default_rng(seed).permutation(self.data.examples)
        return self.order[1][place * size : (place + 1) * size]

    def one_update(self, examples: Ints) -> tuple[float, float]:
        """One step of the optimizer; returns the mean loss and the gradient's norm."""
        how = self.config.how
        self.model.train()
        loss = summed_gradient(
            self.model,
            self.data,
            examples,
            micro_tokens=self.context.runtime.micro_tokens,
            precision=how.precision,
            device=self.device,
        )
        norm = clip(self.model.parameters(), how.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = rate(self.progress.update, self.total, how)
        if np.isfinite(norm):
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=False)  # the buffers are used again
        self.progress.pieces += int(self.data.lengths[self.data.rows_of(examples)].sum())
        return loss, norm

    def evaluate(self) -> None:
        """Score on the held-out examples; remember the weights if they are the best so far."""
        scores, threshold = self.held_out_scores()
        score, progress = scores[self.config.metric], self.progress
        if progress.best_score is None or score > progress.best_score:
            progress.best_score, progress.best_update, progress.worse = score, progress.update, 0
            progress.no_answer_threshold = threshold
            self.best = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        else:
            progress.worse += 1
        self.log(**{f"dev_{name}": value for name, value in scores.items()})

    def held_out_scores(self) -> tuple[Scores, float | None]:
        """All metrics on the held-out English examples, and their best no-answer threshold."""
        parts = logits(
            self.model,
            self.dev,
            micro_tokens=self.context.runtime.micro_tokens * 4,
            precision=self.config.how.precision,
            device=self.device,
        )
        columns = decode(self.config.kind, self.dev_examples, self.dev, parts, self.labels)
        threshold = None
        if self.config.answers == "squad_v2":
            threshold = chosen_threshold(self.dev_examples, columns)
            columns = answered(columns, threshold)
        rules = self.score_config()
        scores, self.floor = measure(rules, self.dev_examples, columns["prediction"])
        return scores, threshold

    def score_config(self) -> Score:
        """The usual metrics of the kind, or the one that selects where it is none of them."""
        kind, metric, answers = self.config.kind, self.config.metric, self.config.answers
        return Score(
            kind=kind,
            metrics=() if metric in USUAL[kind] else (metric,),
            answers=answers,
            language="en" if answers == "mlqa" else "",
        )

    def dev_floor(self) -> float:
        """The floor of the held-out examples, also after a resume that evaluated nothing."""
        if not self.floor:
            self.held_out_scores()
        return self.floor[self.config.metric]

    def log(self, **facts: float | str) -> None:
        """Keep one entry of the metrics log."""
        self.progress.log.append({"update": self.progress.update, **facts})
        self.events.write(self.progress.update, facts)

    def say(self, loss: float) -> None:
        """Tell how far the run is, how fast, and how long it will take."""
        progress = self.progress
        speed = progress.pieces / max(progress.seconds, 1e-9)
        left = (self.total - progress.update) * progress.seconds / progress.update
        self.context.say(
            f"update {progress.update}/{self.total}  loss {loss:.3f}  "
            f"{speed:,.0f} tokens/s  {left / 60:.1f} min left"
        )

    def value(self, verdict: str) -> dict[str, Any]:
        """The record of the stage."""
        progress, how = self.progress, self.config.how
        link = {
            "task": self.config.task,
            "examples": self.data.examples,
            "updates": progress.best_update,
            "seed": self.config.seed,
        }
        value = {
            "verdict": verdict,
            "updates": progress.update,
            "planned_updates": self.total,
            "selected_update": progress.best_update,
            "dev_metric": self.config.metric,
            "dev_score": progress.best_score,
            "dev_floor": self.floor.get(self.config.metric),
            "dev_examples": len(self.dev_examples),
            "examples": self.data.examples,
            "pieces": progress.pieces,
            "seconds": round(progress.seconds, 2),
            "tokens_per_second": round(progress.pieces / max(progress.seconds, 1e-9), 1),
            "precision": how.precision,
            "device": str(self.device),
            "lineage": [*self.lineage, link],
        }
        if progress.no_answer_threshold is not None:
            value["no_answer_threshold"] = progress.no_answer_threshold
        return value


def summed_gradient(
    model: TaskModel,
    arrays: TokenArrays,
    examples: Ints,
    *,
    micro_tokens: int,
    precision: Precision,
    device: torch.device,
) -> float:
    """Add the gradient of the mean loss over ``examples``; returns that loss.

    The sum of the loss terms is divided by their number in the whole update before the backward
    pass, so how the examples are put into micro-batches changes nothing but rounding.
    """
    number = terms(model, arrays, examples)
    total = torch.zeros((), dtype=torch.float64)
    for group in micro_batches(arrays, examples, micro_tokens):
        rows = arrays.rows_of(group)
        inputs: dict[str, Tensor] = shaped_for(model, inputs_of(arrays, rows, device), len(group))
        with number_format(precision, device):
            out = model(**inputs)
        loss = summed_loss(model, out, arrays, group, rows) / number
        loss.backward()  # type: ignore[no-untyped-call]
        total += loss.detach().double().cpu()
    return float(total)
