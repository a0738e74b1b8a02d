"""A story: a place, a few people, what they do, and what follows from it.

Later events follow from earlier ones, things keep their qualities, people come back as pronouns,
and now and then somebody asks about what was said and gets the answer, or it is said again in other
words. So what a word means, and what one sentence says of another, can be learned from the text
alone, in every language.
"""

from collections.abc import Mapping

from xstilts.lab.chance import Chance
from xstilts.lab.customs import FRAMES, MOTIVES, SEQUELS, Frame, Step
from xstilts.lab.meaning import Event, Sentence, Thing
from xstilts.lab.rewording import after, asking, converse, reworded
from xstilts.lab.words import CLASS_OF, FUNCTION, KINDS, NAMES, NOUNS, PAST, PLURAL, SOON
from xstilts.lab.world import World, kind_of, world


def story(chance: Chance) -> list[Sentence]:
    """A story of 8 to 16 sentences."""
    return _Story(world(), chance).told(8 + chance.below(9))


class _Story:
    """What is known while a story is told.

    Attributes:
        _place: where it plays.
        _people: whom it is about.
        _cast: who may act: people, perhaps an animal and a company.
        _known: noun -> how it was spoken of.
        _past: events that happened or did not, with names instead of pronouns.
        _said: the sentences.
        _asked: numbers of the past events that somebody asked about.
        _described: nouns that were described, and whether by their kind.
    """

    def __init__(self, world: World, chance: Chance) -> None:
        self._world, self._chance = world, chance
        self._place = chance.one(NOUNS["place"])
        self._known: dict[str, Thing] = {}
        self._past: list[Event] = []
        self._said: list[Sentence] = []
        self._cast: list[Thing] = []
        self._people: list[Thing] = []
        self._asked: set[int] = set()
        self._described: set[tuple[str, bool]] = set()

    def told(self, length: int) -> list[Sentence]:
        chance = self._chance
        people = 2 + chance.below(2)
        while len(self._people) < people:
            self._introduce()
        if chance.of(0.4):
            animal = self._world.noun("animal", self._place, self._place, chance)
            self._cast.append(self._mentioned(animal))
        while len(self._said) < length:
            share = chance.share()
            if self._past and share < 0.34:
                self._go_on(self._past[-1])
            elif self._past and share < 0.5:
                self._come_back(chance.below(len(self._past)))
            elif share < 0.56:
                self._describe()
            elif share < 0.62:
                self._move()
            else:
                self._happen()
        return self._said

    def _introduce(self) -> None:
        chance = self._chance
        person = self._world.person(chance)
        if person.name in self._cast:
            return
        self._people.append(person.name)
        self._cast.append(person.name)
        name = person.full if chance.of(0.5) else person.name
        share = chance.share()
        if share < 0.45:
            event = Event("be", name, "is", patient=Thing(person.trade, "a"))
        elif share < 0.7:
            event = Event("be", name, "is", place=("in", Thing(person.town)))
        elif share < 0.85:
            event = Event("work", name, "did", place=("in", person.body))
        else:
            event = Event("come", name, "did", other=("from", Thing(person.town)))
            if chance.of(0.3):
                self._cast.append(person.body)
        self._said.append(Sentence(event))

    def _happen(self) -> None:
        """Something new."""
        agent = self._chance.one(self._cast)
        verb = self._world.verb(agent, self._chance)
        self._tell(self._event(agent, verb, FRAMES[verb]))

    def _event(self, agent: Thing, verb: str, frame: Frame) -> Event:
        patient = self._participant(frame.patients, verb, agent) if frame.patients else None
        other = None
        if frame.marker:
            if frame.others == ("place",):
                other = (frame.marker, self._somewhere())
            elif self._chance.of(0.6):
                other = (frame.marker, self._participant(frame.others, verb, agent, patient))
        return Event(verb, agent, patient=patient, other=other)

    def _participant(self, kinds: tuple[str, ...], verb: str, *taken: Thing | None) -> Thing:
        """Somebody or something of these kinds: often known already, and nobody twice."""
        chance = self._chance
        kind = chance.one(kinds)
        if kind == "human":
            there = [who for who in self._cast if who not in taken and kind_of(who) == kind]
            if there and chance.of(0.75):
                return chance.one(there)
        elif chance.of(0.5):
            there = [t for t in self._known.values() if t not in taken and kind_of(t) == kind]
            if there:
                return self._again(chance.one(there))
        noun_class = "person" if kind == "human" else kind
        used = {thing.word for thing in taken if thing}
        while True:
            noun = self._world.noun(noun_class, verb, self._place, chance)
            if noun not in used:
                return self._mentioned(noun)

    def _mentioned(self, noun: str) -> Thing:
        """A noun phrase: as it is known, or new."""
        chance = self._chance
        if noun in self._known:
            return self._again(self._known[noun])
        quantity = "a"
        if chance.of(0.2) and CLASS_OF[noun] not in ("person", "animal", "place"):
            quantity = chance.one(FUNCTION["number"])
        quality = self._world.quality(noun, chance) if chance.of(0.4) else ""
        thing = Thing(noun, quantity, quality)
        self._known[noun] = thing
        return thing

    def _again(self, thing: Thing) -> Thing:
        quantity = thing.quantity if thing.quantity in PLURAL else "the"
        return Thing(thing.word, quantity, thing.quality if self._chance.of(0.3) else "")

    def _somewhere(self) -> Thing:
        chance = self._chance
        if chance.of(0.3):
            land = chance.one(NAMES["land"]) if chance.of(0.3) else ""
            return Thing(chance.one(NAMES["town"]), tail=land)
        return Thing(self._world.noun("place", self._place, self._place, chance), "the")

    def _tell(self, event: Event, link: str = "") -> None:
        """Say that an event took place, or did not, perhaps where, when, with what and why."""
        chance = self._chance
        auxiliary, times = ("will", SOON) if chance.of(0.1) else ("did", PAST)
        share = chance.share()
        event = event._replace(
            auxiliary=auxiliary,
            negated=chance.of(0.15),
            time=chance.one(times) if share < 0.15 else "",
            place=("in" if share < 0.3 else "near", Thing(self._place, "the"))
            if 0.1 < share < 0.35 and not event.other
            else None,
            tool=self._tool(event) if FRAMES[event.verb].tools and chance.of(0.4) else None,
        )
        front = ""
        if chance.of(0.25):
            front = "time" if event.time else "place" if event.place else ""
        joint, second = "", None
        if chance.of(0.15):
            motive = self._follow(MOTIVES, event)
            if motive:
                joint, second = "because", motive
        elif not event.negated and chance.of(0.08):
            sequel = self._follow(SEQUELS, event)
            if sequel and sequel.verb != "be":
                joint, second = "and", sequel._replace(auxiliary=auxiliary)
        self._past.append(event)
        shown = self._with_pronoun(event)
        self._said.append(Sentence(reworded(shown, chance), joint, second, link, front))
        if event.negated and chance.of(0.5):
            self._instead(event)

    def _tool(self, event: Event) -> Thing | None:
        noun = self._world.noun("tool", event.verb, self._place, self._chance)
        return None if event.patient and noun == event.patient.word else self._mentioned(noun)

    def _with_pronoun(self, event: Event) -> Event:
        """Who acts again, or was there before, may be called she, he or it."""
        before = self._past[-2].agent if len(self._past) > 1 else None
        if before != event.agent or self._chance.of(0.6):
            return event
        person = self._world.known(event.agent.word) if not event.agent.tail else None
        return event._replace(agent=Thing(person.pronoun if person else "it"))

    def _instead(self, event: Event) -> None:
        """What did not happen with this happened with something else."""
        if event.patient is None:
            return
        frame = FRAMES[event.verb]
        done = event._replace(
            patient=self._participant(frame.patients, event.verb, event.agent, event.patient),
            negated=False,
        )
        self._past.append(done)
        self._said.append(Sentence(done, link="but"))

    def _go_on(self, event: Event) -> None:
        """What follows from the last event."""
        sequel = None if event.negated else self._follow(SEQUELS, event)
        if sequel is None:
            self._happen()
        elif sequel.verb == "be":
            self._said.append(Sentence(sequel, link=self._chance.one(("so", ""))))
        else:
            self._tell(sequel, self._chance.one(("then", "so", "later", "")))

    def _follow(self, table: Mapping[str, tuple[Step, ...]], event: Event) -> Event | None:
        """One of the things that the table tells of the event; None where it does not fit."""
        steps = table.get(event.verb)
        if not steps:
            return None
        others = [who for who in self._cast if who not in (event.agent, event.patient)]
        somebody = self._chance.one(others) if others else None
        found = after(self._chance.one(steps), event, somebody)
        if found is None:
            return None
        patient = self._definite(found.patient) if found.patient else None
        other = (found.other[0], self._definite(found.other[1])) if found.other else None
        return found._replace(agent=self._definite(found.agent), patient=patient, other=other)

    def _definite(self, thing: Thing) -> Thing:
        return self._again(thing) if thing.quantity else thing

    def _describe(self) -> None:
        """What a known thing is like, or what kind of thing it is."""
        chance = self._chance
        if not self._known:
            return self._happen()
        thing = chance.one(list(self._known.values()))
        plural = thing.quantity in PLURAL
        plain = Thing(thing.word, thing.quantity if plural else "the")
        by_kind = chance.of(0.3) and CLASS_OF[thing.word] in KINDS and not plural
        if (thing.word, by_kind) in self._described:
            return self._happen()
        self._described.add((thing.word, by_kind))
        if by_kind:
            kind = Thing(KINDS[CLASS_OF[thing.word]], "a")
            self._said.append(Sentence(Event("be", plain, "is", patient=kind)))
            return None
        quality = thing.quality or self._world.quality(thing.word, chance)
        self._known[thing.word] = thing._replace(quality=quality)
        self._said.append(Sentence(Event("be", plain, "was", quality=quality)))
        return None

    def _move(self) -> None:
        """Somebody goes somewhere else, and the story with them."""
        chance = self._chance
        who = chance.one(self._people)
        self._place = self._world.noun("place", self._place, self._place, chance)
        there = Thing(self._place, "the")
        self._said.append(Sentence(Event("go", who, other=("to", there)), link="then"))
        if chance.of(0.4):
            self._said.append(Sentence(Event("be", who, "was", place=("in", there))))

    def _come_back(self, which: int) -> None:
        """Ask about something that was said, and answer; or say it from its other side."""
        if which in self._asked:
            return self._happen()
        self._asked.add(which)
        event = _bare(self._past[which])
        share = self._chance.share()
        turned = converse(event)
        if turned is not None and share < 0.5:
            self._said.append(Sentence(turned, link="so"))
        elif share < 0.6:
            question = event._replace(negated=False)
            self._said.append(Sentence(question, asked=True))
            self._said.append(Sentence(event, link="no" if event.negated else "yes"))
        else:
            self._said.append(Sentence(_asking(event, self._chance), asked=True))
            self._said.append(Sentence(event))
        return None


def _bare(event: Event) -> Event:
    """The event with its participants only."""
    return event._replace(time="", tool=None)


def _asking(event: Event, chance: Chance) -> Event:
    """The event with a question word for one of its participants."""
    slots = ["agent"] + [s for s in ("patient", "place") if getattr(event, s)]
    return asking(event, chance.one(slots))
