"""Every architecture under every head: next stage, training, saving, resuming, predicting."""

import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file
from workbench import KINDS, TRAINED, how

from xstilts.core.spec import Runtime
from xstilts.models.task_model import SCALE, LinearHead, load_trained, next_stage
from xstilts.prediction.forward import logits
from xstilts.tasks import get_task
from xstilts.tasks.examples import Query
from xstilts.train import loop

ENCODERS = ("xlmr", "bert", "deberta", "modernbert")
CELLS = pytest.mark.parametrize(
    ("encoder", "kind"), [*((e, k) for e in ENCODERS for k in KINDS), ("deberta-v1", "choice")]
)
SAID = how(epochs=1, batch_size=24, dropout=0.1, select={"every": 2, "patience": 9})
CPU = torch.device("cpu")


def labels_of(kind):
    return len(get_task(TRAINED[kind]).labels)


def bare(model):
    """The encoder's weights by name, without its pooler."""
    state = model.encoder.state_dict()
    return {k: v for k, v in state.items() if not k.startswith("pooler.")}


def rest(model):
    """All other weights: head and pooler, by name."""
    names = {id(p) for n, p in model.encoder.named_parameters() if not n.startswith("pooler.")}
    return {n: p.detach() for n, p in model.named_parameters() if id(p) not in names}


def outputs(model, arrays):
    parts = logits(model, arrays, micro_tokens=2048, precision="fp32", device=CPU)
    return [out for _, _, out in parts]


@CELLS
def test_the_next_stage_keeps_the_encoder_and_renews_everything_else(workbench, encoder, kind):
    bench = workbench(encoder)
    first = bench.build(bench.train(TRAINED[kind], SAID))
    trained = load_trained(first.folder)
    untrained = next_stage(bench.encoder, kind, labels_of(kind), seed=0, dropout=0.0)
    assert any(not torch.equal(v, bare(untrained)[k]) for k, v in bare(trained).items())
    again = next_stage(first.folder, kind, labels_of(kind), seed=5, dropout=0.0)
    assert bare(again).keys() == bare(trained).keys()
    assert all(torch.equal(v, bare(trained)[k]) for k, v in bare(again).items())
    old, new = rest(trained), rest(again)
    assert old.keys() == new.keys() != set()
    if kind == "ranking":
        assert new == {"inner.head.scale": SCALE} != old
        return
    matrices = [n for n, w in old.items() if w.ndim > 1]
    assert matrices
    assert not any(torch.equal(old[n], new[n]) for n in matrices)


@pytest.mark.parametrize(
    ("encoder", "kind"), [(e, k) for e in ENCODERS for k in KINDS if k != "ranking"]
)
def test_a_new_head_depends_on_the_seed_alone(workbench, encoder, kind):
    def head(seed):
        model = next_stage(workbench(encoder).encoder, kind, labels_of(kind), seed=seed, dropout=0)
        return {n: w for n, w in rest(model).items() if w.ndim > 1}

    torch.manual_seed(99)
    one = head(3)
    torch.manual_seed(7)
    same, other = head(3), head(4)
    assert all(torch.equal(w, same[n]) for n, w in one.items())
    assert not any(torch.equal(w, other[n]) for n, w in one.items())


@CELLS
def test_a_saved_model_gives_the_same_logits_when_loaded(workbench, encoder, kind, tmp_path):
    bench = workbench(encoder)
    arrays = bench.arrays(bench.tokens(bench.examples(TRAINED[kind], "dev")))
    model = next_stage(bench.encoder, kind, labels_of(kind), seed=0, dropout=0.1)
    model.save(tmp_path / "model")
    loaded = load_trained(tmp_path / "model")
    assert (loaded.kind, loaded.outputs) == (model.kind, model.outputs)
    for a, b in zip(outputs(model, arrays), outputs(loaded, arrays), strict=True):
        np.testing.assert_array_equal(a, b)


