"""Which meanings are trained on, selected on and reported: one answer for all tasks.

Every event belongs to one part by what happens to what (a verb and its object; a thing and what is
said of it), whatever the words, the language, who does it, where, and whether it happened at all.
So no task reports a meaning that any task trains on. The parts hold 7, 1 and 2 tenths of the
meanings.
"""

from functools import cache
from typing import Literal

from xstilts.core.seeds import derive
from xstilts.lab.customs import FRAMES
from xstilts.lab.meaning import Event, Sentence
from xstilts.lab.words import CONVERSES, NOUNS, SYNONYMS, is_name

Part = Literal["train", "dev", "test"]
PARTS: tuple[Part, ...] = ("train", "dev", "test")
_TENTHS: tuple[Part, ...] = ("train",) * 7 + ("dev",) + ("test",) * 2
_SAME = {other: one for one, other in (*SYNONYMS, *CONVERSES)}


def part_of(event: Event) -> Part:
    """The part that an event belongs to."""
    return _part(*_key(event))


def part_of_sentence(sentence: Sentence) -> Part | None:
    """The part of a sentence; None where its events belong to different ones."""
    part = part_of(sentence.event)
    if sentence.second is not None and part_of(sentence.second) != part:
        return None
    return part


@cache
def deeds(part: Part) -> dict[str, tuple[str, ...]]:
    """Verb of people -> the nouns that it is done to in this part, where there are two or more."""
    found = {}
    for verb, frame in FRAMES.items():
        kinds = [kind for kind in frame.patients if kind in NOUNS]
        if "human" not in frame.agents or not kinds:
            continue
        nouns = [n for kind in kinds for n in NOUNS[kind] if _part(_root(verb), n) == part]
        if len(nouns) > 1:
            found[verb] = tuple(nouns)
    return found


def _key(event: Event) -> tuple[str, ...]:
    verb = _root(event.verb)
    if verb == "be":
        said = event.patient or (event.place[1] if event.place else None)
        return verb, event.agent.word, said.word if said else _root(event.quality)
    if event.patient is None:
        return verb, event.other[1].word if event.other else event.agent.word
    if is_name(event.patient.word):
        return verb, *sorted((event.agent.word, event.patient.word))
    return verb, event.patient.word


def _root(word: str) -> str:
    """The same word for all that mean the same."""
    return _SAME.get(word, word)


@cache
def _part(*key: str) -> Part:
    return _TENTHS[derive(0, "part", *key) % len(_TENTHS)]
