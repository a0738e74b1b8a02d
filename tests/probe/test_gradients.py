"""Gradients of a task in the blocks, against what autograd says example by example."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from xstilts.data.batches import IGNORED
from xstilts.models.task_model import next_stage
from xstilts.probe.gradients import (
    answered,
    block_weights,
    fisher,
    fitted,
    mean_gradient,
    with_drawn_labels,
)
from xstilts.probe.measures import cosine
from xstilts.probe.spec import HeadFit
from xstilts.tasks import get_task

EXAMPLES = 20
NAMES = {"pair": "mnli", "tagging": "udpos", "span": "squad_v1"}
CPU = torch.device("cpu")


@pytest.fixture
def setting(workbench):
    """Token arrays of a few examples, and a model with a new head."""
    bench = workbench("xlmr")

    def make(kind):
        arrays = bench.arrays(bench.tokens(bench.examples(NAMES[kind], at_most=EXAMPLES)))
        labels = len(get_task(NAMES[kind]).labels)
        return arrays, next_stage(bench.encoder, kind, labels, seed=1, dropout=0.0).eval()

    return make


def gradients(model, arrays):
    """The gradient of each pair's loss in every weight of the blocks."""
    weights = block_weights(model)
    found = []
    for i in range(arrays.examples):
        logits, _ = answered(model, arrays, np.array([i]))
        label = torch.tensor([int(arrays.extra["label"][i])])
        found.append(torch.autograd.grad(F.cross_entropy(logits, label), weights))
    return [torch.stack(each) for each in zip(*found, strict=True)]


def test_the_fisher_information_is_the_mean_square_of_each_examples_gradient(setting):
    arrays, model = setting("pair")
    squares = [g.double().square().mean(0) for g in gradients(model, arrays)]
    by_hand = torch.cat([s.mean(1) if s.ndim > 1 else s for s in squares])
    assert fisher(model, arrays) == pytest.approx(by_hand.numpy(), rel=1e-4)


def test_sketches_of_mean_gradients_keep_their_cosines(setting):
    arrays, model = setting("pair")
    every = gradients(model, arrays)
    drawn = with_drawn_labels(model, arrays, seed=3)
    other = gradients(model, drawn)
    exact = [torch.cat([g.mean(0).ravel() for g in each]).numpy() for each in (every, other)]
    sketches = [mean_gradient(model, each, 2**12) for each in (arrays, drawn)]
    assert cosine(*exact) < 0.99
    assert cosine(*sketches) == pytest.approx(cosine(*exact), abs=3 / 2**6)


@pytest.mark.parametrize("kind", ["pair", "tagging"])
def test_labels_are_drawn_from_what_the_model_expects_and_only_where_there_are_some(setting, kind):
    arrays, model = setting(kind)
    name = {"pair": "label", "tagging": "tag"}[kind]
    bias = list(model.inner.classifier.parameters())[-1]
    with torch.no_grad():
        bias.copy_(torch.tensor([0.0, 50.0, *[0.0] * (len(bias) - 2)]))
    drawn = with_drawn_labels(model, arrays, seed=0).extra[name]
    there = np.asarray(arrays.extra[name]) != IGNORED
    assert (drawn[there] == 1).all() and (drawn[~there] == IGNORED).all()
    with torch.no_grad():
        bias.zero_()
    drawn = with_drawn_labels(model, arrays, seed=0).extra[name]
    assert len(set(drawn[there].tolist())) > 1


@pytest.mark.parametrize("kind", NAMES)
def test_a_head_is_fitted_on_an_encoder_that_stays_as_it_is(setting, workbench, kind):
    arrays, before = setting(kind)
    labels = get_task(NAMES[kind]).labels
    start = workbench("xlmr").encoder
    losses = []
    for updates in (1, 40):
        config = HeadFit(kind=kind, labels=labels, encoder="x", updates=updates, lr=1e-2)
        model, loss = fitted(config, start, len(labels), arrays, CPU)
        losses.append(loss)
        blocks = zip(block_weights(model), block_weights(before), strict=True)
        assert all(torch.equal(one, other) for one, other in blocks)
    assert losses[1] < 0.95 * losses[0]
