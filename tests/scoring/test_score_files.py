"""Scores of files that anyone predicted, beside official gold files."""

import json
from pathlib import Path

import pytest

from xstilts.core.errors import DataError, UnknownNameError
from xstilts.scoring.files import score_files

ORACLES = Path(__file__).parent.parent / "metrics" / "oracles"


@pytest.fixture
def files(release, tmp_path):
    """Gold of a task in the made-up release, and a writer of predictions."""

    def write(text):
        (tmp_path / "pred").write_text(text, "utf-8")
        return tmp_path / "pred"

    return write


def gold_labels(release, language):
    rows = (release / "xnli" / "xnli.test.tsv").read_text().splitlines()[1:]
    return [r.split("\t")[1] for r in rows if r.startswith(f"{language}\t")]


def test_anyones_labels_are_scored(release, files):
    labels = gold_labels(release, "sw")
    wrong = [labels[1], *labels[1:]]
    gold = release / "xnli" / "xnli.test.tsv"
    found = score_files("xnli", gold, files("\n".join(wrong) + "\n"), "sw")
    assert found["n"] == 42
    assert found["metrics"] == {"accuracy": pytest.approx(100 * 41 / 42)}
    assert (found["task"], found["language"]) == ("xnli", "sw")


def test_anyones_answers_are_scored_and_an_absent_one_is_wrong(release, files):
    gold = release / "xquad" / "xquad.de.json"
    document = json.loads(gold.read_text())
    qas = [q for p in document["data"][0]["paragraphs"] for q in p["qas"]]
    answers = {q["id"]: q["answers"][0]["text"] for q in qas[:-6]}
    found = score_files("xquad", gold, files(json.dumps(answers)), "de")
    assert found["metrics"]["exact_match"] == pytest.approx(100 * 18 / 24)


@pytest.mark.parametrize("suffix", ["", "\n"])
def test_anyones_tags_are_scored_in_one_or_two_columns(release, files, suffix):
    gold = release / "panx" / "test-de.tsv"
    lines = gold.read_text().splitlines()
    tags = [line.split("\t")[-1] if line else "" for line in lines]
    for said in (lines, tags):
        found = score_files("panx", gold, files("\n".join(said) + suffix), "de")
        assert found["metrics"] == {"f1": 100.0, "accuracy": 100.0}


def test_anyones_neighbours_are_scored(tmp_path, files):
    (tmp_path / "gold").write_text("2\n0\n1\n3\n")
    found = score_files("tatoeba", tmp_path / "gold", files("[2]\n0\n3\n3\n"), "sw")
    assert found["metrics"] == {"accuracy": 75.0}


def test_anyones_mined_pairs_are_scored(tmp_path, files):
    gold = tmp_path / "zh-en.dev.gold"
    gold.write_text("zh-1\ten-1\nzh-2\ten-2\n")
    found = score_files("bucc2018", gold, files("zh-1\ten-1\nzh-1\ten-1\n\nzh-2\ten-9\n"), "zh")
    assert found["n"] == 2
    assert found["metrics"] == {"f1": 50.0, "precision": 50.0, "recall": 50.0}
    with pytest.raises(DataError, match="is no pair") as caught:
        score_files("bucc2018", gold, files("zh-1 en-1\n"), "zh")
    assert caught.value.where.endswith(":1")
    gold.write_text("")
    with pytest.raises(DataError, match="holds no pair"):
        score_files("bucc2018", gold, files("zh-1\ten-1\n"), "zh")


def test_anyones_rankings_are_scored_and_an_absent_one_is_wrong(tmp_path, files):
    gold = tmp_path / "gold.json"
    gold.write_text('{"q1": ["a", "b"], "q2": ["c"], "q3": ["d"]}')
    said = files('{"q1": ["a", "x", "b"], "q2": ["x", "c"]}')
    found = score_files("lareqa", gold, said, "en")
    assert found["n"] == 3
    assert found["metrics"]["map@20"] == pytest.approx(100 * ((1 + 2 / 3) / 2 + 1 / 2) / 3)
    assert found["metrics"]["recall@1"] == pytest.approx(100 / 3)
    for text, what in (
        ('{"q1": "a"}', "holds no rankings"),
        ('{"q9": ["a"]}', "1 predictions are"),
    ):
        with pytest.raises(DataError, match=what):
            score_files("lareqa", gold, files(text), "en")
    gold.write_text('{"q1": []}')
    with pytest.raises(DataError, match="without a right answer"):
        score_files("lareqa", gold, files('{"q1": ["a"]}'), "en")


def test_anyones_answers_may_be_none_under_the_rules_of_squad_2(tmp_path, files):
    answered = {"id": "a", "question": "?", "is_impossible": False,
                "answers": [{"text": "mill", "answer_start": 0}]}  # fmt: skip
    silent = {"id": "b", "question": "?", "is_impossible": True, "answers": []}
    paragraphs = [{"context": "mill", "qas": [answered, silent]}]
    gold = tmp_path / "dev-v2.0.json"
    gold.write_text(json.dumps({"version": "v2.0", "data": [{"paragraphs": paragraphs}]}))
    found = score_files("squad_v2", gold, files('{"a": "the mill", "b": "mill"}'), "en")
    assert found["metrics"] == {
        "exact_match": 50.0, "f1": 50.0, "em_f1": 50.0, "HasAns_exact": 100.0,
        "HasAns_f1": 100.0, "NoAns_exact": 0.0, "NoAns_f1": 0.0,
    }  # fmt: skip


