"""How an update is cut into micro-batches changes rounding and nothing else."""

import numpy as np
import pytest
import torch
from workbench import KINDS, TRAINED, how

from xstilts.data.batches import IGNORED, micro_batches
from xstilts.models.task_model import next_stage
from xstilts.prediction.losses import terms
from xstilts.tasks import get_task
from xstilts.train.gradient import summed_gradient
from xstilts.train.optim import clip, make_optimizer

UPDATE = 32  # examples of the update that is cut
CPU = torch.device("cpu")
ROUNDING = {kind: 1e-5 for kind in KINDS} | {"ranking": 1e-4}  # it multiplies cosines by 100


@pytest.fixture
def setting(workbench):
    """Encoder, kind -> its token arrays, and a maker of equal models."""

    def make(encoder, kind, packed):
        bench = workbench(encoder)
        name = TRAINED[kind]
        long = 96 if kind == "ranking" else 48
        arrays = bench.arrays(bench.tokens(bench.examples(name), max_length=long, stride=16))

        def model():
            labels = len(get_task(name).labels)
            found = next_stage(bench.encoder, kind, labels, seed=1, dropout=0.0)
            assert not packed or found.without_padding()
            return found

        return arrays, model

    return make


def budgets(arrays, examples):
    """Budgets of padded pieces under which 1, about 4 and all 32 examples are one micro-batch."""
    rows = [arrays.rows_of(np.array([e])) for e in examples]
    longest = [int(arrays.lengths[r].max()) * len(r) for r in rows]
    return {1: 1, 4: 4 * max(longest), 32: 32 * max(longest) * max(len(r) for r in rows)}


def gradient(model, arrays, examples, budget):
    loss = summed_gradient(
        model, arrays, examples, micro_tokens=budget, precision="fp32", device=CPU
    )
    return loss, {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def distance(one, other):
    """Norm of the difference of two sets of tensors, relative to the first."""
    assert one.keys() == other.keys()
    apart = sum(float((one[n] - other[n]).double().square().sum()) for n in one)
    return (apart / sum(float(one[n].double().square().sum()) for n in one)) ** 0.5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("encoder", "packed"), [("xlmr", True), ("bert", False), ("deberta", False)]
)
def test_any_cutting_gives_the_same_gradient_and_the_same_weights(setting, encoder, kind, packed):
    arrays, model = setting(encoder, kind, packed)
    examples = np.random.default_rng(0).permutation(arrays.examples)[:UPDATE]
    assert len(set(arrays.lengths[arrays.rows_of(examples)])) > 5, "lengths are to be unequal"
    found = {}
    for most, budget in budgets(arrays, examples).items():
        cut = [len(g) for g in micro_batches(arrays, examples, budget)]
        assert max(cut) >= most, "the budget does not give this size"
        assert len(cut) == {1: 32, 32: 1}.get(most, len(cut))
        trained = model()
        loss, grads = gradient(trained, arrays, examples, budget)
        optimizer = make_optimizer(trained, how(lr=1e-4))
        clip(trained.parameters(), 1.0)
        optimizer.step()
        found[most] = loss, grads, dict(trained.state_dict())
    for other in (4, 32):
        assert found[other][0] == pytest.approx(found[1][0], rel=1e-5)
        assert distance(found[1][1], found[other][1]) < ROUNDING[kind]
        assert distance(found[1][2], found[other][2]) < 1e-5


def test_span_examples_of_the_cutting_test_have_several_windows(setting):
    arrays, _ = setting("xlmr", "span", True)
    assert np.bincount(arrays.example).max() >= 3


@pytest.mark.parametrize("kind", KINDS)
def test_packed_and_padded_updates_agree(setting, kind):
    arrays, packed = setting("xlmr", kind, True)
    _, padded = setting("xlmr", kind, False)
    examples = np.arange(UPDATE)
    budget = budgets(arrays, examples)[4]
    one, other = (gradient(m(), arrays, examples, budget) for m in (packed, padded))
    assert one[0] == pytest.approx(other[0], rel=1e-5)
    assert distance(one[1], other[1]) < ROUNDING[kind]


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "ranking"])  # see test_dual.py
def test_the_loss_is_the_mean_over_examples_or_labelled_words(setting, kind):
    arrays, model = setting("bert", kind, False)
    examples = np.array([3, 7])
    trained = model()
    both, _ = gradient(trained, arrays, examples, 1)
    alone = [gradient(model(), arrays, examples[i : i + 1], 1)[0] for i in (0, 1)]
    weights = [terms(trained, arrays, examples[i : i + 1]) for i in (0, 1)]
    assert both == pytest.approx(np.average(alone, weights=weights), rel=1e-5)


def test_terms_are_words_for_tagging_and_examples_otherwise(setting):
    arrays, model = setting("bert", "tagging", False)
    words = int((arrays.extra["tag"] != IGNORED).sum())
    assert terms(model(), arrays, np.arange(arrays.examples)) == words
    arrays, model = setting("bert", "span", False)
    assert terms(model(), arrays, np.array([0, 1])) == 2


def test_a_long_context_counts_as_much_as_a_short_one(setting):
    """The gradient of an example with many windows is the mean over them, not their sum."""
    arrays, model = setting("bert", "span", False)
    windows = np.bincount(arrays.example)
    long, short = int(windows.argmax()), int(windows.argmin())
    assert windows[long] > windows[short] == 1
    losses = {e: gradient(model(), arrays, np.array([e]), 1)[0] for e in (long, short)}
    assert losses[long] < 2 * losses[short]
