"""What every update of a stage is on, settled before the first one."""

import numpy as np

from xstilts.core.seeds import derive
from xstilts.train.mixture import Draws, alone, between, budget, mixed, shares
from xstilts.train.optim import total_updates
from xstilts.train.spec import FineTune, Mixture, Reading


def draws_of(
    config: FineTune | Mixture, sizes: list[int], further: int = 0
) -> tuple[list[float], Draws]:
    """Each task's share of the tasks' updates, and the examples of every update.

    A single task has ``further`` updates on top of its own. Updates on text have the index after
    the last task's.
    """
    how = config.how
    if isinstance(config, FineTune):
        law = np.ones(1)
        draws = alone(sizes[0], total_updates(sizes[0], how) + further, how.batch_size)
    else:
        law, examples = shares(config.mix, sizes), budget(config.mix, sizes, how.epochs)
        draws = mixed(law, examples, how.batch_size, derive(config.seed, "mixture", config.task))
    if config.text is not None:
        seed = derive(config.seed, "places of text", config.task)
        draws = between(draws, config.text.share, len(sizes), how.batch_size, seed)
    return law.tolist(), draws


def reading(config: Reading, rows: int) -> Draws:
    """Updates on text alone: ``config.examples`` rows, else ``epochs`` passes over all."""
    how = config.how
    read = config.examples or rows * how.epochs
    updates = max(1, int(np.ceil(read / how.batch_size)))
    numbers = np.arange(updates)
    return Draws(np.zeros_like(numbers), numbers, np.full(updates, how.batch_size))
