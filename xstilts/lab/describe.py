"""The languages as a table, and one sentence in each of them with its gloss."""

from collections.abc import Iterable, Iterator
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


def described_lines(found: Iterable[Described]) -> Iterator[str]:
    """A table of the languages' knobs, and below it the sentences with their glosses."""
    every = list(found)
    columns = "distance overlap order adjective morphology script amount".split()
    yield f"{'code':<6}{'name':<30}" + "".join(f"{c:<14}" for c in columns).rstrip()
    for one in every:
        spoken = one.language
        cells = [f"{spoken.distance:.2f}", f"{spoken.overlap:.2f}", spoken.order, spoken.adjective]
        cells += [spoken.morphology, spoken.script, f"{spoken.amount:.3g}"]
        yield f"{spoken.code:<6}{spoken.name:<30}" + "".join(f"{c:<14}" for c in cells).rstrip()
    for one in every:
        yield f"\n{one.language.code}  {one.example}\n     {one.gloss}"
