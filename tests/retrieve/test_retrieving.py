"""The stage that looks for translations, and the layer they are looked for in."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file, save_file
from workbench import how

from xstilts.retrieve.neighbours import nearest
from xstilts.retrieve.spec import NEIGHBOURS, Retrieve, block_of, protocol

ORACLES = Path(__file__).parents[1] / "metrics" / "oracles"


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_tatoeba_predictions_are_those_of_the_published_code():
    text, english = (np.load(ORACLES / f"tatoeba.{side}.npy") for side in ("xx", "en"))
    expected = [int(x) for x in (ORACLES / "tatoeba.pred.txt").read_text().split()]
    products = unit(english) @ unit(text).T
    ties = [i for i, row in enumerate(products) if (row == row.max()).sum() > 1]
    assert ties, "the oracle holds ties"
    assert all(expected[i] == int(np.argmax(products[i])) for i in ties)
    for precision in ("fp32", "bf16"):
        assert nearest(english, text, 1, precision).indices[:, 0].tolist() == expected


@pytest.mark.parametrize(
    ("layer", "layers", "block"),
    [
        (0.58, 6, 3),
        (0.58, 12, 7),
        (0.58, 24, 14),
        (14 / 24, 24, 14),
        (0.5, 5, 3),
        (0.01, 24, 0),
        (0.99, 24, 24),
        (0, 12, 0),
        (8, 12, 8),
        (1, 12, 1),
        (12, 12, 12),
    ],
)
def test_a_share_of_depth_is_rounded_half_up_and_a_whole_number_is_a_block(layer, layers, block):
    assert block_of(layer, layers) == block


def test_the_protocol_names_all_that_a_score_depends_on():
    config = Retrieve(encoder="x", layer=0.58, precision="fp32")
    assert protocol(config, 14, 24) == "block 14/24, mean pooling, en->xx, cosine"


def predictions(result):
    return pq.read_table(result.folder / "predictions.parquet").to_pydict()


def test_english_asks_and_the_other_language_is_searched(workbench):
    bench = workbench()
    examples = bench.examples("tatoeba", "test", "de")
    result = bench.build(bench.retrieve(examples, layer=1))
    columns = predictions(result)
    assert columns["id"] == [e.id for e in bench.slice(examples)]
    assert all(len(x) == NEIGHBOURS for x in columns["neighbours"])
    assert columns["prediction"] == [x[0] for x in columns["neighbours"]]
    assert result.value == {"n": 30, "protocol": "block 1/2, mean pooling, en->xx, cosine"}
    vectors = {}
    for side in ("english-", "text-"):
        vectors[side] = sentence_vectors(bench, examples, side)
    products = vectors["english-"] @ vectors["text-"].T
    assert columns["prediction"] == products.argmax(1).tolist()
    assert columns["prediction"] != products.argmax(0).tolist(), "the other direction differs"
    np.testing.assert_allclose([x[0] for x in columns["scores"]], products.max(1), rtol=1e-4)


def sentence_vectors(bench, examples, side):
    import torch

    from xstilts.models.task_model import load_encoder
    from xstilts.prediction.forward import embed

    arrays = bench.arrays(bench.tokens(examples), side)
    found = embed(
        load_encoder(bench.encoder),
        arrays,
        layers=[1],
        micro_tokens=10**6,
        precision="fp32",
        device=torch.device("cpu"),
    )
    return unit(found[0, 0])


def test_a_trained_encoder_is_searched_with_instead_of_the_pretrained_one(workbench):
    bench = workbench()
    examples = bench.examples("tatoeba", "test", "sw")
    model = bench.train("mnli", how(epochs=1))
    before = predictions(bench.build(bench.retrieve(examples)))
    after = predictions(bench.build(bench.retrieve(examples, model)))
    assert before["scores"] != after["scores"]


def test_another_encoder_in_the_same_folder_is_read_anew(workbench, tmp_path):
    """A process that lives on (a notebook) must not answer with weights it read before."""
    folder = tmp_path / "encoder"
    shutil.copytree(workbench().encoder, folder)
    scores = []
    for store in ("one", "two"):
        bench = workbench(folder, store)
        result = bench.build(bench.retrieve(bench.examples("tatoeba", "test", "de")))
        scores.append(predictions(result)["scores"])
        weights = load_file(folder / "model.safetensors")
        changed = {k: v.flip(0).contiguous() if v.ndim > 1 else v for k, v in weights.items()}
        save_file(changed, folder / "model.safetensors", metadata={"format": "pt"})
    assert scores[0] != scores[1]


def test_a_sweep_passes_each_side_through_the_encoder_once(workbench, monkeypatch):
    from xstilts.retrieve import encoded

    passes = []

    def counted(encoder, arrays, *, layers, **more):
        passes.append((arrays.examples, layers))
        return embed(encoder, arrays, layers=layers, **more)

    embed = encoded.embed
    monkeypatch.setattr(encoded, "embed", counted)
    bench = workbench()
    examples = bench.examples("tatoeba", "test", "de")
    swept = bench.build(bench.retrieve(examples, layer=1, sweep=True))
    assert passes == [(30, [0, 1, 2])] * 2
    assert (swept.value["block"], len(swept.value["blocks"])) == (1, 3)
    every = pq.read_table(swept.folder / "blocks.parquet").to_pydict()
    for block in range(3):
        alone = bench.build(bench.retrieve(examples, layer=block))
        rows = [i for i, b in enumerate(every["block"]) if b == block]
        assert [every["neighbours"][i] for i in rows] == predictions(alone)["neighbours"]
        assert swept.value["blocks"][block] == alone.value["protocol"]
    assert predictions(swept)["prediction"] == [every["prediction"][i] for i in range(30, 60)]
    assert {p.name for p in swept.folder.iterdir()} >= {"blocks.parquet", "predictions.parquet"}
    assert not [p for p in swept.folder.iterdir() if p.suffix not in (".parquet", ".json")]
