"""A study is chosen by its name, and says in words what it lacks."""

import dataclasses

import pandas as pd
import pytest

from xstilts.stats import gains
from xstilts.studies import judge
from xstilts.studies.evidence import Evidence


def evidence_of(values: dict[tuple[str, str, str], float]) -> Evidence:
    """Finished scores by (arm, target, language), the same up to a wobble in three seeds."""
    rows = [
        {
            "arm": arm, "target": target, "language": language, "metric": "accuracy",
            "value": value + wobble, "n": 1000, "seed": seed, "floor": 10.0,
        }
        for (arm, target, language), value in values.items()
        for seed, wobble in enumerate((0.0, 0.1, -0.1))
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    metrics = {target: "accuracy" for _, target, _ in values}
    return Evidence(
        question="Does it help?",
        expectation="It does.",
        baseline="none",
        arms=pd.DataFrame({"arm": sorted({arm for arm, _, _ in values})}),
        stages=pd.DataFrame(),
        rows=frame,
        cells=gains.cells(frame, metrics, "none"),
        main_metrics=metrics,
        kinds={},
        same_data=frozenset(),
        languages=pd.DataFrame(columns=["language", "tokens", "distance"]),
        probes=pd.DataFrame(),
        seeds=(0, 1, 2),
    )


@pytest.mark.parametrize(("gain", "said"), [(5.0, "raises"), (-5.0, "lowers")])
def test_the_planted_effect_is_the_answer(gain: float, said: str) -> None:
    values = {("none", "xnli", lang): 50.0 for lang in ("en", "sw")}
    values |= {("mnli", "xnli", lang): 50.0 + gain for lang in ("en", "sw")}
    found = judge(evidence_of(values), "paper")
    assert found.measured and f" {said} " in found.answer
    assert found.estimates["best"].value == pytest.approx(gain)


def test_without_a_score_there_is_a_sentence_and_no_traceback() -> None:
    evidence = evidence_of({("none", "xnli", "en"): 50.0})
    empty = dataclasses.replace(evidence, rows=evidence.rows[:0], cells=evidence.cells[:0])
    for nothing in (evidence, empty):
        found = judge(nothing, "paper")
        assert not found.measured and found.answer.startswith("Not measured: ")
