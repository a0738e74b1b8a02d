"""Which weights a stage keeps, when it stops, and what it says about how it went."""

import json
import random
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from workbench import KINDS, TRAINED, how

from xstilts.core.spec import Runtime
from xstilts.graph import State
from xstilts.graph.plan import status
from xstilts.train import loop, part


@pytest.fixture
def script(monkeypatch):
    """Make evaluations give these scores; returns the weights at each evaluation."""

    def write(*scores):
        weights, left = [], list(scores)
        really = part.logits

        def watched(model, *args, **more):
            weights.append({k: v.clone() for k, v in model.state_dict().items()})
            return really(model, *args, **more)

        def scripted(kind, examples, predictions):
            return {"accuracy": left.pop(0) if left else scores[-1]}, {"accuracy": 0.0}

        monkeypatch.setattr(part, "logits", watched)
        monkeypatch.setattr(part, "measure", scripted)
        return weights

    return write


def log_of(bench, step):
    lines = (bench.open(step).folder / "log.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


SHORT = {"epochs": 2, "batch_size": 16, "select": {"every": 2, "patience": 50}}  # 12 updates


@pytest.mark.parametrize(
    ("scores", "best"),
    [((10, 50, 30, 20, 20, 20), 1), ((10, 50, 50, 50, 50, 50), 1), ((1, 2, 3, 4, 5, 6), 5)],
)
def test_the_weights_of_the_best_evaluation_are_kept_the_first_of_equals(
    workbench, script, scores, best
):
    bench, weights = workbench(), script(*scores)
    step = bench.train("hellaswag", how(**SHORT))
    result = bench.build(step)
    assert result.value["selected_update"] == 2 * (best + 1)
    assert result.value["dev_score"] == scores[best]
    kept = load_file(result.folder / "model.safetensors")
    assert len(weights) == 6
    for i, there in enumerate(weights):
        same = all(torch.equal(kept[k.removeprefix("inner.")], v) for k, v in there.items())
        assert same == (i == best)


@pytest.mark.parametrize("patience", [1, 3])
def test_training_ends_when_patience_does(workbench, script, patience):
    bench = workbench()
    script(10, 20, 15)
    said = how(**SHORT | {"epochs": 8, "select": {"every": 2, "patience": patience}})
    value = bench.build(bench.train("hellaswag", said)).value
    assert value["planned_updates"] == 48
    assert value["updates"] == 2 * (2 + patience)
    assert value["selected_update"] == 4
    assert value["lineage"][-1]["updates"] == 4


def test_the_log_has_every_evaluation_and_the_last_update_is_one(workbench):
    bench = workbench()
    step = bench.train("hellaswag", how(**SHORT | {"select": {"every": 5, "patience": 50}}))
    value = bench.build(step).value
    evaluated = [e for e in log_of(bench, step) if "dev_accuracy" in e]
    assert [e["update"] for e in evaluated] == [5, 10, 12]
    assert value["dev_score"] == max(e["dev_accuracy"] for e in evaluated)
    losses = [e for e in log_of(bench, step) if "loss" in e]
    assert [e["update"] for e in losses] == [10]
    assert losses[0]["loss"] > 0 and losses[0]["norm"] > 0


def test_the_score_in_the_record_is_that_of_the_kept_weights(workbench):
    for kind in KINDS:
        bench = workbench(store=kind)
        model = bench.train(TRAINED[kind], how(**SHORT))
        predictions = bench.predict(model, bench.examples(TRAINED[kind], "dev"))
        scored = bench.build(bench.score(predictions))
        value = bench.open(model).value
        assert scored.value["scores"][value["dev_metric"]] == pytest.approx(value["dev_score"])
        assert scored.value["floors"][value["dev_metric"]] == pytest.approx(value["dev_floor"])


def test_a_stage_that_learns_is_ok_and_tells_what_it_cost(workbench):
    bench = workbench()
    value = bench.build(bench.train("hellaswag", how(**SHORT))).value
    assert value["verdict"] == "ok"
    assert value["dev_score"] > 80 > 42.5 == value["dev_floor"]
    assert value["examples"] == 96
    pieces = int(bench.arrays(bench.tokens(bench.examples("hellaswag"))).lengths.sum())
    assert value["pieces"] == 2 * pieces
    assert value["seconds"] > 0 and value["tokens_per_second"] > 0


def test_the_next_stage_adds_a_link_to_the_lineage(workbench):
    bench = workbench()
    first = bench.train("hellaswag", how(**SHORT), seed=3)
    second = bench.train("mnli", how(**SHORT), seed=3, start=first)
    links = bench.build(second).value["lineage"]
    assert [(x["task"], x["seed"], x["examples"]) for x in links] == [
        ("hellaswag", 3, 96),
        ("mnli", 3, 240),
    ]


def test_another_seed_gives_other_weights_and_the_same_seed_the_same_bytes(workbench):
    found = {}
    for store, seed in (("a", 0), ("b", 0), ("c", 1)):
        bench = workbench(store=store)
        folder = bench.build(bench.train("hellaswag", how(**SHORT), seed=seed)).folder
        found[store] = (folder / "model.safetensors").read_bytes()
    assert found["a"] == found["b"] != found["c"]


def test_every_epoch_sees_every_example_once_in_an_order_of_its_own(workbench, monkeypatch):
    seen, really = [], loop.summed_gradient

    def watch(model, arrays, examples, **more):
        seen.append(examples.tolist())
        return really(model, arrays, examples, **more)

    monkeypatch.setattr(loop, "summed_gradient", watch)
    for seed in (0, 1):
        bench = workbench(store=f"seed{seed}")
        bench.build(bench.train("hellaswag", how(epochs=2, batch_size=36), seed=seed))
    assert [len(x) for x in seen] == [36, 36, 24] * 4
    epochs = [[e for update in seen[i : i + 3] for e in update] for i in range(0, 12, 3)]
    assert all(sorted(e) == list(range(96)) for e in epochs)
    assert len({tuple(e) for e in epochs}) == 4


def poisoned(bench, tmp_path):
    """The encoder with one weight that is no number."""
    folder = tmp_path / "poisoned"
    shutil.copytree(bench.encoder, folder)
    weights = load_file(folder / "model.safetensors")
    weights["encoder.layer.1.output.dense.weight"][0, 0] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_a_training_that_diverges_keeps_no_weights_and_blocks_what_needs_them(workbench, tmp_path):
    bench = workbench(poisoned(workbench(), tmp_path))
    model = bench.train("hellaswag", how(**SHORT))
    scored = bench.score(bench.predict(model, bench.examples("hellaswag", "dev")))
    outcome = bench.run(scored)
    assert not outcome.failed
    assert outcome.blocked == [scored.inputs["predictions"].address, scored.address]
    value = bench.open(model).value
    assert (value["verdict"], value["updates"], value["dev_score"]) == ("diverged", 0, None)
    assert log_of(bench, model)[-1] == {"update": 0, "loss": "nan", "norm": "nan"}
    assert not list(bench.open(model).folder.rglob("*.safetensors"))
    assert status([scored], bench.store).states[scored.key] is State.BLOCKED
    assert bench.run(scored).ran == []


def test_a_training_that_diverges_on_the_way_says_when(workbench, monkeypatch):
    bench, real = workbench(), loop.summed_gradient
    calls = []

    def explode(model, *args, **more):
        calls.append(1)
        loss = real(model, *args, **more)
        return float("inf") if len(calls) == 8 else loss

    monkeypatch.setattr(loop, "summed_gradient", explode)
    step = bench.train("hellaswag", how(**SHORT))
    value = bench.build(step).value
    assert (value["verdict"], value["updates"]) == ("diverged", 7)
    assert log_of(bench, step)[-1]["loss"] == "inf"
    assert len([e for e in log_of(bench, step) if "dev_accuracy" in e]) == 3


def test_a_huge_rate_ends_as_diverged_or_collapsed_never_as_ok(workbench):
    bench = workbench()
    value = bench.build(bench.train("mnli", how(**SHORT | {"lr": 1e6, "clip": 1e6}))).value
    assert value["verdict"] in ("diverged", "collapsed")


def test_random_labels_end_as_collapsed_with_weights_kept(workbench, release, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(release, data)
    rng = random.Random(0)
    for name in ("train", "dev_matched"):
        head, *rows = (data / "mnli" / f"{name}.tsv").read_text().splitlines()
        cells = [row.split("\t") for row in rows]
        labels = [c[-1] for c in cells]
        rng.shuffle(labels)
        mixed = ["\t".join([*c[:-1], label]) for c, label in zip(cells, labels, strict=True)]
        (data / "mnli" / f"{name}.tsv").write_text("\n".join([head, *mixed]) + "\n")
    bench = workbench(data=data)
    result = bench.build(bench.train("mnli", how(**SHORT)))
    assert result.value["verdict"] == "collapsed"
    assert (result.folder / "model.safetensors").exists()


def test_event_files_are_written_when_asked_and_change_no_key(workbench):
    bench = workbench()
    step = bench.train("hellaswag", how(**SHORT))
    folder = bench.build(step, Runtime(threads=1, tensorboard=True)).folder
    assert list((folder / "tensorboard").glob("events.out.tfevents.*"))
    plain = workbench(store="plain")
    assert plain.train("hellaswag", how(**SHORT)).key == step.key
    assert not (plain.build(plain.train("hellaswag", how(**SHORT))).folder / "tensorboard").exists()
