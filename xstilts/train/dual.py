"""The gradient of a dual encoder: in-batch softmax over the candidates of a whole update.

Every query of an update is to tell its right candidate from those of all others, so no part of the
loss belongs to one micro-batch. Vectors of all micro-batches are computed first, without a graph;
the loss and its gradient in each vector follow from them; then each micro-batch passes the encoder
again, from the same state of the random numbers, and takes the gradient of its vectors backward
(Gao et al. 2021, arXiv 2101.06983). Only the last one, whose graph is still there, passes once.
Several processes each encode a part of the rows, and all of them have all vectors.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from xstilts.data.batches import Ints, TokenArrays, micro_batches
from xstilts.models.device import Precision, number_format
from xstilts.models.memory import random_state, set_random_state
from xstilts.models.task_model import DualEncoder, TaskModel
from xstilts.prediction.forward import inputs_of
from xstilts.train.team import ALONE, Team


def dual_gradient(
    model: TaskModel,
    arrays: TokenArrays,
    examples: Ints,
    micro_tokens: int,
    precision: Precision,
    device: torch.device,
    team: Team = ALONE,
) -> float:
    """Add the gradient of the mean loss over ``examples``; returns that loss.

    The loss of a query is the cross-entropy of its right candidate among the distinct candidates of
    the update, from cosines times the learned scale (XTREME-R's LAReQA; one direction, as queries
    ask and candidates do not). Candidates of the same pieces are one: queries that have the same
    right candidate are never each other's negatives.

    Args:
        model: of the kind ``ranking``.
        arrays: two rows an example, and ``right`` (see :func:`xstilts.data.batches.paired`).
        examples: those of the update.
        micro_tokens: padded pieces of a micro-batch; queries and candidates may stand in others.
        precision: of the products inside the encoder; cosines are fp32.
        device: where the model is.
        team: one of several processes takes its part of the rows; it adds and returns its part.
    """
    assert isinstance(model.inner, DualEncoder)
    rows, n = arrays.rows_of(examples), len(examples)
    _, first, right = np.unique(arrays.extra["right"][examples], True, True)
    update = arrays.taken(np.concatenate([rows[::2], rows[1::2][first]]))
    places = np.arange(len(update.example))
    groups = list(micro_batches(update, places, micro_tokens, part=team.part))

    def encoded(group: Ints) -> Tensor:
        with number_format(precision, device):
            return model(**inputs_of(update, group, device))  # type: ignore[no-any-return]

    states, parts = [], []
    for group in groups:
        states.append(random_state(device))
        with torch.set_grad_enabled(group is groups[-1]):
            parts.append(encoded(group))
    vectors = torch.zeros(len(places), int(model.encoder.config.hidden_size), device=device)
    for group, part in zip(groups, parts, strict=True):
        vectors[group] = part.detach()
    vectors = team.added(vectors).requires_grad_()
    scores = model.inner.head(vectors[:n], vectors[n:])
    loss = F.cross_entropy(scores, torch.from_numpy(right).to(device))
    loss.backward()  # type: ignore[no-untyped-call]
    assert vectors.grad is not None
    gradients = vectors.grad
    if not team.main:  # all have the same loss and the same gradient of the scale
        model.inner.head.zero_grad()
        loss = torch.zeros(())
    if not parts or not parts[-1].requires_grad:  # the encoder is frozen, the scale alone learns
        return float(loss.detach())
    parts[-1].backward(gradients[groups[-1]])  # type: ignore[no-untyped-call]
    for group, state in zip(groups[:-1], states, strict=False):
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            set_random_state(state, device)
            again = encoded(group)
        again.backward(gradients[group])  # type: ignore[no-untyped-call]
    return float(loss.detach())
