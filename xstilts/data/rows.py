"""Stage `rows`: the text of all languages as rows of pieces, in memory-mapped arrays."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from xstilts.core.context import Context, Result
from xstilts.data.batches import TokenArrays
from xstilts.data.corpora import LANGUAGES, Rows
from xstilts.data.text import HELD, NAMES, TRAIN, documents_of
from xstilts.data.tokens import load_tokenizer

SIDES = {"train-": TRAIN, "held-": HELD}
_TEXTS = 4096  # that are cut into pieces at a time, to bound memory


def rows(
    config: Rows, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write the arrays of what is trained on and of what is held out.

    A row is a document between the pieces that begin and end a text (``<s>`` and ``</s>`` of those
    that are made here); a long one becomes several rows. The array ``language`` has the index of
    each row's language in the record's ``languages``. Where names are kept, the array ``name`` of
    what is trained on has a number for each name, in all languages the same, and -1 for the parts
    of a long document, which are no translations of each other.
    """
    made = inputs.get("tokenizer")
    tokenizer = load_tokenizer(made.folder if made else context.sources[str(config.tokenizer)])
    texts = {n.removeprefix(LANGUAGES): r for n, r in inputs.items() if n.startswith(LANGUAGES)}
    value: dict[str, Any] = {"languages": sorted(texts), "pad": tokenizer.pad_token_id}
    numbers: dict[str, int] = {}
    for side, part in SIDES.items():
        ids, lengths, spoken, named = [], [], [], []
        for number, language in enumerate(value["languages"]):
            found, sizes, rows_of = _cut(
                tokenizer, documents_of(texts[language], part), config.length
            )
            ids.append(found)
            lengths.append(sizes)
            spoken.append(np.full(len(sizes), number, np.int32))
            if config.names and part == TRAIN:
                names = documents_of(texts[language], NAMES)
                known = [numbers.setdefault(name, len(numbers)) for name in names]
                named.append(np.repeat(np.where(rows_of == 1, known, -1), rows_of))
        starts = np.concatenate([[0], np.cumsum(np.concatenate(lengths), dtype=np.int64)])
        language = np.concatenate(spoken)
        extra = {"language": language} | ({"name": np.concatenate(named)} if named else {})
        arrays = TokenArrays(
            np.concatenate(ids), None, starts, np.arange(len(language)), extra, value["pad"]
        )
        arrays.save(folder, side)
        value[f"{side}pieces"] = dict(zip(value["languages"], map(len, ids), strict=True))
    if config.names:
        value |= {"pieces": len(tokenizer), "length": config.length}
    return value


def _cut(tokenizer: Any, documents: list[str], length: int) -> tuple[Any, Any, Any]:
    """Pieces of the rows of some documents, the rows' lengths, and how many each document has."""
    begin, end, room = tokenizer.cls_token_id, tokenizer.sep_token_id, length - 2
    found: list[list[int]] = []
    rows_of = []
    for first in range(0, len(documents), _TEXTS):
        some = documents[first : first + _TEXTS]
        for encoding in tokenizer(some, add_special_tokens=False, truncation=False).encodings:
            ids = encoding.ids
            parts = [[begin, *ids[i : i + room], end] for i in range(0, len(ids), room)]
            found += parts
            rows_of.append(len(parts))
    flat = np.fromiter((piece for row in found for piece in row), np.int32)
    return flat, np.array([len(row) for row in found], np.int64), np.array(rows_of, np.int64)
