"""The laboratory's tasks: official formats, true by construction, disjoint, no shortcuts."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from xstilts import export_lab
from xstilts.core.errors import UserError
from xstilts.data import readers
from xstilts.data.files import check, find
from xstilts.data.leaks import index, overlaps
from xstilts.lab import DIGEST, choices, pairs
from xstilts.lab.chance import Chance
from xstilts.lab.export import RELEASES, Sizes, export, translate, vary
from xstilts.lab.grammar import grammar
from xstilts.lab.knobs import Knobs
from xstilts.lab.languages import CODES
from xstilts.lab.meaning import Thing
from xstilts.lab.parser import parses
from xstilts.lab.rendering import said
from xstilts.lab.splits import PARTS, part_of
from xstilts.lab.story import story
from xstilts.lab.supertags import categories, derivation
from xstilts.tasks import get_task, task_names

LAB = [n for n in task_names() if n.startswith("lab_") and not get_task(n).variant_of]
SIZES = Sizes(train=120, dev=40, test=40)
PAIRED = ("lab_tatoeba", "lab_bucc2018", "lab_mewslix", "lab_mewslix_pairs")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("lab")
    export(folder, sizes=SIZES, translated=["qfi"])
    return folder


def read(data: Path, name: str, split: str, code: str) -> list:
    task = get_task(name)
    found = find(task, split, code, [data])
    assert found is not None, (name, split, code)
    return list(readers.read(task, found.files, found.paths, split, code))


def test_the_readers_of_the_official_files_read_every_file(data):
    states = check([get_task(name) for name in LAB], [data])
    assert {state.state for state in states} == {"ok"}
    assert {state.task for state in states} == {*RELEASES, *PAIRED, "lab_squad_v1_retrieval"}


@pytest.mark.parametrize("name", LAB)
def test_a_task_is_read_like_its_counterpart(name):
    own, other = get_task(name), get_task(name.removeprefix("lab_"))
    assert (own.kind, own.choices, own.open_labels) == (
        other.kind,
        other.choices,
        other.open_labels,
    )
    assert own.metrics == other.metrics
    assert own.score == other.score
    assert set(own.labels) <= set(other.labels)
    assert own.train == (f"lab_{other.train}" if other.train else None)
    assert own.languages in (("en",), CODES, CODES[1:])
    if not other.parts:
        assert own.files[0].format in {files.format for files in other.files}


@pytest.mark.parametrize("name", LAB)
def test_planned_sizes_are_those_of_an_export(name, data):
    task, full = get_task(name), Sizes()
    for split in task.splits:
        code = task.languages[-1] if split == task.score else "en"
        there = find(task, split, code, [data])
        if there is None:
            continue
        part = "test" if name == "lab_tydiqa" and split == "dev" else split
        rows = sum(map(readers.asked, read(data, name, split, code)))
        scale = full.of(part) / SIZES.of(part)
        sizes = {
            "train": {"default": task.sizes.train},
            "dev": task.sizes.dev,
            "test": task.sizes.test,
        }
        said = sizes[part]["default"]
        assert abs(said - rows * scale) <= 3 * scale, (split, said, rows)


def test_item_i_says_the_same_in_every_language(data):
    for name in LAB:
        task = get_task(name)
        if not task.parallel or task.kind in ("retrieval", "ranking"):
            continue
        english = read(data, name, task.score, "en")
        for code in ("qfi", "qpa"):
            other = read(data, name, task.score, code)
            assert [(e.id, e.group) for e in english] == [(e.id, e.group) for e in other]
            if task.kind in ("pair", "choice"):
                assert [e.label for e in english] == [e.label for e in other]
            if task.kind == "tagging":
                assert [Counter(e.tags) for e in english] == [Counter(e.tags) for e in other] or (
                    code == "qpa"  # suffixes instead of some words
                )


def test_a_translated_pair_parses_back_to_the_meaning_of_the_english_one(data):
    english = (data / "lab_mnli" / "train.tsv").read_text("utf-8").splitlines()[1:]
    other = (data / "translated" / "qfi" / "lab_mnli" / "train.tsv").read_text("utf-8")
    for one, two in zip(english, other.splitlines()[1:], strict=True):
        (hypothesis,) = parses(grammar("en"), one.split("\t")[5])
        assert parses(grammar("qfi"), two.split("\t")[5]) == [hypothesis]


def test_no_task_reports_a_text_that_any_task_trains_or_selects_on(data):
    trained, reported = [], []
    for name in LAB:
        task = get_task(name)
        for split in task.splits:
            texts = index(
                task.kind, read(data, name, split, "en" if "en" in task.languages else "qab")
            )
            if name in ("lab_mewslix", "lab_mewslix_pairs"):
                continue
            if split == "train" or (split == "dev" and task.score == "test"):
                trained.append((name, split, f"{name}.{split}", texts))
            elif task.score == "test" or name == "lab_tydiqa":
                reported.append((name, texts))
    assert len(trained) > 15
    assert len(reported) > 8
    assert overlaps(trained, reported) == []


def test_the_parts_share_no_event_whatever_it_is_called():
    chance = Chance(0, "parts")
    seen = {part: set() for part in PARTS}
    for part in PARTS:
        for _ in range(300):
            event = pairs.inference(chance, part, Knobs(steps=2)).second[0].event
            seen[part].add((event.verb, event.patient.word))
            assert part_of(event) == part
    assert not seen["train"] & seen["test"]
    assert not seen["train"] & seen["dev"]


@pytest.mark.parametrize("code", CODES)
def test_answers_are_whole_noun_phrases_where_the_reader_finds_them(data, code):
    for example in read(data, "lab_xquad", "test", code)[:30]:
        (answer,), (start,) = example.answers, example.starts
        before, after = example.context[:start], example.context[start + len(answer) :]
        assert before == "" or before[-1] == " "
        assert after[0] in " .,"


def test_an_answer_is_what_the_question_asks_for(data):
    spoken = grammar("en")
    for example in read(data, "lab_xquad", "test", "en"):
        (asked,) = parses(spoken, example.question)
        sentence = next(s for s in example.context.split(".") if example.answers[0] in s)
        if asked.event.agent == Thing("who"):
            assert example.answers[0][0].isupper()
        elif asked.event.patient == Thing("what"):
            assert asked.event.agent.word in sentence


def test_every_sentence_has_a_derivation_of_its_categories():
    chance, spoken = Chance(4, "categories"), grammar("en")
    for _ in range(60):
        for sentence in story(chance):
            tokens = spoken.tokens(sentence)
            assert derivation(categories(tokens)) is not None, spoken.text(sentence)
    tokens = spoken.tokens(next(iter(story(chance))))
    assert derivation([*reversed(categories(tokens))]) is None


def _words(first: list[str], second: list[str], counter: CountVectorizer):
    return hstack([counter.transform(first), counter.transform(second)]).tocsr()


PAIRS = {
    "inference": (pairs.inference, Knobs(), 3),
    "long inference": (pairs.inference, Knobs(steps=2, length=4), 3),
    "inference on states": (pairs.inference, Knobs(shared=0.0), 3),
    "paraphrase": (pairs.paraphrase, Knobs(), 2),
}


@pytest.mark.parametrize("name", PAIRS)
def test_words_alone_do_not_tell_the_label_of_a_pair(name):
    """Majority, the second text alone, and the words of both: within 5 points of chance."""
    make, knobs, labels = PAIRS[name]
    rows = {}
    for part, count in (("train", 3000), ("test", 2000)):
        chance = Chance(7, "shortcut", name, part)
        drawn = [make(chance, part, knobs) for _ in range(count)]
        rows[part] = [[said(d.first, "en"), said(d.second, "en"), d.label] for d in drawn]
    first, second, gold = (list(column) for column in zip(*rows["train"], strict=True))
    first_test, second_test, gold_test = (list(c) for c in zip(*rows["test"], strict=True))
    counter = CountVectorizer(token_pattern=r"\w+").fit(first + second)
    chance_level = 100 / labels
    assert 100 * max(Counter(gold_test).values()) / len(gold_test) < chance_level + 5
    for train, test in (
        (counter.transform(second), counter.transform(second_test)),
        (_words(first, second, counter), _words(first_test, second_test, counter)),
    ):
        model = LogisticRegression(C=0.1, max_iter=1000).fit(train, gold)
        assert 100 * model.score(test, gold_test) < chance_level + 5


CHOICES = {
    "ending": (choices.ending, 4),
    "company": (choices.company, 5),
    "culprit": (choices.culprit, 4),
    "cause": (choices.cause_or_effect, 2),
}


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_is_right_no_more_often_for_its_words(name):
    """Ranked by words of the choices, each as such and as often as the context has it."""
    make, count = CHOICES[name]
    rows = {part: _choices(make, name, part) for part in ("train", "test")}
    counter = CountVectorizer(token_pattern=r"\w+").fit(
        c for _, texts, _ in rows["train"] for c in texts
    )
    right = [i == label for _, texts, label in rows["train"] for i in range(len(texts))]
    features = [_in_context(context, texts, counter) for context, texts, _ in rows["train"]]
    model = LogisticRegression(C=0.1, max_iter=1000).fit(vstack(features), right)
    hits = [
        int(np.argmax(model.decision_function(_in_context(context, texts, counter)))) == label
        for context, texts, label in rows["test"]
    ]
    assert abs(100 * np.mean(hits) - 100 / count) < 5
    places = Counter(label for _, _, label in rows["test"])
    assert 100 * max(places.values()) / len(rows["test"]) < 100 / count + 5


def _in_context(context: str, texts: list[str], counter: CountVectorizer) -> csr_matrix:
    """Words of each choice; those times their count in the context; and the sum of these."""
    words = counter.transform(texts)
    repeated = words.multiply(counter.transform([context]))
    return hstack([words, repeated, repeated.sum(axis=1)]).tocsr()


def _choices(make, name: str, part: str) -> list[tuple[str, list[str], int]]:
    chance = Chance(8, "shortcut", name, part)
    out = []
    for _ in range(1500):
        drawn = make(chance, part)
        texts = [c.word if isinstance(c, Thing) else said([c], "en") for c in drawn.choices]
        out.append((said(drawn.context, "en"), texts, drawn.label))
    return out


def test_an_inference_is_what_its_label_says():
    chance = Chance(3, "labels")
    seen = Counter()
    for _ in range(300):
        pair = pairs.inference(chance, "train", Knobs(steps=0))
        said_of = pair.second[0].event
        told = [s.event._replace(place=None, time="") for s in pair.first]
        same = [e for e in told if e._replace(negated=said_of.negated) == said_of]
        label = "neutral" if not same else "entailment" if said_of in same else "contradiction"
        assert pair.label == label
        seen[label] += 1
    assert min(seen.values()) > 70


def test_the_same_seed_writes_the_same_bytes_everywhere(tmp_path):
    small = Sizes(train=20, dev=10, test=10)
    whole = hashlib.sha256()
    for path in sorted(export(tmp_path / "a", sizes=small)):
        whole.update(path.relative_to(tmp_path / "a").as_posix().encode() + path.read_bytes())
    assert whole.hexdigest()[:16] == DIGEST
    export(tmp_path / "b", sizes=small, seed=1)
    one, other = (tmp_path / x / "lab_xnli" / "test-qfi.tsv" for x in "ab")
    assert one.read_bytes() != other.read_bytes()


def test_knobs_turn_what_they_say(tmp_path):
    changes = ["sizes.train=200", "sizes.dev=8", "sizes.test=8"]
    plain = tmp_path / "plain"
    export_lab(plain, *changes)
    turned = tmp_path / "turned"
    export_lab(turned, *changes, "lab_mnli.labels=2", "lab_xnli.length=4", "lab_anli_plus.shared=0")
    assert {e.label for e in read(plain, "lab_mnli", "train", "en")} == set(pairs.INFERENCES)
    assert {e.label for e in read(turned, "lab_mnli", "train", "en")} == {*pairs.INFERENCES[:2]}
    assert {e.first.count(".") for e in read(plain, "lab_xnli", "test", "en")} == {2}
    assert {e.first.count(".") for e in read(turned, "lab_xnli", "test", "en")} == {4}
    assert all(" was " in e.second for e in read(turned, "lab_anli_plus", "train", "en"))
    assert not any(" was " in e.second for e in read(plain, "lab_anli_plus", "train", "en"))


def test_a_variant_is_written_with_its_knob_turned_and_said_in_other_languages(tmp_path, data):
    name = "lab_mnli_labels_2"
    written = vary(tmp_path, name, SIZES)
    assert {path.parent.name for path in written} == {name}
    examples = read(tmp_path, name, "train", "en")
    assert len(examples) == SIZES.train
    assert {e.label for e in examples} == set(get_task(name).labels) == {*pairs.INFERENCES[:2]}
    first = written[0].read_bytes()
    assert vary(tmp_path, name, SIZES) == written and written[0].read_bytes() == first
    there = translate(tmp_path, name, "qfi", SIZES)
    assert there == tmp_path / "translated" / "qfi" / name / "train.tsv"
    other = read(tmp_path / "translated" / "qfi", name, "train", "en")
    assert [(e.id, e.label) for e in other] == [(e.id, e.label) for e in examples]
    vary(tmp_path, "lab_mnli_times_3", SIZES)
    more = read(tmp_path, "lab_mnli_times_3", "train", "en")
    few = read(data, "lab_mnli", "train", "en")
    assert len(more) == 3 * len(few)
    assert [e.first for e in more[: len(few)]] == [e.first for e in few]
    noisy = vary(tmp_path, "lab_mnli_noise_30", SIZES)
    assert noisy[1].read_bytes() == (data / "lab_mnli" / "dev_matched.tsv").read_bytes()


def test_label_noise_replaces_that_share_of_training_labels_and_of_no_others():
    for part, wrong in (("train", 0.3), ("test", 0.0)):
        chance = Chance(6, "noise", part)
        flips = 0
        for _ in range(600):
            pair = pairs.inference(chance, part, Knobs(steps=0, noise=0.3))
            about = pair.second[0].event
            told = [s.event._replace(place=None, time="") for s in pair.first]
            same = [e for e in told if e._replace(negated=about.negated) == about]
            true = "neutral" if not same else "entailment" if about in same else "contradiction"
            flips += true != pair.label
        assert abs(flips / 600 - wrong) < 0.06


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("lab_mnlu.noise=0.1", "Did you mean 'lab_mnli'"),
        ("lab_mnli.nois=0.1", "Did you mean 'noise'"),
        ("lab_hellaswag.steps=2", "No knob of lab_hellaswag is called 'steps'"),
        ("sizes.trian=2", "Did you mean 'train'"),
        ("lab_mnli.noise=2", "no value of noise"),
        ("sizes.train=many", "no value of train"),
        ("lab_mnli.labels=1", "no value of labels"),
    ],
)
def test_a_wrong_knob_is_told_so(tmp_path, change, told):
    with pytest.raises(UserError, match=told):
        export_lab(tmp_path, change)


def test_hellaswags_endings_are_both_people_with_both_things(data):
    rows = (data / "lab_hellaswag" / "hellaswag_val.jsonl").read_text("utf-8").splitlines()
    for row in map(json.loads, rows):
        assert len(set(row["endings"])) == 4
        assert len({e.split()[0] for e in row["endings"]}) == 2
        assert row["endings"][row["label"]].split()[0] == row["ctx"].split("then, ")[-1].split()[0]
