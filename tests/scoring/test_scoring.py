"""The stage that turns predictions into numbers."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xstilts.core.context import Context, Result
from xstilts.core.errors import DataError, UnknownNameError
from xstilts.data.read import EXAMPLES, write_examples
from xstilts.scoring.files import score_files
from xstilts.scoring.measure import measure, right
from xstilts.scoring.spec import RIGHT, Score, score_of
from xstilts.scoring.stage import score
from xstilts.tasks import get_task
from xstilts.tasks.consistency import METRICS
from xstilts.tasks.examples import Choice, Pair, Parallel, Span, Tagged

ORACLES = Path(__file__).parent.parent / "metrics" / "oracles"
CASES = {
    "pair": (
        [Pair(str(i), "g", "a", "b", x) for i, x in enumerate("AABA")],
        ["A", "B", "B", "A"],
        {"accuracy": 75.0},
        {"accuracy": 75.0},
        [1, 0, 1, 1],
    ),
    "choice": (
        [Choice(str(i), "g", "a", "", ("x", "y"), x) for i, x in enumerate([0, 1, 1, 1])],
        [0, 0, 1, 1],
        {"accuracy": 75.0},
        {"accuracy": 75.0},
        [1, 0, 1, 1],
    ),
    "tagging": (
        [
            Tagged("0", "g", ("a", "b", "c"), ("B-PER", "I-PER", "O")),
            Tagged("1", "g", ("d",), ("B-LOC",)),
        ],
        [["B-PER", "I-PER", "O"], ["O"]],
        {"f1": 100 * 2 / 3, "accuracy": 75.0},
        {"f1": 0.0, "accuracy": 25.0},
        [1, 0],
    ),
    "span": (
        [
            Span("0", "g", "the old mill", "?", ("old mill", "mill"), (4, 8)),
            Span("1", "g", "in 1794", "?", ("1794",), (3,)),
        ],
        ["The Mill!", "in 1794"],
        {"exact_match": 50.0, "f1": 50.0 + 100 / 3, "em_f1": 50.0 + 50 / 3},
        {"exact_match": 0.0, "f1": 0.0, "em_f1": 0.0},
        [1, 0],
    ),
    "retrieval": (
        [Parallel(str(i), str(i), "x", "y") for i in range(4)],
        [0, 1, 2, 0],
        {"accuracy": 75.0},
        {"accuracy": 25.0},
        [1, 1, 1, 0],
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_every_kind_is_scored_beside_its_floor(kind):
    examples, said, scores, floors, items = CASES[kind]
    found, floor = measure(Score(kind=kind), examples, said)
    assert found == pytest.approx(scores)
    assert floor.keys() == floors.keys()
    assert right(Score(kind=kind), examples, said) == items
    if kind != "tagging":
        assert floor == pytest.approx(floors)


def test_questions_without_an_answer_are_scored_by_the_rules_of_squad_2():
    examples = [
        Span("0", "g", "the old mill", "?", ("old mill",), (4,)),
        Span("1", "g", "in 1794", "?", (), ()),
        Span("2", "g", "in 1794", "?", (), ()),
    ]
    said = ["old mill", "", "1794"]
    v2 = Score(kind="span", answers="squad_v2")
    scores, floors = measure(v2, examples, said)
    assert scores["exact_match"] == scores["em_f1"] == pytest.approx(200 / 3)
    assert (scores["HasAns_exact"], scores["NoAns_exact"]) == (100.0, 50.0)
    assert floors["em_f1"] == pytest.approx(200 / 3)
    assert right(v2, examples, said) == [1, 1, 0]


def test_the_declared_metrics_decide_what_is_reported():
    examples, said, *_ = CASES["pair"]
    config = Score(kind="pair", metrics=("accuracy", "macro_f1"))
    scores, floors = measure(config, examples, said)
    assert scores["macro_f1"] == pytest.approx(100 * (4 / 5 + 2 / 3) / 2)
    assert floors["macro_f1"] == pytest.approx(100 * (6 / 7) / 2)
    tagged, tags, *_ = CASES["tagging"]
    assert set(measure(Score(kind="tagging", metrics=("accuracy",)), tagged, tags)[0]) == {
        "accuracy"
    }
    near, found, *_ = CASES["retrieval"]
    assert measure(Score(kind="retrieval", metrics=("xsim",)), near, found) == (
        {"xsim": 25.0},
        {"xsim": 75.0},
    )
    with pytest.raises(DataError, match="No metric of a pair task is called 'map@20'"):
        measure(Score(kind="pair", metrics=("map@20",)), examples, said)


@pytest.mark.parametrize("kind", CASES)
def test_every_metric_that_a_declaration_may_name_is_worked_out(kind):
    examples, said, *_ = CASES[kind]
    for metric in METRICS[kind]:
        scores, floors = measure(Score(kind=kind, metrics=(metric,)), examples, said)
        assert metric in scores and metric in floors


def test_mlqa_is_scored_by_the_rules_of_the_language():
    examples = [Span("0", "g", "die alte Mühle", "?", ("die alte Mühle",), (0,))]
    said = ["alte Mühle"]
    german = Score(kind="span", answers="mlqa", language="de")
    assert measure(german, examples, said)[0]["exact_match"] == 100.0
    assert right(german, examples, said) == [1]
    assert measure(Score(kind="span"), examples, said)[0]["exact_match"] == 0.0


def test_an_unanswerable_question_under_other_rules_is_an_error_that_says_what_to_declare():
    with pytest.raises(DataError, match="1 questions have no answer") as caught:
        measure(Score(kind="span"), [Span("7", "g", "text", "?", (), ())], ["x"])
    assert "answers: squad_v2" in caught.value.do


def test_rules_enter_the_key_only_where_they_differ_from_the_usual_ones():
    assert score_of(get_task("xquad"), "de") == Score(kind="span")
    assert score_of(get_task("udpos"), "de") == Score(kind="tagging")
    assert score_of(get_task("mlqa"), "de") == Score(kind="span", answers="mlqa", language="de")
    assert score_of(get_task("squad_v2"), "en") == Score(kind="span", answers="squad_v2")
    assert score_of(get_task("ccg"), "en").metrics == ("accuracy",)
    assert '"metrics"' not in Score(kind="span").payload


@pytest.mark.parametrize("kind", CASES)
def test_the_stage_keeps_who_is_right_in_slice_order(kind, tmp_path):
    examples, said, scores, _, items = CASES[kind]
    places = {name: tmp_path / name for name in ("examples", "predictions", "out")}
    for place in places.values():
        place.mkdir()
    write_examples(places["examples"] / EXAMPLES, examples)
    table = {"id": [e.id for e in examples], "prediction": said}
    pq.write_table(pa.table(table), places["predictions"] / "predictions.parquet")
    inputs = {
        "examples": Result(places["examples"], {}, "k"),
        "predictions": Result(places["predictions"], {"protocol": "block 3/6"}, "k"),
    }
    value = score(Score(kind=kind), inputs, places["out"], Context())
    assert value["scores"] == pytest.approx(scores)
    assert (value["n"], value["protocol"]) == (len(examples), "block 3/6")
    kept = np.load(places["out"] / RIGHT, allow_pickle=False)
    assert (kept.tolist(), kept.dtype) == (items, np.int8)
    assert json.loads(json.dumps(value)) == value


def test_predictions_in_another_order_are_never_scored(tmp_path):
    examples, said, *_ = CASES["pair"]
    write_examples(tmp_path / EXAMPLES, examples)
    table = {"id": [e.id for e in examples][::-1], "prediction": said}
    pq.write_table(pa.table(table), tmp_path / "predictions.parquet")
    inputs = {name: Result(tmp_path, {}, "k") for name in ("examples", "predictions")}
    with pytest.raises(AssertionError, match="slice's order"):
        score(Score(kind="pair"), inputs, tmp_path, Context())


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
    gold = tmp_path / "test-context-de-question-de.json"
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
    with pytest.raises(DataError, match="tatoeba has several languages") as caught:
        score_files("tatoeba", gold, files("0\n"), None)
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
