"""What retrieval is told. No torch here, so planning stays light."""

from typing import Literal

from xstilts.core.errors import DataError
from xstilts.core.spec import Spec, added
from xstilts.prediction.spec import Pooling

Margin = Literal["ratio", "distance", "absolute"]
Strategy = Literal["forward", "backward", "intersect", "max"]
NEIGHBOURS = 10  # kept of every query


class Retrieve(Spec):
    """How sentences are compared.

    Attributes:
        encoder: digest of the encoder that nothing was trained on; None if a stage's model is used.
        layer: block whose output is taken, or a share of depth in (0, 1).
        pooling: over the pieces of a sentence.
        direction: which side asks. XTREME asks in English and searches the other language.
        precision: of the products inside the encoder; similarities are fp32.
        sweep: whether every block's neighbours are kept beside those of ``layer``.
    """

    encoder: str | None
    layer: int | float
    pooling: Pooling = "mean"
    direction: Literal["en->xx"] = "en->xx"
    precision: Literal["fp32", "bf16"]
    sweep: bool = added(False, absent_when=False)


class Mine(Spec):
    """How the translations in two collections are found.

    Attributes:
        encoder: digest of the encoder that nothing was trained on; None if a stage's model is used.
        layer: block whose output is taken, or a share of depth in (0, 1).
        pooling: over the pieces of a sentence.
        precision: of the products inside the encoder; similarities are fp32.
        k: neighbours that make up a sentence's neighbourhood.
        margin: see :func:`xstilts.retrieve.margin.mine`, as for the strategy.
        strategy: which pairs become candidates.
        sweep: whether every block's pairs are kept beside those of ``layer``.
    """

    encoder: str | None
    layer: int | float
    pooling: Pooling = "mean"
    precision: Literal["fp32", "bf16"]
    k: int = 4
    margin: Margin = "ratio"
    strategy: Strategy = "max"
    sweep: bool = added(False, absent_when=False)


class Vectors(Spec):
    """How queries and candidates become vectors.

    Attributes:
        encoder: digest of the encoder that nothing was trained on; None if a stage's model is used.
        layer: block whose output is taken, a share of depth in (0, 1), or the highest.
        pooling: over the pieces of a text.
        precision: of the products inside the encoder; similarities are fp32.
    """

    encoder: str | None
    layer: int | float | Literal["top"]
    pooling: Pooling = "mean"
    precision: Literal["fp32", "bf16"]


class Rank(Spec):
    """Whose queries are answered from which candidates.

    Attributes:
        language: of the queries.
        pool: languages of the candidates.
        k: best candidates that are kept.
    """

    language: str
    pool: tuple[str, ...]
    k: int = 20


def block_of(layer: int | float | Literal["top"], layers: int) -> int:
    """The block that ``layer`` means in an encoder with ``layers`` blocks.

    A share of depth is ``floor(share * depth + 0.5)``; 0 is the embeddings.
    """
    if layer == "top":
        return layers
    return int(layer * layers + 0.5) if isinstance(layer, float) and 0 < layer < 1 else int(layer)


def layer_named(text: str) -> int | float | None:
    """A layer as the command line has it: a block, a share of depth, or ``all`` (None).

    Raises:
        DataError: for anything else.
    """
    if text == "all":
        return None
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        raise DataError(
            f"{text!r} is no layer",
            where="--layer",
            expected="a block such as 8, a share of depth such as 0.58, or all",
            do="--layer 0.58",
        ) from None


def protocol(config: Retrieve, block: int, layers: int) -> str:
    """All that the score at one block depends on, for the result row."""
    return f"block {block}/{layers}, {config.pooling} pooling, {config.direction}, cosine"


def mining_protocol(config: Mine, block: int, layers: int) -> str:
    """All that the pairs mined at one block depend on but for the threshold."""
    return (
        f"block {block}/{layers}, {config.pooling} pooling, {config.margin} margin of cosines, "
        f"k {config.k}, {config.strategy}"
    )


def ranking_protocol(config: Vectors, layers: int) -> str:
    """All that a ranking depends on but for the candidates."""
    return f"block {block_of(config.layer, layers)}/{layers}, {config.pooling} pooling, cosine"
