import pytest
from hypothesis import given
from hypothesis import strategies as st

from xstilts.metrics import normalize_answer, squad, squad_items, squad_v2

TEXT = st.text(st.sampled_from("abthe X.-_«。é the"), max_size=12)
WORDED = st.lists(st.sampled_from(["mill", "Fluß", "河", "old"]), min_size=1).map(" ".join)
IDS = st.text("0123456789", min_size=1, max_size=3)
GOLD = st.dictionaries(IDS, st.lists(WORDED, min_size=1, max_size=3), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Mill.", "mill"),
        ("half-day", "halfday"),
        ("the-end", "theend"),
        ("a then an anthem", "then anthem"),
        ("_the_ U.S.", "us"),
        ("$1,200", "1200"),
        ("«Mill»。", "«mill»。"),
        ("the’mill", "’mill"),
        ("die Mühle", "die mühle"),
        ("Straße STRASSE", "straße strasse"),
        ("\u00a0an\tOLD\u3000mill\n", "old mill"),
        ("The?", ""),
    ],
)
def test_only_ascii_punctuation_and_english_articles_vanish(text, normal):
    assert normalize_answer(text) == normal


def test_f1_counts_shared_words_as_often_as_both_have_them():
    items = squad_items({"q": ["old old mill"]}, {"q": "old mill river"})
    assert items == {"q": (0.0, pytest.approx(2 / 3))}
    items = squad_items({"q": ["old mill"]}, {"q": "old old old"})
    assert items == {"q": (0.0, pytest.approx(0.4))}


def test_the_best_gold_answer_counts():
    assert squad_items({"q": ["river", "the mill"]}, {"q": "Mill!"}) == {"q": (1.0, 1.0)}


def test_two_answers_that_normalise_to_nothing_match_without_sharing_a_word():
    assert squad_items({"q": ["The"]}, {"q": ""}) == {"q": (1.0, 0.0)}


def test_em_f1_is_the_mean_of_both():
    gold, pred = {"p": ["red mill"], "q": ["river"]}, {"p": "red", "q": "river"}
    assert squad(gold, pred) == {
        "exact_match": 50.0,
        "f1": pytest.approx(100 * (2 / 3 + 1) / 2),
        "em_f1": pytest.approx((50 + 250 / 3) / 2),
    }


@pytest.mark.parametrize("metric", [squad, squad_v2])
def test_a_question_without_prediction_scores_0_and_an_unknown_one_is_not_looked_at(metric):
    scores = metric({"p": ["mill"], "q": ["river"]}, {"p": "mill", "z": "river"})
    assert scores["exact_match"] == scores["f1"] == scores["em_f1"] == 50.0


def test_a_question_without_prediction_scores_0_even_where_silence_is_right():
    assert squad_items({"q": ["The"]}, {}) == {"q": (0.0, 0.0)}
    assert squad_v2({"q": []}, {})["NoAns_exact"] == 0.0


def test_version_1_1_refuses_a_question_without_gold_answer():
    with pytest.raises(ValueError, match=r"question 'q7' has no gold answer"):
        squad({"q7": []}, {"q7": ""})


@pytest.mark.parametrize("metric", [squad, squad_v2])
def test_no_question_is_refused(metric):
    with pytest.raises(ValueError, match="0 questions"):
        metric({}, {})


def test_version_2_0_rewards_silence_where_there_is_no_answer():
    gold = {"p": ["old mill"], "q": [], "r": []}
    assert squad_v2(gold, {"p": "mill", "q": "the", "r": "mill"}) == {
        "exact_match": pytest.approx(100 / 3),
        "f1": pytest.approx(100 * (2 / 3 + 1) / 3),
        "em_f1": pytest.approx((100 / 3 + 500 / 9) / 2),
        "HasAns_exact": 0.0,
        "HasAns_f1": pytest.approx(200 / 3),
        "NoAns_exact": 50.0,
        "NoAns_f1": 50.0,
    }


def test_version_2_0_drops_gold_answers_that_normalise_to_nothing():
    scores = squad_v2({"p": ["The", "mill"], "q": ["The"]}, {"p": "", "q": "..."})
    assert scores["HasAns_exact"] == scores["HasAns_f1"] == 50.0
    assert "NoAns_exact" not in scores


@given(GOLD)
def test_the_gold_answers_score_100(gold):
    pred = {question: answers[-1] for question, answers in gold.items()}
    assert set(squad(gold, pred).values()) == {100.0}
    assert set(squad_v2(gold, pred).values()) == {100.0}


@given(st.dictionaries(IDS, st.tuples(st.lists(TEXT, max_size=3), TEXT), min_size=1))
def test_scores_lie_between_0_and_100_and_no_exact_match_has_a_lower_f1_in_2_0(items):
    gold = {question: answers for question, (answers, _) in items.items()}
    pred = {question: answer for question, (_, answer) in items.items()}
    scores = squad_v2(gold, pred)
    assert all(0 <= value <= 100 for value in scores.values())
    assert scores["exact_match"] <= scores["f1"] + 1e-9
    answerable = {question: answers for question, answers in gold.items() if answers}
    if answerable:
        assert all(0 <= value <= 100 for value in squad(answerable, pred).values())


@given(GOLD, st.dictionaries(IDS, WORDED), st.randoms(use_true_random=False))
def test_the_order_of_questions_does_not_matter(gold, pred, rng):
    shuffled = dict(rng.sample(list(gold.items()), len(gold)))
    assert squad(shuffled, pred) == pytest.approx(squad(gold, pred))
    assert squad_items(shuffled, pred) == squad_items(gold, pred)
