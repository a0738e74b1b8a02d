"""Meanings: what a sentence says, in no language. The grammar puts them into words and back.

Words of meanings are those of :mod:`xstilts.lab.words`.
"""

from typing import NamedTuple


class Thing(NamedTuple):
    """What a noun phrase stands for.

    Attributes:
        word: a noun, the first part of a name, a pronoun or a question word.
        quantity: article or number; empty for names, pronouns and question words.
        quality: an adjective, or empty.
        tail: the second part of a name, or empty.
    """

    word: str
    quantity: str = ""
    quality: str = ""
    tail: str = ""


class Event(NamedTuple):
    """Who did what to whom, where and when; or, with ``be``, what or where something is.

    Attributes:
        verb: a verb, or ``be``, which has one of ``quality``, ``patient`` and ``place``.
        agent: who acts or is.
        auxiliary: ``did`` and ``will``; of ``be`` ``was`` and ``is``.
        patient: what is acted on; what somebody is.
        other: the word before it (``to``, ``from``) and who gets or loses, or where one goes.
        tool: with what.
        place: the word before it (``in``, ``near``) and where; the word is empty in questions.
        time: an adverb, ``when`` or empty.
        quality: an adjective said of the agent.
        negated: whether it did not happen.
    """

    verb: str
    agent: Thing
    auxiliary: str = "did"
    patient: Thing | None = None
    other: tuple[str, Thing] | None = None
    tool: Thing | None = None
    place: tuple[str, Thing] | None = None
    time: str = ""
    quality: str = ""
    negated: bool = False


class Sentence(NamedTuple):
    """One or two events and how they are said.

    Attributes:
        event: the first event.
        joint: ``because`` or ``and`` before the second event, or empty.
        second: the second event.
        link: ``then``, ``so``, ``but``, ``later``, ``yes`` or ``no`` before all, or empty.
        front: ``place`` or ``time`` of the first event where it is said first, or empty.
        asked: whether it is a question.
    """

    event: Event
    joint: str = ""
    second: Event | None = None
    link: str = ""
    front: str = ""
    asked: bool = False
