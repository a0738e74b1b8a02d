"""Operations of an encoder, and how fast this machine multiplies matrices of its shapes."""

import time
from collections.abc import Iterable
from typing import Any

import torch

PASSES = 3  # forward, and backward for the input and for the weight of each product
_TURNS = 5


def operations(config: Any, lengths: Iterable[int]) -> float:
    """What one forward pass of the blocks over rows takes, a multiply-add counted as 2.

    Dense layers take ``2 (4 d² + 2 d i)`` a piece and block, scores and their weighted sums
    ``4 n² d`` a row of n pieces: Chowdhery et al. 2022 (PaLM), appendix B. Embeddings, heads,
    norms and softmax count nothing, and neither does padding.

    Args:
        config: the library's, of BERT, RoBERTa or XLM-R.
        lengths: pieces of each row.
    """
    d, inner = config.hidden_size, config.intermediate_size
    dense = 2 * (4 * d * d + 2 * d * inner)
    return float(config.num_hidden_layers * sum(dense * n + 4 * d * n * n for n in lengths))


def product_rate(config: Any, pieces: int, dtype: torch.dtype) -> float:
    """Operations a second in the dense products of a block, forward and backward.

    Each product is timed alone, at its best of some turns, and nothing but products is counted:
    no program that trains this encoder on so many pieces at once is faster.

    Args:
        config: the library's.
        pieces: rows of the products.
        dtype: their number format.
    """
    d, inner = config.hidden_size, config.intermediate_size
    seconds = total = 0.0
    for wide, narrow in ((3 * d, d), (d, d), (inner, d), (d, inner)):
        x, weight = torch.randn(pieces, narrow, dtype=dtype), torch.randn(wide, narrow, dtype=dtype)
        grad = torch.randn(pieces, wide, dtype=dtype)
        for one, other in ((x, weight.t()), (grad, weight), (grad.t(), x)):
            seconds += _best(one, other)
            total += 2 * pieces * wide * narrow
    return total / seconds


def _best(one: torch.Tensor, other: torch.Tensor) -> float:
    """Seconds of a product; the first one, which makes the plan, does not count."""
    out = torch.mm(one, other)
    times = []
    for _ in range(_TURNS):
        began = time.perf_counter()
        torch.mm(one, other, out=out)
        times.append(time.perf_counter() - began)
    return min(times)
