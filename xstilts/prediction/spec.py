"""What prediction is told. No torch here, so planning stays light."""

from typing import Literal

from xstilts.core.spec import Spec, added
from xstilts.tasks.spec import Kind

PREDICTIONS = "predictions.parquet"
BLOCKS = "blocks.parquet"  # the same of every block of an encoder, with the block
Pooling = Literal["mean", "first"]  # of a sentence's pieces to one vector


class Predict(Spec):
    """How a trained model is run on one slice. No metric here: a new metric needs no model.

    Attributes:
        kind: the example kind.
        labels: labels in the order of the logits; none where the training slice's count.
        precision: of the products.
        no_answer: whether a question may be left unanswered.
    """

    kind: Kind
    labels: tuple[str, ...]
    precision: Literal["fp32", "bf16"]
    no_answer: bool = added(False, absent_when=False)
