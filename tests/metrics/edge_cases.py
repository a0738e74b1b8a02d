"""About 1,000 edge-case predictions a task, spread over all its languages, from a fixed seed.

The examples are of our own kinds, with gold, so that they take the same way as a run's: they are
scored by the rules of their task and written by `xstilts export`. What the official scripts print
for them is in `oracles/official.json`; `run_official.py` makes that file.
"""

import random
from typing import Any

from make_oracles import ENTITY_TAGS, POS_TAGS, TRAPS, WORDS, gold_answers, mistaken, phrase

from xstilts.stats.benchmarks import XTREME, XTREME_R
from xstilts.tasks.examples import Choice, Pair, Parallel, Sentence, Span, Tagged

SEED = 20201116
PER_TASK = 1000
Case = tuple[list[Any], list[Any]]

# Every article that MLQA's script drops, by language. Hindi and Chinese have none.
MLQA_ARTICLES = {
    "ar": "ال".split(),
    "de": "ein eine einen einem eines einer der die das den dem des".split(),
    "en": "a an the".split(),
    "es": "un una unos unas el la los las".split(),
    "vi": "của là cái chiếc những".split(),
}
# Words of MLQA's languages, some with articles inside of them or in capitals; punctuation of each
# script, and runs of letters among Han characters.
MLQA_WORDS = {
    "ar": "النهر ال في جسر، قال مسألة؟ ٣ طاحونة".split(),
    "de": "der Fluss die des Einen Dieb eine Mühle über „Haus“ derb 3,5".split(),
    "en": "the mill a an another then River U.S. half-day Anna’s 1,200".split(),
    "es": "el la los río unas ¿quién? Unamuno loslos niña UN 20%".split(),
    "hi": "नदी पुल। का एक चक्की, २० the".split(),
    "vi": "của sông là những cối cái chiếcxe Là cầu 8/3".split(),
    "zh": ["河", "桥", "磨坊", "3", "km", "、", "的", "U.S.", "〇", "龥", "龦", "㐀", " ", "。"],
}
for _language, _articles in MLQA_ARTICLES.items():
    MLQA_WORDS[_language] += [word for word in _articles if word not in MLQA_WORDS[_language]]
MLQA_TRAPS = [
    lambda gold: gold,
    str.upper,
    str.title,
    lambda gold: f"der {gold}",
    lambda gold: f"los {gold}",
    lambda gold: f"ال{gold}",
    lambda gold: f" ال {gold}",
    lambda gold: f"của {gold}",
    lambda gold: f"the {gold} a",
    lambda gold: f"«{gold}»",
    lambda gold: f"{gold}。",
    lambda gold: f"¿{gold}?",
    lambda gold: f"{gold}।",
    lambda gold: f"„{gold}“ – x",
    lambda gold: gold.replace(" ", ""),
    lambda gold: gold.replace(" ", "\u3000"),
    lambda gold: gold[::-1],
    lambda gold: gold[1:],
    lambda gold: gold.split(" ", 1)[-1],
    lambda gold: f"{gold} {gold}",
    lambda gold: "",
    lambda gold: "the",
    lambda gold: "、",
]


