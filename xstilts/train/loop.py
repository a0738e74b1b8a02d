"""Stage `train`: the next stage of an encoder, on one task, a mixture of several, or text.

Which examples an update has depends on the seed and the update only, the learning rate on the
update only, so a run that was interrupted goes on exactly where it was.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from xstilts.core.context import Context, Result
from xstilts.core.seeds import derive
from xstilts.core.spec import Runtime
from xstilts.data.batches import Ints
from xstilts.models.device import use
from xstilts.models.joint import JointModel
from xstilts.models.kept_rows import KeptRows
from xstilts.models.masked_lm import MaskedLM
from xstilts.train import checkpoint
from xstilts.train.assembly import AnyModel, Assembly, Config, assemble
from xstilts.train.draws import draws_of, reading
from xstilts.train.events import Events
from xstilts.train.gradient import summed_gradient
from xstilts.train.launch import together
from xstilts.train.masked_text import masked_loss
from xstilts.train.micro import MicroBatching
from xstilts.train.optim import clip, make_optimizer, rate
from xstilts.train.part import Part
from xstilts.train.spec import LOG, LONGER, Layers, Reading
from xstilts.train.team import ALONE, Team
from xstilts.train.text_part import NAME, TextPart, mean_loss

_LOG_EVERY = 10
_SAY_SECONDS = 10.0


def finetune(
    config: Config, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Train and keep the weights that scored best on held-out English examples.

    Args:
        config: heads, hyper-parameters, seed.
        inputs: ``train`` and ``dev`` token arrays and ``dev_examples`` (of a mixture
            ``train.TASK`` and so on), ``text`` where some is read, and ``start``, the model of an
            earlier stage, unless ``config.encoder`` names an encoder.
        folder: gets weights (of a mixture, and beside text, the encoder's), ``log.jsonl`` and,
            while running, checkpoints.
        context: where things lie and how to run.

    Returns:
        the verdict (``ok``, ``diverged``: no weights are kept, ``collapsed``: the best score of
        every task is within noise of its floor), what was selected, the lineage, and the cost.
    """
    return together(train, config, inputs, folder, context)


def train(
    config: Config, inputs: Mapping[str, Result], folder: Path, context: Context, team: Team
) -> dict[str, Any]:
    """What one process does of it; all but the main one return nothing."""
    device = use(context.runtime)
    built = assemble(config, inputs, context, device)
    lineage = inputs["start"].value["lineage"] if "start" in inputs else []
    further = sum(r.value["updates"] for n, r in inputs.items() if n.startswith(LONGER))
    run = Run(config, built, lineage, folder, context, device, further, team)
    with rows_kept(built.model, config, folder, context.runtime) as kept:
        verdict = run.train()
    if not team.main:
        return {}
    (folder / LOG).write_text("".join(json.dumps(e) + "\n" for e in run.progress.log))
    if verdict != "diverged":
        built.model.load_state_dict(run.best)
        if config.layers.lora is not None:
            built.merge_adapters()
        built.model.save(folder)
    checkpoint.clear(folder)
    layers = _layers(config.layers, built.parts, kept)
    return run.value(verdict) | {"packed": built.packed} | layers


@contextmanager
def rows_kept(model: AnyModel, config: Config, folder: Path, runtime: Runtime) -> Iterator[bool]:
    """Have frozen blocks run once a row, not once an epoch; whether they do.

    They do where the written blocks run, unless heads read a mix of all layers, or text is read,
    whose rows are masked anew every time.
    """
    layers = config.layers
    written = None if isinstance(model, MaskedLM) or config.text else model.written
    if not layers.frozen or layers.mixed or written is None:
        yield False
        return
    with closing(KeptRows(folder, int(runtime.prefix_gigabytes * 1e9))) as kept:
        written.kept = kept
        yield runtime.prefix_gigabytes > 0
    written.kept = None


def _layers(layers: Layers, parts: list[Part], kept: bool) -> dict[str, Any]:
    """What the record says of them: frozen blocks, adapters, and of each head the mix it learnt."""
    mixes = {part.head.task: part.model.mix for part in parts}
    frozen = {} if layers.frozen is None else {"frozen": layers.frozen, "prefix_kept": kept}
    lora = {} if layers.lora is None else {"lora": layers.lora.model_dump()}
    mixed = {task: mix.record() for task, mix in mixes.items() if mix is not None}
    return frozen | lora | ({"layer_mix": mixed} if mixed else {})


