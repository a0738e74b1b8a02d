"""A stage that goes on with the head it finds, and one that goes on for longer."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from workbench import TRAINED, how

from xstilts.train.spec import LONGER

SHORT = {"batch_size": 16, "select": {"every": 50, "patience": 50}}


def weights(result):
    found = {}
    for file in sorted(result.folder.glob("*.safetensors")):
        found |= {f"{file.stem}.{name}": tensor for name, tensor in load_file(file).items()}
    return found


def continued(bench, kind, head, lr):
    """A model, and what one more stage of the same task makes of it."""
    name = TRAINED[kind]
    first = bench.train(name, how(epochs=1, **SHORT))
    step = bench.train(name, how(epochs=1, lr=lr, **SHORT), seed=5, start=first)
    config = step.config.model_copy(update={"head": head})
    return first, replace(step, config=config)


@pytest.mark.parametrize(
    ("encoder", "kind"),
    [("xlmr", "pair"), ("xlmr", "span"), ("bert", "tagging"), ("jina", "choice")],
)
def test_a_kept_head_is_the_one_that_was_trained_and_a_new_one_is_not(workbench, encoder, kind):
    bench = workbench(encoder)
    first, kept = continued(bench, kind, "kept", 1e-12)
    _, new = continued(bench, kind, "new", 1e-12)
    before, after, other = (weights(bench.build(step)) for step in (first, kept, new))
    assert before.keys() == after.keys() == other.keys()
    differ = []
    for name, tensor in before.items():
        torch.testing.assert_close(after[name], tensor, rtol=0, atol=1e-6)
        if not torch.allclose(other[name], tensor, rtol=0, atol=1e-4):
            differ.append(name)
    assert differ and all(part in " ".join(differ) for part in ("weight",))
    assert not any("embeddings" in name for name in differ)
    assert bench.open(kept).value["lineage"][0] == bench.open(first).value["lineage"][0]


def test_a_kept_head_goes_on_learning(workbench):
    bench = workbench()
    first, kept = continued(bench, "pair", "kept", 3e-3)
    before, after = (weights(bench.build(step)) for step in (first, kept))
    assert any(not torch.equal(before[name], after[name]) for name in before if "class" in name)


def test_a_longer_stage_has_the_updates_of_the_stages_beside_it_on_top(workbench):
    """As many as they ran, neither those that were planned nor those up to the best."""
    bench = workbench()
    said = how(epochs=1, **SHORT)
    ends = how(epochs=1, lr=1e-12, batch_size=16, select={"every": 1, "patience": 2})
    beside = [bench.train("hellaswag", ends)]
    beside.append(bench.train("squad_v1", said, start=beside[0]))
    plain = bench.train("mnli", said)
    more = {f"{LONGER}{i}": step for i, step in enumerate(beside)}
    longer = replace(plain, inputs={**plain.inputs, **more})
    values = [bench.build(step).value for step in (*beside, plain, longer)]
    of_first = [values[0][k] for k in ("selected_update", "updates", "planned_updates")]
    assert of_first == sorted(set(of_first))
    first, second, own, found = (value["updates"] for value in values)
    assert found == own + first + second == values[-1]["planned_updates"]
    assert values[-1]["further_updates"] == first + second
    assert "further_updates" not in values[-2]
    assert longer.key != plain.key
    assert values[-1]["lineage"] == [values[-1]["lineage"][0]]
