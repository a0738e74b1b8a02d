"""Where memory ends, micro-batches halve and the update stays what it is."""

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from workbench import KINDS, TRAINED, how

from xstilts.core.errors import MachineError
from xstilts.core.spec import Runtime
from xstilts.models.memory import halved
from xstilts.models.task_model import TaskModel, load_encoder
from xstilts.prediction import forward
from xstilts.prediction.forward import embed

CPU = torch.device("cpu")
FITS = 512  # padded pieces that the memory of these tests holds
LITTLE, MUCH = (Runtime(threads=1, micro_tokens=n, keep_weights="all") for n in (FITS, 16 * FITS))
SAID = how(epochs=1, batch_size=24, dropout=0.1, select={"every": 5, "patience": 9})


@pytest.fixture
def little(monkeypatch):
    """Memory that ends at more than `FITS` pieces; whether each training pass was held."""
    passes, really = [], TaskModel.forward

    def passed(self, ids, *args, **more):
        held = ids.numel() <= FITS
        if self.training:
            passes.append(held)
        if not held:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return really(self, ids, *args, **more)

    monkeypatch.setattr(TaskModel, "forward", passed)
    return passes


def weights(bench, step, runtime):
    found = bench.build(step, runtime)
    kept = {p.name: load_file(p) for p in found.folder.glob("*.safetensors")}
    assert kept
    bench.store.set_aside(step.address, step.key)
    return {(f, name): tensor for f, of in kept.items() for name, tensor in of.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_training_goes_on_in_halves_as_if_it_had_begun_with_them(workbench, little, kind):
    """Bit for bit: nothing of the failed passes stays, neither gradient nor random numbers."""
    bench = workbench("xlmr")
    step = bench.train(TRAINED[kind], SAID)
    expected = weights(bench, step, LITTLE)
    assert all(little), "with few pieces at once all of them are held"
    little.clear()
    found = weights(bench, step, MUCH)
    assert any(f"on with {FITS:,}" in line for line in bench.said)
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(tensor, found[name]), name


def test_an_update_of_which_a_part_was_done_is_begun_again(workbench, monkeypatch):
    """Memory ends at the third pass of the first update, when gradients of two have been added."""
    bench = workbench("xlmr")
    step = bench.train("panx", SAID)
    small, smaller = (Runtime(threads=1, micro_tokens=n, keep_weights="all") for n in (128, 64))
    expected = weights(bench, step, smaller)
    really, passes = TaskModel.forward, []

    def passed(self, *args, **more):
        passes.append(self.training)
        if sum(passes) == 3 and passes[-1]:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return really(self, *args, **more)

    monkeypatch.setattr(TaskModel, "forward", passed)
    found = weights(bench, step, small)
    for name, tensor in expected.items():
        assert torch.equal(tensor, found[name]), name


def test_predictions_are_the_same_where_memory_ends(workbench, little):
    bench = workbench("xlmr")
    step = bench.predict(bench.train("panx", SAID), bench.examples("panx", "test", "de"))
    tables = []
    for runtime in (Runtime(threads=1, micro_tokens=FITS // 4, keep_weights="all"), MUCH):
        bench.build(step.inputs["model"], LITTLE)
        tables.append(pq.read_table(bench.build(step, runtime).folder / "predictions.parquet"))
        bench.store.set_aside(step.address, step.key)
    assert tables[0]["prediction"].equals(tables[1]["prediction"])


def test_vectors_are_the_same_where_memory_ends(workbench, monkeypatch):
    bench = workbench("xlmr")
    arrays = bench.arrays(bench.tokens(bench.examples("mnli")))
    encoder = load_encoder(bench.encoder)
    of = {"layers": [0, 2], "micro_tokens": 4096, "precision": "fp32", "device": CPU}
    expected = embed(encoder, arrays, **of)
    really, held = forward._pooled, []

    def pooled(hidden, *args):
        held.append(hidden[..., 0].numel() <= FITS)
        if not held[-1]:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return really(hidden, *args)

    monkeypatch.setattr(forward, "_pooled", pooled)
    found = embed(encoder, arrays, **of)
    assert held.count(False) == 3
    torch.testing.assert_close(torch.from_numpy(found), torch.from_numpy(expected))


def test_what_no_halving_helps_is_told():
    with pytest.raises(RuntimeError, match="CPUAllocator") as real:
        torch.empty(1 << 58)
    assert halved(4096, real.value, CPU) == 2048
    with pytest.raises(MachineError, match="does not hold one example") as told:
        halved(1, real.value, CPU)
    assert "freeze" in told.value.do
    other = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    with pytest.raises(RuntimeError, match="shapes") as same:
        halved(4096, other, CPU)
    assert same.value is other
