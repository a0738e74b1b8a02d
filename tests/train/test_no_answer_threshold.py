"""Questions without an answer, from training to the score: SQuAD 2.0."""

import json

import pyarrow.parquet as pq
import pytest
from workbench import how

from xstilts.metrics import squad_v2
from xstilts.prediction.decode import answered, chosen_threshold, null_margins
from xstilts.prediction.spec import PREDICTIONS


@pytest.fixture
def two_zero(release, tmp_path):
    """The made-up SQuAD with every second question unanswerable, as version 2.0."""
    for split in ("train", "dev"):
        document = json.loads((release / "squad" / f"{split}-v1.1.json").read_text())
        qas = [q for a in document["data"] for p in a["paragraphs"] for q in p["qas"]]
        for question in qas[::2]:
            question |= {"answers": [], "is_impossible": True}
        (tmp_path / "squad").mkdir(exist_ok=True)
        (tmp_path / "squad" / f"{split}-v2.0.json").write_text(json.dumps(document))
    return tmp_path


def test_the_threshold_is_chosen_where_the_model_is_and_used_where_it_predicts(workbench, two_zero):
    bench = workbench()
    bench.data = two_zero
    model = bench.train("squad_v2", how(epochs=2))
    held = bench.examples("squad_v2", "dev")
    predictions = bench.predict(model, held)
    scored = bench.build(bench.score(predictions)).value
    value, predicted = bench.open(model).value, bench.open(predictions)
    columns = pq.read_table(predicted.folder / PREDICTIONS).to_pydict()
    threshold = value["no_answer_threshold"]
    assert predicted.value["no_answer_threshold"] == threshold
    assert threshold == pytest.approx(chosen_threshold(bench.slice(held), columns))
    assert columns["prediction"] == answered(columns, threshold)["prediction"]
    silent = [m > threshold for m in null_margins(columns)]
    assert [text == "" for text in columns["prediction"]] == silent
    assert any(silent), "the model may leave a question unanswered"
    assert scored["scores"]["em_f1"] == pytest.approx(value["dev_score"])
    assert "NoAns_f1" in scored["scores"]
    assert scored["protocol"] == "no-answer threshold chosen on held-out examples"
    gold = {e.id: list(e.answers) for e in bench.slice(held)}
    always = dict(zip(columns["id"], [t[0] for t in columns["texts"]], strict=True))
    assert scored["scores"]["f1"] > squad_v2(gold, always)["f1"]


def test_a_model_that_saw_only_answered_questions_is_cut_at_0_and_says_so(workbench, two_zero):
    bench = workbench()
    model = bench.train("squad_v1", how(epochs=0.5))
    bench.build(model)
    bench.data = two_zero
    predicted = bench.build(bench.predict(model, bench.examples("squad_v2", "dev"))).value
    assert predicted["no_answer_threshold"] == 0.0
    assert predicted["protocol"] == (
        "no-answer threshold 0 (the training had only answered questions)"
    )
    assert "no_answer_threshold" not in bench.open(model).value
