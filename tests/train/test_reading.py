"""Masked LM beside a task and alone: what is read, asked, learnt, kept and told."""

import gzip
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from test_resume import WHOLE, files, timeless
from tiny_encoders import LENGTH
from transformers import AutoModel, AutoModelForMaskedLM
from workbench import how

from xstilts.data.batches import IGNORED, TokenArrays
from xstilts.data.corpora import Corpus, FolderText, Rows
from xstilts.data.masking import Masking
from xstilts.graph import Step
from xstilts.models.masked_lm import MaskedLM, load_masked_lm
from xstilts.phases.pretraining import ROWS as ROWS_STAGE
from xstilts.phases.pretraining import TEXT
from xstilts.phases.steps import TRAIN
from xstilts.store.digests import sha256
from xstilts.train import loop, text_part
from xstilts.train.mixture import alone, between
from xstilts.train.spec import Reading
from xstilts.train.text_spec import MASKING, ROWS, TextUpdates

HIDDEN = Masking(share=0.15, masked=1.0, random=0.0)  # no asked place shows its piece
SHORT = {"batch_size": 8, "select": {"every": 100, "patience": 50}}
FAMILIES = ("xlmr", "bert", "deberta", "modernbert")


def documents(code):
    """Sentences of one language in which every other word follows from the one before."""
    rng = np.random.default_rng(len(code) + ord(code[0]))
    words = [f"{code}{chr(97 + i)}{chr(97 + j)}" for i in range(6) for j in range(2)]
    lines = []
    for _ in range(160):
        said = [words[2 * i : 2 * i + 2] for i in rng.integers(0, 6, 5)]
        lines.append(" ".join(word for pair in said for word in pair))
    return [f"{i}\t{line}" for i, line in enumerate(lines)]


@pytest.fixture
def texts(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    for code in ("de", "sw"):
        (folder / f"{code}.txt").write_text("".join(f"{x}\n" for x in documents(code)))
    return folder


def rows(bench, texts, languages=("de", "sw"), length=48):
    inputs = {}
    for language in languages:
        digest = sha256(texts / f"{language}.txt")
        bench.sources[digest] = texts / f"{language}.txt"
        corpus = Corpus(language=language, source=FolderText(digests=(digest,)), held=16)
        inputs[f"text.{language}"] = Step(TEXT, language, corpus)
    return Step(ROWS_STAGE, "some", Rows(length=length, tokenizer=bench.files.tokenizer), inputs)


def updates(bench, share=1.0, masking=MASKING):
    tokenizer = bench.files.tokenizer
    return TextUpdates(share=share, sampling=0.5, masking=masking, tokenizer=tokenizer)


def reading(
    bench,
    texts,
    examples=8 * 120,
    said=None,
    start=None,
    languages=("de", "sw"),
    masking=MASKING,
):
    config = Reading(
        text=updates(bench, masking=masking),
        examples=examples,
        encoder=None if start else bench.files.digest,
        how=said or how(lr=5e-3, **SHORT),
        seed=0,
    )
    inputs = {ROWS: rows(bench, texts, languages)}
    inputs |= {"start": start} if start else {}
    return Step(TRAIN, "mlm", config, inputs)


def mixed(bench, texts, share, said, name="mnli", languages=("de", "sw"), masking=MASKING):
    plain = bench.train(name, said)
    config = plain.config.model_copy(update={"text": updates(bench, share, masking)})
    inputs = {**plain.inputs, ROWS: rows(bench, texts, languages)}
    return plain, Step(TRAIN, f"{name}+mlm", config, inputs)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_head_is_the_checkpoints_own_or_else_new_and_tied(
    workbench, encoder_folder, tmp_path, family
):
    folder = encoder_folder(family)
    model, kind = load_masked_lm(folder, seed=1, dropout=0.0)
    assert kind == "new"
    table = model.encoder.get_input_embeddings().weight
    assert model.inner.get_output_embeddings().weight is table
    again, _ = load_masked_lm(folder, seed=1, dropout=0.0)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
    model.save(tmp_path / "own")
    own, kind = load_masked_lm(tmp_path / "own", seed=2, dropout=0.0)
    assert kind == "own"
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, own.state_dict()[name]), name
    library = AutoModelForMaskedLM.from_pretrained(str(tmp_path / "own"), dtype=torch.float32)
    ids = torch.arange(5, 25).reshape(2, 10)
    mask, asked = torch.ones_like(ids), torch.zeros_like(ids, dtype=torch.bool)
    asked[0, 3] = asked[1, 1] = asked[1, 8] = True
    with torch.no_grad():
        expected = library.eval()(input_ids=ids, attention_mask=mask).logits[asked]
        torch.testing.assert_close(own.eval()(ids, mask, asked), expected, rtol=1e-5, atol=1e-5)


