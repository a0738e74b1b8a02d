"""What every update of a stage is on, settled before the first one."""

import math
from collections.abc import Sequence

import numpy as np

from xstilts.core.errors import RecipeError
from xstilts.core.seeds import derive
from xstilts.train.mixture import (
    Draws,
    alone,
    between,
    budget,
    least_share,
    mixed,
    on_text,
    shares,
    total_updates,
)
from xstilts.train.spec import FineTune, Mixture, Reading

_ROUNDING = 1e-9  # so that 32 examples of three tasks alike want 96, whatever the last bit


def draws_of(
    config: FineTune | Mixture, sizes: Sequence[int], further: int = 0
) -> tuple[list[float], Draws]:
    """Each task's share of the tasks' updates, and the examples of every update.

    A single task has ``further`` updates on top of its own. Updates on text have the index after
    the last task's.

    Raises:
        RecipeError: as :func:`refuse_idle_parts`.
    """
    how = config.how
    refuse_idle_parts(config, sizes, further, where=f"the stage {config.task}")
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


def refuse_idle_parts(
    config: FineTune | Mixture,
    sizes: Sequence[int],
    further: int = 0,
    *,
    where: str,
    counted: bool = True,
) -> None:
    """Refuse a stage that gives a task or the text no update, or of a mixture less than one.

    With one or a few on average, chance may still leave a task of a mixture out: the record has the
    realised counts.

    Args:
        config: of the stage.
        sizes: examples of its tasks.
        further: updates on top of a single task's own.
        where: the stage, for the error.
        counted: whether the sizes are exact; if not they are the most that there may be, and only
            what is so for any smaller ones is refused.

    Raises:
        RecipeError: naming what would do.
    """
    how = config.how
    if isinstance(config, FineTune):
        updates = total_updates(sizes[0], how) + further
    else:
        examples = budget(config.mix, sizes, how.epochs)
        law = shares(config.mix, sizes).tolist() if counted else [1 / len(sizes)] * len(sizes)
        _each_task_is_drawn(config, law, examples, where)
        updates = -(-examples // how.batch_size)
    if config.text is not None:
        _both_are_trained(config, config.text.share, updates, where)


def _each_task_is_drawn(config: Mixture, law: Sequence[float], examples: int, where: str) -> None:
    size, names = config.how.batch_size, [head.task for head in config.heads]
    enough = math.ceil(size / min(law) - _ROUNDING)
    if len(law) == 1 or examples >= enough:
        return
    told = [f"{name} {share * examples:.4g}" for name, share in zip(names, law, strict=True)]
    raise RecipeError(
        f"Of {examples:,} examples the mixture gives {names[law.index(min(law))]} less than the "
        f"{size} of one update",
        where=f"{where}: mix; examples expected: {', '.join(told)}",
        expected="on average an update of every task, or more",
        do=f"write mix: {{examples: {enough}}} or more, a law nearer to uniform, or a smaller "
        "training.batch_size; or leave the task out",
    )


def _both_are_trained(config: FineTune | Mixture, share: float, tasks: int, where: str) -> None:
    """Refuse a share that gives text no update, or the tasks none before training may end."""
    if on_text(tasks, share) == 0:
        raise RecipeError(
            f"A share of {share:g} beside {_updates(tasks)} of {config.task} gives text none",
            where=f"{where}: mlm.share",
            expected="at least one update on text",
            do=f"write a share of {least_share(tasks):g} or more, train longer, or leave mlm out",
        )
    select = config.how.select
    first = (1 + select.patience) * select.every
    if (1 - share) * first < 1:
        raise RecipeError(
            f"A share of {share:g} leaves {config.task} less than one of the first {first} "
            "updates, after which training ends unless it got better",
            where=f"{where}: mlm.share",
            expected=f"a share of at most {math.floor(1e4 * (1 - 1 / first)) / 1e4:g}",
            do="write a lower share, or read the text in a stage of its own",
        )


def _updates(number: int) -> str:
    return "1 update" if number == 1 else f"{number} updates"


def reading(config: Reading, rows: int) -> Draws:
    """Updates on text alone: ``config.examples`` rows, else ``epochs`` passes over all."""
    how = config.how
    read = config.examples or rows * how.epochs
    updates = max(1, int(np.ceil(read / how.batch_size)))
    numbers = np.arange(updates)
    return Draws(np.zeros_like(numbers), numbers, np.full(updates, how.batch_size))
