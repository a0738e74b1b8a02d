"""Writes the inputs of the metric oracles: `python tests/metrics/make_oracles.py OUT`.

Everything is drawn from a fixed seed out of the small word lists below. `OUT` gets

    squad_v1.gold.json     SQuAD 1.1 layout                squad_v1.pred.json   {id: answer}
    squad_v2.gold.json     SQuAD 2.0 layout                squad_v2.pred.json   {id: answer}
    udpos.gold.txt         one tag a line, blank line      udpos.pred.txt
    panx.gold.txt          between sentences               panx.pred.txt
    pawsx.gold.txt         one label a line                pawsx.pred.txt
    tatoeba.xx.npy         int8 (n, dim), searched         tatoeba.en.npy       int8, queries
    tatoeba.gold.txt       one index into `xx` a line

`oracles/printed.json` holds what the official scripts printed for these files, and
`oracles/tatoeba.pred.txt` what the official search returned. They were made as follows, with
Python 3.11, `PYTHONUTF8=1`, seqeval 1.2.2, numpy 2.4.6 and faiss-cpu 1.15.1.

XTREME: github.com/google-research/xtreme at 838c13b69daafb9328785d16caae2711e4012123, from
its root, unchanged:

    python third_party/evaluate_squad.py squad_v1.gold.json squad_v1.pred.json
    python -c "import json, evaluate
    print(json.dumps(evaluate.evaluate_one_task(PRED, GOLD, TASK, 'en')))"

the latter for `xquad`, `udpos`, `panx`, `pawsx`, `tatoeba`; and for the search

    import numpy, utils_retrieve   # with third_party on the path
    x, y = (numpy.load(f"tatoeba.{side}.npy").astype("float32") for side in ("xx", "en"))
    for row in utils_retrieve.similarity_search(x, y, x.shape[1], normalize=True):
        print(row[0])

(`evaluate_retrieval.py` writes `str(row)`, thus `[3]`, while XTREME's sample predictions
hold `3`, and only that equals a label.)

SQuAD 1.1 once more: github.com/allenai/bi-att-flow at
49004549e9a88b78c359b31481afa7792dbb3f4a, which XTREME's copy derives from:

    python squad/evaluate-v1.1.py squad_v1.gold.json squad_v1.pred.json

SQuAD 2.0: github.com/rajpurkar/SQuAD-explorer at eee5fdbf62f8613a7812b03419e6b29617b74fd1:

    python evaluate-v2.0.py squad_v2.gold.json squad_v2.pred.json
"""

import json
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

SEED = 20200526
QUESTIONS_V1, QUESTIONS_V2 = 520, 260
SENTENCES, LABELS, EMBEDDINGS, DIM = 520, 520, 520, 16
PER_PARAGRAPH = 13

# One list a language; answers are runs of its words. The last two write no spaces.
WORDS = [
    "red mill river stone 1,200 Anna's half-day bridge $40 an ant the hen U.S. tea_pot".split(),
    "Straße die Mühle über ein Äpfel 3,5 grün das Öl".split(),
    "el río años ¿quién? niña la 20% señor".split(),
    "ο μύλος ΠΟΤΑΜΟΣ γέφυρα της ΟΔΟΣ 12".split(),
    "мельница река Ёлка мост «дом» 1905".split(),
    "İstanbul ırmak köprü taş'ta IŞIK 7.".split(),
    "النهر الجسر، طاحونة ٣ قديمة".split(),
    "नदी पुल। चक्की पुराना २०".split(),
    "cối xay sông cầu đá những 8/3".split(),
    ["แม่น้ำ", "สะพาน", "โรงสี", "หิน", "๕"],
    ["河", "桥", "磨坊", "石头", "、", "3"],
]
UNSPACED = WORDS[-2:]
EMPTY_WHEN_NORMALISED = ["The", "a", "?", "an...", "(the)", "--"]

