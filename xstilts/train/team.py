"""The processes that train one stage: every update is divided among them and stays the same update.

Each holds the whole model and goes through the same updates. Of an update's examples, shortest
first, each takes every so manieth; it divides its sum of loss terms by their number in the whole
update. So losses and gradients of all add up to those of one process, but for rounding, and every
process takes the same step. What is judged or written is so by one of them alone.
"""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn

from xstilts.core.seeds import derive
from xstilts.data.batches import WHOLE

_SMALL = 2**16  # elements; smaller gradients travel together
_PATIENCE = timedelta(minutes=30)  # the others wait while one evaluates

T = TypeVar("T")


class MemoryEndedElsewhere(Exception):
    """Another process of the team has no memory for its part of the update."""


class Alone:
    """One process, to which being in a team is nothing.

    Attributes:
        part: the examples of an update that it takes, of all of them, shortest first.
        main: whether it is the one that judges and writes.
    """

    part = WHOLE
    main = True

    def reseed(self, seed: int, *parts: str | int) -> None:
        """Draw other random numbers than the other processes from now on."""

    def any(self, here: bool) -> bool:
        """Whether something is so in any process."""
        return here

    def added(self, parts: Tensor) -> Tensor:
        """The sum of all processes' tensors."""
        return parts

    def summed(self, model: nn.Module, loss: float) -> float:
        """Add up what all processes have of an update: gradients, in place, and loss."""
        return loss

    def told(self, find: Callable[[], T]) -> T:
        """What ``find`` gives in the main process, where alone it is called."""
        return find()

    def main_first(self) -> AbstractContextManager[None]:
        """Have the others begin a block when the main process is through."""
        return nullcontext()


ALONE = Alone()


class Several:
    """One of several processes on one machine, through accelerate: nccl on GPUs, else gloo."""

    def __init__(self, rank: int, size: int, meeting: Path) -> None:
        """Wait for the others; from then on ``cuda`` is the GPU of this process.

        Args:
            rank: which process this is; 0 is the main one.
            size: how many there are.
            meeting: a file by which they find each other.
        """
        from accelerate import PartialState

        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank)}
        os.environ |= {"WORLD_SIZE": str(size), "LOCAL_WORLD_SIZE": str(size)}
        self.state = PartialState(
            cpu=not torch.cuda.is_available(),
            init_method=meeting.as_uri(),
            rank=rank,
            world_size=size,
            timeout=_PATIENCE,
        )
        self.part, self.main, self.rank = slice(rank, None, size), rank == 0, rank

    def reseed(self, seed: int, *parts: str | int) -> None:
        """Seed them by what is said and the process: what follows needs no state to go on from."""
        torch.manual_seed(derive(seed, *parts, self.rank))

    def any(self, here: bool) -> bool:
        """Whether something is so in any process."""
        said = torch.tensor(int(here), device=self.state.device)
        distributed.all_reduce(said, distributed.ReduceOp.MAX)
        return bool(said.item())

    def added(self, parts: Tensor) -> Tensor:
        """The sum of all processes' tensors, in place.

        Raises:
            MemoryEndedElsewhere: if one has none, which it said by :meth:`any`.
        """
        if self.any(False):
            raise MemoryEndedElsewhere
        distributed.all_reduce(parts)
        return parts

    def summed(self, model: nn.Module, loss: float) -> float:
        """Add up gradients and loss.

        A weight that the examples of no process reached keeps no gradient, as in one process.
        """
        weights = [p for p in model.parameters() if p.requires_grad]
        facts = torch.tensor([loss, *(p.grad is not None for p in weights)], dtype=torch.float64)
        facts = facts.to(self.state.device)
        distributed.all_reduce(facts)
        total, *reached = facts.tolist()
        gradients = [_gradient(p) for p, n in zip(weights, reached, strict=True) if n]
        few = [g for g in gradients if g.numel() <= _SMALL]
        if few:
            flat = torch.cat([g.flatten() for g in few])
            distributed.all_reduce(flat)
            sizes = [g.numel() for g in few]
            for gradient, sums in zip(few, torch.split(flat, sizes), strict=True):
                gradient.copy_(sums.view_as(gradient))
        for gradient in gradients:
            if gradient.numel() > _SMALL:
                distributed.all_reduce(gradient)
        return float(total)

    def told(self, find: Callable[[], T]) -> T:
        """What ``find`` gives in the main process."""
        said = [find() if self.main else None]
        distributed.broadcast_object_list(said)
        return said[0]  # type: ignore[return-value]

    def main_first(self) -> AbstractContextManager[None]:
        """Have the others begin a block when the main process is through."""
        first: AbstractContextManager[None] = self.state.main_process_first()
        return first


def _gradient(weight: nn.Parameter) -> Tensor:
    """That of a weight, 0 where no example of this process reached it."""
    weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad.contiguous()
    return weight.grad


Team = Alone | Several
