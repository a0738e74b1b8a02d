"""Entities for linking: people, what everybody knows of them, and mentions of them."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from xstilts.lab.chance import Chance
from xstilts.lab.languages import CODES, SOURCE
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
    people = range(len(world().people))
    return _lines(_entity(number, CODES[number % len(CODES)]) for number in people)


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
    rows = (_row(item, code, i) for code, found in items for i, item in enumerate(found))
    return _lines({"context": context, "mentions": [mention]} for context, mention in rows)


def pairs(found: Sequence[Mention]) -> str:
    """The training pairs of Mewsli-X: mentions and entities, both in the source language."""
    rows = []
    for i, item in enumerate(found):
        context, mention = _row(item, SOURCE, i)
        entity = _entity(int(item.entity[1:]) - 1, SOURCE)
        both = {"context": context, "mention": mention}
        rows.append({"contextual_mention": both, "entity": entity})
    return _lines(rows)


def _lines(rows: Iterable[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _entity(number: int, code: str) -> dict[str, Any]:
    text = laid_out(_known(world().people[number], full=True), code)
    spans = _spans(text.breaks)
    return {"entity_id": entity_of(number), "description": text.text, "sentence_spans": spans}


def _row(item: Mention, code: str, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Where somebody is mentioned, and the mention."""
    text = laid_out(item.sentences, code)
    start, end = text.span(item.sentence, "agent")
    context = {
        "language": code,
        "document_id": f"{code}-{number}",
        "text": text.text,
        "sentence_spans": _spans(text.breaks),
    }
    mention = {
        "example_id": f"{code}-{number}-0",
        "entity_id": item.entity,
        "mention_span": {"start": start, "end": end, "text": text.text[start:end]},
    }
    return context, mention


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
