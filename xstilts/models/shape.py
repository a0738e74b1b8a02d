"""The sizes of a new encoder. No torch here, so planning stays light."""

from pydantic import Field, model_validator

from xstilts.core.spec import Spec
from xstilts.core.validation import refusal


class Architecture(Spec):
    """Sizes of an encoder in XLM-R's architecture.

    Attributes:
        layers: blocks.
        width: of the vectors between blocks.
        inner: width inside a block's network.
        heads: of attention.
        positions: longest row, special pieces counted.
    """

    layers: int = Field(ge=1)
    width: int = Field(ge=1)
    inner: int = Field(ge=1)
    heads: int = Field(ge=1)
    positions: int = Field(ge=8)

    @model_validator(mode="after")
    def _heads_fit(self) -> "Architecture":
        if self.width % self.heads:
            what = f"{self.heads} heads do not divide a width of {self.width}"
            raise refusal("model.heads", what, "a divisor of the width")
        return self

    @property
    def block_parameters(self) -> float:
        """Weights of the matrices in the blocks."""
        return float(self.layers * (4 * self.width**2 + 2 * self.width * self.inner))
