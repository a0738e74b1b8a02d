import copy
import gc
import weakref

import numpy as np
import pytest
import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForMultipleChoice,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)

from xstilts.data.batches import TokenArrays
from xstilts.models.packing import layer_outputs
from xstilts.models.task_model import TaskModel
from xstilts.models.written import is_written
from xstilts.prediction.forward import embed

HEADS = {
    "pair": AutoModelForSequenceClassification,
    "choice": AutoModelForMultipleChoice,
    "span": AutoModelForQuestionAnswering,
    "tagging": AutoModelForTokenClassification,
}
FAMILIES = ("xlm-roberta", "roberta", "bert")
SIZES = {
    "vocab_size": 90,
    "hidden_size": 32,
    "intermediate_size": 56,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 80,
    "type_vocab_size": 2,
    "pad_token_id": 1,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
UNEQUAL = (1, 40, 17, 16, 33, 3)
CPU = torch.device("cpu")


def made(family: str, kind: str = "pair", seed: int = 0, **changes: object) -> TaskModel:
    """A random model whose blocks matter: weights are large, norms and biases are not trivial."""
    config = AutoConfig.for_model(family, **(SIZES | changes), attn_implementation="eager")
    config.num_labels = {"choice": 1, "span": 2}.get(kind, 3)
    torch.manual_seed(seed)
    inner = HEADS[kind].from_config(config)
    for name, parameter in inner.named_parameters():
        centre = 1.0 if "LayerNorm.weight" in name else 0.0
        nn.init.normal_(parameter, centre, 0.2)
    return TaskModel(kind, config.num_labels, inner)


def rows(lengths: tuple[int, ...], kind: str = "pair", seed: int = 1) -> dict[str, torch.Tensor]:
    """Random pieces of rows with these lengths; a choice has two rows."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(2, SIZES["vocab_size"], (len(lengths), max(lengths)), generator=generator)
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    types = torch.randint(0, 2, ids.shape, generator=generator) * mask
    inputs = {"ids": ids * mask + (1 - mask), "mask": mask, "types": types}
    if kind == "choice":
        return {name: x.view(-1, 2, x.shape[-1]) for name, x in inputs.items()}
    return inputs


def real(logits: torch.Tensor, inputs: dict[str, torch.Tensor], kind: str) -> torch.Tensor:
    """The logits that mean something: those at pieces."""
    return logits[inputs["mask"].bool()] if kind in ("span", "tagging") else logits


def run(model: TaskModel, inputs: dict[str, torch.Tensor], share: float = 1.0) -> torch.Tensor:
    """Logits, after the backward pass of some fixed weighting of them."""
    logits = real(model(**inputs), inputs, model.kind).float()
    weights = torch.randn(logits.shape, generator=torch.Generator().manual_seed(2))
    (logits * weights * share).sum().backward()
    return logits.detach()


def error(found: torch.Tensor, true: torch.Tensor) -> float:
    """Norm of the difference, relative to the norm of the true one."""
    return float((found - true).detach().norm() / true.detach().norm())


def gradients(model: TaskModel) -> dict[str, torch.Tensor]:
    """Those that are not nothing but rounding: a key's bias changes no softmax."""
    named = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    return {n: g for n, g in named.items() if not n.endswith("key.bias")}


def both(model: TaskModel) -> tuple[TaskModel, TaskModel]:
    """The model without padding, and the library's."""
    library = copy.deepcopy(model)
    assert model.without_padding()
    return model, library


def assert_same(model: TaskModel, library: TaskModel, inputs: dict[str, torch.Tensor]) -> None:
    assert error(run(model, inputs), run(library, inputs)) < 1e-5
    found, true = gradients(model), gradients(library)
    assert found.keys() == true.keys()
    wrong = {n: error(found[n], true[n]) for n in true if error(found[n], true[n]) > 1e-5}
    assert not {n: e for n, e in wrong.items() if true[n].norm() > 1e-9}


@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize("family", FAMILIES)
def test_logits_and_gradients_are_the_librarys(family, kind):
    model, library = both(made(family, kind))
    assert is_written(model.encoder)
    assert_same(model, library, rows(UNEQUAL, kind))


@pytest.mark.parametrize("lengths", [(9,), (16, 16, 16), (1, 64, 2, 1), (31, 32, 33)])
def test_any_mixture_of_lengths_is_packed(lengths):
    assert_same(*both(made("xlm-roberta", "tagging")), rows(lengths))


def test_types_may_be_absent():
    model, library = both(made("bert"))
    inputs = {name: x for name, x in rows(UNEQUAL).items() if name != "types"}
    assert_same(model, library, inputs)


def test_micro_batches_add_up_to_the_batch():
    model = made("roberta", "tagging")
    whole = copy.deepcopy(model)
    assert model.without_padding() and whole.without_padding()
    inputs = rows(UNEQUAL)
    for part in (slice(0, 2), slice(2, 6)):
        logits = model(**{name: x[part] for name, x in inputs.items()})
        real(logits, {"mask": inputs["mask"][part]}, "tagging").pow(2).sum().backward()
    real(whole(**inputs), inputs, "tagging").pow(2).sum().backward()
    true = gradients(whole)
    assert all(error(g, true[name]) < 1e-5 for name, g in gradients(model).items())


def test_two_forward_passes_may_come_before_their_backward_passes():
    model, library = both(made("bert", "tagging"))
    for one in (model, library):
        losses = [one(**rows(lengths)).pow(2)[:, 0].sum() for lengths in ((20, 7), (3, 30, 12))]
        for loss in losses:
            loss.backward()
    true = gradients(library)
    assert all(error(g, true[name]) < 1e-5 for name, g in gradients(model).items())


@pytest.mark.parametrize("fused", [True, False])
def test_weights_that_an_optimizer_changed_are_used(fused):
    model, library = both(made("xlm-roberta"))
    for one in (model, library):
        optimizer = torch.optim.AdamW(one.parameters(), lr=1e-3, fused=fused)
        for _ in range(3):
            run(one, rows(UNEQUAL))
            optimizer.step()
            optimizer.zero_grad(set_to_none=False)
    with torch.no_grad():
        assert error(model(**rows(UNEQUAL)), library(**rows(UNEQUAL))) < 1e-3


def test_weights_that_were_trained_with_dropout_are_used():
    model = made("bert", hidden_dropout_prob=0.1).eval()
    library = copy.deepcopy(model)
    assert model.without_padding()
    inputs = rows(UNEQUAL)
    for one in (model, library):
        one(**inputs)  # the weights of before are known
        optimizer = torch.optim.AdamW(one.parameters(), lr=1e-2, fused=True)
        torch.manual_seed(3)
        run(one.train(), inputs)
        optimizer.step()
        one.eval()
    assert error(model(**inputs), library(**inputs)) < 1e-4


def test_loaded_weights_are_used():
    model, other = made("bert"), made("bert", seed=7)
    model.without_padding()
    with torch.inference_mode():
        before = model(**rows(UNEQUAL))
        model.load_state_dict(other.state_dict())
        assert error(model(**rows(UNEQUAL)), other(**rows(UNEQUAL))) < 1e-5
        assert error(before, other(**rows(UNEQUAL))) > 1e-2


@pytest.mark.parametrize(
    "frozen",
    [
        ("embeddings.", "layer.0."),
        ("embeddings.", "layer.0.", "layer.1.", "layer.2."),
        ("embeddings.",),
        ("layer.1.",),
        ("query", "value.bias", "LayerNorm.weight", "output.dense.weight"),
        ("layer.0.attention", "embeddings."),
    ],
)
def test_what_is_frozen_gets_no_gradient_and_the_rest_is_right(frozen):
    model = made("xlm-roberta")
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not any(part in name for part in frozen))
    model, library = both(model)
    assert_same(model, library, rows(UNEQUAL))
    still = [p for p in model.parameters() if not p.requires_grad]
    assert still and all(p.grad is None for p in still)


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("bert", {"hidden_act": "relu"}),
        ("bert", {"hidden_act": "gelu_new"}),
        ("xlm-roberta", {"is_decoder": True}),
        ("deberta-v2", {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]}),
        ("modernbert", {"reference_compile": False}),
        ("electra", {"embedding_size": 32}),
    ],
)
def test_other_architectures_keep_the_librarys_blocks(family, changes):
    model = made(family, "tagging", **changes)
    library = copy.deepcopy(model)
    assert not is_written(model.encoder)
    if not changes.get("is_decoder"):
        model.without_padding()
    inputs = rows(UNEQUAL)
    if family == "modernbert":
        inputs.pop("types")
    assert_same(model, library, inputs)


