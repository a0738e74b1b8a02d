"""Malformed rows: where they are, and what should have been there."""

import gzip
import json
import re

import pytest
from release_rows import (
    ARTICLE,
    BUCC,
    CONLLU,
    COSMOS_HEAD,
    MNLI_HEAD,
    QQP_HEAD,
    TREE,
    XNLI_HEAD,
    commonsense,
    hellaswag,
    klue,
    mewsli_entity,
    mewsli_mention,
    mewsli_pair,
    mnli_row,
    question,
    read_paths,
    release,
    siqa,
    squad,
    xquad_r,
)

from xstilts.core.errors import DataError
from xstilts.data.readers import read
from xstilts.tasks import get_task


def refusal(parse, form, *contents, **more):
    with pytest.raises(DataError) as caught:
        parse(form, *contents, **more)
    return caught.value


GOOD = mnli_row("1e", "One.", "Two.", "entailment")
XNLI_ROW = "en\tneutral\ta\tb\t1\t1\tTrue\n"
QQP_ROW = "5\t1\t2\tHow old is it?\tWhat is its age?\t1\n"
QUERY = r"article 0, paragraph 0, question 1 \(id q2\)"
LINE_CASES = {
    "glue missing column": ("glue_tsv", "pairID\tsentence1\tgold_label\n1\ta\tb\n", 1, "sentence2"),
    "glue short row": ("glue_tsv", MNLI_HEAD + GOOD + "a\tb\n" + GOOD, 3, "2 columns"),
    "glue blank row": ("glue_tsv", MNLI_HEAD + GOOD + "\n" + GOOD, 3, "1 columns"),
    "glue long row": ("glue_tsv", MNLI_HEAD + GOOD.replace("\n", "\tx\n"), 2, "13 columns"),
    "glue open row": ("glue_tsv", MNLI_HEAD + '1\t"a\n', 2, "2 columns"),
    "glue torn": ("glue_tsv", MNLI_HEAD + GOOD + '"a line torn off\n' + GOOD, 3, "1 columns"),
    "glue two lines": ("glue_tsv", MNLI_HEAD + GOOD.replace("One", '"\nOne'), 2, "9 columns"),
    "xnli torn": ("xnli_tsv", XNLI_HEAD + XNLI_ROW + '"torn off\n' + XNLI_ROW, 3, "1 columns"),
    "qqp torn": ("qqp_tsv", QQP_HEAD + '"torn off\n' + QQP_ROW, 2, "1 columns"),
    "qqp cut": ("qqp_tsv", QQP_HEAD + '4\t1\t2\t"cut off\n' + QQP_ROW, 2, "4 columns"),
    "qqp open": ("qqp_tsv", QQP_HEAD + QQP_ROW + '4\t1\t2\t"cut off\n', 3, "4 columns"),
    "glue label": ("glue_tsv", MNLI_HEAD + GOOD + mnli_row("2", "a", "b", "maybe"), 3, "maybe"),
    "glue empty": ("glue_tsv", MNLI_HEAD, 1, "no example"),
    "glue nothing": ("glue_tsv", "", 1, "no header"),
    "xnli columns": ("xnli_tsv", XNLI_HEAD + "en\tneutral\ta\tb\n", 2, "4 columns"),
    "xnli other language": ("xnli_tsv", XNLI_HEAD + "de\tneutral\ta\tb\t1\t1\tTrue\n", 1, "en"),
    "pair label": ("pair_tsv", "a\tb\tneutral\na\tb\tNeutral\n", 2, "'Neutral'"),
    "pair columns": ("pair_tsv", "a\tb\tneutral\na\tb\n", 2, "2 columns"),
    "pair blank": ("pair_tsv", "a\tb\tneutral\n\na\tb\tneutral\n", 2, "1 columns"),
    "pair no gold": ("pair_tsv", "a\tb\nc\td\n", 1, "no gold"),
    "pair first label": ("pair_tsv", "a\tb\na\tb\tneutral\n", 1, "2 columns"),
    "pair bytes": ("pair_tsv", b"a\tb\tneutral\na\xff\tb\tneutral\n", 2, "not UTF-8"),
    "pair empty": ("pair_tsv", "", 1, "no example"),
    "json broken": ("nli_jsonl", '{"pairID": "1"\n', 1, "JSON is broken"),
    "json deep": ("nli_jsonl", "\n" + "[" * 100_000, 2, "nested"),
    "json long number": ("nli_jsonl", '{"pairID": ' + "1" * 5000 + "}", 1, "JSON is broken"),
    "json list": ("nli_jsonl", "\n[1]\n", 2, "no object"),
    "json field": ("nli_jsonl", '{"pairID": "1", "gold_label": "neutral"}\n', 1, "sentence1"),
    "json number": ("nli_jsonl", '{"sentence1": "a", "gold_label": 1}\n', 1, "not a string"),
    "json half": (
        "nli_jsonl",
        '{"pairID": "1", "sentence1": "\\ud83d", "gold_label": "neutral"}\n',
        1,
        "half of a character",
    ),
    "hellaswag range": ("hellaswag_jsonl", f"{hellaswag()}\n{hellaswag(label=4)}", 2, "no choice"),
    "hellaswag true": ("hellaswag_jsonl", hellaswag(label=True), 1, "whole number"),
    "hellaswag hidden": ("hellaswag_jsonl", hellaswag(label=None), 1, "'label' is missing"),
    "hellaswag endings": ("hellaswag_jsonl", hellaswag(endings=["a", "b"]), 1, "2 choices"),
    "hellaswag strings": ("hellaswag_jsonl", hellaswag(endings=["a", 1, 2, 3]), 1, "no string"),
    "cosmos header": ("csv", "id,context\n", 1, "header"),
    "cosmos columns": ("csv", COSMOS_HEAD + 'a,"b\nc",d,e,f,g,h,0\na,b\n', 4, "2 columns"),
    "cosmos label": ("csv", COSMOS_HEAD + "a,b,c,d,e,f,g,4\n", 2, "no choice"),
    "cosmos word": ("csv", COSMOS_HEAD + "a,b,c,d,e,f,g,x\n", 2, "no choice"),
    "cosmos quote": ("csv", COSMOS_HEAD + 'a,"b,c,d,e,f,g,1\n', 2, "CSV is broken"),
    "cosmos bytes": ("csv", COSMOS_HEAD.encode() + b"a,\xff\n", 2, "not UTF-8"),
    "csqa letter": ("commonsenseqa_jsonl", commonsense(key="F"), 1, "'F'"),
    "csqa choices": ("commonsenseqa_jsonl", commonsense(letters="ABC"), 1, "3 choices"),
    "conllu columns": ("conllu", "1\tSí\tsí\tINTJ\n", 1, "4 columns"),
    "conllu tag": ("conllu", CONLLU.replace("SYM", "HASH"), 10, "'HASH'"),
    "conllu id": ("conllu", CONLLU.replace("3\t.", "x\t."), 8, "'x'"),
    "conllu comments": ("conllu", "# sent_id = 1\n", 1, "no example"),
    "tags one column": ("tagged_tsv", "Ida\tB-PER\nRuiz\n", 2, "1 columns"),
    "tags no gold": ("tagged_tsv", "\nIda\nRuiz\n", 2, "no gold"),
    "tags first": ("tagged_tsv", "Ida\nRuiz\tO\n", 1, "1 columns"),
    "tags spaced": ("tagged_tsv", "Ida B-PER\nRuiz I-PER\n", 1, "1 columns"),
    "tags label": ("tagged_tsv", "Ida\tB-PER\nRuiz\tPER\n", 2, "'PER'"),
    "tags word": ("tagged_tsv", "\tO\n", 1, "word is empty"),
    "json object": ("json", "{}", 1, "no list"),
    "json broken list": ("json", "[\n{]", 2, "JSON is broken"),
    "jsonl letter": ("jsonl", siqa() + "\n" + siqa(correct="D"), 2, "no choice"),
    "jsonl type": ("jsonl", siqa(answerB=["a"]), 1, "not a string"),
    "spaces none": ("tagged_spaced", "Ida\nsang\n", 1, "no gold"),
    "spaces first": ("tagged_spaced", "Ida\nRuiz O\n", 1, "1 columns"),
    "spaces three": ("tagged_spaced", "Ida B-PER\nRuiz la I-PER\n", 2, "3 columns"),
    "spaces tag": ("tagged_spaced", "Ida B-DATUM\n", 1, "B-DATUM"),
    "tree head": ("supertag_conllu", TREE.replace("3\tiobj", "9\tiobj"), 5, "head '9'"),
    "tree loop": ("supertag_conllu", TREE.replace("3\tiobj", "4\tiobj"), 5, "head '4'"),
    "ccg": ("ccg_auto", "ID=a PARSER=x\n(<L N N N>)\n", 2, "no derivation"),
    "ccg header": ("ccg_auto", "(<L N N N a N>)\n", 1, "no derivation"),
}


