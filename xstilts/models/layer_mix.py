"""Learned layer mixing: a head reads a weighted sum of all layers instead of the top one."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel


class LayerMix(nn.Module):
    """``scale * sum_j softmax(weights)_j * layer_j``, ELMo's equation 1.

    Peters et al. 2018, arXiv 1802.05365: the sum runs over the embeddings (layer 0) and every
    block, all in proportion at first, with a scale of 1; no layer is normalised.
    """

    def __init__(self, layers: int) -> None:
        """Weigh ``layers`` layers alike."""
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(layers))
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, layers: Sequence[Tensor]) -> Tensor:
        """``(rows, length, dim)`` from as many of the same shape."""
        mixed = sum(s * x for s, x in zip(self.shares, layers, strict=True))
        out: Tensor = self.scale * mixed
        return out

    @property
    def shares(self) -> Tensor:
        """What each layer counts, ``(layers,)``; their sum is 1."""
        return self.weights.softmax(0)

    def record(self) -> dict[str, Any]:
        """The shares, from the embeddings up, and the scale."""
        return {"shares": self.shares.tolist(), "scale": self.scale.item()}


def read_mixed(encoder: PreTrainedModel, mix: LayerMix) -> None:
    """Put the mixed layers where whatever stands on ``encoder`` looks for its top one."""

    def ask(_: nn.Module, args: Any, named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return args, named | {"output_hidden_states": True}

    def give(_: nn.Module, args: Any, out: Any) -> Any:
        # The library notes a block's output once for every encoder that shares the block.
        times = (len(out.hidden_states) - 1) // (len(mix.weights) - 1)
        out.last_hidden_state = mix(out.hidden_states[::times])
        pooler = getattr(encoder, "pooler", None)
        if pooler is not None:
            out.pooler_output = pooler(out.last_hidden_state)
        return out

    encoder.register_forward_pre_hook(ask, with_kwargs=True)
    encoder.register_forward_hook(give)
