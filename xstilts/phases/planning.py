"""Recipe -> plan: every cell's steps, with names, sources and what is missing."""

from collections.abc import Mapping
from types import MappingProxyType

from xstilts.data.slices import Slice
from xstilts.graph import Plan, Step
from xstilts.phases.encoders import Encoder, encoder_of, ready_of
from xstilts.phases.layers import has_a_target_stage
from xstilts.phases.making import Making
from xstilts.phases.planned import Planned
from xstilts.phases.probes import probes
from xstilts.phases.recipe import Recipe
from xstilts.phases.slices import (
    Files,
    Leaking,
    is_trained,
    original,
    refuse_overlap,
    scored,
    sources,
    trained,
    tuned,
)
from xstilts.phases.spoken import few_shots, given_away, not_given_away, spoken
from xstilts.phases.steps import Builder
from xstilts.phases.sweep import aligned_text
from xstilts.phases.workplace import Workplace


def make_plan(
    recipe: Recipe, workplace: Workplace, without: Leaking = MappingProxyType({})
) -> Planned:
    """Every promise of ``recipe`` with the files that are in ``workplace``.

    Args:
        recipe: the recipe.
        workplace: store and data folders.
        without: what is left out of training and selection because it leaks.

    Raises:
        UserError: for whatever cannot be, named before anything runs.
    """
    has_a_target_stage(recipe)
    if recipe.data == "lab":
        learnt = [task for name in _trained_tasks(recipe) for task in sources(recipe, name)]
        workplace = workplace.with_lab(learnt)
    files = Files(workplace)
    trainings = {name: trained(recipe, name, files, without) for name in _trained_tasks(recipe)}
    slices = {target: scored(recipe, target, files) for target in recipe.targets}
    others = spoken(recipe, trainings, slices, files, without)
    others |= few_shots(recipe, trainings, slices, files, without)
    slices = {target: given_away(target, slices[target], others) for target in recipe.targets}
    tuning = {target: tuned(recipe, target, files, slices[target]) for target in recipe.targets}
    reported = [s for parts in slices.values() for s in parts]
    aligned = {t: aligned_text(recipe, t, files, slices[t], without) for t in recipe.targets}
    used = [s for t in trainings.values() for s in t.slices] + not_given_away(others, slices)
    refuse_overlap([*used, *(s for text in aligned.values() for s in text)], reported)
    originals = [
        s
        for target in recipe.targets
        for s in given_away(target, original(recipe, target, slices[target], files), others)
    ]
    encoders = {e.label: encoder_of(e, workplace, files, recipe.runtime) for e in recipe.encoder}
    whole = Planned(
        recipe=recipe,
        plan=Plan({}, []),
        scored=[],
        trainings=trainings,
        reported=reported,
        originals=originals,
        aligned=aligned,
        others=others,
        models={},
        absent=files.absent,
        silent={},
        encoders=encoders,
        ready={},
        translators=list(files.translators.values()),
    )
    _promise(whole, slices, tuning, workplace, files)
    whole.silent = files.silent
    workplace.digests.save()
    return whole


def _promise(
    whole: Planned,
    slices: Mapping[str, list[Slice]],
    tuning: Mapping[str, Mapping[str, Slice]],
    workplace: Workplace,
    files: Files,
) -> None:
    """Put the steps of every encoder, arm and seed into a plan."""
    recipe = whole.recipe
    data = (whole.trainings, slices, tuning, whole.aligned, whole.others)
    steps: dict[str, Step] = {}
    kept: set[str] = set()
    for label, encoder in whole.encoders.items():
        prefix = f"{label}:" if len(whole.encoders) > 1 else ""
        own = _ready(recipe, label, files)
        whole.ready = {**whole.ready, **own}
        making = Making(recipe, workplace, Builder(encoder), *data, own, files, prefix)
        if encoder.made:
            making.steps |= {prefix + name: step for name, step in encoder.made.steps.items()}
            making.kept.add(encoder.made.step.key)
        for arm in recipe.arms:
            for seed in recipe.seeds:
                making.arm(arm, seed)
        whole.probes += probes(making)
        whole.scored += making.cells
        whole.models = {**whole.models, **making.models}
        steps |= making.steps
        kept |= making.kept
    goals = [c.score for c in whole.scored] + [probe.step for probe in whole.probes]
    whole.plan = Plan(steps, goals, files.sources, frozenset(kept))


def _ready(recipe: Recipe, label: str, files: Files) -> dict[str, Encoder]:
    """The models trained elsewhere that arms start from, in the place of the encoder ``label``."""
    return {
        arm: ready_of(label, stages[0].checkpoint, arm, files)
        for arm, stages in recipe.arms.items()
        if stages and stages[0].checkpoint
    }


def _trained_tasks(recipe: Recipe) -> list[str]:
    named = [t for stages in recipe.arms.values() for stage in stages for t in stage.tasks]
    named += [t for t in recipe.targets if is_trained(recipe, t)]
    return list(dict.fromkeys(named))
