"""Where memory ends: micro-batches of half the size, which change nothing but rounding."""

import gc

import torch

from xstilts.core.errors import MachineError

_ON_CPU = "DefaultCPUAllocator"  # torch says so in a plain RuntimeError


def halved(tokens: int, error: RuntimeError, device: torch.device) -> int:
    """Half of the padded pieces of a micro-batch, after memory did not hold them.

    Raises:
        RuntimeError: ``error`` itself, if it is about something else.
        MachineError: when not even one example fits.
    """
    if not isinstance(error, torch.OutOfMemoryError) and _ON_CPU not in str(error):
        raise error
    if tokens == 1:
        raise MachineError(
            "The memory does not hold one example and its gradient.",
            where=f"device {device}",
            expected="room for the encoder, its gradient, two moments of each weight, and one row",
            do="a smaller encoder or max_length, or freeze blocks; or a device with more memory",
        ) from error
    return tokens // 2


def freed(device: torch.device) -> None:
    """Give back what nothing refers to any more."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def random_state(device: torch.device) -> list[torch.Tensor]:
    """The state of the random numbers on the CPU, and on the device if it is another."""
    more = [torch.cuda.get_rng_state(device)] if device.type == "cuda" else []
    return [torch.get_rng_state(), *more]


def set_random_state(state: list[torch.Tensor], device: torch.device) -> None:
    """Go on from a state that :func:`random_state` gave."""
    torch.set_rng_state(state[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state[1], device)