# Each turns a gold answer into a prediction that the scripts treat in its own way.
TRAPS: list[Callable[[str], str]] = [
    lambda gold: gold,
    str.upper,
    str.title,
    lambda gold: f"the {gold}",
    lambda gold: f"An {gold} a",
    lambda gold: f"({gold})!",
    lambda gold: f"«{gold}»",
    lambda gold: f"{gold}。",
    lambda gold: f"the’{gold} – “a”",
    lambda gold: f"the-{gold}",
    lambda gold: f"_the_ {gold}",
    lambda gold: f" \t{gold}\u00a0\n",
    lambda gold: gold.replace(" ", "-"),
    lambda gold: gold.replace(" ", "\u3000"),
    lambda gold: gold.split()[0],
    lambda gold: gold.split()[-1] * 2,
    lambda gold: f"{gold} {gold}",
    lambda gold: " ".join(reversed(gold.split())),
    lambda gold: f"near {gold} then",
    lambda gold: f"near the {gold}, then a mill",
    lambda gold: "",
    lambda gold: " the ",
    lambda gold: "...",
    lambda gold: "¿",
    lambda gold: "somewhere else",
    lambda gold: gold[:-1],
]
LEFT_OUT_EVERY = 17

POS_TAGS = (
    "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X _".split()
)
ENTITY_TAGS = ["O", *(f"{prefix}-{kind}" for prefix in "BI" for kind in ("PER", "ORG", "LOC"))]


def phrase(rng: random.Random) -> str:
    """One to four words of one language."""
    words = rng.choice(WORDS)
    joiner = "" if words in UNSPACED else " "
    return joiner.join(rng.choice(words) for _ in range(rng.randint(1, 4)))


def gold_answers(rng: random.Random) -> list[str]:
    """One to three acceptable answers that lie in one another, as annotators' answers do."""
    if rng.random() < 0.06:
        return [rng.choice(EMPTY_WHEN_NORMALISED)]
    longest = phrase(rng)
    answers = [longest]
    if rng.random() < 0.3:
        answers = [f"the {longest}.", longest]
    if rng.random() < 0.3 and " " in longest:
        answers.append(longest.split(" ", 1)[1])
    return answers


def squad_file(
    version: str, questions: Sequence[tuple[str, list[str]]], rng: random.Random
) -> dict[str, Any]:
    """The official layout; a paragraph is the longest answers of its questions in a row."""
    paragraphs = []
    for start in range(0, len(questions), PER_PARAGRAPH):
        block = questions[start : start + PER_PARAGRAPH]
        context = " ".join(max(answers, key=len) for _, answers in block if answers)
        entries: list[dict[str, Any]] = []
        for identity, answers in block:
            spans = [{"text": text, "answer_start": context.index(text)} for text in answers]
            entry = {"id": identity, "question": rng.choice(["who?", "where?"]), "answers": spans}
            entries.append(entry | ({} if version == "1.1" else {"is_impossible": not answers}))
        paragraphs.append({"context": context, "qas": entries})
    half = len(paragraphs) // 2
    articles = [
        {"title": "Mill", "paragraphs": paragraphs[:half]},
        {"title": "River", "paragraphs": paragraphs[half:]},
    ]
    return {"version": version, "data": articles}


def squad_v1(rng: random.Random) -> tuple[dict[str, Any], dict[str, str]]:
    """Every trap in turn, a prediction left out now and then, one for an unknown question."""
    questions = [(f"a{i}", gold_answers(rng)) for i in range(QUESTIONS_V1)]
    predictions = {
        identity: TRAPS[i % len(TRAPS)](rng.choice(answers))
        for i, (identity, answers) in enumerate(questions)
        if i % LEFT_OUT_EVERY
    }
    return squad_file("1.1", questions, rng), predictions | {"unknown": "red mill"}


def squad_v2(rng: random.Random) -> tuple[dict[str, Any], dict[str, str]]:
    """Two in five questions without an answer; none left out, where the script would stop."""
    questions = [
        (f"b{i}", [] if rng.random() < 0.4 else gold_answers(rng)) for i in range(QUESTIONS_V2)
    ]
    predictions = {
        identity: ""
        if rng.random() < 0.2
        else TRAPS[i % len(TRAPS)](rng.choice(answers) if answers else phrase(rng))
        for i, (identity, answers) in enumerate(questions)
    }
    return squad_file("v2.0", questions, rng), predictions