def test_anyones_answers_are_compared_by_the_rules_of_mlqas_language(tmp_path, files):
    qas = [{"id": "a", "question": "?", "answers": [{"text": "die Mühle", "answer_start": 0}]}]
    gold = tmp_path / "gold.json"
    document = {"version": 1.0, "data": [{"paragraphs": [{"context": "die Mühle", "qas": qas}]}]}
    gold.write_text(json.dumps(document))
    said = files('{"a": "«Mühle»"}')
    assert score_files("mlqa", gold, said, "de")["metrics"]["exact_match"] == 100.0
    assert score_files("mlqa", gold, said, "vi")["metrics"]["exact_match"] == 0.0


@pytest.mark.parametrize(
    ("task", "file", "language", "said", "what"),
    [
        ("xnli", "xnli/xnli.test.tsv", "sw", "neutral\n", "1 labels for 42"),
        ("xnli", "xnli/xnli.test.tsv", "sw", "maybe\n" * 42, "No label of xnli is 'maybe'"),
        ("xquad", "xquad/xquad.de.json", "de", "[]", "holds no answers"),
        ("xquad", "xquad/xquad.de.json", "de", "{", "JSON is broken"),
        ("xquad", "xquad/xquad.de.json", "de", "[" * 100_000, "nested too deeply"),
        ("xquad", "xquad/xquad.de.json", "de", "{}", "answers no question"),
        ("xquad", "xquad/xquad.de.json", "de", '{"q": "a"}', "answers no question"),
        ("xquad", "xquad/xquad.de.json", "de", '{"q": "a", "q": "b"}', "'q' stands in it twice"),
        ("xquad", "xquad/xquad.de.json", "de", "1" * 6000, "JSON is broken"),
        ("panx", "panx/test-de.tsv", "de", "O\n", "1 sentences for 30"),
        ("panx", "panx/test-de.tsv", "de", "O\nB-LOCC\n", "No label of panx is 'B-LOCC'"),
    ],
)
def test_predictions_that_do_not_fit_the_gold_are_refused(
    release, files, task, file, language, said, what
):
    with pytest.raises(DataError, match=what) as caught:
        score_files(task, release / file, files(said), language)
    assert "pred" in caught.value.where


def test_an_unknown_tag_is_refused_with_its_line_where_tags_are_a_closed_set(tmp_path, files):
    gold = tmp_path / "test-de.tsv"
    gold.write_text("Ida\tB-PER\n\nFaro\tB-LOC\n")
    with pytest.raises(DataError, match="'B-LOCC'") as caught:
        score_files("panx", gold, files("B-PER\n\nB-LOCC\n"), "de")
    assert caught.value.where.endswith("pred:3")
    assert "B-LOC" in caught.value.expected
    tree = tmp_path / "en_x-ud-test.conllu"
    tree.write_text("1\tHola\thola\tINTJ\t_\t_\t0\troot\t_\t_\n")
    found = score_files("ud_supertags", tree, files("never seen\n"), None)
    assert found["metrics"]["accuracy"] == 0.0


def test_the_language_need_not_be_named_where_only_one_can_be_meant(tmp_path, files):
    gold = tmp_path / "gold"
    gold.write_text("0\n")
    with pytest.raises(DataError, match="xcopa has several languages") as caught:
        score_files("xcopa", gold, files("0\n"), None)
    assert "sw" in caught.value.expected and "--language" in caught.value.do
    klue = tmp_path / "klue-nli-v1.1_dev.json"
    row = {"guid": "a", "premise": "a", "hypothesis": "b", "gold_label": "neutral"}
    klue.write_text(json.dumps([row]))
    assert score_files("klue_nli", klue, files("neutral\n"), None)["language"] == "ko"


def test_a_question_without_a_prediction_is_wrong_even_where_silence_would_be_right(
    tmp_path, files
):
    qas = [
        {"id": x, "question": "?", "answers": [{"text": "The", "answer_start": 0}]} for x in "ab"
    ]
    gold = tmp_path / "xquad.en.json"
    gold.write_text(json.dumps({"data": [{"paragraphs": [{"context": "The mill", "qas": qas}]}]}))
    assert score_files("xquad", gold, files('{"a": ""}'), "en")["metrics"]["exact_match"] == 50.0


def test_an_index_is_made_of_digits_only(tmp_path, files):
    (tmp_path / "gold").write_text("2\n")
    with pytest.raises(DataError, match="'²' is no index") as caught:
        score_files("tatoeba", tmp_path / "gold", files("²\n"), "sw")
    assert caught.value.where.endswith("pred:1")


