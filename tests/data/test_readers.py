"""Readers: rows as the releases write them, and the examples they must become."""

import gzip
import json
import re

import pytest
from release_rows import (
    BUCC,
    CONLLU,
    COSMOS_HEAD,
    MNLI_HEAD,
    OF_USERS,
    QQP_HEAD,
    TASK_OF,
    TREE,
    XNLI_HEAD,
    commonsense,
    copa,
    hellaswag,
    klue,
    mnli_row,
    one_of_each,
    question,
    read_paths,
    siqa,
    squad,
)

from xstilts.data.readers import READERS, read
from xstilts.data.readers.source import normalised
from xstilts.tasks import get_task
from xstilts.tasks.examples import Choice, Pair, Parallel, Span, Tagged


def test_every_format_with_a_reader_is_exercised_here():
    assert set(TASK_OF) == set(READERS) - OF_USERS == set(one_of_each())


def test_glue_rows_become_pairs_grouped_by_premise(parse):
    rows = parse(
        "glue_tsv",
        MNLI_HEAD
        + mnli_row("11e", 'A "red"  kite flew.', "Something flew. ", "entailment")
        + mnli_row("12n", "Rain fell on the mill.", "It was March.", "neutral")
        + mnli_row("11c", 'a "RED" kite flew.', "Nothing moved.", "contradiction"),
    )
    assert [(r.id, r.first, r.second, r.label) for r in rows] == [
        ("11e", 'A "red"  kite flew.', "Something flew. ", "entailment"),
        ("12n", "Rain fell on the mill.", "It was March.", "neutral"),
        ("11c", 'a "RED" kite flew.', "Nothing moved.", "contradiction"),
    ]
    assert rows[0].group == rows[2].group != rows[1].group
    assert re.fullmatch(r"[0-9a-f]{16}", rows[0].group)


def test_aligned_text_is_paired_by_its_ids_and_what_one_side_lacks_is_left_out(parse, tmp_path):
    ours = "MAT 1:2\tPili.\nMAT 1:1\tKwanza.\nMAT 1:4\tNne.\n"
    english = "MAT 1:1\tFirst.\nMAT 1:2\tSecond.\nMAT 1:3\tThird.\n"
    wanted = [
        Parallel("MAT 1:2", "MAT 1:2", "Pili.", "Second."),
        Parallel("MAT 1:1", "MAT 1:1", "Kwanza.", "First."),
    ]
    assert parse("aligned_lines", ours, english, language="sw") == wanted
    packed = [tmp_path / "sw.txt.gz", tmp_path / "en.txt.gz"]
    for path, text in zip(packed, (ours, english), strict=True):
        path.write_bytes(gzip.compress(text.encode()))
    assert read_paths("aligned_lines", packed, "sw") == wanted


def test_columns_are_found_by_their_names_not_their_places(tmp_path):
    path = tmp_path / "train.tsv"
    path.write_text(
        QQP_HEAD + "5\t1\t2\tHow old is the moon?\tWhat is the moon's age?\t1\n"
        '6\t3\t4\t"""Why?"""\tWhy not?\t0\n'
        "9\t5\t6\tWhere is up?\tWhat is down?\t0\n"
    )
    qqp = get_task("qqp")
    rows = list(read(qqp, qqp.files[0], [path], "train", "en"))
    assert [(r.id, r.first, r.label) for r in rows] == [
        ("5", "How old is the moon?", "1"),
        ("6", '"""Why?"""', "0"),
        ("9", "Where is up?", "0"),
    ]


def test_a_row_of_qqp_torn_by_a_line_break_in_a_quoted_cell_is_passed_over(parse):
    rows = parse(
        "qqp_tsv",
        QQP_HEAD
        + "5\t1\t2\tHow old is it?\tWhat is its age?\t1\n"
        + '6\t3\t4\t"Why?\n\nOr why not?"\tWhere is up?\t0\n'
        + "9\t5\t6\tWhere is up?\tWhat is down?\t0\n",
    )
    assert [r.id for r in rows] == ["5", "9"]


def test_multinli_rows_without_a_majority_are_left_out(parse):
    def row(pair, label):
        return json.dumps(
            {"pairID": pair, "sentence1": "Él ríe.", "sentence2": "He is sad.", "gold_label": label}
        )

    rows = parse(
        "nli_jsonl", f"{row('1n', 'neutral')}\n{row('1x', '-')}\n{row('1e', 'entailment')}"
    )
    assert [(r.id, r.first, r.label) for r in rows] == [
        ("1n", "Él ríe.", "neutral"),
        ("1e", "Él ríe.", "entailment"),
    ]


