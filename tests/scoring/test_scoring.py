"""The stage that turns predictions into numbers."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xstilts.core.context import Context, Result
from xstilts.core.errors import DataError
from xstilts.data.read import EXAMPLES, write_examples
from xstilts.scoring.measure import measure, right
from xstilts.scoring.spec import RIGHT, Score, score_of
from xstilts.scoring.stage import score
from xstilts.tasks import get_task
from xstilts.tasks.consistency import METRICS
from xstilts.tasks.examples import Choice, Pair, Parallel, Span, Tagged

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
