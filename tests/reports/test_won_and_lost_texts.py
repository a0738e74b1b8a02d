"""Won and lost items are shown by what is scored: examples, gold pairs, queries."""

from xstilts.reports.gather import _items
from xstilts.tasks.examples import Candidate, Query, Sentence


def test_a_mined_item_is_a_gold_pair_with_both_texts_in_gold_order():
    examples = [
        Sentence("s1", "s1", "source", "eins", ()),
        Sentence("s2", "s2", "source", "zwei", ("t9",)),
        Sentence("s3", "s3", "source", "drei", ("t8",)),
        Sentence("t8", "t8", "target", "three", ()),
        Sentence("t9", "t9", "target", "two", ()),
    ]
    assert _items("mining", examples) == ["zwei / two", "drei / three"]


def test_a_ranked_item_is_a_query_and_no_candidate():
    examples = [Query("q", "q", "Who?", ("c",)), Candidate("c", "c", "She.", "She. Later.")]
    assert _items("ranking", examples) == ["Who?"]
