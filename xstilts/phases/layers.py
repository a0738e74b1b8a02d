"""Steps that put encoders together, and what a plan refuses of layers."""

from collections.abc import Collection, Sequence

from xstilts.core.errors import RecipeError
from xstilts.graph import Stage, Step
from xstilts.phases.recipe import Recipe
from xstilts.phases.slices import is_trained
from xstilts.phases.steps import Builder, Model
from xstilts.tasks import get_task
from xstilts.train.layers_spec import MERGED, Carried, Carry, Merged, Reinit
from xstilts.train.spec import PLAIN, WEIGHTS, Layers, joint_name

CARRY = Stage("carry", 1, "xstilts.train.layers:carry", weights=WEIGHTS)
REINIT = Stage("reinit", 1, "xstilts.train.layers:reinit", weights=WEIGHTS)
MERGE = Stage("merge", 1, "xstilts.train.layers:merge", weights=WEIGHTS)


def carried(builder: Builder, model: Model, carry: Carry, arm: str) -> Model:
    """The encoder itself with some layers of ``model``, which an arm trained.

    Raises:
        RecipeError: for more blocks than there are, and where none of the layers has moved.
    """
    _are_there(builder, f"arms.{arm}: carry.blocks", carry.blocks)
    depth = builder.encoder.layers
    blocks = frozenset() if depth is None else frozenset(carry.chosen(depth))
    moved = model.moved & (blocks | {0} if carry.embeddings else blocks)
    if depth is not None and not moved:
        raise RecipeError(
            f"No layer that is carried has been trained: {_named(blocks)} stayed frozen",
            where=f"arms.{arm}: carry and freeze",
            expected=f"one of the trained blocks among those carried: {_listed(model.moved)}",
            do="freeze fewer blocks, carry others (which: top), or take the arm out",
        )
    origin, trained = builder.start.step, model.step
    assert trained is not None, "a stage that carries layers trains"
    inputs = {"start": trained} | ({"origin": origin} if origin else {})
    config = Carried(carry=carry, encoder=None if origin else builder.encoder.digest)
    step = Step(CARRY, model.label, config, inputs)
    chain = (*model.chain, f"carry{carry.blocks}")
    return Model(builder.once(step), chain, moved=moved, carried=blocks)


def reinitialised(builder: Builder, model: Model, blocks: int, seed: int, arm: str) -> Model:
    """``model`` with its top blocks drawn anew in an arm.

    Raises:
        RecipeError: for more blocks than there are, and where what is drawn over was itself just
            drawn or carried, or is all that was trained.
    """
    _are_there(builder, f"arms.{arm}: reinit_top", blocks)
    drawn = frozenset[int]()
    if builder.encoder.layers is not None:
        drawn = frozenset(range(builder.encoder.layers - blocks + 1, builder.encoder.layers + 1))
    _is_worth_drawing_over(model, drawn, blocks, arm)
    encoder = builder.encoder.digest if model.step is None else None
    config = Reinit(blocks=blocks, encoder=encoder, seed=seed)
    step = Step(REINIT, model.label, config, {"start": model.step} if model.step else {})
    chain = (*model.chain, f"reinit{blocks}")
    return Model(builder.once(step), chain, untrained=blocks, moved=model.moved | drawn)


def _is_worth_drawing_over(model: Model, drawn: frozenset[int], blocks: int, arm: str) -> None:
    if model.untrained:
        raise RecipeError(
            f"The top {model.untrained} blocks were drawn anew, and with no training since the "
            f"top {blocks} are drawn once more, by the same seed",
            where=f"arms.{arm}: reinit_top",
            expected="one reinit_top before a training",
            do=f"leave one of the two out, such as {{reinit_top: {min(blocks, model.untrained)}}}",
        )
    if lost := model.carried & drawn:
        raise RecipeError(
            f"Of the blocks carried, {_listed(model.carried)}, {_named(lost)} would be drawn anew "
            "at once",
            where=f"arms.{arm}: carry and reinit_top",
            expected="blocks drawn anew that are none of those carried",
            do="carry fewer blocks, or draw fewer anew",
        )
    if model.moved and model.moved <= drawn:
        raise RecipeError(
            f"All that was trained, {_named(model.moved)}, would be drawn anew",
            where=f"arms.{arm}: reinit_top",
            expected="a trained layer that stays",
            do="draw fewer blocks anew, freeze fewer, or leave the stages before it out",
        )


