"""The text of a stage: masked-LM updates, alone or between those of tasks.

Which rows an update reads and what is masked in them follows from the seed and the number of the
update among those on text, so a run that was interrupted goes on exactly where it was.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from xstilts.core.context import Context, Result
from xstilts.core.seeds import derive
from xstilts.data.batches import TokenArrays
from xstilts.data.masking import Pieces
from xstilts.data.tokens import load_tokenizer
from xstilts.models.device import Precision
from xstilts.models.masked_lm import MaskedLM
from xstilts.train.masked_text import MaskedText, masked_loss
from xstilts.train.text_spec import ROWS, TOKENIZER, TextUpdates

NAME = "text"  # of its updates in the log


class TextPart:
    """Text that is trained on, alone or among tasks.

    Attributes:
        model: encoder and masked-LM head.
        head: ``own`` if the checkpoint had a head for it, ``new`` if it was drawn.
        text: rows and their masking.
        before: language -> mean loss on held-out documents before training, nats a piece.
    """

    def __init__(
        self,
        config: TextUpdates,
        model: MaskedLM,
        head: str,
        inputs: Mapping[str, Result],
        context: Context,
        batch_size: int,
        seed: int,
    ) -> None:
        """Open the rows; ``model`` predicts what is masked in them."""
        made = inputs.get(TOKENIZER)
        place = made.folder if made else context.sources[str(config.tokenizer)]
        pieces = Pieces.of(load_tokenizer(place))
        own = derive(seed, NAME)
        self.text = MaskedText(inputs[ROWS], pieces, config.masking, config.sampling, own)
        self.model, self.head, self.batch_size = model, head, batch_size
        self.before: dict[str, float] = {}
        self._next = 0

    @property
    def rows(self) -> int:
        """Rows that are trained on."""
        return self.text.train.examples

    def asked(self, number: int) -> TokenArrays:
        """The rows of the ``number``-th update on text, with pieces masked."""
        if number != self._next:
            self.text.skip_to(number, self.batch_size)
        self._next = number + 1
        return self.text.next(number, self.batch_size)[0]

    @torch.no_grad()
    def held_losses(
        self, *, micro_tokens: int, precision: Precision, device: torch.device
    ) -> dict[str, float]:
        """Language -> mean loss on its held-out documents, always masked alike, nats a piece."""
        self.model.eval()
        return {
            language: masked_loss(
                self.model,
                self.text.held_out(language),
                micro_tokens=micro_tokens,
                precision=precision,
                device=device,
            )
            for language in self.text.languages
        }

    def read(self, updates: int) -> dict[str, int]:
        """Language -> rows of the first ``updates`` updates on text."""
        self.text.skip_to(updates, self.batch_size)
        self._next = updates
        return dict(self.text.rows)

    def value(self, updates: int, after: Mapping[str, float] | None) -> dict[str, Any]:
        """What the record says of the text; ``after``: losses of the weights that are kept."""
        rows = self.read(updates)
        return {
            "head": self.head,
            "updates": updates,
            "languages": {
                language: {
                    "rows": rows[language],
                    "held_loss_before": self.before[language],
                    "held_loss": after[language] if after else None,
                    "held_unigram_loss": self.text.plain_loss(language),
                }
                for language in self.text.languages
            },
        }


def mean_loss(losses: Mapping[str, float]) -> float:
    """The mean over languages."""
    return float(np.mean(list(losses.values())))
