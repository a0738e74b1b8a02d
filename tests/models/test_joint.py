"""Several heads on one encoder: each is what it would be alone, and all move the same weights."""

import numpy as np
import pytest
import torch
from transformers import AutoModel
from workbench import KINDS, TRAINED, how

from xstilts.models.joint import JointModel
from xstilts.models.task_model import next_stage
from xstilts.tasks import get_task
from xstilts.train.gradient import summed_gradient
from xstilts.train.optim import clip, make_optimizer

ENCODERS = ["xlmr", "bert", "deberta", "modernbert"]
CPU = torch.device("cpu")


@pytest.fixture
def setting(workbench):
    """Kind -> its token arrays, and a maker of equal task models."""

    def make(encoder):
        bench = workbench(encoder)
        arrays = {k: bench.arrays(bench.tokens(bench.examples(TRAINED[k]))) for k in KINDS}

        def model(kind):
            labels = len(get_task(TRAINED[kind]).labels)
            return next_stage(bench.encoder, kind, labels, seed=1, dropout=0.0)

        return arrays, model

    return make


def update(model, arrays):
    examples = np.arange(12)
    loss = summed_gradient(model, arrays, examples, micro_tokens=600, precision="fp32", device=CPU)
    return loss, {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("encoder", ENCODERS)
def test_loss_and_gradient_of_each_task_are_those_of_the_task_alone(setting, encoder):
    arrays, model = setting(encoder)
    joint = JointModel(model(kind) for kind in KINDS)
    packed = joint.without_padding()
    for kind, part in zip(KINDS, joint.models, strict=True):
        alone = model(kind)
        assert alone.without_padding() == packed
        known, mine = update(alone.train(), arrays[kind]), update(part.train(), arrays[kind])
        assert mine[0] == pytest.approx(known[0], rel=1e-6)
        assert mine[1].keys() == known[1].keys()
        for name, grad in known[1].items():
            torch.testing.assert_close(mine[1][name], grad, rtol=1e-4, atol=1e-6)
        joint.zero_grad(set_to_none=True)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_an_update_of_one_task_moves_the_encoder_and_no_other_head(setting, encoder):
    arrays, model = setting(encoder)
    joint = JointModel(model(kind) for kind in KINDS)
    joint.without_padding()
    optimizer = make_optimizer(joint, how(weight_decay=0.5))
    for kind, part in zip(KINDS * 2, joint.models * 2, strict=True):
        before = {name: tensor.clone() for name, tensor in joint.state_dict().items()}
        update(part.train(), arrays[kind])
        joint.still(part)
        clip(joint.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        after = joint.state_dict()
        moved = {name for name in after if not torch.equal(before[name], after[name])}
        mine = {id(p) for p in part.parameters()}
        own = {name for name, p in joint.named_parameters() if id(p) in mine}
        assert moved and moved <= own, "another head moved"
        shared = {id(p) for p in joint.models[0].encoder.parameters()}
        assert any(id(p) in shared for n, p in joint.named_parameters() if n in moved)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_its_state_has_every_tensor_once_and_brings_all_heads_back(setting, encoder):
    _, model = setting(encoder)
    joint, other = (JointModel(model(kind) for kind in KINDS) for _ in range(2))
    sizes = [sum(p.numel() for p in m.parameters()) for m in joint.models]
    state = joint.state_dict()
    places = [tensor.data_ptr() for tensor in state.values() if tensor.numel()]
    assert len(set(places)) == len(places)
    assert sum(t.numel() for t in state.values()) < sum(sizes) / 2
    with torch.no_grad():
        for weight in other.parameters():
            weight.add_(1.0)
    other.load_state_dict(state)
    for mine, theirs in zip(joint.models, other.models, strict=True):
        for name, tensor in mine.state_dict().items():
            assert torch.equal(tensor, theirs.state_dict()[name]), name


@pytest.mark.parametrize("encoder", ENCODERS)
def test_what_it_saves_is_its_encoder_for_the_library_and_the_next_stage(
    setting, encoder, tmp_path
):
    _, model = setting(encoder)
    joint = JointModel(model(kind) for kind in KINDS)
    with torch.no_grad():
        for weight in joint.parameters():
            weight.mul_(1.5)
    joint.save(tmp_path)
    known = joint.models[0].encoder.state_dict()
    for found in (
        AutoModel.from_pretrained(tmp_path),
        next_stage(tmp_path, "tagging", 3, seed=0, dropout=0.0).encoder,
    ):
        state = {k: v for k, v in found.state_dict().items() if not k.startswith("pooler.")}
        assert state and all(torch.equal(v, known[k]) for k, v in state.items())
