"""The gradient of one update, however its examples are put into micro-batches."""

import torch
from torch import Tensor

from xstilts.data.batches import Ints, TokenArrays, micro_batches
from xstilts.models.device import Precision, number_format
from xstilts.models.task_model import TaskModel
from xstilts.prediction.forward import inputs_of, shaped_for
from xstilts.prediction.losses import summed_loss, terms
from xstilts.train.dual import dual_gradient
from xstilts.train.team import ALONE, Team


def summed_gradient(
    model: TaskModel,
    arrays: TokenArrays,
    examples: Ints,
    *,
    micro_tokens: int,
    precision: Precision,
    device: torch.device,
    team: Team = ALONE,
) -> float:
    """Add the gradient of the mean loss over ``examples``; returns that loss.

    The sum of the loss terms is divided by their number in the whole update before the backward
    pass, so how the examples are put into micro-batches changes nothing but rounding. One of
    several processes adds and returns its part; all parts together are the whole.
    """
    if model.kind == "ranking":
        return dual_gradient(model, arrays, examples, micro_tokens, precision, device, team)
    number = terms(model, arrays, examples)
    total = torch.zeros((), dtype=torch.float64)
    for group in micro_batches(arrays, examples, micro_tokens, part=team.part):
        rows = arrays.rows_of(group)
        inputs: dict[str, Tensor] = shaped_for(model, inputs_of(arrays, rows, device), len(group))
        with number_format(precision, device):
            out = model(**inputs)
        loss = summed_loss(model, out, arrays, group, rows) / number
        loss.backward()  # type: ignore[no-untyped-call]
        total += loss.detach().double().cpu()
    return float(total)
