"""What retrieval is told. No torch here, so planning stays light."""

from typing import Literal

from xstilts.core.spec import Spec

NEIGHBOURS = 10  # kept of every query


class Retrieve(Spec):
    """How sentences are compared.

    Attributes:
        encoder: digest of the encoder that nothing was trained on; None if a stage's model is used.
        layer: block whose output is taken, or a share of depth in (0, 1).
        pooling: over the pieces of a sentence.
        direction: which side asks. XTREME asks in English and searches the other language.
        precision: of the products inside the encoder; similarities are fp32.
    """

    encoder: str | None
    layer: int | float
    pooling: Literal["mean"] = "mean"
    direction: Literal["en->xx"] = "en->xx"
    precision: Literal["fp32", "bf16"]


def block_of(layer: int | float, layers: int) -> int:
    """The block that ``layer`` means in an encoder with ``layers`` blocks.

    A share of depth is ``floor(share * depth + 0.5)``; 0 is the embeddings.
    """
    return int(layer * layers + 0.5) if isinstance(layer, float) and 0 < layer < 1 else int(layer)


def protocol(config: Retrieve, layers: int) -> str:
    """All that the score depends on, for the result row."""
    block = block_of(config.layer, layers)
    return f"block {block}/{layers}, {config.pooling} pooling, {config.direction}, cosine"
