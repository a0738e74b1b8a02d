"""Stage `tokenizer`: a Unigram tokenizer that any `AutoTokenizer` loads."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

from xstilts.core.context import Context, Result
from xstilts.core.errors import RecipeError
from xstilts.data.corpora import LANGUAGES, SPECIAL, Vocabulary, shares
from xstilts.data.text import documents_of
from xstilts.data.unigram import vocabulary

FILES = ("tokenizer.json", "tokenizer_config.json")
_SPACE = "▁"
_NAMES = ("bos_token", "pad_token", "eos_token", "unk_token", "mask_token")


def tokenizer(
    config: Vocabulary, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write the tokenizer for the languages of all inputs.

    A word counts as much as its language is drawn often, so that small languages get pieces, too.

    Raises:
        RecipeError: when the letters alone are more than the vocabulary may hold.
    """
    counts = {
        name.removeprefix(LANGUAGES): Counter(_words(documents_of(found)))
        for name, found in inputs.items()
    }
    sizes = {language: some.total() for language, some in counts.items()}
    drawn = shares(sizes, config.sampling)
    weights: Counter[str] = Counter()
    for language, some in counts.items():
        scale = drawn[language] * sum(sizes.values()) / sizes[language]
        weights.update({word: n * scale for word, n in some.items()})
    try:
        pieces = vocabulary(weights, config.size - len(SPECIAL), config.coverage)
    except ValueError as error:
        raise RecipeError(
            f"The vocabulary is too small: {error}",
            where="tokenizer.size",
            expected="room for every letter beside longer pieces",
            do="--set tokenizer.size=NUMBER, or let rare letters be unknown: "
            "--set tokenizer.coverage=0.9995",
        ) from None
    _save(folder, pieces, config.longest)
    return {"pieces": len(SPECIAL) + len(pieces), "languages": sorted(counts)}


def _normal() -> Any:
    return normalizers.NFKC()


def _words(documents: list[str]) -> list[str]:
    """The words that a tokenizer of :func:`_save` cuts into pieces, one by one."""
    normal = _normal()
    return [_SPACE + word for text in documents for word in normal.normalize_str(text).split()]


def _save(folder: Path, pieces: list[tuple[str, float]], longest: int) -> None:
    special = [(piece, 0.0) for piece in SPECIAL]
    made = Tokenizer(models.Unigram([*special, *pieces], unk_id=SPECIAL.index("<unk>")))
    made.normalizer = _normal()
    space = pre_tokenizers.Metaspace(replacement=_SPACE, prepend_scheme="always")
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), space])
    made.decoder = decoders.Metaspace(replacement=_SPACE, prepend_scheme="always")
    made.add_special_tokens([AddedToken(piece, special=True) for piece in SPECIAL])
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(piece, SPECIAL.index(piece)) for piece in ("<s>", "</s>")],
    )
    made.save(str(folder / FILES[0]))
    named = dict(zip(_NAMES, SPECIAL, strict=True)) | {"cls_token": "<s>", "sep_token": "</s>"}
    described = named | {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": longest,
        "model_input_names": ["input_ids", "attention_mask"],
    }
    (folder / FILES[1]).write_text(json.dumps(described, indent=1))
