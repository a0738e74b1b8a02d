"""Recipe -> plan: every cell's steps, with names, sources and what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from xstilts.core.errors import DataError, EncoderError
from xstilts.core.spec import Runtime
from xstilts.data.slices import Slice
from xstilts.graph import Plan, Step
from xstilts.phases.layers import carried, has_a_target_stage, learnable, reinitialised
from xstilts.phases.pretraining import promise
from xstilts.phases.recipe import EncoderChoice, Recipe, StageUse, Training, stage_names
from xstilts.phases.refusals import (
    block_is_there,
    each_has_its_own_data,
    nothing_else_is_compared,
    same_labels,
    windows_move_on,
)
from xstilts.phases.slices import (
    RETRIEVED,
    Files,
    Leaking,
    Trained,
    is_trained,
    original,
    refuse_overlap,
    scored,
    sources,
    trained,
    tuned,
)
from xstilts.phases.steps import READ, Builder, Encoder, Model, slice_label
from xstilts.phases.sweep import Chosen, aligned_text, swept
from xstilts.phases.workplace import Workplace
from xstilts.retrieve.spec import Mine, Retrieve, Vectors
from xstilts.tasks import get_task
from xstilts.train.spec import How, Layers, Mix

_CONFIGS = {"retrieval": Retrieve, "mining": Mine, "ranking": Vectors}


@dataclass(frozen=True)
class Cell:
    """One score of the results: who was evaluated on what, and what chose the block of a sweep.

    ``source`` is the language of the target's training data; empty where it was not trained on.
    """

    encoder: str
    arm: str
    target: str
    language: str
    split: str
    source: str
    seed: int | None
    score: Step
    chosen: Chosen = "fixed"


@dataclass
class Planned:
    """A recipe with all its promises.

    Attributes:
        recipe: as it was read.
        plan: steps by name, goals, sources.
        scored: every score that the recipe asks for; of a sweep all three.
        trainings: slices of every trained task, by the name that the recipe uses.
        reported: every slice that is reported.
        originals: English slices of parallel sets that are reported in other languages only; the
            leak check needs them, because a translation shares no letters with its original.
        aligned: target -> slices that choose its block; none without a sweep.
        models: training steps by name, for lineage and cost.
        absent: files that are missing; nothing runs while there are any.
        silent: target -> languages without gold here.
        encoders: the encoders, by label.
    """

    recipe: Recipe
    plan: Plan
    scored: list[Cell]
    trainings: Mapping[str, Trained]
    reported: list[Slice]
    originals: list[Slice]
    aligned: Mapping[str, list[Slice]]
    models: Mapping[str, Step]
    absent: list[str]
    silent: Mapping[str, tuple[str, ...]]
    encoders: Mapping[str, Encoder]

    @property
    def cells(self) -> list[Cell]:
        """The scores that means, gains and answers rest on: of a sweep those of the fixed block."""
        return [cell for cell in self.scored if cell.chosen == "fixed"]

    @cached_property
    def reads(self) -> list[Step]:
        """Steps that read and check official files."""
        beside = [Step(READ, slice_label(s), s) for s in self.originals]
        return [s for s in self.plan.unique() if s.stage.name == "read"] + beside

    def require_files(self) -> None:
        """Refuse to start while something is missing that no download can bring.

        Raises:
            DataError: naming every missing file.
            EncoderError: for an encoder of the hub at no revision.
        """
        for encoder in self.encoders.values():
            if encoder.away and encoder.choice.revision is None:
                raise EncoderError(
                    f"The encoder {encoder.choice.hub} has no revision",
                    where="encoder.revision",
                    expected="the 40 hex digits of a commit, or a folder: what the hub shows today "
                    "may differ tomorrow",
                    do="--set encoder.revision=COMMIT, or --set encoder='{path: FOLDER}'",
                )
        if self.absent:
            files = (
                "1 data file is" if len(self.absent) == 1 else f"{len(self.absent)} data files are"
            )
            raise DataError(
                f"{files} missing",
                where="the data folders (--data, XSTILTS_DATA)",
                expected="\n            ".join(self.absent),
                do="put them there, or see what the catalogue accepts: xstilts data check",
            )


@dataclass
class _Making:
    """A plan that is being made for one encoder."""

    recipe: Recipe
    workplace: Workplace
    builder: Builder
    trainings: Mapping[str, Trained]
    slices: Mapping[str, list[Slice]]
    tuning: Mapping[str, Mapping[str, Slice]]
    aligned: Mapping[str, list[Slice]]
    prefix: str
    steps: dict[str, Step] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    models: dict[str, Step] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)

    def arm(self, arm: str, seed: int) -> None:
        """All steps of one arm and seed."""
        model = self.builder.start
        stages = self.recipe.arms[arm]
        for stage, name in zip(stages, stage_names(stages, self.recipe.targets), strict=True):
            model = self.intermediate(model, stage, f"{arm}/{name}", seed)
        for target in self.recipe.targets:
            if get_task(target).kind in RETRIEVED:
                self.retrieval(arm, target, model, seed)
            else:
                self.target(arm, target, model, seed)

    def intermediate(self, model: Model, stage: StageUse, name: str, seed: int) -> Model:
        """The model after one stage of an arm, whose steps begin with ``name``."""
        if stage.reinit_top is not None:
            model = reinitialised(self.builder, model, stage.reinit_top, seed)
            self.made(f"{name}.reinit_top" if stage.tasks else name, model, seed)
        if stage.tasks:
            model = self.tuned(model, stage, seed)
            self.made(name, model, seed, training=True)
        if stage.carry is not None:
            model = carried(self.builder, model, stage.carry)
            self.made(f"{name}.carry", model, seed)
        return model

    def made(self, name: str, model: Model, seed: int, *, training: bool = False) -> None:
        """Name the step that made a model for other stages, and keep its weights."""
        assert model.step is not None
        self.named(f"{name}@{seed}", model.step, training=training)
        self.kept.add(model.step.key)

    def tuned(self, start: Model, stage: StageUse, seed: int) -> Model:
        """``start`` trained as a stage of an arm says."""
        layers = stage.layers("intermediate")
        if len(stage.tasks) == 1:
            return self.stage(start, stage.tasks[0], seed, layers)
        learnable(self.builder, start, stage.tasks, layers)
        each_has_its_own_data(stage.tasks, self.trainings)
        parts = [(self.trainings[task], self.words(task)) for task in stage.tasks]
        how = self.how(self.recipe.training)
        return self.builder.mix(start, parts, stage.mix or Mix(), how, seed, layers)

    def stage(self, start: Model, task: str, seed: int, layers: Layers) -> Model:
        learnable(self.builder, start, [task], layers)
        words, data = self.words(task), self.trainings[task]
        return self.builder.train(start, data, self.how(words), words, seed, layers)

    def trained(self, arm: str, target: str, start: Model, seed: int) -> Model:
        """The model of the target stage."""
        same_labels(target, self.trainings[target])
        model = self.stage(start, target, seed, self.recipe.target_layers(arm))
        assert model.step is not None
        self.named(f"{arm}/{target}@{seed}", model.step, training=True)
        return model

    def target(self, arm: str, target: str, start: Model, seed: int) -> None:
        words = self.words(target)
        model = self.trained(arm, target, start, seed)
        for data in self.slices[target]:
            step = self.builder.predict(model, data, self.how(words), words)
            self.cell(arm, target, data, seed, step)

    def retrieval(self, arm: str, target: str, model: Model, seed: int) -> None:
        """Retrieval with the encoder as the arm left it, or as a dual encoder's training left it.

        Nothing is random without a stage.
        """
        words, use = self.words(target), self.recipe.use(target)
        place: dict[str, Any] = {"layer": use.layer, "pooling": use.pooling}
        if is_trained(self.recipe, target):
            nothing_else_is_compared(self.recipe, target)
            place = {"layer": "top", "pooling": "first"}
            model = self.trained(arm, target, model, seed)
        elif self.builder.encoder.layers is not None:
            block_is_there(target, use.layer, self.builder.encoder.layers)
        if not model.chain and seed != self.recipe.seeds[0]:
            return
        kind = get_task(target).kind
        config = _CONFIGS[kind](
            encoder=self.builder.encoder.digest if model.step is None else None,
            precision=self.how(words).precision,
            **place,
            **({"sweep": True} if use.sweep else {}),
        )
        steps = {
            d.language: self.builder.retrieve(model, d, config, words) for d in self.slices[target]
        }
        own, scores = seed if model.chain else None, {}
        for data in self.slices[target]:
            step = steps[data.language]
            if kind == "ranking":
                step = self.builder.rank(data, steps)
            dev = self.tuning[target].get(data.language)
            mined = self.builder.retrieve(model, dev, config, words) if dev else None
            scores[data.language] = self.cell(arm, target, data, own, step, mined)
        if text := self.aligned[target]:
            found, at_blocks = swept(self.builder, model, target, config, words, text, scores)
            for name, step in found.items():
                self.named(f"{arm}/{target}/{name}{_at(own)}", step)
            for chosen, by_language in at_blocks.items():
                for data in self.slices[target]:
                    self.listed(arm, target, data, own, by_language[data.language], chosen)

    def cell(
        self,
        arm: str,
        target: str,
        data: Slice,
        seed: int | None,
        step: Step,
        dev: Step | None = None,
    ) -> Step:
        score = self.builder.score(step, dev, self.recipe.use(target).threshold)
        self.named(f"{arm}/{target}/predict.{data.language}{_at(seed)}", step)
        self.listed(arm, target, data, seed, score)
        return score

    def listed(
        self,
        arm: str,
        target: str,
        data: Slice,
        seed: int | None,
        score: Step,
        chosen: Chosen = "fixed",
    ) -> None:
        name = "score" if chosen == "fixed" else f"{chosen}.score"
        self.named(f"{arm}/{target}/{name}.{data.language}{_at(seed)}", score)
        source = "en" if is_trained(self.recipe, target) else ""
        place = self.builder.encoder.label, arm, target, data.language, data.split, source, seed
        self.cells.append(Cell(*place, score, chosen))

    def named(self, name: str, step: Step, *, training: bool = False) -> None:
        self.steps[self.prefix + name] = step
        if training:
            self.models[self.prefix + name] = step

    def words(self, task: str) -> Training:
        """The hyper-parameters of a task: the recipe's, then those of its sources, then its own."""
        words = self.recipe.training_of(sources(self.recipe, task))
        limit = self.builder.encoder.positions
        if limit is not None and words.max_length > limit:
            raise EncoderError(
                f"Rows of {words.max_length} pieces do not fit the encoder",
                where=f"training.max_length of {task}",
                expected=f"at most {limit}, the positions of {self.builder.encoder.label}",
                do=f"--set tasks.{task}.training.max_length={limit}",
            )
        if get_task(task).kind == "span":
            windows_move_on(task, words)
        return words

    def how(self, words: Training) -> How:
        """What of the hyper-parameters changes weights; ``auto`` is resolved here."""
        threads = self.recipe.runtime.threads
        precision = self.workplace.resolved(words.precision, threads)
        said = words.model_dump(exclude={"max_length", "stride", "precision"})
        return How(**said, precision=precision)


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
        workplace = workplace.with_lab()
    files = Files(workplace)
    trainings = {name: trained(recipe, name, files, without) for name in _trained_tasks(recipe)}
    slices = {target: scored(recipe, target, files) for target in recipe.targets}
    tuning = {target: tuned(recipe, target, files, slices[target]) for target in recipe.targets}
    reported = [s for parts in slices.values() for s in parts]
    aligned = {t: aligned_text(recipe, t, files, slices[t], without) for t in recipe.targets}
    used = [s for t in trainings.values() for s in t.slices]
    refuse_overlap([*used, *(s for text in aligned.values() for s in text)], reported)
    originals = [
        s for target in recipe.targets for s in original(recipe, target, slices[target], files)
    ]
    encoders = {e.label: _encoder(e, workplace, files, recipe.runtime) for e in recipe.encoder}
    whole = Planned(
        recipe=recipe,
        plan=Plan({}, []),
        scored=[],
        trainings=trainings,
        reported=reported,
        originals=originals,
        aligned=aligned,
        models={},
        absent=files.absent,
        silent={},
        encoders=encoders,
    )
    steps: dict[str, Step] = {}
    models: dict[str, Step] = {}
    kept: set[str] = set()
    for label, encoder in encoders.items():
        prefix = f"{label}:" if len(encoders) > 1 else ""
        builder = Builder(encoder)
        making = _Making(recipe, workplace, builder, trainings, slices, tuning, aligned, prefix)
        if encoder.made:
            making.steps |= {prefix + name: step for name, step in encoder.made.steps.items()}
            making.kept.add(encoder.made.step.key)
        for arm in recipe.arms:
            for seed in recipe.seeds:
                making.arm(arm, seed)
        whole.scored += making.cells
        steps |= making.steps
        models |= making.models
        kept |= making.kept
    whole.plan = Plan(steps, [c.score for c in whole.scored], files.sources, frozenset(kept))
    whole.models, whole.silent = models, files.silent
    workplace.digests.save()
    return whole


def _at(seed: int | None) -> str:
    """The end of a step's name; nothing where nothing random was trained."""
    return "" if seed is None else f"@{seed}"


def _trained_tasks(recipe: Recipe) -> list[str]:
    named = [t for stages in recipe.arms.values() for stage in stages for t in stage.tasks]
    named += [t for t in recipe.targets if is_trained(recipe, t)]
    return list(dict.fromkeys(named))


def _encoder(
    choice: EncoderChoice, workplace: Workplace, files: Files, runtime: Runtime
) -> Encoder:
    if choice.pretrain is not None:
        made = promise(choice.pretrain, workplace, runtime)
        files.sources |= made.sources
        return Encoder(choice.label, made.step.key, made.tokenizer.key, choice, made=made)
    here = workplace.encoder(choice)
    if here is None:
        name = f"hub:{choice.hub}@{choice.revision or 'unpinned'}"
        return Encoder(choice.label, name, name, choice)
    files.sources |= {here.digest: here.folder, here.tokenizer: here.folder}
    return Encoder(choice.label, here.digest, here.tokenizer, choice, here)