def merged(builder: Builder, parts: Collection[tuple[Model, float]]) -> Model:
    """The encoder with the weighted sum of what the trainings of other models changed in it.

    The order of the parts is no identity.
    """
    made: list[tuple[str, str, float, Step]] = []
    for model, weight in parts:
        assert model.step is not None, "an arm that is merged trains"
        made.append((model.label, model.step.key, weight, model.step))
    made.sort(key=lambda part: part[:3])
    origin = builder.start.step
    config = Merged(
        weights=tuple(weight for _, _, weight, _ in made),
        encoder=None if origin else builder.encoder.digest,
    )
    inputs = {f"{MERGED}{i}": step for i, (*_, step) in enumerate(made, 1)}
    label = joint_name(label for label, *_ in made)
    step = Step(MERGE, label, config, inputs | ({"origin": origin} if origin else {}))
    untrained = max(model.untrained for model, _ in parts)
    moved = frozenset[int]().union(*(model.moved for model, _ in parts))
    return Model(builder.once(step), (f"merge-{label}",), untrained=untrained, moved=moved)


def some_block_learns(builder: Builder, layers: Layers, arm: str) -> None:
    """Refuse a stage before the target's in which every block is frozen.

    Raises:
        RecipeError: naming fewer.
    """
    depth = builder.encoder.layers
    if depth is not None and layers.frozen == depth:
        raise RecipeError(
            f"All {depth} blocks are frozen, so the stage trains its head alone, and heads are not "
            "handed on",
            where=f"arms.{arm}: freeze.blocks",
            expected=f"at most {depth - 1}, or during: target",
            do="freeze fewer blocks, or take the stage out",
        )


def has_a_target_stage(recipe: Recipe) -> None:
    """Refuse what is said of the target's training where no target is trained.

    Raises:
        RecipeError: naming the arm.
    """
    if any(is_trained(recipe, target) for target in recipe.targets):
        return
    for arm in recipe.arms:
        if recipe.target_layers(arm) != PLAIN or recipe.on_target(arm):
            raise RecipeError(
                f"{arm} says how targets are trained, and no target is",
                where=f"arms.{arm}; targets: {', '.join(recipe.targets)}",
                expected="a target that is trained, such as xnli",
                do="add such a target, or take these words out of the arm",
            )


def learnable(
    builder: Builder, start: Model, tasks: Sequence[str], layers: Layers, arm: str
) -> None:
    """Refuse layers that cannot be frozen, adapted or mixed in a stage of an arm.

    Raises:
        RecipeError: for more blocks or ranks than there are, for frozen or adapted blocks that were
            drawn anew and never trained, and for a mix that a ranking would read.
    """
    width = builder.encoder.width
    if layers.lora is not None and width is not None and layers.lora.rank > width:
        raise RecipeError(
            f"No matrix of {builder.encoder.label} has a rank of {layers.lora.rank}",
            where=f"arms.{arm}: lora.rank",
            expected=f"at most {width}, the width of its blocks",
            do="write a low rank there, such as 8",
        )
    if layers.lora is not None and start.untrained:
        raise RecipeError(
            f"The encoder's own weights are held by lora, and the top {start.untrained} blocks "
            "were drawn anew: they would stay random",
            where=f"arms.{arm}: lora and reinit_top",
            expected="blocks that were trained before they get adapters",
            do="draw no blocks anew, or train the weights themselves first",
        )
    depth = builder.encoder.layers
    if layers.frozen is not None and depth is not None:
        _are_there(builder, f"arms.{arm}: freeze.blocks", layers.frozen)
        if layers.frozen > depth - start.untrained:
            raise RecipeError(
                f"The bottom {layers.frozen} blocks are frozen, of which the top "
                f"{start.untrained} of {depth} were drawn anew: some would never learn",
                where=f"arms.{arm}: freeze.blocks and reinit_top",
                expected=f"at most {depth - start.untrained} frozen blocks",
                do="freeze fewer blocks, or draw fewer anew",
            )
    ranked = [task for task in tasks if get_task(task).kind == "ranking"]
    if layers.mixed and ranked:
        raise RecipeError(
            f"{ranked[0]} compares the top block's first piece, so it has no layers to mix",
            where=f"arms.{arm}: layer_mix",
            expected="a stage with a head: pairs, choices, questions or tags",
            do=f"leave layer_mix out, or take {ranked[0]} out of stage and targets",
        )


def _are_there(builder: Builder, place: str, blocks: int) -> None:
    depth = builder.encoder.layers
    if depth is not None and blocks > depth:
        raise RecipeError(
            f"The encoder {builder.encoder.label} has no {blocks} blocks",
            where=place,
            expected=f"at most {depth}",
            do=f"write {depth} or less there",
        )


def _listed(layers: Collection[int]) -> str:
    return ", ".join("embeddings" if i == 0 else str(i) for i in sorted(layers))


def _named(layers: Collection[int]) -> str:
    one = len(layers) == 1 and 0 not in layers
    return ("block " if one else "" if 0 in layers else "blocks ") + _listed(layers)
