"""Meanings as text of one language, with the places in it that a format asks for."""

from collections.abc import Sequence
from typing import NamedTuple

from xstilts.lab.grammar import Token, grammar
from xstilts.lab.meaning import Sentence, Thing


class Text(NamedTuple):
    """Sentences of a language as one text.

    Attributes:
        text: as it is written, a space between sentences.
        breaks: first character and last + 1 of each sentence.
        tokens: of each sentence, every token with its first character and last + 1 in the text.
    """

    text: str
    breaks: tuple[tuple[int, int], ...]
    tokens: tuple[tuple[tuple[Token, int, int], ...], ...]

    def span(self, sentence: int, slot: str) -> tuple[int, int]:
        """Where in the text the noun phrase in a slot stands, without a word such as `in`."""
        placed = [p for p in self.tokens[sentence] if p[0].slot == slot and p[0].tag != "ADP"]
        return placed[0][1], placed[-1][2]


def said(sentences: Sequence[Sentence], code: str) -> str:
    """Sentences in a language."""
    spoken = grammar(code)
    return " ".join(spoken.text(sentence) for sentence in sentences)


def named(thing: Thing, code: str) -> str:
    """A noun phrase on its own in a language."""
    return " ".join(token.form for token in grammar(code).phrase(thing, "", "agent"))


def laid_out(sentences: Sequence[Sentence], code: str) -> Text:
    """Sentences in a language, and where everything stands."""
    spoken = grammar(code)
    text, breaks, tokens = "", [], []
    for sentence in sentences:
        if text:
            text += " "
        begin, placed = len(text), []
        for token in spoken.tokens(sentence):
            if len(text) > begin and token.tag != "PUNCT":
                text += " "
            placed.append((token, len(text), len(text) + len(token.form)))
            text += token.form
        breaks.append((begin, len(text)))
        tokens.append(tuple(placed))
    return Text(text, tuple(breaks), tuple(tokens))
