"""Low-rank adapters in every architecture: what learns, what is held, and what merging leaves."""

from functools import partial

import numpy as np
import pytest
import torch
from test_blocks import assert_same, rows
from tiny_encoders import BLOCKS
from torch import nn
from transformers import AutoModel
from workbench import how

from xstilts.models.adapters import adapt, merge
from xstilts.models.freezing import blocks_of
from xstilts.models.task_model import next_stage
from xstilts.models.written import is_written
from xstilts.train.gradient import summed_gradient
from xstilts.train.optim import make_optimizer

CPU = torch.device("cpu")


@pytest.fixture
def deep(encoder_folder):
    """The folder of an encoder with three blocks, by its architecture."""
    return partial(encoder_folder, blocks=3)


def model_of(folder, kind="pair", *, rank=2, scale=1.0, seed=5, dropout=0.0):
    """A model in training, with new adapters unless ``rank`` is 0."""
    model = next_stage(folder, kind, 3, seed=1, dropout=dropout)
    if rank:
        adapt(model.encoder, rank, scale, seed)
    return model.train()


def moved(model, arrays, updates=4):
    """The model after some updates."""
    optimizer = make_optimizer(model, how(lr=2e-2, weight_decay=0.5))
    precise = {"micro_tokens": 600, "precision": "fp32", "device": CPU}
    for update in range(updates):
        optimizer.zero_grad()
        summed_gradient(model, arrays, np.arange(update, update + 12), **precise)
        optimizer.step()
    return model.eval()


def weights(encoder):
    """The encoder's own weights by their plain names; poolers are heads."""
    state = encoder.state_dict()
    own = {name.replace(".base_layer", ""): x for name, x in state.items() if "lora_" not in name}
    return {name: x for name, x in own.items() if not name.startswith("pooler.")}


def states(encoder):
    inputs = rows((9, 5, 7))
    said = {"input_ids": inputs["ids"], "attention_mask": inputs["mask"]}
    with torch.no_grad():
        return encoder(**said).last_hidden_state[inputs["mask"].bool()]


@pytest.mark.parametrize("name", BLOCKS)
def test_new_adapters_change_no_output_and_stand_beside_every_linear_layer(deep, name):
    plain, adapted = (model_of(deep(name), rank=rank).eval() for rank in (0, 2))
    assert torch.equal(states(plain.encoder), states(adapted.encoder))
    linear = sum(type(part) is nn.Linear for part in blocks_of(plain.encoder).modules())
    names = [n for n, p in adapted.encoder.named_parameters() if p.requires_grad]
    beside = [n for n in names if "lora_" in n]
    assert len(beside) == 2 * linear > 0
    assert all(n.startswith("pooler.") for n in names if n not in beside)
    heads = {n for n, _ in plain.named_parameters()} - {
        f"inner.{plain.inner.base_model_prefix}.{n}" for n, _ in plain.encoder.named_parameters()
    }
    assert heads and all(adapted.get_parameter(n).requires_grad for n in heads)


@pytest.mark.parametrize("name", BLOCKS)
def test_the_encoders_weights_are_bit_equal_until_they_are_merged(workbench, deep, name, tmp_path):
    bench = workbench(deep(name))
    arrays = bench.arrays(bench.tokens(bench.examples("mnli")))
    before = weights(model_of(deep(name), rank=0).encoder)
    model = model_of(deep(name), scale=2.0)
    model.without_padding()
    moved(model, arrays)
    held = weights(model.encoder)
    assert held.keys() == before.keys()
    assert all(torch.equal(before[n], x) for n, x in held.items())
    learnt = states(model.encoder)
    assert (learnt - states(model_of(deep(name)).eval().encoder)).abs().max() > 1e-2

    merge(model.encoder)
    torch.testing.assert_close(states(model.encoder), learnt, rtol=1e-4, atol=1e-5)
    model.save(tmp_path)
    found, told = AutoModel.from_pretrained(tmp_path, output_loading_info=True)
    assert all(n.startswith("pooler.") for n in told["missing_keys"])
    assert type(found) is type(AutoModel.from_pretrained(deep(name)))
    torch.testing.assert_close(states(found.eval()), learnt, rtol=1e-4, atol=1e-5)
    after = weights(found)
    assert after.keys() == before.keys()
    linear = {n for n, p in blocks_of(found).named_modules() if type(p) is nn.Linear}
    for at, weight in after.items():
        change = (weight - before[at]).double()
        beside = any(at.endswith(f".{n}.weight") for n in linear)
        assert bool(change.any()) == beside, at
        if beside:
            size = torch.linalg.svdvals(change)
            assert size[2] < 1e-3 * size[0], at  # the third is rounding


@pytest.mark.parametrize("kind", ["pair", "tagging", "span", "choice"])
@pytest.mark.parametrize("name", ["xlmr", "bert"])
def test_adapted_blocks_run_without_padding_and_are_not_the_ones_written_by_hand(deep, name, kind):
    packed, padded = (model_of(deep(name), kind) for _ in range(2))
    for model in (packed, padded):
        with torch.no_grad():
            for at, weight in model.encoder.named_parameters():
                if "lora_B" in at:
                    weight.normal_(std=0.1, generator=torch.Generator().manual_seed(3))
    assert packed.without_padding() and not is_written(packed.encoder)
    inputs = {k: v for k, v in rows((1, 20, 17, 16, 33, 3), kind).items() if k != "types"}
    assert_same(packed, padded, inputs)


@pytest.mark.parametrize("name", BLOCKS)
def test_embeddings_run_without_dropout_and_adapted_blocks_with_it(deep, name):
    encoder = model_of(deep(name), dropout=0.5).encoder
    inputs = rows((9, 5, 7))
    said = {"input_ids": inputs["ids"], "attention_mask": inputs["mask"]}
    one, other = (encoder(**said, output_hidden_states=True).hidden_states for _ in range(2))
    same = [torch.equal(a, b) for a, b in zip(one, other, strict=True)]
    assert same == [True, False, False, False]


def test_adapters_are_drawn_by_their_seed_alone(deep):
    def drawn(seed, state):
        model = next_stage(deep("xlmr"), "pair", 3, seed=1, dropout=0.0)
        torch.manual_seed(state)
        adapt(model.encoder, 2, 1.0, seed)
        return {n: x for n, x in model.encoder.state_dict().items() if "lora_A" in n}

    one, again, other = drawn(5, 0), drawn(5, 1), drawn(6, 0)
    assert all(torch.equal(x, again[n]) for n, x in one.items())
    assert not any(torch.equal(x, other[n]) for n, x in one.items())
