"""Multiple choice: how a story goes on, what goes with what, who did it, cause and effect.

The choices are made so that each is right as often as it is wrong, and none is right more often for
the words that are in the text.
"""

from collections.abc import Collection, Sequence
from functools import cache
from typing import NamedTuple

from xstilts.core.seeds import rank
from xstilts.lab.chance import Chance
from xstilts.lab.customs import FRAMES, MOTIVES, SEQUELS
from xstilts.lab.meaning import Event, Sentence, Thing
from xstilts.lab.pairs import NAMED
from xstilts.lab.rewording import SAME, asking
from xstilts.lab.splits import PARTS, Part, deeds
from xstilts.lab.words import ADJECTIVES, NOUNS
from xstilts.lab.world import kind_of, world

_USES = {"food": ("eat", "cook"), "garment": ("wear",), "text": ("read",), "tool": ("clean",)}
_WAYS_TO_GET = ("buy", "find", "get", "borrow")
_COMPANY = 5
_MOODS = (*ADJECTIVES["feeling"], *ADJECTIVES["character"])
Said = Sentence | Thing


class Choice(NamedTuple):
    """A context, perhaps a question, and choices.

    Attributes:
        context: sentences.
        question: a sentence, or a word such as ``cause`` that the format spells, or empty.
        choices: sentences, or things.
        label: number of the right one.
    """

    context: tuple[Sentence, ...]
    question: Sentence | str
    choices: tuple[Said, ...]
    label: int


def ending(chance: Chance, part: Part) -> Choice:
    """Two people get a thing each and go somewhere: which of four endings follows?

    The one in which the last to go uses the own thing. The four are both people with both things,
    and the context names each person twice and each thing once, so that counting tells nothing.
    """
    while True:
        kind = chance.one(tuple(_USES))
        use = chance.one(_USES[kind])
        nouns = [n for n in deeds(part).get(use, ()) if kind_of(Thing(n)) == kind]
        if len(nouns) > 1:
            break
    names, things = chance.some(NAMED, 2), chance.some(nouns, 2)
    got = [
        Event(chance.one(_getting(kind)), Thing(name), patient=Thing(thing, "a"))
        for name, thing in zip(names, things, strict=True)
    ]
    about = chance.below(2)
    places = chance.some(NOUNS["place"], 2)
    went = [
        Sentence(Event("go", Thing(names[who]), other=("to", Thing(place, "the"))), link="then")
        for who, place in zip((1 - about, about), places, strict=True)
    ]
    context = (*map(Sentence, chance.mixed(got)), *went)
    pairs = chance.mixed([(a, b) for a in range(2) for b in range(2)])
    choices = tuple(
        Sentence(Event(use, Thing(names[a]), patient=Thing(things[b], "the"))) for a, b in pairs
    )
    return Choice(context, "", choices, pairs.index((about, about)))


def _getting(kind: str) -> list[str]:
    return [verb for verb in _WAYS_TO_GET if kind in FRAMES[verb].patients]


def company(chance: Chance, part: Part) -> Choice:
    """What does somebody usually do this to? One of five things goes with the verb best."""
    kind = chance.one(tuple(_favourites()))
    known = _favourites()[kind]
    noun = chance.one(tuple(known))
    verb = chance.one(known[noun][part])
    choices = chance.mixed([noun, *chance.some(_strange(verb, kind, known), _COMPANY - 1)])
    event = Event(verb, Thing(chance.one(NAMED)), patient=Thing(noun, "the"))
    things = tuple(Thing(choice, "the") for choice in choices)
    return Choice((), Sentence(asking(event, "patient"), asked=True), things, choices.index(noun))


@cache
def _favourites() -> dict[str, dict[str, dict[Part, tuple[str, ...]]]]:
    """Kind -> noun -> part -> verbs that it goes with best; of nouns that have some in each."""
    found: dict[str, dict[str, dict[Part, tuple[str, ...]]]] = {}
    for kind in ("food", "tool"):
        best: dict[str, list[str]] = {noun: [] for noun in NOUNS[kind]}
        for verb, frame in FRAMES.items():
            if kind in frame.patients and "human" in frame.agents:
                for noun in world().company(verb, kind)[:4]:
                    best[noun].append(verb)
        found[kind] = {noun: _parted(noun, verbs) for noun, verbs in best.items() if verbs[2:]}
    return found


