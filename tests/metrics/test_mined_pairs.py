"""F1 of mined pairs and the threshold above which a pair is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xstilts.metrics import bitext_f1, bitext_threshold

GOLD = [("de-1", "en-1"), ("de-2", "en-2")]


def test_pairs_count_as_a_set_and_only_whole():
    found = bitext_f1(GOLD, [("de-1", "en-1"), ("de-1", "en-1"), ("de-2", "en-3")])
    assert found == {"f1": 50.0, "precision": 50.0, "recall": 50.0}
    assert bitext_f1(GOLD, []) == {"f1": 0.0, "precision": 0.0, "recall": 0.0}


def test_the_threshold_lies_half_way_to_the_next_pair():
    scores = {("de-1", "en-1"): 1.4, ("de-2", "en-2"): 1.2, ("de-3", "en-9"): 1.0}
    assert bitext_threshold(scores, GOLD) == pytest.approx(1.1)


def test_where_every_pair_is_to_be_taken_the_search_does_not_run_off_the_end():
    scores = {("de-1", "en-1"): 1.4, ("de-2", "en-2"): 1.2}
    assert bitext_threshold(scores, GOLD) == 1.2


def test_no_threshold_is_made_up_where_no_candidate_is_true():
    with pytest.raises(ValueError, match="none of 1 candidates is one of 2 gold pairs"):
        bitext_threshold({("de-1", "en-2"): 1.0}, GOLD)
    with pytest.raises(ValueError, match="0 gold pairs"):
        bitext_f1([], [("a", "b")])


@given(st.lists(st.booleans(), min_size=1, max_size=15).filter(any), st.data())
def test_no_other_threshold_does_better(true, data):
    order = data.draw(st.permutations(range(len(true))))
    scores = {(f"s{i}", f"t{i}"): float(rank) for i, rank in enumerate(order)}
    gold = [pair for pair, right in zip(scores, true, strict=True) if right] + [("s", "t")]

    def reached(threshold):
        return bitext_f1(gold, [p for p, score in scores.items() if score >= threshold])["f1"]

    assert reached(bitext_threshold(scores, gold)) == max(reached(t) for t in scores.values())
