"""What scoring one slice gives."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Outcome:
    """The score of one slice, at a block of a sweep or at the only one.

    Attributes:
        record: ``n``, ``scores`` and ``floors`` by metric, 0-100, ``protocol``.
        right: 1 or 0 an example (a gold pair, a query) in the slice's order.
        counts: numerators and denominators by item group: :mod:`xstilts.scoring.counts`.
        taken: of mined pairs, those that pass the threshold; else None.
    """

    record: dict[str, Any]
    right: list[float]
    counts: NDArray[np.void]
    taken: pa.Table | None = None
