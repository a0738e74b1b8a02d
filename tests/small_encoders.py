"""Declarations of encoders that are pretrained in a few seconds, and the real steps that do it."""

import random
from pathlib import Path
from typing import Any

import yaml

from xstilts.core.context import Result
from xstilts.core.spec import Runtime
from xstilts.executors import LocalExecutor
from xstilts.graph import Plan, Step
from xstilts.phases.pretraining import Promised, promise
from xstilts.phases.workplace import Workplace

DECLARED: dict[str, Any] = {
    "text": {"folder": "texts"},
    "held": 20,
    "sampling": 1.0,
    "tokenizer": {"size": 120},
    "model": {"layers": 2, "width": 32, "inner": 64, "heads": 2, "positions": 32},
    "masking": {"share": 0.15, "masked": 0.8, "random": 0.1},
    "training": {"updates": 6, "batch_size": 16, "lr": 1.0e-2, "precision": "fp32"},
    "runtime": {"threads": 1, "checkpoint_seconds": 3600},
}
PROVERBS = {
    "en": "the early bird gets a worm|a rolling stone gathers no moss|all roads lead to rome",
    "de": "der frühe vogel fängt den wurm|wer rastet der rostet bald|alle wege führen nach rom",
    "el": "όλοι οι δρόμοι οδηγούν στη ρώμη|η καλή μέρα από το πρωί φαίνεται|αγάλι αγάλι",
}

# one letter is one word, so that every word is a piece
LETTERS = {"de": "abcdefghijklmnop", "el": "αβγδεζηθικλμνξοπ", "en": "ABCDEFGHIJKLMNOP"}
ALIGNED: dict[str, Any] = {"text": {"folder": "aligned"}, "held": 0.1}


def write_texts(folder: Path, documents: int = 200) -> Path:
    """Documents of two proverbs each, one file a language; easy to learn by heart."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(0)
    for language, said in PROVERBS.items():
        known = said.split("|")
        lines = [f"{i}\t{' . '.join(rng.sample(known, 2))}" for i in range(documents)]
        (folder / f"{language}.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def write_aligned(folder: Path, sentences: int = 400) -> Path:
    """Sentences of drawn words, word for word the same in three languages.

    German has the first three quarters of them only; a word is told in each language by its number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(0)
    said = [rng.choices(range(len(LETTERS["en"])), k=rng.randint(4, 8)) for _ in range(sentences)]
    for language, letters in LETTERS.items():
        some = said[: sentences * 3 // 4] if language == "de" else said
        lines = [
            f"{i}\t{' '.join(letters[word] for word in words)}" for i, words in enumerate(some)
        ]
        (folder / f"{language}.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def write_declaration(folder: Path, name: str = "small", **changes: Any) -> Path:
    """``small.yaml`` beside ``texts``; a change replaces a key, or keys of a section."""
    declared = dict(DECLARED)
    for key, value in changes.items():
        section = isinstance(value, dict) and key != "text"
        declared[key] = declared.get(key, {}) | value if section else value
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(declared))
    return file


def promised(file: Path, store: Path, *changes: str) -> Promised:
    """The steps of a declaration."""
    return promise(str(file), Workplace.of(store), changes=changes)


def build(made: Promised, store: Path, step: Step, runtime: Runtime | None = None) -> Result:
    """The result of one of its steps, built if it is missing; its errors are raised."""
    place = Workplace.of(store)
    plan = Plan(made.steps, [step], made.sources, frozenset([made.step.key]))
    runtime = runtime or made.declared.runtime
    outcome = LocalExecutor().run(plan, [step], place.store, runtime, lambda line: None)
    for error in outcome.failed.values():
        raise error
    return place.store.open(step.address, step.key, step.identity)


def build_whole(file: Path, store: Path) -> None:
    """All steps of a declaration, for a process of its own, which may be killed."""
    made = promised(file, store)
    build(made, store, made.step)
