"""Stages that train adapters: what they write is a plain encoder, whatever interrupts them."""

import json
from functools import partial

import pytest
from test_layer_transfer import ADAPTED, SAID, parts, same
from test_resume import files
from tiny_encoders import BLOCKS
from transformers import AutoModel
from workbench import TRAINED

from xstilts.train.layers_spec import Lora
from xstilts.train.spec import Layers


@pytest.fixture
def deep(encoder_folder):
    """The folder of an encoder with four blocks, by its architecture."""
    return partial(encoder_folder, blocks=4)


@pytest.mark.parametrize("name", BLOCKS)
def test_a_stage_writes_a_plain_encoder_and_the_scores_are_its_own(workbench, deep, name):
    bench = workbench(deep(name))
    step = bench.train("mnli", SAID, layers=ADAPTED)
    result = bench.build(step)
    plain = bench.build(bench.train("mnli", SAID))
    assert files(result).keys() == files(plain).keys()
    config, wanted = (json.loads((x.folder / "config.json").read_text()) for x in (result, plain))
    assert config == wanted
    found, told = AutoModel.from_pretrained(result.folder, output_loading_info=True)
    assert all(name.startswith("pooler.") for name in told["missing_keys"])
    assert not any("lora" in name for name in found.state_dict())
    before, after = parts(bench.encoder, name), parts(result.folder, name)
    nothing = not before["rest"]
    assert same(before, after) == [0, "rest"] or (nothing and same(before, after) == [0])
    value = result.value
    assert value["lora"] == {"rank": 2, "scale": 2.0} == value["lineage"][-1]["lora"]
    assert "lora" not in plain.value
    held = bench.examples("mnli", "dev", at_most=None)
    score = bench.build(bench.score(bench.predict(step, held))).value["scores"]
    assert score[value["dev_metric"]] == pytest.approx(value["dev_score"])


@pytest.mark.parametrize(
    ("kind", "precision"),
    [*((kind, "fp32") for kind in ("ranking", "tagging", "span", "choice")), ("pair", "bf16")],
)
def test_every_kind_of_task_trains_adapters(workbench, deep, kind, precision):
    bench = workbench(deep("xlmr"))
    said = SAID.model_copy(update={"precision": precision})
    result = bench.build(bench.train(TRAINED[kind], said, layers=ADAPTED))
    before, after = parts(bench.encoder, "xlmr"), parts(result.folder, "xlmr")
    assert [part for part in same(before, after) if part != "rest"] == [0]
    assert result.value["packed"]


def test_a_mixture_shares_its_adapters_and_may_read_a_mix_of_layers(workbench, deep):
    bench = workbench(deep("bert"))
    layers = ADAPTED.model_copy(update={"mixed": True})
    result = bench.build(bench.mix(["hellaswag", "mnli"], SAID, layers=layers))
    before, after = parts(bench.encoder, "bert"), parts(result.folder, "bert")
    assert [part for part in same(before, after) if part != "rest"] == [0]
    assert result.value["layer_mix"].keys() == {"hellaswag", "mnli"}
    names = AutoModel.from_pretrained(bench.encoder).state_dict().keys()
    assert AutoModel.from_pretrained(result.folder).state_dict().keys() == names


def test_the_next_stage_starts_from_what_was_merged(workbench, deep):
    bench = workbench(deep("xlmr"))
    first = bench.train("mnli", SAID, layers=ADAPTED)
    step = bench.train("udpos", SAID, start=first, layers=Layers(frozen=4))
    result = bench.build(step)
    before, after = parts(bench.open(first).folder, "xlmr"), parts(result.folder, "xlmr")
    assert [part for part in same(before, after) if part != "rest"] == [0, 1, 2, 3, 4]
    assert [link.get("lora") for link in result.value["lineage"]] == [
        {"rank": 2, "scale": 2.0},
        None,
    ]


def test_adapters_differ_by_seed_rank_and_scale(workbench):
    bench = workbench()
    said = [Layers(), ADAPTED, Layers(lora=Lora(rank=3, scale=2.0)), Layers(lora=Lora(rank=2))]
    keys = [bench.train("mnli", SAID, layers=layers).key for layers in said]
    assert len({*keys, bench.train("mnli", SAID, seed=1, layers=ADAPTED).key}) == 5
