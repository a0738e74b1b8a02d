"""Single sentences out of stories: for tagging, for retrieval and for mining."""

from collections.abc import Iterator
from itertools import islice

from xstilts.lab.chance import Chance
from xstilts.lab.grammar import grammar
from xstilts.lab.languages import SOURCE
from xstilts.lab.meaning import Sentence
from xstilts.lab.splits import Part, part_of_sentence
from xstilts.lab.story import story


def different_sentences(
    chance: Chance, part: Part, count: int, *, words: int = 5, named: bool = False
) -> list[Sentence]:
    """Sentences of one part, all different.

    Args:
        chance: the stream.
        part: which meanings.
        count: how many.
        words: at least so many in the source language, marks counted.
        named: only sentences with a name in them.
    """
    return list(islice(_different(chance, part, words, named), count))


def _different(chance: Chance, part: Part, words: int, named: bool) -> Iterator[Sentence]:
    seen: set[Sentence] = set()
    source = grammar(SOURCE)
    while True:
        for sentence in story(chance):
            if sentence in seen or part_of_sentence(sentence) != part:
                continue
            tokens = source.tokens(sentence)
            if len(tokens) >= words and (not named or any(t.entity != "O" for t in tokens)):
                seen.add(sentence)
                yield sentence
