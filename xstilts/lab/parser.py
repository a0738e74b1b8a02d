"""From the words of a sentence back to its meaning: the grammar's own oracle.

It knows the words, the suffixes and the row of slots of a language, and looks for every way to fill
the slots that uses up all words.
"""

import re
from collections.abc import Iterator

from xstilts.lab.grammar import CLAUSE, Grammar
from xstilts.lab.lexicon import Analysis
from xstilts.lab.meaning import Event, Sentence, Thing
from xstilts.lab.words import CLASS_OF, PLURAL, TAILS, tag_of

_FORMS = re.compile(r"\w+|[.,?]")
_MARKS = {",", ".", "?"}
_NEEDED = ("agent", "auxiliary")
Found = Iterator[tuple[object, int]]


def parses(grammar: Grammar, text: str) -> list[Sentence]:
    """Every meaning that the grammar puts into these words; none for what is no sentence."""
    words = [_known(grammar, form) for form in _FORMS.findall(text)]
    if not words or any(word is None for word in words):
        return []
    return _Parser(grammar, [word for word in words if word]).sentences()


def _known(grammar: Grammar, form: str) -> Analysis | None:
    return Analysis(form) if form in _MARKS else grammar.lexicon.analysis(form)


class _Parser:
    def __init__(self, grammar: Grammar, words: list[Analysis]) -> None:
        self._words = words
        self._language = grammar.language
        self._suffixes = bool(grammar.lexicon.cases)
        self._clause = CLAUSE[grammar.language.order]

    def sentences(self) -> list[Sentence]:
        mark = self._words[-1].word
        if mark not in (".", "?"):
            return []
        end = len(self._words) - 1
        start, link = 0, ""
        if self._is(0, "link") and self._at(1) == ",":
            start, link = 2, self._at(0)
        out = []
        for front, value, begin in self._fronts(start):
            for event, after in self._events(begin, {front: value} if front else {}, front):
                if after == end:
                    out.append(Sentence(event, "", None, link, front, mark == "?"))
                elif self._is(after, "joint"):
                    out += [
                        Sentence(event, self._at(after), second, link, front, mark == "?")
                        for second, last in self._events(after + 1, {}, "")
                        if last == end
                    ]
        return out

    def _fronts(self, start: int) -> Iterator[tuple[str, object, int]]:
        yield "", None, start
        for slot in ("place", "time"):
            for value, after in self._filled(slot, start, "did"):
                if self._at(after) == ",":
                    yield slot, value, after + 1

    def _events(
        self, start: int, known: dict[str, object], front: str
    ) -> Iterator[tuple[Event, int]]:
        slots = [slot for slot in self._clause if slot != front]
        for values, after in self._rows(slots, start, known):
            auxiliary = values["auxiliary"]
            is_be = auxiliary in ("was", "is")
            if is_be == ("verb" in values):
                continue
            if is_be and len({"quality", "patient", "place"} & values.keys()) != 1:
                continue
            if not is_be and "quality" in values:
                continue
            yield Event(**({"verb": "be"} | values)), after  # type: ignore[arg-type]

    def _rows(
        self, slots: list[str], at: int, known: dict[str, object]
    ) -> Iterator[tuple[dict[str, object], int]]:
        if not slots:
            yield known, at
            return
        slot, rest = slots[0], slots[1:]
        case = "be" if known.get("auxiliary") in ("was", "is") else "did"
        for value, after in self._filled(slot, at, case):
            yield from self._rows(rest, after, known | {slot: value})
        if slot not in _NEEDED:
            yield from self._rows(rest, at, known)

    def _filled(self, slot: str, at: int, auxiliary: str) -> Found:
        """What can fill ``slot`` from word ``at`` on, and the number of the word after it."""
        if slot == "agent":
            yield from self._things(at, "")
        elif slot == "patient":
            yield from self._things(at, self._object(at, auxiliary))
        elif slot == "tool":
            yield from ((thing, after) for (_, thing), after in self._marked(at, ("with",)))
        elif slot == "other":
            yield from self._marked(at, ("to", "from"))
        elif slot == "place":
            yield from self._marked(at, ("in", "near"))
            if self._at(at) == "where":
                yield ("", Thing("where")), at + 1
        elif slot == "time":
            if self._is(at, "time") or self._at(at) == "when":
                yield self._at(at), at + 1
        elif slot == "quality":
            if self._tag(at) == "ADJ":
                yield self._at(at), at + 1
        elif slot == "negated":
            if self._at(at) == "not":
                yield True, at + 1
        elif self._is(at, slot):
            yield self._at(at), at + 1

    def _object(self, at: int, auxiliary: str) -> str:
        """The case of what is acted on. With the verb last, ``be`` is not known yet."""
        if not self._suffixes or auxiliary == "be":
            return ""
        be_comes = self._language.order == "SOV" and self._ends_in_be(at)
        return "" if be_comes else "object"

    def _ends_in_be(self, at: int) -> bool:
        rest = (word.word for word in self._words[at:])
        return next((w for w in rest if CLASS_OF.get(w) == "auxiliary"), "") in ("was", "is")

    def _marked(self, at: int, cases: tuple[str, ...]) -> Iterator[tuple[tuple[str, Thing], int]]:
        if self._suffixes:
            for case in cases:
                yield from (((case, thing), after) for thing, after in self._things(at, case))
        elif self._language.order == "SOV":
            for thing, after in self._things(at, ""):
                if self._at(after) in cases:
                    yield (self._at(after), thing), after + 1
        elif self._at(at) in cases:
            for thing, after in self._things(at + 1, ""):
                yield (self._at(at), thing), after

    def _things(self, at: int, case: str) -> Iterator[tuple[Thing, int]]:
        """Noun phrases from word ``at`` on that are in this case."""
        quantity, quality = "", ""
        if self._is(at, "article") or self._is(at, "number"):
            quantity, at = self._at(at), at + 1
        if self._language.adjective == "before" and self._tag(at) == "ADJ":
            quality, at = self._at(at), at + 1
        tag, word = self._tag(at), self._at(at)
        if bool(quantity) != (tag == "NOUN") or (quality and not quantity):
            return
        if tag not in ("NOUN", "PROPN", "PRON"):
            return
        tail = ""
        if tag == "PROPN":
            tails = TAILS.get(CLASS_OF[word])
            if tails is None:
                return
            if CLASS_OF.get(self._at(at + 1)) in tails:
                tail = self._at(at + 1)
        last = at + 1 if tail else at
        plural = self._suffixes and quantity in PLURAL
        held = self._words[last]
        if self._suffixes and (held.case, held.plural) != (case, plural):
            return
        if self._language.adjective == "after" and quantity and self._tag(last + 1) == "ADJ":
            yield Thing(word, quantity, self._at(last + 1)), last + 2
        yield Thing(word, quantity, quality, tail), last + 1

    def _at(self, place: int) -> str:
        return self._words[place].word if place < len(self._words) else ""

    def _is(self, place: int, name: str) -> bool:
        return CLASS_OF.get(self._at(place)) == name

    def _tag(self, place: int) -> str:
        word = self._at(place)
        return tag_of(word) if word in CLASS_OF else ""
