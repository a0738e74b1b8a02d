"""One stage of an arm, and what stages are called."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, Tag, model_validator

from xstilts.core.validation import refusal
from xstilts.phases.encoder_choice import EncoderChoice
from xstilts.phases.forms import STARTS, Said, Stages
from xstilts.phases.sections import REST, WORD, word_or_rest
from xstilts.train.spec import Layers, Mix, joint_name

_ALONE = {  # keys of a stage that is there already -> what it is called
    "checkpoint": "A checkpoint is taken as it is",
    "merge": "A merge is the sum of what its arms trained",
}

_MAKING = ("mlm", "checkpoint", "merge", "reinit_top")  # what makes an encoder without tasks


def _arms(said: Any) -> Any:
    if isinstance(said, dict) and said:
        return said
    raise refusal("", f"merge cannot be {said!r:.80}", "arms and their weights: {mnli: 1.0}")


def _counted(said: dict[str, float]) -> dict[str, float]:
    for arm, weight in said.items():
        if not weight:
            raise refusal("", f"merge gives {arm} no weight", "a weight other than 0")
    return said


Weights = Annotated[dict[str, float], BeforeValidator(_arms), AfterValidator(_counted)]


class StageUse(Said):
    """One stage of an arm, or words on the target stage that follows: see :attr:`of_target`.

    Attributes:
        train: the task, or several that share the stage, each with a head of its own. These are
            trained by the recipe's ``training``; of their own only ``max_length`` and ``stride``
            count. A list of one is trained likewise, where ``mix`` says on how many ``examples``.
            None where the other keys are all there is.
        mix: how several tasks share the stage; in proportion to their sizes if absent.
        checkpoint: a model that was trained elsewhere, in the place of the recipe's encoder: a
            stage of its own, the first of an arm. Its tokenizer is used, and none of its heads.
        merge: other arms and their weights: the encoder with the weighted sum of what the stages of
            each changed in it before the target, under the same seed. A stage of its own, the first
            of an arm.
    """

    train: (
        Annotated[
            Annotated[str, Tag(WORD)] | Annotated[tuple[str, ...], Tag(REST)],
            Discriminator(word_or_rest),
        ]
        | None
    ) = None
    mix: Mix | None = None
    checkpoint: EncoderChoice | None = None
    merge: Weights | None = None

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
        return not (self.trains or self.checkpoint or self.merge or self.reinit_top)

    def layers(self, stage: Stages) -> Layers:
        """What this says of the layers in its own training, or in the target's."""
        frozen = self.freeze.blocks if self.freeze and self.freeze.at(stage) else None
        mixed = bool(self.layer_mix and self.layer_mix.at(stage))
        own = self.of_target == (stage == "target")
        return Layers(frozen=frozen, mixed=mixed, lora=self.lora if own else None)

    @model_validator(mode="after")
    def _something_to_do(self) -> "StageUse":
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise refusal("", "A stage is empty", f"one of: {', '.join(STARTS)}")
        taken = next((name for name in _ALONE if getattr(self, name) is not None), None)
        if taken is None:
            self.refuse_contradictions(self.tasks)
        elif len(self.model_fields_set) > 1:
            others = sorted(self.model_fields_set - {taken})
            what = f"{_ALONE[taken]}, and {' and '.join(others)} stands beside"
            raise refusal("", what, f"{{{taken}: …}}, and then another stage")
        elif self.checkpoint is not None and self.checkpoint.pretrain is not None:
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
        counted = self.mix is not None and self.mix.examples is not None
        if len(self.train) < (1 if counted else 2):
            only = "".join(self.train) or "TASK"
            raise refusal("", "A list of tasks is a mixture", f"two or more, or: train: {only}")
        for task, times in Counter(self.train).items():
            if times > 1:
                raise refusal("", f"{task} stands twice in a mixture", "each task once")
        return self


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
        return next(name for name in _MAKING if getattr(stage, name))
    name = joint_name([*sorted(stage.tasks), *(["mlm"] if stage.mlm else [])])
    return name if stage.language in (None, "en") else f"{name}.{stage.language}"