def test_adversarial_nli_writes_short_labels_and_other_names(parse):
    rows = [
        {"uid": f"u{x}", "context": "A mill burnt.", "hypothesis": f"{x}.", "label": x}
        for x in "enc"
    ]
    read_back = parse("nli_jsonl", "\n".join(map(json.dumps, rows)) + "\n", task="anli")
    assert [(r.id, r.label) for r in read_back] == [
        ("ue", "entailment"),
        ("un", "neutral"),
        ("uc", "contradiction"),
    ]


def test_sick_writes_its_labels_in_capitals(parse):
    head = "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n"
    (row,) = parse(
        "glue_tsv", head + "7\tA man sings\tNobody sings\t3.5\tCONTRADICTION\n", task="sick"
    )
    assert (row.id, row.second, row.label) == ("7", "Nobody sings", "contradiction")


def test_rte_is_read_by_the_names_of_glue(parse):
    head = "index\tsentence1\tsentence2\tlabel\n"
    (row,) = parse("glue_tsv", head + '3\tIda "sang".\tIda spoke.\tnot_entailment\n', task="rte")
    assert (row.id, row.first, row.label) == ("3", 'Ida "sang".', "not_entailment")


def test_a_text_that_is_labelled_alone_has_no_second_one(parse):
    rows = parse(
        "glue_tsv",
        "index_id\tcategory\ttext\n548\tsports\tIda ran.\n12\tscience/technology\tIda thought.\n",
        task="sib200",
    )
    assert [(r.id, r.first, r.second, r.label) for r in rows] == [
        ("548", "Ida ran.", None, "sports"),
        ("12", "Ida thought.", None, "science/technology"),
    ]


def test_rows_without_an_id_are_numbered(parse):
    content = "language\tpremise\thypothesis\tlabel\naym\tA.\tB.\tneutral\naym\tA.\tC.\tneutral\n"
    rows = parse("glue_tsv", content, language="ay", task="americasnli")
    assert [r.id for r in rows] == ["0", "1"]
    assert rows[0].group == rows[1].group


def test_klue_is_one_list_of_objects(parse):
    text = json.dumps([klue(), klue("b", "neutral")], indent=4, ensure_ascii=False)
    rows = parse("json", text, language="ko")
    assert [(r.id, r.label) for r in rows] == [
        ("klue-nli-v1_dev_00000", "entailment"),
        ("b", "neutral"),
    ]
    assert (rows[0].first, rows[0].second) == ("물레방아가 돈다.", "돈다.")


def test_social_iqas_letters_are_places_of_answers(parse):
    rows = parse("jsonl", siqa() + "\n" + siqa(correct="C", context="Ida ran."))
    assert rows[0].choices == ("eat it", "bury it", "sue it")
    assert (rows[0].context, rows[0].question) == ("Ida baked bread.", "What will Ida do next?")
    assert [(r.id, r.label) for r in rows] == [("0", 0), ("1", 2)]
    assert rows[0].group != rows[1].group


def test_copa_asks_for_a_cause_or_an_effect_in_xtreme_rs_words(parse):
    rows = parse("jsonl", copa(4) + "\n" + copa(9, 1, "effect"), task="copa")
    assert [(r.id, r.question, r.label) for r in rows] == [
        ("4", "What was the cause?", 0),
        ("9", "What was the effect?", 1),
    ]
    assert rows[0].choices == ("The wind fell.", "Ida sang.")


def test_translations_of_copa_have_the_groups_of_one_another(parse):
    read_back = [
        parse("jsonl", copa(0, premise=f"{x}.") + "\n" + copa(1, premise=f"{x}!"), task="xcopa")
        for x in ("Moto", "Ateş")
    ]
    assert [[(r.id, r.group) for r in rows] for rows in read_back] == [
        [("0", "p0"), ("1", "p1")]
    ] * 2


def test_masakhane_separates_word_and_tag_by_a_space_and_has_dates(parse):
    rows = parse(
        "tagged_spaced", "Jumanne B-DATE\nIda B-PER\n\nMei B-DATE\n2020 I-DATE\n", language="sw"
    )
    assert rows == [
        Tagged("0", "0", ("Jumanne", "Ida"), ("O", "B-PER")),
        Tagged("1", "1", ("Mei", "2020"), ("O", "O")),
    ]


def test_supertags_tell_relation_side_of_the_head_and_core_arguments(parse):
    (row,) = parse("supertag_conllu", TREE)
    assert row.words == ("Ida", "surely", "gave", "me", "bread")
    assert row.tags == (
        "PROPN|nsubj|R|_",
        "ADV|advmod|R|_",
        "VERB|root|0|nsubj_iobj,obj",
        "PRON|iobj|L|_",
        "NOUN|obj|L|_",
    )


