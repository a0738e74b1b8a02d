"""Frozen layers and learned mixes of layers, in every architecture, ours and the library's."""

from functools import partial

import numpy as np
import pytest
import torch
from test_blocks import assert_same, rows
from tiny_encoders import BLOCKS
from workbench import TRAINED, how

from xstilts.core.errors import EncoderError
from xstilts.models.freezing import blocks_of, freeze
from xstilts.models.joint import JointModel
from xstilts.models.layer_mix import LayerMix
from xstilts.models.task_model import load_trained, next_stage
from xstilts.models.written import is_written
from xstilts.prediction.forward import logits
from xstilts.train.gradient import summed_gradient
from xstilts.train.optim import make_optimizer

CPU = torch.device("cpu")
DEPTH = 3


@pytest.fixture
def deep(encoder_folder):
    """The folder of an encoder with three blocks, by its architecture."""
    return partial(encoder_folder, blocks=DEPTH)


def model_of(folder, kind="pair", *, frozen=None, mixed=False, dropout=0.0):
    model = next_stage(folder, kind, 3, seed=1, dropout=dropout, mixed=mixed)
    if frozen is not None:
        freeze(model.encoder, frozen)
    return model.train()


def frozen_part(encoder, name, blocks):
    """Parameters that must not move, by the modules they belong to."""
    modules = [encoder.get_submodule("embeddings")]
    modules += [encoder.get_submodule(f"{BLOCKS[name]}.{i}") for i in range(blocks)]
    if name == "deberta" and blocks:  # relative positions are read by every block
        modules += [encoder.encoder.rel_embeddings, encoder.encoder.LayerNorm]
    return {id(p) for module in modules for p in module.parameters()}


def update(model, arrays, number=12):
    model.zero_grad()
    precise = {"micro_tokens": 600, "precision": "fp32", "device": CPU}
    return summed_gradient(model, arrays, np.arange(number), **precise)


@pytest.mark.parametrize("blocks", [0, 2, DEPTH])
@pytest.mark.parametrize("name", BLOCKS)
def test_embeddings_and_bottom_blocks_get_no_gradient_and_no_optimizer_state(
    workbench, deep, name, blocks
):
    bench = workbench(deep(name))
    arrays = bench.arrays(bench.tokens(bench.examples("mnli")))
    model = model_of(bench.encoder, frozen=blocks)
    model.without_padding()
    still = frozen_part(model.encoder, name, blocks)
    update(model, arrays)
    learning = {id(p) for p in model.parameters() if p.grad is not None and p.grad.any()}
    unused = {"encoder.rel_embeddings.weight", "embeddings.word_embeddings.weight"}
    rest = {n for n, p in model.encoder.named_parameters() if id(p) not in still}
    assert not learning & still
    assert {n for n, p in model.named_parameters() if p.grad is None} >= {
        n for n, p in model.named_parameters() if id(p) in still
    }
    trained = {n for n, p in model.encoder.named_parameters() if id(p) in learning}
    missing = {n for n in rest - trained if not n.startswith("pooler") and n not in unused}
    assert not {n for n in missing if not n.endswith(("key.bias", "key_proj.bias", "k_bias"))}
    optimizer = make_optimizer(model, how())
    optimizer.step()
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert held and not held & still
    assert not {id(p) for p in optimizer.state} & still


@pytest.mark.parametrize("name", BLOCKS)
def test_frozen_blocks_run_without_dropout_and_the_others_with_it(deep, name):
    encoder = model_of(deep(name), frozen=2, dropout=0.5).encoder
    inputs = rows((9, 5, 7))
    said = {"input_ids": inputs["ids"], "attention_mask": inputs["mask"]}

    def states():
        return encoder(**said, output_hidden_states=True).hidden_states

    one, other = states(), states()
    same = [torch.equal(a, b) for a, b in zip(one, other, strict=True)]
    assert same == [True, True, True, False]
    encoder.eval()
    assert torch.equal(states()[2], one[2])


