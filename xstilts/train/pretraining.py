"""Stage `pretrain`: a new encoder, trained by masked and translation LM on several languages.

A run that was interrupted goes on exactly where it was: all that an update depends on is in the
checkpoint, or follows from the seed and the number of the update.
"""

import json
import shutil
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from xstilts.core.context import Context, Result
from xstilts.core.seeds import derive
from xstilts.data.batches import TokenArrays
from xstilts.data.masking import Pieces
from xstilts.data.start import VECTORS
from xstilts.data.tokens import load_tokenizer
from xstilts.data.vocabularies import FILES
from xstilts.models.device import use
from xstilts.models.masked_lm import MaskedLM, new_masked_lm
from xstilts.train import checkpoint
from xstilts.train.events import Events
from xstilts.train.launch import together
from xstilts.train.masked_text import MaskedText, masked_loss
from xstilts.train.micro import MicroBatching
from xstilts.train.muon import Muon
from xstilts.train.optim import clip, make_optimizer, rate
from xstilts.train.pretrain_spec import ABOUT, CARD, Pretrain
from xstilts.train.spec import LOG
from xstilts.train.team import ALONE, Team

_BETAS = (0.9, 0.98)  # of AdamW, as in RoBERTa (Liu et al. 2019)
_LOG_EVERY = 10
_SAY_SECONDS = 10.0


@dataclass
class Progress:
    """How far pretraining is.

    Attributes:
        update: updates done.
        seconds: spent in updates, over all sessions.
        rows: language -> rows read.
        pairs: language -> how many of them beside a translation.
        seen: language -> pieces read, special ones counted.
        log: one entry a logged update; holds no times, so that two runs can be compared.
    """

    update: int = 0
    seconds: float = 0.0
    rows: dict[str, int] = field(default_factory=dict)
    pairs: dict[str, int] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)

    @property
    def pieces(self) -> int:
        """Pieces read in all languages."""
        return sum(self.seen.values())

    @property
    def speed(self) -> float:
        """Pieces a second."""
        return self.pieces / max(self.seconds, 1e-9)


