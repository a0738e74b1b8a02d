"""Encoders with a masked-LM head: new ones in XLM-R's architecture, and any that is there."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    PreTrainedModel,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from xstilts.models.packing import can_pack, gather_embedding_gradients, pack
from xstilts.models.shape import Architecture
from xstilts.models.task_model import with_dropout


class MaskedLM(nn.Module):
    """The library's model, whose head is run only where a piece is predicted."""

    def __init__(self, inner: PreTrainedModel) -> None:
        """Run ``inner``, one of the library's masked LMs whose parts follow one another."""
        super().__init__()
        self.inner = inner

    def without_padding(self) -> bool:
        """Run the blocks without padding from now on; False where this encoder cannot."""
        gather_embedding_gradients(self.encoder)
        packed = can_pack(self.encoder)
        if packed:
            pack(self.encoder)
        return packed

    @property
    def head(self) -> list[nn.Module]:
        """The parts between the encoder's output and the scores, in order."""
        name = self.inner.base_model_prefix
        return [part for at, part in self.inner.named_children() if at != name]

    def tie(self) -> None:
        """Score pieces by the encoder's own embeddings, whose place may have been taken."""
        table, scores = self.encoder.get_input_embeddings(), self.inner.get_output_embeddings()
        assert table.weight.shape == scores.weight.shape, "the head scores other pieces"
        scores.weight = table.weight

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
        scores: Tensor = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state[asked]
        for part in self.head:
            scores = part(scores)
        return scores

    @torch.no_grad()
    def guess(self, pieces: NDArray[Any], shares: NDArray[Any]) -> None:
        """Begin with guessing by frequency, which is learnt first and slowly otherwise.

        Args:
            pieces: those that may be predicted, ``(pieces,)``.
            shares: of each of them in the text, ``(pieces,)``.
        """
        bias: Tensor = self.inner.lm_head.bias
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


def load_masked_lm(
    start: Path, *, seed: int, dropout: float
) -> tuple[MaskedLM, Literal["own", "new"]]:
    """The encoder in ``start`` under the head that lies there, or else under a new one.

    A new head scores pieces by the encoder's embeddings.

    Args:
        start: a folder with a pretrained encoder or any earlier stage's model.
        seed: of a new head.
        dropout: of encoder and head alike.

    Returns:
        the model, and whether the head is the checkpoint's ``own``.
    """
    config = AutoConfig.from_pretrained(str(start), trust_remote_code=False)
    config.tie_word_embeddings = True
    torch.manual_seed(seed)
    inner, told = AutoModelForMaskedLM.from_pretrained(
        str(start),
        config=with_dropout(config, dropout),
        dtype=torch.float32,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    body = f"{inner.base_model_prefix}."
    lost = [name for name in told["missing_keys"] if name.startswith(body) and "pooler" not in name]
    assert not lost, f"encoder weights did not fit: {lost}"
    new = [name for name in told["missing_keys"] if not name.startswith(body)]
    model = MaskedLM(inner)
    model.tie()
    return model, "new" if new else "own"


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
