"""A new encoder learns from text, says what it read, and can be loaded by anyone."""

import json

import numpy as np
import pytest
import torch
from small_encoders import build, promised, write_declaration, write_texts
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from xstilts.core.context import Context
from xstilts.core.spec import Runtime
from xstilts.data.batches import IGNORED
from xstilts.data.masking import Pieces
from xstilts.data.text import HELD, documents_of
from xstilts.data.tokens import load_tokenizer
from xstilts.models.masked_lm import new_masked_lm
from xstilts.models.task_model import load_encoder
from xstilts.store.digests import sha256
from xstilts.train import checkpoint, pretraining
from xstilts.train.masked_text import MaskedText

CPU = torch.device("cpu")
LEARNS = {
    "training": {"updates": 300, "lr": 5.0e-3},
    "model": {"width": 64, "inner": 128},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    write_texts(folder / "texts")
    (folder / "distinct").mkdir()
    for language in ("de", "en"):
        lines = [f"{language} says {number:b}" for number in range(200)]
        (folder / "distinct" / f"{language}.txt").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def learnt(home):
    """An encoder that learned its text by heart, and its steps."""
    made = promised(write_declaration(home, "learnt", **LEARNS), home / "store")
    return made, build(made, home / "store", made.step)


def short(home, store="store", **changes):
    """A run of a few updates."""
    file = write_declaration(home, "short", **changes)
    made = promised(file, home / store)
    return made, build(made, home / store, made.step)


def running(home, folder, micro_tokens=4096, **changes):
    """A run that has not begun, to be taken update by update."""
    made = promised(write_declaration(home, "running", **changes), home / "store")
    rows, vocabulary = (build(made, home / "store", s) for s in (made.rows, made.tokenizer))
    tokenizer = load_tokenizer(vocabulary.folder)
    config = made.step.config
    text = MaskedText(rows, Pieces.of(tokenizer), config.masking, config.sampling, config.seed)
    model = new_masked_lm(config.model, tokenizer, 1)
    context = Context(Runtime(threads=1, micro_tokens=micro_tokens))
    return pretraining.Run(config, text, model, folder, context, CPU)


def files(result):
    """Name -> SHA-256 of every file of a result but those that tell how long it took."""
    timed = ("record.json", "pretraining.json")
    return {p.name: sha256(p) for p in sorted(result.folder.iterdir()) if p.name not in timed}


def timeless(value):
    return {k: v for k, v in value.items() if k not in ("seconds", "tokens_per_second")}


def test_the_loss_falls_far_below_guessing_by_frequency(learnt):
    value = learnt[1].value
    assert value["verdict"] == "ok"
    for facts in value["languages"].values():
        assert facts["held_unigram_loss"] > 2.5
        assert facts["held_loss"] < facts["held_unigram_loss"] - 1.5


def test_pieces_are_counted_by_language_and_add_up(home, learnt):
    made, result = learnt
    languages = result.value["languages"]
    rows = build(made, home / "store", made.rows).value
    assert {k: v["pieces"] for k, v in languages.items()} == rows["train-pieces"]
    assert sum(v["seen"] for v in languages.values()) == result.value["pieces"]
    assert all(v["seen"] > 0 for v in languages.values())
    assert result.value["lineage"] == [
        {
            "task": "pretrain",
            "updates": 300,
            "seed": 0,
            "languages": ["de", "el", "en"],
            "pieces": result.value["pieces"],
        }
    ]


def test_the_card_and_the_facts_beside_the_weights_say_the_same(learnt):
    folder, value = learnt[1].folder, learnt[1].value
    assert json.loads((folder / "pretraining.json").read_text()) == value
    card = (folder / "README.md").read_text()
    assert card.startswith("---\nlanguage:\n- de\n- el\n- en\n---\n")
    for language, facts in value["languages"].items():
        assert f"| {language} | {facts['pieces']} | {facts['seen']} |" in card


def test_plain_transformers_loads_it_and_finds_the_recorded_loss(home, learnt):
    result = learnt[1]
    model = AutoModelForMaskedLM.from_pretrained(result.folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(result.folder)
    asked = running(home, home / "scratch", **LEARNS).text.held_out("el")
    rows = np.arange(asked.examples)
    ids = torch.from_numpy(asked.padded(rows))
    labels = torch.from_numpy(asked.padded(rows, "label", IGNORED))
    with torch.inference_mode():
        out = model(input_ids=ids, attention_mask=(ids != tokenizer.pad_token_id).long())
    loss = torch.nn.functional.cross_entropy(
        out.logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED
    )
    assert float(loss) == pytest.approx(result.value["languages"]["el"]["held_loss"], abs=1e-4)


def test_plain_transformers_gives_the_states_that_our_stages_start_from(home, learnt):
    made, result = learnt
    tokenizer = AutoTokenizer.from_pretrained(result.folder)
    texts = documents_of(build(made, home / "store", made.texts["de"]), HELD)[:4]
    inputs = tokenizer(texts, padding=True, return_tensors="pt")
    plain = AutoModel.from_pretrained(result.folder).eval()
    masked = AutoModelForMaskedLM.from_pretrained(result.folder).eval()
    ours = load_encoder(result.folder).eval()
    with torch.inference_mode():
        states = [m(**inputs).last_hidden_state for m in (plain, ours, masked.base_model)]
    for other in states[1:]:
        torch.testing.assert_close(states[0], other)


def test_a_learnt_sentence_is_completed(learnt):
    folder = learnt[1].folder
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForMaskedLM.from_pretrained(folder).eval()
    ids = tokenizer("all roads lead to rome . the early bird gets a worm")["input_ids"]
    right = 0
    for place in range(1, len(ids) - 1):
        seen = torch.tensor([ids])
        seen[0, place] = tokenizer.mask_token_id
        with torch.inference_mode():
            right += int(model(seen).logits[0, place].argmax()) == ids[place]
    assert right / (len(ids) - 2) > 0.8


def test_before_the_first_update_it_guesses_by_frequency(home, tmp_path):
    run = running(home, tmp_path)
    mixed = np.average(run.text.frequencies, axis=0, weights=run.text.shares)
    costs = dict(zip(run.text.pieces.ordinary.tolist(), -np.log(mixed), strict=True))
    for language in run.text.languages:
        labels = run.text.held_out(language).extra["label"]
        guessing = np.mean([costs[piece] for piece in labels[labels != IGNORED].tolist()])
        assert run.held_loss(language) == pytest.approx(guessing, abs=0.1)


def test_muon_updates_the_matrices_of_the_blocks_and_adamw_the_rest(home, tmp_path):
    run = running(home, tmp_path, training={"optimizer": "muon"})
    adamw, muon = ([id(p) for g in o.param_groups for p in g["params"]] for o in run.optimizers)
    names = {id(p): name for name, p in run.model.inner.named_parameters()}
    assert sorted(adamw + muon) == sorted(names)
    assert {names[p].split(".")[-1] for p in muon} == {"weight"}
    assert all(".layer." in names[p] and "LayerNorm" not in names[p] for p in muon)
    assert len(muon) == 2 * 6
    before = {name: p.detach().clone() for name, p in run.model.inner.named_parameters()}
    run.one_update(1e-2)
    moved = {n for n, p in run.model.inner.named_parameters() if not torch.equal(p, before[n])}
    assert {names[p] for p in (*adamw, *muon)} - moved <= {"lm_head.decoder.bias"}


def test_only_what_is_asked_for_counts(home, tmp_path):
    """The loss is the library's over the labels alone, and so is its gradient."""
    run = running(home, tmp_path)
    asked = run.text.next(0, 16)[0]
    loss = run.loss(asked, 4096)
    ours = {n: p.grad.clone() for n, p in run.model.inner.named_parameters()}
    library = type(run.model.inner)(run.model.inner.config)
    library.load_state_dict(run.model.inner.state_dict())
    rows = np.arange(asked.examples)
    ids = torch.from_numpy(asked.padded(rows))
    labels = torch.from_numpy(asked.padded(rows, "label", IGNORED))
    out = library(input_ids=ids, attention_mask=(ids != asked.pad).long(), labels=labels)
    out.loss.backward()
    assert loss == pytest.approx(out.loss.item(), rel=1e-5)
    for name, parameter in library.named_parameters():
        torch.testing.assert_close(ours[name], parameter.grad, rtol=1e-3, atol=1e-5)


def test_micro_batches_change_nothing_but_rounding(home, tmp_path):
    gradients = []
    for tokens in (64, 10_000):
        run = running(home, tmp_path)
        asked = run.text.next(0, 16)[0]
        gradients.append([run.loss(asked, tokens)])
        gradients[-1] += [p.grad.clone() for p in run.model.parameters()]
    assert gradients[0][0] == pytest.approx(gradients[1][0], rel=1e-6)
    for a, b in zip(gradients[0][1:], gradients[1][1:], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def rows_of(text, asked):
    """The rows as they were before pieces were masked."""
    labels = asked.extra["label"]
    whole = np.where(labels == IGNORED, asked.ids, labels)
    return [tuple(x) for x in np.split(whole, asked.starts[1:-1])]


def test_a_row_comes_again_only_after_all_rows_of_its_language(home, tmp_path):
    text = running(home, tmp_path, text={"folder": "distinct"}).text
    drawn = [row for update in range(75) for row in rows_of(text, text.next(update, 16)[0])]
    train = text.train
    for number in range(len(text.languages)):
        some = np.flatnonzero(train.extra["language"] == number)
        every = {tuple(train.ids[train.starts[r] : train.starts[r + 1]]) for r in some}
        mine = [row for row in drawn if row in every]
        assert len(every) == len(some) == 180
        assert set(mine[:180]) == set(mine[180:360]) == every
        assert mine[:180] != mine[180:360]


def test_languages_are_drawn_by_their_share_and_their_pieces_are_told(home, tmp_path):
    text = running(home, tmp_path, sampling=0.5).text
    assert sum(text.shares) == pytest.approx(1)
    before, read = dict(text.rows), dict.fromkeys(text.languages, 0)
    for update in range(100):
        asked, more = text.next(update, 16)
        assert sum(more.values()) == len(asked.ids)
        read = {language: read[language] + n for language, n in more.items()}
    rows = np.array([text.rows[x] - before[x] for x in text.languages])
    assert rows.sum() == 1600
    assert rows / 1600 == pytest.approx(text.shares, abs=0.04)
    assert all(n > 0 for n in read.values())


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(home):
    results = [short(home, store, seed=seed)[1] for store, seed in (("a", 1), ("b", 1), ("b", 2))]
    assert files(results[0]) == files(results[1])
    found = files(results[0])
    assert {"model.safetensors", "tokenizer.json", "README.md", "log.jsonl"} <= set(found)
    assert found["model.safetensors"] != files(results[2])["model.safetensors"]


MUON = {"updates": 6, "optimizer": "muon"}


@pytest.mark.parametrize("budget", [{"updates": 6}, {"updates": None, "tokens": 1500}, MUON])
def test_interrupted_and_resumed_is_the_same_as_uninterrupted(home, budget, monkeypatch):
    """Three sessions: checkpoints after every second update, interruptions before others."""
    really, save = pretraining.Run.one_update, checkpoint.save
    updates = []

    def stop(self, lr):
        if self.progress.update in (3, 5) and updates[-1] != self.progress.update - 1:
            raise AssertionError("a session began where none was saved")
        if self.progress.update in interrupted:
            interrupted.remove(self.progress.update)
            raise KeyboardInterrupt
        updates.append(self.progress.update)
        return really(self, lr)

    def rarely(folder, progress, *rest):
        if progress.update % 2 == 0:
            save(folder, progress, *rest)

    always = Runtime(threads=1, checkpoint_seconds=0)
    file = write_declaration(home, "torn", seed=7, training=budget)
    whole = promised(file, home / "whole")
    reference = build(whole, home / "whole", whole.step)
    store = "-".join(["torn", *budget])
    made = promised(file, home / store)
    monkeypatch.setattr(pretraining.Run, "one_update", stop)
    monkeypatch.setattr(checkpoint, "save", rarely)
    interrupted = [3, 5]
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            build(made, home / store, made.step, always)
    torn = build(made, home / store, made.step, always)
    assert updates[:7] == [0, 1, 2, 2, 3, 4, 4]
    assert files(torn) == files(reference)
    assert timeless(torn.value) == timeless(reference.value)
    assert torn.value["pieces"] >= 1500 or budget["updates"]


def test_a_run_that_diverges_keeps_no_weights_and_says_so(home):
    made, result = short(home, seed=3, training={"lr": 1.0e30, "updates": 40, "warmup": 0.0})
    assert result.value["verdict"] == "diverged"
    assert not list(result.folder.glob("*.safetensors"))
    assert made.step.key == result.key
