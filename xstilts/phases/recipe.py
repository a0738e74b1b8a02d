"""A recipe: encoders × arms × targets × languages × seeds, checked word by word."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from xstilts.core.spec import Runtime
from xstilts.core.validation import merged, refusal, validated
from xstilts.phases.encoder_choice import EncoderChoice
from xstilts.phases.sections import REST, WORD, Section, as_list, word_or_rest
from xstilts.phases.series import Subsets, expanded
from xstilts.phases.stage_use import StageUse, stage_names
from xstilts.phases.task_use import TaskUse, Training
from xstilts.train.spec import Layers


class Gain(Section):
    """The gain of every arm over ``baseline``."""

    baseline: str = "none"


STUDIES = Literal["paper", "similarity", "layers", "gap", "diversity", "low-resource"]


class Analysis(Section):
    """What is worked out of the results.

    Attributes:
        gain: over which arm.
        study: whose question is answered.
        claims: files of claims to judge beside the registry's.
    """

    gain: Gain = Gain()
    study: STUDIES | None = None
    claims: Annotated[tuple[str, ...], BeforeValidator(as_list)] = ()


def _simple(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_+.-]+", name):
        raise refusal("", f"{name!r} cannot name an arm", "letters, digits, _ - + and . only")
    return name


ArmName = Annotated[str, AfterValidator(_simple)]


class Recipe(Section):
    """One question and all that is run to answer it.

    ``subsets`` are more arms, and an arm that is ``{each: …, stages: …}`` is several, see
    :mod:`xstilts.phases.series`.
    """

    recipe: str = Field(pattern=r"^[A-Za-z0-9][\w./-]*$")
    question: str
    expectation: str
    encoder: Annotated[tuple[EncoderChoice, ...], BeforeValidator(as_list)] = Field(min_length=1)
    seeds: tuple[int, ...] = Field(min_length=1)
    languages: Annotated[
        Annotated[Literal["present"], Tag(WORD)]
        | Annotated[tuple[str, ...], Field(min_length=1), Tag(REST)],
        Discriminator(word_or_rest),
    ] = "present"
    data: Literal["lab"] | None = None
    own_tasks: tuple[str, ...] = ()
    leaks: Literal["error", "drop", "allow"] = "error"
    training: Training
    tasks: dict[str, TaskUse] = {}
    subsets: tuple[Subsets, ...] = ()
    arms: dict[ArmName, tuple[StageUse, ...]] = Field(min_length=1)
    targets: tuple[str, ...] = Field(min_length=1)
    analysis: Analysis = Analysis()
    runtime: Runtime = Runtime()

    @field_validator("arms", mode="before")
    @classmethod
    def _every_arm(cls, arms: Any, found: ValidationInfo) -> Any:
        return expanded(arms, found.data.get("subsets", ())) if isinstance(arms, dict) else arms

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
        """Refuse stages that are not in their place, or look at no other arm."""
        for stage in stages[:-1]:
            if stage.of_target:
                what = f"Words on the target stand before another stage of {arm}"
                raise refusal(f"arms.{arm}", what, "them last: nothing follows a target")
        for name in ("checkpoint", "merge"):
            if any(getattr(stage, name) for stage in stages[1:]):
                what = f"{arm} takes a {name} after other stages, which it would replace"
                raise refusal(f"arms.{arm}", what, f"the {name} first")
        for part in self.merged(arm):
            self._can_be_merged(arm, part)
        other = stages[-1].longer if stages else None
        if other is None:
            return
        fit = [
            name
            for name, of in self.arms.items()
            if any(s.trains for s in of)
            and not (of[-1].of_target or of[0].checkpoint or of[0].merge)
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

    def _can_be_merged(self, arm: str, part: str) -> None:
        """Refuse an arm that has changed nothing in the recipe's encoder by training."""
        reasons = {name: self._why_unmerged(name) for name in self.arms if name != arm}
        why = reasons.get(part, "itself" if part == arm else "which is not an arm")
        if why:
            fit = ", ".join(name for name, none in reasons.items() if not none) or "(none)"
            what = f"{arm} cannot merge {part}, {why}"
            expected = f"an arm whose stages train the recipe's encoder before the target: {fit}"
            raise refusal(f"arms.{arm}", what, expected)

    def _why_unmerged(self, arm: str) -> str:
        """Why other arms cannot merge an arm; empty if they can."""
        if self.merged(arm):
            return "which is merged itself"
        stages = self.before(arm)
        if stages and stages[0].checkpoint:
            return "which begins with another encoder, a checkpoint"
        return "" if any(s.trains for s in stages) else "which trains nothing before its target"

    def merged(self, arm: str) -> dict[str, float]:
        """The arms that an arm is the sum of, and their weights; none for most."""
        first = next(iter(self.arms[arm]), None)
        return (first and first.merge) or {}

    def before(self, arm: str) -> tuple[StageUse, ...]:
        """The stages of an arm before its target stage."""
        return tuple(stage for stage in self.arms[arm] if not stage.of_target)

    def trained(self, arm: str) -> dict[str, StageUse]:
        """Those of them that train, by the names of their steps without the seed."""
        stages = self.before(arm)
        names = zip(stage_names(stages, self.targets), stages, strict=True)
        return {f"{arm}/{name}": stage for name, stage in names if stage.trains}

    def on_target(self, arm: str) -> StageUse | None:
        """What an arm says of its target stage; None where that is the recipe's alone."""
        stages = self.arms[arm]
        return stages[-1] if stages and stages[-1].of_target else None

    @model_validator(mode="after")
    def _target_frozen_once(self) -> "Recipe":
        for arm, stages in self.arms.items():
            said = [stage.layers("target") for stage in stages]
            if sum(one.frozen is not None for one in said) > 1:
                what = f"Two stages of {arm} freeze layers of the target's"
                raise refusal(f"arms.{arm}", what, "during: target or both in one of them")
            layers = self.target_layers(arm)
            if layers.frozen is not None and layers.lora is not None:
                what = f"{arm} freezes layers of the target's, and lora holds all of them there"
                raise refusal(f"arms.{arm}", what, "freeze or lora for the target, not both")
        return self

    def target_layers(self, arm: str) -> Layers:
        """What the stages of an arm say of the layers in the target's training."""
        said = [stage.layers("target") for stage in self.arms[arm]]
        frozen = next((one.frozen for one in said if one.frozen is not None), None)
        lora = next((one.lora for one in said if one.lora is not None), None)
        return Layers(frozen=frozen, mixed=any(one.mixed for one in said), lora=lora)

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
