"""What a plan refuses, each with what would do instead."""

from collections.abc import Mapping, Sequence

from xstilts.core.errors import RecipeError
from xstilts.graph import Step
from xstilts.phases.recipe import Recipe
from xstilts.phases.slices import Trained
from xstilts.phases.steps import most_of
from xstilts.retrieve.spec import block_of
from xstilts.tasks import get_task
from xstilts.train.draws import refuse_idle_parts
from xstilts.train.spec import FineTune, Mixture

_SHORTEST_SPAN = 32  # pieces of a row that a question and its context share


def same_labels(target: str, data: Trained) -> None:
    """Refuse a target whose labels are not those it is trained on.

    Raises:
        RecipeError: naming both.
    """
    wanted = get_task(target)
    if wanted.kind != data.train.kind or wanted.labels != data.train.labels:
        raise RecipeError(
            f"{target} cannot be trained on {data.train.task}: other labels or another kind",
            where=f"tasks.{target}.train",
            expected=f"a {wanted.kind} task with the labels {', '.join(wanted.labels) or '(none)'}",
            do=f"train it on {wanted.train or target}",
        )


def each_has_its_own_data(tasks: Sequence[str], trainings: Mapping[str, Trained], arm: str) -> None:
    """Refuse in an arm a mixture of two names for the same training data.

    Raises:
        RecipeError: naming both.
    """
    names: dict[str, str] = {}
    for name in tasks:
        task = trainings[name].train.task
        other = names.setdefault(task, name)
        if other != name:
            raise RecipeError(
                f"{other} and {name} are both trained on {task}, which a mixture has once",
                where=f"arms.{arm}: train: [{', '.join(tasks)}]",
                expected="tasks with training data of their own",
                do=f"leave {name} out of the list",
            )


def all_are_trained(step: Step | None, data: Sequence[Trained], arm: str) -> None:
    """Refuse in an arm a stage of which a task or the text gets no update.

    Only what is so however few examples the files have is refused, unless the recipe says how many
    are drawn of each task. The rest is seen when the stage starts.

    Raises:
        RecipeError: naming the share or the mixture.
    """
    assert step is not None and isinstance(step.config, FineTune | Mixture)
    slices = {one.train.task: one.train for one in data}
    learnt = [slices[head.task] for head in step.config.heads]
    sizes = [size for one in learnt if (size := most_of(one)) is not None]
    if len(sizes) == len(learnt):
        counted = all(one.sample is not None for one in learnt)
        refuse_idle_parts(step.config, sizes, where=f"arms.{arm}", counted=counted)


def windows_move_on(task: str, max_length: int, stride: int) -> None:
    """Refuse windows of a context that share so much that they do not move on.

    A question takes at most half of a row (``xstilts.data.tokens``), so half is left for context.

    Raises:
        RecipeError: naming a length or a stride that would do.
    """
    if max_length < _SHORTEST_SPAN:
        raise RecipeError(
            f"Rows of {max_length} pieces hold no question with its context",
            where=f"training.max_length of {task}",
            expected=f"at least {_SHORTEST_SPAN} pieces",
            do=f"--set tasks.{task}.training.max_length={_SHORTEST_SPAN}",
        )
    if stride >= max_length // 2:
        raise RecipeError(
            f"Windows of {max_length} pieces that share {stride} hardly move on",
            where=f"training.stride of {task}",
            expected=f"a stride below {max_length // 2}",
            do=f"--set tasks.{task}.training.stride={max_length // 4}",
        )


def block_is_there(target: str, layer: int | float, layers: int) -> None:
    """Refuse a layer that the encoder does not have.

    Raises:
        RecipeError: naming the blocks that there are.
    """
    if block_of(layer, layers) > layers:
        raise RecipeError(
            f"The encoder has no block {layer}",
            where=f"tasks.{target}.layer",
            expected=f"0 (embeddings) to {layers}, or a share of depth between 0 and 1",
            do=f"--set tasks.{target}.layer={layers}",
        )


def nothing_else_is_compared(recipe: Recipe, target: str) -> None:
    """Refuse another layer or pooling than those that the target's training works on.

    Raises:
        RecipeError: naming the keys.
    """
    said = [key for key in ("layer", "pooling") if key in recipe.use(target).model_fields_set]
    if said:
        raise RecipeError(
            f"{target} is trained, so the first piece of the top block is compared",
            where=f"tasks.{target}: {', '.join(said)}",
            expected=f"no {' or '.join(said)}, or no training",
            do=f"leave it out, or: --set tasks.{target}.train=false",
        )
