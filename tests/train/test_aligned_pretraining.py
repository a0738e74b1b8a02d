"""Pretraining on aligned text: translation LM, starting vectors, and bounds of time."""

import os
import signal
import time
from multiprocessing import get_context
from types import SimpleNamespace

import numpy as np
import pytest
from small_encoders import ALIGNED, build, build_whole, promised, write_aligned, write_declaration

from xstilts.core.spec import Runtime
from xstilts.data.batches import IGNORED
from xstilts.data.masking import Pieces
from xstilts.data.start import VECTORS
from xstilts.data.text import HELD, documents_of
from xstilts.data.tokens import load_tokenizer
from xstilts.models.masked_lm import new_masked_lm
from xstilts.store.digests import sha256
from xstilts.train import pretraining
from xstilts.train.masked_text import MaskedText
from xstilts.train.optim import rate

TRANSLATES = {"translation": 0.5, "start": "aligned"}
NARROW = {"width": 16, "inner": 32}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    write_aligned(folder / "aligned")
    return folder


def made(home, name="small", store="store", **changes):
    said = ALIGNED | {"model": NARROW} | changes
    return promised(write_declaration(home, name, **said), home / store)


def text_of(home, share, **changes):
    promise = made(home, training={"start": "aligned"}, **changes)
    rows, vocabulary = (
        build(promise, home / "store", s) for s in (promise.rows, promise.tokenizer)
    )
    tokenizer = load_tokenizer(vocabulary.folder)
    config = promise.step.config
    text = MaskedText(rows, Pieces.of(tokenizer), config.masking, 1.0, 0, share)
    return promise, tokenizer, text


def whole_rows(asked):
    """The rows as they were before pieces were masked."""
    labels = asked.extra["label"]
    whole = np.where(labels == IGNORED, asked.ids, labels)
    return np.split(whole, asked.starts[1:-1])


def files(result):
    timed = ("record.json", "pretraining.json")
    return {p.name: sha256(p) for p in sorted(result.folder.iterdir()) if p.name not in timed}


def test_a_share_of_rows_is_read_beside_a_translation_and_nothing_held_out_is(home):
    promise, tokenizer, text = text_of(home, 0.3)
    known, held = {}, set()
    for language, step in promise.texts.items():
        found = build(promise, home / "store", step)
        every = (home / "aligned" / f"{language}.txt").read_text().splitlines()
        known |= {said: (language, name) for name, said in (x.split("\t") for x in every)}
        held |= set(documents_of(found, HELD))
    single, pairs, read = 0, [], 0
    for update in range(100):
        asked, pieces = text.next(update, 16)
        read += sum(pieces.values())
        assert sum(pieces.values()) == len(asked.ids)
        for row in whole_rows(asked):
            ends = np.flatnonzero(row == tokenizer.eos_token_id)
            assert row[0] == tokenizer.bos_token_id and ends[-1] == len(row) - 1
            sides = np.split(row, ends[:1] + 1)
            told = [tokenizer.decode(side, skip_special_tokens=True) for side in sides if len(side)]
            assert not held & set(told)
            if len(told) == 1:
                single += 1
                continue
            assert len(ends) == 3 and ends[1] == ends[0] + 1
            pairs.append([known[x] for x in told])
    assert len(pairs) / (len(pairs) + single) == pytest.approx(0.3, abs=0.05)
    assert all(one[1] == other[1] and one[0] != other[0] for one, other in pairs)
    assert len({(one[0], other[0]) for one, other in pairs}) == 6
    assert sum(text.pairs.values()) == len(pairs)
    assert sum(text.rows.values()) == 1600


def test_without_a_share_the_rows_are_those_of_masked_lm(home):
    plain, mixed = (text_of(home, share)[2] for share in (0.0, 0.3))
    for update in range(10):
        rows, more = (whole_rows(t.next(update, 16)[0]) for t in (plain, mixed))
        for row, other in zip(rows, more, strict=True):
            assert row.tolist() == other[: len(row)].tolist()


def test_pieces_start_from_the_vectors_of_their_sentences(home):
    promise = made(home, training=TRANSLATES)
    vectors = np.load(build(promise, home / "store", promise.start).folder / VECTORS)
    tokenizer = load_tokenizer(build(promise, home / "store", promise.tokenizer).folder)
    model = new_masked_lm(promise.step.config.model, tokenizer, 1)
    table = model.encoder.get_input_embeddings().weight
    before = table.detach().clone().numpy()
    model.start_from(vectors)
    after, known = table.detach().numpy(), vectors.any(1)
    np.testing.assert_array_equal(after[~known], before[~known])
    scale = np.sqrt(np.mean(before[known] ** 2) / np.mean(vectors[known] ** 2))
    np.testing.assert_allclose(after[known], vectors[known] * scale, rtol=1e-5)
    assert model.inner.lm_head.decoder.weight is table


