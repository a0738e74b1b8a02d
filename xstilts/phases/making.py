"""A plan that is being made for one encoder: every arm's stages, targets, predictions, scores."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from xstilts.core.errors import EncoderError
from xstilts.data.corpora import Corpus
from xstilts.data.slices import Slice
from xstilts.graph import Step
from xstilts.phases.encoders import Encoder
from xstilts.phases.forms import OWN, SOURCE, FewShot
from xstilts.phases.layers import (
    carried,
    learnable,
    merged,
    reinitialised,
    some_block_learns,
)
from xstilts.phases.planned import Cell
from xstilts.phases.reading import has_a_head, pieces_of_text, text_of
from xstilts.phases.recipe import Recipe
from xstilts.phases.refusals import (
    all_are_trained,
    block_is_there,
    each_has_its_own_data,
    nothing_else_is_compared,
    same_labels,
    windows_move_on,
)
from xstilts.phases.slices import RETRIEVED, Files, Trained, is_trained, sources
from xstilts.phases.spoken import Other, Spoken, shots, spoken_in
from xstilts.phases.stage_use import StageUse, stage_names
from xstilts.phases.steps import Builder, Model, Text
from xstilts.phases.sweep import Chosen, swept
from xstilts.phases.task_use import Training
from xstilts.phases.workplace import Workplace
from xstilts.retrieve.spec import Mine, Retrieve, Vectors
from xstilts.tasks import get_task
from xstilts.train.spec import How, Layers, Mix

_CONFIGS = {"retrieval": Retrieve, "mining": Mine, "ranking": Vectors}


@dataclass
class Making:
    """A plan that is being made for one encoder."""

    recipe: Recipe
    workplace: Workplace
    builder: Builder
    trainings: Mapping[str, Trained]
    slices: Mapping[str, list[Slice]]
    tuning: Mapping[str, Mapping[str, Slice]]
    aligned: Mapping[str, list[Slice]]
    others: Other
    ready: Mapping[str, Encoder]
    files: Files
    prefix: str
    steps: dict[str, Step] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    models: dict[str, Step] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)

    def arm(self, arm: str, seed: int) -> None:
        """All steps of one arm and seed."""
        if arm in self.ready and self.builder.encoder is not self.ready[arm]:
            replace(self, builder=Builder(self.ready[arm])).arm(arm, seed)
            return
        model, said = self.before(arm, seed), self.recipe.on_target(arm)
        for target in self.recipe.targets:
            if get_task(target).kind not in RETRIEVED:
                self.target(arm, target, model, seed, said)
            elif said is None or (is_trained(self.recipe, target) and of_one_model(said)):
                self.retrieval(arm, target, model, seed, said)

    def before(self, arm: str, seed: int) -> Model:
        """The model that an arm's stages leave to its target stage."""
        model, stages = self.builder.start, self.recipe.before(arm)
        for stage, name in zip(stages, stage_names(stages, self.recipe.targets), strict=True):
            if stage.checkpoint is not None:
                self.made(f"{arm}/{name}", model, None)
            elif stage.merge is not None:
                parts = [(self.before(one, seed), weight) for one, weight in stage.merge.items()]
                model = merged(self.builder, parts)
                self.made(f"{arm}/{name}", model, seed)
            else:
                model = self.intermediate(model, stage, arm, name, seed)
        return model

    def steps_before(self, arm: str, seed: int) -> list[Step]:
        """The trainings of an arm before its target stage."""
        self.before(arm, seed)
        return [self.steps[f"{self.prefix}{name}@{seed}"] for name in self.recipe.trained(arm)]

    def intermediate(self, model: Model, stage: StageUse, arm: str, name: str, seed: int) -> Model:
        """The model after one stage of an arm, which calls it ``name``."""
        place = f"{arm}/{name}"
        if stage.reinit_top is not None:
            model = reinitialised(self.builder, model, stage.reinit_top, seed, arm)
            self.made(f"{place}.reinit_top" if stage.trains else place, model, seed)
        if stage.trains:
            model = self.tuned(model, stage, arm, seed)
            some_block_learns(self.builder, stage.layers("intermediate"), arm)
            self.made(place, model, seed, training=True)
        if stage.carry is not None:
            model = carried(self.builder, model, stage.carry, arm)
            self.made(f"{place}.carry", model, seed)
        return model

    def made(self, name: str, model: Model, seed: int | None, *, training: bool = False) -> None:
        """Name the step that made a model for other stages, and keep its weights."""
        assert model.step is not None
        self.named(f"{name}{_at(seed)}", model.step, training=training)
        self.kept.add(model.step.key)

    def tuned(self, start: Model, stage: StageUse, arm: str, seed: int) -> Model:
        """``start`` trained as a stage of an arm says: on tasks, on text, or on both."""
        how, layers = self.how(self.recipe.training), stage.layers("intermediate")
        text, corpora = None, list[Corpus]()
        if stage.mlm is not None:
            has_a_head(self.builder.encoder, arm)
            corpora = text_of(stage.mlm, self.recipe, self.files, arm)
            length = min(self.recipe.training.max_length, self.builder.encoder.positions or 10**9)
            text = self.builder.text(corpora, stage.mlm, length)
        if isinstance(stage.train, str):
            one = spoken_in(stage, stage.train)
            model = self.stage(arm, start, one, seed, layers, text=text)
            all_are_trained(model.step, [self.data(one)], arm)
            return model
        learnable(self.builder, start, stage.tasks, layers, arm)
        if not stage.tasks:
            assert text is not None and stage.mlm is not None
            pieces = how.epochs * pieces_of_text(corpora, self.files)
            return self.builder.reading(
                start, text, stage.mlm.examples, how, seed, pieces, layers=layers
            )
        each_has_its_own_data(stage.tasks, self.trainings, arm)
        parts = [(self.data(spoken_in(stage, t)), self.words(t)) for t in stage.tasks]
        model = self.builder.mix(start, parts, stage.mix or Mix(), how, seed, text, layers=layers)
        all_are_trained(model.step, [data for data, _ in parts], arm)
        return model

    def data(self, one: Spoken) -> Trained:
        """What is trained on, in its language."""
        return self.trainings[one.task] if one.plain else self.others[one]

    def stage(
        self,
        arm: str,
        start: Model,
        one: Spoken,
        seed: int,
        layers: Layers,
        *,
        beside: Sequence[Step] = (),
        text: Text | None = None,
    ) -> Model:
        """``start`` trained on one task, in an arm."""
        learnable(self.builder, start, [one.task], layers, arm)
        words, data = self.words(one.task), self.data(one)
        return self.builder.train(
            start, data, self.how(words), words, seed, beside=beside, text=text, layers=layers
        )

    def trained(
        self, arm: str, target: str, start: Model, seed: int, said: StageUse | None
    ) -> Model:
        """The model of the target stage, in one language, perhaps for longer."""
        same_labels(target, self.trainings[target])
        one, beside = Spoken(target), list[Step]()
        if said and said.longer:
            beside = self.steps_before(said.longer, seed)
        elif said and said.language:
            one = spoken_in(said, target)
        layers = self.recipe.target_layers(arm)
        model = self.stage(arm, start, one, seed, layers, beside=beside)
        assert model.step is not None
        self.named(f"{arm}/{target}@{seed}", model.step, training=True)
        return model

    def target(self, arm: str, target: str, start: Model, seed: int, said: StageUse | None) -> None:
        """A target stage, one for all languages or one for each, and what it predicts."""
        words = self.words(target)
        precision, cut = self.how(words).precision, (words.max_length, words.stride)
        for source, languages, model in self.models_of(arm, target, start, seed, said):
            for data in self.slices[target]:
                if data.language in languages:
                    step = self.builder.predict(model, data, precision, *cut)
                    self.cell(arm, target, data, seed, step, source=source)

    def models_of(
        self, arm: str, target: str, start: Model, seed: int, said: StageUse | None
    ) -> Iterator[tuple[str, Collection[str], Model]]:
        """Source language, languages reported by it, and the model."""
        every = [s.language for s in self.slices[target]]
        if said is None or of_one_model(said):
            source = (said and said.language) or SOURCE
            yield source, every, self.trained(arm, target, start, seed, said)
        elif said.few_shot is not None:
            yield from self.continued(arm, target, start, seed, said.few_shot)
        else:
            there = [spoken_in(said, target, language) for language in every]
            some = any(one in self.others for one in there)
            for one in there:
                if one in self.others or (one.plain and some):
                    layers = self.recipe.target_layers(arm)
                    model = self.stage(arm, start, one, seed, layers)
                    self.of_language(arm, target, one.language, seed, model)
                    yield one.language, [one.language], model

    def continued(
        self, arm: str, target: str, start: Model, seed: int, said: FewShot
    ) -> Iterator[tuple[str, Collection[str], Model]]:
        """The models that go on with a few examples, one for each language but English."""
        same_labels(target, self.trainings[target])
        if said.after == "target":
            start = self.trained(arm, target, start, seed, None)
            assert start.step is not None
            self.kept.add(start.step.key)
        words, layers = self.words(target, said.training), self.recipe.target_layers(arm)
        learnable(self.builder, start, [target], layers, arm)
        how, english = self.how(words), self.trainings[target].train
        head: Literal["new", "kept"] = "kept" if said.after == "target" else "new"
        for few in shots(self.recipe, target, said, self.slices[target], self.files, arm):
            data = self.others[few]
            model = self.builder.train(
                start, data, how, words, seed, learnt=english, head=head, layers=layers
            )
            self.of_language(arm, target, few.language, seed, model)
            both = f"{SOURCE}+{few.language}" if said.after == "target" else few.language
            yield both, [few.language], model

    def of_language(self, arm: str, target: str, language: str, seed: int, model: Model) -> None:
        """Name the training of a target in one language."""
        assert model.step is not None
        self.named(f"{arm}/{target}.{language}@{seed}", model.step, training=True)

    def retrieval(
        self, arm: str, target: str, model: Model, seed: int, said: StageUse | None
    ) -> None:
        """Retrieval with the encoder as the arm left it, or as a dual encoder's training left it.

        Nothing is random without a stage.
        """
        words, use = self.words(target), self.recipe.use(target)
        place: dict[str, Any] = {"layer": use.layer, "pooling": use.pooling}
        if is_trained(self.recipe, target):
            nothing_else_is_compared(self.recipe, target)
            place = {"layer": "top", "pooling": "first"}
            model = self.trained(arm, target, model, seed, said)
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
        source = ((said and said.language) or SOURCE) if is_trained(self.recipe, target) else ""
        for data in self.slices[target]:
            step = steps[data.language]
            if kind == "ranking":
                step = self.builder.rank(data, steps)
            dev = self.tuning[target].get(data.language)
            mined = self.builder.retrieve(model, dev, config, words) if dev else None
            scores[data.language] = self.cell(arm, target, data, own, step, mined, source)
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
        source: str = "",
    ) -> Step:
        """Score what ``step`` predicts, and list the score."""
        score = self.builder.score(step, dev, self.recipe.use(target).threshold)
        self.named(f"{arm}/{target}/predict.{data.language}{_at(seed)}", step)
        self.listed(arm, target, data, seed, score, source=source)
        return score

    def listed(
        self,
        arm: str,
        target: str,
        data: Slice,
        seed: int | None,
        score: Step,
        chosen: Chosen = "fixed",
        source: str = "",
    ) -> None:
        """Name a score, and put it among the cells."""
        name = "score" if chosen == "fixed" else f"{chosen}.score"
        self.named(f"{arm}/{target}/{name}.{data.language}{_at(seed)}", score)
        place = self.builder.encoder.label, arm, target, data.language, data.split, source, seed
        self.cells.append(Cell(*place, score, chosen))

    def named(self, name: str, step: Step, *, training: bool = False) -> None:
        """Name a step in the plan, and among the models where it trains one."""
        self.steps[self.prefix + name] = step
        if training:
            self.models[self.prefix + name] = step

    def words(self, task: str, more: Mapping[str, Any] = MappingProxyType({})) -> Training:
        """The hyper-parameters of a task: the recipe's, then those of its sources, then its own.

        At last come ``more``, those of a stage.
        """
        words = self.recipe.training_of(sources(self.recipe, task), more)
        limit = self.builder.encoder.positions
        if limit is not None and words.max_length > limit:
            own = "max_length" in more
            raise EncoderError(
                f"Rows of {words.max_length} pieces do not fit the encoder",
                where=f"few_shot.training.max_length of {task}"
                if own
                else f"training.max_length of {task}",
                expected=f"at most {limit}, the positions of {self.builder.encoder.label}",
                do=f"write {limit} or less there"
                if own
                else f"--set tasks.{task}.training.max_length={limit}",
            )
        if get_task(task).kind == "span":
            windows_move_on(task, words.max_length, words.stride)
        return words

    def how(self, words: Training) -> How:
        """What of the hyper-parameters changes weights; ``auto`` is resolved here."""
        threads = self.recipe.runtime.threads
        precision = self.workplace.resolved(words.precision, threads)
        said = words.model_dump(exclude={"max_length", "stride", "precision"})
        return How(**said, precision=precision)


def _at(seed: int | None) -> str:
    """The end of a step's name; nothing where nothing random was trained."""
    return "" if seed is None else f"@{seed}"


def of_one_model(said: StageUse) -> bool:
    """Whether one model of a target is reported in all languages."""
    return said.few_shot is None and said.language != OWN