def pretrain(
    config: Pretrain, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Train and keep the weights, with the tokenizer and a card beside them.

    Args:
        config: architecture, masking, budget, seed.
        inputs: ``rows``, the text of all languages, and ``tokenizer``; and ``start``, the vectors
            that pieces start from, where they do not start at random.
        folder: gets an encoder that `AutoModelForMaskedLM` and `AutoTokenizer` load, its log and
            card, and, while running, checkpoints.
        context: where things lie and how to run.

    Returns:
        the verdict (``ok``, or ``diverged``: no weights are kept), how many pieces of each language
        were there and were seen, losses on held-out documents, the lineage, and the cost.
    """
    return together(train, config, inputs, folder, context)


def train(
    config: Pretrain, inputs: Mapping[str, Result], folder: Path, context: Context, team: Team
) -> dict[str, Any]:
    """What one process does of it; all but the main one return nothing."""
    device = use(context.runtime)
    tokenizer = load_tokenizer(inputs["tokenizer"].folder)
    text = MaskedText(
        inputs["rows"],
        Pieces.of(tokenizer),
        config.masking,
        config.sampling,
        config.seed,
        config.translation,
    )
    model = new_masked_lm(config.model, tokenizer, derive(config.seed, "weights")).to(device)
    model.without_padding()
    if "start" in inputs:
        model.start_from(np.load(inputs["start"].folder / VECTORS, allow_pickle=False))
    run = Run(config, text, model, folder, context, device, team)
    verdict = run.train()
    if not team.main:
        return {}
    (folder / LOG).write_text("".join(json.dumps(e) + "\n" for e in run.progress.log))
    value = run.value(verdict, inputs["rows"].value["train-pieces"])
    if verdict == "ok":
        model.save(folder)
        for name in FILES:
            shutil.copy(inputs["tokenizer"].folder / name, folder)
        (folder / ABOUT).write_text(json.dumps(value, indent=1))
        (folder / CARD).write_text(card(value), "utf-8")
    checkpoint.clear(folder)
    return value


class Run:
    """The state of one pretraining."""

    def __init__(
        self,
        config: Pretrain,
        text: MaskedText,
        model: MaskedLM,
        folder: Path,
        context: Context,
        device: torch.device,
        team: Team = ALONE,
    ) -> None:
        self.config, self.text, self.model = config, text, model
        self.folder, self.context, self.device = folder, context, device
        self.micro, self.team = MicroBatching(context, device, team), team
        mixed = np.average(text.frequencies, axis=0, weights=text.shares)
        model.guess(text.pieces.ordinary, mixed)
        self.optimizers = make_optimizers(model, config)
        seen = dict.fromkeys(text.languages, 0)
        fresh = Progress(rows=text.rows, pairs=text.pairs, seen=seen)
        with team.main_first():  # it sets aside what cannot be read
            self.progress, _ = checkpoint.load(folder, fresh, model, self.optimizers, context.say)
        text.rows, text.pairs = self.progress.rows, self.progress.pairs
        self.events = Events(folder, context.runtime.tensorboard)

    def train(self) -> str:
        """Run all remaining updates; returns the verdict."""
        progress = self.progress
        began = saved = said = time.monotonic()
        before = progress.seconds
        self.model.train()
        while (done := self.done())[0] < done[1]:
            loss, norm = self.one_update(rate(*done, self.config))
            if not (np.isfinite(loss) and np.isfinite(norm)):
                self.log(loss=str(loss), norm=str(norm))
                return "diverged"
            progress.update += 1
            if progress.update % _LOG_EVERY == 0:
                self.log(loss=loss, norm=norm)
            now = time.monotonic()
            progress.seconds = self.team.told(lambda: before + time.monotonic() - began)
            if now - saved >= self.context.runtime.checkpoint_seconds:
                checkpoint.save(self.folder, progress, self.model, self.optimizers)
                saved = time.monotonic()
            if now - said >= _SAY_SECONDS:
                self.say(loss)
                said = now
        self.events.close()
        return "ok"

    def done(self) -> tuple[int, int]:
        """What is used of the budget, and all of it: updates, pieces or milliseconds."""
        config, progress = self.config, self.progress
        if config.updates is not None:
            return progress.update, config.updates
        if config.tokens is not None:
            return progress.pieces, config.tokens
        assert config.minutes is not None
        return int(1e3 * progress.seconds), int(6e4 * config.minutes)

    def one_update(self, lr: float) -> tuple[float, float]:
        """One step of the optimizer; returns the mean loss and the gradient's norm."""
        asked, read = self.text.next(self.progress.update, self.config.batch_size)
        part = self.micro.within(lambda tokens: self.loss(asked, tokens, self.team), self.clear)
        loss = self.team.summed(self.model, part)
        norm = clip(self.model.parameters(), self.config.clip)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = lr
            if np.isfinite(norm):
                optimizer.step()
        self.clear()
        self.progress.seen = dict(Counter(self.progress.seen) + Counter(read))
        return loss, norm

    def clear(self) -> None:
        """Forget the gradient; its buffers are used again."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=False)

    def loss(self, asked: TokenArrays, micro_tokens: int, team: Team = ALONE) -> float:
        """Mean loss, in nats, or a process's part; adds its gradient if gradients are on."""
        return masked_loss(
            self.model,
            asked,
            micro_tokens=micro_tokens,
            precision=self.config.precision,
            device=self.device,
            team=team,
        )

    @torch.inference_mode()
    def held_loss(self, language: str) -> float:
        """Mean loss on the held-out documents of a language."""
        self.model.eval()
        held = self.text.held_out(language)
        return self.micro.within(lambda tokens: self.loss(held, tokens))

    def log(self, **facts: float | str) -> None:
        """Keep one entry of the metrics log."""
        self.progress.log.append({"update": self.progress.update, **facts})
        self.events.write(self.progress.update, facts)

    def say(self, loss: float) -> None:
        """Tell how far the run is, how fast, and how long it will take."""
        progress, (done, total) = self.progress, self.done()
        left = (total - done) * progress.seconds / max(done, 1)
        self.context.say(
            f"update {progress.update}  {done / total:.0%}  loss {loss:.3f}  "
            f"{progress.speed:,.0f} tokens/s  {left / 60:.1f} min left"
        )

    def value(self, verdict: str, there: Mapping[str, int]) -> dict[str, Any]:
        """The record of the stage; ``there``: language -> pieces of its text."""
        progress, text, ok = self.progress, self.text, verdict == "ok"
        languages = {
            language: {
                "pieces": there[language],
                "seen": progress.seen.get(language, 0),
                "held_loss": self.held_loss(language) if ok else None,
                "held_unigram_loss": text.plain_loss(language),
            }
            for language in text.languages
        }
        if self.config.translation:
            for language, facts in languages.items():
                facts |= {"rows": progress.rows[language], "pairs": progress.pairs[language]}
        link = {"task": "pretrain", "updates": progress.update, "seed": self.config.seed}
        return {
            "verdict": verdict,
            "updates": progress.update,
            "pieces": progress.pieces,
            "languages": languages,
            "held": self.held(languages) if ok else None,
            "last_loss": progress.log[-1]["loss"] if progress.log else None,
            "seconds": round(progress.seconds, 2),
            "tokens_per_second": round(progress.speed, 1),
            "precision": self.config.precision,
            "device": str(self.device),
            "lineage": [link | {"languages": text.languages, "pieces": progress.pieces}],
        }

    def held(self, languages: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Over all languages: pieces that were asked for, the model's loss, and that of guessing.

        Both losses are means over the same pieces, in nats, with frequencies of the piece's
        language; ``unigram_entropy`` is the entropy of these, weighted alike.
        """
        guessing = {language: self.text.guessing(language) for language in languages}
        weights = [g.pieces for g in guessing.values()]
        losses = [languages[language]["held_loss"] for language in guessing]
        return {
            "pieces": sum(weights),
            "loss": float(np.average(losses, weights=weights)),
            "unigram_loss": float(np.average([g.loss for g in guessing.values()], weights=weights)),
            "unigram_entropy": float(
                np.average([g.entropy for g in guessing.values()], weights=weights)
            ),
        }


def make_optimizers(model: MaskedLM, config: Pretrain) -> list[torch.optim.Optimizer]:
    """AdamW for all weights, or for all but the matrices in the blocks, which Muon updates."""
    if config.optimizer == "adamw":
        return [make_optimizer(model, config, _BETAS)]
    matrices = [p for p in model.block_parameters() if p.ndim == 2]
    dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
    rest = make_optimizer(model, config, _BETAS, without=matrices)
    return [rest, Muon(matrices, config.lr, config.weight_decay, dtype)]


def card(value: Mapping[str, Any]) -> str:
    """The model card: languages as the hub writes them, pieces and losses of each."""
    lines = ["---", "language:", *(f"- {x}" for x in value["languages"]), "---", ""]
    held, pairs = value["held"], sum(x.get("pairs", 0) for x in value["languages"].values())
    beside = f"{pairs} rows read beside a translation, " if pairs else ""
    lines += [
        f"Masked LM, {value['updates']} updates, {value['pieces']} pieces, {beside}"
        f"{value['precision']}. Losses are nats a predicted piece of held-out documents.",
        "",
        f"Over all {held['pieces']} held-out pieces: {held['loss']:.3f}; guessing by frequency "
        f"{held['unigram_loss']:.3f}; entropy of the frequencies {held['unigram_entropy']:.3f}.",
        "",
        "| language | pieces of text | pieces seen | loss | loss of guessing by frequency |",
        "|---|---|---|---|---|",
    ]
    for language, facts in value["languages"].items():
        cells = [language, facts["pieces"], facts["seen"]]
        cells += [f"{facts[name]:.3f}" for name in ("held_loss", "held_unigram_loss")]
        lines.append(f"| {' | '.join(str(c) for c in cells)} |")
    return "\n".join([*lines, ""])