def _parted(noun: str, verbs: list[str]) -> dict[Part, tuple[str, ...]]:
    """Half of the verbs for training, at least one for each of the others."""
    verbs = sorted(verbs, key=lambda verb: rank(0, f"{noun}:{verb}"))
    few = max(1, len(verbs) // 4)
    return {
        "dev": tuple(verbs[:few]),
        "test": tuple(verbs[few : 2 * few]),
        "train": tuple(verbs[2 * few :]),
    }


def _strange(verb: str, kind: str, known: Collection[str]) -> list[str]:
    """The nouns that hardly go with the verb."""
    return [noun for noun in world().company(verb, kind)[5:] if noun in known]


def cause_or_effect(chance: Chance, part: Part) -> Choice:
    """Of two things that somebody, or something, may be: which made this happen, or came of it?

    Two events and what belongs to each are drawn; either may be the premise, so that each choice is
    right as often as it is wrong.
    """
    asked = chance.one(("cause", "effect"))
    role = chance.one("AP") if asked == "effect" else "A"
    one, other = _unrelated(chance, part, asked, role)
    event = _deed(one.verb, chance)
    subject = event.agent if role == "A" else event.patient
    assert subject is not None
    choices = chance.mixed([one.quality, other.quality])
    said = tuple(Sentence(Event("be", subject, "was", quality=quality)) for quality in choices)
    return Choice((Sentence(event),), asked, said, choices.index(one.quality))


def culprit(chance: Chance, part: Part) -> Choice:
    """Four people are in four moods. Who of them did something? The one who had a motive."""
    while True:
        own = chance.one(_relations(part, "cause", "A"))
        motives = {
            r.quality for p in PARTS for r in _relations(p, "cause", "A") if r.verb == own.verb
        }
        moods = [m for m in _MOODS if m not in motives and SAME.get(m) not in motives]
        if len(moods) > 2:
            break
    names = chance.some(NAMED, 4)
    label = chance.below(4)
    others = iter(chance.some(moods, 3))
    felt = [own.quality if i == label else next(others) for i in range(4)]
    said = [
        Sentence(Event("be", Thing(name), "was", quality=quality))
        for name, quality in zip(names, felt, strict=True)
    ]
    event = _deed(own.verb, chance, names)
    question = Sentence(asking(event, "agent"), asked=True)
    return Choice(tuple(chance.mixed(said)), question, tuple(map(Thing, names)), label)


class Relation(NamedTuple):
    """Something that is done, and what somebody is before it or after it."""

    verb: str
    quality: str


@cache
def _relations(part: Part, asked: str, role: str) -> tuple[Relation, ...]:
    """What somebody (``A``) or something (``P``) is before a deed or after it, in this part."""
    table = MOTIVES if asked == "cause" else SEQUELS
    known = [
        Relation(verb, step.patient)
        for verb, steps in table.items()
        for step in steps
        if step.verb == "be" and step.agent == role and "human" in FRAMES[verb].agents
        if role == "A" or (FRAMES[verb].patients and "human" not in FRAMES[verb].patients)
    ]
    known.sort(key=lambda r: rank(0, f"{asked}:{r.verb}:{r.quality}"))
    third = len(known) // 3
    bounds = {"train": (2 * third, None), "dev": (0, third), "test": (third, 2 * third)}
    return tuple(known[slice(*bounds[part])])


def _unrelated(chance: Chance, part: Part, asked: str, role: str) -> tuple[Relation, Relation]:
    """Two relations of which neither quality belongs to the other verb."""
    every = {r for p in PARTS for r in _relations(p, asked, role)}
    while True:
        one, other = chance.some(_relations(part, asked, role), 2)
        crossed = {Relation(one.verb, other.quality), Relation(other.verb, one.quality)}
        if one.quality != other.quality and not crossed & every:
            return one, other


def _deed(verb: str, chance: Chance, taken: Sequence[str] = ()) -> Event:
    """Somebody does this to something that it can be done to."""
    frame = FRAMES[verb]
    agent, patient = chance.some([n for n in NAMED if n not in taken], 2)
    if not frame.patients:
        return Event(verb, Thing(agent))
    kind = chance.one(frame.patients)
    thing = Thing(patient) if kind == "human" else Thing(chance.one(NOUNS[kind]), "the")
    return Event(verb, Thing(agent), patient=thing)
