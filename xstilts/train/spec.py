"""What training is told. No torch here, so planning stays light."""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field, model_validator

from xstilts.core.spec import Spec, added
from xstilts.core.validation import refusal
from xstilts.tasks.spec import AnswerRules, Kind
from xstilts.train.layers_spec import Lora
from xstilts.train.text_spec import TextUpdates

LOG = "log.jsonl"
WEIGHTS = ("*.safetensors",)
LONGER = "longer."  # before the number in the name of an input: a stage whose updates come on top


class Select(Spec):
    """When the model is scored on held-out English examples; the best one is kept.

    Attributes:
        every: updates between two evaluations; the last update is always one.
        patience: evaluations without a better score after which training ends.
    """

    every: int = Field(default=100, ge=1)
    patience: int = Field(default=5, ge=1)


class How(Spec):
    """Everything about training that may change the weights.

    Attributes:
        lr: highest learning rate of AdamW.
        epochs: passes over the examples.
        batch_size: examples an update, whatever the hardware.
        warmup: share of the updates in which the rate grows from 0; it then falls to 0, linearly.
        weight_decay: on matrices; biases and normalisation weights have none.
        clip: largest norm of the gradient of all weights.
        dropout: of encoder and head.
        precision: of products; weights and sums are fp32.
        select: when to evaluate.
    """

    lr: float = Field(gt=0)
    epochs: float = Field(gt=0)
    batch_size: int = Field(ge=1)
    warmup: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0)
    clip: float = Field(gt=0)
    dropout: float = Field(ge=0, lt=1)
    precision: Literal["fp32", "bf16"]
    select: Select


_KEYS_OF = {"capped": ("cap",), "temperature": ("temperature", "cap")}  # the first is required


class Mix(Spec):
    """How several tasks share one stage; :mod:`xstilts.train.mixture` has the formulas.

    Attributes:
        law: how a task's share of the updates depends on its number of examples.
        cap: a task with more examples counts as this many; for ``capped`` and ``temperature``.
        temperature: 1 is proportional, a high one nearly uniform; for ``temperature``.
        examples: of the whole stage; absent = ``epochs`` passes over every task.
    """

    law: Literal["proportional", "capped", "temperature", "uniform"] = "proportional"
    cap: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, gt=0)
    examples: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _keys_of_the_law(self) -> "Mix":
        keys = _KEYS_OF.get(self.law, ())
        for key in ("cap", "temperature"):
            said = getattr(self, key) is not None
            if said and key not in keys:
                laws = " or ".join(law for law, of in _KEYS_OF.items() if key in of)
                what = f"A {self.law} mixture has no {key}"
                raise refusal("", what, f"law: {laws}, or no {key}")
            if not said and key in keys[:1]:
                raise refusal("", f"The law {self.law} lacks its {key}", f"{key}: a number")
        return self


class Layers(Spec):
    """What a stage does with the encoder's layers.

    Attributes:
        frozen: blocks from the bottom that stay as they are, with the embeddings; 0 freezes the
            embeddings alone, None nothing.
        mixed: whether each head reads a learned mix of all layers instead of the top one.
        lora: adapters that learn in the place of all of the encoder's weights, which get them added
            when the stage is done; None trains the weights themselves.
    """

    frozen: int | None = None
    mixed: bool = False
    lora: Lora | None = added(None, absent_when=None)


PLAIN = Layers()


class Head(Spec):
    """What one task of a stage trains beside the encoder, and how it is judged.

    Attributes:
        task: the task trained on.
        kind: its example kind.
        labels: in the order of the logits; none where the training slice's count.
        metric: by which the best update is chosen.
        answers: how held-out answers are compared, for questions; with ``squad_v2`` the threshold
            for "no answer" is chosen on the held-out examples, too.
    """

    task: str
    kind: Kind
    labels: tuple[str, ...]
    metric: str
    answers: AnswerRules = "squad"


class FineTune(Spec):
    """One stage: which head on which encoder, trained how.

    Attributes:
        task: the task trained on.
        kind: its example kind.
        labels: its labels in the order of the logits; none where the training slice's count.
        metric: by which the best update is chosen.
        answers: how held-out answers are compared, for questions; with ``squad_v2`` the threshold
            for "no answer" is chosen on the held-out examples, too.
        encoder: digest of the encoder; None if the stage starts from another stage's model.
        how: the hyper-parameters.
        seed: of the head, the order of examples and dropout.
        language: of the examples trained on; those selected on are English.
        head: ``kept`` goes on with the head of the stage that it starts from, which is of the same
            kind and labels.
        text: updates of masked LM between those of the task; the inputs have the text.
        layers: which of them learn, and which are read.
    """

    task: str
    kind: Kind
    labels: tuple[str, ...]
    metric: str
    encoder: str | None
    how: How
    seed: int
    answers: AnswerRules = added("squad", absent_when="squad")
    language: str = added("en", absent_when="en")
    head: Literal["new", "kept"] = added("new", absent_when="new")
    text: TextUpdates | None = added(None, absent_when=None)
    layers: Layers = added(PLAIN, absent_when=PLAIN)

    @property
    def heads(self) -> tuple[Head, ...]:
        """The only one."""
        said = {name: getattr(self, name) for name in Head.model_fields}
        return (Head(**said),)


class Mixture(Spec):
    """One stage on tasks drawn by a law, often several, each with a head of its own.

    The best update has the highest mean of the tasks' metrics on their held-out examples.

    Attributes:
        heads: of the tasks, by name; inputs are called ``train.TASK`` and so on.
        mix: how many examples there are, and of which task.
        encoder: digest of the encoder; None if the stage starts from another stage's model.
        how: the hyper-parameters, the same for every task.
        seed: of heads, draws, orders of examples and dropout.
        language: of the examples trained on; those selected on are English.
        text: updates of masked LM between those of the tasks; the inputs have the text.
        layers: which of them learn, and which are read; the same for every task.
    """

    heads: tuple[Head, ...] = Field(min_length=1)
    mix: Mix
    encoder: str | None
    how: How
    seed: int
    language: str = added("en", absent_when="en")
    text: TextUpdates | None = added(None, absent_when=None)
    layers: Layers = added(PLAIN, absent_when=PLAIN)

    @property
    def task(self) -> str:
        """The tasks as one name."""
        return joint_name(head.task for head in self.heads)


class Reading(Spec):
    """One stage of masked LM alone, on an encoder that is there.

    The best update has the lowest mean loss over languages on held-out documents.

    Attributes:
        text: what of it is predicted.
        examples: rows of the whole stage; None for ``epochs`` passes over all.
        encoder: digest of the encoder; None if the stage starts from another stage's model.
        how: the hyper-parameters.
        seed: of a new head, the order of rows, what is masked, and dropout.
        layers: which of them learn.
    """

    text: TextUpdates
    examples: int | None
    encoder: str | None
    how: How
    seed: int
    layers: Layers = added(PLAIN, absent_when=PLAIN)

    @property
    def task(self) -> str:
        """Its name among tasks."""
        return "mlm"

    @property
    def language(self) -> str:
        """Of labelled examples, which it has none of."""
        return "en"

    @property
    def heads(self) -> tuple[Head, ...]:
        """None: nothing is labelled."""
        return ()


def joint_name(tasks: Iterable[str], most: int = 60) -> str:
    """Several tasks as one name of at most ``most`` letters: all of them, or how many follow."""
    first, *others = names = list(tasks)
    name = "+".join(names)
    return name if len(name) <= most else f"{first}+{len(others)}"
