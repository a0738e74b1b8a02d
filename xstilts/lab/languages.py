"""The languages of the laboratory and their knobs.

The source is ``en``: English words without inflection. Every other one has an invented name and a
code from the range that ISO 639 leaves to private use (``qaa`` to ``qtz``), so that no score of an
artificial language can be taken for one of a real language.

The sixteen are a crossed design: four steps of distance, and at each step all four amounts of text.
"""

from dataclasses import dataclass
from typing import Literal

from xstilts.core.errors import UnknownNameError

Order = Literal["SVO", "SOV", "VSO"]
Script = Literal["latin", "georgian", "armenian", "greek", "tifinagh", "cyrillic"]
SOURCE = "en"


@dataclass(frozen=True, slots=True)
class Language:
    """One language as a declaration.

    Attributes:
        code: a private-use code of ISO 639; ``en`` for the source.
        name: invented.
        overlap: share of the words that are those of ``en``, 0 to 1; the same for function words,
            for names and for all others.
        order: of subject, verb and object. With SOV the small words follow their noun, and the
            auxiliary and the negation follow the verb.
        adjective: where it stands, seen from its noun.
        morphology: ``isolating`` has one form a word; ``agglutinating`` has a suffix for number
            and one for case on every noun and name, and no words such as `in` and `to`.
        script: ``latin`` is the source's; any other shares no letter with it.
        amount: pretraining text, as a share of the source's.
    """

    code: str
    name: str
    overlap: float
    order: Order = "SVO"
    adjective: Literal["before", "after"] = "before"
    morphology: Literal["isolating", "agglutinating"] = "isolating"
    script: Script = "latin"
    amount: float = 1.0

    @property
    def knobs(self) -> dict[str, float]:
        """Each typological knob's difference to the source, 0 to 1."""
        return {
            "overlap": 1 - self.overlap,
            "order": float(self.order != "SVO"),
            "adjective": float(self.adjective == "after"),
            "morphology": float(self.morphology == "agglutinating"),
            "script": float(self.script != "latin"),
        }

    @property
    def distance(self) -> float:
        """Typological distance to the source: the mean of the knobs' differences, 0 to 1."""
        return sum(self.knobs.values()) / len(self.knobs)


# amounts: each a fifth of the one before
_A, _B, _C, _D = 1.0, 0.2, 0.04, 0.008
LANGUAGES = (
    Language(SOURCE, "English words, no inflection", 1.0),
    # distance 0.05 to 0.25
    Language("qab", "Abren", 0.75, amount=_B),
    Language("qbe", "Belor", 0.5, amount=_D),
    Language("qco", "Corven", 1.0, order="SOV", amount=_A),
    Language("qda", "Dalin", 0.75, adjective="after", amount=_C),
    # 0.3 to 0.4
    Language("qem", "Emra", 0.5, adjective="after", amount=_B),
    Language("qfi", "Fiorn", 0.0, script="georgian", amount=_A),
    Language("qga", "Galt", 0.5, order="VSO", amount=_C),
    Language("qho", "Hossa", 0.25, morphology="agglutinating", amount=_D),
    # 0.5 to 0.6
    Language("qil", "Ilven", 0.5, order="SOV", adjective="after", amount=_A),
    Language("qjo", "Jorra", 0.25, order="SOV", morphology="agglutinating", amount=_B),
    Language("qka", "Kavo", 0.0, adjective="after", script="armenian", amount=_D),
    Language("qlu", "Luma", 0.0, order="VSO", adjective="after", amount=_C),
    # 0.75 to 1
    Language("qme", "Mered", 0.25, "SOV", "after", "agglutinating", amount=_C),
    Language("qno", "Nolti", 0.0, "VSO", "after", script="greek", amount=_A),
    Language("qor", "Orvek", 0.0, "SOV", "before", "agglutinating", "tifinagh", amount=_D),
    Language("qpa", "Pasht", 0.0, "SOV", "after", "agglutinating", "cyrillic", amount=_B),
)
CODES = tuple(language.code for language in LANGUAGES)
_BY_CODE = {language.code: language for language in LANGUAGES}


def language(code: str) -> Language:
    """The language with this code.

    Raises:
        UnknownNameError: when the laboratory has none.
    """
    if code not in _BY_CODE:
        do = "see them all: xstilts lab describe"
        raise UnknownNameError("language", code, CODES, where="the laboratory", do=do)
    return _BY_CODE[code]