def test_the_record_says_what_guessing_costs_on_the_same_pieces(home):
    promise = made(home, "records", training=TRANSLATES)
    result = build(promise, home / "store", promise.step)
    _, _, text = text_of(home, 0.0)
    costs, numbers = [], []
    for number, language in enumerate(text.languages):
        of_pieces = -np.log(text.frequencies[number])
        cost = dict(zip(text.pieces.ordinary.tolist(), of_pieces, strict=True))
        labels = text.held_out(language).extra["label"]
        costs += [cost[piece] for piece in labels[labels != IGNORED].tolist()]
        numbers.append((labels != IGNORED).sum())
    held, languages = result.value["held"], result.value["languages"]
    assert held["pieces"] == len(costs)
    assert held["unigram_loss"] == pytest.approx(np.mean(costs))
    losses = [languages[language]["held_loss"] for language in text.languages]
    assert held["loss"] == pytest.approx(np.average(losses, weights=numbers))
    assert held["unigram_entropy"] == pytest.approx(np.log(16), abs=0.1)
    rows, pairs = (sum(x[name] for x in languages.values()) for name in ("rows", "pairs"))
    assert rows == 6 * 16 and 0.3 < pairs / rows < 0.7
    assert f"{pairs} rows read beside a translation" in (result.folder / "README.md").read_text()


STEP = 0.25
TIME = {"updates": None, "minutes": 0.05}  # 3 seconds: 12 updates of a quarter of a second


@pytest.fixture
def clock(monkeypatch):
    """A clock that only updates move, each by a quarter of a second, on any machine."""
    clock, really = SimpleNamespace(now=100.0), pretraining.Run.one_update
    clock.monotonic = lambda: clock.now

    def update(self, lr):
        clock.now += STEP
        return really(self, lr)

    monkeypatch.setattr(pretraining, "time", clock)
    monkeypatch.setattr(pretraining.Run, "one_update", update)
    return clock


def test_time_bounds_a_run_and_the_record_says_how_far_it_came(home, clock):
    promise = made(home, "timed", training=TRANSLATES | TIME)
    value = build(promise, home / "store", promise.step).value
    assert value["seconds"] == 3 and value["lineage"][0]["updates"] == value["updates"] == 12
    assert value["pieces"] == sum(x["seen"] for x in value["languages"].values())


def test_a_resumed_run_has_only_the_time_that_is_left(home, clock, monkeypatch):
    promise = made(home, "resumes", seed=9, training=TRANSLATES | TIME)
    really, begun, rates = pretraining.Run.one_update, [], []

    def stop(self, lr):
        if len(begun) == 1 and self.progress.seconds > 1.2:
            raise KeyboardInterrupt
        rates.append(lr)
        return really(self, lr)

    def start(self):
        begun.append(self.progress.seconds)
        return train(self)

    train = pretraining.Run.train
    monkeypatch.setattr(pretraining.Run, "train", start)
    monkeypatch.setattr(pretraining.Run, "one_update", stop)
    always = Runtime(threads=1, checkpoint_seconds=0)
    with pytest.raises(KeyboardInterrupt):
        build(promise, home / "store", promise.step, always)
    clock.now = 9000.0  # hours later
    value = build(promise, home / "store", promise.step, always).value
    assert begun == [0, 1.25]
    assert value["seconds"] == 3 and value["updates"] == 12
    assert rates == [rate(250 * update, 3000, promise.step.config) for update in range(12)]


@pytest.fixture
def start():
    """Pretrain in a process of its own; none outlives the test."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["xstilts.train.pretraining"])
    started = []

    def process(file, store):
        started.append(context.Process(target=build_whole, args=(file, store)))
        started[-1].start()
        return started[-1]

    yield process
    for one in started:
        one.kill()
        one.join()
        one.close()


@pytest.mark.parametrize("bound", [{"updates": 60}, {"updates": None, "tokens": 12000}])
def test_killed_twice_and_resumed_ends_with_the_same_bytes(home, bound, tmp_path, start):
    said = {"training": TRANSLATES | bound, "runtime": {"threads": 1, "checkpoint_seconds": 0}}
    promise = made(home, "killed", **said)
    step = promise.step
    work = tmp_path / "torn" / "work" / f"{step.address.replace('/', '__')}-{step.key}"
    kills = []
    for update in (10, 25):
        victim = start(home / "killed.yaml", tmp_path / "torn")
        while newest(work) < update:
            assert victim.is_alive()
            time.sleep(0.005)
        os.kill(victim.pid, signal.SIGKILL)
        victim.join()
        kills.append(newest(work))
    torn, whole = (build(promise, tmp_path / name, step) for name in ("torn", "whole"))
    assert 10 <= kills[0] < kills[1] < whole.value["updates"]
    assert files(torn) == files(whole)
    timed = ("seconds", "tokens_per_second")
    assert {k: v for k, v in torn.value.items() if k not in timed} == {
        k: v for k, v in whole.value.items() if k not in timed
    }


def newest(work):
    """Updates in the newest checkpoint, 0 before the first."""
    found = sorted(work.glob("checkpoint-*"))
    return int(found[-1].name.removeprefix("checkpoint-")) if found else 0
