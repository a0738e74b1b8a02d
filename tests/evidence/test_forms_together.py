"""The shipped recipe with every form of training, run in the laboratory.

Stages of 8 updates on random weights show that every form runs, not that it learns: most end at
their floor, with the verdict ``collapsed``. That they learn is shown on real data, by
``test_forms_on_real_data.py``.
"""

from pathlib import Path

import pandas as pd
import pytest

import xstilts
from xstilts.store import Store

KINDS = {
    "none": "none",
    "chain": "chain",
    "mixture": "mixture",
    "dual": "task",
    "far": "task",
    "with_text": "task",
    "text_alone": "mlm",
    "ready": "chain",
    "longer": "longer",
    "translate_train": "translate-train",
    "k5": "few-shot",
    "k20": "task",
    "other_k20": "few-shot",
    "only_k20": "few-shot",
    "frozen": "task",
    "low": "task",
    "anew": "task",
    "mixed_layers": "task",
    "adapted": "task",
    "sum": "merge",
}


@pytest.mark.evidence
def test_a_recipe_with_every_form_runs_from_its_keys_to_its_rows(tmp_path: Path) -> None:
    found, store = xstilts.run("lab/forms", store=tmp_path), Store(tmp_path)
    assert not found.outcome.failed and not found.outcome.blocked
    told = pd.read_parquet(found.folder / "arms.parquet").set_index("arm")
    assert told.kind.to_dict() == KINDS
    assert told.k.dropna().to_dict() == {"k5": 5, "k20": 20, "other_k20": 20, "only_k20": 20}
    assert told.mlm_share.dropna().to_dict() == {"with_text": 0.3, "text_alone": 1.0}
    assert told.further_updates["longer"] == 24  # three stages of 256 examples in updates of 32
    assert told.frozen.dropna().to_dict() == {"frozen": 1}
    assert told.carried_blocks["low"] == "1"
    assert told.lora_during["adapted"] == "intermediate > target"
    assert told.merged["sum"] == "adapted 0.5, chain 0.5"
    rows = found.rows[found.rows.target == "lab_xnli"]
    assert set(rows.arm) == set(KINDS)
    few = rows.arm.isin(["k5", "k20", "other_k20", "only_k20"])
    assert set(rows[few].language) == {"qfi"}
    assert set(rows[~few].groupby("arm").language.agg(tuple)) == {("en", "qfi")}
    assert len(set(rows.n)) == 1
    steps = {c.score.inputs["examples"].key for c in found.planned.cells if c.language == "qfi"}
    assert len(steps) == 2  # one test set a target, whatever the arm
    made = {
        name: store.open(step.address, step.key, step.identity).value
        for name, step in found.planned.models.items()
    }
    for name, value in made.items():
        assert value["verdict"] in ("ok", "collapsed"), name  # none has diverged
        assert value["updates"] == value["planned_updates"], name
    realised = {t: x["realised"] for t, x in made["mixture/lab_mnli+lab_panx@0"]["parts"].items()}
    assert sum(realised.values()) == 256 and min(realised.values()) > 0
    assert made["with_text/lab_mnli+mlm@0"]["text"]["updates"] == 3  # beside 8 on the task
    [read] = made["text_alone/mlm@0"]["text"]["languages"].values()
    assert read["rows"] == 256 and read["held_loss"] < read["held_loss_before"]
    again = xstilts.run("lab/forms", store=tmp_path)
    assert again.outcome.ran == []
