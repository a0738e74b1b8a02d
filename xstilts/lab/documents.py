"""Pretraining text: stories of the one world, one a string, told in any language."""

from collections.abc import Iterator

from xstilts.lab.chance import Chance
from xstilts.lab.grammar import grammar, written
from xstilts.lab.story import story


def documents(code: str, tokens: int, seed: int = 0) -> Iterator[str]:
    """Stories in a language until they hold ``tokens`` words and marks, one a string.

    Languages do not tell the same stories: nothing is parallel.
    """
    chance = Chance(seed, "documents", code)
    spoken = grammar(code)
    told = 0
    while told < tokens:
        lines = []
        for sentence in story(chance):
            said = spoken.tokens(sentence)
            told += len(said)
            lines.append(written(said))
        yield " ".join(lines)