def test_the_loss_falls_in_the_languages_read_and_asked_places_show_what_masking_says(
    workbench, texts, monkeypatch
):
    bench, seen = workbench(), []
    really, masks = MaskedLM.forward, loop.masked_loss

    def forward(self, ids, mask, asked):
        seen[-1:] = [(seen[-1][0], ids.clone(), asked.clone())] if seen else []
        return really(self, ids, mask, asked)

    told = []

    def loss(model, arrays, **more):
        seen.append((arrays, None, None))
        value = masks(model, arrays, **{**more, "micro_tokens": 10**6})
        told.append((arrays, *seen[-1][1:]))
        return value

    monkeypatch.setattr(MaskedLM, "forward", forward)
    monkeypatch.setattr(loop, "masked_loss", loss)
    result = bench.build(reading(bench, texts))
    text = result.value["text"]
    assert (result.value["verdict"], result.value["dev_metric"]) == ("ok", "-loss")
    assert text["head"] == "new" and text["share"] == 1.0
    for language, of in text["languages"].items():
        # A fifth of the asked places shows no mask. Even if these cost nothing, guessing by
        # frequency at the others would cost more than this, so context was used.
        bound = MASKING.masked * of["held_unigram_loss"]
        assert of["held_loss"] < bound - 0.2 < of["held_loss_before"], language
    mean = np.mean([of["held_loss"] for of in text["languages"].values()])
    assert -result.value["dev_score"] == pytest.approx(mean)
    assert len(told) == result.value["updates"] == 120
    tokenizer_mask = 4
    hidden = kept = other = 0
    for arrays, ids, asked in told:
        order = np.argsort(arrays.lengths, kind="stable")
        labels = torch.from_numpy(arrays.padded(order, "label", IGNORED))
        assert torch.equal(labels != IGNORED, asked)
        entered, true = ids[asked], labels[asked]
        hidden += int((entered == tokenizer_mask).sum())
        kept += int((entered == true).sum())
        other += int(((entered != tokenizer_mask) & (entered != true)).sum())
    whole = hidden + kept + other
    assert 0.75 < hidden / whole < 0.85
    assert 0.05 < kept / whole < 0.15 and 0.05 < other / whole < 0.15


def test_the_losses_told_are_on_all_that_was_held_out_and_on_nothing_else(
    workbench, texts, monkeypatch
):
    bench, asked, really = workbench(), [], text_part.masked_loss

    def watch(model, arrays, **more):
        labels = arrays.extra["label"]
        asked.append(np.where(labels == IGNORED, arrays.ids, labels).tolist())
        return really(model, arrays, **more)

    monkeypatch.setattr(text_part, "masked_loss", watch)
    step = reading(bench, texts, examples=16)
    assert set(bench.build(step).value["text"]["languages"]) == {"de", "sw"}
    made = bench.open(step.inputs[ROWS])
    held = TokenArrays.load(made.folder, made.value["pad"], "held-")
    spoken = np.repeat(held.extra["language"], held.lengths)
    rounds = len(asked) // 2
    assert rounds >= 2  # before and after
    assert asked == [held.ids[spoken == i].tolist() for i in (0, 1)] * rounds


def test_scores_do_not_depend_on_what_stands_behind_the_mask(encoder_folder):
    model, _ = load_masked_lm(encoder_folder("xlmr"), seed=0, dropout=0.0)
    model.eval().without_padding()
    ids = torch.arange(5, 25).reshape(2, 10)
    asked = torch.zeros_like(ids, dtype=torch.bool)
    asked[:, 4] = True
    with torch.no_grad():
        shown = model(ids.masked_fill(asked, 4), torch.ones_like(ids), asked)
        other = ids.masked_fill(asked, 30).masked_fill(asked, 4)
        assert torch.equal(model(other, torch.ones_like(ids), asked), shown)
        leaked = model(ids, torch.ones_like(ids), asked)
    assert not torch.equal(leaked, shown)