def test_bucc_keeps_the_gold_with_the_source_sentences(parse):
    rows = parse("bucc_lines", *BUCC, language="zh")
    assert [(r.id, r.side, r.gold) for r in rows] == [
        ("zh-000000001", "source", ("en-000000002",)),
        ("zh-000000002", "source", ()),
        ("zh-000000003", "source", ()),
        ("en-000000001", "target", ()),
        ("en-000000002", "target", ()),
    ]
    assert rows[0].text == "磨坊很旧。"


def test_xtreme_tables_end_lines_with_crlf_and_do_not_quote(parse):
    assert parse(
        "pair_tsv",
        'Sie ging.\t"Ja"\tneutral\r\nSie ging.\tEr kam.\tcontradiction\r\nNS\t\tentailment\r\n',
        language="de",
    ) == [
        Pair(id="0", group="p0", first="Sie ging.", second='"Ja"', label="neutral"),
        Pair(id="1", group="p0", first="Sie ging.", second="Er kam.", label="contradiction"),
        Pair(id="2", group="p1", first="NS", second="", label="entailment"),
    ]


def test_parallel_groups_are_the_same_in_every_language(parse):
    english = parse("pair_tsv", "A.\tB.\tneutral\nA.\tC.\tneutral\nD.\tE.\tneutral\n")
    german = parse("pair_tsv", "Ä.\tB.\tneutral\nÄ.\tC.\tneutral\nÜ.\tE.\tneutral\n")
    assert [r.group for r in english] == [r.group for r in german] == ["p0", "p0", "p1"]


def test_the_xnli_release_holds_all_languages_in_one_file(parse):
    content = XNLI_HEAD + (
        "de\tneutral\tEs war kalt.\tEs schneite.\t1\t1\tTrue\n"
        "sw\tneutral\tIlikuwa baridi.\tTheluji ilianguka.\t1\t1\tTrue\n"
        "sw\tcontradiction\tIlikuwa baridi.\tIlikuwa joto.\t1\t2\tTrue\n"
    )
    assert parse("xnli_tsv", content, language="sw") == [
        Pair("1", "p0", "Ilikuwa baridi.", "Theluji ilianguka.", "neutral"),
        Pair("2", "p0", "Ilikuwa baridi.", "Ilikuwa joto.", "contradiction"),
    ]
    assert [r.first for r in parse("xnli_tsv", content, language="de")] == ["Es war kalt."]


def test_squad_questions_carry_their_answers_and_character_offsets(parse):
    two = question("q2")
    two["answers"].append({"text": "seit 1794", "answer_start": 16})
    none = question("q3", None, is_impossible=True, plausible_answers=[])
    context = "Die Mühle steht seit 1794 am Bach."
    document = squad(question("q1", is_impossible=False), two, none)
    document["data"].append({"paragraphs": [{"context": "Zwei.", "qas": []}]})
    document["data"][1]["paragraphs"].append({"context": "Eins", "qas": [question("z", "E", 0)]})
    assert parse("squad_json", json.dumps(document)) == [
        Span("q1", "0:0", context, "q1?", ("1794",), (21,)),
        Span("q2", "0:0", context, "q2?", ("1794", "seit 1794"), (21, 16)),
        Span("q3", "0:0", context, "q3?", (), ()),
        Span("z", "1:1", "Eins", "z?", ("E",), (0,)),
    ]


def test_an_id_that_a_release_uses_again_is_told_apart(parse):
    rows = parse("squad_json", json.dumps(squad(question("4"), question("4"), question("4"))))
    assert [r.id for r in rows] == ["4", "4#1", "4#2"]


def test_hellaswag_groups_by_source_where_it_is_named(parse):
    rows = parse(
        "hellaswag_jsonl",
        "\n".join(
            [hellaswag(), hellaswag(ind=25, source_id=None), hellaswag(ind=26, source_id="")]
        ),
    )
    endings = ("sinks.", "sings.", "sails.", "sleeps.")
    assert rows[0] == Choice("24", "video~7", "A boat leaves. it", "", endings, 2)
    assert [r.id for r in rows] == ["24", "25", "26"]
    assert rows[1].group == rows[2].group != "video~7"


