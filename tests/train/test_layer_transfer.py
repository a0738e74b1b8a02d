"""Stages with frozen layers and mixes, and encoders put together from layers, bit for bit."""

from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from test_resume import WHOLE, files, timeless
from tiny_encoders import BLOCKS
from workbench import TRAINED, how

from xstilts.models.task_model import load_encoder
from xstilts.models.written import Written
from xstilts.train import loop
from xstilts.train.layers_spec import Carry, Lora
from xstilts.train.spec import Layers

ADAPTED = Layers(lora=Lora(rank=2, scale=2.0))
SAID = how(epochs=1, batch_size=24, select={"every": 2, "patience": 9})
DEPTH = 4


@pytest.fixture
def deep(encoder_folder):
    """The folder of an encoder with four blocks, by its architecture."""
    return partial(encoder_folder, blocks=DEPTH)


def parts(folder, name):
    """The weights of the embeddings (0), of every block, and of the rest but the pooler."""
    encoder = load_encoder(folder)
    blocks = encoder.get_submodule(BLOCKS[name])
    found = {0: encoder.get_submodule("embeddings").state_dict()}
    found |= {i + 1: block.state_dict() for i, block in enumerate(blocks)}
    held = ("embeddings.", f"{BLOCKS[name]}.", "pooler.")
    rest = {k: v for k, v in encoder.state_dict().items() if not k.startswith(held)}
    return found | {"rest": rest}


def same(one, other):
    """Parts of two encoders that are equal to the last bit."""
    return [
        part
        for part, weights in one.items()
        if all(torch.equal(w, other[part][n]) for n, w in weights.items())
    ]


def moved(one, other):
    """Parts of two encoders in which no matrix is the same."""
    return [
        part
        for part, weights in one.items()
        if not any(torch.equal(w, other[part][n]) for n, w in weights.items() if w.ndim > 1)
    ]


@pytest.mark.parametrize(
    ("name", "blocks", "dropout"),
    [
        *((name, *cell) for name in BLOCKS for cell in ((0, 0.0), (2, 0.2))),
        ("xlmr", 2, 0.0),
        ("xlmr", DEPTH, 0.0),
        ("deberta", DEPTH, 0.2),
    ],
)
def test_frozen_layers_are_bit_equal_after_training_and_all_others_have_moved(
    workbench, deep, name, blocks, dropout
):
    bench = workbench(deep(name))
    said = SAID.model_copy(update={"dropout": dropout, "weight_decay": 0.5})
    result = bench.build(bench.train("mnli", said, layers=Layers(frozen=blocks)))
    before, after = parts(bench.encoder, name), parts(result.folder, name)
    still = list(range(blocks + 1))
    shared = name == "deberta" and blocks > 0  # relative positions, which every block reads
    nothing = not before["rest"]
    assert same(before, after) == [*still, *(["rest"] if shared or nothing else [])]
    assert set(moved(before, after)) >= set(range(blocks + 1, DEPTH + 1))
    assert result.value["frozen"] == result.value["lineage"][-1]["frozen"] == blocks
    assert result.value["verdict"] in ("ok", "collapsed") and result.value["updates"] >= 4


@pytest.mark.parametrize("name", ["xlmr", "deberta"])
def test_a_mixture_of_tasks_leaves_frozen_layers_as_they_are(workbench, deep, name):
    bench = workbench(deep(name))
    step = bench.mix(["hellaswag", "mnli"], SAID, layers=Layers(frozen=1, mixed=True))
    result = bench.build(step)
    before, after = parts(bench.encoder, name), parts(result.folder, name)
    assert set(same(before, after)) - {"rest"} == {0, 1}
    mixes = result.value["layer_mix"]
    assert mixes.keys() == {"hellaswag", "mnli"}
    assert mixes["hellaswag"] != mixes["mnli"]
    assert result.value["lineage"][-1].items() >= {"frozen": 1, "mixed": True}.items()