class Run:
    """The state of one training run."""

    def __init__(
        self,
        config: Config,
        built: Assembly,
        lineage: list[dict[str, Any]],
        folder: Path,
        context: Context,
        device: torch.device,
        further: int = 0,
        team: Team = ALONE,
    ) -> None:
        parts, model, text = built.parts, built.model, built.text
        self.parts, self.model, self.text = parts, model, text
        self.config, self.lineage, self.folder = config, lineage, folder
        self.context, self.device, self.further = context, device, further
        self.micro, self.team = MicroBatching(context, device, team), team
        self.law: list[float] = []
        if isinstance(config, Reading):
            assert text is not None
            self.draws = reading(config, text.rows)
        else:
            sizes = [part.data.examples for part in parts]
            self.law, self.draws = draws_of(config, sizes, further)
        self.total = len(self.draws.task)
        if text is not None:
            text.before = self.held_losses(text)
        self.optimizer = make_optimizer(model, config.how)
        torch.manual_seed(derive(config.seed, "dropout", config.task))
        with team.main_first():  # it sets aside what cannot be read
            self.progress, self.best = checkpoint.load(
                folder, checkpoint.Progress(), model, [self.optimizer], context.say
            )
        self.events = Events(folder, context.runtime.tensorboard)

    def train(self) -> str:
        """Run all remaining updates; returns the verdict."""
        how, progress = self.config.how, self.progress
        began = saved = said = time.monotonic()
        before = progress.seconds
        while progress.update < self.total and progress.worse < how.select.patience:
            name, loss, norm = self.one_update()
            of = {"task": name} if len(self.parts) > 1 or self.text else {}
            if not (np.isfinite(loss) and np.isfinite(norm)):
                self.log(**of, loss=str(loss), norm=str(norm))
                return "diverged"
            progress.update += 1
            if progress.update % _LOG_EVERY == 0:
                self.log(**of, loss=loss, norm=norm)
            if progress.update % how.select.every == 0 or progress.update == self.total:
                self.select()
            now = time.monotonic()
            progress.seconds = before + now - began
            if now - saved >= self.context.runtime.checkpoint_seconds:
                checkpoint.save(self.folder, progress, self.model, [self.optimizer], self.best)
                saved = time.monotonic()
            if now - said >= _SAY_SECONDS:
                self.say(loss)
                said = now
        self.events.close()
        return self.team.told(self.verdict)

    def verdict(self) -> str:
        """Whether anything was learnt, by the best evaluation."""
        if any(part.floor is None for part in self.parts):  # resumed after the last evaluation
            self.evaluate()
        if not self.parts:  # a loss has no floor
            return "ok"
        best = self.progress.best_scores
        skill = [not part.at_floor(best.get(part.head.task, 0.0)) for part in self.parts]
        return "ok" if any(skill) else "collapsed"

    def drawn(self, update: int) -> tuple[Part, Ints]:
        """The task of an update and its examples."""
        part = self.parts[self.draws.task[update]]
        start, count = self.draws.start[update], self.draws.count[update]
        return part, part.examples(int(start), int(count))

    def gradient(self, micro_tokens: int) -> tuple[str, nn.Module, float, int]:
        """Add that of the next update: what it is on, what it moves, mean loss, pieces read.

        Gradient and loss are this process's part; their sums are the whole.
        """
        update = self.progress.update
        of: dict[str, Any] = {
            "micro_tokens": micro_tokens,
            "precision": self.config.how.precision,
            "device": self.device,
            "team": self.team,
        }
        if self.text is not None and self.draws.task[update] == len(self.parts):
            asked = self.text.asked(int(self.draws.start[update]))
            self.text.model.train()
            return NAME, self.text.model, masked_loss(self.text.model, asked, **of), len(asked.ids)
        part, examples = self.drawn(update)
        part.model.train()
        loss = summed_gradient(part.model, part.data, examples, **of)
        pieces = int(part.data.lengths[part.data.rows_of(examples)].sum())
        return part.head.task, part.model, loss, pieces

    def one_update(self) -> tuple[str, float, float]:
        """One step of the optimizer; returns what it is on, mean loss and gradient's norm."""
        how = self.config.how
        self.team.reseed(self.config.seed, "dropout", self.config.task, self.progress.update)
        name, moved, loss, pieces = self.micro.within(self.gradient, self.clear)
        loss = self.team.summed(moved, loss)
        if isinstance(self.model, JointModel):
            self.model.still(moved)
        norm = clip(self.model.parameters(), how.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = rate(self.progress.update, self.total, how)
        if np.isfinite(norm):
            self.optimizer.step()
        self.clear()
        self.progress.pieces += pieces
        return name, loss, norm

    def clear(self) -> None:
        """Forget the gradient; its buffers are used again."""
        self.optimizer.zero_grad(set_to_none=False)

    def select(self) -> None:
        """Score on the held-out examples; remember the weights if they are the best so far.

        A mixture's score is the mean of its tasks' metrics; that of text alone is its mean loss
        over languages, less than 0 so that more is better.
        """
        found, progress = self.team.told(self.evaluate), self.progress
        score = sum(found.values()) / len(found)
        if progress.best_score is None or score > progress.best_score:
            progress.best_score, progress.best_update, progress.worse = score, progress.update, 0
            progress.best_scores = found
            if len(self.parts) == 1:
                progress.no_answer_threshold = self.parts[0].threshold
            self.best = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        else:
            progress.worse += 1
        if not self.parts:
            self.log(dev_loss=-score)
        elif len(self.parts) == 1:
            self.log(**{f"dev_{name}": value for name, value in self.parts[0].scores.items()})
        else:
            self.log(**{f"dev_{task}": value for task, value in found.items()}, dev_mean=score)

    def evaluate(self) -> dict[str, float]:
        """Task -> its metric on the held-out English examples; of text alone its loss, below 0."""
        if not self.parts and self.text is not None:
            return {NAME: -mean_loss(self.held_losses(self.text))}
        return {
            part.head.task: part.evaluate(
                micro_tokens=self.micro.tokens * 4,
                precision=self.config.how.precision,
                device=self.device,
            )
            for part in self.parts
        }

    def held_losses(self, text: TextPart) -> dict[str, float]:
        """Language -> the loss of the weights as they stand on held-out documents, nats a piece."""
        return self.micro.within(
            lambda tokens: text.held_losses(
                micro_tokens=tokens * 4, precision=self.config.how.precision, device=self.device
            )
        )

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
        progress, how, parts = self.progress, self.config.how, self.parts
        floors = [part.floor for part in parts if part.floor is not None]
        examples = sum(part.data.examples for part in parts)
        if self.text is not None and not parts:
            examples = self.text.rows
        link: dict[str, Any] = {
            "task": self.config.task,
            "examples": examples,
            "updates": progress.best_update,
            "seed": self.config.seed,
        }
        if self.config.language != "en":
            link["language"] = self.config.language
        link |= self.config.layers.model_dump(exclude_defaults=True)
        value: dict[str, Any] = {
            "verdict": verdict,
            "updates": progress.update,
            "planned_updates": self.total,
            "selected_update": progress.best_update,
            "dev_metric": self.judged_by,
            "dev_score": progress.best_score,
            "dev_floor": sum(floors) / len(floors) if floors else None,
            "dev_examples": sum(part.held for part in parts),
            "examples": examples,
            "pieces": progress.pieces,
            "seconds": round(progress.seconds, 2),
            "tokens_per_second": round(progress.pieces / max(progress.seconds, 1e-9), 1),
            "precision": how.precision,
            "device": str(self.device),
            "lineage": [*self.lineage, link],
        }
        if self.text is not None:
            value["text"] = self.text_value(verdict)
            link["text"] = self.text.read(self.on_text(progress.best_update))
        if self.further:
            value["further_updates"] = self.further
        if progress.no_answer_threshold is not None:
            value["no_answer_threshold"] = progress.no_answer_threshold
        if len(parts) > 1:
            link["realised"] = self.realised(progress.best_update)
            value["parts"] = self.parts_value()
        return value

    @property
    def judged_by(self) -> str:
        """The number by which updates are chosen; more of it is better."""
        if not self.parts:
            return "-loss"
        return self.parts[0].head.metric if len(self.parts) == 1 else "mean"

    def text_value(self, verdict: str) -> dict[str, Any]:
        """What the record says of the text; losses are those of the weights that are kept."""
        assert self.text is not None and self.config.text is not None
        after = None if verdict == "diverged" else self.held_losses(self.text)
        said = self.text.value(self.on_text(self.progress.update), after)
        expected = round(self.config.text.share * self.progress.update, 2)
        return {"share": self.config.text.share, "expected_updates": expected, **said}

    def on_text(self, updates: int) -> int:
        """How many of the first ``updates`` updates are on text."""
        return int((self.draws.task[:updates] == len(self.parts)).sum())

    def realised(self, updates: int) -> dict[str, int]:
        """Task -> examples drawn in the first ``updates`` updates."""
        return {p.head.task: self.draws.drawn(i, updates) for i, p in enumerate(self.parts)}

    def parts_value(self) -> dict[str, dict[str, Any]]:
        """Task -> what a mixture's record says of it; counts are of examples drawn."""
        realised = self.realised(self.progress.update)
        every = sum(realised.values())
        return {
            part.head.task: {
                "examples": part.data.examples,
                "share": share,
                "expected": round(share * every, 2),
                "realised": realised[part.head.task],
                "dev_metric": part.head.metric,
                "dev_score": self.progress.best_scores.get(part.head.task),
                "dev_floor": part.floor,
                "dev_examples": part.held,
            }
            for part, share in zip(self.parts, self.law, strict=True)
        }
