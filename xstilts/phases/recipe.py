"""A recipe: encoders × arms × targets × languages × seeds, checked word by word."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from xstilts.core.spec import Runtime
from xstilts.core.validation import form, merged, refusal, validated
from xstilts.phases.forms import STARTS, Said
from xstilts.prediction.spec import Pooling
from xstilts.scoring.spec import Threshold
from xstilts.tasks.spec import Split
from xstilts.train.spec import Layers, Mix, Select, joint_name


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class EncoderChoice(_Section):
    """Where the encoder comes from: a folder, a hub repository at one revision, or pretraining.

    Attributes:
        path: a folder; a relative one is also searched under ``$XSTILTS_MODELS``.
        pretrain: a declaration of an encoder, by shipped name or as a YAML file.
        hub: ``ORG/NAME``.
        revision: 40 hex digits; None is shown as unpinned and cannot run.
        languages: what it was pretrained on; absent = what its model card says.
        about: one sentence on what it was trained on, for the report.
        block_parameters: weights in its blocks, to estimate the cost of one that is not here.
    """

    path: str | None = None
    pretrain: str | None = None
    hub: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")
    revision: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")
    languages: tuple[str, ...] | None = None
    about: str = ""
    block_parameters: float | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "EncoderChoice":
        said = [k for k in ("path", "hub", "pretrain") if getattr(self, k) is not None]
        if len(said) != 1:
            what = f"An encoder has {' and '.join(said) or 'none'} of path, hub and pretrain"
            raise refusal("", what, "one of `path`, `hub` and `pretrain`")
        return self

    @property
    def label(self) -> str:
        """The encoder's short name in tables."""
        if self.pretrain:
            return Path(self.pretrain).stem
        return Path(self.path).name if self.path else str(self.hub).split("/")[-1]


class Training(_Section):
    """Hyper-parameters of a stage, and how its examples are cut into pieces."""

    lr: float = Field(gt=0)
    epochs: float = Field(gt=0)
    batch_size: int = Field(ge=1)
    max_length: int = Field(ge=8)
    stride: int = Field(default=32, ge=0)
    warmup: float = Field(default=0.1, ge=0, lt=1)
    weight_decay: float = Field(default=0.01, ge=0)
    clip: float = Field(default=1.0, gt=0)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    select: Select = Select()


class Source(_Section):
    """Which release split is read, and how much of it."""

    from_: Split | None = Field(default=None, alias="from")
    sample: int | None = Field(default=None, ge=1)


class Reported(Source):
    """Which split is reported, and how much of it in each language.

    Attributes:
        at_most: a draw of this many in languages that have more.
    """

    at_most: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _one_size(self) -> "Reported":
        if self.sample is not None and self.at_most is not None:
            raise refusal("", "sample and at_most are both given", "one of the two")
        return self


_WORD, _REST, _FALSE = form("word"), form("list or mapping"), form("false")


def _word_or_rest(value: object) -> str:
    """Which of two forms is meant, so that only its own errors are told."""
    return _WORD if isinstance(value, str) else _REST


def _false_or_other(value: object) -> str:
    return _FALSE if value is False else _word_or_rest(value)


def _share_or_block(layer: int | float) -> int | float:
    if layer < 0 or (layer > 1 and layer != int(layer)):
        wanted = "a block (0, 1, 2 …) or a share of depth between 0 and 1"
        raise refusal("", f"There is no layer {layer}", wanted)
    return layer


class Sweep(_Section):
    """All blocks of the encoder from one pass: the best one on aligned text, and an oracle.

    Attributes:
        aligned: the retrieval task whose text chooses; what is read of it, its own entry says.
    """

    aligned: str


class TaskUse(_Section):
    """What a recipe reads of one task.

    Attributes:
        train: the split trained on, or the name of the task whose training data is used; false to
            report a ranking by the encoder as the arm left it, by ``layer`` and ``pooling``.
        score: the split reported.
        training: hyper-parameters that differ from the recipe's.
        layer: block (or share of depth) whose output is compared, for retrieval without training.
        pooling: over the pieces of a sentence, likewise.
        threshold: what gold chooses the threshold of mined pairs: the dev split, or the other half
            where there is none (``held out``), or by its name the very gold that is scored.
        sweep: for retrieval, what else than ``layer`` is scored.
    """

    train: Annotated[
        Annotated[str, Tag(_WORD)]
        | Annotated[Literal[False], Tag(_FALSE)]
        | Annotated[Source, Tag(_REST)],
        Discriminator(_false_or_other),
    ] = Source()
    score: Reported = Reported()
    training: dict[str, Any] = {}
    layer: Annotated[int | float, AfterValidator(_share_or_block)] = 14 / 24
    pooling: Pooling = "mean"
    threshold: Threshold = "held out"
    sweep: Sweep | None = None