def test_what_was_read_is_an_encoder_with_a_head_that_reading_goes_on_with(workbench, texts):
    bench = workbench()
    first = reading(bench, texts, examples=80)
    folder = bench.build(first).folder
    AutoModel.from_pretrained(str(folder))
    again = replace(reading(bench, texts, examples=16, start=first), label="mlm.mlm")
    value = bench.build(again).value
    assert value["text"]["head"] == "own"
    before = {x: n["held_loss_before"] for x, n in value["text"]["languages"].items()}
    after = bench.open(first).value["text"]["languages"]
    assert before == {x: pytest.approx(n["held_loss"], abs=1e-5) for x, n in after.items()}
    task = bench.build(bench.train("mnli", how(epochs=1, **SHORT), start=again)).value
    assert [link["task"] for link in task["lineage"]] == ["mlm", "mlm", "mnli"]
    assert task["lineage"][0]["text"].keys() == {"de", "sw"}


@pytest.mark.parametrize(
    ("encoder", "name"),
    [("xlmr", "mnli"), ("bert", "udpos"), ("xlmr", "squad_v1_retrieval"), ("deberta", "hellaswag")],
)
def test_a_task_is_trained_as_without_text_and_the_text_is_learnt_beside_it(
    workbench, texts, monkeypatch, encoder, name
):
    bench, seen, really = workbench(encoder), [], loop.summed_gradient

    def watch(model, arrays, examples, **more):
        seen.append(examples.tolist())
        return really(model, arrays, examples, **more)

    monkeypatch.setattr(loop, "summed_gradient", watch)
    plain, step = mixed(bench, texts, 0.8, how(lr=5e-3, epochs=4, **SHORT), name, masking=HIDDEN)
    alone_ = bench.build(plain).value
    examples, seen[:] = list(seen), []
    result = bench.build(step)
    value, text = result.value, result.value["text"]
    assert seen == examples
    assert value["updates"] == 5 * alone_["updates"]
    assert text["updates"] == 4 * alone_["updates"]
    assert text["expected_updates"] == pytest.approx(0.8 * value["updates"])
    assert sum(of["rows"] for of in text["languages"].values()) == text["updates"] * 8
    for language, of in text["languages"].items():
        # No asked place shows its piece, so neither copying nor guessing by frequency gets here.
        assert of["held_loss"] < of["held_unigram_loss"] - 0.2 < of["held_loss_before"], language
    names = {*load_file(result.folder / "model.safetensors")}
    assert not [name for name in names if "lm_head" in name or "predictions" in name]
    after = bench.build(bench.train("hellaswag", how(epochs=1, **SHORT), start=step)).value
    assert after["lineage"][0]["text"].keys() == {"de", "sw"}


@pytest.mark.parametrize("alone_", [True, False])
def test_lineage_tells_the_rows_that_the_kept_weights_have_read(workbench, texts, alone_):
    bench = workbench()
    said = how(lr=1e-12, epochs=0.5, batch_size=8, select={"every": 5, "patience": 5})
    step = reading(bench, texts, 8 * 40, said) if alone_ else mixed(bench, texts, 0.5, said)[1]
    value = bench.build(step).value
    link, every = value["lineage"][-1], value["text"]["languages"]
    assert link["updates"] == value["selected_update"] == 5 < value["updates"]
    assert sum(of["rows"] for of in every.values()) == value["text"]["updates"] * 8
    assert sum(link["text"].values()) % 8 == 0
    assert sum(link["text"].values()) == 5 * 8 if alone_ else sum(link["text"].values()) <= 5 * 8


def test_a_mixture_reads_between_its_updates_and_keeps_its_counts(workbench, texts):
    bench = workbench()
    plain = bench.mix(["hellaswag", "mnli"], how(epochs=0.5, **SHORT))
    config = plain.config.model_copy(update={"text": updates(bench, 0.25)})
    step = Step(TRAIN, "multi+mlm", config, {**plain.inputs, ROWS: rows(bench, texts)})
    without, value = bench.build(plain).value, bench.build(step).value
    assert value["updates"] == without["updates"] + value["text"]["updates"]
    assert value["text"]["updates"] == round(without["updates"] / 3)
    counts = [{t: p["realised"] for t, p in v["parts"].items()} for v in (without, value)]
    assert counts[0] == counts[1]
    assert {*value["lineage"][-1]} >= {"realised", "text"}


