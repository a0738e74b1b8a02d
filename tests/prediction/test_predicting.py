"""The stage that runs a model on one slice."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from workbench import KINDS, TRAINED, how

from xstilts.core.spec import Runtime
from xstilts.data.batches import TokenArrays
from xstilts.models.task_model import load_encoder, load_trained
from xstilts.prediction.forward import embed
from xstilts.tasks.examples import Candidate

REPORTED = {
    "pair": ("xnli", "test", "sw"),
    "choice": ("hellaswag", "dev", "en"),
    "span": ("xquad", "test", "de"),
    "tagging": ("panx", "test", "de"),
    "ranking": ("squad_v1_retrieval", "dev", "en"),
}
SAID = how(epochs=1, batch_size=24, select={"every": 5, "patience": 9})


def table(result):
    return pq.read_table(result.folder / "predictions.parquet").to_pydict()


@pytest.mark.parametrize("encoder", ["xlmr", "modernbert"])
@pytest.mark.parametrize("kind", KINDS)
def test_predictions_do_not_depend_on_how_rows_are_batched(workbench, encoder, kind):
    bench = workbench(encoder)
    trained = "panx" if kind == "tagging" else TRAINED[kind]
    step = bench.predict(bench.train(trained, SAID), bench.examples(*REPORTED[kind]))
    found = []
    model = step.inputs["vectors.en"] if kind == "ranking" else step
    for budget in (1, 500, 10**6):
        runtime = Runtime(threads=1, micro_tokens=budget, keep_weights="all")
        bench.build(model.inputs["model"])
        found.append(table(bench.build(step, runtime)))
        for made in (model, step):
            bench.store.set_aside(made.address, made.key)
    slice_ = bench.slice(step.inputs["examples"])
    ids = [e.id for e in slice_ if not isinstance(e, Candidate)]
    for columns in found:
        assert columns["id"] == ids
        assert columns["prediction"] == found[0]["prediction"]
    numbers = {"pair": "logits", "choice": "logits", "tagging": "probabilities"}
    numbers |= {"ranking": "scores"}
    if kind in numbers:
        for one, other in zip(found[0][numbers[kind]], found[2][numbers[kind]], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_predictions_of_a_row_are_the_models_own(workbench):
    bench = workbench()
    model = bench.train("hellaswag", SAID)
    step = bench.predict(model, bench.examples("hellaswag", "dev"))
    columns = table(bench.build(step))
    arrays = bench.arrays(step.inputs["tokens"])
    loaded = load_trained(bench.open(model).folder).eval()
    for i in (0, 7, 39):
        ids = [arrays.ids[arrays.starts[r] : arrays.starts[r + 1]] for r in range(4 * i, 4 * i + 4)]
        with torch.no_grad():
            rows = [torch.tensor(x.astype(np.int64))[None, None] for x in ids]
            alone = [float(loaded(row, torch.ones_like(row))) for row in rows]
        np.testing.assert_allclose(columns["logits"][i], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("encoder", ["xlmr", "bert"])
@pytest.mark.parametrize("layers", [[0], [1], [2], [0, 1, 2]])
def test_a_sentence_vector_is_its_pieces_mean_or_the_first_of_them(workbench, encoder, layers):
    bench = workbench(encoder)
    step = bench.tokens(bench.examples("tatoeba", "test", "de"))
    arrays = bench.arrays(step, "text-")
    model = load_encoder(bench.encoder)
    found = embed(
        model,
        arrays,
        layers=layers,
        poolings=("mean", "first"),
        micro_tokens=300,
        precision="fp32",
        device=torch.device("cpu"),
    )
    assert found.shape == (len(layers), 2, 30, 32) and found.dtype == np.float32
    for i in (0, 13, 29):
        ids = torch.tensor(arrays.ids[arrays.starts[i] : arrays.starts[i + 1]].astype(np.int64))
        with torch.no_grad():
            hidden = model(input_ids=ids[None], output_hidden_states=True).hidden_states
        assert len(hidden) == 3
        for place, layer in enumerate(layers):
            mean, first = found[place, :, i]
            np.testing.assert_allclose(mean, hidden[layer][0].mean(0), rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(first, hidden[layer][0, 0], rtol=1e-4, atol=1e-5)


def test_saved_token_arrays_of_both_sides_have_one_row_a_sentence(workbench):
    bench = workbench()
    folder = bench.build(bench.tokens(bench.examples("tatoeba", "test", "sw"))).folder
    for side in ("text-", "english-"):
        assert len(TokenArrays.load(folder, 1, side).lengths) == 30