def test_dropout_is_applied_in_training_and_not_in_evaluation():
    model = made("bert", hidden_dropout_prob=0.5)
    library = copy.deepcopy(model)
    assert not model.without_padding()
    model.eval(), library.eval()
    assert model.without_padding()
    inputs = rows(UNEQUAL)
    assert error(model(**inputs), library(**inputs)) < 1e-5
    model.train(), library.train()
    torch.manual_seed(3)
    found = model(**inputs)
    torch.manual_seed(3)
    assert error(found, library(**inputs)) < 1e-5
    assert error(model(**inputs), found) > 1e-2


def test_bf16_is_as_close_to_fp32_as_the_librarys_bf16():
    true = made("xlm-roberta")
    model, library = both(copy.deepcopy(true))
    inputs = rows(UNEQUAL * 3)
    exact = run(true, inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ours, theirs = run(model, inputs), run(library, inputs)
    assert 1e-5 < error(ours, exact) < 1.5 * error(theirs, exact)
    wanted = gradients(true)
    errors = [
        np.array([error(found[name], wanted[name]) for name in wanted])
        for found in (gradients(model), gradients(library))
    ]
    assert 1e-5 < errors[0].mean() < 1.5 * errors[1].mean()


def test_bf16_scores_stay_right_where_all_values_have_much_in_common():
    """Shares that were rounded do not add up to 1, and what values have in common would leak."""
    true = made("xlm-roberta")
    with torch.no_grad():
        for name, parameter in true.named_parameters():
            if name.endswith("value.bias"):
                parameter.fill_(8.0)
    model, library = both(copy.deepcopy(true))
    inputs = rows(UNEQUAL * 3)
    run(true, inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        run(model, inputs), run(library, inputs)
    wanted, ours, theirs = gradients(true), gradients(model), gradients(library)
    for name in (n for n in wanted if ".query." in n or ".key." in n):
        assert error(ours[name], wanted[name]) < 1.5 * error(theirs[name], wanted[name]), name


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_twice_the_same_is_bitwise_the_same(precision):
    model = made("roberta", "tagging")
    model.without_padding()
    results = []
    for _ in range(2):
        model.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
            logits = run(model, rows(UNEQUAL))
        results.append([logits, *(p.grad.clone() for p in model.parameters())])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_evaluation_between_updates_changes_nothing():
    model, library = both(made("bert"))
    for one in (model, library):
        logits = one(**rows(UNEQUAL))
        with torch.inference_mode():
            one(**rows((50, 2)))
        logits.sum().backward()
    true = gradients(library)
    assert all(error(g, true[name]) < 1e-5 for name, g in gradients(model).items())


@pytest.mark.parametrize("family", [*FAMILIES, "electra"])
def test_the_memory_of_a_model_is_free_when_the_model_is_dropped(family):
    model = made(family)
    assert model.without_padding()
    run(model, rows(UNEQUAL))
    held = [weakref.ref(x) for x in (model.encoder, model.encoder.get_input_embeddings())]
    held += [weakref.ref(x) for x in (model.written,) if x is not None]
    gc.disable()  # which would come by some day
    try:
        del model
        assert [x() for x in held] == [None] * len(held)
    finally:
        gc.enable()


@pytest.mark.parametrize("family", [*FAMILIES, "electra"])
def test_every_layer_is_the_librarys(family):
    encoder = made(family).encoder.eval()
    inputs = rows(UNEQUAL)
    named = {"input_ids": inputs["ids"], "attention_mask": inputs["mask"]}
    with torch.inference_mode():
        states = encoder(**named, token_type_ids=inputs["types"], output_hidden_states=True)
        wanted = range(len(states.hidden_states))
        at = inputs["mask"].bool()
        for layers in (wanted, *([i] for i in wanted)):
            outputs = layer_outputs(encoder, layers)(**inputs)
            for layer, found in outputs:
                assert error(found[at], states.hidden_states[layer][at]) < 1e-5
            assert layer == layers[-1]


def test_sentence_vectors_are_means_over_the_pieces_of_a_layer():
    encoder = made("xlm-roberta").encoder.eval()
    lengths = np.array([5, 30, 12])
    starts = np.concatenate([[0], lengths.cumsum()])
    ids = np.random.default_rng(0).integers(2, SIZES["vocab_size"], starts[-1])
    arrays = TokenArrays(ids, None, starts, np.arange(3), {}, 1)
    vectors = embed(encoder, arrays, layers=[2], micro_tokens=64, precision="fp32", device=CPU)
    vectors = vectors[0, 0]
    for i in range(3):
        row = torch.from_numpy(ids[starts[i] : starts[i + 1]])[None]
        with torch.no_grad():
            state = encoder(row, output_hidden_states=True).hidden_states[2][0]
        assert error(torch.from_numpy(vectors[i]), state.mean(0)) < 1e-5


def test_saved_weights_have_the_librarys_names(tmp_path):
    model, library = both(made("xlm-roberta"))
    assert model.state_dict().keys() == library.state_dict().keys()
    model.save(tmp_path)
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert torch.equal(again.classifier.dense.weight, model.inner.classifier.dense.weight)
