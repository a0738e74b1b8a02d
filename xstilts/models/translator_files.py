"""What a translation model's folder holds, read without torch: digests, family, language codes."""

import json
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from xstilts.core.errors import EncoderError
from xstilts.models.files import TOKENIZER, unusable, weights_of
from xstilts.store import Digests

PIECES = ("source.spm", "target.spm")  # Marian's, which need the sentencepiece package
CODED = ("m2m_100", "mbart", "nllb-moe")  # families whose tokenizers tell languages apart by codes
# Pieces that stand for a language: eng_Latn (NLLB), __en__ (M2M), en_XX (mBART).
_CODE = re.compile(rb'"(?:__([a-z]{2,3})__|([a-z]{3}_[A-Z][a-z]{3}|[a-z]{2}_[A-Z]{2}))"')


@dataclass(frozen=True)
class TranslatorFiles:
    """A local translation model.

    Attributes:
        folder: where it lies.
        digest: of its weights, config and generation config.
        tokenizer: digest of its tokenizer's files.
        family: its architecture, as the library calls it.
        codes: languages that its tokenizer names; none where it names none in a form known here.
    """

    folder: Path
    digest: str
    tokenizer: str
    family: str
    codes: frozenset[str]


def inspect_translator(folder: Path, digests: Digests, *, where: str) -> TranslatorFiles:
    """Look at the translation model in ``folder``.

    Raises:
        EncoderError: when there is no sequence-to-sequence model in safetensors with a tokenizer,
            or when its tokenizer needs a package that is not installed.
    """
    config = _config(folder, where)
    if not config.get("is_encoder_decoder"):
        raise unusable(
            f"The model in {folder} translates nothing: it is no encoder with a decoder",
            where,
            "a sequence-to-sequence model, such as Marian, M2M, NLLB, mBART or T5",
        )
    weights = weights_of(folder, where)
    tokenizer = [folder / n for n in (*TOKENIZER, *PIECES) if (folder / n).is_file()]
    if not tokenizer:
        raise unusable(f"{folder} has no tokenizer", where, "tokenizer.json, or source.spm")
    spelt = any((folder / name).is_file() for name in PIECES)
    if spelt and not (folder / "tokenizer.json").is_file() and find_spec("sentencepiece") is None:
        raise EncoderError(
            f"The tokenizer in {folder} cannot be read without the package sentencepiece",
            where=where,
            expected="that package, or a tokenizer.json",
            do="pip install 'xstilts[translate]'",
        )
    decoding = [p for p in [folder / "generation_config.json"] if p.is_file()]
    return TranslatorFiles(
        folder,
        digests.of_all([folder / "config.json", *decoding, *weights]),
        digests.of_all(tokenizer),
        str(config.get("model_type", "")),
        frozenset(code for file in tokenizer for code in _codes(file)),
    )


def _config(folder: Path, where: str) -> dict[str, Any]:
    file = folder / "config.json"
    try:
        config = json.loads(file.read_text("utf-8"))
    except OSError:
        raise unusable(f"No model lies at {folder}", where, "a folder with config.json") from None
    except ValueError as error:
        raise unusable(f"{file} is not JSON: {error}", where, "a valid config.json") from None
    if not isinstance(config, dict):
        raise unusable(f"{file} holds no keys", where, 'a JSON object: {"model_type": …}')
    return config


def _codes(file: Path) -> list[str]:
    found = _CODE.findall(file.read_bytes()) if file.suffix == ".json" else []
    return [(short or long).decode() for short, long in found]
