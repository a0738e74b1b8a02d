"""Meanings from meanings: other words for an event, a question about it, what follows from it."""

from xstilts.lab.chance import Chance
from xstilts.lab.customs import FRAMES, Step
from xstilts.lab.meaning import Event, Thing
from xstilts.lab.words import CLASS_OF, CONVERSES, KINDS, SYNONYMS
from xstilts.lab.world import ACTIVE_BODIES, fits, kind_of

SAME = {a: b for a, b in SYNONYMS} | {b: a for a, b in SYNONYMS}
_OTHER_SIDE = {a: (b, "to") for a, b in CONVERSES} | {b: (a, "from") for a, b in CONVERSES}


def reworded(event: Event, chance: Chance) -> Event:
    """The event with either of two synonyms wherever there are two."""
    verb, quality = event.verb, event.quality
    if verb in SAME and chance.of(0.5):
        event = event._replace(verb=SAME[verb])
    if quality in SAME and chance.of(0.5):
        event = event._replace(quality=SAME[quality])
    return event


def converse(event: Event) -> Event | None:
    """The event from its other side (A sold to B: B bought from A); None where it has none."""
    turned = _OTHER_SIDE.get(event.verb)
    if turned is None or event.other is None:
        return None
    verb, marker = turned
    return event._replace(verb=verb, agent=event.other[1], other=(marker, event.agent))


def kind_noun(thing: Thing) -> Thing | None:
    """The thing as a member of its kind (the dog: the beast); None for names and kinds."""
    noun = KINDS.get(CLASS_OF[thing.word])
    return thing._replace(word=noun) if noun and thing.quantity else None


def asking(event: Event, slot: str) -> Event:
    """The event with a question word for what fills ``slot``: agent, patient, place … or time."""
    if slot == "place":
        return event._replace(place=("", Thing("where")))
    if slot == "time":
        return event._replace(time="when")
    if slot == "other":
        assert event.other is not None
        return event._replace(other=(event.other[0], _unknown(event.other[1])))
    if slot == "patient":
        assert event.patient is not None
        return event._replace(patient=_unknown(event.patient))
    return event._replace(agent=_unknown(event.agent))


def _unknown(thing: Thing) -> Thing:
    return Thing("who" if kind_of(thing) == "human" else "what")


def after(step: Step, event: Event, somebody: Thing | None) -> Event | None:
    """A sequel or motive of an event, with the event's own people and things.

    None where they do not fit: the tables tell of a verb with whatever it takes, frames decide.
    """
    roles = {
        "A": event.agent,
        "P": event.patient,
        "O": event.other[1] if event.other else None,
        "B": somebody,
    }
    agent = roles[step.agent]
    if agent is None:
        return None
    if step.verb == "be":
        return Event("be", agent, "was", quality=step.patient)
    frame = FRAMES[step.verb]
    if not fits(agent, frame.agents) or (agent.tail and step.verb not in ACTIVE_BODIES):
        return None
    patient = roles[step.patient] if step.patient else None
    if bool(frame.patients) != (patient is not None):
        return None
    if patient and (patient.word == agent.word or not fits(patient, frame.patients)):
        return None
    other = roles[step.other] if step.other else None
    marked = (frame.marker, other) if other and fits(other, frame.others) else None
    return Event(step.verb, agent, patient=patient, other=marked)