class StageUse(Said):
    """One stage of an arm, or words on the target stage that follows: see :attr:`of_target`.

    Attributes:
        train: the task, or several that share the stage, each with a head of its own. These are
            trained by the recipe's ``training``; of their own only ``max_length`` and ``stride``
            count. None where the other keys are all there is.
        mix: how several tasks share the stage; in proportion to their sizes if absent.
        checkpoint: a model that was trained elsewhere, in the place of the recipe's encoder: a
            stage of its own, the first of an arm. Its tokenizer is used, and none of its heads.
    """

    train: (
        Annotated[
            Annotated[str, Tag(_WORD)] | Annotated[tuple[str, ...], Tag(_REST)],
            Discriminator(_word_or_rest),
        ]
        | None
    ) = None
    mix: Mix | None = None
    checkpoint: EncoderChoice | None = None

    @property
    def tasks(self) -> tuple[str, ...]:
        """What is trained on."""
        return (self.train,) if isinstance(self.train, str) else self.train or ()

    @property
    def trains(self) -> bool:
        """Whether it trains the encoder: on tasks, on text, or on both."""
        return bool(self.tasks) or self.mlm is not None

    @property
    def of_target(self) -> bool:
        """Whether it says how targets are trained and makes no encoder before them."""
        return not (self.trains or self.checkpoint or self.reinit_top)

    @model_validator(mode="after")
    def _something_to_do(self) -> "StageUse":
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise refusal("", "A stage is empty", f"one of: {', '.join(STARTS)}")
        if self.checkpoint is None:
            self.refuse_contradictions(self.tasks)
        elif len(self.model_fields_set) > 1:
            others = sorted(self.model_fields_set - {"checkpoint"})
            what = f"A checkpoint is taken as it is, and {' and '.join(others)} stands beside"
            raise refusal("", what, "{checkpoint: …}, and then another stage")
        elif self.checkpoint.pretrain is not None:
            raise refusal("", "A checkpoint is there already", "checkpoint: {path: …} or {hub}")
        return self

    @model_validator(mode="after")
    def _one_or_several(self) -> "StageUse":
        if self.train is None or isinstance(self.train, str):
            if self.mix is not None:
                alone = f"{self.train} alone cannot be mixed"
                what = alone if self.train else "A mixture has no tasks"
                raise refusal("", what, "train: [A, B], or no mix")
            return self
        if len(self.train) < 2:
            only = "".join(self.train) or "TASK"
            raise refusal("", "A list of tasks is a mixture", f"two or more, or: train: {only}")
        for task, times in Counter(self.train).items():
            if times > 1:
                raise refusal("", f"{task} stands twice in a mixture", "each task once")
        return self


class Gain(_Section):
    """The gain of every arm over ``baseline``."""

    baseline: str = "none"


STUDIES = Literal["paper", "similarity", "layers", "gap", "diversity", "low-resource"]


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


class Analysis(_Section):
    """What is worked out of the results.

    Attributes:
        gain: over which arm.
        study: whose question is answered.
        claims: files of claims to judge beside the registry's.
    """

    gain: Gain = Gain()
    study: STUDIES | None = None
    claims: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()


def _simple(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_+.-]+", name):
        raise refusal("", f"{name!r} cannot name an arm", "letters, digits, _ - + and . only")
    return name


ArmName = Annotated[str, AfterValidator(_simple)]


