"""p-values that allow for the number of tests: Holm's and Benjamini and Hochberg's."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import false_discovery_control


def holm(p: Sequence[float]) -> list[float]:
    """Adjust p-values so that at most 5 % of families without any effect have one of 5 % or less.

    The i-th smallest of m times ``m - i + 1``, never below the one before it, at most 1:
    Holm (1979), "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6(2).

    Args:
        p: shape ``(m,)``, in any order.

    Returns:
        Shape ``(m,)``, in the same order.
    """
    order = np.argsort(p, kind="stable")
    steps = np.arange(len(p), 0, -1) * np.asarray(p, dtype=float)[order]
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in adjusted]


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Adjust p-values so that of those of 5 % or less, 5 % are false in the long run.

    For exploring many cells; a sentence about one of them needs ``holm``. The i-th smallest of m
    times ``m / i``, never above the one after it: Benjamini & Hochberg (1995), "Controlling the
    false discovery rate", J. R. Statist. Soc. B 57(1). Holds for tests that are independent or
    rise together (Benjamini & Yekutieli 2001).

    Args:
        p: shape ``(m,)``, in any order.

    Returns:
        Shape ``(m,)``, in the same order.
    """
    return [float(value) for value in false_discovery_control(p, method="bh")] if len(p) else []
