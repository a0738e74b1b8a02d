"""One grammar for all languages: it puts a meaning into words and keeps the derivation.

A clause is a row of slots, and a language's word order is a row of slots' names. Every token keeps
the slot that it fills, so that tags, entities, answers and categories are read off, never guessed.
The parser (:mod:`xstilts.lab.parser`) reads the same rows.
"""

from functools import cache
from typing import NamedTuple

from xstilts.lab.lexicon import Lexicon, lexicon
from xstilts.lab.meaning import Event, Sentence, Thing
from xstilts.lab.words import CLASS_OF, NAMES, PLURAL, tag_of

CLAUSE = {
    "SVO": "agent auxiliary negated verb quality patient other tool place time".split(),
    "SOV": "agent time place tool other patient quality verb negated auxiliary".split(),
    "VSO": "auxiliary negated verb agent quality patient other tool place time".split(),
}
_ENTITY = {"woman": "PER", "man": "PER", "town": "LOC", "body": "ORG", "land": "LOC"}


class Token(NamedTuple):
    """One word or punctuation mark of a sentence.

    Attributes:
        form: as it is written.
        tag: universal part of speech.
        entity: ``B-PER``, ``I-LOC``, ``O`` …
        slot: what it fills in its clause; ``second.`` before it in the second clause.
        word: as in :mod:`xstilts.lab.words`, with ``object`` and the like for suffixes.
    """

    form: str
    tag: str
    entity: str
    slot: str
    word: str


_MARKS = {m: Token(m, "PUNCT", "O", "mark", m) for m in (",", ".", "?")}
Tokens = tuple[Token, ...]


class Grammar:
    """How one language says things."""

    def __init__(self, lexicon: Lexicon) -> None:
        """Phrases are kept once made: there are far fewer of them than sentences."""
        self.lexicon = lexicon
        self.language = lexicon.language
        self._clause = CLAUSE[self.language.order]
        self._phrases: dict[tuple[Thing, str, str], Tokens] = {}
        self._words: dict[tuple[str, str], Tokens] = {}

    def tokens(self, sentence: Sentence) -> list[Token]:
        """The words of a sentence in order."""
        out: list[Token] = []
        if sentence.link:
            out += self._word(sentence.link, "link")
            out.append(_MARKS[","])
        event = sentence.event
        if sentence.front:
            out += self._slot(event, sentence.front, "")
            out.append(_MARKS[","])
        self._event(event, sentence.front, "", out)
        if sentence.second is not None:
            out += self._word(sentence.joint, "joint")
            self._event(sentence.second, "", "second.", out)
        out.append(_MARKS["?" if sentence.asked else "."])
        return out

    def text(self, sentence: Sentence) -> str:
        """The sentence as it is written."""
        return written(self.tokens(sentence))

    def phrase(self, thing: Thing, case: str, slot: str) -> Tokens:
        """A noun phrase with its case: a suffix, or a word before or after it."""
        key = (thing, case, slot)
        found = self._phrases.get(key)
        if found is None:
            found = self._phrases[key] = self._made(thing, case, slot)
        return found

    def _event(self, event: Event, front: str, prefix: str, out: list[Token]) -> None:
        for slot in self._clause:
            if slot != front:
                out += self._slot(event, slot, prefix)

    def _slot(self, event: Event, slot: str, prefix: str) -> Tokens:
        value = getattr(event, slot)
        if not value:
            return ()
        if slot == "agent":
            return self.phrase(value, "", prefix + slot)
        if slot == "patient":
            return self.phrase(value, "" if event.verb == "be" else "object", prefix + slot)
        if slot == "other" or slot == "place":
            return self.phrase(value[1], value[0], prefix + slot)
        if slot == "tool":
            return self.phrase(value, "with", prefix + slot)
        if slot == "negated":
            value = "not"
        return () if value == "be" else self._word(value, prefix + slot)

    def _word(self, word: str, slot: str) -> Tokens:
        key = (word, slot)
        found = self._words.get(key)
        if found is None:
            made = Token(self.lexicon.forms[word], tag_of(word), "O", slot, word)
            found = self._words[key] = (made,)
        return found

    def _made(self, thing: Thing, case: str, slot: str) -> Tokens:
        plural = thing.quantity in PLURAL
        agglutinating = bool(self.lexicon.cases)
        entity = _entity(thing)
        suffixes = f"{'-many' if plural else ''}{'-' + case if case else ''}"
        last = thing.tail or thing.word

        def token(word: str, tag: str = "O") -> Token:
            if agglutinating and word == last:
                form = self.lexicon.inflected(word, case, plural)
                return Token(form, tag_of(word), tag, slot, word + suffixes)
            return Token(self.lexicon.forms[word], tag_of(word), tag, slot, word)

        head = [token(thing.word, f"B-{entity}" if entity else "O")]
        if thing.tail:
            head.append(token(thing.tail, f"I-{entity}"))
        quality = [token(thing.quality)] if thing.quality else []
        if self.language.adjective == "before":
            head = quality + head
        else:
            head = head + quality
        if thing.quantity:
            head.insert(0, token(thing.quantity))
        if case in ("", "object") or agglutinating:
            return tuple(head)
        small = token(case)
        return (*head, small) if self.language.order == "SOV" else (small, *head)


def written(tokens: list[Token]) -> str:
    """Tokens as text: a space before every word, none before a mark."""
    text = " ".join([token[0] for token in tokens])
    return text.replace(" ,", ",").replace(" .", ".").replace(" ?", "?")


@cache
def grammar(code: str) -> Grammar:
    """The grammar of the language with this code."""
    return Grammar(lexicon(code))


def _entity(thing: Thing) -> str:
    if CLASS_OF[thing.word] not in NAMES:
        return ""
    last = CLASS_OF[thing.tail] if thing.tail else ""
    return _ENTITY.get(last) or _ENTITY[CLASS_OF[thing.word]]
