"""Retrieval by layer after masked LM on aligned text, beside the vectors that it started from.

    python -m bench.pretraining [--store DIR] [--shares 0,0.35] [--out DIR] [KEY=VALUE …]

Pretrains `bench/encoders/aligned.yaml` (20 minutes each) on the text under XSTILTS_DATA once for
each share of translation LM; ``training.minutes=1`` shows that it works. ``pretraining.csv`` gets a
line a layer and share: accuracy (0-100) of English queries among the sentences of a language as
XTREME has it, means over all attended pieces; and before them a line for the mean of the starting
vectors. Texts are Tatoeba, blank where a language's files are not there, and held-out sentences of
the aligned text. ``pretraining-loss.csv`` has losses on held-out text, in nats a predicted piece:
as the record has them, and where the model sees the mask only, so that no piece can be copied.
"""

import argparse
import csv
import datetime
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from xstilts import api
from xstilts.core.context import Result
from xstilts.core.spec import Runtime
from xstilts.data.batches import IGNORED
from xstilts.data.corpora import SPECIAL
from xstilts.data.files import find
from xstilts.data.masking import Pieces
from xstilts.data.readers import read
from xstilts.data.start import VECTORS
from xstilts.data.text import HELD, HELD_NAMES, documents_of
from xstilts.data.tokens import load_tokenizer
from xstilts.executors.build import made
from xstilts.graph import Step
from xstilts.models.device import use
from xstilts.models.masked_lm import load_masked_lm
from xstilts.phases.pretraining import Promised, promise
from xstilts.phases.workplace import Workplace
from xstilts.retrieve.neighbours import nearest
from xstilts.tasks import get_task
from xstilts.tasks.examples import Parallel
from xstilts.train.masked_text import MaskedText, masked_loss
from xstilts.train.pretrain_spec import Pretrain

DECLARED = Path(__file__).parent / "encoders" / "aligned.yaml"
LANGUAGES = ("de", "ru", "hi", "zh", "sw")
RESULTS = Path("docs/results")
Sentences = dict[str, tuple[list[str], list[str]]]
Floats = np.ndarray[Any, np.dtype[np.float32]]
Row = dict[str, Any]


