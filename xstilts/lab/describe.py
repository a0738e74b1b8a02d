"""The languages as a table, and one sentence in each of them with its gloss."""

from collections.abc import Iterator
from dataclasses import dataclass

from xstilts.lab.grammar import grammar
from xstilts.lab.languages import LANGUAGES, Language
from xstilts.lab.meaning import Event, Sentence, Thing

EXAMPLE = Sentence(
    Event(
        "buy",
        Thing("Mara", tail="Velt"),
        patient=Thing("apple", "two", "red"),
        other=("from", Thing("farmer", "the")),
        place=("in", Thing("Tavo")),
        negated=True,
    )
)


@dataclass(frozen=True, slots=True)
class Described:
    """One language for readers.

    Attributes:
        language: its knobs.
        example: the example sentence.
        gloss: word for word in English, with suffixes.
    """

    language: Language
    example: str
    gloss: str


def described() -> Iterator[Described]:
    """All languages, the source first, then from near to far as they are declared."""
    for language in LANGUAGES:
        spoken = grammar(language.code)
        tokens = spoken.tokens(EXAMPLE)
        gloss = " ".join(token.word for token in tokens if token.tag != "PUNCT")
        yield Described(language, spoken.text(EXAMPLE), gloss)
