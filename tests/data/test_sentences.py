"""Where sentences end, by rule, and how often XQuAD-R says the same."""

import json
import os
from pathlib import Path

import pytest

from xstilts.data.readers.sentences import sentence_spans

DATA = os.environ.get("XSTILTS_DATA")


def said(text):
    return [text[i:j] for i, j in sentence_spans(text)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["The mill is old.", "It burnt in 1794.", "Who saw it?", "Nobody!", "1795 was calm."],
        ['He said "Go on."', '"Why?" asked Ida.', "(It was late.)", "She went."],
        ["Dr. Ida B. Ruiz met Mr. Bo at St. Ann on Jan. 3rd, 1.5 km off, i.e. nearby.", "He left."],
        ["They came from the U.S. Navy.", "All left the U.S.", "The rest stayed in the U.K."],
        ["It costs 3.50 a piece, e.g. at Bo's.", "Well... it did.", "So it was..."],
        ["No full stop at all"],
    ],
)
def test_sentences_are_told_apart(sentences):
    assert said(" ".join(sentences)) == sentences
    assert said("\n" + "  \n ".join(sentences) + " ") == sentences


def test_a_paragraph_of_white_space_has_no_sentence():
    assert sentence_spans(" \n ") == sentence_spans("") == []


@pytest.mark.skipif(not DATA, reason="XSTILTS_DATA names no data folder")
def test_answers_stand_in_the_sentences_of_xquad_r():
    document = json.loads((Path(str(DATA)) / "lareqa/xquad-r/en.json").read_text("utf-8"))
    same = []
    for paragraph in (p for article in document["data"] for p in article["paragraphs"]):
        ours = sentence_spans(paragraph["context"])
        theirs = [tuple(span) for span in paragraph["sentence_breaks"]]
        for question in paragraph["qas"]:
            start = question["answers"][0]["answer_start"]
            (right,) = [span for span in theirs if span[0] <= start < span[1]]
            same.append(right in ours)
    assert len(same) == 1190
    assert sum(same) / len(same) > 0.985
