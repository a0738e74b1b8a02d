"""What pretraining is told. No torch here, so planning stays light."""

from typing import Literal

from xstilts.core.spec import Spec, added
from xstilts.data.masking import Masking
from xstilts.models.shape import Architecture

CARD, ABOUT = "README.md", "pretraining.json"


class Pretrain(Spec):
    """Masked-LM and translation-LM pretraining of a new encoder.

    Attributes:
        model: its sizes.
        masking: what is predicted.
        sampling: exponent of the languages' shares, see :func:`xstilts.data.corpora.shares`.
        updates: how many; None where another bound counts.
        tokens: after how many pieces it ends; None where another bound counts.
        batch_size: rows an update, whatever the hardware.
        optimizer: AdamW for all weights, or Muon for the matrices in the blocks beside it.
        lr: highest learning rate, of both.
        warmup: share of the budget in which the rate grows from 0; it then falls to 0, linearly.
        weight_decay: on matrices; biases and normalisation weights have none.
        clip: largest norm of the gradient of all weights.
        precision: of products; weights and sums are fp32.
        seed: of the weights, the order of rows, and what is masked.
        minutes: after how much time in updates it ends; None where another bound counts. How many
            updates that is depends on the machine: the record has it.
        translation: share of the rows beside which a translation is read (translation LM: Conneau
            & Lample 2019, section 3.4, without language embeddings, as XLM-R has none).
    """

    model: Architecture
    masking: Masking
    sampling: float
    updates: int | None
    tokens: int | None
    batch_size: int
    optimizer: Literal["adamw", "muon"]
    lr: float
    warmup: float
    weight_decay: float
    clip: float
    precision: Literal["fp32", "bf16"]
    seed: int
    minutes: float | None = added(None, absent_when=None)
    translation: float = added(0.0, absent_when=0.0)
