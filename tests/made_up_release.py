"""A small data folder in the official file formats. Every word in it is invented.

Labels can be read off the words, so that a tiny encoder learns them in a few updates. Lengths vary
a lot, so that padding, windows and micro-batches are put to the test.
"""

import json
import random
from pathlib import Path

LABELS = ("contradiction", "entailment", "neutral")
_SYLLABLES = [c + v for c in "bdfgklmnprst" for v in "aeiou"]
_SIZES = {"name": 12, "verb": 10, "noun": 20, "adj": 8, "place": 8}
_CUES = {
    "en": {"contradiction": "nevo", "entailment": "truli", "neutral": "mebbi"},
    "de": {"contradiction": "nivo", "entailment": "truli", "neutral": "mobbo"},
    "sw": {"contradiction": "kamwi", "entailment": "hakiko", "neutral": "labuda"},
}
_MNLI = (
    "index promptID pairID genre sentence1_binary_parse sentence2_binary_parse "
    "sentence1_parse sentence2_parse sentence1 sentence2 label1 gold_label"
)
_XNLI = "language gold_label sentence1 sentence2 promptID pairID match"


def write_release(root: Path) -> Path:
    """Fill ``root`` with the files of eight tasks; always the same bytes."""
    words = _languages()
    _nli(root, words)
    _questions(root, words)
    _tags(root, words)
    _endings(root, words["en"])
    _translations(root, words)
    return root


def texts(root: Path) -> list[str]:
    """Text to train a tokenizer on."""
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_file():
            found += path.read_text("utf-8").replace('"', " ").split("\n")
    return found


Words = dict[str, list[str]]


def _languages() -> dict[str, Words]:
    rng = random.Random(0)
    english = {kind: [_invent(rng) for _ in range(n)] for kind, n in _SIZES.items()}
    found = {"en": english}
    for language, share in (("de", 0.6), ("sw", 0.2)):
        found[language] = {
            kind: [w if rng.random() < share else _invent(rng) for w in known]
            for kind, known in english.items()
        }
    return found


def _invent(rng: random.Random) -> str:
    return "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(2, 4)))


Fact = list[tuple[str, int]]


def _fact(rng: random.Random, most: int = 3) -> Fact:
    """Word kinds and numbers: name, verb, some adjectives, noun, place."""
    kinds = ["name", "verb", *["adj"] * rng.randint(0, most), "noun", "place"]
    return [(kind, rng.randrange(_SIZES[kind])) for kind in kinds]


def _said(words: Words, fact: Fact) -> list[str]:
    said = [words[kind][i] for kind, i in fact]
    capital = [kind in ("name", "place") for kind, _ in fact]
    return [w.capitalize() if c else w for w, c in zip(said, capital, strict=True)]