def mistaken(tag: str, tags: Sequence[str], swaps: dict[str, str], rng: random.Random) -> str:
    """The tag itself, mostly; else the one it is easily taken for, or any."""
    chance = rng.random()
    if chance < 0.1:
        return swaps.get(tag, tag)
    return rng.choice(tags) if chance < 0.25 else tag


def tagged(
    rng: random.Random, tags: Sequence[str], swaps: dict[str, str]
) -> tuple[list[list[str]], list[list[str]]]:
    """Gold with runs of equal tags; predictions with swaps, shifts and any tag anywhere."""
    gold, pred = [], []
    for _ in range(SENTENCES):
        sentence = [rng.choice(tags)]
        for _ in range(rng.randint(0, 6)):
            sentence.append(sentence[-1] if rng.random() < 0.3 else rng.choice(tags))
        guess = [mistaken(tag, tags, swaps, rng) for tag in sentence]
        gold.append(sentence)
        pred.append(guess[1:] + guess[:1] if rng.random() < 0.1 else guess)
    return gold, pred


def embeddings(rng: random.Random) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Searched sentences, noisy queries in shuffled order, and where each belongs.

    Every tenth searched row equals the row before it: an exact tie, which only the order of
    the collection can break.
    """
    searched = [[rng.randint(-100, 100) for _ in range(DIM)] for _ in range(EMBEDDINGS)]
    for i in range(10, EMBEDDINGS, 10):
        searched[i] = searched[i - 1]
    gold = list(range(EMBEDDINGS))
    rng.shuffle(gold)
    queries = []
    for i in gold:
        noise = rng.choice([5, 60, 120])
        queries.append([max(-127, min(127, v + rng.randint(-noise, noise))) for v in searched[i]])
    return np.array(searched, dtype=np.int8), np.array(queries, dtype=np.int8), gold


def write_json(path: Path, value: object) -> None:
    """Compact UTF-8 JSON in the order given."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    path.write_text(text + "\n", encoding="utf-8")


def write_lines(path: Path, items: Sequence[object]) -> None:
    """One item a line."""
    path.write_text("".join(f"{item}\n" for item in items), encoding="utf-8")


def write_tags(path: Path, sentences: Sequence[Sequence[str]]) -> None:
    """One tag a line, a blank line after every sentence."""
    write_lines(path, [line for tags in sentences for line in (*tags, "")])


def main(out: Path) -> None:
    """Writes every input; the seed of each kind is its own."""
    out.mkdir(parents=True, exist_ok=True)
    for version, make in (("v1", squad_v1), ("v2", squad_v2)):
        gold, pred = make(random.Random(f"{SEED} squad {version}"))
        write_json(out / f"squad_{version}.gold.json", gold)
        write_json(out / f"squad_{version}.pred.json", pred)

    swaps = {"CCONJ": "SCONJ", "SCONJ": "CCONJ", "X": "_", "_": "X", "NOUN": "PROPN"}
    prefixes = {tag: ("I" if tag[0] == "B" else "B") + tag[1:] for tag in ENTITY_TAGS[1:]}
    for task, tags, mix in (("udpos", POS_TAGS, swaps), ("panx", ENTITY_TAGS, prefixes)):
        gold_tags, pred_tags = tagged(random.Random(f"{SEED} {task}"), tags, mix)
        write_tags(out / f"{task}.gold.txt", gold_tags)
        write_tags(out / f"{task}.pred.txt", pred_tags)

    rng = random.Random(f"{SEED} pawsx")
    labels = [rng.randint(0, 1) for _ in range(LABELS)]
    write_lines(out / "pawsx.gold.txt", labels)
    write_lines(out / "pawsx.pred.txt", [a if rng.random() < 0.7 else 1 - a for a in labels])

    searched, queries, places = embeddings(random.Random(f"{SEED} tatoeba"))
    np.save(out / "tatoeba.xx.npy", searched)
    np.save(out / "tatoeba.en.npy", queries)
    write_lines(out / "tatoeba.gold.txt", places)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
