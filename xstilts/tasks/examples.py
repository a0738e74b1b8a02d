"""The shapes of an example, as they are read from the official files.

Every example has an ``id`` (the file's own where it has one, else its position) and a ``group``:
the unit that must not be torn apart by a draw or a resample (paragraph, premise, sentence). In
parallel test sets both are the same in every language.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts, one label out of the task's list; ``second`` is None where one text is labelled.

    Either all examples of a task have a second text or none has.
    """

    id: str
    group: str
    first: str
    second: str | None
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


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of one of the two collections that are mined for translations.

    ``gold`` holds the ids of its translations among the targets; it is empty for a target, and for
    the many source sentences that nobody translated.
    """

    id: str
    group: str
    side: Literal["source", "target"]
    text: str
    gold: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A text that asks for some of the candidates of all languages; ``gold`` are their ids here.

    In a parallel set the id is the same in every language, so that the right candidates of all
    languages are the gold of all queries with that id.
    """

    id: str
    group: str
    text: str
    gold: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What queries are ranked against: a text and the one it stands in (may be empty).

    ``id`` names one candidate over all languages.
    """

    id: str
    group: str
    text: str
    context: str


Example = Pair | Choice | Span | Tagged | Parallel | Sentence | Query | Candidate


class Kinds:
    """The name of every example kind, and the classes of its examples."""

    BY_NAME: ClassVar[dict[str, tuple[type[Example], ...]]] = {
        "pair": (Pair,),
        "choice": (Choice,),
        "span": (Span,),
        "tagging": (Tagged,),
        "retrieval": (Parallel,),
        "mining": (Sentence,),
        "ranking": (Query, Candidate),
    }


def asked(example: Example) -> int:
    """How many scored items an example is, as data sets count them.

    A candidate is none, a sentence to be mined as many as it has gold pairs, all others are one.
    """
    if isinstance(example, Sentence):
        return len(example.gold)
    return 0 if isinstance(example, Candidate) else 1
