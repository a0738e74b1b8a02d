"""The five shapes of an example, as they are read from the official files.

Every example has an ``id`` (the file's own where it has one, else its position) and a ``group``:
the unit that must not be torn apart by a draw or a resample (paragraph, premise, sentence). In
parallel test sets both are the same in every language.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts, one label out of the task's list."""

    id: str
    group: str
    first: str
    second: str
    label: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A context (and a question, may be empty) with several candidate continuations or answers.

    ``label`` is the 0-based index of the right one.
    """

    id: str
    group: str
    context: str
    question: str
    choices: tuple[str, ...]
    label: int


@dataclass(frozen=True, slots=True)
class Span:
    """A question whose answer stands in the context.

    ``answers`` and ``starts`` (character offsets into ``context``) have one entry a gold answer;
    both are empty for a question without an answer.
    """

    id: str
    group: str
    context: str
    question: str
    answers: tuple[str, ...]
    starts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tagged:
    """Words with one tag each, ``len(words) == len(tags) > 0``."""

    id: str
    group: str
    words: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parallel:
    """A sentence and its English translation; retrieval has to find one from the other."""

    id: str
    group: str
    text: str
    english: str


Example = Pair | Choice | Span | Tagged | Parallel


class Kinds:
    """The name of every example kind, and the class of its examples."""

    BY_NAME: ClassVar[dict[str, type[Example]]] = {
        "pair": Pair,
        "choice": Choice,
        "span": Span,
        "tagging": Tagged,
        "retrieval": Parallel,
    }
