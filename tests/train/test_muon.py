"""Muon's updates, against the library's and against what they are meant to be."""

import copy

import pytest
import torch
from torch import nn

from xstilts.train.muon import Muon, orthogonal

FP32 = torch.float32


def matrices():
    torch.manual_seed(0)
    shapes = ((24, 24), (48, 16), (16, 48), (24, 24), (16, 48))
    return [nn.Parameter(torch.randn(shape)) for shape in shapes]


def gradients(update):
    torch.manual_seed(100 + update)
    return [torch.randn(p.shape) * 0.1 for p in matrices()]


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this torch has no Muon")
def test_updates_are_those_of_the_library():
    ours, theirs = matrices(), matrices()
    mine = Muon(ours, 3e-3, 0.1, torch.bfloat16)
    reference = torch.optim.Muon(
        theirs, lr=3e-3, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw"
    )
    before = [p.detach().clone() for p in ours]
    for update in range(4):
        for parameters in (ours, theirs):
            for p, gradient in zip(parameters, gradients(update), strict=True):
                p.grad = gradient.clone()
        mine.step()
        reference.step()
    for a, b, old in zip(ours, theirs, before, strict=True):
        assert (a - b).norm() < 0.02 * (b - old).norm()


@pytest.mark.parametrize("shape", [(24, 24), (64, 16), (16, 64)])
def test_all_singular_values_are_brought_near_one(shape):
    torch.manual_seed(1)
    found = orthogonal(torch.randn(3, *shape) * torch.tensor([5, 1, 0.01])[:, None, None], FP32)
    values = torch.linalg.svdvals(found)
    assert found.shape == (3, *shape)
    assert values.min() > 0.5 and values.max() < 1.4


def test_an_update_turns_no_singular_vector():
    torch.manual_seed(2)
    matrix = torch.randn(20, 12)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    turned = u.T @ orthogonal(matrix[None], FP32)[0] @ v.T
    assert (turned - torch.diag(turned.diagonal())).abs().max() < 1e-3
    assert (turned.diagonal() > 0).all()


def test_its_state_can_be_put_back():
    ours, others = matrices(), matrices()
    optimizers = [Muon(x, 3e-3, 0.0, torch.float32) for x in (ours, others)]

    def step(parameters, optimizer, update):
        for p, gradient in zip(parameters, gradients(update), strict=True):
            p.grad = gradient
        optimizer.step()

    for update in range(2):
        step(ours, optimizers[0], update)
    for p, q in zip(ours, others, strict=True):
        q.data.copy_(p.data)
    optimizers[1].load_state_dict(copy.deepcopy(optimizers[0].state_dict()))
    for parameters, optimizer in zip((ours, others), optimizers, strict=True):
        step(parameters, optimizer, 2)
    for p, q in zip(ours, others, strict=True):
        assert torch.equal(p, q)
