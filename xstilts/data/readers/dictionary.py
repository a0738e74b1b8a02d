"""A dictionary as a task: does this word have that meaning?

Dictionaries instead of inference data are the idea of arXiv 2404.03912, whose positives are an
example sentence of a word and one of its synonyms or translations. What is told apart here, how
wrong meanings are found and how words are kept apart is ours (docs/decisions/0016-translations.md).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xstilts.core.seeds import rank
from xstilts.data.readers.source import Source, lines, normalised, text_group
from xstilts.tasks.examples import Pair

_ROW = "WORD, a tab, MEANING (and, after another tab, a sentence with the word)"


@dataclass(frozen=True, slots=True)
class _Entry:
    """One meaning of a word; ``text`` is the sentence that shows the word, or the word itself.

    ``word`` and ``meaning`` are normalised, ``said`` is the meaning as it is written.
    """

    line: int
    word: str
    meaning: str
    text: str
    said: str

    @property
    def both(self) -> frozenset[str]:
        """Word and meaning, whichever of two synonyms stands first."""
        return frozenset((self.word, self.meaning))


def dictionary_tsv(source: Source) -> Iterator[Pair]:
    """Every entry, and as often a word with a meaning that it does not have.

    A group is a block of words that have lent each other their meanings. Each word and each meaning
    of a block stands in as many right pairs as wrong ones, so neither alone tells the label.
    Repeated entries, also with word and meaning in each other's place, and words that mean
    themselves are left out; so are blank lines and comments (``#``).
    """
    entries = _entries(source)
    known = {entry.both for entry in entries}
    for block, lent in _blocks(source, entries, known):
        group = source.prefix + text_group(block[0].word)
        for entry, other in zip(block, lent, strict=True):
            where = f"{source.path}:{entry.line}"
            for own, meaning, label in (
                (f"{entry.line}", entry.said, "same"),
                (f"{entry.line}-{other.line}", other.said, "different"),
            ):
                yield Pair(
                    id=source.prefix + own,
                    group=group,
                    first=entry.text,
                    second=meaning,
                    label=source.label(label, where),
                )


def _entries(source: Source) -> list[_Entry]:
    """Entries in file order, each once."""
    found: dict[tuple[frozenset[str], str], _Entry] = {}
    for number, line in lines(source.path):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) not in (2, 3):
            raise source.error(f"The row has {len(cells)} columns", number, expected=_ROW)
        if not all(cells):
            raise source.error("The row has an empty cell", number, expected=_ROW)
        word, meaning = normalised(cells[0]), normalised(cells[1])
        text = cells[2] if len(cells) == 3 else cells[0]
        entry = _Entry(number, word, meaning, text, cells[1])
        sentence = normalised(text) if len(cells) == 3 else ""
        if word != meaning:
            found.setdefault((entry.both, sentence), entry)
    return list(found.values())


def _blocks(
    source: Source, entries: Sequence[_Entry], known: set[frozenset[str]]
) -> list[tuple[list[_Entry], list[_Entry]]]:
    """Words with all their entries, in seeded order, in blocks as small as they can be.

    With each block comes what :func:`_lent` says of it.

    Raises:
        DataError: where no word lacks another's meaning.
    """
    words: dict[str, list[_Entry]] = defaultdict(list)
    for entry in entries:
        words[entry.word].append(entry)
    blocks: list[tuple[list[_Entry], list[_Entry]]] = []
    left: list[_Entry] = []
    for word in sorted(words, key=lambda word: rank(0, f"dictionary/{word}")):
        left = left + words[word]
        if lent := _lent(left, known):
            blocks.append((left, lent))
            left = []
    while left:  # the last words found nobody to lend them a meaning
        if not blocks:
            what = f"None of the {len(left)} entries has a meaning that another word lacks"
            raise source.error(what, 1, expected="words with different meanings, two or more")
        left = blocks.pop()[0] + left
        if lent := _lent(left, known):
            blocks.append((left, lent))
            left = []
    return blocks


def _lent(block: Sequence[_Entry], known: set[frozenset[str]]) -> list[_Entry] | None:
    """For each entry another of the block whose meaning its word lacks; None where it cannot be.

    Each lends its meaning once: the entries move on by the first number of places that will do.
    """
    for places in range(1, len(block)):
        lent = [*block[places:], *block[:places]]
        pairs = zip(block, lent, strict=True)
        if all(a.word != b.meaning and {a.word, b.meaning} not in known for a, b in pairs):
            return lent
    return None
