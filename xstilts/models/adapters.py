"""Low-rank adapters on an encoder's blocks, and their sum with the weights that they stand beside.

Import this module only where adapters are trained: it loads peft.
"""

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from torch import nn
from transformers import PreTrainedModel

from xstilts.models.freezing import blocks_of, freeze

_OWN = "pooler."  # of the library's encoders, yet trained for one task's label


def adapt(encoder: PreTrainedModel, rank: int, scale: float, seed: int) -> None:
    """Hold an encoder's weights, and put a new adapter beside every linear layer of its blocks.

    Such a layer then gives ``W x + scale * B A x``, ``A`` of ``rank`` rows drawn as peft draws them
    and ``B`` 0 (Hu et al. 2021, arXiv 2106.09685), so that nothing changes before the first update.
    Embeddings run without dropout, as all that is frozen does; a pooler learns, as heads do.

    Args:
        encoder: any encoder of the library.
        rank: of what is added to each matrix.
        scale: what it is multiplied by.
        seed: of the draw.

    Raises:
        EncoderError: where the blocks cannot be told apart.
    """
    freeze(encoder, 0)
    for name, weight in encoder.named_parameters():
        weight.requires_grad_(name.startswith(_OWN))
    blocks = blocks_of(encoder)
    linear = [name for name, part in blocks.named_modules() if type(part) is nn.Linear]
    torch.manual_seed(seed)
    config = LoraConfig(r=rank, lora_alpha=scale * rank, target_modules=linear)
    inject_adapter_in_model(config, blocks)


def merge(encoder: PreTrainedModel) -> None:
    """Add what adapters learnt to the weights that they stand beside, and take them away."""
    for name, layer in list(encoder.named_modules()):
        if isinstance(layer, LoraLayer):
            layer.merge()
            encoder.set_submodule(name, layer.get_base_layer())
