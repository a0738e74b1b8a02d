"""Memory that is used again and again.

Fresh memory costs a page fault every few kilobytes, which a small encoder on a CPU feels more than
its arithmetic.
"""

import math
import mmap

import torch
from torch import Tensor

_CHUNK = 2**25
_ALIGN = 64


class Workspace:
    """Tensors handed out one after the other from a few large chunks, until :meth:`reset`."""

    def __init__(self) -> None:
        """Start without memory."""
        self._chunks: list[Tensor] = []
        self._chunk = self._used = 0

    def take(self, *shape: int, dtype: torch.dtype) -> Tensor:
        """An uninitialised tensor, valid until the workspace is reset."""
        size = math.prod(shape) * dtype.itemsize
        while self._chunk < len(self._chunks):
            chunk = self._chunks[self._chunk]
            if self._used + size <= len(chunk):
                break
            self._chunk, self._used = self._chunk + 1, 0
        else:
            chunk = _fresh(max(size, _CHUNK))
            self._chunks.append(chunk)
        part = chunk[self._used : self._used + size].view(dtype).view(shape)
        self._used += -(-size // _ALIGN) * _ALIGN
        return part

    def reset(self) -> None:
        """Hand out the same memory again from now on."""
        self._chunk = self._used = 0


def _fresh(size: int) -> Tensor:
    with torch.inference_mode(False):
        size = -(-size // _CHUNK) * _CHUNK
        if not hasattr(mmap, "MADV_HUGEPAGE"):
            return torch.empty(size, dtype=torch.uint8)
        # a mapping of this process alone: shared ones, the default, get no huge pages
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.madvise(mmap.MADV_HUGEPAGE)
        return torch.frombuffer(memory, dtype=torch.uint8)
