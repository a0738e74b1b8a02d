"""The machine under a stage: threads, device, number formats and how fast they are."""

import contextlib
import os
import time
from typing import Literal

import torch

from xstilts.core.spec import Runtime

Precision = Literal["fp32", "bf16"]
PLANS = "256"  # for products of one shape each, 0.6 MB or so, that are kept; not a thousand
_CACHES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")  # oneDNN's; torch's on it
FASTER = 1.5  # bf16 is chosen where its products are at least this much faster


def use(runtime: Runtime) -> torch.device:
    """Set the threads that the recipe asks for and return the device to run on.

    A plan is kept for every shape of product that comes again: those of a few updates, no more.
    """
    for cache in _CACHES:
        os.environ.setdefault(cache, PLANS)
    torch.set_num_threads(runtime.threads)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def number_format(
    precision: Precision, device: torch.device
) -> contextlib.AbstractContextManager[None]:
    """Products in bf16 with fp32 master weights and fp32 sums, or everything in fp32."""
    if precision == "fp32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def measure(threads: int) -> dict[str, float]:
    """Billions of multiply-adds × 2 a second at an encoder's shape, for both number formats."""
    torch.set_num_threads(threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rates = {}
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        x = torch.randn(2048, 512, dtype=dtype, device=device)
        w = torch.randn(512, 1024, dtype=dtype, device=device)
        best = float("inf")
        for _ in range(8):
            began = time.perf_counter()
            (x @ w).sum().item()
            best = min(best, time.perf_counter() - began)
        rates[name] = 2 * 2048 * 512 * 1024 / best / 1e9
    return rates


def faster_precision(rates: dict[str, float]) -> Precision:
    """What ``precision: auto`` means on a machine with these rates."""
    return "bf16" if rates["bf16"] >= FASTER * rates["fp32"] else "fp32"


if __name__ == "__main__":
    import json
    import sys

    found = measure(int(sys.argv[1]))
    print(json.dumps({"precision": faster_precision(found), "gigaflops": found}))