def _write(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def _nli(root: Path, words: dict[str, Words]) -> None:
    rng = random.Random(1)
    for name, n in (("train", 240), ("dev_matched", 60)):
        lines = ["\t".join(_MNLI.split())]
        for i in range(n):
            first, second, label = _pair(rng, words, "en", i)
            row = [i, i, f"{i}{label[0]}", "made", "", "", "", "", first, second, label, label]
            lines.append("\t".join(map(str, row)))
        _write(root / "mnli" / f"{name}.tsv", lines)
    lines = ["\t".join(_XNLI.split())]
    for language in ("en", "de", "sw"):
        rng = random.Random(2)
        for i in range(42):
            first, second, label = _pair(rng, words, language, i)
            row = [language, label, first, second, i // 3, i, "False"]
            lines.append("\t".join(map(str, row)))
    _write(root / "xnli" / "xnli.test.tsv", lines)


def _pair(
    rng: random.Random, words: dict[str, Words], language: str, i: int
) -> tuple[str, str, str]:
    label = LABELS[i % 3]
    fact = _fact(rng, most=12)
    first = " ".join(_said(words[language], fact)) + "."
    second = " ".join([_CUES[language][label], *_said(words[language], fact[-3:])])
    return first, second, label


def _questions(root: Path, words: dict[str, Words]) -> None:
    for name, n, language, seed in (
        ("squad/train-v1.1.json", 48, "en", 3),
        ("squad/dev-v1.1.json", 16, "en", 4),
        ("xquad/xquad.en.json", 12, "en", 5),
        ("xquad/xquad.de.json", 12, "de", 5),
    ):
        rng = random.Random(seed)
        paragraphs = [_paragraph(rng, words[language], f"{seed}-{i}") for i in range(n)]
        document = {"version": "1.1", "data": [{"title": "made", "paragraphs": paragraphs}]}
        _write(root / name, [json.dumps(document)])


def _paragraph(rng: random.Random, words: Words, name: str) -> dict[str, object]:
    """One to nine facts; one of them is told with its year, which is asked for twice."""
    facts = [_said(words, _fact(rng)) for _ in range(rng.randint(1, 9))]
    year = str(rng.randint(1000, 1999))
    chosen = rng.randrange(len(facts))
    facts[chosen] = [*facts[chosen], year]
    context = " ".join(" ".join(f) + "." for f in facts)
    answers = [{"text": year, "answer_start": context.index(year)}]
    asked = [f"{facts[chosen][0]} {facts[chosen][1]}?", f"{facts[chosen][0]}?"]
    qas = [{"id": f"{name}-{i}", "question": q, "answers": answers} for i, q in enumerate(asked)]
    return {"context": context, "qas": qas}


_UPOS = {"name": "PROPN", "verb": "VERB", "adj": "ADJ", "noun": "NOUN", "place": "PROPN"}


def _tags(root: Path, words: dict[str, Words]) -> None:
    parts = [("train", "en", 120, 6), ("dev", "en", 40, 7)]
    parts += [("test", language, 30, 8) for language in ("en", "de")]
    for split, language, n, seed in parts:
        rng = random.Random(seed)
        trees: list[str] = []
        names: list[str] = []
        for i in range(n):
            fact = _fact(rng, most=20)
            said = _said(words[language], fact)
            trees += [f"# sent_id = {split}-{i}"]
            for k, (word, (kind, _)) in enumerate(zip(said, fact, strict=True), 1):
                trees.append(f"{k}\t{word}\t_\t{_UPOS[kind]}\t_\t_\t0\troot\t_\t_")
                names.append(f"{word}\t{ {'name': 'B-PER', 'place': 'B-LOC'}.get(kind, 'O') }")
            trees.append("")
            names.append("")
        _write(root / "ud" / f"{language}_made-ud-{split}.conllu", trees)
        _write(root / "panx" / f"{split}-{language}.tsv", names)


def _endings(root: Path, words: Words) -> None:
    cues = _CUES["en"]
    for name, n, seed in (("train", 96, 9), ("val", 40, 10)):
        rng = random.Random(seed)
        lines = []
        for i in range(n):
            start = " ".join(_said(words, _fact(rng, most=8)))
            label = rng.randrange(4)
            said = [cues["entailment" if k == label else "contradiction"] for k in range(4)]
            endings = [f"{cue} {' '.join(_said(words, _fact(rng)))}" for cue in said]
            row = {"ind": i, "activity_label": "Made", "ctx_a": start, "ctx_b": "", "ctx": start}
            row |= {"split": name, "split_type": "indomain", "label": label, "endings": endings}
            lines.append(json.dumps(row | {"source_id": f"made~{i}"}))
        _write(root / "hellaswag" / f"hellaswag_{name}.jsonl", lines)


def _translations(root: Path, words: dict[str, Words]) -> None:
    for language, code in (("de", "deu"), ("sw", "swh")):
        rng = random.Random(11)
        facts = [_fact(rng, most=6) for _ in range(30)]
        for side, spoken in ((code, language), ("eng", "en")):
            lines = [" ".join(_said(words[spoken], f)) + "." for f in facts]
            _write(root / "tatoeba" / f"tatoeba.{code}-eng.{side}", lines)