@CELLS
def test_a_few_updates_and_predictions_run(workbench, encoder, kind):
    bench = workbench(encoder)
    model = bench.train(TRAINED[kind], SAID)
    examples = bench.examples(TRAINED[kind], "dev")
    result = bench.build(bench.predict(model, examples))
    assert bench.open(model).value["updates"] >= 4
    table = pq.read_table(result.folder / "predictions.parquet").to_pydict()
    slice_ = bench.slice(examples)
    if kind == "ranking":
        candidates = {e.id for e in slice_ if not isinstance(e, Query)}
        slice_ = [e for e in slice_ if isinstance(e, Query)]
    assert table["id"] == [e.id for e in slice_]
    known = {
        "pair": lambda e, p: p in get_task("mnli").labels,
        "choice": lambda e, p: p in range(4),
        "span": lambda e, p: p in e.context,
        "tagging": lambda e, p: len(p) == len(e.words) and set(p) <= set(get_task("udpos").labels),
        "ranking": lambda e, p: len(set(p)) == 20 and set(p) <= candidates,
    }[kind]
    assert all(known(e, p) for e, p in zip(slice_, table["prediction"], strict=True))


@CELLS
def test_a_stage_that_was_interrupted_ends_with_the_same_weights(
    workbench, encoder, kind, monkeypatch
):
    runtime = Runtime(threads=1, micro_tokens=1024, checkpoint_seconds=0, keep_weights="all")
    whole, torn = workbench(encoder, "whole"), workbench(encoder, "torn")
    expected = whole.build(whole.train(TRAINED[kind], SAID), runtime)
    step, really, done = torn.train(TRAINED[kind], SAID), loop.summed_gradient, []

    def stop(*args, **more):
        done.append(1)
        if len(done) == 4:
            raise KeyboardInterrupt
        return really(*args, **more)

    monkeypatch.setattr(loop, "summed_gradient", stop)
    with pytest.raises(KeyboardInterrupt):
        torn.build(step, runtime)
    found = torn.build(step, runtime)
    assert len(done) == expected.value["updates"] + 1
    for file in expected.folder.glob("*.safetensors"):
        assert (found.folder / file.name).read_bytes() == file.read_bytes()


def test_an_encoder_without_a_head_in_the_library_gets_a_linear_one(workbench):
    for encoder in ("deberta-v1", "jina"):
        model = next_stage(workbench(encoder).encoder, "choice", 0, seed=0, dropout=0.0)
        assert isinstance(model.inner, LinearHead)
    for encoder in ENCODERS:
        model = next_stage(workbench(encoder).encoder, "choice", 0, seed=0, dropout=0.0)
        assert not isinstance(model.inner, LinearHead)


def test_a_pooler_that_the_files_lack_depends_on_the_seed_alone(workbench, tmp_path):
    folder = tmp_path / "encoder"
    shutil.copytree(workbench("jina").encoder, folder)
    stored = load_file(folder / "model.safetensors")
    kept = {k: v for k, v in stored.items() if "pooler" not in k}
    assert len(kept) < len(stored)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})

    def state(seed):
        return next_stage(folder, "choice", 0, seed=seed, dropout=0.0).state_dict()

    torch.manual_seed(1)
    one = state(3)
    torch.manual_seed(2)
    assert all(torch.equal(v, one[k]) for k, v in state(3).items())


@pytest.mark.parametrize("encoder", [*ENCODERS, "deberta-v1"])
@pytest.mark.parametrize("kind", KINDS)
def test_without_dropout_training_and_evaluation_see_the_same_model(workbench, encoder, kind):
    bench = workbench(encoder)
    model = next_stage(bench.encoder, kind, labels_of(kind), seed=0, dropout=0.0)
    arrays = bench.arrays(bench.tokens(bench.examples(TRAINED[kind], "dev")))
    rates = [m.p for m in model.modules() if "Dropout" in type(m).__name__]
    assert all(rate == 0 for rate in rates)
    model.eval = lambda: model.train(True)
    training = outputs(model, arrays)
    del model.eval
    for a, b in zip(training, outputs(model, arrays), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("encoder", ["xlmr", "deberta", "modernbert", "deberta-v1", "jina"])
def test_the_dropout_asked_for_is_the_dropout_there_is(workbench, encoder):
    kind = "choice"
    model = next_stage(workbench(encoder).encoder, kind, 0, seed=0, dropout=0.3)
    rates = {m.p for m in model.modules() if "Dropout" in type(m).__name__}
    assert rates == {0.3}
