"""What an encoder's folder holds, read without torch: digests, sizes, how far its positions go."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from xstilts.core import yaml12
from xstilts.core.errors import EncoderError
from xstilts.core.spec import Spec
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

_HEAD = re.compile(r"---[ \t]*\r?\n(.*?)^---[ \t]*$", re.DOTALL | re.MULTILINE)


class Ready(Spec):
    """A model that was trained elsewhere.

    Attributes:
        encoder: digest of its weight and config files.
    """

    encoder: str


@dataclass(frozen=True)
class EncoderFiles:
    """A local encoder.

    Attributes:
        folder: where it lies.
        digest: of its weight and config files.
        tokenizer: digest of its tokenizer files.
        layers: number of blocks.
        width: of their inputs and outputs; None where the config does not say.
        positions: longest row it can read, special pieces counted; None where unlimited.
        block_parameters: weights in the blocks, for cost estimates.
        languages: pretraining languages that its model card declares, None where it has none.
        family: its architecture, as the library calls it.
    """

    folder: Path
    digest: str
    tokenizer: str
    layers: int
    width: int | None
    positions: int | None
    block_parameters: float
    languages: tuple[str, ...] | None
    family: str


def inspect(folder: Path, digests: Digests, *, where: str) -> EncoderFiles:
    """Look at the encoder in ``folder``.

    Raises:
        EncoderError: when there is no config, no safetensors weights or no tokenizer, or when the
            config or the card cannot be read.
    """
    config_file = folder / "config.json"
    if not config_file.is_file():
        raise unusable(f"No encoder lies at {folder}", where, "a folder with config.json")
    try:
        config: dict[str, Any] = json.loads(config_file.read_text("utf-8"))
    except ValueError as error:
        raise unusable(
            f"{config_file} is not JSON: {error}", where, "a valid config.json"
        ) from None
    _check_numbers(config, config_file, where)
    weights = weights_of(folder, where)
    tokenizer = [folder / name for name in TOKENIZER if (folder / name).is_file()]
    if not tokenizer:
        raise unusable(f"{folder} has no tokenizer", where, "tokenizer.json beside the weights")
    hidden: int = config.get("hidden_size", 0)
    layers: int = config.get("num_hidden_layers", 0)
    inner: int = config.get("intermediate_size", 4 * hidden)
    return EncoderFiles(
        folder,
        digests.of_all([config_file, *weights]),
        digests.of_all(tokenizer),
        layers,
        hidden or None,
        positions(config),
        float(layers * (4 * hidden * hidden + 2 * hidden * inner)),
        _card_languages(folder / "README.md", where),
        str(config.get("model_type", "")),
    )


def _check_numbers(config: Any, file: Path, where: str) -> None:
    """Refuse a config that is no mapping or whose sizes are no numbers."""
    if not isinstance(config, dict):
        raise unusable(f"{file} holds no keys", where, 'a JSON object: {"model_type": …}')
    may_be_null = ("max_position_embeddings", "pad_token_id")
    for key in ("hidden_size", "num_hidden_layers", "intermediate_size", *may_be_null):
        value = config.get(key, 0)
        if type(value) is not int and not (value is None and key in may_be_null):
            raise unusable(f"{file}: {key} is {value!r}", where, f"a whole number as {key}")


def positions(config: dict[str, Any]) -> int | None:
    """Pieces that fit into the position table; None where the config names no limit."""
    limit = config.get("max_position_embeddings")
    if limit is None:
        return None
    if config.get("model_type") in _OFFSET_POSITIONS:
        padding = config.get("pad_token_id")
        return int(limit) - (1 if padding is None else int(padding)) - 1
    return int(limit)


def _card_languages(card: Path, where: str) -> tuple[str, ...] | None:
    """The ``language`` list of a model card's YAML head, as the hub writes it."""
    text = card.read_text("utf-8", errors="replace") if card.is_file() else ""
    found = _HEAD.match(text)
    if found is None:
        return None
    try:
        head = yaml12.parse(found[1])
    except yaml.YAMLError as error:
        raise EncoderError(
            f"The head of {card} is not YAML: {' '.join(str(error).split())}",
            where=where,
            expected="YAML between two lines of ---, as the hub writes it",
            do="mend or remove the head of that README.md",
        ) from None
    named = head.get("language") if isinstance(head, dict) else None
    listed = named if isinstance(named, list) else [named]
    return tuple(str(x) for x in listed) if named else None


def weights_of(folder: Path, where: str) -> list[Path]:
    """The files of a model's weights.

    Raises:
        EncoderError: when there are none in safetensors.
    """
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise unusable(
            f"{folder} has no safetensors weights",
            where,
            "model.safetensors; pickled weights are never read, they can run code",
        )
    return weights


def unusable(what: str, where: str, expected: str) -> EncoderError:
    """The error for a folder named by the key or option ``where`` that holds no usable model."""
    return EncoderError(what, where=where, expected=expected, do=another_folder(where))


def another_folder(where: str) -> str:
    """What to do about an encoder that the key or option ``where`` names."""
    if where.startswith("arms."):
        return "name another folder there"
    named = f"{where} FOLDER" if where.startswith("-") else "--set encoder.path=FOLDER"
    return f"name another folder: {named}"
