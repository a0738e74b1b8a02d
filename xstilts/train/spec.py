"""What training is told. No torch here, so planning stays light."""

from typing import Literal

from pydantic import Field

from xstilts.core.spec import Spec, added
from xstilts.tasks.spec import AnswerRules, Kind

LOG = "log.jsonl"
WEIGHTS = ("*.safetensors",)


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
    """

    task: str
    kind: Kind
    labels: tuple[str, ...]
    metric: str
    encoder: str | None
    how: How
    seed: int
    answers: AnswerRules = added("squad", absent_when="squad")
