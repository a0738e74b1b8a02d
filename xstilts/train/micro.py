"""Updates in micro-batches that memory holds."""

from collections.abc import Callable
from typing import TypeVar

import torch

from xstilts.core.context import Context
from xstilts.models.memory import freed, halved, random_state, set_random_state

T = TypeVar("T")


class MicroBatching:
    """Padded pieces of a micro-batch, halved whenever memory ends.

    An update is then begun again, with the same random numbers: its examples and the mean over
    them stay what they are, however many micro-batches that takes.
    """

    def __init__(self, context: Context, device: torch.device) -> None:
        self.tokens, self.say, self.device = context.runtime.micro_tokens, context.say, device

    def within(self, add: Callable[[int], T], clear: Callable[[], None] | None = None) -> T:
        """What ``add(tokens)`` returns, once memory holds it.

        Args:
            add: adds the gradient of one update, or only measures a loss.
            clear: takes away what was added of it; none after a measurement, which adds nothing.

        Raises:
            MachineError: when not even one example fits.
        """
        while True:
            state = random_state(self.device)
            try:
                return add(self.tokens)
            except RuntimeError as error:
                fewer = halved(self.tokens, error, self.device)
            if clear is not None:
                clear()
            freed(self.device)
            set_random_state(state, self.device)
            self.say(f"memory does not hold {self.tokens:,} pieces at once; on with {fewer:,}")
            self.tokens = fewer
