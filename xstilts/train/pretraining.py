"""Stage `pretrain`: a new encoder, trained by masked LM on the text of several languages.

Which rows an update reads, and what is masked in them, depends on the seed and the update only, so
a run that was interrupted goes on exactly where it was, however it is cut into micro-batches.
"""

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from xstilts.core.context import Context, Result
from xstilts.core.seeds import derive
from xstilts.data.batches import IGNORED, Ints, TokenArrays, micro_batches
from xstilts.data.corpora import shares
from xstilts.data.masking import Pieces, masked
from xstilts.data.tokens import load_tokenizer
from xstilts.data.vocabularies import FILES
from xstilts.models.device import number_format, use
from xstilts.models.masked_lm import MaskedLM, new_masked_lm
from xstilts.prediction.forward import inputs_of
from xstilts.train import checkpoint
from xstilts.train.events import Events
from xstilts.train.optim import clip, make_optimizer, rate
from xstilts.train.pretrain_spec import ABOUT, CARD, Pretrain
from xstilts.train.spec import LOG

_BETAS = (0.9, 0.98)  # of AdamW, as in RoBERTa (Liu et al. 2019)
_LOG_EVERY = 10
_SAY_SECONDS = 10.0


@dataclass
class Progress:
    """How far pretraining is.

    Attributes:
        update: updates done.
        pieces: pieces seen, special ones counted.
        seconds: spent in updates, over all sessions.
        rows: language -> rows drawn.
        seen: language -> pieces seen.
        log: one entry a logged update; holds no times, so that two runs can be compared.
    """

    update: int = 0
    pieces: int = 0
    seconds: float = 0.0
    rows: dict[str, int] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)


