"""Paragraphs with questions whose answer stands in them.

In a paragraph two people do the same two things to different objects, so that neither the person
nor the verb alone tells which sentence answers a question.
"""

from typing import NamedTuple

from xstilts.lab.chance import Chance
from xstilts.lab.knobs import Knobs
from xstilts.lab.meaning import Event, Sentence, Thing
from xstilts.lab.pairs import NAMED
from xstilts.lab.rewording import SAME, asking
from xstilts.lab.splits import Part, deeds
from xstilts.lab.words import CLASS_OF, NOUNS, PAST
from xstilts.lab.world import world


class Question(NamedTuple):
    """A question on a paragraph.

    Attributes:
        asked: the question.
        sentence: number of the sentence that answers it; None where none does.
        slot: what of that sentence is the answer: agent, patient or place.
    """

    asked: Sentence
    sentence: int | None
    slot: str


class Paragraph(NamedTuple):
    """Sentences and questions on them."""

    sentences: tuple[Sentence, ...]
    questions: tuple[Question, ...]


def paragraph(
    chance: Chance, part: Part, knobs: Knobs, questions: int = 3, unanswerable: float = 0.0
) -> Paragraph:
    """A paragraph of ``knobs.length`` sentences, at least four, and some questions on it.

    Args:
        chance: the stream.
        part: what all events belong to.
        knobs: of the task.
        questions: how many.
        unanswerable: share of the questions that ask about one person's object with the other's
            name.
    """
    names = chance.some(NAMED, 2)
    verbs = _verbs(chance, part, max(2, (knobs.length + 1) // 2))
    events: list[Event] = []
    for verb in verbs:
        for name, noun in zip(names, chance.some(deeds(part)[verb], 2), strict=True):
            events.append(_event(chance, name, verb, noun))
    events = chance.mixed(events)[: max(4, knobs.length)]
    asked: list[Question] = []
    for number in chance.some(range(len(events)), min(questions, len(events))):
        asked.append(_question(chance, events, number, names, knobs, unanswerable))
    return Paragraph(tuple(_said(chance, e) for e in events), tuple(asked))


def _verbs(chance: Chance, part: Part, count: int) -> list[str]:
    """Verbs of different meanings."""
    while True:
        verbs = chance.some(tuple(deeds(part)), count)
        if len({min(v, SAME.get(v, v)) for v in verbs}) == count:
            return verbs


def _event(chance: Chance, name: str, verb: str, noun: str) -> Event:
    quality = world().quality(noun, chance) if chance.of(0.4) else ""
    quantity = "the" if CLASS_OF[noun] == "place" else chance.one(("a", "the"))
    place = chance.one([n for n in NOUNS["place"] if n != noun])
    return Event(
        verb,
        Thing(name),
        patient=Thing(noun, quantity, quality),
        place=("in", Thing(place, "the")) if chance.of(0.6) else None,
        time=chance.one(PAST) if chance.of(0.25) else "",
    )


def _said(chance: Chance, event: Event) -> Sentence:
    front = "place" if event.place and chance.of(0.3) else ""
    return Sentence(event, front=front)


def _question(
    chance: Chance,
    events: list[Event],
    number: int,
    names: list[str],
    knobs: Knobs,
    unanswerable: float,
) -> Question:
    event = events[number]
    assert event.patient is not None
    plain = Event(
        event.verb,
        event.agent,
        patient=Thing(event.patient.word, "the"),
        place=event.place,
    )
    if knobs.steps and chance.of(0.3) and plain.verb in SAME:
        plain = plain._replace(verb=SAME[plain.verb])
    if chance.of(unanswerable):
        other = next(name for name in names if name != event.agent.word)
        wrong = plain._replace(agent=Thing(other))
        return Question(Sentence(asking(wrong, "place"), asked=True), None, "place")
    slot = chance.one(("agent", "patient", "place") if event.place else ("agent", "patient"))
    if slot != "place":
        plain = plain._replace(place=None)
    return Question(Sentence(asking(plain, slot), asked=True), number, slot)
