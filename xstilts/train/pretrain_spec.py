"""What pretraining is told. No torch here, so planning stays light."""

from typing import Literal

from xstilts.core.spec import Spec
from xstilts.data.masking import Masking
from xstilts.models.shape import Architecture

CARD, ABOUT = "README.md", "pretraining.json"


class Pretrain(Spec):
    """Masked-LM pretraining of a new encoder.

    Attributes:
        model: its sizes.
        masking: what is predicted.
        sampling: exponent of the languages' shares, see :func:`xstilts.data.corpora.shares`.
        updates: how many; None where ``tokens`` counts.
        tokens: after how many pieces it ends; None where ``updates`` counts.
        batch_size: rows an update, whatever the hardware.
        optimizer: AdamW for all weights, or Muon for the matrices in the blocks beside it.
        lr: highest learning rate, of both.
        warmup: share of the budget in which the rate grows from 0; it then falls to 0, linearly.
        weight_decay: on matrices; biases and normalisation weights have none.
        clip: largest norm of the gradient of all weights.
        precision: of products; weights and sums are fp32.
        seed: of the weights, the order of rows, and what is masked.
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
