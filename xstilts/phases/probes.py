"""Steps that measure how alike tasks are, planned for the studies that ask.

Every task is probed on one sample of its English training examples. What is not defined for a pair
of tasks has no row. A target without training data (Tatoeba, BUCC) has no sample, so that only
the size of an intermediate task is known of its pairs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from xstilts.data.slices import Slice
from xstilts.graph import Stage, Step, Work
from xstilts.phases.examples import slice_label
from xstilts.phases.slices import RETRIEVED, Trained
from xstilts.phases.spoken import spoken_in
from xstilts.phases.steps import Model, pieces_of
from xstilts.probe.spec import (
    Alignment,
    HeadFit,
    Information,
    Profile,
    TextEmbedding,
    Transferability,
)
from xstilts.tasks import get_task
from xstilts.train.spec import FineTune

if TYPE_CHECKING:
    from xstilts.phases.making import Making

SAMPLE = 256  # examples of a task that probes read
_BACKWARD = 3  # a forward and a backward pass, as forward passes
STUDIES = ("similarity", "layers", "gap")  # that are judged by probes
_AT = "xstilts.probe.stage"
PROFILE = Stage("probe-texts", 1, f"{_AT}:profile")
EMBEDDING = Stage("probe-vector", 1, f"{_AT}:text_embedding")
HEAD = Stage("probe-head", 1, f"{_AT}:head_fit")
INFORMATION = Stage("probe-information", 1, f"{_AT}:information")
TRANSFER = Stage("probe-transfer", 1, f"{_AT}:transferability")
ALIGNMENT = Stage("probe-alignment", 1, f"{_AT}:alignment")
PROBING = tuple(s.name for s in (EMBEDDING, HEAD, INFORMATION, TRANSFER, ALIGNMENT))  # run a model

Role = Literal["intermediate", "target", "both"]


@dataclass(frozen=True)
class Probe:
    """A probe of a plan, and what it is of.

    Attributes:
        encoder: label of the encoder.
        step: what measures.
        role: whether it is of one side of a pair of tasks, or of both.
        intermediate: the task that was trained on before; empty for none.
        target: the target whose sample is read; empty for none.
        arm: whose model is probed; empty for the encoder itself.
        seed: of that model; None where nothing random was trained.
    """

    encoder: str
    step: Step
    role: Role
    intermediate: str = ""
    target: str = ""
    arm: str = ""
    seed: int | None = None


def probes(making: "Making") -> list[Probe]:
    """The probes that the recipe's study asks for, of one encoder; each is named in the plan."""
    study = making.recipe.analysis.study
    if study not in STUDIES:
        return []
    found = [] if study == "gap" else list(_of_stages(making, study))
    if study != "layers":
        found += _of_tasks(making)
    for probe in found:
        seed = "" if probe.seed is None else f"@{probe.seed}"
        names = (probe.arm, probe.intermediate, probe.target, probe.step.stage.name)
        making.steps[f"{making.prefix}{'/'.join(n for n in names if n)}{seed}"] = probe.step
    return found


def sampled(data: Trained) -> Slice:
    """The training examples that a task is probed on: a draw of ``SAMPLE``."""
    most = min(SAMPLE, data.train.at_most or SAMPLE)
    return data.train.model_copy(update={"at_most": most})


def _of_tasks(making: "Making") -> Iterator[Probe]:
    """What needs no training before: texts and labels, and the encoder as it is."""
    recipe = making.recipe
    intermediates = [task for arm in recipe.arms if (task := _task_of(making, arm))]
    targets = [t for t in recipe.targets if t in making.trainings]
    label = making.builder.encoder.label
    for role, names in (("intermediate", intermediates), ("target", targets)):
        for name in dict.fromkeys(names):
            for step in task_steps(making, name):
                yield Probe(label, step, role, **{role: name})  # type: ignore[arg-type]


def task_steps(making: "Making", name: str) -> list[Step]:
    """The probes of one task that need nothing but its sample and the encoder."""
    data = making.trainings[name]
    sample, builder = sampled(data), making.builder
    place, kind = slice_label(sample), data.train.kind
    whole = {"examples": builder.read(sample), "whole": builder.read(data.train)}
    found = [Step(PROFILE, place, Profile(kind=kind), whole)]
    inputs, digest = _tokens(making, name) | _made(making), _digest(making)
    vector = TextEmbedding(kind=kind, encoder=digest)
    found.append(Step(EMBEDDING, place, vector, inputs, _work(data, 1)))
    if kind not in RETRIEVED:
        fit = HeadFit(kind=kind, labels=get_task(data.train.task).labels, encoder=digest)
        passes = fit.updates * fit.batch_size / SAMPLE + 2 * _BACKWARD + 1
        found.append(Step(HEAD, place, fit, inputs, _work(data, passes)))
    return found


