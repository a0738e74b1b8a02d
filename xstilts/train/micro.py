"""Updates in micro-batches that memory holds."""

from collections.abc import Callable
from typing import TypeVar

import torch

from xstilts.core.context import Context
from xstilts.models.memory import freed, halved, random_state, set_random_state
from xstilts.train.team import ALONE, MemoryEndedElsewhere, Team

T = TypeVar("T")


class MicroBatching:
    """Padded pieces of a micro-batch, halved whenever memory ends.

    An update is then begun again, with the same random numbers: its examples and the mean over
    them stay what they are, however many micro-batches that takes.

    Where several processes share an update, all halve when one has to, and begin again together.
    """

    def __init__(self, context: Context, device: torch.device, team: Team = ALONE) -> None:
        self.tokens, self.say, self.device = context.runtime.micro_tokens, context.say, device
        self.team = team

    def within(self, add: Callable[[int], T], clear: Callable[[], None] | None = None) -> T:
        """What ``add(tokens)`` returns, once memory holds it.

        Args:
            add: adds the gradient of one update, or only measures a loss.
            clear: takes away what was added of it; none after a measurement, which adds nothing
                and concerns this process alone.

        Raises:
            MachineError: when not even one example fits.
        """
        team = ALONE if clear is None else self.team
        while True:
            state = random_state(self.device)
            fewer = max(1, self.tokens // 2)
            try:
                found = add(self.tokens)
                if not team.any(False):
                    return found
            except MemoryEndedElsewhere:
                pass
            except RuntimeError as error:
                fewer = halved(self.tokens, error, self.device)
                team.any(True)
            if clear is not None:
                clear()
            freed(self.device)
            set_random_state(state, self.device)
            self.say(f"memory does not hold {self.tokens:,} pieces at once; on with {fewer:,}")
            self.tokens = fewer
