"""Readers of queries and candidates: rows as the releases write them, and what they become."""

import json

from release_rows import (
    SENTENCES,
    mewsli_entity,
    mewsli_mention,
    mewsli_pair,
    question,
    squad,
    xquad_r,
)

from xstilts.tasks.examples import Candidate, Query


def test_xquad_r_ranks_sentences_with_their_paragraph(parse):
    document = xquad_r(question("q1", "1794", 29), question("q2", "mill", 4))
    document["data"].append(
        {"paragraphs": [{"context": "Ei\nns.", "qas": [], "sentence_breaks": [[0, 6]]}]}
    )
    rows = parse("xquadr_json", json.dumps(document), language="de")
    context = " ".join(SENTENCES)
    assert [(r.id, r.text, r.context) for r in rows if isinstance(r, Candidate)] == [
        ("de_1_0", SENTENCES[0], context),
        ("de_1_1", SENTENCES[1], context),
        ("de_1_2", SENTENCES[2], context),
        ("de_2_0", "Eins.", "Eins."),
    ]
    # The sentence with the answer stands twice in the paragraph: both are right.
    assert [r for r in rows if isinstance(r, Query)] == [
        Query("q1", "0:0", "q1?", ("de_1_1", "de_1_2")),
        Query("q2", "0:0", "q2?", ("de_1_0",)),
    ]


def test_squads_sentences_are_ranked_as_those_of_xquad_r(parse):
    context = "The mill is old.\nIt burnt in 1794.  It burnt in 1794. Ida left."
    two = question("q1", "1794", 29)
    two["answers"].append({"text": "Ida", "answer_start": 54})
    document = squad(two, question("q2", "Ida", 54), context=context)
    document["data"].append({"paragraphs": [{"context": "A. b", "qas": [question("q3", "b", 3)]}]})
    rows = parse("squad_sentences", json.dumps(document))
    flat = "The mill is old.It burnt in 1794.  It burnt in 1794. Ida left."
    assert rows == [
        Candidate("0:0_0", "0:0", "The mill is old.", flat),
        Candidate("0:0_1", "0:0", "It burnt in 1794.", flat),
        Candidate("0:0_2", "0:0", "It burnt in 1794.", flat),
        Candidate("0:0_3", "0:0", "Ida left.", flat),
        Query("q1", "0:0", "q1?", ("0:0_1", "0:0_2")),
        Query("q2", "0:0", "q2?", ("0:0_3",)),
        Candidate("1:0_0", "1:0", "A. b", "A. b"),
        Query("q3", "1:0", "q3?", ("1:0_0",)),
    ]


def test_pairs_of_mewsli_x_hold_each_entity_once(parse):
    lines = [mewsli_pair(), mewsli_pair(mewsli_mention("de")), mewsli_pair()]
    mention, entity, again = parse("mewslix_pairs", "\n".join(lines))
    text = "Ruiz: The verdict for (Ida) { Ruiz }  came."
    assert mention == Query("en-7", "en-1", text, ("Q5",))
    assert entity == Candidate("Q5", "Q5", "Ida Ruiz is a judge. She sings.", "")
    assert (again.id, again.text, again.gold) == ("en-7#1", text, ("Q5",))


def test_mewsli_x_marks_the_mention_in_its_sentence(parse):
    mentions = "\n".join([mewsli_mention(), mewsli_mention("de")])
    query, first, second = parse(
        "mewslix_jsonl", mentions, mewsli_entity() + "\n" + mewsli_entity("Q6")
    )
    assert query == Query("en-7", "en-1", "Ruiz: The verdict for (Ida) { Ruiz }  came.", ("Q5",))
    assert first == Candidate("Q5", "Q5", "Ida Ruiz is a judge. She sings.", "")
    assert second.id == "Q6"
