"""One stage of an arm, and what stages are called."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Annotated

from pydantic import Discriminator, Tag, model_validator

from xstilts.core.validation import refusal
from xstilts.phases.encoder_choice import EncoderChoice
from xstilts.phases.forms import STARTS, Said
from xstilts.phases.sections import REST, WORD, word_or_rest
from xstilts.train.spec import Mix, joint_name


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
        return next(name for name in ("mlm", "checkpoint", "reinit_top") if getattr(stage, name))
    name = joint_name([*sorted(stage.tasks), *(["mlm"] if stage.mlm else [])])
    return name if stage.language in (None, "en") else f"{name}.{stage.language}"
