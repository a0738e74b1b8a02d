"""The stage that mines two collections of sentences, and the score of what it finds."""

import random

import numpy as np
import pyarrow.parquet as pq
import pytest

from xstilts.core.context import Context, Result
from xstilts.core.spec import Runtime
from xstilts.data.read import EXAMPLES, write_examples
from xstilts.data.slices import Tokens
from xstilts.data.tokens import tokens
from xstilts.retrieve.spec import Mine
from xstilts.retrieve.stage import mine_sentences
from xstilts.scoring.mining import two_fold
from xstilts.scoring.spec import Score
from xstilts.scoring.stage import score
from xstilts.tasks.examples import Sentence


def collections(texts, seed=0):
    """40 sources, 30 of which stand among 50 targets, as they are; source 5 and 6 are alike."""
    rng = random.Random(seed)
    words = sorted({w for t in texts for w in t.split() if w.isalpha()})
    said = [" ".join(rng.choices(words, k=rng.randint(4, 12))) for _ in range(60)]
    ours, theirs = said[:40], said[10:60]
    ours[6] = ours[5] = theirs[0]
    order = rng.sample(range(50), 50)
    gold = {10 + i: f"en-{order.index(i)}" for i in range(30)}
    source = [
        Sentence(f"de-{i}", f"de-{i}", "source", t, (gold[i],) if i in gold else ())
        for i, t in enumerate(ours)
    ]
    target = [Sentence(f"en-{j}", f"en-{j}", "target", theirs[i], ()) for j, i in enumerate(order)]
    return source + target


class Mined:
    """What the stages wrote for one collection."""

    def __init__(self, folder, encoder, examples, **how):
        self.context = Context(Runtime(threads=1), {"encoder": encoder, "tokenizer": encoder})
        places = [folder / name for name in ("examples", "tokens", "mined", "scored")]
        for place in places:
            place.mkdir(parents=True)
        self.folder = places[3]
        write_examples(places[0] / EXAMPLES, examples)
        self.examples = Result(places[0], {}, "examples")
        config = Tokens(tokenizer="tokenizer", kind="mining", labels=(), max_length=64, stride=0)
        value = tokens(config, {"examples": self.examples}, places[1], self.context)
        inputs = {"tokens": Result(places[1], value, "tokens"), "examples": self.examples}
        config = Mine(encoder="encoder", layer=1, precision="fp32", **how)
        value = mine_sentences(config, inputs, places[2], self.context)
        self.predictions = Result(places[2], value, "mined")

    @property
    def pairs(self):
        found = pq.read_table(self.predictions.folder / "predictions.parquet").to_pydict()
        return list(zip(found["score"], found["source"], found["target"], strict=True))

    def score(self, dev=None, threshold="held out"):
        inputs = {"predictions": self.predictions, "examples": self.examples}
        if dev:
            inputs |= {"dev_predictions": dev.predictions, "dev_examples": dev.examples}
        return score(Score(kind="mining", threshold=threshold), inputs, self.folder, self.context)


@pytest.fixture
def mined(tmp_path, encoder_folder, release_texts):
    def make(name="test", seed=0, **how):
        return Mined(tmp_path / name, encoder_folder(), collections(release_texts, seed), **how)

    return make


def test_the_same_sentence_on_both_sides_is_found_first(mined):
    found = mined()
    scores = [s for s, *_ in found.pairs]
    assert scores == sorted(scores, reverse=True)
    gold = {(f"de-{10 + i}") for i in range(30)}
    assert {source for _, source, _ in found.pairs[:20]} <= gold
    assert len({s for _, s, _ in found.pairs}) == len(found.pairs)
    said = "block 1/2, mean pooling, ratio margin of cosines, k 4, max"
    assert found.predictions.value == {"n": len(found.pairs), "protocol": said}


def test_a_sentence_that_stands_twice_on_its_side_is_no_candidate(mined):
    found = mined()
    assert not {"de-5", "de-6", "de-10"} & {source for _, source, _ in found.pairs}


def test_one_gold_for_both_is_named_an_oracle_and_cannot_be_beaten(mined):
    found = mined()
    held, oracle = found.score(), found.score(threshold="oracle")
    assert held["protocol"].endswith("max, two-fold")
    assert oracle["protocol"].endswith("max, oracle threshold")
    assert held["n"] == oracle["n"] == 30
    assert 50 < held["scores"]["f1"] <= oracle["scores"]["f1"]
    assert held["floors"] == {"f1": 0.0, "precision": 0.0, "recall": 0.0}
    taken = pq.read_table(found.folder / "taken.parquet").to_pylist()
    level = taken[-1]["score"]
    assert [p["score"] for p in taken] == sorted((p["score"] for p in taken), reverse=True)
    assert {(p["source"], p["target"]) for p in taken} == {
        (source, target) for score, source, target in found.pairs if score >= level
    }
    assert len(taken) * oracle["scores"]["precision"] / 100 == pytest.approx(
        30 * oracle["scores"]["recall"] / 100
    )
    right = np.load(found.folder / "right.npy")
    assert len(right) == 30 and right.sum() / 30 == oracle["scores"]["recall"] / 100


def test_the_threshold_of_dev_is_applied_to_test(mined):
    found, dev = mined(), mined("dev", seed=1)
    record = found.score(dev)
    assert record["protocol"].endswith("max, threshold of dev")
    assert 50 < record["scores"]["f1"] <= found.score(threshold="oracle")["scores"]["f1"]


def test_each_half_is_taken_by_the_threshold_of_the_other():
    """Where the halves' scores lie apart, a half's own threshold would be perfect: not here."""
    pairs = [(f"s{i}", f"t{i}") for i in range(200)]
    from xstilts.scoring.mining import _fold

    gold = pairs[:100]
    scores = {p: (1.0 if p in gold else 0.5) + 10 * _fold(p) for p in pairs}
    taken = two_fold(scores, gold)
    high = {p for p in pairs if _fold(p)}
    low_gold = {p for p in gold if not _fold(p)}
    assert high <= taken, "the low half's threshold lets all of the high half pass"
    assert not low_gold & taken, "the high half's threshold lets none of the low half pass"


def test_nothing_is_taken_where_no_candidate_of_the_other_half_is_right():
    gold = [(f"s{i}", f"t{i}") for i in range(20)]
    assert two_fold({("x", "y"): 2.0, ("z", "w"): 1.0}, gold) == set()
