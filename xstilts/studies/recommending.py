"""The measurements that a recommendation needs, and no others: planned, run, handed on."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from xstilts.core.errors import UnknownNameError
from xstilts.executors import Executor, Outcome
from xstilts.phases.probes import Probe
from xstilts.phases.recipe import Recipe
from xstilts.phases.running import collect, prepare, refuse_failed
from xstilts.phases.workplace import Workplace
from xstilts.studies.gather import evidence
from xstilts.studies.languages import language_rows
from xstilts.studies.recommend import Recommendation, recommend
from xstilts.tasks import get_task, task_names


def recommended(
    recipe: Recipe,
    place: Workplace,
    executor: Executor,
    target: str,
    languages: Sequence[str],
    *,
    with_stages: bool,
    say: Callable[[str], None] = lambda line: None,
) -> Recommendation:
    """Measure what is missing and rank; see :func:`xstilts.api.recommend`.

    Raises:
        UserError: for an unknown target or language, and for what a run would refuse.
        StepFailedError: when a measurement failed.
    """
    _known(target, languages)
    targets = tuple(dict.fromkeys((*recipe.targets, target)))
    analysis = recipe.analysis.model_copy(update={"study": "similarity"})
    recipe = recipe.model_copy(update={"targets": targets, "analysis": analysis})
    planned, found = prepare(recipe, place, executor, say)
    label = next(iter(planned.encoders))
    scored = {c.target for c in planned.scored if place.store.sound(c.score.address, c.score.key)}
    wanted = [p for p in planned.probes if p.encoder == label]
    wanted = [p for p in wanted if _needed(p, {target, *scored}, with_stages)]
    goals = [probe.step for probe in wanted]
    refuse_failed(executor.run(planned.plan, goals, place.store, recipe.runtime, say))
    done = collect(planned, place, Outcome(), found)
    spoken = [s.language for s in planned.reported if s.task == target and s.language != "en"]
    languages = languages or spoken
    about = language_rows(languages, planned.encoders[label], place.store)
    told = replace(evidence(done, place.store, label), languages=about)
    if not with_stages:  # the same, whatever else has been measured before
        told = replace(told, probes=told.probes[told.probes["price"] != "stage"])
    return recommend(told, target, languages)


def _needed(probe: Probe, targets: set[str], with_stages: bool) -> bool:
    """Whether a probe is of a task that is looked at, and at a price that is to be paid."""
    before = probe.role != "both" and not probe.arm and probe.seed is None
    return (with_stages or before) and (not probe.target or probe.target in targets)


def _known(target: str, languages: Sequence[str]) -> None:
    if target not in task_names():
        do = "list them: xstilts tasks"
        raise UnknownNameError("task", target, task_names(), where="--target", do=do)
    every = get_task(target).languages
    for language in languages:
        if language not in every:
            do = f"see them: xstilts tasks {target}"
            raise UnknownNameError("language", language, every, where="--languages", do=do)