@pytest.mark.parametrize("case", LINE_CASES)
def test_a_malformed_row_is_refused_with_its_line(parse, tmp_path, case):
    form, content, line, told = LINE_CASES[case]
    error = refusal(parse, form, content)
    assert error.where == f"{tmp_path / 'file0'}:{line}"
    assert told in str(error)
    assert error.expected and error.do


def test_an_unknown_label_is_answered_with_the_known_ones(parse):
    error = refusal(parse, "pair_tsv", "a\tb\tyes\n")
    assert error.expected == "one of: contradiction, entailment, neutral"


DOCUMENT_CASES = {
    "misplaced": (question("q2", start=22), QUERY + ", answer 0", "stand at character 22"),
    "negative": (question("q2", start=-13), QUERY + ", answer 0", "stand at character -13"),
    "beyond": (question("q2", start=10**9), QUERY + ", answer 0", "stand at character"),
    "no answers": (question("q2", None), QUERY, "no answers"),
    "both": (question("q2", is_impossible=True), QUERY, "impossible and has answers"),
    "stripped": (question("q2", "", 0), QUERY + ", answer 0", "no gold"),
    "no question": ({"id": "q2", "answers": []}, QUERY, "no answers"),
    "offset": (question("q2", start="21"), QUERY + ", answer 0", "whole number"),
    "no id": ({"question": "?"}, r"article 0, paragraph 0, question 1", "'id' is missing"),
}


