"""A stage on several tasks: what it learns, counts, selects, and how it goes on after a stop."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from test_resume import WHOLE, files, timeless
from workbench import KINDS, TRAINED, how

from xstilts.core.spec import Runtime
from xstilts.train import loop
from xstilts.train.spec import Mix

ALL = [TRAINED[kind] for kind in KINDS]
SHORT = {"batch_size": 16, "select": {"every": 8, "patience": 50}}


@pytest.fixture
def watched(monkeypatch):
    """Kind, examples and loss of every update."""
    seen, really = [], loop.summed_gradient

    def watch(model, arrays, examples, **more):
        loss = really(model, arrays, examples, **more)
        seen.append((model.kind, examples.tolist(), loss))
        return loss

    monkeypatch.setattr(loop, "summed_gradient", watch)
    return seen


def test_the_loss_of_every_task_falls(workbench, watched):
    bench = workbench()
    mix = Mix(law="uniform", examples=16 * 200)
    value = bench.build(bench.mix(ALL, how(batch_size=16, select={"every": 200}), mix)).value
    for kind in KINDS:
        losses = [loss for other, _, loss in watched if other == kind]
        assert np.mean(losses[-8:]) < 0.8 * np.mean(losses[:4]), kind
    learnt = {t: part["dev_score"] - part["dev_floor"] for t, part in value["parts"].items()}
    assert value["verdict"] == "ok"
    assert sum(gain > 10 for gain in learnt.values()) >= 3, learnt


def test_the_record_tells_expected_and_realised_examples(workbench, watched):
    bench = workbench()
    step = bench.mix(["mnli", "hellaswag", "udpos"], how(epochs=1.5, **SHORT))
    value = bench.build(step).value
    parts, total = value["parts"], sum(part["realised"] for part in value["parts"].values())
    sizes = {name: part["examples"] for name, part in parts.items()}
    assert value["examples"] == sum(sizes.values())
    assert total == int(1.5 * value["examples"])
    kinds = {TRAINED[kind]: kind for kind in KINDS}
    for name, part in parts.items():
        drawn = [examples for kind, examples, _ in watched if kind == kinds[name]]
        assert part["realised"] == sum(map(len, drawn)) > 0
        assert part["share"] == pytest.approx(sizes[name] / value["examples"])
        assert part["expected"] == pytest.approx(part["share"] * total, abs=0.01)
    counts = [len(examples) for _, examples, _ in watched]
    assert counts[:-1] == [16] * (len(counts) - 1) and sum(counts) == total
    link = value["lineage"][-1]
    assert link["task"] == "hellaswag+mnli+udpos"
    assert sum(link["realised"].values()) <= 16 * value["selected_update"]


def test_each_task_is_seen_without_repetition_pass_by_pass(workbench, watched):
    bench = workbench()
    said = how(**{**SHORT, "batch_size": 20})
    bench.build(bench.mix(["hellaswag", "udpos"], said, Mix(law="uniform", examples=520)))
    stream = [e for kind, examples, _ in watched if kind == "choice" for e in examples]
    passes = [stream[i : i + 96] for i in range(0, len(stream), 96)]
    assert len(passes) >= 2
    assert all(sorted(p) == list(range(96)) for p in passes[:-1])
    assert len(set(passes[-1])) == len(passes[-1])
    assert passes[0] != passes[1]


def test_the_best_update_is_that_of_the_highest_mean(workbench):
    bench = workbench()
    step = bench.mix(["hellaswag", "mnli"], how(epochs=3, **SHORT))
    result = bench.build(step)
    log = [json.loads(x) for x in (result.folder / "log.jsonl").read_text().splitlines()]
    evaluated = [e for e in log if "dev_mean" in e]
    for entry in evaluated:
        assert entry["dev_mean"] == (entry["dev_hellaswag"] + entry["dev_mnli"]) / 2
    best = max(evaluated, key=lambda e: e["dev_mean"])
    value = result.value
    assert (value["dev_metric"], value["dev_score"]) == ("mean", best["dev_mean"])
    assert value["selected_update"] == best["update"]
    parts = value["parts"]
    assert {t: p["dev_score"] for t, p in parts.items()} == {
        t: best[f"dev_{t}"] for t in ("hellaswag", "mnli")
    }
    assert value["dev_examples"] == sum(p["dev_examples"] for p in parts.values())


def test_a_mixture_is_collapsed_only_if_every_task_is_at_its_floor(workbench):
    bench = workbench()
    nothing = bench.build(bench.mix(["hellaswag", "mnli"], how(lr=1e-12, **SHORT)))
    assert nothing.value["verdict"] == "collapsed"
    assert (nothing.folder / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("encoder", "dropout"), [("xlmr", 0.0), ("xlmr", 0.2), ("bert", 0.0), ("deberta", 0.2)]
)
def test_an_interrupted_mixture_ends_with_the_same_bytes(workbench, monkeypatch, encoder, dropout):
    said = how(dropout=dropout, **{**SHORT, "select": {"every": 6, "patience": 50}})
    mix = Mix(law="temperature", temperature=3.0, examples=16 * 14 - 3)
    whole, torn = workbench(encoder, "whole"), workbench(encoder, "torn")
    expected = whole.build(whole.mix(ALL, said, mix), WHOLE)
    assert expected.value["updates"] == 14
    step, really = torn.mix(ALL, said, mix), loop.summed_gradient
    begun = 0
    for stop in (1, 7, 13):
        left = [stop - begun]

        def broken(*args, left=left, **more):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return really(*args, **more)

        with monkeypatch.context() as patch:
            patch.setattr(loop, "summed_gradient", broken)
            with pytest.raises(KeyboardInterrupt):
                torn.build(step, WHOLE)
        begun = stop
    found = torn.build(step, WHOLE)
    assert files(found) == files(expected)
    assert timeless(found.value) == timeless(expected.value)


def test_micro_batches_change_nothing_but_rounding(workbench):
    found = {}
    for micro in (1, 300, 10**6):
        bench = workbench(store=f"micro{micro}")
        step = bench.mix(ALL, how(lr=1e-4, **SHORT), Mix(law="uniform", examples=96))
        runtime = Runtime(threads=1, micro_tokens=micro, keep_weights="all")
        result = bench.build(step, runtime)
        found[micro] = load_file(result.folder / "model.safetensors"), result.value["parts"]
    for micro in (300, 10**6):
        for name, tensor in found[1][0].items():
            torch.testing.assert_close(found[micro][0][name], tensor, rtol=0, atol=2e-5)
        counts = [{t: p["realised"] for t, p in found[m][1].items()} for m in (1, micro)]
        assert counts[0] == counts[1]


def test_a_mixture_follows_and_precedes_other_stages(workbench):
    bench = workbench()
    said = how(epochs=1, **SHORT)
    first = bench.train("udpos", said)
    mixture = bench.mix(["hellaswag", "squad_v1"], said, start=first)
    last = bench.train("mnli", said, start=mixture)
    predicted = bench.score(bench.predict(last, bench.examples("mnli", "dev")))
    bench.build(predicted)
    links = [link["task"] for link in bench.open(last).value["lineage"]]
    assert links == ["udpos", "hellaswag+squad_v1", "mnli"]
    assert bench.build(bench.retrieve(bench.examples("tatoeba", "test", "de"), mixture))


def test_another_seed_draws_otherwise_and_the_same_seed_the_same_bytes(workbench):
    found = {}
    for store, seed in (("a", 0), ("b", 0), ("c", 1)):
        bench = workbench(store=store)
        result = bench.build(bench.mix(["hellaswag", "mnli"], how(**SHORT), seed=seed))
        found[store] = files(result)["model.safetensors"]
    assert found["a"] == found["b"] != found["c"]