def world() -> dict[tuple[str, str], Case]:
    """(task, language) -> examples with gold, and predictions in their order."""
    made = {}
    for benchmark in (XTREME, XTREME_R):
        for task, languages in benchmark.languages.items():
            if task not in _MAKE:
                continue
            every = sorted({*languages, *XTREME_R.languages.get(task, ())})
            for language in every:
                rng = random.Random(f"{SEED} {task} {language}")
                made[task, language] = _MAKE[task](rng, language, -(-PER_TASK // len(every)))
    return made


def mined(language: str) -> tuple[list[tuple[str, str]], dict[tuple[str, str], float]]:
    """Gold pairs and candidates with their margins; in `de` many are equal, in `fr` all right."""
    rng = random.Random(f"{SEED} mined {language}")
    pairs = [(f"{language}-{i:03d}", f"en-{i:03d}") for i in range(250)]
    gold = [pair for pair in pairs if rng.random() < 0.7]
    scores, digits = {}, 2 if language == "de" else 6
    for one, other in pairs if language != "fr" else gold:
        right = rng.random() < 0.6 or language == "fr"
        target = other if right else f"en-{rng.randrange(250):03d}"
        scores[one, target] = round(rng.gauss(1.1 if right else 1.0, 0.1), digits)
    return gold, scores


def taken(language: str) -> Case:
    """The sentences of :func:`mined` with their gold, and every second candidate as if taken."""
    gold, scores = mined(language)
    found = [Sentence(one, one, "source", "x", (other,)) for one, other in gold]
    return found, list(scores)[::2]


def unanswered() -> tuple[dict[str, list[str]], dict[str, str], dict[str, float]]:
    """Gold answers, answers and no-answer probabilities of SQuAD 2.0; some probabilities equal."""
    rng = random.Random(f"{SEED} unanswered")
    gold = {
        f"n{i}": [] if rng.random() < 0.4 else [a for a in gold_answers(rng)]
        for i in range(PER_TASK)
    }
    said = {
        q: TRAPS[i % len(TRAPS)](rng.choice(answers) if answers else phrase(rng))
        for i, (q, answers) in enumerate(gold.items())
    }
    sure = {
        q: round(min(1.0, max(0.0, rng.gauss(0.3 if answers else 0.7, 0.25))), 3)
        for q, answers in gold.items()
    }
    return gold, said, sure


def no_answer_cases() -> dict[str, tuple[dict[str, list[str]], dict[str, str], dict[str, float]]]:
    """Name -> gold, answers and no-answer scores of SQuAD 2.0.

    The scores are probabilities; or log-odds, of which many are above the script's usual threshold
    of 1.0; or probabilities of answers that are all wrong, so that none is best.
    """
    gold, said, sure = unanswered()
    odds = {q: round(8 * p - 4, 3) for q, p in sure.items()}
    return {
        "squad_v2": (gold, said, sure),
        "squad_v2_odds": (gold, said, odds),
        "squad_v2_lost": (gold, dict.fromkeys(gold, "nowhere"), sure),
    }


def rankings() -> tuple[list[list[int]], list[list[int]]]:
    """1 to 30 right answers of 60, and ranked ones: some twice, lists of any length."""
    rng = random.Random(f"{SEED} rankings")
    gold, ranked = [], []
    for _ in range(PER_TASK):
        gold.append(rng.sample(range(60), rng.choice([1, 1, 2, 11, 11, 30])))
        found = rng.sample(range(60), rng.choice([0, 1, 19, 20, 21, 60]))
        ranked.append([found[0], *found] if found and rng.random() < 0.2 else found)
    return gold, ranked


def entities(language: str) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Mewsli-X: the one right entity of each mention, and ranked entities; some mentions absent."""
    rng = random.Random(f"{SEED} entities {language}")
    gold, ranked = {}, {}
    for i in range(-(-PER_TASK // 11)):
        mention, right = f"{language}{i:04d}", f"Q{rng.randrange(10**6)}"
        gold[mention] = [right]
        found = [f"Q{rng.randrange(10**6)}" for _ in range(rng.choice([0, 5, 25]))]
        if rng.random() < 0.8:
            found.insert(rng.randint(0, len(found)), right)
        if rng.random() < 0.9:
            ranked[mention] = found
    return gold, ranked


def _spans(rng: random.Random, language: str, n: int, *, mlqa: bool = False) -> Case:
    examples, said = [], []
    traps = MLQA_TRAPS + TRAPS if mlqa else TRAPS
    for i in range(n):
        answers = [_mlqa_answer(rng, language)] if mlqa else gold_answers(rng)
        context = " ".join(sorted(answers, key=len, reverse=True))
        starts = tuple(context.index(text) for text in answers)
        examples.append(Span(f"{language}-{i}", f"{i}", context, "?", tuple(answers), starts))
        said.append(traps[i % len(traps)](rng.choice(answers)))
    return examples, said


def _mlqa_answer(rng: random.Random, language: str) -> str:
    words = MLQA_WORDS[language] if rng.random() < 0.9 else rng.choice(WORDS)
    joiner = "" if language == "zh" else " "
    answer = joiner.join(rng.choice(words) for _ in range(rng.randint(1, 4)))
    return answer if answer.split() else words[0]


def _mlqa(rng: random.Random, language: str, n: int) -> Case:
    return _spans(rng, language, n, mlqa=True)


def _labels(rng: random.Random, labels: tuple[str, ...], n: int) -> Case:
    examples = [Pair(f"{i}", f"{i}", "a", "b", rng.choice(labels)) for i in range(n)]
    said = [e.label if rng.random() < 0.6 else rng.choice(labels) for e in examples]
    return examples, said


def _tagged(rng: random.Random, tags: list[str], swaps: dict[str, str], n: int) -> Case:
    examples, said = [], []
    for i in range(n):
        gold = [rng.choice(tags)]
        for _ in range(rng.randint(0, 8)):
            gold.append(gold[-1] if rng.random() < 0.3 else rng.choice(tags))
        examples.append(Tagged(f"{i}", f"{i}", ("w",) * len(gold), tuple(gold)))
        said.append([mistaken(tag, tags, swaps, rng) for tag in gold])
    return examples, said


def _translations(rng: random.Random, language: str, n: int) -> Case:
    """English sentences out of order, some equal, some with blanks around."""
    texts = [rng.choice(["  b", "B", "a", "ab ", "é", "zz"]) + f"{i % 7}" for i in range(n)]
    examples = [Parallel(f"{i}", f"{i}", "x", text) for i, text in enumerate(texts)]
    return examples, [i if rng.random() < 0.6 else rng.randrange(n) for i in range(n)]


def _choices(rng: random.Random, language: str, n: int) -> Case:
    examples = [
        Choice(f"{i}", f"{i}", "c", "cause", ("x", "y"), rng.randint(0, 1)) for i in range(n)
    ]
    return examples, [e.label if rng.random() < 0.6 else 1 - e.label for e in examples]


_POS_SWAPS = {"CCONJ": "SCONJ", "SCONJ": "CCONJ", "X": "_", "_": "X", "NOUN": "PROPN"}
_NER_SWAPS = {tag: ("I" if tag[0] == "B" else "B") + tag[1:] for tag in ENTITY_TAGS[1:]}
_NLI = ("contradiction", "entailment", "neutral")
_MAKE = {
    "xnli": lambda rng, language, n: _labels(rng, _NLI, n),
    "pawsx": lambda rng, language, n: _labels(rng, ("0", "1"), n),
    "udpos": lambda rng, language, n: _tagged(rng, POS_TAGS, _POS_SWAPS, n),
    "panx": lambda rng, language, n: _tagged(rng, ENTITY_TAGS, _NER_SWAPS, n),
    "xquad": _spans,
    "tydiqa": _spans,
    "mlqa": _mlqa,
    "tatoeba": _translations,
    "xcopa": _choices,
}
