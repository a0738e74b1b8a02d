import math
import time
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xstilts.metrics import seqeval_f1, tag_accuracy

PLAIN_POS = "ADJ ADP CCONJ SCONJ INTJ NOUN PROPN PUNCT SYM VERB".split()
POS = [*PLAIN_POS, "X", "_"]
ENTITIES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]


def tagged(tags):
    """Sentences of `(gold, predicted)` tags."""
    pair = st.tuples(st.sampled_from(tags), st.sampled_from(tags))
    return st.lists(st.lists(pair, min_size=1, max_size=8), min_size=1, max_size=8)


def split(sentences):
    return (
        [[gold for gold, _ in sentence] for sentence in sentences],
        [[pred for _, pred in sentence] for sentence in sentences],
    )


def test_equal_part_of_speech_neighbours_melt_into_one_chunk():
    gold, pred = [["NOUN", "NOUN", "VERB", "PUNCT"]], [["NOUN", "VERB", "VERB", "PUNCT"]]
    assert seqeval_f1(gold, pred) == pytest.approx(100 / 3, abs=1e-12)
    assert tag_accuracy(gold, pred) == 75.0


def test_the_first_letter_of_a_part_of_speech_does_not_count():
    assert seqeval_f1([["CCONJ", "X"]], [["SCONJ", "_"]]) == 100.0
    assert tag_accuracy([["CCONJ", "X"]], [["SCONJ", "_"]]) == 0.0


def test_an_x_at_the_end_of_a_sentence_is_no_chunk_as_in_seqeval():
    assert seqeval_f1([["X"]], [["X"]]) == 0.0
    assert seqeval_f1([["X", "NOUN"]], [["VERB", "NOUN"]]) == 50.0


def test_an_x_after_a_sentence_break_reaches_back_so_that_order_matters_as_in_seqeval():
    runs, x = (["NOUN", "NOUN"], ["NOUN", "VERB"]), (["X", "NOUN"], ["X", "NOUN"])
    assert seqeval_f1([runs[0], x[0]], [runs[1], x[1]]) == pytest.approx(200 / 7)
    assert seqeval_f1([x[0], runs[0]], [x[1], runs[1]]) == pytest.approx(400 / 7)


def test_an_entity_counts_only_with_type_and_both_ends():
    gold = [["B-PER", "I-PER", "O", "B-LOC"]]
    assert seqeval_f1(gold, [["B-PER", "I-PER", "O", "B-ORG"]]) == 50.0
    assert seqeval_f1(gold, [["B-PER", "O", "O", "B-LOC"]]) == 50.0


def test_an_inside_tag_without_beginning_opens_an_entity():
    assert seqeval_f1([["B-PER", "I-PER"]], [["I-PER", "I-PER"]]) == 100.0


def test_an_entity_ends_with_its_sentence():
    apart, together = [["B-PER"], ["I-PER"]], [["B-PER", "I-PER"]]
    assert seqeval_f1(apart, apart) == 100.0
    assert seqeval_f1([*apart, ["B-LOC"]], [["B-PER"], ["O"], ["B-LOC"]]) == pytest.approx(80.0)
    assert seqeval_f1(together, together) == 100.0


def test_no_entity_anywhere_scores_0():
    assert seqeval_f1([["O", "O"]], [["O", "O"]]) == 0.0
    assert seqeval_f1([["O", "B-PER"]], [["O", "O"]]) == 0.0


def test_tuples_are_sentences_like_lists():
    assert seqeval_f1((("B-PER", "O"),), (("B-PER", "O"),)) == 100.0


@pytest.mark.parametrize("tags", [POS, ENTITIES])
def test_the_score_is_that_of_seqeval(tags):
    from seqeval.metrics import f1_score

    @given(tagged(tags))
    def check(sentences):
        gold, pred = split(sentences)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            official = float(f1_score(gold, pred)) * 100
        assert seqeval_f1(gold, pred) == official

    check()


@given(tagged(PLAIN_POS), st.randoms(use_true_random=False))
def test_scores_are_bounded_full_for_the_gold_and_free_of_sentence_order(sentences, rng):
    gold, pred = split(sentences)
    shuffled_gold, shuffled_pred = split(rng.sample(sentences, len(sentences)))
    for metric in (seqeval_f1, tag_accuracy):
        assert 0 <= metric(gold, pred) <= 100
        assert metric(gold, gold) == 100
        assert math.isclose(metric(gold, pred), metric(shuffled_gold, shuffled_pred))


@pytest.mark.parametrize("metric", [seqeval_f1, tag_accuracy])
def test_lengths_that_differ_are_both_named(metric):
    with pytest.raises(ValueError, match="2 gold sentences but 1 predicted sentences"):
        metric([["O"], ["O"]], [["O"]])
    with pytest.raises(ValueError, match="sentence 2: 3 gold tags but 1 predicted tags"):
        metric([["O"], ["O", "O", "O"]], [["O"], ["O"]])


@pytest.mark.parametrize("metric", [seqeval_f1, tag_accuracy])
def test_nothing_to_score_is_refused(metric):
    for nothing in ([], [[]]):
        with pytest.raises(ValueError, match="at least one"):
            metric(nothing, nothing)


def test_only_the_warning_about_tags_without_prefix_is_silenced(monkeypatch):
    from seqeval.metrics import sequence_labeling

    def noisy(sentences):
        warnings.warn("NOUN seems not to be NE tag.", UserWarning, stacklevel=1)
        warnings.warn("something else is wrong", UserWarning, stacklevel=1)
        return [("OUN", 0, 0)]

    monkeypatch.setattr(sequence_labeling, "get_entities", noisy)
    with pytest.warns(UserWarning) as caught:
        seqeval_f1([["NOUN"]], [["NOUN"]])
    assert {str(warning.message) for warning in caught} == {"something else is wrong"}


def test_thirty_thousand_tokens_take_seconds_at_most():
    sentences = [POS * 2] * 1300
    start = time.process_time()
    assert seqeval_f1(sentences, sentences) == 100.0
    assert time.process_time() - start < 5
