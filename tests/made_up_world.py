"""Files of five tasks in their official names and formats, about a few hundred invented words.

The stand-ins for German and Swahili share 70 % and 30 % of the word forms of the one for English
and have words of their own for the rest; word order is the same. Labels are true by construction.
"""

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RECIPE = str(Path(__file__).with_name("small.yaml"))  # on these files
SHARED = {"en": 1.0, "de": 0.7, "sw": 0.3}
_SYLLABLES = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]


@dataclass(frozen=True)
class Sentence:
    """`name adjective noun verb noun place`, as indices of word lists."""

    name: int
    adjective: int
    subject: int
    verb: int
    object: int
    place: int


class World:
    """Word lists of every language, and sentences about them."""

    def __init__(self, seed: int = 0) -> None:
        """Invent the words."""
        rng = random.Random(seed)
        sizes = {"noun": 80, "name": 40, "verb": 40, "adjective": 30}
        used: set[str] = set()
        self.words: dict[str, dict[str, list[str]]] = {}
        for language, share in SHARED.items():
            lists = {}
            for kind, size in sizes.items():
                english = self.words["en"][kind] if language != "en" else []
                lists[kind] = [
                    english[i] if english and rng.random() < share else _invent(rng, used)
                    for i in range(size)
                ]
            self.words[language] = lists

    def sentence(self, rng: random.Random) -> Sentence:
        """A random sentence."""
        return Sentence(*(rng.randrange(n) for n in (40, 30, 80, 40, 80, 80)))

    def tagged(self, s: Sentence, language: str) -> list[tuple[str, str]]:
        """Words and tags."""
        w = self.words[language]
        return [
            (w["name"][s.name].capitalize(), "PROPN"),
            (w["verb"][s.verb], "VERB"),
            (w["adjective"][s.adjective], "ADJ"),
            (w["noun"][s.subject], "NOUN"),
            (w["noun"][s.object], "NOUN"),
            (w["name"][s.place % 40].capitalize(), "PROPN"),
            (".", "PUNCT"),
        ]

    def text(self, s: Sentence, language: str) -> str:
        """The sentence as text."""
        words = [word for word, _ in self.tagged(s, language)]
        return " ".join(words[:-1]) + words[-1]


def _invent(rng: random.Random, used: set[str]) -> str:
    while True:
        word = "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(2, 3)))
        if word not in used:
            used.add(word)
            return word


def export(folder: Path, seed: int = 0) -> None:
    """Write training and test files of five tasks in their official formats under ``folder``."""
    world, rng = World(seed), random.Random(seed + 1)
    sentences = [world.sentence(rng) for _ in range(2600)]
    train, test = sentences[:2000], sentences[2000:]
    _nli(folder, world, rng, train, test)
    _questions(folder, world, train, test)
    _tags(folder, world, train, test)
    _pairs(folder, world, test)


def _write(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in lines), "utf-8", newline="\n")


def _relation(world: World, rng: random.Random, s: Sentence, label: str) -> Sentence:
    """The same sentence, one with another verb, or one about something else."""
    if label == "entailment":
        return s
    if label == "contradiction":
        return Sentence(s.name, s.adjective, s.subject, (s.verb + 20) % 40, s.object, s.place)
    return world.sentence(rng)


def _nli(
    folder: Path, world: World, rng: random.Random, train: list[Sentence], test: list[Sentence]
) -> None:
    labels = ("contradiction", "entailment", "neutral")
    rows = ["index\tpromptID\tpairID\tgenre\tsentence1\tsentence2\tlabel1\tgold_label"]
    for i, s in enumerate(train):
        label = labels[i % 3]
        first, second = (world.text(x, "en") for x in (s, _relation(world, rng, s, label)))
        rows.append(f"{i}\t{i}\t{i}\tlab\t{first}\t{second}\t{label}\t{label}")
    _write(folder / "mnli" / "train.tsv", rows)
    pairs = [(s, _relation(world, rng, s, labels[i % 3])) for i, s in enumerate(test[:300])]
    for language in SHARED:
        lines = [
            f"{world.text(a, language)}\t{world.text(b, language)}\t{labels[i % 3]}"
            for i, (a, b) in enumerate(pairs)
        ]
        _write(folder / "xnli" / f"test-{language}.tsv", lines)


def _questions(folder: Path, world: World, train: list[Sentence], test: list[Sentence]) -> None:
    for name, part, language in [
        ("squad/train-v1.1.json", train[:1600], "en"),
        *((f"xquad/xquad.{x}.json", test[:400], x) for x in SHARED),
    ]:
        paragraphs = [
            _paragraph(world, part[i : i + 4], language, f"{i}") for i in range(0, len(part), 4)
        ]
        document = {"version": "1.1", "data": [{"title": "lab", "paragraphs": paragraphs}]}
        _write(folder / name, [json.dumps(document)])


def _paragraph(world: World, facts: list[Sentence], language: str, name: str) -> dict[str, object]:
    """Four facts; each question asks for the object of one of them."""
    context = " ".join(world.text(s, language) for s in facts)
    asked = []
    for i, s in enumerate(facts):
        words = [w for w, _ in world.tagged(s, language)]
        start = context.index(world.text(s, language)) + len(" ".join(words[:4])) + 1
        question = f"{words[0]} {words[1]}?"
        answer = {"text": words[4], "answer_start": start}
        asked.append({"id": f"{name}-{i}", "question": question, "answers": [answer]})
    return {"context": context, "qas": asked}


def _tags(folder: Path, world: World, train: list[Sentence], test: list[Sentence]) -> None:
    parts = {"train-en": (train[:600], "en"), "dev-en": (train[600:800], "en")}
    parts |= {f"test-{x}": (test[:200], x) for x in SHARED}
    for name, (part, language) in parts.items():
        pos: list[str] = []
        entities: list[str] = []
        for s in part:
            tagged = world.tagged(s, language)
            pos += [f"{word}\t{tag}" for word, tag in tagged] + [""]
            entities += [f"{word}\t{_entity(i)}" for i, (word, _) in enumerate(tagged)] + [""]
        _write(folder / "udpos" / f"{name}.tsv", pos)
        _write(folder / "panx" / f"{name}.tsv", entities)


def _entity(place: int) -> str:
    return {0: "B-PER", 5: "B-LOC"}.get(place, "O")


def _pairs(folder: Path, world: World, test: list[Sentence]) -> None:
    for language, code in (("de", "deu"), ("sw", "swh")):
        for side, spoken in ((code, language), ("eng", "en")):
            lines = [world.text(s, spoken) for s in test[:300]]
            _write(folder / "tatoeba" / f"tatoeba.{code}-eng.{side}", lines)


def translate(folder: Path, out: Path, languages: Sequence[str]) -> None:
    """Put the training files of MNLI and POS under ``out/LANGUAGE``, word by word, ids kept."""
    world = World()
    english = [w for kind in world.words["en"].values() for w in kind]
    for language in languages:
        said = [w for kind in world.words[language].values() for w in kind]
        other = dict(zip(english, said, strict=True))
        other |= {a.capitalize(): b.capitalize() for a, b in other.items()}
        for name, there in (
            ("mnli/train.tsv", "mnli/train.tsv"),
            ("udpos/train-en.tsv", f"udpos/train-{language}.tsv"),
        ):
            lines = (folder / name).read_text("utf-8").splitlines()
            told = [re.sub(r"[a-zA-Z]+", lambda m: other.get(m[0], m[0]), x) for x in lines]  # noqa: B023
            _write(out / language / there, told)
