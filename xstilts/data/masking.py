"""Which pieces a masked language model is asked for, and what it sees in their place."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from xstilts.core.spec import Spec
from xstilts.core.validation import refusal
from xstilts.data.batches import IGNORED, Ints


class Masking(Spec):
    """Devlin et al. 2019, section 3.1.

    Attributes:
        share: of the pieces that are predicted; special ones never are.
        masked: share of those that the mask stands for.
        random: share of those that another piece, drawn at random, stands for; the rest stay.
    """

    share: float = Field(gt=0, lt=1)
    masked: float = Field(ge=0, le=1)
    random: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _at_most_all(self) -> "Masking":
        if self.masked + self.random > 1:
            what = f"{self.masked} masked and {self.random} random are more than all"
            raise refusal("masking", what, "shares whose sum is at most 1")
        return self


@dataclass(frozen=True)
class Pieces:
    """What masking knows of a tokenizer.

    Attributes:
        mask: the mask piece.
        ordinary: all pieces that are not special.
    """

    mask: int
    ordinary: Ints

    @classmethod
    def of(cls, tokenizer: Any) -> "Pieces":
        """Those of one of the library's tokenizers."""
        special = tokenizer.all_special_ids
        return cls(tokenizer.mask_token_id, np.setdiff1d(np.arange(len(tokenizer)), special))


def masked(ids: Ints, how: Masking, pieces: Pieces, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """What the model sees, and what it is asked for, ``IGNORED`` where for nothing.

    Args:
        ids: pieces of any number of rows, one after the other, ``(pieces,)``.
        how: shares.
        pieces: of the tokenizer.
        rng: decides everything that is random.

    Returns:
        inputs and labels, ``(pieces,)`` each; at least one label is asked for.
    """
    places = np.flatnonzero(np.isin(ids, pieces.ordinary))
    chosen = places[rng.random(len(places)) < how.share]
    if not len(chosen):
        chosen = rng.choice(places, 1)
    labels = np.full(len(ids), IGNORED, np.int64)
    labels[chosen] = ids[chosen]
    inputs = ids.copy()
    fate = rng.random(len(chosen))
    inputs[chosen[fate < how.masked]] = pieces.mask
    other = chosen[(fate >= how.masked) & (fate < how.masked + how.random)]
    inputs[other] = rng.choice(pieces.ordinary, len(other))
    return inputs, labels
