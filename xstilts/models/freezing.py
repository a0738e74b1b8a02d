"""The blocks of any encoder, and a frozen prefix: embeddings and the bottom blocks.

Nothing here goes by a parameter's name. Blocks are found as modules; what is frozen with them is
whatever their output is computed from, so tied embeddings, relative positions that all blocks share
(DeBERTa-v2) and projections between embeddings and blocks need no list of their own.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from xstilts.core.errors import EncoderError


def blocks_of(encoder: PreTrainedModel) -> nn.ModuleList:
    """The encoder's blocks, lowest first.

    Raises:
        EncoderError: where no list of modules is as long as the encoder is deep (as in ALBERT,
            whose blocks are one).
    """
    depth = encoder.config.num_hidden_layers
    for module in encoder.modules():  # outer ones first
        if isinstance(module, nn.ModuleList) and len(module) == depth:
            return module
    raise EncoderError(
        f"The blocks of {encoder.config.model_type} cannot be told apart",
        where="arms: freeze, carry, reinit_top or layer_mix",
        expected=f"an encoder that keeps {depth} blocks in a list of its own",
        do="take another encoder, or leave the key out",
    )


def embeddings_of(encoder: PreTrainedModel) -> nn.Module:
    """The part of the encoder that holds the piece embeddings, with positions and their norm."""
    table = encoder.get_input_embeddings()
    parts: list[nn.Module] = list(encoder.children())
    return next(part for part in parts if table in part.modules())


def freeze(encoder: PreTrainedModel, blocks: int) -> None:
    """Freeze the embeddings, the bottom ``blocks`` blocks, and all that these are computed from.

    Their weights want no gradient any more, and they stay as in evaluation whatever mode the model
    is put in: they run without dropout. With all blocks frozen, what follows them (a final norm,
    pooler, head) still learns.

    Args:
        encoder: any encoder of the library.
        blocks: from 0, the embeddings alone, to all.
    """
    modules, hidden = _run_until(encoder, blocks)
    for weight in _leaves(hidden):
        weight.requires_grad_(False)
    for module in modules:
        module.eval()
        module.train = lambda mode=True, module=module: module  # type: ignore[misc,method-assign]


def _run_until(encoder: PreTrainedModel, number: int) -> tuple[list[nn.Module], Tensor]:
    """The modules that have run when the bottom ``number`` blocks have, and their output.

    Two pieces pass the encoder in evaluation, so no random number is drawn.
    """
    done: list[nn.Module] = []
    found: list[tuple[list[nn.Module], Tensor]] = []
    blocks = blocks_of(encoder)

    def ran(module: nn.Module, *_: Any) -> None:
        done.append(module)

    def enters(_: nn.Module, args: tuple[Any, ...], more: dict[str, Any]) -> None:
        found.append((list(done), args[0] if args else more["hidden_states"]))

    def leaves(_: nn.Module, args: Any, out: Any) -> None:
        found.append((list(done), out[0] if isinstance(out, tuple) else out))

    hooks = [module.register_forward_hook(ran) for module in encoder.modules()]
    if number < len(blocks):
        hooks.append(blocks[number].register_forward_pre_hook(enters, with_kwargs=True))
    else:
        hooks.append(blocks[-1].register_forward_hook(leaves))
    pieces = torch.zeros(1, 2, dtype=torch.long, device=encoder.device)
    training = encoder.training
    try:
        with torch.enable_grad():
            encoder.eval()(input_ids=pieces, attention_mask=torch.ones_like(pieces))
    finally:
        encoder.train(training)
        for hook in hooks:
            hook.remove()
    [(modules, hidden)] = found
    return modules, hidden


def _leaves(output: Tensor) -> list[Tensor]:
    """The weights that want a gradient and that ``output`` was computed from."""
    left, seen, found = [output.grad_fn], set(), []
    while left:
        node = left.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found.append(node.variable)
        left += [below for below, _ in node.next_functions]
    return found
