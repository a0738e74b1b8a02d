"""The word forms of every language: which are the source's, which are invented, and their suffixes.

Words of one language are all different, also with their suffixes, so that a form says which word it
is. No invented word is a word of another language.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from xstilts.core.seeds import rank
from xstilts.lab.chance import Chance
from xstilts.lab.languages import LANGUAGES, SOURCE, Language
from xstilts.lab.words import CLASS_OF, CLASSES, FUNCTION, NAMES, is_name, tag_of

CASES = ("object", *FUNCTION["with_noun"])
_LETTERS = "abcdefghijklmnoprstuvz"
_SCRIPTS = {
    "georgian": "აბცდეფგჰიჯკლმნოპრსტუვზ",
    "armenian": "աբցդեֆգհիջկլմնոպրստուվզ".replace("ու", "ւ"),
    "greek": "αβψδεφγχιξκλμνοπρστυωζ",
    "tifinagh": "ⴰⴱⵛⴷⴻⴼⴳⵀⵉⵊⴽⵍⵎⵏⵓⵃⵔⵙⵜⵡⵖⵣ",
    "cyrillic": "абцдефгхижклмнопрстувз",
}
_WITHOUT_CAPITALS = ("georgian", "tifinagh")
_CONSONANTS, _VOWELS = "bcdfghjklmnprstvz", "aeiou"


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a form is: a word, and what its suffixes say."""

    word: str
    case: str = ""
    plural: bool = False


@dataclass(frozen=True)
class Lexicon:
    """The words of one language.

    Attributes:
        language: whose words these are.
        forms: word (as in :mod:`xstilts.lab.words`) -> its form without suffixes.
        plural: suffix of nouns that are more than one; empty where there is none.
        cases: case -> suffix; empty where there are none.
        shared: words whose form is the source's.
    """

    language: Language
    forms: dict[str, str]
    plural: str
    cases: dict[str, str]
    shared: frozenset[str]
    words: dict[str, str]

    def inflected(self, word: str, case: str, plural: bool) -> str:
        """The form of a noun, name or pronoun in a sentence."""
        number = self.plural if plural else ""
        return self.forms[word] + number + self.cases.get(case, "")

    def analyses(self, form: str) -> Iterator[Analysis]:
        """All that a form can be: its suffixes are taken off, and the rest must be a word."""
        if form in self.words:
            yield Analysis(self.words[form])
        for case in ("", *self.cases):
            suffix = self.cases.get(case, "")
            for number in ("", self.plural) if self.plural else ("",):
                ending = number + suffix
                if ending and form.endswith(ending):
                    word = self.words.get(form[: -len(ending)], "")
                    if word and inflects(word):
                        yield Analysis(word, case, bool(number))

    def analysis(self, form: str) -> Analysis | None:
        """What a form is; None where it is no word of the language."""
        return next(self.analyses(form), None)


def inflects(word: str) -> bool:
    """Whether a word takes suffixes in languages that have them."""
    return tag_of(word) in ("NOUN", "PROPN") or word in ("she", "he", "it", "who", "what")


def lexicon(code: str) -> Lexicon:
    """The words of the language with this code."""
    return _lexicons()[code]


@cache
def _lexicons() -> dict[str, Lexicon]:
    used = set(CLASS_OF)
    return {spoken.code: _made(spoken, used) for spoken in LANGUAGES}


def _made(spoken: Language, used: set[str]) -> Lexicon:
    words = [w for w in CLASS_OF if spoken.morphology == "isolating" or not _is_small(w)]
    if spoken.code == SOURCE:
        return Lexicon(spoken, {w: w for w in words}, "", {}, frozenset(words), _turned(words))
    shared = _shared(spoken, words)
    sounds = _Sounds(spoken)
    roman = {w: w if w in shared else sounds.word(w, used) for w in words}
    plural, cases = "", dict[str, str]()
    if spoken.morphology == "agglutinating":
        plural, cases = sounds.suffixes(roman)
    forms = {w: _written(form, w, spoken) for w, form in roman.items()}
    turned = {form: word for word, form in forms.items()}
    ends = {case: _in_script(suffix, spoken) for case, suffix in cases.items()}
    return Lexicon(spoken, forms, _in_script(plural, spoken), ends, shared, turned)


def _turned(words: list[str]) -> dict[str, str]:
    return {word: word for word in words}


def _is_small(word: str) -> bool:
    return CLASS_OF[word] == "with_noun"


def _shared(spoken: Language, words: list[str]) -> frozenset[str]:
    """The exact share of words: of function words, of names and of the others alike."""
    shared: list[str] = []
    for stratum in (FUNCTION, NAMES, CLASSES.keys() - FUNCTION.keys() - NAMES.keys()):
        own = [w for w in words if CLASS_OF[w] in stratum]
        ranked = sorted(own, key=lambda w: rank(0, f"{spoken.code}:{w}"))
        shared += ranked[: int(spoken.overlap * len(own) + 0.5)]
    return frozenset(shared)


class _Sounds:
    """What words of one language can sound like."""

    def __init__(self, spoken: Language) -> None:
        self._chance = Chance(0, "lexicon", spoken.code)
        self._onsets = "".join(self._chance.some(_CONSONANTS, 11))
        self._codas = "".join(self._chance.some(_CONSONANTS, 4))
        self._vowels = "".join(self._chance.some(_VOWELS, 4))

    def word(self, meaning: str, used: set[str]) -> str:
        """A new word: function words are short."""
        short = CLASS_OF[meaning] in FUNCTION
        while True:
            syllables = 1 + self._chance.below(2) if short else 2 + self._chance.below(2)
            form = "".join(self._syllable() for _ in range(syllables))
            if self._chance.of(0.5):
                form += self._chance.one(self._codas)
            if form not in used and form.capitalize() not in used and len(form) > 1:
                used.add(form)
                return form

    def suffixes(self, roman: dict[str, str]) -> tuple[str, dict[str, str]]:
        """Suffixes of number and case with which no two forms are the same."""
        while True:
            drawn = {self._syllable() + self._chance.one(self._codas) for _ in range(16)}
            plural, *cases = sorted(drawn)[: 1 + len(CASES)]
            endings = [n + c for n in ("", plural) for c in ("", *cases)]
            forms = [f + e for w, f in roman.items() for e in (endings if inflects(w) else [""])]
            if len(set(map(str.lower, forms))) == len(forms) and len(cases) == len(CASES):
                return plural, dict(zip(CASES, cases, strict=True))

    def _syllable(self) -> str:
        return self._chance.one(self._onsets) + self._chance.one(self._vowels)


def _written(roman: str, word: str, spoken: Language) -> str:
    form = _in_script(roman.lower(), spoken)
    return form.capitalize() if is_name(word) and spoken.script not in _WITHOUT_CAPITALS else form


def _in_script(roman: str, spoken: Language) -> str:
    if spoken.script == "latin":
        return roman
    return roman.translate(str.maketrans(_LETTERS, _SCRIPTS[spoken.script]))
