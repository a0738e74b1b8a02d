"""What an encoder's folder holds, read without torch: digests, sizes, how far its positions go."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from xstilts.core.errors import EncoderError
from xstilts.store import Digests

TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spm.model",
    "sentencepiece.bpe.model",
    "spiece.model",
    "tokenizer.model",
)
# These count positions from the padding piece on, so two of the table are never used.
_OFFSET_POSITIONS = {"xlm-roberta", "roberta", "camembert", "xlm-roberta-xl", "xmod", "mpnet"}


@dataclass(frozen=True)
class EncoderFiles:
    """A local encoder.

    Attributes:
        folder: where it lies.
        digest: of its weight and config files.
        tokenizer: digest of its tokenizer files.
        layers: number of blocks.
        positions: longest row it can read, special pieces counted; None where unlimited.
        block_parameters: weights in the blocks, for cost estimates.
        languages: pretraining languages that its model card declares, None where it has none.
    """

    folder: Path
    digest: str
    tokenizer: str
    layers: int
    positions: int | None
    block_parameters: float
    languages: tuple[str, ...] | None


def inspect(folder: Path, digests: Digests, *, where: str) -> EncoderFiles:
    """Look at the encoder in ``folder``.

    Raises:
        EncoderError: when there is no config, no safetensors weights or no tokenizer.
    """
    config_file = folder / "config.json"
    if not config_file.is_file():
        raise _unusable(f"No encoder lies at {folder}", where, "a folder with config.json")
    try:
        config: dict[str, Any] = json.loads(config_file.read_text("utf-8"))
    except ValueError as error:
        raise _unusable(
            f"{config_file} is not JSON: {error}", where, "a valid config.json"
        ) from None
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise _unusable(
            f"{folder} has no safetensors weights",
            where,
            "model.safetensors; pickled weights are never read, they can run code",
        )
    tokenizer = [folder / name for name in TOKENIZER if (folder / name).is_file()]
    if not tokenizer:
        raise _unusable(f"{folder} has no tokenizer", where, "tokenizer.json beside the weights")
    hidden = int(config.get("hidden_size", 0))
    layers = int(config.get("num_hidden_layers", 0))
    inner = int(config.get("intermediate_size", 4 * hidden))
    return EncoderFiles(
        folder,
        digests.of_all([config_file, *weights]),
        digests.of_all(tokenizer),
        layers,
        positions(config),
        float(layers * (4 * hidden * hidden + 2 * hidden * inner)),
        _card_languages(folder / "README.md"),
    )


def positions(config: dict[str, Any]) -> int | None:
    """Pieces that fit into the position table; None where the config names no limit."""
    limit = config.get("max_position_embeddings")
    if limit is None:
        return None
    if config.get("model_type") in _OFFSET_POSITIONS:
        return int(limit) - int(config.get("pad_token_id", 1)) - 1
    return int(limit)


def _card_languages(card: Path) -> tuple[str, ...] | None:
    """The ``language`` list of a model card's YAML head, as the hub writes it."""
    text = card.read_text("utf-8", errors="replace") if card.is_file() else ""
    if not text.startswith("---"):
        return None
    head = yaml.safe_load(text.split("---")[1])
    named = head.get("language") if isinstance(head, dict) else None
    listed = [named] if isinstance(named, str) else named
    return tuple(str(x) for x in listed) if listed else None


def _unusable(what: str, where: str, expected: str) -> EncoderError:
    return EncoderError(
        what,
        where=where,
        expected=expected,
        do="name another folder: --set encoder.path=FOLDER",
    )
