"""Our metrics against what the official scripts printed, to the last digit."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xstilts.metrics import (
    accuracy,
    retrieval_accuracy,
    seqeval_f1,
    squad,
    squad_items,
    squad_v2,
)

ORACLES = Path(__file__).parent / "oracles"
PRINTED: list[dict[str, Any]] = json.loads((ORACLES / "printed.json").read_text("utf-8"))


def printed(script: str, task: str | None = None) -> tuple[str, str, dict[str, float]]:
    (row,) = [r for r in PRINTED if r["script"] == script and r.get("task") == task]
    return row["gold"], row["pred"], row["printed"]


def answers(name: str) -> dict[str, list[str]]:
    document = json.loads((ORACLES / name).read_text("utf-8"))
    return {
        entry["id"]: [answer["text"] for answer in entry["answers"]]
        for article in document["data"]
        for paragraph in article["paragraphs"]
        for entry in paragraph["qas"]
    }


def predictions(name: str) -> dict[str, str]:
    return json.loads((ORACLES / name).read_text("utf-8"))


def lines(name: str) -> list[str]:
    return (ORACLES / name).read_text("utf-8").splitlines()


def sentences(name: str) -> list[list[str]]:
    blocks = (ORACLES / name).read_text("utf-8").strip().split("\n\n")
    return [block.split("\n") for block in blocks]


@pytest.mark.parametrize(
    ("script", "task"),
    [
        ("third_party/evaluate_squad.py", None),
        ("squad/evaluate-v1.1.py", None),
        ("evaluate.py", "xquad"),
    ],
)
def test_squad_equals_what_the_three_scripts_of_version_1_1_printed(script, task):
    gold, pred, official = printed(script, task)
    ours = squad(answers(gold), predictions(pred))
    assert {name: ours[name] for name in official} == official
    assert ours["em_f1"] == (official["exact_match"] + official["f1"]) / 2


def test_squad_v2_equals_what_the_script_of_version_2_0_printed():
    gold, pred, official = printed("evaluate-v2.0.py")
    questions = answers(gold)
    totals = {
        "total": len(questions),
        "HasAns_total": sum(1 for texts in questions.values() if texts),
        "NoAns_total": sum(1 for texts in questions.values() if not texts),
    }
    ours = squad_v2(questions, predictions(pred)) | totals
    ours["exact"] = ours.pop("exact_match")
    del ours["em_f1"]
    assert ours == official


@pytest.mark.parametrize("task", ["udpos", "panx"])
def test_seqeval_f1_equals_what_xtreme_printed(task):
    gold, pred, official = printed("evaluate.py", task)
    assert seqeval_f1(sentences(gold), sentences(pred)) == official["f1"]


def test_accuracy_equals_what_xtreme_printed():
    gold, pred, official = printed("evaluate.py", "pawsx")
    assert accuracy(lines(gold), lines(pred)) == official["accuracy"]


def test_retrieval_accuracy_equals_what_xtreme_printed():
    gold, pred, official = printed("evaluate.py", "tatoeba")
    ours = retrieval_accuracy([int(i) for i in lines(gold)], [int(i) for i in lines(pred)])
    assert ours == official["accuracy"]


def test_exact_search_finds_the_neighbours_the_official_search_returned():
    """Queries are English, the other language is searched, and the first of equals wins."""
    searched, queries = (
        np.load(ORACLES / f"tatoeba.{side}.npy").astype("float64") for side in ("xx", "en")
    )
    searched /= np.linalg.norm(searched, axis=1, keepdims=True)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    nearest = (queries @ searched.T).round(9).argmax(axis=1)
    assert [str(i) for i in nearest] == lines("tatoeba.pred.txt")


def test_the_answers_hold_every_trap():
    gold, pred = answers("squad_v1.gold.json"), predictions("squad_v1.pred.json")
    scores = squad_items(gold, pred)
    given = [scores[question] for question in gold if question in pred]
    assert any(question not in pred for question in gold)
    assert any(question not in gold for question in pred)
    assert any(len(texts) > 1 for texts in gold.values())
    assert any(pair == (1.0, 0.0) for pair in given)
    assert any(0.0 < f1 < 1.0 for _, f1 in given)
    assert "" in pred.values()
    assert any(not text.isascii() for text in pred.values())


def test_the_tags_hold_every_trap():
    pos = {tag for tags in sentences("udpos.gold.txt") for tag in tags}
    assert {"X", "_", "CCONJ", "SCONJ", "SYM", "NOUN"} <= pos
    assert any(tags[0].startswith("I-") for tags in sentences("panx.gold.txt"))


def test_at_least_500_predictions_back_each_kind_of_task():
    assert len(answers("squad_v1.gold.json")) >= 500
    assert len(sentences("udpos.gold.txt")) >= 500
    assert len(sentences("panx.gold.txt")) >= 500
    assert len(lines("pawsx.gold.txt")) >= 500
    assert len(lines("tatoeba.gold.txt")) >= 500


def test_the_committed_inputs_are_those_the_script_writes(tmp_path):
    script = Path(__file__).parent / "make_oracles.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    from_scripts = {"printed.json", "official.json", "tatoeba.pred.txt"}
    committed = {
        path.name: path.read_bytes() for path in ORACLES.iterdir() if path.name not in from_scripts
    }
    assert written == committed
