"""The loss of a dual encoder, its gradient over micro-batches, and what training it is good for."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from workbench import how

from xstilts.models.task_model import SCALE, DualEncoder, load_trained, next_stage
from xstilts.prediction.forward import inputs_of
from xstilts.train.dual import dual_gradient

NAME = "squad_v1_retrieval"
CPU = torch.device("cpu")
UPDATE = np.array([0, 1, 2, 9, 20, 21, 33])  # of 0 and 1, and of 20 and 21, the same is right


@pytest.fixture
def setting(workbench):
    """Token arrays, and a maker of equal models."""

    def make(encoder, dropout=0.0):
        bench = workbench(encoder)
        arrays = bench.arrays(bench.tokens(bench.examples(NAME), 96))

        def model():
            return next_stage(bench.encoder, "ranking", 0, seed=1, dropout=dropout).train()

        return arrays, model

    return make


def update(model, arrays, examples=UPDATE, micro_tokens=10**6):
    return dual_gradient(model, arrays, examples, micro_tokens, "fp32", CPU)


def pieces(arrays, row):
    return tuple(arrays.ids[arrays.starts[row] : arrays.starts[row + 1]].tolist())


def by_hand(model, arrays, examples):
    """The loss with its graph, from one row and one term at a time."""

    def vector(row):
        where = slice(arrays.starts[row], arrays.starts[row + 1])
        said = {"input_ids": arrays.ids} | (
            {} if arrays.types is None else {"token_type_ids": arrays.types}
        )
        inputs = {
            name: torch.tensor(array[None, where].astype(np.int64)) for name, array in said.items()
        }
        hidden = model.encoder(**inputs).last_hidden_state
        return hidden[0, 0] / hidden[0, 0].norm()

    rows = [arrays.rows_of(np.array([e])) for e in examples]
    candidates = {pieces(arrays, c): vector(c) for _, c in rows}
    terms = []
    for query, right in rows:
        asked = vector(query)
        alike = {text: model.inner.head.scale * (asked @ v) for text, v in candidates.items()}
        others = torch.stack(list(alike.values()))
        terms.append(others.exp().sum().log() - alike[pieces(arrays, right)])
    return torch.stack(terms).mean()


def gradients(model):
    return {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("encoder", ["xlmr", "bert", "deberta", "modernbert"])
def test_the_loss_is_cross_entropy_among_the_distinct_candidates_of_the_update(setting, encoder):
    arrays, model = setting(encoder)
    ours, theirs = model(), model()
    with torch.no_grad():  # exponents that do not overflow
        ours.inner.head.scale.fill_(20.0)
        theirs.inner.head.scale.fill_(20.0)
    ours.without_padding()
    loss = by_hand(theirs, arrays, UPDATE)
    loss.backward()
    assert update(ours, arrays, micro_tokens=200) == pytest.approx(float(loss.detach()), rel=1e-5)
    mine, known = gradients(ours), gradients(theirs)
    assert mine.keys() == known.keys() and "inner.head.scale" in mine
    for name, grad in known.items():
        torch.testing.assert_close(mine[name], grad, rtol=2e-4, atol=2e-5)


def test_queries_with_the_same_right_candidate_are_not_each_others_negatives(setting):
    arrays, model = setting("xlmr")
    one, two = model(), model()
    assert update(one, arrays, np.array([0, 1])) == 0.0, "nothing is to be told apart"
    assert all(not grad.any() for grad in gradients(one).values())
    assert update(two, arrays, np.array([0, 2])) > 0.01
    assert any(grad.any() for grad in gradients(two).values())


@pytest.mark.parametrize("encoder", ["xlmr", "bert", "deberta", "modernbert"])
def test_with_dropout_the_second_pass_draws_what_the_first_drew(setting, encoder, monkeypatch):
    arrays, model = setting(encoder, dropout=0.3)
    trained, seen = model(), []
    forward = DualEncoder.forward

    def watched(self, **inputs):
        out = forward(self, **inputs)
        seen.append((out.detach().clone(), torch.get_rng_state()))
        return out

    monkeypatch.setattr(DualEncoder, "forward", watched)
    torch.manual_seed(7)
    update(trained, arrays, micro_tokens=200)
    micro = (len(seen) + 1) // 2
    assert len(seen) == 2 * micro - 1 and micro > 2
    for (first, _), (second, _) in zip(seen[: micro - 1], seen[micro:], strict=True):
        assert torch.equal(first, second)
    after = seen[micro - 1][1]
    assert torch.equal(torch.get_rng_state(), after), "the next update is to draw other numbers"
    before, seen[:] = seen[0][0], []
    update(trained, arrays, micro_tokens=200)
    assert not torch.equal(seen[0][0], before)


def test_with_dropout_the_gradient_is_that_of_the_vectors_that_the_loss_saw(setting):
    """One micro-batch has one pass: the same numbers drawn, the same loss and gradient."""
    arrays, model = setting("bert", dropout=0.3)
    whole, by_rows = model(), model()
    torch.manual_seed(7)
    loss = update(whole, arrays)
    rows, right = arrays.rows_of(UPDATE), arrays.extra["right"][UPDATE]
    _, first, where = np.unique(right, return_index=True, return_inverse=True)
    some = arrays.taken(np.concatenate([rows[::2], rows[1::2][first]]))
    order = np.argsort(some.lengths, kind="stable")
    torch.manual_seed(7)
    vectors = by_rows(**inputs_of(some, order, CPU))[np.argsort(order)]
    scores = by_rows.inner.head(vectors[: len(UPDATE)], vectors[len(UPDATE) :])
    known = F.cross_entropy(scores, torch.from_numpy(where))
    known.backward()
    assert loss == pytest.approx(float(known.detach()), rel=1e-6)
    for name, grad in gradients(by_rows).items():
        torch.testing.assert_close(gradients(whole)[name], grad, rtol=1e-5, atol=1e-6)


def test_training_ranks_held_out_sentences_far_above_the_untrained_encoder(workbench):
    bench = workbench()
    model, dev = bench.train(NAME, how(epochs=12)), bench.examples(NAME, "dev")
    before, after = (
        bench.build(bench.score(bench.rank(start, dev))).value["scores"]["map@20"]
        for start in (None, model)
    )
    value = bench.open(model).value
    assert value["verdict"] == "ok"
    assert (value["dev_metric"], value["dev_examples"], value["examples"]) == ("map@20", 32, 96)
    assert after == pytest.approx(value["dev_score"])
    assert after > 2 * before
    assert load_trained(bench.open(model).folder).inner.head.scale.item() != SCALE


def test_other_stages_start_from_a_dual_encoder_and_lead_to_one(workbench):
    bench = workbench()
    said = how(epochs=1, batch_size=32)
    first = bench.train("hellaswag", said)
    dual = bench.train(NAME, said, start=first)
    last = bench.build(bench.train("mnli", said, start=dual))
    assert [link["task"] for link in last.value["lineage"]] == ["hellaswag", NAME, "mnli"]