def pretrain(
    config: Pretrain, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Train and keep the weights, with the tokenizer and a card beside them.

    Args:
        config: architecture, masking, budget, seed.
        inputs: ``rows``, the text of all languages, and ``tokenizer``.
        folder: gets an encoder that `AutoModelForMaskedLM` and `AutoTokenizer` load, its log and
            card, and, while running, checkpoints.
        context: where things lie and how to run.

    Returns:
        the verdict (``ok``, or ``diverged``: no weights are kept), how many pieces of each language
        were there and were seen, losses on held-out documents, the lineage, and the cost.
    """
    device = use(context.runtime)
    tokenizer = load_tokenizer(inputs["tokenizer"].folder)
    model = new_masked_lm(config.model, tokenizer, derive(config.seed, "weights")).to(device)
    run = Run(config, inputs["rows"], model, Pieces.of(tokenizer), folder, context, device)
    verdict = run.train()
    (folder / LOG).write_text("".join(json.dumps(e) + "\n" for e in run.progress.log))
    value = run.value(verdict)
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
        rows: Result,
        model: MaskedLM,
        pieces: Pieces,
        folder: Path,
        context: Context,
        device: torch.device,
    ) -> None:
        self.config, self.model, self.vocabulary = config, model, pieces
        self.folder, self.context, self.device = folder, context, device
        self.data, self.held = (
            TokenArrays.load(rows.folder, rows.value["pad"], side) for side in ("train-", "held-")
        )
        self.languages: list[str] = rows.value["languages"]
        self.there: dict[str, int] = rows.value["train-pieces"]
        self.rows_of = [np.flatnonzero(self.data.extra["language"] == i) for i in self.numbers]
        sizes = {x: len(rows) for x, rows in zip(self.languages, self.rows_of, strict=True)}
        self.shares = list(shares(sizes, config.sampling).values())
        self.orders: dict[int, tuple[int, Ints]] = {}  # language -> its epoch and row order
        self.optimizer = make_optimizer(model, config, _BETAS)
        fresh = Progress(rows=dict.fromkeys(sizes, 0), seen=dict.fromkeys(sizes, 0))
        self.progress, _ = checkpoint.load(folder, fresh, model, self.optimizer, context.say)
        self.events = Events(folder, context.runtime.tensorboard)

    @property
    def numbers(self) -> range:
        """Indices of the languages."""
        return range(len(self.languages))

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
            progress.seconds = before + now - began
            if now - saved >= self.context.runtime.checkpoint_seconds:
                checkpoint.save(self.folder, progress, self.model, self.optimizer)
                saved = time.monotonic()
            if now - said >= _SAY_SECONDS:
                self.say(loss)
                said = now
        self.events.close()
        return "ok"

    def done(self) -> tuple[int, int]:
        """How much of the budget is used, and how much there is."""
        if self.config.updates is not None:
            return self.progress.update, self.config.updates
        assert self.config.tokens is not None
        return self.progress.pieces, self.config.tokens

    def drawn(self) -> Ints:
        """The rows of the next update: random languages, each language's rows epoch by epoch."""
        rng = np.random.default_rng(derive(self.config.seed, "languages", self.progress.update))
        spoken = rng.choice(len(self.languages), self.config.batch_size, p=self.shares)
        return np.array([self.next_row(int(language)) for language in spoken])

    def next_row(self, language: int) -> int:
        """A row of a language that its epoch has not had."""
        name, rows = self.languages[language], self.rows_of[language]
        epoch, place = divmod(self.progress.rows[name], len(rows))
        if self.orders.get(language, (None,))[0] != epoch:
            seed = derive(self.config.seed, "order", name, epoch)
            self.orders[language] = epoch, np.random.default_rng(seed).permutation(len(rows))
        self.progress.rows[name] += 1
        row = int(rows[self.orders[language][1][place]])
        self.progress.seen[name] += int(self.data.lengths[row])
        return row

    def one_update(self, lr: float) -> tuple[float, float]:
        """One step of the optimizer; returns the mean loss and the gradient's norm."""
        update = self.progress.update
        asked = self.asked(self.data, self.drawn(), derive(self.config.seed, "mask", update))
        loss = self.loss(asked, backward=True)
        norm = clip(self.model.parameters(), self.config.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        if np.isfinite(norm):
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=False)  # the buffers are used again
        self.progress.pieces += len(asked.ids)
        return loss, norm

    def asked(self, arrays: TokenArrays, rows: Ints, seed: int) -> TokenArrays:
        """Some rows with pieces masked, and the pieces that are asked for as ``label``."""
        lengths = arrays.lengths[rows]
        ids = np.concatenate([arrays.ids[arrays.starts[r] : arrays.starts[r + 1]] for r in rows])
        rng = np.random.default_rng(seed)
        seen, labels = masked(ids, self.config.masking, self.vocabulary, rng)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        return TokenArrays(seen, None, starts, np.arange(len(rows)), {"label": labels}, arrays.pad)

    def loss(self, asked: TokenArrays, *, backward: bool) -> float:
        """Mean loss over what is asked for, in nats; ``backward`` adds its gradient."""
        number = int((asked.extra["label"] != IGNORED).sum())
        total = torch.zeros((), dtype=torch.float64)
        budget = self.context.runtime.micro_tokens
        for rows in micro_batches(asked, np.arange(asked.examples), budget):
            labels = torch.from_numpy(asked.padded(rows, "label", IGNORED)).to(self.device)
            wanted = labels != IGNORED
            if not wanted.any():
                continue
            with number_format(self.config.precision, self.device):
                logits = self.model(**inputs_of(asked, rows, self.device), asked=wanted)
            loss = F.cross_entropy(logits.float(), labels[wanted], reduction="sum") / number
            if backward:
                loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach().double().cpu()
        return float(total)

    @torch.inference_mode()
    def held_losses(self) -> dict[str, float]:
        """Mean loss on the held-out documents of every language."""
        self.model.eval()
        found = {}
        for number, language in enumerate(self.languages):
            rows = np.flatnonzero(self.held.extra["language"] == number)
            asked = self.asked(self.held, rows, derive(self.config.seed, "held", language))
            found[language] = self.loss(asked, backward=False)
        return found

    def log(self, **facts: float | str) -> None:
        """Keep one entry of the metrics log."""
        self.progress.log.append({"update": self.progress.update, **facts})
        self.events.write(self.progress.update, facts)

    def say(self, loss: float) -> None:
        """Tell how far the run is, how fast, and how long it will take."""
        progress, (done, total) = self.progress, self.done()
        speed = progress.pieces / max(progress.seconds, 1e-9)
        left = (total - done) * progress.seconds / done
        self.context.say(
            f"update {progress.update}  {done / total:.0%}  loss {loss:.3f}  "
            f"{speed:,.0f} tokens/s  {left / 60:.1f} min left"
        )

    def value(self, verdict: str) -> dict[str, Any]:
        """The record of the stage."""
        progress = self.progress
        losses = self.held_losses() if verdict == "ok" else {}
        plain = unigram_losses(self.data, self.held, self.numbers, self.vocabulary.ordinary)
        link = {"task": "pretrain", "updates": progress.update, "seed": self.config.seed}
        return {
            "verdict": verdict,
            "updates": progress.update,
            "pieces": progress.pieces,
            "languages": {
                language: {
                    "pieces": self.there[language],
                    "seen": progress.seen[language],
                    "held_loss": losses.get(language),
                    "held_unigram_loss": plain[number],
                }
                for number, language in enumerate(self.languages)
            },
            "last_loss": progress.log[-1]["loss"] if progress.log else None,
            "seconds": round(progress.seconds, 2),
            "tokens_per_second": round(progress.pieces / max(progress.seconds, 1e-9), 1),
            "precision": self.config.precision,
            "device": str(self.device),
            "lineage": [link | {"languages": self.languages, "pieces": progress.pieces}],
        }


def unigram_losses(
    train: TokenArrays, held: TokenArrays, languages: range, ordinary: Ints
) -> list[float]:
    """What guessing by frequency costs: nats a held-out piece, by language.

    Frequencies are those of the language's training text with one added to every piece. A model
    that learnt from context is below.
    """
    found = []
    for language in languages:
        counts, wanted = (
            np.bincount(
                side.ids[np.repeat(side.extra["language"] == language, side.lengths)],
                minlength=int(ordinary.max()) + 1,
            )[ordinary]
            for side in (train, held)
        )
        chance = (counts + 1) / (counts + 1).sum()
        found.append(float(-(wanted * np.log(chance)).sum() / wanted.sum()))
    return found


def card(value: Mapping[str, Any]) -> str:
    """The model card: languages as the hub writes them, pieces and losses of each."""
    lines = ["---", "language:", *(f"- {x}" for x in value["languages"]), "---", ""]
    lines += [
        f"Masked LM, {value['updates']} updates, {value['pieces']} pieces, {value['precision']}. "
        "Losses are nats a predicted piece of held-out documents.",
        "",
        "| language | pieces of text | pieces seen | loss | loss of guessing by frequency |",
        "|---|---|---|---|---|",
    ]
    for language, facts in value["languages"].items():
        cells = [language, facts["pieces"], facts["seen"]]
        cells += [f"{facts[name]:.3f}" for name in ("held_loss", "held_unigram_loss")]
        lines.append(f"| {' | '.join(str(c) for c in cells)} |")
    return "\n".join([*lines, ""])