@pytest.mark.parametrize("kind", ["mnli", "udpos", "squad_v1", "hellaswag"])
def test_a_mix_of_layers_is_learnt_recorded_and_used_in_prediction(workbench, kind):
    bench = workbench()
    said = how(lr=2e-2, epochs=1, select={"every": 2, "patience": 50})
    step = bench.train(kind, said, layers=Layers(mixed=True))
    value = bench.build(step).value
    shares = value["layer_mix"][kind]["shares"]
    assert sum(shares) == pytest.approx(1) and len(shares) == 3
    assert max(abs(share - 1 / 3) for share in shares) > 1e-3
    assert value["layer_mix"][kind]["scale"] != 1
    held = bench.examples(kind, "dev", at_most=None)
    score = bench.build(bench.score(bench.predict(step, held))).value["scores"]
    assert score[value["dev_metric"]] == pytest.approx(value["dev_score"])


def test_a_frozen_ranking_stage_learns_its_scale_alone(workbench):
    bench = workbench()
    result = bench.build(bench.train("squad_v1_retrieval", SAID, layers=Layers(frozen=2)))
    before, after = parts(bench.encoder, "xlmr"), parts(result.folder, "xlmr")
    assert same(before, after) == [0, 1, 2, "rest"]


@pytest.mark.parametrize("layers", [Layers(frozen=2, mixed=True), ADAPTED])
@pytest.mark.parametrize(("name", "dropout"), [("xlmr", 0.0), ("bert", 0.2), ("modernbert", 0.2)])
def test_an_interrupted_stage_with_frozen_mixed_or_adapted_layers_ends_with_the_same_bytes(
    workbench, deep, monkeypatch, name, dropout, layers
):
    said = SAID.model_copy(update={"dropout": dropout})
    whole, torn = workbench(deep(name), "whole"), workbench(deep(name), "torn")
    expected = whole.build(whole.train("mnli", said, layers=layers), WHOLE)
    step, really, done = torn.train("mnli", said, layers=layers), loop.summed_gradient, []

    def stop(*args, **more):
        done.append(1)
        if len(done) in (2, 5):
            raise KeyboardInterrupt
        return really(*args, **more)

    monkeypatch.setattr(loop, "summed_gradient", stop)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            torn.build(step, WHOLE)
    torch.manual_seed(17)
    found = torn.build(step, WHOLE)
    assert len(done) == expected.value["updates"] + 2
    assert files(found) == files(expected)
    assert ("layer_mix.safetensors" in files(found)) == layers.mixed
    assert timeless(found.value) == timeless(expected.value)


@pytest.mark.parametrize("name", BLOCKS)
def test_carried_layers_are_the_trained_ones_and_the_others_the_original_ones(
    workbench, deep, name
):
    bench = workbench(deep(name))
    trained = bench.train("mnli", SAID)
    source = parts(bench.build(trained).folder, name)
    original = parts(bench.encoder, name)
    assert set(same(original, source)) <= {"rest"}
    random = Carry(blocks=1, which="random", draw=1)
    for said, carried in (
        (Carry(blocks=3), [1, 2, 3]),
        (Carry(blocks=3, which="top"), [2, 3, 4]),
        (random, list(random.chosen(DEPTH))),
        (Carry(blocks=2, embeddings=True), [0, 1, 2]),
    ):
        result = bench.build(bench.carry(trained, **said.model_dump(exclude_unset=True)))
        found = parts(result.folder, name)
        assert set(same(found, source)) - {"rest"} == set(carried)
        assert set(same(found, original)) == {part for part in original if part not in carried}
        value = result.value
        assert value["carried"] == [block for block in carried if block]
        assert [link.get("task") for link in value["lineage"]] == ["mnli", None]
        assert value["lineage"][-1]["carried"] == value["carried"]


def test_random_blocks_depend_on_the_draw_alone_and_all_are_as_likely():
    draws = [Carry(blocks=2, which="random", draw=draw).chosen(6) for draw in range(600)]
    assert draws == [Carry(blocks=2, which="random", draw=draw).chosen(6) for draw in range(600)]
    assert all(len(set(drawn)) == 2 and list(drawn) == sorted(drawn) for drawn in draws)
    blocks, counts = np.unique(np.array(draws), return_counts=True)
    assert blocks.tolist() == [1, 2, 3, 4, 5, 6]
    assert chisquare(counts).pvalue > 0.01
    assert len(set(draws)) == 15


