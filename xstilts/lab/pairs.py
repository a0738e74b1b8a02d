"""Sentence pairs whose label no text tells alone: inference and paraphrase.

What a bag of words could weigh is drawn before the label, and alike for every label: the words of
each text, its negation and its time, and that all content words of the second text stand in the
first (or are its synonyms). Only both texts together tell.
"""

from typing import NamedTuple

from xstilts.lab.chance import Chance
from xstilts.lab.customs import FRAMES, QUALITIES
from xstilts.lab.knobs import Knobs
from xstilts.lab.meaning import Event, Sentence, Thing
from xstilts.lab.rewording import SAME, asking, converse, kind_noun
from xstilts.lab.splits import Part, deeds, part_of
from xstilts.lab.words import CLASSES, NAMES, NOUNS, PAST, SOON
from xstilts.lab.world import kind_of, world

INFERENCES = ("contradiction", "entailment", "neutral")
NAMED = (*NAMES["woman"], *NAMES["man"])
_THINGS = tuple(noun for kind, nouns in NOUNS.items() if kind != "person" for noun in nouns)
_BETWEEN_PEOPLE = ("meet", "help", "thank", "greet", "call", "teach", "follow", "visit")


class Pair(NamedTuple):
    """Two texts as meanings, and the label."""

    first: tuple[Sentence, ...]
    second: tuple[Sentence, ...]
    label: str


def inference(chance: Chance, part: Part, knobs: Knobs) -> Pair:
    """Several events with different agents; the second text is about one, which may be negated.

    It is entailed if it says the same, contradicted if it says the opposite, and neutral if it says
    it of another time (two thirds of the events that have one) or of somebody else: of the agent of
    another event, or with agent and recipient exchanged.
    """
    make = _deed if chance.of(knobs.shared) else _state
    about = chance.below(knobs.length)
    events = make(chance, part, knobs.length, about)
    told = events[about]._replace(negated=chance.of(0.5))
    if told.verb != "be" and chance.of(0.5):
        told = told._replace(auxiliary="will", time=told.time and chance.one(SOON))
    events[about] = told
    label = chance.one(INFERENCES[: knobs.labels])
    said = told._replace(place=None, time="", tool=None)
    if label == "neutral":
        if told.verb != "be" and chance.of(2 / 3):
            said = said._replace(auxiliary="did" if told.auxiliary == "will" else "will")
        else:
            said = _of_somebody_else(said, events, about, chance)
        said = said._replace(negated=chance.of(0.5))
    elif label == "contradiction":
        said = said._replace(negated=not said.negated)
    said = _reworded(said, events, part, knobs.steps, chance)
    return Pair(tuple(map(Sentence, events)), (Sentence(said),), _noisy(label, part, knobs, chance))


def paraphrase(chance: Chance, part: Part, knobs: Knobs, asked: bool = False) -> Pair:
    """Two sentences about one event; ``1`` if they mean the same, ``0`` with two people exchanged.

    Args:
        chance: the stream.
        part: which meanings.
        knobs: of the task.
        asked: questions (where? when?) instead of statements.
    """
    event = _between_two(chance, part)
    event = event._replace(
        time=chance.one(PAST),
        place=("in", Thing(chance.one(NOUNS["place"]), "the")),
        negated=chance.of(0.3),
    )
    fronts = ["", "time", "place"]
    if asked:
        gone = chance.one(("time", "place"))
        event = asking(event, gone)
        fronts.remove(gone)
    one, other = chance.some(fronts, 2)
    label = chance.one(("0", "1"))
    second = event if label == "1" else _exchanged(event)
    second = _reworded(second, [], part, knobs.steps, chance)
    texts = (Sentence(event, front=one, asked=asked), Sentence(second, front=other, asked=asked))
    return Pair(texts[:1], texts[1:], _noisy(label, part, knobs, chance))


def _noisy(label: str, part: Part, knobs: Knobs, chance: Chance) -> str:
    if part != "train" or not knobs.noise or not chance.of(knobs.noise):
        return label
    known = ("0", "1") if label in ("0", "1") else INFERENCES[: knobs.labels]
    return chance.one([other for other in known if other != label])


