"""What a recipe reads of one task, and how it is trained."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from xstilts.core.validation import refusal
from xstilts.phases.sections import FALSE, REST, WORD, Section, false_or_other
from xstilts.prediction.spec import Pooling
from xstilts.scoring.spec import Threshold
from xstilts.tasks.spec import Split
from xstilts.train.spec import Select


class Training(Section):
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


class Source(Section):
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


def _share_or_block(layer: int | float) -> int | float:
    if layer < 0 or (layer > 1 and layer != int(layer)):
        wanted = "a block (0, 1, 2 …) or a share of depth between 0 and 1"
        raise refusal("", f"There is no layer {layer}", wanted)
    return layer


class Sweep(Section):
    """All blocks of the encoder from one pass: the best one on aligned text, and an oracle.

    Attributes:
        aligned: the retrieval task whose text chooses; what is read of it, its own entry says.
    """

    aligned: str


class TaskUse(Section):
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
        Annotated[str, Tag(WORD)]
        | Annotated[Literal[False], Tag(FALSE)]
        | Annotated[Source, Tag(REST)],
        Discriminator(false_or_other),
    ] = Source()
    score: Reported = Reported()
    training: dict[str, Any] = {}
    layer: Annotated[int | float, AfterValidator(_share_or_block)] = 14 / 24
    pooling: Pooling = "mean"
    threshold: Threshold = "held out"
    sweep: Sweep | None = None