def main() -> None:
    """Pretrain, retrieve, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("changes", nargs="*", metavar="KEY=VALUE")
    parser.add_argument("--store")
    parser.add_argument("--shares", default="0,0.35")
    parser.add_argument("--out", type=Path, default=RESULTS)
    said = parser.parse_args()
    shares = [float(share) for share in said.shares.split(",")]
    named = [f"training.translation={share}" for share in shares]
    place = Workplace.of(said.store, None)
    promised = promise(str(DECLARED), place, changes=[*said.changes, named[0]])
    if promised.start is None:
        raise SystemExit("there are no starting vectors without training.start=aligned")
    official = tatoeba()  # before anything is trained: nothing that is missing is told too late
    layers: list[Row] = []
    losses: list[Row] = []
    for share, change in zip(shares, named, strict=True):
        done = api.pretrain(str(DECLARED), *said.changes, change, store=said.store, say=_say)
        texts = {"tatoeba": official, "held-out": held_out(promised, said.store)}
        if not layers:
            layers = start_rows(promised, promised.start, said.store, texts)
        layers += layer_rows(share, done.folder, texts)
        behind = behind_masks(promised, done.folder, said.store)
        losses.append(loss_row(share, done.value) | behind)
    changes = ["--shares", said.shares, *said.changes]
    for name, rows in {"pretraining": layers, "pretraining-loss": losses}.items():
        for row in rows:
            print("  ".join(f"{key}: {value}" for key, value in row.items()), flush=True)
        write(said.out, name, rows, changes)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def tatoeba() -> Sentences:
    """Language -> its English queries, and their translations line by line."""
    task, found = get_task("tatoeba"), {}
    for language in LANGUAGES:
        files = find(task, "test", language, [Path(os.environ["XSTILTS_DATA"])])
        if files is None:
            _say(f"no Tatoeba in {language} under XSTILTS_DATA: its cells stay blank")
            continue
        all_of_it = read(task, files.files, files.paths, "test", language)
        examples = [e for e in all_of_it if isinstance(e, Parallel)]
        found[language] = [e.english for e in examples], [e.text for e in examples]
    return found


def held_out(promised: Promised, store: str | None) -> Sentences:
    """Language -> held-out English sentences, and those of the same names in it."""
    named = {}
    for language in ("en", *LANGUAGES):
        text = opened(promised.texts[language], store)
        parts = (documents_of(text, part) for part in (HELD_NAMES, HELD))
        named[language] = dict(zip(*parts, strict=True))
    english = named["en"]
    shared = {x: [name for name in english if name in named[x]] for x in LANGUAGES}
    return {
        x: ([english[name] for name in names], [named[x][name] for name in names])
        for x, names in shared.items()
    }


def opened(step: Step, store: str | None) -> Result:
    """The finished result of a step."""
    return Workplace.of(store, None).store.open(step.address, step.key, step.identity)


def accuracy(english: Floats, text: Floats) -> str:
    """Share of the queries whose nearest sentence is their translation, 0-100."""
    found = nearest(english, text, 1).indices[:, 0]
    return f"{100 * float(np.mean(np.asarray(found) == np.arange(len(english)))):.1f}"


def start_rows(
    promised: Promised, start: Step, store: str | None, texts: dict[str, Sentences]
) -> list[Row]:
    """Accuracy of the mean of the starting vectors, special pieces left out."""
    tokenizer = load_tokenizer(opened(promised.tokenizer, store).folder)
    vectors = np.load(opened(start, store).folder / VECTORS, allow_pickle=False)
    vectors[: len(SPECIAL)] = 0.0

    def mean(sentences: list[str]) -> Floats:
        ids = tokenizer(sentences, add_special_tokens=False)["input_ids"]
        return np.stack([vectors[some].mean(0) for some in ids])

    return [
        {"text": text, "translation LM": "", "layer": "start"}
        | blank({x: accuracy(mean(one), mean(two)) for x, (one, two) in sentences.items()})
        for text, sentences in texts.items()
    ]


def layer_rows(share: float, folder: Path, texts: dict[str, Sentences]) -> list[Row]:
    """One line a text and layer, 0 the embeddings."""
    rows = []
    for text, sentences in texts.items():
        vectors = {
            language: [api.embed(folder, side, layer=None).vectors for side in sides]
            for language, sides in sentences.items()
        }
        for layer in range(len(next(iter(vectors.values()))[0])):
            found = {x: accuracy(one[layer], two[layer]) for x, (one, two) in vectors.items()}
            rows.append({"text": text, "translation LM": share, "layer": layer} | blank(found))
    return rows


def blank(found: dict[str, str]) -> Row:
    """A cell for every language, nothing where nothing was found."""
    return {language: found.get(language, "") for language in LANGUAGES}


def loss_row(share: float, value: dict[str, Any]) -> Row:
    """What pretraining read, and its losses on held-out text."""
    held = value["held"]
    return {
        "translation LM": share,
        "updates": value["updates"],
        "pieces read": value["pieces"],
        "minutes": f"{value['seconds'] / 60:.1f}",
        "held-out pieces": held["pieces"],
        "loss": f"{held['loss']:.3f}",
        "guessing by frequency": f"{held['unigram_loss']:.3f}",
        "unigram entropy": f"{held['unigram_entropy']:.3f}",
    }


@torch.inference_mode()
def behind_masks(promised: Promised, folder: Path, store: str | None) -> Row:
    """Losses at those held-out places that show the mask, of the encoder and of guessing.

    They are among the places of the record, in the same rows; a tenth of those shows the piece that
    is asked for, which can be copied.
    """
    config = promised.step.config
    assert isinstance(config, Pretrain)
    pieces = Pieces.of(load_tokenizer(opened(promised.tokenizer, store).folder))
    rows = opened(promised.rows, store)
    text = MaskedText(rows, pieces, config.masking, config.sampling, config.seed)
    device = use(promised.declared.runtime)
    model = load_masked_lm(folder, seed=0, dropout=0.0)[0].to(device).eval()
    model.without_padding()
    micro = promised.declared.runtime.micro_tokens
    counts, losses, guesses = [], [], []
    for language, frequencies in zip(text.languages, text.frequencies, strict=True):
        held = text.held_out(language)
        labels = np.where(held.ids == pieces.mask, held.extra["label"], IGNORED)
        asked = replace(held, extra={"label": labels})
        wanted = np.searchsorted(pieces.ordinary, labels[labels != IGNORED])
        precision = config.precision
        loss = masked_loss(model, asked, micro_tokens=micro, precision=precision, device=device)
        counts.append(len(wanted))
        losses.append(loss)
        guesses.append(-np.log(frequencies[wanted]).mean())
    return {
        "of them behind a mask": sum(counts),
        "loss there": f"{np.average(losses, weights=counts):.3f}",
        "guessing there": f"{np.average(guesses, weights=counts):.3f}",
    }


def write(out: Path, name: str, rows: list[Row], changes: list[str]) -> None:
    """The CSV and what it was measured with."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / f"{name}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    facts = made(Runtime())
    about = {
        "recipe": "bench/encoders/aligned.yaml",
        "command": " ".join(["python -m bench.pretraining", *changes]),
        "machine": f"{facts['processor']}, {facts['cores']} cores",
        "date": datetime.date.today().isoformat(),
        "seeds": ["0"],
        "note": "time bounds the training, so other machines make more or fewer updates",
    }
    (out / f"{name}.json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