def test_the_loss_falls_in_the_language_that_is_read_and_in_no_other(workbench, texts):
    bench = workbench()
    read = reading(bench, texts, 8 * 80, languages=("de",), masking=HIDDEN)
    german = replace(read, label="de")
    still = how(lr=1e-12, **SHORT)
    both = {"none": None, "german": german}
    results = {
        name: bench.build(
            replace(reading(bench, texts, 8, still, start, masking=HIDDEN), label=f"{name}.looked")
        )
        for name, start in both.items()
    }
    loss = {name: result.value["text"]["languages"] for name, result in results.items()}
    for language, of in loss["german"].items():
        learnt = of["held_loss"] < of["held_unigram_loss"] - 0.4  # nothing is there to be copied
        assert learnt == (language == "de"), (language, of)
    fell = {x: loss["none"][x]["held_loss"] - loss["german"][x]["held_loss"] for x in ("de", "sw")}
    assert fell["de"] > fell["sw"] + 0.3


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.8])
def test_text_comes_at_its_share_and_leaves_the_tasks_order(share):
    draws = alone(100, 40, 16)
    found = between(draws, share, 1, 8, seed=3)
    reads = found.task == 1
    assert abs(reads.mean() - share) < 1 / len(reads)
    for name in ("task", "start", "count"):
        assert getattr(found, name)[~reads].tolist() == getattr(draws, name).tolist()
    assert found.start[reads].tolist() == list(range(reads.sum()))
    assert set(found.count[reads]) == {8}
    halves = reads[: len(reads) // 2].sum(), reads[len(reads) // 2 :].sum()
    assert abs(halves[0] - halves[1]) < 0.5 * reads.sum() + 3


@pytest.mark.parametrize("alone_", [True, False])
def test_an_interrupted_reading_ends_with_the_same_bytes(workbench, texts, monkeypatch, alone_):
    said = how(epochs=0.3, dropout=0.1, batch_size=8, select={"every": 6, "patience": 50})
    benches = {name: workbench(store=name) for name in ("whole", "torn")}
    steps = {
        name: reading(bench, texts, 8 * 16, said) if alone_ else mixed(bench, texts, 0.5, said)[1]
        for name, bench in benches.items()
    }
    expected = benches["whole"].build(steps["whole"], WHOLE)
    begun = 0
    for stop in (1, 7, expected.value["updates"] - 1):
        left, really = [stop - begun], loop.Run.gradient

        def broken(run, micro_tokens, left=left, really=really):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return really(run, micro_tokens)

        with monkeypatch.context() as patch:
            patch.setattr(loop.Run, "gradient", broken)
            with pytest.raises(KeyboardInterrupt):
                benches["torn"].build(steps["torn"], WHOLE)
        begun = stop
    found = benches["torn"].build(steps["torn"], WHOLE)
    assert files(found) == files(expected)
    assert timeless(found.value) == timeless(expected.value)


def test_micro_batches_change_nothing_but_rounding(workbench, texts):
    found = []
    for micro in (50, 10**6):
        bench = workbench(store=f"micro{micro}")
        bench.runtime = bench.runtime.model_copy(update={"micro_tokens": micro})
        _, step = mixed(bench, texts, 0.5, how(lr=1e-4, epochs=0.3, **SHORT))
        found.append(load_file(bench.build(step).folder / "model.safetensors"))
    for name, tensor in found[0].items():
        torch.testing.assert_close(found[1][name], tensor, rtol=0, atol=2e-5)


@pytest.mark.skipif(
    not (os.environ.get("XSTILTS_MODELS") and os.environ.get("XSTILTS_DATA")),
    reason="the shared encoder and text are not here",
)
def test_the_shared_encoder_reads_with_the_head_that_it_was_trained_with(workbench, tmp_path):
    bench = workbench(Path(os.environ["XSTILTS_MODELS"]) / "mini-xlmr")
    told = Path(os.environ["XSTILTS_DATA"]) / "text" / "ntrex"
    for language in ("de", "sw"):
        lines = gzip.open(told / f"{language}.txt.gz", "rt", encoding="utf-8").readlines()[:400]
        (tmp_path / f"{language}.txt").write_text("".join(lines), "utf-8")
    step = reading(bench, tmp_path, 8, how(lr=1e-12, **SHORT))
    text = bench.build(step).value["text"]
    assert text["head"] == "own"
    for language, of in text["languages"].items():
        assert of["held_loss_before"] < of["held_unigram_loss"] - 1, language


def test_rows_are_as_long_as_asked_and_no_longer_than_the_encoder_reads(workbench, texts):
    bench = workbench("bert")
    value = bench.build(rows(bench, texts, length=12))
    lengths = np.diff(np.load(value.folder / "train-starts.npy"))
    assert lengths.max() == 12 < LENGTH