@pytest.mark.parametrize("name", BLOCKS)
def test_top_blocks_drawn_anew_are_those_of_a_new_encoder_and_the_rest_stays(workbench, deep, name):
    bench = workbench(deep(name))
    before = parts(bench.encoder, name)
    for blocks, new in ((1, [4]), (3, [2, 3, 4])):
        found, other = (bench.build(bench.reinit(blocks, seed)) for seed in (0, 1))
        after = parts(found.folder, name)
        assert set(same(before, after)) == set(before) - set(new)
        assert found.value["reinitialised"] == new == found.value["lineage"][-1]["reinitialised"]
        assert not set(same(after, parts(other.folder, name))) & set(new)
        assert found.value["drawn_with"] != other.value["drawn_with"]
        for block in new:
            for weight_name, weight in after[block].items():
                if weight.ndim > 1:  # the encoder's is four times the library's, see `_spread`
                    assert 3.4 < before[block][weight_name].std() / weight.std() < 4.6


def test_blocks_drawn_anew_depend_on_the_seed_and_not_on_the_state_of_the_process(workbench, deep):
    stores = []
    for state in (3, 4):
        torch.manual_seed(state)
        bench = workbench(deep("xlmr"), f"store{state}")
        stores.append(bench.build(bench.reinit(2, seed=7)))
    assert files(stores[0]) == files(stores[1])


def test_a_trained_encoder_with_blocks_drawn_anew_keeps_its_lineage(workbench, deep):
    bench = workbench(deep("bert"))
    trained = bench.train("mnli", SAID)
    value = bench.build(bench.reinit(1, start=trained)).value
    assert [link.get("task") for link in value["lineage"]] == ["mnli", None]


@pytest.fixture
def written(monkeypatch):
    """How many rows pass the frozen blocks in each update."""
    seen, really = [], loop.summed_gradient
    compute = Written.infer

    def infer(self, indices, layout, dtype, start):
        if seen and start is None and not torch.is_inference_mode_enabled():
            seen[-1].append(len(indices[0]))
        return compute(self, indices, layout, dtype, start)

    def update(*args, **more):
        seen.append([])
        return really(*args, **more)

    monkeypatch.setattr(Written, "infer", infer)
    monkeypatch.setattr(loop, "summed_gradient", update)
    return seen


@pytest.mark.parametrize("name", TRAINED.values())
def test_kept_rows_pass_the_frozen_blocks_once_and_change_no_bit(workbench, deep, written, name):
    said = how(epochs=2, batch_size=16, select={"every": 5, "patience": 50})
    found, models = {}, []
    for gigabytes in (4, 0, 1e-4, 4e-9):
        bench = workbench(deep("xlmr"), f"store{gigabytes}")
        runtime = bench.runtime.model_copy(update={"prefix_gigabytes": gigabytes})
        written.clear()
        result = bench.build(bench.train(name, said, layers=Layers(frozen=2)), runtime)
        updates = result.value["updates"] // 2
        first, second = (sum(map(len, part)) for part in (written[:updates], written[updates:]))
        found[gigabytes] = first, second
        assert first > 0
        assert result.value["prefix_kept"] == (gigabytes > 0)
        models.append(files(result))
    assert all(model == models[0] for model in models)
    assert found[4][1] == 0 < found[1e-4][1] < found[0][1]
    assert found[4e-9] == found[0]


def test_kept_rows_survive_micro_batches_interruptions_and_mixtures(workbench, deep, monkeypatch):
    whole, torn = workbench(deep("bert"), "whole"), workbench(deep("bert"), "torn")
    said = how(epochs=2, batch_size=24, select={"every": 3, "patience": 50})
    layers = Layers(frozen=3)
    nothing = WHOLE.model_copy(update={"prefix_gigabytes": 0})
    expected = whole.build(whole.mix(["hellaswag", "mnli"], said, layers=layers), nothing)
    step, really, done = (
        torn.mix(["hellaswag", "mnli"], said, layers=layers),
        loop.summed_gradient,
        [],
    )

    def stop(*args, **more):
        done.append(1)
        if len(done) == 7:
            raise KeyboardInterrupt
        return really(*args, **more)

    monkeypatch.setattr(loop, "summed_gradient", stop)
    with pytest.raises(KeyboardInterrupt):
        torn.build(step, WHOLE)
    assert files(torn.build(step, WHOLE)) == files(expected)
