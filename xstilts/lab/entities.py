"""Entities for linking: people, what everybody knows of them, and mentions of them."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from xstilts.lab.chance import Chance
from xstilts.lab.languages import CODES
from xstilts.lab.meaning import Event, Sentence, Thing
from xstilts.lab.rendering import laid_out
from xstilts.lab.splits import Part, deeds
from xstilts.lab.words import NOUNS
from xstilts.lab.world import Person, world


class Mention(NamedTuple):
    """A short text of which the given sentence's agent is the entity that is meant."""

    entity: str
    sentences: tuple[Sentence, ...]
    sentence: int


def descriptions() -> str:
    """Mewsli-X's entities: each person described in one of the languages, in turn."""
    out = []
    for number, person in enumerate(world().people):
        text = laid_out(_known(person, full=True), CODES[number % len(CODES)])
        out.append(
            {
                "entity_id": entity_of(number),
                "description": text.text,
                "sentence_spans": _spans(text.breaks),
            }
        )
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in out)


def entity_of(number: int) -> str:
    """The id of a person: the place in the list of people, from 1."""
    return f"Q{number + 1}"


def mention(chance: Chance, part: Part) -> Mention:
    """Somebody is spoken of: something that is known of the person, and something new."""
    people = world().people
    number = chance.below(len(people))
    person = people[number]
    verb = chance.one(tuple(deeds(part)))
    place = ("in", Thing(chance.one(NOUNS["place"]), "the"))
    noun = Thing(chance.one(deeds(part)[verb]), "the")
    new = Sentence(Event(verb, person.name, patient=noun, place=place))
    about = chance.one(_known(person, full=False))
    return Mention(entity_of(number), (new, about), 1)


def mentions(items: Sequence[tuple[str, Sequence[Mention]]]) -> str:
    """Mewsli-X's mentions of several languages, as (language, its mentions)."""
    return "".join(
        json.dumps(_row(item, code, i), ensure_ascii=False) + "\n"
        for code, found in items
        for i, item in enumerate(found)
    )


def _row(item: Mention, code: str, number: int) -> dict[str, Any]:
    text = laid_out(item.sentences, code)
    start, end = text.span(item.sentence, "agent")
    return {
        "context": {
            "language": code,
            "document_id": f"{code}-{number}",
            "text": text.text,
            "sentence_spans": _spans(text.breaks),
        },
        "mentions": [
            {
                "example_id": f"{code}-{number}-0",
                "entity_id": item.entity,
                "mention_span": {"start": start, "end": end, "text": text.text[start:end]},
            }
        ],
    }


def _known(person: Person, full: bool) -> list[Sentence]:
    """What everybody knows of a person."""
    name = person.full if full else person.name
    return [
        Sentence(Event("be", name, "is", patient=Thing(person.trade, "a"))),
        Sentence(Event("be", name, "is", place=("in", Thing(person.town)))),
        Sentence(Event("work", name, place=("in", person.body))),
    ]


def _spans(breaks: Sequence[tuple[int, int]]) -> list[dict[str, int]]:
    return [{"start": start, "end": end} for start, end in breaks]