@pytest.mark.parametrize(
    ("task", "version", "script", "ignored"),
    [
        ("xquad", "v1", "third_party/evaluate_squad.py", 1),
        ("squad_v2", "v2", "evaluate-v2.0.py", 0),
    ],
)
def test_questions_that_one_side_lacks_count_as_in_the_official_scripts(
    task, version, script, ignored
):
    rows = json.loads((ORACLES / "printed.json").read_text("utf-8"))
    (printed,) = [row["printed"] for row in rows if row["script"] == script]
    gold, pred = (ORACLES / f"squad_{version}.{side}.json" for side in ("gold", "pred"))
    found = score_files(task, gold, pred, "en")
    ours = found["metrics"] | {"exact": found["metrics"]["exact_match"]}
    scores = {name: value for name, value in printed.items() if not name.endswith("total")}
    assert {name: ours[name] for name in scores} == scores
    assert found.get("ignored", 0) == ignored


@pytest.mark.parametrize(
    ("task", "text", "what", "where"),
    [
        ("squad_v2", '{"b0": 0.5}', "lacks a question that is answered", "prob: b1"),
        ("squad_v2", '{"b0": "0.5"}', "holds no probabilities", "prob"),
        ("squad_v2", '{"b0": NaN}', "holds no probabilities", "prob"),
        ("squad_v2", '{"b0": true}', "holds no probabilities", "prob"),
        ("squad_v2", '{"b0": 1' + "0" * 400 + "}", "holds no probabilities", "prob"),
        ("squad_v2", "[0.5]", "holds no probabilities", "prob"),
        ("squad_v2", '{"b0": 1, "b0": 0}', "'b0' stands in it twice", "prob"),
        ("xquad", "{}", "xquad has no question without an answer", "--na-prob-file"),
    ],
)
def test_no_answer_probabilities_that_do_not_fit_are_refused(tmp_path, task, text, what, where):
    gold, pred = (ORACLES / f"squad_v2.{side}.json" for side in ("gold", "pred"))
    (tmp_path / "prob").write_text(text)
    with pytest.raises(DataError, match=what) as caught:
        score_files(task, gold, pred, "en", tmp_path / "prob")
    assert where in caught.value.where
    with pytest.raises(DataError, match=r"There is no file|no question without"):
        score_files(task, gold, pred, "en", tmp_path / "absent")


def test_an_unknown_language_or_an_absent_file_is_refused(release, files, tmp_path):
    gold = release / "panx" / "test-de.tsv"
    with pytest.raises(UnknownNameError, match="'dee'"):
        score_files("panx", gold, gold, "dee")
    with pytest.raises(DataError, match="There is no file"):
        score_files("panx", gold, tmp_path / "absent", "de")


@pytest.mark.parametrize(
    ("task", "gold", "said", "what"),
    [
        ("tatoeba", "", "", "holds no index"),
        ("tatoeba", "1\n", "1" * 6000, "is no index"),
        ("tatoeba", "1" * 6000, "1\n", "is no index"),
        ("lareqa", "[" * 100_000, '{"q": ["a"]}', "nested too deeply"),
        ("lareqa", '{"q": ["a"]}', "[" * 100_000, "nested too deeply"),
        ("lareqa", '{"q": ["a"]}', "{}", "answers no query"),
        ("lareqa", '{"q": ["a"]}', '{"q": ["a"], "q": []}', "'q' stands in it twice"),
        ("xquad", "[" * 100_000, "{}", "nested too deeply"),
    ],
)
def test_hostile_gold_and_predictions_are_refused(tmp_path, files, task, gold, said, what):
    (tmp_path / "gold").write_text(gold)
    with pytest.raises(DataError, match=what):
        language = "sw" if task == "tatoeba" else "en"
        score_files(task, tmp_path / "gold", files(said), language)


@pytest.mark.parametrize("line", ["{tag}\n", "{word} {tag}\n", "{word}\t{tag}\n"])
def test_predicted_tags_are_renamed_as_those_of_the_gold_are(tmp_path, files, line):
    rows = [("Jana", "B-DATE"), ("Juma", "B-PER"), ("leo", "I-DATE")]
    gold = tmp_path / "test.txt"
    gold.write_text("".join(f"{word} {tag}\n" for word, tag in rows))
    said = files("".join(line.format(word=word, tag=tag) for word, tag in rows))
    found = score_files("masakhaner2", gold, said, "sw")
    assert found["metrics"] == {"f1": 100.0, "accuracy": 100.0}


def test_questions_that_share_an_id_take_the_same_answer(tmp_path, files):
    qas = [{"id": "4", "question": "?", "answers": [{"text": "mill", "answer_start": 0}]}]
    paragraphs = [{"context": "mill", "qas": qas}, {"context": "mill", "qas": qas}]
    gold = tmp_path / "xquad.en.json"
    gold.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}))
    found = score_files("xquad", gold, files('{"4": "mill"}'), "en")
    assert found["n"] == 2
    assert found["metrics"]["exact_match"] == 100.0
