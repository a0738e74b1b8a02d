"""MLQA's rules: what is compared of an answer depends on its language."""

import pytest

from xstilts.metrics import mlqa, mlqa_normalizer, normalize_answer, squad


@pytest.mark.parametrize(
    ("language", "text", "compared"),
    [
        ("en", "The «Mill», an old one", "mill old one"),
        ("es", "Los ríos, ¿UNA vez?", "ríos vez"),
        ("de", "Die Mühle des Müllers", "mühle müllers"),
        ("vi", "Những cối xay của sông", "cối xay sông"),
        ("hi", "नदी का पुल।", "नदी का पुल"),
        ("ar", "النهر في الجسر،", "نهر في جسر"),
        ("zh", "第3座桥、river Mill", "第 3 座 桥 river mill"),
    ],
)
def test_each_language_loses_its_own_articles_and_the_punctuation_of_every_script(
    language, text, compared
):
    assert mlqa_normalizer(language)(text) == compared


def test_an_article_of_another_language_stays():
    assert mlqa_normalizer("de")("the mill") == "the mill"
    assert normalize_answer("die Mühle") == "die mühle"


def test_chinese_answers_share_single_characters_which_squad_does_not_see():
    gold, said = {"q": ["石头桥"]}, {"q": "大石桥"}
    assert mlqa(gold, said, "zh")["f1"] == pytest.approx(200 / 3)
    assert squad(gold, said)["f1"] == 0.0


def test_a_language_that_mlqa_does_not_have_is_refused():
    with pytest.raises(ValueError, match="no rules for answers in 'sw', only for ar, de, en"):
        mlqa({"q": ["x"]}, {"q": "x"}, "sw")