class Recipe(_Section):
    """One question and all that is run to answer it."""

    recipe: str = Field(pattern=r"^[A-Za-z0-9][\w./-]*$")
    question: str
    expectation: str
    encoder: Annotated[tuple[EncoderChoice, ...], BeforeValidator(_as_list)] = Field(min_length=1)
    seeds: tuple[int, ...] = Field(min_length=1)
    languages: Annotated[
        Annotated[Literal["present"], Tag(_WORD)]
        | Annotated[tuple[str, ...], Field(min_length=1), Tag(_REST)],
        Discriminator(_word_or_rest),
    ] = "present"
    data: Literal["lab"] | None = None
    own_tasks: tuple[str, ...] = ()
    leaks: Literal["error", "drop", "allow"] = "error"
    training: Training
    tasks: dict[str, TaskUse] = {}
    arms: dict[ArmName, tuple[StageUse, ...]] = Field(min_length=1)
    targets: tuple[str, ...] = Field(min_length=1)
    analysis: Analysis = Analysis()
    runtime: Runtime = Runtime()

    @model_validator(mode="after")
    def _consistent(self) -> "Recipe":
        baseline = self.analysis.gain.baseline
        if baseline not in self.arms:
            key = "analysis.gain.baseline"
            raise refusal(key, f"{baseline!r} is not an arm", f"one of: {', '.join(self.arms)}")
        for arm, stages in self.arms.items():
            self._in_order(arm, stages)
        languages = () if isinstance(self.languages, str) else self.languages
        for key, values in {
            "seeds": self.seeds,
            "targets": self.targets,
            "languages": languages,
            "encoder": [e.label for e in self.encoder],
        }.items():
            for value, times in Counter(values).items():
                if times > 1:
                    raise refusal(key, f"{value} stands twice in {key}", "each one once")
        return self

    def _in_order(self, arm: str, stages: Sequence[StageUse]) -> None:
        """Refuse words on the target that are not an arm's last, or look at no other arm."""
        for stage in stages[:-1]:
            if stage.of_target:
                what = f"Words on the target stand before another stage of {arm}"
                raise refusal(f"arms.{arm}", what, "them last: nothing follows a target")
        if any(stage.checkpoint for stage in stages[1:]):
            what = f"{arm} takes a checkpoint after other stages, which it would replace"
            raise refusal(f"arms.{arm}", what, "the checkpoint first")
        other = stages[-1].longer if stages else None
        if other is None:
            return
        fit = [
            name
            for name, of in self.arms.items()
            if any(s.trains for s in of) and not of[-1].of_target and not of[0].checkpoint
        ]
        if other not in fit:
            what = f"{arm} cannot be longer by the updates of {other}"
            expected = (
                f"an arm with stages that train before the target: {', '.join(fit) or '(none)'}"
            )
            raise refusal(f"arms.{arm}", what, expected)
        if len(stages) > 1:
            what = f"{arm} is longer in the place of stages, and has some"
            raise refusal(f"arms.{arm}", what, f"{{longer: {other}}} alone")

    def before(self, arm: str) -> tuple[StageUse, ...]:
        """The stages of an arm before its target stage."""
        return tuple(stage for stage in self.arms[arm] if not stage.of_target)

    def on_target(self, arm: str) -> StageUse | None:
        """What an arm says of its target stage; None where that is the recipe's alone."""
        stages = self.arms[arm]
        return stages[-1] if stages and stages[-1].of_target else None

    @model_validator(mode="after")
    def _target_frozen_once(self) -> "Recipe":
        for arm, stages in self.arms.items():
            if sum(stage.layers("target").frozen is not None for stage in stages) > 1:
                what = f"Two stages of {arm} freeze layers of the target's"
                raise refusal(f"arms.{arm}", what, "during: target or both in one of them")
        return self

    def target_layers(self, arm: str) -> Layers:
        """What the stages of an arm say of the layers in the target's training."""
        said = [stage.layers("target") for stage in self.arms[arm]]
        frozen = next((one.frozen for one in said if one.frozen is not None), None)
        return Layers(frozen=frozen, mixed=any(one.mixed for one in said))

    def use(self, task: str) -> TaskUse:
        """What is read of ``task``; the official splits, whole, if the recipe says nothing."""
        return self.tasks.get(task, TaskUse())

    def training_of(
        self,
        tasks: Sequence[str],
        more: Mapping[str, Any] = MappingProxyType({}),
        where: str | None = None,
    ) -> Training:
        """The hyper-parameters of the first task: its own, else those of the next, key by key.

        Before its own come ``more``, those of a stage, which says them at ``where``.
        """
        said = self.training.model_dump()
        for task in reversed(tasks):
            said = merged(said, self.use(task).training)
        own = f"tasks.{tasks[0]}.training"
        do = "change it there" if where else f"--set {own}.{{key}}=VALUE, or change the file"
        return validated(Training, merged(said, dict(more)), where or own, do=do)


def stage_names(stages: Sequence[StageUse], targets: Collection[str]) -> list[str]:
    """The tasks of an arm's stages; numbered where one comes again or is itself a target.

    A stage without tasks has the name of what it does instead.
    """
    tasks = [_name(stage) for stage in stages]
    nth = [tasks[: i + 1].count(task) for i, task in enumerate(tasks)]
    return [
        f"{task}.{n}" if n > 1 or task in targets else task
        for task, n in zip(tasks, nth, strict=True)
    ]


def _name(stage: StageUse) -> str:
    if not stage.tasks:
        return next(name for name in ("mlm", "checkpoint", "reinit_top") if getattr(stage, name))
    name = joint_name([*sorted(stage.tasks), *(["mlm"] if stage.mlm else [])])
    return name if stage.language in (None, "en") else f"{name}.{stage.language}"