@pytest.mark.parametrize("name", BLOCKS)
def test_without_frozen_layers_all_of_them_have_dropout(deep, name):
    encoder = model_of(deep(name), dropout=0.5).encoder
    inputs = rows((9, 5, 7))
    said = {"input_ids": inputs["ids"], "attention_mask": inputs["mask"]}
    one, other = (encoder(**said, output_hidden_states=True).hidden_states for _ in range(2))
    assert not any(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_freezing_draws_no_random_number_and_leaves_the_mode_as_it_was(deep):
    model = next_stage(deep("xlmr"), "pair", 3, seed=1, dropout=0.5)
    for training in (True, False):
        model.train(training)
        before = torch.get_rng_state()
        freeze(model.encoder, 1)
        assert torch.equal(torch.get_rng_state(), before)
        modes = [block.training for block in blocks_of(model.encoder)]
        assert modes == [False, training, training]


def test_blocks_that_are_one_and_the_same_are_refused(tmp_path):
    from transformers import AlbertConfig, AlbertModel

    sizes = {"vocab_size": 20, "embedding_size": 8, "hidden_size": 8, "intermediate_size": 8}
    encoder = AlbertModel(AlbertConfig(**sizes, num_attention_heads=2, num_hidden_layers=3))
    with pytest.raises(EncoderError, match="blocks of albert cannot be told apart") as caught:
        freeze(encoder, 1)
    assert "3 blocks in a list" in caught.value.expected


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("frozen", [None, 0, 1, DEPTH])
@pytest.mark.parametrize(("name", "kind"), [("xlmr", "tagging"), ("bert", "pair")])
def test_the_written_blocks_give_the_librarys_logits_and_gradients(deep, name, kind, frozen, mixed):
    ours, library = (model_of(deep(name), kind, frozen=frozen, mixed=mixed) for _ in range(2))
    assert ours.without_padding() and is_written(ours.encoder)
    inputs = {k: v for k, v in rows((1, 20, 17, 16, 33, 3), kind).items() if k != "types"}
    assert_same(ours, library, inputs)
    assert any(p.grad is None for p in ours.parameters()) == (frozen is not None)


def test_a_frozen_prefix_keeps_nothing_for_a_backward_pass(deep):
    inputs = rows((30, 30, 30))

    def kept(frozen):
        model = model_of(deep("xlmr"), frozen=frozen)
        model.without_padding()
        out = model(inputs["ids"], inputs["mask"]).sum()
        left, found = [out.grad_fn], []
        while left:
            node = left.pop()
            if hasattr(node, "saved"):
                found.append(len(node.saved))
            left += [below for below, _ in node.next_functions if below is not None]
        return found

    assert (kept(None), kept(0), kept(2), kept(DEPTH)) == ([3], [3], [1], [])


@pytest.mark.parametrize(
    ("name", "kind"),
    [*((name, "pair") for name in BLOCKS), *(("xlmr", k) for k in ("choice", "span", "tagging"))],
)
def test_a_mix_that_weighs_the_top_block_alone_is_the_plain_model(workbench, deep, name, kind):
    bench = workbench(deep(name))
    arrays = bench.arrays(bench.tokens(bench.examples(TRAINED[kind], "dev")))

    def outputs(mixed, layer=DEPTH, scale=1.0):
        model = model_of(bench.encoder, kind, mixed=mixed)
        if mixed:
            with torch.no_grad():
                model.mix.weights[layer] = 200.0
                model.mix.scale.fill_(scale)
        model.without_padding()
        parts = logits(model, arrays, micro_tokens=2048, precision="fp32", device=CPU)
        return np.concatenate([out.ravel() for _, _, out in parts])

    plain = outputs(mixed=False)
    np.testing.assert_allclose(outputs(mixed=True), plain, rtol=1e-4, atol=1e-5)
    assert np.abs(outputs(mixed=True, layer=1) - plain).max() > 1e-3
    assert np.abs(outputs(mixed=True, scale=2.0) - plain).max() > 1e-3


def test_a_mix_is_elmos_scaled_sum_with_weights_that_add_up_to_one():
    mix = LayerMix(3)
    layers = [torch.full((1, 2, 4), float(x)) for x in (3, 6, 9)]
    assert torch.allclose(mix(layers), torch.full((1, 2, 4), 6.0))
    with torch.no_grad():
        mix.weights.copy_(torch.tensor([0.0, np.log(2.0), np.log(5.0)]))
        mix.scale.fill_(0.5)
    assert torch.allclose(mix(layers), torch.full((1, 2, 4), 0.5 * (3 + 2 * 6 + 5 * 9) / 8))
    assert mix.record() == {"shares": pytest.approx([1 / 8, 2 / 8, 5 / 8]), "scale": 0.5}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_saved_mix_is_loaded_and_the_next_stage_has_a_new_one(deep, name, tmp_path):
    model = model_of(deep(name), mixed=True)
    with torch.no_grad():
        model.mix.weights.copy_(torch.tensor([0.5, 0.0, -1.0, 2.0]))
        model.mix.scale.fill_(1.5)
    model.save(tmp_path)
    loaded = load_trained(tmp_path)
    inputs = rows((9, 5, 7))
    model.eval(), loaded.eval()
    with torch.no_grad():
        assert torch.equal(*(m(inputs["ids"], inputs["mask"]) for m in (model, loaded)))
    again = next_stage(tmp_path, "pair", 3, seed=2, dropout=0.0, mixed=True)
    assert not again.mix.weights.any() and again.mix.scale == 1
    assert next_stage(tmp_path, "pair", 3, seed=2, dropout=0.0).mix is None


@pytest.mark.parametrize("name", BLOCKS)
def test_every_head_of_a_mixture_has_a_mix_of_its_own_on_one_frozen_encoder(workbench, deep, name):
    bench = workbench(deep(name))
    arrays = {k: bench.arrays(bench.tokens(bench.examples(TRAINED[k]))) for k in ("pair", "choice")}
    joint = JointModel(model_of(bench.encoder, kind, mixed=True) for kind in arrays)
    for model in joint.models:
        freeze(model.encoder, 1)
    joint.without_padding()
    first, second = joint.models
    update(first.train(), arrays["pair"])
    assert first.mix.weights.grad.any() and second.mix.weights.grad is None
    still = frozen_part(first.encoder, name, 1)
    assert all(p.grad is None for p in joint.parameters() if id(p) in still)
    alone = model_of(bench.encoder, "choice", mixed=True, frozen=1)
    alone.without_padding()
    joint.zero_grad()
    found = update(second.train(), arrays["choice"])
    assert found == pytest.approx(update(alone, arrays["choice"]), rel=1e-6)
