import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from xstilts.reports.model import ReportInput
from xstilts.stats.items import Counted, Counts
from xstilts.studies.finding import Estimate, Figure, Finding, Table

GAINS = {"mnli": {"xnli": 3.0, "tatoeba": 10.0}, "hellaswag": {"xnli": 0.1, "tatoeba": -4.0}}
WOBBLE = {"mnli": 0.2, "hellaswag": 1.0}
SEEDS = {0: 1.0, 1: -1.0, 2: 0.0, 3: 0.5, 4: -0.5}  # times the wobble: the mean stays


def _row(arm: str, target: str, language: str, value: float, seed: int | None) -> dict[str, Any]:
    return {
        "recipe": "small", "encoder": "tiny", "arm": arm, "source": "en", "target": target,
        "language": language, "split": "test", "metric": "accuracy", "value": value, "n": 1000,
        "seed": seed, "floor": 33.3 if target == "xnli" else 0.1,
        "protocol": "layer 7, mean pooling" if target == "tatoeba" else "",
        "step": f"{arm}/{target}/predict.{language}@{seed}/score",
    }  # fmt: skip


def _rows() -> pd.DataFrame:
    rows = []
    places = [("xnli", "en", 70.0), ("xnli", "sw", 60.0), ("xnli", "yo", 33.5)]
    places += [("tatoeba", "sw", 40.0), ("tatoeba", "de", 50.0)]
    for target, language, base in places:
        seeds = list(SEEDS) if target == "xnli" else [None]
        rows += [_row("none", target, language, base, seed) for seed in seeds]
        for arm, gains in GAINS.items():
            if (arm, target, language) == ("hellaswag", "tatoeba", "de"):
                continue
            for seed, share in SEEDS.items():
                change = gains[target] + share * WOBBLE[arm]
                value = base + change if language != "yo" else base
                rows.append(_row(arm, target, language, round(value, 6), seed))
    found = pd.DataFrame(rows)
    found["seed"] = found["seed"].astype("Int64")
    return found


@pytest.fixture
def two_seeds(report: ReportInput) -> ReportInput:
    """The same with too few seeds for a verdict."""
    return dataclasses.replace(report, rows=report.rows[report.rows["seed"].fillna(0) < 2])


@pytest.fixture(scope="session")
def report() -> ReportInput:
    """Two arms, two targets, five seeds: a gain, a loss, noise, floors, one missing cell."""
    stage = {
        "name": "mnli/mnli@0", "step": "finetune/mnli/1f0c", "task": "mnli", "parent": "tiny",
        "examples": 8499, "updates": 532, "seconds": 7500.0, "tokens_per_second": 9100.0,
        "precision": "float32", "threads": 2, "verdict": "finished", "dev_metric": "accuracy",
        "dev_score": 61.5,
    }  # fmt: skip
    won = {
        "arm": "mnli", "target": "xnli", "language": "sw", "seed": 0, "won": 40, "lost": 10,
        "both_right": 600, "both_wrong": 350, "examples": ["won: kuku analala", "lost: mto"],
    }  # fmt: skip
    arms = [
        {"arm": "none", "kind": "baseline", "stages": [], "tasks": [], "examples": 0},
        {"arm": "mnli", "kind": "task", "stages": ["mnli"], "tasks": ["mnli"], "examples": 8499},
        {"arm": "hellaswag", "kind": "task", "stages": ["x"], "tasks": ["x"], "examples": 4000},
    ]
    return ReportInput(
        recipe="small",
        question="Does it help?",
        expectation="Retrieval gains most.",
        encoder="tiny",
        trained_on="Masked words of two languages.",
        pretraining_languages=frozenset({"en", "de"}),
        baseline="none",
        main_metrics={"xnli": "accuracy", "tatoeba": "accuracy"},
        rows=_rows(),
        arms=pd.DataFrame(arms),
        same_data=frozenset({("mnli", "xnli")}),
        stages=pd.DataFrame(
            [stage, stage | {"name": "none/xnli@0", "step": "2e", "dev_score": None}]
        ),
        won_lost=pd.DataFrame([won]),
        missing=("panx in xx: no gold file.",),
        leaks=("squad_v1 and xquad share 3 paragraphs.",),
        provenance={"date": "2026-03-14", "machine": "2 cores"},
    )


