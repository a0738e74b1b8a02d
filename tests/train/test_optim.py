import numpy as np
import pytest
import torch
from torch import nn
from transformers import get_linear_schedule_with_warmup
from workbench import how

from xstilts.train.mixture import total_updates
from xstilts.train.optim import clip, make_optimizer, rate


def layers():
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(7, 6), nn.LayerNorm(6), nn.Linear(6, 3))


@pytest.mark.parametrize(("total", "warmup"), [(1, 0.0), (10, 0.1), (7, 0.3), (100, 0.06), (3, 0)])
def test_the_rate_is_that_of_the_linear_schedule_of_transformers(total, warmup):
    said = how(lr=2e-3, warmup=warmup)
    optimizer = torch.optim.AdamW(layers().parameters(), lr=said.lr)
    rising = int(np.ceil(total * warmup))
    schedule = get_linear_schedule_with_warmup(optimizer, rising, total)
    for update in range(total):
        assert rate(update, total, said) == pytest.approx(schedule.get_last_lr()[0], rel=1e-12)
        optimizer.step()
        schedule.step()


def test_a_run_of_one_update_has_no_warm_up_which_would_leave_it_without_a_rate():
    assert rate(0, 1, how(lr=2e-3, warmup=0.1)) == 2e-3
    assert rate(0, 2, how(lr=2e-3, warmup=0.1)) == 0  # as the schedule of transformers has it


def test_updates_are_those_of_torch_adamw_with_that_schedule():
    said, total = how(lr=5e-3, warmup=0.2, weight_decay=0.1), 10
    ours, theirs = layers(), layers()
    mine = make_optimizer(ours, said)
    matrices = [p for p in theirs.parameters() if p.ndim > 1]
    vectors = [p for p in theirs.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    reference = torch.optim.AdamW(groups, lr=said.lr, betas=(0.9, 0.999), eps=1e-8, foreach=False)
    schedule = get_linear_schedule_with_warmup(reference, 2, total)
    x = torch.tensor([0, 1, 2, 3])
    for update in range(total):
        for group in mine.param_groups:
            group["lr"] = rate(update, total, said)
        for model, optimizer in ((ours, mine), (theirs, reference)):
            optimizer.zero_grad()
            model(x).square().sum().backward()
            clip(model.parameters(), 1.0)
            optimizer.step()
        schedule.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-7)


def test_matrices_decay_and_vectors_do_not():
    model = layers()
    optimizer = make_optimizer(model, how(lr=0.1, weight_decay=0.5))
    before = [p.detach().clone() for p in model.parameters()]
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    for old, new in zip(before, model.parameters(), strict=True):
        torch.testing.assert_close(new.detach(), old * (0.95 if old.ndim > 1 else 1.0))


def test_frozen_weights_are_not_in_the_optimizer():
    model = layers()
    model[0].weight.requires_grad_(False)
    held = [p for g in make_optimizer(model, how()).param_groups for p in g["params"]]
    assert len(held) == 4
    assert not any(p is model[0].weight for p in held)


def test_clipping_scales_all_gradients_together_and_tells_the_norm_before():
    model = layers()
    for p in model.parameters():
        p.grad = torch.full_like(p, 2.0)
    norm = 2.0 * sum(p.numel() for p in model.parameters()) ** 0.5
    assert clip(model.parameters(), 1.0) == pytest.approx(norm)
    after = torch.cat([p.grad.flatten() for p in model.parameters()])
    torch.testing.assert_close(after, torch.full_like(after, 2.0 / norm))


def test_a_small_gradient_is_not_clipped():
    model = layers()
    for p in model.parameters():
        p.grad = torch.full_like(p, 1e-4)
    clip(model.parameters(), 1.0)
    assert all((p.grad == 1e-4).all() for p in model.parameters())


@pytest.mark.parametrize(
    ("examples", "batch_size", "epochs", "expected"),
    [(32, 32, 2, 2), (33, 32, 2, 4), (100, 32, 0.5, 2), (1, 32, 0.1, 1), (64, 32, 1.5, 3)],
)
def test_updates_of_a_run_are_counted_in_whole_batches(examples, batch_size, epochs, expected):
    assert total_updates(examples, how(batch_size=batch_size, epochs=epochs)) == expected