def _of_stages(making: "Making", study: str) -> Iterator[Probe]:
    """What the model of each arm and seed says of every target's sample."""
    recipe, builder = making.recipe, making.builder
    label = builder.encoder.label
    targets = [t for t in recipe.targets if t in making.trainings]
    for target in targets:
        if study == "similarity" and _labelled(target):
            step = _transfer(making, builder.start, target)
            yield Probe(label, step, "both", target=target)
    for arm in recipe.arms:
        task = _task_of(making, arm) or ""
        if arm in making.ready or (study == "similarity" and not task):
            continue
        for seed in recipe.seeds:
            model = making.before(arm, seed)
            if not model.chain or model.step is None:
                continue
            if study == "similarity":
                yield from _similar(making, model, task, arm, seed)
            for target in targets:
                step = _alignment(making, model, target)
                yield Probe(label, step, "both", task, target, arm, seed)


def _similar(making: "Making", model: Model, task: str, arm: str, seed: int) -> Iterator[Probe]:
    """The probes of a trained stage on the task it was trained on, and on every target."""
    label, baseline = making.builder.encoder.label, making.recipe.analysis.gain.baseline
    assert model.step is not None
    if _has_a_head(model.step) and _labelled(task):
        step = _information(making, model.step, task)
        yield Probe(label, step, "intermediate", intermediate=task, arm=arm, seed=seed)
    for target in making.recipe.targets:
        if target not in making.trainings or not _labelled(target):
            continue
        yield Probe(label, _transfer(making, model, target), "both", task, target, arm, seed)
        tuned = making.models.get(f"{making.prefix}{baseline}/{target}@{seed}")
        if tuned is not None and not making.recipe.arms[baseline]:
            step = _information(making, tuned, target)
            yield Probe(label, step, "target", target=target, seed=seed)


def _transfer(making: "Making", model: Model, target: str) -> Step:
    """LogME, H-score and LEEP of a model on the sample of a target."""
    kind = making.trainings[target].train.kind
    same = model.step is not None and _has_a_head(model.step) and _kind(model.step) == kind
    config = Transferability(
        kind=kind,
        encoder=making.builder.encoder.digest if model.step is None else None,
        by_head=same and kind in ("pair", "tagging"),
    )
    inputs = _tokens(making, target) | ({"model": model.step} if model.step else {})
    work = _work(making.trainings[target], 1 + config.by_head)
    return Step(TRANSFER, f"{model.label}/{target}", config, inputs, work)


def _alignment(making: "Making", model: Model, target: str) -> Step:
    """CKA of the encoder and a model of it on the sample of a target."""
    assert model.step is not None
    start = _made(making, "before")
    config = Alignment(kind=making.trainings[target].train.kind, before=_digest(making))
    inputs = _tokens(making, target) | {"model": model.step} | start
    work = _work(making.trainings[target], 2)
    return Step(ALIGNMENT, f"{model.label}/{target}", config, inputs, work)


def _information(making: "Making", model: Step, task: str) -> Step:
    """TaskEmb of a trained model on the sample of its task."""
    config = Information(kind=making.trainings[task].train.kind)
    work = _work(making.trainings[task], _BACKWARD)
    return Step(INFORMATION, model.label, config, {"model": model, **_tokens(making, task)}, work)


def _work(data: Trained, passes: float) -> Work:
    """Pieces that pass the encoder when it reads the sample of a task so often."""
    return Work(passes * pieces_of(sampled(data)))


def _tokens(making: "Making", name: str) -> dict[str, Step]:
    words, data = making.words(name), making.trainings[name]
    sample = sampled(data)
    return {"tokens": making.builder.tokens(sample, words.max_length, words.stride, data.train)}


def _made(making: "Making", name: str = "model") -> dict[str, Step]:
    """The step that makes the encoder, if one does."""
    made = making.builder.encoder.made
    return {name: made.step} if made else {}


def _digest(making: "Making") -> str | None:
    """The encoder's, unless a step makes it."""
    encoder = making.builder.encoder
    return None if encoder.made else encoder.digest


def _task_of(making: "Making", arm: str) -> str | None:
    """The only task that an arm trains on before its targets, in English; None for other arms."""
    stages = making.recipe.before(arm)
    if len(stages) != 1 or not isinstance(stages[0].train, str) or arm in making.ready:
        return None
    return stages[0].train if spoken_in(stages[0], stages[0].train).plain else None


def _labelled(task: str) -> bool:
    """Whether examples of a task have labels that a head could tell."""
    return get_task(task).kind not in RETRIEVED


def _has_a_head(step: Step) -> bool:
    """Whether a model keeps the head of the one task that it was trained on."""
    return isinstance(step.config, FineTune) and step.config.text is None


def _kind(step: Step) -> str:
    assert isinstance(step.config, FineTune)
    return step.config.kind
