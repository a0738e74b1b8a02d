"""The one world that all languages speak of: who lives in it, and what goes with what.

Everything here is about meanings, so it is the same in every language. Which words come together
(a verb and its objects, a place and its things, a noun and its qualities) differs from word to word
and never changes: a language model can tell the words of any language by their company.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from xstilts.core.seeds import rank
from xstilts.lab.chance import Chance, Frequencies
from xstilts.lab.customs import FRAMES, QUALITIES
from xstilts.lab.meaning import Thing
from xstilts.lab.words import CLASS_OF, CLASSES, KINDS, NAMES, PERSONAL

_SEED = 20
_BY_COMPANY = 0.4  # how often a thing is drawn by the verb's habits; as often by the place's
ACTIVE_BODIES = ("buy", "sell", "help", "build", "send", "teach", "call", "repair", "thank")


class Person(NamedTuple):
    """Somebody with a name, as everybody knows them."""

    name: Thing
    full: Thing
    pronoun: str
    trade: str
    town: str
    body: Thing


class World:
    """The people, and the company that words keep."""

    def __init__(self, seed: int) -> None:
        """The same world for the same seed."""
        self._seed = seed
        self._company: dict[tuple[str, str], Frequencies] = {}
        self._all = {name: Frequencies(words) for name, words in CLASSES.items()}
        self._verbs: dict[tuple[str, str], Frequencies] = {}
        chance = Chance(seed, "people")
        self.people = tuple(
            self._person(name, pronoun, chance)
            for women_and_men in zip(NAMES["woman"], NAMES["man"], strict=True)
            for name, pronoun in zip(women_and_men, ("she", "he"), strict=True)
        )
        self._person_of = {person.name.word: person for person in self.people}
        self._names = Frequencies([person.name.word for person in self.people])

    def person(self, chance: Chance) -> Person:
        """Anybody; some are spoken of more than others."""
        return self._person_of[chance.by_rank(self._names)]

    def known(self, name: str) -> Person | None:
        """Who has this first name."""
        return self._person_of.get(name)

    def noun(self, kind: str, verb: str, place: str, chance: Chance) -> str:
        """A noun of this class that goes with the verb, or with the place, or any."""
        share = chance.share()
        if share < _BY_COMPANY:
            return chance.by_rank(self._with(verb, kind))
        if share < 2 * _BY_COMPANY:
            return chance.by_rank(self._with(place, kind))
        return chance.by_rank(self._all[kind])

    def quality(self, noun: str, chance: Chance) -> str:
        """An adjective that goes with the noun."""
        found = self._company.get((noun, ""))
        if found is None:
            kind = kind_of(Thing(noun))
            fitting = [a for name in QUALITIES[kind] for a in CLASSES[name]]
            found = self._company[(noun, "")] = Frequencies(self._ranked(noun, fitting))
        return chance.by_rank(found)

    def verb(self, agent: Thing, chance: Chance) -> str:
        """What somebody, or some animal, would do."""
        known = self.known(agent.word)
        kind = kind_of(agent)
        who = known.trade if known else agent.word
        if agent.tail and CLASS_OF[agent.tail] == "body":
            return chance.one(ACTIVE_BODIES)
        found = self._verbs.get((who, kind))
        if found is None:
            able = [v for v in CLASSES["verb"] if kind in FRAMES[v].agents]
            own = self._ranked(who, able)[: len(able) // 3]
            found = Frequencies([v for pair in zip(own, able, strict=False) for v in pair])
            self._verbs[(who, kind)] = found
        return chance.by_rank(found)

    def company(self, owner: str, kind: str) -> tuple[str, ...]:
        """The nouns of a class, from the one that goes best with ``owner`` on."""
        return tuple(self._ranked(owner, CLASSES[kind]))

    def _with(self, owner: str, kind: str) -> Frequencies:
        found = self._company.get((owner, kind))
        if found is None:
            found = self._company[(owner, kind)] = Frequencies(self.company(owner, kind))
        return found

    def _ranked(self, owner: str, words: Sequence[str]) -> list[str]:
        return sorted(words, key=lambda word: rank(self._seed, f"{owner}:{word}"))

    def _person(self, name: str, pronoun: str, chance: Chance) -> Person:
        town = chance.by_rank(self._all["town"])
        return Person(
            name=Thing(name),
            full=Thing(name, tail=chance.by_rank(self._all["family"])),
            pronoun=pronoun,
            trade=chance.by_rank(self._all["person"]),
            town=town,
            body=Thing(town, tail=chance.by_rank(self._all["body"])),
        )


def kind_of(thing: Thing) -> str:
    """The kind of thing, as frames name it: ``human``, ``animal``, ``food`` …, ``town``."""
    name = CLASS_OF[thing.word]
    if name in PERSONAL or name == "person" or thing.word in ("she", "he", "who"):
        return "human"
    if thing.tail and CLASS_OF[thing.tail] == "body":
        return "human"
    if name == "kind":
        return next(kind for kind, noun in KINDS.items() if noun == thing.word)
    return name


def fits(thing: Thing, kinds: Sequence[str]) -> bool:
    """Whether a frame that asks for these kinds takes the thing."""
    return kind_of(thing) in kinds


@cache
def world() -> World:
    """The world of the laboratory."""
    return World(_SEED)
