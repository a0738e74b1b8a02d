"""A new encoder in XLM-R's architecture with its masked-LM head."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel, XLMRobertaConfig, XLMRobertaForMaskedLM

from xstilts.models.packing import can_pack, gather_embedding_gradients, pack
from xstilts.models.shape import Architecture


class MaskedLM(nn.Module):
    """The library's model, whose head is run only where a piece is predicted."""

    def __init__(self, inner: XLMRobertaForMaskedLM) -> None:
        """Run ``inner``, without padding where its encoder can."""
        super().__init__()
        self.inner = inner
        gather_embedding_gradients(self.encoder)
        if can_pack(self.encoder):
            pack(self.encoder)

    @property
    def encoder(self) -> PreTrainedModel:
        """The part that later stages start from."""
        found: PreTrainedModel = self.inner.base_model
        return found

    def block_parameters(self) -> list[nn.Parameter]:
        """The weights of the blocks: no embeddings, no head."""
        blocks: Any = self.encoder.encoder
        return list(blocks.parameters())

    def forward(self, ids: Tensor, mask: Tensor, asked: Tensor) -> Tensor:
        """Scores of all pieces at the places that are predicted, row by row.

        Args:
            ids: what the model sees, ``(rows, length)``.
            mask: 1 for a piece, 0 for padding, same shape.
            asked: where a piece is predicted, same shape.

        Returns:
            ``(predicted, vocabulary)``.
        """
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        logits: Tensor = self.inner.lm_head(hidden[asked])
        return logits

    @torch.no_grad()
    def guess(self, pieces: NDArray[Any], shares: NDArray[Any]) -> None:
        """Begin with guessing by frequency, which is learnt first and slowly otherwise.

        Args:
            pieces: those that may be predicted, ``(pieces,)``.
            shares: of each of them in the text, ``(pieces,)``.
        """
        bias = self.inner.lm_head.bias
        bias.fill_(float(np.log(shares.min())))
        bias[torch.from_numpy(pieces)] = torch.from_numpy(np.log(shares)).to(bias)

    @torch.no_grad()
    def start_from(self, vectors: NDArray[Any]) -> None:
        """Give pieces these vectors, scaled to the size of the random ones that they replace.

        Args:
            vectors: ``(pieces, width)``; a piece whose vector is 0 keeps its random one.
        """
        table = self.encoder.get_input_embeddings().weight
        known = torch.from_numpy(vectors.any(1))
        given = torch.from_numpy(vectors).to(table)[known]
        scale = table[known].square().mean().sqrt() / given.square().mean().sqrt()
        table[known] = given * scale

    def save(self, folder: Path) -> None:
        """Write config and safetensors that `AutoModelForMaskedLM` and `AutoModel` load."""
        self.inner.save_pretrained(folder)


def new_masked_lm(shape: Architecture, tokenizer: Any, seed: int) -> MaskedLM:
    """A model with random weights.

    Args:
        shape: its sizes.
        tokenizer: the library's, for the number of pieces and the special ones.
        seed: of the weights.
    """
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        max_position_embeddings=shape.positions + tokenizer.pad_token_id + 1,  # counts from there
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(seed)
    return MaskedLM(XLMRobertaForMaskedLM(config))