def _deed(chance: Chance, part: Part, count: int, about: int) -> list[Event]:
    """Events of different people with different verbs and kinds of things; one is of ``part``."""
    names = chance.some(NAMED, count)
    own = deeds(part)
    events: list[Event] = []
    while len(events) < count:
        here = own if len(events) == about else deeds(chance.one(("train", "dev", "test")))
        verb = chance.one(tuple(here))
        noun = chance.one(here[verb])
        kind = kind_of(Thing(noun))
        if any(verb in (e.verb, SAME.get(e.verb)) or kind == _kind(e) for e in events):
            continue
        frame, name = FRAMES[verb], names[len(events)]
        quality = world().quality(noun, chance) if chance.of(0.3) else ""
        recipient = chance.one([n for n in names if n != name]) if count > 1 else ""
        marked = frame.marker and recipient and chance.of(0.7)
        events.append(
            Event(
                verb,
                Thing(name),
                patient=Thing(noun, "the", quality),
                other=(frame.marker, Thing(recipient)) if marked else None,
                place=("in", Thing(chance.one(NOUNS["place"]), "the")) if chance.of(0.2) else None,
                time=chance.one(PAST) if chance.of(0.2) else "",
            )
        )
    return events


def _kind(event: Event) -> str:
    return kind_of(event.patient) if event.patient else ""


def _state(chance: Chance, part: Part, count: int, about: int) -> list[Event]:
    """What different things are like; all are of ``part``, whichever quality goes with which."""
    while True:
        nouns = chance.some(_THINGS, count)
        classes = set.intersection(*(set(QUALITIES[kind_of(Thing(n))]) for n in nouns))
        fitting = [a for name in sorted(classes) for a in CLASSES[name]]
        if len(fitting) < count:
            continue
        qualities = chance.some(fitting, count)
        said = [Event("be", Thing(n, "the"), "was", quality=qualities[about]) for n in nouns]
        if all(part_of(event) == part for event in said):
            return [e._replace(quality=q) for e, q in zip(said, qualities, strict=True)]


def _of_somebody_else(said: Event, events: list[Event], about: int, chance: Chance) -> Event:
    if said.other is not None:
        return _exchanged(said)
    others = [e.agent for i, e in enumerate(events) if i != about]
    return said._replace(agent=chance.one(others))


def _exchanged(event: Event) -> Event:
    """Agent and the other person in each other's place."""
    if event.other is not None:
        marker, other = event.other
        return event._replace(agent=other, other=(marker, event.agent))
    assert event.patient is not None
    return event._replace(agent=event.patient, patient=event.agent)


def _between_two(chance: Chance, part: Part) -> Event:
    """An event in which two named people could change places."""
    while True:
        one, other = chance.some(NAMED, 2)
        verb = chance.one(tuple(FRAMES))
        if verb in _BETWEEN_PEOPLE:
            event = Event(verb, Thing(one), patient=Thing(other))
        elif FRAMES[verb].marker and FRAMES[verb].others == ("human",) and verb in deeds(part):
            noun = Thing(chance.one(deeds(part)[verb]), "the")
            event = Event(verb, Thing(one), patient=noun, other=(FRAMES[verb].marker, Thing(other)))
        else:
            continue
        if part_of(event) == part:
            return event


def _reworded(event: Event, around: list[Event], part: Part, steps: int, chance: Chance) -> Event:
    """At most ``steps`` rewordings, each of another sort, that keep the event in its part."""
    for sort in chance.mixed(("synonym", "converse", "kind"))[: chance.below(steps + 1)]:
        new: Event | None = None
        if sort == "synonym" and event.verb in SAME:
            new = event._replace(verb=SAME[event.verb])
        elif sort == "synonym" and event.quality in SAME:
            new = event._replace(quality=SAME[event.quality])
        elif sort == "converse":
            new = converse(event)
        elif sort == "kind" and event.patient:
            kind = kind_noun(event.patient)
            new = event._replace(patient=kind._replace(quality="")) if kind else None
        if new is not None and part_of(new) == part:
            event = new
    return event
