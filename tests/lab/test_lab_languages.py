"""The languages keep what their knobs promise, and the design does not confound them."""

import math

import langcodes
import numpy as np
import pytest
from scipy.stats import spearmanr

from xstilts.core.errors import UnknownNameError
from xstilts.lab.languages import CODES, LANGUAGES, SOURCE, language
from xstilts.lab.lexicon import lexicon
from xstilts.lab.words import CLASS_OF, FUNCTION, NAMES

OTHERS = [spoken for spoken in LANGUAGES if spoken.code != SOURCE]
every_other = pytest.mark.parametrize("spoken", OTHERS, ids=lambda spoken: spoken.code)


def test_there_are_twelve_or_more_beside_the_source_with_codes_that_mean_no_real_language():
    assert len(OTHERS) >= 12
    assert len(set(CODES)) == len(CODES)
    for spoken in OTHERS:
        assert "qaa" <= spoken.code <= "qtz"
        assert langcodes.tag_is_valid(spoken.code)


def test_distance_is_not_confounded_with_the_amount_of_text():
    distance = [spoken.distance for spoken in OTHERS]
    amount = [math.log(spoken.amount) for spoken in OTHERS]
    assert abs(np.corrcoef(distance, amount)[0, 1]) < 0.05
    assert abs(spearmanr(distance, amount).statistic) < 0.05


def test_no_knob_goes_with_the_amount_of_text():
    amount = [math.log(spoken.amount) for spoken in OTHERS]
    for knob in OTHERS[0].knobs:
        values = [spoken.knobs[knob] for spoken in OTHERS]
        assert abs(np.corrcoef(values, amount)[0, 1]) < 0.35, knob


def test_distance_is_the_mean_of_five_differences_from_0_to_1():
    assert language(SOURCE).distance == 0
    assert language("qpa").distance == 1
    assert language("qem").distance == pytest.approx((0.5 + 0 + 1 + 0 + 0) / 5)


def test_two_languages_take_apart_what_real_ones_confound():
    own = language("qfi")
    assert (own.overlap, own.order, own.adjective, own.morphology) == (
        0,
        "SVO",
        "before",
        "isolating",
    )
    assert own.script != "latin"
    assert own.amount == 1
    mixed = language("qco")
    assert mixed.overlap == 1
    assert mixed.order != "SVO"


@every_other
def test_the_share_of_the_sources_words_is_what_the_knob_says(spoken):
    words = lexicon(spoken.code)
    source = lexicon(SOURCE).forms
    same = {w for w, form in words.forms.items() if form == source[w]}
    assert same == words.shared
    for stratum in (FUNCTION, NAMES, CLASS_OF.keys() - FUNCTION.keys()):
        own = [w for w in words.forms if CLASS_OF[w] in stratum or w in stratum]
        share = sum(w in same for w in own) / len(own)
        assert abs(share - spoken.overlap) < 1 / len(own)


@every_other
def test_a_script_of_its_own_shares_no_letter_with_the_source(spoken):
    words = lexicon(spoken.code)
    letters = {c for form in words.forms.values() for c in form.lower()}
    source = {c for form in lexicon(SOURCE).forms.values() for c in form.lower()}
    assert letters.isdisjoint(source) == (spoken.script != "latin")


def test_no_invented_word_is_a_word_of_another_language():
    seen = {}
    for spoken in LANGUAGES:
        words = lexicon(spoken.code)
        for word, form in words.forms.items():
            if word not in words.shared:
                assert seen.setdefault(form, spoken.code) == spoken.code
                assert form not in lexicon(SOURCE).words


def test_an_unknown_language_is_told_so():
    with pytest.raises(UnknownNameError, match="qaz"):
        language("qaz")
