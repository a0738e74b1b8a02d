"""The leak check: training and selection text against every reported text.

A *unit* is what must not be shared: a paragraph, a premise or hypothesis, a sentence. Units are
compared as their letters and digits only (NFKC, case-folded), so tokenisation, spacing and
punctuation do not hide a copy. Short units (`MINIMUM` characters) are no evidence: two people do
write "Thank you very much." independently.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xstilts.tasks.examples import Candidate, Choice, Pair, Parallel, Query, Sentence, Span, Tagged

MINIMUM = 20  # letters and digits
_NOT_LETTERS = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Overlap:
    """What one trained slice shares with one reported slice.

    Attributes:
        trained: address of the trained or selected slice.
        reported: address of the reported slice.
        task: the task whose file is trained or selected on.
        split: which of its splits.
        units: number of distinct shared texts.
        examples: ids of the trained examples that hold one.
        sample: the first shared text.
    """

    trained: str
    reported: str
    task: str
    split: str
    units: int
    examples: tuple[str, ...]
    sample: str


def letters(text: str) -> str:
    """The letters and digits of a text, NFKC-normalised and case-folded."""
    return _NOT_LETTERS.sub("", unicodedata.normalize("NFKC", text).casefold())


def units(kind: str, example: Any) -> list[str]:
    """The texts of an example that must not stand on both sides."""
    return _UNITS[kind](example)


def _pair(e: Pair) -> list[str]:
    return [e.first] if e.second is None else [e.first, e.second]


def _choice(e: Choice) -> list[str]:
    return [e.context]


def _span(e: Span) -> list[str]:
    return [e.context]


def _tagged(e: Tagged) -> list[str]:
    return ["".join(e.words)]


def _parallel(e: Parallel) -> list[str]:
    return [e.text, e.english]


def _sentence(e: Sentence) -> list[str]:
    return [e.text]


def _ranked(e: Query | Candidate) -> list[str]:
    return [e.text] if isinstance(e, Query) else [e.text, e.context]


_UNITS: dict[str, Callable[[Any], list[str]]] = {
    "pair": _pair,
    "choice": _choice,
    "span": _span,
    "tagging": _tagged,
    "retrieval": _parallel,
    "mining": _sentence,
    "ranking": _ranked,
}


def index(kind: str, examples: Iterable[Any]) -> dict[str, list[str]]:
    """Normalised unit -> ids of the examples that hold it; short units are left out."""
    found: dict[str, list[str]] = defaultdict(list)
    seen: dict[str, str] = {}
    for example in examples:
        for unit in units(kind, example):
            if unit not in seen:
                seen[unit] = letters(unit)
            if len(seen[unit]) >= MINIMUM:
                found[seen[unit]].append(example.id)
    return found


def overlaps(
    trained: Sequence[tuple[str, str, str, Mapping[str, list[str]]]],
    reported: Sequence[tuple[str, Mapping[str, list[str]]]],
) -> list[Overlap]:
    """Every pair of a trained and a reported slice that share a unit.

    Args:
        trained: ``(task, split, address, index)`` of each training and selection slice.
        reported: ``(address, index)`` of each reported slice.
    """
    found = []
    for task, split, address, mine in trained:
        for other, theirs in reported:
            shared = [u for u in mine if u in theirs]
            if shared:
                ids = dict.fromkeys(i for u in shared for i in mine[u])
                found.append(
                    Overlap(address, other, task, split, len(shared), tuple(ids), shared[0])
                )
    return found