@pytest.mark.parametrize("case", DOCUMENT_CASES)
def test_a_malformed_question_is_refused_with_its_place(parse, tmp_path, case):
    bad, place, told = DOCUMENT_CASES[case]
    document = json.dumps(squad(question("q1"), bad), indent=1)
    error = refusal(parse, "squad_json", document)
    line = 1 + document[: document.find('"id": "q2"')].count("\n")
    at = f":{line}" if "id" in bad else ""
    assert re.fullmatch(rf"{re.escape(str(tmp_path))}/file0{at}, {place}", error.where)
    assert told in str(error)


def test_a_question_whose_id_is_used_again_is_refused_at_its_own_line(parse, tmp_path):
    quoted = squad(question("q2"), question("q2", start=9), question("q2"), title='"id": "q2"')
    document = json.dumps(quoted, indent=1).replace('"q2"', '"\\u0071\\u0032"')
    line = [n for n, row in enumerate(document.split("\n"), 1) if '"id": "\\u' in row][1]
    assert f"file0:{line}, article" in refusal(parse, "squad_json", document).where
    spelt = document.replace('"id"', '"\\u0069d"')
    assert "file0, article" in refusal(parse, "squad_json", spelt).where


def test_broken_documents_are_refused_with_the_line(parse, tmp_path):
    broken = json.dumps(squad(question("q1")), indent=1).replace('"qas"', "qas")
    error = refusal(parse, "squad_json", broken)
    line = 1 + broken[: broken.index("qas")].count("\n")
    assert error.where == f"{tmp_path / 'file0'}:{line}"
    not_text = json.dumps(squad(), indent=1, ensure_ascii=False).encode("latin-1")
    line = 1 + not_text[: not_text.index(b"\xfc")].count(b"\n")
    assert refusal(parse, "squad_json", not_text).where == f"{tmp_path / 'file0'}:{line}"


@pytest.mark.parametrize("content", ["{}", '{"data": {}}', '{"data": [1]}', "[]", ""])
def test_documents_of_another_shape_are_refused_with_the_file(parse, content, tmp_path):
    error = refusal(parse, "squad_json", content)
    assert error.where.startswith(str(tmp_path / "file0"))


def test_files_of_different_length_are_refused_where_the_shorter_ends(parse, tmp_path):
    assert refusal(parse, "tatoeba_lines", "a\nb\n", "c\n").where == f"{tmp_path / 'file1'}:2"
    assert refusal(parse, "tatoeba_lines", "a\n", "c\nd\n").where == f"{tmp_path / 'file0'}:2"


ALIGNED_CASES = {
    "twice": ("n:1\ta\nn:1\tb\n", "n:1\tc\n", "file0:2", "used twice"),
    "no tab": ("n:1\ta\n", "n:1 b\n", "file1:1", "1 columns"),
    "nothing shared": ("n:1\ta\n", "n:2\tb\n", "file0:1", "no example"),
}


@pytest.mark.parametrize("case", ALIGNED_CASES)
def test_text_that_is_not_aligned_is_refused(parse, tmp_path, case):
    ours, english, where, told = ALIGNED_CASES[case]
    error = refusal(parse, "aligned_lines", ours, english)
    assert error.where == str(tmp_path / where)
    assert told in str(error)


@pytest.mark.parametrize(
    "spoil", [lambda b: b[:-12], lambda b: b"no gzip", lambda b: b[:60] + b[:9]]
)
def test_a_packed_file_that_is_broken_is_refused(tmp_path, spoil):
    packed = gzip.compress("".join(f"n:{i}\t{i * 7919}\n" for i in range(99)).encode())
    for name in ("sw", "en"):
        (tmp_path / f"{name}.txt.gz").write_bytes(spoil(packed))
    paths = [tmp_path / "sw.txt.gz", tmp_path / "en.txt.gz"]
    with pytest.raises(DataError, match="cannot be read") as caught:
        read_paths("aligned_lines", paths)
    assert caught.value.where.endswith("en.txt.gz")


