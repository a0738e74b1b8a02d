"""What frozen blocks make of each row, computed once and read from a file afterwards."""

import tempfile
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import torch
from torch import Tensor


class KeptRows:
    """Outputs of rows by their content, in a nameless file that ends with the process.

    Every row is computed alone, kept or not, so its output depends on no batch, and a result is
    the same to the last bit whatever the budget.
    """

    def __init__(self, folder: Path, budget: int) -> None:
        """Keep up to ``budget`` bytes on the disk of ``folder``."""
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)
        self._places: dict[bytes, int] = {}
        self._budget, self._used = budget, 0

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()

    def output(self, row: tuple[Tensor, ...], dim: int, compute: Callable[[], Tensor]) -> Tensor:
        """The output of a row, ``(pieces, dim)`` in fp32.

        Args:
            row: all that its output depends on, ``(pieces,)`` each.
            dim: width of the output.
            compute: gives it where it was not kept.
        """
        key = blake2b(b"|".join(x.numpy().tobytes() for x in row), digest_size=16).digest()
        place = self._places.get(key)
        if place is None:
            out = compute()
            self._keep(key, out)
            return out
        out = torch.empty(len(row[0]), dim)
        data = out.numpy().data.cast("B")
        self._file.seek(place)
        assert self._file.readinto(data) == len(data)
        return out

    def _keep(self, key: bytes, out: Tensor) -> None:
        """Write a row if the budget and the disk have room for it; a full disk ends the keeping."""
        data = out.numpy().data.cast("B")
        if self._used + len(data) > self._budget:
            return
        self._file.seek(self._used)
        try:
            whole = self._file.write(data) == len(data)
        except OSError:
            whole = False
        if not whole:
            self._budget = self._used
            return
        self._places[key] = self._used
        self._used += len(data)
