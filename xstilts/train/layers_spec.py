"""Encoders put together without training, and adapters. No torch here, so planning stays light."""

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from xstilts.core.seeds import derive
from xstilts.core.spec import Spec
from xstilts.core.validation import refusal

MERGED = "merged."  # before the number in the name of an input: an encoder with a weight


class Carry(Spec):
    """Which layers of a trained encoder go on top of the original one, which gives the rest.

    Attributes:
        blocks: how many blocks are carried.
        which: the bottom ones; as a control of equal size the top ones, or some ``random`` ones.
        draw: number of the random draw.
        embeddings: whether the embeddings are carried, too.
    """

    blocks: int = Field(ge=1)
    which: Literal["bottom", "top", "random"] = "bottom"
    draw: int = Field(default=0, ge=0)
    embeddings: bool = False

    @model_validator(mode="after")
    def _draw_of_random_ones(self) -> "Carry":
        if "draw" in self.model_fields_set and self.which != "random":
            what = f"Nothing is drawn of the {self.which} blocks"
            raise refusal("", what, "which: random, or no draw")
        return self

    def chosen(self, depth: int) -> tuple[int, ...]:
        """The blocks of an encoder of ``depth`` blocks that are carried, ascending from 1.

        Every set of ``blocks`` blocks is as likely; the draw depends on its number and the two
        sizes alone, so it is the same for every seed of a run.
        """
        if self.which == "random":
            seed = derive(self.draw, "carry", depth, self.blocks)
            drawn = np.random.default_rng(seed).choice(depth, self.blocks, replace=False)
            return tuple(sorted(int(block) + 1 for block in drawn))
        first = 1 if self.which == "bottom" else depth - self.blocks + 1
        return tuple(range(first, first + self.blocks))


class Carried(Spec):
    """A step that carries layers over.

    Attributes:
        carry: which.
        encoder: digest of the original encoder; None if a step makes it.
    """

    carry: Carry
    encoder: str | None


class Reinit(Spec):
    """A step that draws the top blocks of an encoder anew.

    Attributes:
        blocks: how many.
        encoder: digest of the encoder; None if the step starts from another one's model.
        seed: of the draw.
    """

    blocks: int = Field(ge=1)
    encoder: str | None
    seed: int


class Merged(Spec):
    """A step that adds to an encoder what trainings changed in it.

    Attributes:
        weights: of each training, in the order of the inputs ``merged.1``, ``merged.2`` …
        encoder: digest of the encoder that they all began with; None if a step makes it.
    """

    weights: tuple[float, ...] = Field(min_length=1)
    encoder: str | None


class Lora(Spec):
    """Low-rank adapters, trained in the place of the encoder's own weights (arXiv 2106.09685).

    Attributes:
        rank: of what is added to each matrix.
        scale: what it is multiplied by, the paper's alpha over the rank.
    """

    rank: int = Field(ge=1)
    scale: float = Field(default=1.0, gt=0)
