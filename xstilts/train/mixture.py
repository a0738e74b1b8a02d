"""Which task each update of a mixture is drawn from, and how many examples there are in all.

An update is of one task, as in jiant: each update draws its task anew, with probability ``p_i`` for
a task of ``n_i`` examples (Raffel et al. 2020, arXiv 1910.10683, section 3.5.2; jiant's
``task_sampler.py``):

* proportional: ``p_i ~ n_i``
* capped: ``p_i ~ min(n_i, cap)``, T5's examples-proportional mixing with a limit
* temperature: ``p_i ~ min(n_i, cap) ** (1 / T)``; without a cap ``n_i ** (1 / T)``
* uniform: ``p_i = 1 / tasks``

The draws depend on the seed and the number of the update alone. Each task's own examples come in
random orders, one a pass, and go on where the last update of that task ended.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xstilts.train.spec import How, Mix

_ROUNDING = 1e-9  # so that 1,000 examples times 0.3 are 300, whatever the product's last bit


def shares(mix: Mix, sizes: Sequence[int]) -> NDArray[np.float64]:
    """Probability of every task, ``(tasks,)``; ``sizes`` are their examples."""
    power = {"uniform": 0.0, "temperature": 1 / (mix.temperature or 1)}.get(mix.law, 1.0)
    weights = np.array(_counted(mix, sizes), np.float64) ** power
    found: NDArray[np.float64] = weights / weights.sum()
    return found


def budget(mix: Mix, sizes: Sequence[int], epochs: float) -> int:
    """Examples of a whole run: as many as declared, else ``epochs`` passes over every task.

    A task with more examples than the cap counts as the cap, as in jiant's ``configurator.py``.
    """
    if mix.examples is not None:
        return mix.examples
    return max(1, int(sum(_counted(mix, sizes)) * epochs + _ROUNDING))


def _counted(mix: Mix, sizes: Sequence[int]) -> list[int]:
    return list(sizes) if mix.cap is None else [min(size, mix.cap) for size in sizes]


@dataclass(frozen=True)
class Draws:
    """The examples of every update: of which task, from where in its stream, and how many.

    A task's stream is all its examples in one random order after the other.

    Attributes:
        task: index of the task, ``(updates,)``.
        start: place in the task's stream, ``(updates,)``.
        count: examples, ``(updates,)``.
    """

    task: NDArray[np.int64]
    start: NDArray[np.int64]
    count: NDArray[np.int64]

    def drawn(self, task: int, updates: int) -> int:
        """Examples of one task in the first ``updates`` updates."""
        return int(self.count[:updates][self.task[:updates] == task].sum())


def total_updates(examples: int, how: How) -> int:
    """Updates of a whole run; the last one of an epoch may be smaller."""
    return max(1, int(math.ceil(examples / how.batch_size) * how.epochs))


def alone(examples: int, updates: int, batch_size: int) -> Draws:
    """Draws of a single task: each pass is cut into batches, of which the last may be smaller."""
    passes, place = np.divmod(np.arange(updates), -(-examples // batch_size))
    count = np.minimum(batch_size, examples - place * batch_size)
    start = passes * examples + place * batch_size
    return Draws(np.zeros(updates, np.int64), start, count)


def mixed(law: NDArray[np.float64], examples: int, batch_size: int, seed: int) -> Draws:
    """Draws of a mixture: every update but the last has ``batch_size`` examples of one task.

    Args:
        law: probability of each task, ``(tasks,)``.
        examples: of the whole run.
        batch_size: of an update; batches go on over the end of a pass.
        seed: of the draws.
    """
    updates = -(-examples // batch_size)
    said = np.random.default_rng(seed).random(updates)
    task = np.minimum(np.searchsorted(np.cumsum(law), said, side="right"), len(law) - 1)
    count = np.full(updates, batch_size)
    count[-1] = examples - (updates - 1) * batch_size
    start = np.empty(updates, np.int64)
    for i in range(len(law)):
        mine = task == i
        start[mine] = np.cumsum(count[mine]) - count[mine]
    return Draws(task, start, count)


def between(draws: Draws, share: float, text: int, batch_size: int, seed: int) -> Draws:
    """``draws`` with updates on text between them, at random places.

    The tasks' examples come as without text, in the same order.

    Args:
        draws: of the tasks.
        share: of all updates that are on text, below 1.
        text: index that stands for the text; ``start`` then counts its updates.
        batch_size: rows of an update on text.
        seed: of the places.
    """
    tasks = len(draws.task)
    texts = on_text(tasks, share)
    order = np.random.default_rng(seed).permutation(tasks + texts)
    reads = np.zeros(tasks + texts, bool)
    reads[order[:texts]] = True
    task = np.full(tasks + texts, text)
    start, count = np.cumsum(reads) - 1, np.full(tasks + texts, batch_size)
    for new, old in ((task, draws.task), (start, draws.start), (count, draws.count)):
        new[~reads] = old
    return Draws(task, start, count)


def on_text(tasks: int, share: float) -> int:
    """Updates on text beside ``tasks`` updates on tasks, so that ``share`` of all are on text."""
    return round(tasks * share / (1 - share))


def least_share(tasks: int) -> float:
    """A share, in hundredths, at which ``tasks`` updates on tasks have one on text beside them.

    ``tasks * share / (1 - share)`` is rounded to 1 from ``share > 1 / (2 * tasks + 1)``.
    """
    return (100 // (2 * tasks + 1) + 1) / 100
