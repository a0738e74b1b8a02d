"""What probes are told. No torch here, so planning stays light.

Which examples are probed is in the slices that are their inputs. All products are in fp32.
"""

from xstilts.core.spec import Spec
from xstilts.tasks.spec import Kind

VECTOR = "vector.npy"
FISHER = "fisher.npy"
GRADIENT = "gradient.npy"
WORDS = "words.json"


class Profile(Spec):
    """What the texts and labels of a task are like, without any model.

    Attributes:
        kind: the example kind.
    """

    kind: Kind


class TextEmbedding(Spec):
    """The mean vector of a task's texts.

    Attributes:
        kind: the example kind.
        encoder: digest of the encoder that nothing was trained on; None if a step makes it.
    """

    kind: Kind
    encoder: str | None


class HeadFit(Spec):
    """A head that is fitted for a short while on an encoder that stays as it is.

    Attributes:
        kind: the example kind.
        labels: in the order of the logits; none where those of the training slice count.
        encoder: digest of the encoder that nothing was trained on; None if a step makes it.
        updates: of AdamW on the head alone.
        batch_size: examples an update.
        lr: constant.
        seed: of the head, the order of examples and the labels that are drawn.
        sketch: numbers that the mean gradient is hashed into.
    """

    kind: Kind
    labels: tuple[str, ...]
    encoder: str | None
    updates: int = 100
    batch_size: int = 32
    lr: float = 1e-3
    seed: int = 0
    sketch: int = 2**16


class Information(Spec):
    """How much each unit of a trained model matters to the task that it was trained on.

    Attributes:
        kind: the example kind.
    """

    kind: Kind


class Transferability(Spec):
    """How well vectors, or the head of another task, tell the labels of a target.

    Attributes:
        kind: the example kind of the target.
        encoder: digest of the encoder that nothing was trained on; None if a step makes it.
        by_head: whether the model has a head of the same kind, whose answers LEEP goes by.
        seed: of the pieces that stand for all that are no answer.
    """

    kind: Kind
    encoder: str | None
    by_head: bool
    seed: int = 0


class Alignment(Spec):
    """What two encoders make of the same texts, block by block.

    Attributes:
        kind: the example kind of the texts.
        before: digest of the encoder that nothing was trained on; None if a step makes it.
    """

    kind: Kind
    before: str | None