def test_cosmos_cells_are_quoted_as_in_rfc_4180(parse):
    rows = parse(
        "csv",
        COSMOS_HEAD
        + 'b1,"He said ""go"" , so I went .\nAnd then ?","Why , then ?",a,"b, c",d,e,1\r\n'
        + "b2,Short .,What ?,a,b,c,d,0\r\n"
        + "b3,Short .,Who ?,a,b,c,d,3\r\n",
    )
    assert rows[0].context == 'He said "go" , so I went .\nAnd then ?'
    assert (rows[0].question, rows[0].choices, rows[0].label) == (
        "Why , then ?",
        ("a", "b, c", "d", "e"),
        1,
    )
    assert [r.id for r in rows] == ["b1", "b2", "b3"]
    assert rows[1].group == rows[2].group != rows[0].group


def test_commonsenseqa_answers_are_letters_of_choices(parse):
    rows = parse("commonsenseqa_jsonl", "\n".join([commonsense(), commonsense("c2", "E")]) + "\n")
    assert (rows[0].context, rows[0].question, rows[0].label) == ("", "Which is c1?", 1)
    assert rows[1].label == 4
    assert rows[0].choices == tuple(f"thing {x}" for x in "ABCDE")


def test_conllu_words_are_the_syntactic_ones(parse):
    assert parse("conllu", CONLLU, language="es") == [
        Tagged("d-1", "d-1", ("Vamos", "nos", "."), ("VERB", "PRON", "PUNCT")),
        Tagged("1", "1", ("#",), ("SYM",)),
        Tagged("d-3", "d-3", ("Sí",), ("INTJ",)),
    ]


def test_sentences_of_treebanks_without_their_text_are_left_out(parse):
    hidden = "1\t_\t_\tNOUN\t_\t_\t0\troot\t_\t_\n2\t.\t.\tPUNCT\t_\t_\t1\tpunct\t_\t_\n\n"
    assert [r.id for r in parse("conllu", hidden + CONLLU)] == ["d-1", "2", "d-3"]


def test_several_treebanks_of_a_language_do_not_share_ids(parse):
    rows = parse("conllu", CONLLU, CONLLU, language="es")
    assert [r.id for r in rows] == ["0:d-1", "0:1", "0:d-3", "1:d-1", "1:1", "1:d-3"]


def test_tagged_sentences_end_at_blank_lines_or_the_end_of_the_file(parse):
    assert parse("tagged_tsv", "\nFaro\tB-LOC\n,\tO\n\n\n#\tO\n\nIda\tB-PER\nRuiz\tI-PER") == [
        Tagged("0", "0", ("Faro", ","), ("B-LOC", "O")),
        Tagged("1", "1", ("#",), ("O",)),
        Tagged("2", "2", ("Ida", "Ruiz"), ("B-PER", "I-PER")),
    ]


def test_ccgbank_leaves_are_words_with_categories(parse):
    tree = (
        "(<T S[dcl] 1 2> (<L NP NNP NNP Ida NP>) "
        "(<T S[dcl]\\NP 0 2> (<L S[dcl]\\NP VBD VBD sang S[dcl]\\NP_1>) (<L . . . . .>) ) )"
    )
    content = "".join(f"ID=wsj_0001.{i} PARSER=GOLD NUMPARSE=1\n{tree}\n" for i in (1, 2, 3))
    rows = parse("ccg_auto", content)
    assert [r.id for r in rows] == ["wsj_0001.1", "wsj_0001.2", "wsj_0001.3"]
    assert rows[0].words == ("Ida", "sang", ".")
    assert rows[0].tags == ("NP", "S[dcl]\\NP", ".")


def test_tatoeba_pairs_lines_of_two_files(parse):
    assert parse("tatoeba_lines", "Kwaheri.\nNdiyo.\nSijui.", "Bye.\nYes.\nNo idea.\n") == [
        Parallel("0", "0", "Kwaheri.", "Bye."),
        Parallel("1", "1", "Ndiyo.", "Yes."),
        Parallel("2", "2", "Sijui.", "No idea."),
    ]


@pytest.mark.parametrize("form", ["pair_tsv", "squad_json", "tagged_tsv", "hellaswag_jsonl"])
def test_a_byte_order_mark_is_tolerated(parse, form):
    content = {
        "pair_tsv": "A\tB\tneutral\n",
        "squad_json": json.dumps(squad(question("q"))),
        "tagged_tsv": "A\tO\n",
        "hellaswag_jsonl": hellaswag(),
    }[form]
    assert parse(form, b"\xef\xbb\xbf" + content.encode()) == parse(form, content)


def test_only_line_feeds_end_lines(parse):
    rows = parse("pair_tsv", "A\u2028B\x85C\x0bD\tE\x1cF\tneutral\n")
    assert (rows[0].first, rows[0].second) == ("A\u2028B\x85C\x0bD", "E\x1cF")


def test_comparing_ignores_case_width_and_white_space():
    assert normalised("  The Ｍill\u00a0 IS\told ") == "the mill is old"
