"""The grammar is its own oracle: what it puts into words, the parser reads back."""

import pytest

from xstilts.lab.chance import Chance
from xstilts.lab.grammar import grammar, written
from xstilts.lab.languages import CODES
from xstilts.lab.lexicon import CASES, inflects, lexicon
from xstilts.lab.meaning import Event, Sentence, Thing
from xstilts.lab.parser import parses
from xstilts.lab.story import story
from xstilts.lab.words import CLASS_OF

every_language = pytest.mark.parametrize("code", CODES)
MARA, OMAR = Thing("Mara", tail="Velt"), Thing("Omar")


@every_language
def test_a_thousand_random_meanings_parse_back_to_themselves_and_to_nothing_else(code):
    chance, spoken = Chance(1, "parse back", code), grammar(code)
    meanings = [sentence for _ in range(100) for sentence in story(chance)][:1000]
    while len(meanings) < 1000:
        meanings += story(chance)
    assert len(set(meanings)) > 500
    for meaning in meanings:
        assert parses(spoken, spoken.text(meaning)) == [meaning]


@every_language
def test_every_form_with_every_suffix_is_one_word_only(code):
    words = lexicon(code)
    seen = {}
    for word in words.forms:
        endings = [(c, n) for c in ("", *CASES) for n in (False, True)] if words.cases else []
        for case, plural in endings if inflects(word) else [("", False)]:
            form = words.inflected(word, case, plural)
            assert seen.setdefault(form, (word, case, plural)) == (word, case, plural)
            (found,) = words.analyses(form)
            assert (found.word, found.case, found.plural) == (word, case, plural)


@every_language
def test_words_out_of_order_are_no_sentence(code):
    spoken = grammar(code)
    text = spoken.text(Sentence(Event("see", MARA, patient=Thing("dog", "the", "red"))))
    words = text.removesuffix(".").split()
    assert parses(spoken, text)
    assert parses(spoken, " ".join(reversed(words)) + ".") == []
    assert parses(spoken, text.replace(words[0], words[0] + "xx", 1)) == []


def test_who_did_it_stands_where_the_language_has_it():
    event = Event("see", OMAR, patient=Thing("dog", "the", "red"), negated=True)
    said = {code: [t.word for t in grammar(code).tokens(Sentence(event))] for code in CODES}
    assert said["en"] == "Omar did not see the red dog .".split()
    assert said["qco"] == "Omar the red dog see not did .".split()
    assert said["qno"] == "did not see Omar the dog red .".split()
    assert said["qpa"] == "Omar the dog-object red see not did .".split()


def test_a_token_knows_its_tag_its_entity_and_what_it_does():
    sentence = Sentence(
        Event(
            "buy", MARA, patient=Thing("apple", "two"), other=("from", Thing("Tavo", tail="Guild"))
        )
    )
    tokens = grammar("en").tokens(sentence)
    assert written(tokens) == "Mara Velt did buy two apple from Tavo Guild."
    assert [t.tag for t in tokens] == (
        "PROPN PROPN AUX VERB NUM NOUN ADP PROPN PROPN PUNCT".split()
    )
    assert [t.entity for t in tokens] == "B-PER I-PER O O O O O B-ORG I-ORG O".split()
    assert [t.slot for t in tokens if t.word in ("Velt", "two", "Guild")] == [
        "agent",
        "patient",
        "other",
    ]


def test_a_place_of_two_words_is_one_place():
    event = Event("sleep", OMAR, place=("in", Thing("Tavo", tail="Bay")), time="today")
    tokens = grammar("en").tokens(Sentence(event, front="place"))
    assert written(tokens) == "in Tavo Bay, Omar did sleep today."
    assert [t.entity for t in tokens][:4] == ["O", "B-LOC", "I-LOC", "O"]


def test_words_are_in_one_class_only():
    assert len(CLASS_OF) == len(lexicon("en").forms)
