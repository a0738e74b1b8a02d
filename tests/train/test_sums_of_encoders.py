"""Encoders added up from what trainings changed in one: exact where nothing needs rounding."""

import pytest
import torch
from test_layer_transfer import SAID
from test_resume import files
from tiny_encoders import BLOCKS

from xstilts.models.task_model import load_encoder
from xstilts.train.spec import Layers


def weights(folder):
    """The encoder's weights; poolers count as heads."""
    state = load_encoder(folder).state_dict()
    return {name: x for name, x in state.items() if not name.startswith("pooler.")}


def equal(one, other):
    assert one.keys() == other.keys()
    return all(torch.equal(x, other[name]) for name, x in one.items())


@pytest.mark.parametrize("name", BLOCKS)
def test_one_training_with_weight_1_is_that_trainings_encoder_to_the_last_bit(workbench, name):
    bench = workbench(name)
    trained = bench.train("mnli", SAID)
    result = bench.build(bench.merge({trained: 1.0}))
    assert equal(weights(result.folder), weights(bench.open(trained).folder))
    assert not equal(weights(result.folder), weights(bench.encoder))
    assert not any("pooler" in key for key in files(result))


def test_a_sum_adds_the_weighted_changes_to_the_encoder_and_leaves_what_none_changed(workbench):
    bench = workbench()
    frozen = Layers(frozen=1)
    shares = {bench.train("mnli", SAID, layers=frozen): 0.7}
    shares |= {bench.train("udpos", SAID, layers=frozen): -0.3}
    result = bench.build(bench.merge(shares))
    found, begun = weights(result.folder), weights(bench.encoder)
    ends = [(weights(bench.open(step).folder), share) for step, share in shares.items()]
    for name, x in begun.items():
        changes = [share * (end[name].double() - x.double()) for end, share in ends]
        wanted = (x.double() + sum(changes)).float()
        torch.testing.assert_close(found[name], wanted, rtol=1e-6, atol=1e-9)
        still = name.startswith(("embeddings.", "encoder.layer.0."))
        assert torch.equal(found[name], x) == still or x.ndim == 1, name


def test_the_order_of_the_parts_changes_the_last_bit_at_most(workbench):
    """A plan puts them in one order, so there it changes nothing; halves are rounded here."""
    bench = workbench()
    shares = {bench.train(task, SAID): share for task, share in (("mnli", 0.6), ("udpos", 0.4))}
    shares[bench.train("hellaswag", SAID)] = 0.3
    one, other = (bench.build(bench.merge(x)) for x in (shares, dict(reversed(shares.items()))))
    assert one.folder != other.folder
    found, again = weights(one.folder), weights(other.folder)
    for name, x in found.items():
        torch.testing.assert_close(again[name], x, rtol=2**-23, atol=1e-12)


def test_the_next_stage_goes_on_from_the_sum_and_knows_where_it_came_from(workbench):
    bench = workbench()
    shares = {bench.train(task, SAID): 0.5 for task in ("mnli", "udpos")}
    merged = bench.merge(shares)
    result = bench.build(bench.train("hellaswag", SAID, start=merged, layers=Layers(frozen=2)))
    sums = weights(bench.open(merged).folder)
    assert equal(sums, weights(result.folder))
    first, last = result.value["lineage"]
    assert [part["weight"] for part in first["merged"]] == [0.5, 0.5]
    assert [[link["task"] for link in part["lineage"]] for part in first["merged"]] == [
        ["mnli"],
        ["udpos"],
    ]
    assert last["task"] == "hellaswag"
