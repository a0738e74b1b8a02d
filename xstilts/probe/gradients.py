"""A head fitted on a frozen encoder, and what the gradients of a task in the blocks are like."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xstilts.core.seeds import derive
from xstilts.data.batches import IGNORED, Ints, TokenArrays
from xstilts.models.freezing import blocks_of
from xstilts.models.task_model import TaskModel, next_stage
from xstilts.prediction.forward import inputs_of, shaped_for
from xstilts.prediction.losses import summed_loss, terms
from xstilts.probe.spec import HeadFit

Floats = NDArray[np.floating]
_AT_ONCE = 16  # examples whose gradients are added up in one pass


def fitted(
    config: HeadFit, start: Path, labels: int, arrays: TokenArrays, device: torch.device
) -> tuple[TaskModel, float]:
    """The encoder in ``start`` as it is, under a head that was fitted for a short while.

    Returns:
        the model, and the mean loss of the last tenth of the updates, nats a loss term.
    """
    seed = derive(config.seed, "head")
    model = next_stage(start, config.kind, labels, seed=seed, dropout=0.0).to(device).eval()
    kept = {id(p) for p in model.encoder.parameters() if not _of_pooler(model, p)}
    head = [p for p in model.parameters() if id(p) not in kept]
    for weight in model.parameters():
        weight.requires_grad_(id(weight) not in kept)
    optimizer = torch.optim.AdamW(head, lr=config.lr, weight_decay=0.0)
    losses = []
    for examples in _updates(config, arrays.examples):
        loss = summed(model, arrays, examples) / terms(model, arrays, examples)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    return model, float(np.mean(losses[-max(1, config.updates // 10) :]))


def _of_pooler(model: TaskModel, weight: nn.Parameter) -> bool:
    pooler = getattr(model.encoder, "pooler", None)
    return pooler is not None and any(weight is p for p in pooler.parameters())


def _updates(config: HeadFit, examples: int) -> Iterator[Ints]:
    rng = np.random.default_rng(derive(config.seed, "order"))
    size = min(config.batch_size, examples)
    for _ in range(config.updates):
        yield np.sort(rng.permutation(examples)[:size])


def summed(model: TaskModel, arrays: TokenArrays, examples: Ints) -> Tensor:
    """The sum of the loss terms of some examples."""
    logits, rows = answered(model, arrays, examples)
    return summed_loss(model, logits, arrays, examples, rows)


def answered(model: TaskModel, arrays: TokenArrays, examples: Ints) -> tuple[Tensor, Ints]:
    """The logits of some examples, and their rows."""
    rows = arrays.rows_of(examples)
    device = next(model.parameters()).device
    return model(**shaped_for(model, inputs_of(arrays, rows, device), len(examples))), rows


def block_weights(model: TaskModel) -> list[nn.Parameter]:
    """All weights in the blocks; gradients are wanted of them from now on, and of no others."""
    found = list(blocks_of(model.encoder).parameters())
    for weight in model.parameters():
        weight.requires_grad_(False)
    for weight in found:
        weight.requires_grad_(True)
    return found


def mean_gradient(model: TaskModel, arrays: TokenArrays, size: int) -> Floats:
    """The gradient of the mean loss in the weights of the blocks, as a sketch of ``size`` numbers.

    Each weight is added to one of the numbers, with a sign; both are drawn, the same for all tasks
    of one encoder. Cosines are kept up to an error of about ``1 / sqrt(size)`` (feature hashing:
    Weinberger et al. 2009, ICML).
    """
    weights = block_weights(model)
    model.zero_grad()
    number = terms(model, arrays, np.arange(arrays.examples))
    for first in range(0, arrays.examples, _AT_ONCE):
        some = np.arange(first, min(first + _AT_ONCE, arrays.examples))
        loss = summed(model, arrays, some) / number
        loss.backward()  # type: ignore[no-untyped-call]
    out = np.zeros(size)
    for i, weight in enumerate(weights):
        assert weight.grad is not None
        rng = np.random.default_rng(derive(0, "sketch", i))
        gradient = weight.grad.cpu().double().numpy().ravel()
        places = rng.integers(0, size, len(gradient))
        signs = rng.integers(0, 2, len(gradient)) * 2 - 1
        out += np.bincount(places, gradient * signs, size)
    return out


def fisher(model: TaskModel, arrays: TokenArrays) -> Floats:
    """The diagonal of the empirical Fisher information of the blocks, in means over output units.

    The mean over examples of the squared gradient of an example's mean loss. A matrix has one
    number a row, as Task2Vec has one a filter: whole diagonals of large encoders would be as large
    as the encoders.

    Returns:
        ``(output units of all blocks,)``.
    """
    weights = block_weights(model)
    sums = [torch.zeros(len(w), dtype=torch.float64) for w in weights]
    for example in range(arrays.examples):
        one = np.array([example])
        number = terms(model, arrays, one)
        if not number:
            continue
        model.zero_grad()
        (summed(model, arrays, one) / number).backward()  # type: ignore[no-untyped-call]
        for total, weight in zip(sums, weights, strict=True):
            assert weight.grad is not None
            squared = weight.grad.double().square()
            total += (squared.mean(1) if squared.ndim > 1 else squared).cpu()
    return torch.cat(sums).numpy() / arrays.examples


@torch.no_grad()
def with_drawn_labels(model: TaskModel, arrays: TokenArrays, seed: int) -> TokenArrays:
    """The same rows with labels that are drawn from what the model expects."""
    device = next(model.parameters()).device
    generator = torch.random.fork_rng([device] if device.type == "cuda" else [])
    extra = {name: np.array(values) for name, values in arrays.extra.items()}
    with generator:
        torch.manual_seed(seed)
        for example in range(arrays.examples):
            logits, rows = answered(model, arrays, np.array([example]))
            _draw(model, logits.float(), arrays, example, rows, extra)
    return replace(arrays, extra=extra)


def _draw(
    model: TaskModel,
    logits: Tensor,
    arrays: TokenArrays,
    example: int,
    rows: Ints,
    extra: dict[str, Ints],
) -> None:
    """Put the labels drawn for one example into ``extra``."""
    if model.kind in ("pair", "choice"):
        extra["label"][example] = int(_sample(logits[0]))
        return
    for i, row in enumerate(rows):
        start, end = arrays.starts[row], arrays.starts[row + 1]
        own = logits[i, : end - start]
        if model.kind == "span":
            extra["first"][row] = int(_sample(own[:, 0]))
            extra["last"][row] = int(_sample(own[:, 1]))
            continue
        tags = extra["tag"][start:end]
        drawn = _sample(own).cpu().numpy()
        tags[:] = np.where(tags == IGNORED, IGNORED, drawn)


def _sample(logits: Tensor) -> Tensor:
    """One draw a row."""
    return torch.multinomial(logits.softmax(-1), 1)[..., 0]