def test_an_english_side_in_alphabetical_order_is_no_gold(parse):
    english = sorted(f"{n * 37 % 100} mills" for n in range(40))
    error = refusal(parse, "tatoeba_lines", "\n".join(english), "\n".join(english))
    assert "no gold" in str(error)


def test_an_item_of_a_list_is_named_by_its_place(parse, tmp_path):
    error = refusal(parse, "json", json.dumps([klue(), klue("b", "maybe")]))
    assert error.where == f"{tmp_path / 'file0'}, item 1"
    assert "maybe" in error.what


BUCC_CASES = {
    "unknown": (2, "zh-000000009\ten-000000002\n", "file2:1", "in no file"),
    "swapped": (2, "en-000000002\tzh-000000001\n", "file2:1", "in no file"),
    "three": (2, BUCC[2] + "zh-000000001\ten-000000002\t1\n", "file2:2", "3 columns"),
    "no pair": (2, "", "file0:1", "no example"),
    "twice": (0, BUCC[0] + "zh-000000002\t水。\n", "file0:4", "used twice"),
    "no id": (1, "\tNobody.\n", "file1:1", "id is empty"),
}


@pytest.mark.parametrize("case", BUCC_CASES)
def test_collections_whose_gold_is_of_other_sentences_are_refused(parse, tmp_path, case):
    place, content, where, told = BUCC_CASES[case]
    contents = [*BUCC[:place], content, *BUCC[place + 1 :]]
    error = refusal(parse, "bucc_lines", *contents, language="zh")
    assert error.where == str(tmp_path / where)
    assert told in str(error)


RANKED_CASES = {
    "no sentence": (xquad_r(question("q", start=16)), "No sentence holds character 16"),
    "no breaks": (xquad_r(question("q"), sentence_breaks=None), "sentence_breaks"),
    "outside": (xquad_r(question("q"), sentence_breaks=[[0, 999]]), "sentence_breaks"),
    "words": (xquad_r(question("q"), sentence_breaks=[["0", 9]]), "sentence_breaks"),
    "no answer": (xquad_r(question("q", None)), "0 answers"),
}


@pytest.mark.parametrize("case", RANKED_CASES)
def test_a_question_without_its_sentence_is_refused(parse, tmp_path, case):
    document, told = RANKED_CASES[case]
    error = refusal(parse, "xquadr_json", json.dumps(document))
    assert error.where.startswith(f"{tmp_path / 'file0'}, article 0, paragraph 0")
    assert told in error.what


@pytest.mark.parametrize(
    ("mention", "entity", "told"),
    [
        (mewsli_mention(text=""), mewsli_entity(), "does not stand at characters 32-36"),
        (mewsli_mention(first=38, last=47, said=ARTICLE[38:47]), mewsli_entity(), "No sentence"),
        (mewsli_mention("de"), mewsli_entity(), "no example"),
        (mewsli_mention(), mewsli_entity(description="Short."), "outside of the text"),
    ],
)
def test_mentions_without_their_article_are_refused(parse, mention, entity, told):
    assert told in str(refusal(parse, "mewslix_jsonl", mention, entity))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (mewsli_pair(entity=mewsli_entity("Q6")), "The mention is of Q5, the entity is Q6"),
        (mewsli_pair(mewsli_mention(text="")), "does not stand at characters 32-36"),
        (mewsli_pair(entity=mewsli_entity(description="Short.")), "outside of the text"),
        (mewsli_pair(mewsli_mention("de")), "no example"),
        (mewsli_pair(entity=None, contextual_mention=3), "'contextual_mention' is not an object"),
    ],
)
def test_a_pair_that_is_none_is_refused_with_its_line(parse, tmp_path, line, told):
    error = refusal(parse, "mewslix_pairs", line)
    assert told in error.what and error.where.startswith(f"{tmp_path / 'file0'}:1")


def test_an_answer_without_a_sentence_is_refused(parse):
    document = squad(question("q", " ", 10), context="It is so.    ")
    error = refusal(parse, "squad_sentences", json.dumps(document))
    assert "No sentence holds character 10" in error.what


def test_a_file_that_is_not_there_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_paths("pair_tsv", [tmp_path / "none"])
    with pytest.raises(DataError, match="cannot be read"):
        read_paths("squad_json", [tmp_path])


def test_rows_are_read_one_at_a_time(tmp_path):
    path = tmp_path / "dev-en.tsv"
    path.write_text("a\tb\tneutral\nbroken\n")
    rows = read(get_task("xnli"), release("pair_tsv"), [path], "dev", "en")
    assert next(rows).label == "neutral"
    with pytest.raises(DataError):
        next(rows)