@pytest.fixture(scope="session")
def finding() -> Finding:
    """A planted finding with a figure of each kind; one tile, one point and one cell are absent."""
    gains = [
        {"target": target, "arm": arm, "gain": gain, "low": gain - 2, "high": gain + 2}
        for target, arm, gain in (("xnli", "mnli", 5.5), ("xnli", "ccg", 1.0), ("panx", "mnli", -4))
    ]
    shots = [
        {"k": k, "score": score, "low": score - 1, "high": score + 1, "arm": arm}
        for arm, start in (("mnli", 50.0), ("none", 40.0))
        for k, score in ((0, start), (10, start + 4), (1000, start + 9))
    ]
    points = [{"similarity": 0.2, "gain": -1.0}, {"similarity": 0.8, "gain": 3.0}]
    gaps = [{"language": name, "gap": gap} for name, gap in (("sw", 4.0), ("de", -0.5))]
    frames = {
        name: pd.DataFrame(rows)
        for name, rows in (("gains", gains), ("shots", shots), ("points", points), ("gaps", gaps))
    }
    ends = {"low": "low", "high": "high"}
    return Finding(
        study="similarity",
        answer="LogME ranks best.",
        measured=True,
        estimates={
            "NDCG of LogME": Estimate(value=0.81, low=0.7, high=0.9, seeds=5, unit="correlation"),
            "gain of mnli": Estimate(value=2.35, low=-0.1, high=4.8, seeds=5),
        },
        tables=[
            Table(
                name="ranking",
                title="How well each score ranks",
                rows=pd.DataFrame(
                    {
                        "measure": ["size", "LogME", "CKA_100%", "LEEP", "TextEmb", "H-score"],
                        "ndcg": [0.61, 0.81, None, 0.79, 0.7, 0.66],
                        "regret_at_1": [3.25, -0.4, None, 1.1, 10.0, 2.0],
                        "p": [0.31, 0.0004, None, 0.02, 0.5, 0.2],
                        "pairs": [81, 81, 0, 1204, 9, 81],
                    }
                ),
                note="Means over targets.",
            )
        ],
        figures=[
            Figure(name="gains", kind="heat", title="Gain of each arm", data=frames["gains"],
                   x="target", y="arm", value="gain", note="Grey: undecided.", **ends),
            Figure(name="shots", kind="curve", title="Score by examples", data=frames["shots"],
                   x="k", y="score", colour="arm", **ends),
            Figure(name="points", kind="scatter", title="Similarity and gain",
                   data=frames["points"], x="similarity", y="gain"),
            Figure(name="gaps", kind="bars", title="Gap of each language", data=frames["gaps"],
                   x="language", y="gap"),
        ],
        method="Scores were computed on 500 examples.",
        limits=["Five targets are few."],
    )  # fmt: skip


@pytest.fixture(scope="session")
def claims() -> pd.DataFrame:
    row = {
        "id": "squad-gain", "statement": "SQuAD raises the mean", "source": "a talk",
        "source_verdict": "verified", "source_confidence": "0.2", "published": 8.2,
        "verdict": "supported", "scope": "dev", "effect": 2.4, "low": 0.6, "high": 4.2,
        "cells": "mnli on xnli: 30 cells", "note": "",
    }  # fmt: skip
    none = {"effect": None, "low": None, "high": None, "published": None, "cells": None}
    lost = {"id": "mt", "statement": "Translated beats plain", "verdict": "not measured"}
    fact = {"id": "n", "statement": "MNLI is large", "effect": 392702, "published": 392702}
    return pd.DataFrame([row, row | none | lost, row | none | fact])


@pytest.fixture
def counted(report: ReportInput) -> ReportInput:
    """The same with two of five groups of items right, in the arms others than in the baseline."""
    groups = np.array([b"a", b"b", b"c", b"d", b"e"])
    runs = {}
    for row in report.rows.itertuples():
        share = np.full((5, 1, 2), 10.0)
        share[:, 0, 0] = row.value / 10 + np.array([1, -1, 0, 0, 0]) * (-1) ** (row.arm == "none")
        seed = None if pd.isna(row.seed) else row.seed
        runs[row.arm, row.target, row.language, seed] = Counted(groups, share)
    return dataclasses.replace(report, counts=Counts(runs))
