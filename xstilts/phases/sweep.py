"""Layer sweeps: scores at the fixed block, at the best on aligned text, and at the best of all.

All blocks come from one pass. Aligned text is no target; the best of all is an oracle.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from xstilts.core.errors import DataError, RecipeError
from xstilts.data.files import expected, present
from xstilts.data.slices import Slice
from xstilts.graph import Step
from xstilts.phases.recipe import Recipe
from xstilts.phases.slices import Files, Leaking
from xstilts.phases.steps import Builder, Model
from xstilts.phases.task_use import Training
from xstilts.retrieve.spec import Mine, Retrieve
from xstilts.scoring.spec import Choose
from xstilts.tasks import get_task

Chosen = Literal["fixed", "aligned", "oracle"]
SWEPT = ("retrieval", "mining")


def aligned_text(
    recipe: Recipe, target: str, files: Files, reported: Sequence[Slice], without: Leaking
) -> list[Slice]:
    """The slices whose scores choose a block for ``target``, less the examples that leak.

    They are in the target's languages as far as the text has them; none without a sweep.

    Raises:
        RecipeError: for a target that has no sweep, and for text that cannot choose.
        DataError: where the text has none of the target's languages.
    """
    sweep = recipe.use(target).sweep
    if sweep is None:
        return []
    text, where = get_task(sweep.aligned), f"tasks.{target}.sweep"
    if get_task(target).kind not in SWEPT:
        raise RecipeError(
            f"{target} has no layers to sweep",
            where=where,
            expected="a target of the kind retrieval or mining, such as tatoeba",
            do=f"--set {where}=null",
        )
    if text.kind != "retrieval" or text.name in recipe.targets:
        wrong = "a target" if text.name in recipe.targets else f"of the kind {text.kind}"
        raise RecipeError(
            f"{text.name} cannot choose a layer: it is {wrong}",
            where=f"{where}.aligned",
            expected="a retrieval task that is not reported, such as ntrex",
            do="name another one, or an own task in the format aligned_lines",
        )
    said = recipe.use(text.name).score
    split = said.from_ or text.score
    here = present(text, split, files.workplace.data) or text.languages  # else named as absent
    wanted = [s.language for s in reported if s.language in here]
    if not wanted:
        language = reported[0].language
        raise DataError(
            f"{text.name} has no language of {target}, so it cannot choose a layer",
            where=f"{where}.aligned",
            expected=f"a file of {', '.join(s.language for s in reported)}: "
            + " or ".join(expected(text, split, language)),
            do=f"put one there, name another text, or --set {where}=null",
        )
    leaking = without.get((text.name, split), ())
    return [
        files.slice(text, split, x, sample=said.sample, at_most=said.at_most, without=leaking)
        for x in wanted
    ]


def swept(
    builder: Builder,
    model: Model,
    target: str,
    config: Retrieve | Mine,
    words: Training,
    text: Sequence[Slice],
    scores: Mapping[str, Step],
) -> tuple[dict[str, Step], dict[Chosen, dict[str, Step]]]:
    """What a sweep adds to the scores of one model on one target.

    Args:
        builder: of the encoder.
        model: whose blocks are compared.
        target: what is reported.
        config: of the target's retrieval.
        words: of the target.
        text: aligned text.
        scores: of the target, by language; their records have those of every block.

    Returns:
        the steps that choose, by name; and the scores at the chosen blocks, by language.
    """
    search = Retrieve(
        encoder=config.encoder,
        layer=config.layer,
        pooling=config.pooling,
        precision=config.precision,
        sweep=True,
    )
    steps: dict[str, Step] = {}
    curves: dict[str, Step] = {}
    for data in text:
        predictions = builder.retrieve(model, data, search, words)
        curves[data.language] = builder.score(predictions)
        steps[f"{data.task}.predict.{data.language}"] = predictions
        steps[f"{data.task}.score.{data.language}"] = curves[data.language]
    name = text[0].task
    by_text = Choose(metric=get_task(name).metric, text=name)
    by_target = Choose(metric=get_task(target).metric, text=None)
    choices: dict[Chosen, Step] = {
        "aligned": builder.choose(f"{model.label}/{name}", by_text, curves),
        "oracle": builder.choose(f"{model.label}/{target}", by_target, scores),
    }
    steps |= {f"block.{chosen}": choice for chosen, choice in choices.items()}
    return steps, {
        chosen: {x: builder.at_block(score, choice, chosen) for x, score in scores.items()}
        for chosen, choice in choices.items()
    }
