"""How much of each language an encoder read, and how far the language is from English.

Both come from where they are stated: the record of a pretraining that was run here, the encoder's
model card, the declaration of an artificial language, or the figures in ``languages.yaml``, each
with its source. What none of them says is None, never a guess.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.core import yaml12
from xstilts.lab import languages as lab
from xstilts.phases.encoders import Encoder
from xstilts.store import Store

if TYPE_CHECKING:
    import pandas as pd

_FIGURES = Path(__file__).with_suffix(".yaml")
_MILLIONS = re.compile(r"tokens in millions:((?:\s+[a-z]{2,3}\s+\d+(?:\.\d+)?)+)")
# Of `xstilts pretrain`; other cards have tables of other numbers.
_HEADER = "| language | pieces of text | pieces seen |"
_TABLE = re.compile(r"^\| ([\w-]+) \| \d+ \| (\d+) \|", re.MULTILINE)


def language_rows(languages: Iterable[str], encoder: Encoder, store: Store) -> "pd.DataFrame":
    """One row a language: ``language``, ``tokens``, ``distance``.

    Args:
        languages: their codes.
        encoder: what read text in them.
        store: has the record of an encoder that is made here.

    Returns:
        ``tokens``: in pretraining, 0 where it was unseen; ``distance``: from English, 0-1; of
        either None where nobody knows.
    """
    import pandas as pd

    codes = list(dict.fromkeys(languages))
    read = tokens_of(encoder, store)
    rows = [
        {"language": x, "tokens": _tokens(x, read, encoder), "distance": distance_of(x)}
        for x in codes
    ]
    return pd.DataFrame(rows, columns=["language", "tokens", "distance"], dtype=object)


def _tokens(language: str, read: Mapping[str, float] | None, encoder: Encoder) -> float | None:
    """0 also where only the list of languages is known, and this one is not in it."""
    if read is not None:
        return read.get(language, 0.0)
    return 0.0 if encoder.languages and language not in encoder.languages else None


def tokens_of(encoder: Encoder, store: Store) -> dict[str, float] | None:
    """Language -> tokens that an encoder read; all others were unseen. None where nobody says.

    They are pieces for an encoder that is made here, or has a card that `xstilts pretrain` wrote;
    else what the card means by ``tokens in millions: en 15.2 de 1.5 …``, or ``languages.yaml``.
    """
    if encoder.made:
        step = encoder.made.step
        record = store.sound(step.address, step.key, step.identity)
        told = record["value"]["languages"] if record else None
        return told and {x: float(facts["seen"]) for x, facts in told.items()}
    card = encoder.files.folder / "README.md" if encoder.files else None
    return (_of_card(card) if card and card.is_file() else None) or _of_hub(encoder.choice.hub)


def _of_card(card: Path) -> dict[str, float] | None:
    text = card.read_text("utf-8", errors="replace")
    if found := _MILLIONS.search(text):
        words = found[1].split()
        pairs = zip(words[::2], words[1::2], strict=True)
        return {language: float(number) * 1e6 for language, number in pairs}
    _, _, table = text.partition(_HEADER)
    return {language: float(seen) for language, seen in _TABLE.findall(table)} or None


def _of_hub(name: str | None) -> dict[str, float] | None:
    """The figures for an encoder of the hub, whatever organisation it lies under."""
    for known in _figures()["encoders"]:
        if name and name.split("/")[-1] in known["hub"]:
            return {x: float(number) * known["unit"] for x, number in known["tokens"].items()}
    return None


def distance_of(language: str) -> float | None:
    """How far a language is from English, 0-1; None where it is unknown.

    Of an artificial language the mean difference of its knobs; of another one less the mean cosine
    of its features in URIEL. The two are not comparable.
    """
    if language in lab.CODES and language != lab.SOURCE:
        return lab.language(language).distance
    found = _figures()["distance"]["values"].get(language)
    return None if found is None else float(found)


@cache
def _figures() -> dict[str, Any]:
    found: dict[str, Any] = yaml12.parse(_FIGURES.read_text("utf-8"))
    return found
