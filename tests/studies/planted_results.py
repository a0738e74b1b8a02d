"""Evidence with planted effects: what every arm scores is said by a function of its settings."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from xstilts.stats.gains import cells
from xstilts.studies.arms import WAYS
from xstilts.studies.evidence import Evidence

# target -> (kind, metric, languages)
TARGETS = {
    "xnli": ("pair", "accuracy", ("en", "de", "sw", "ur")),
    "panx": ("tagging", "f1", ("en", "de", "sw", "ur")),
    "tatoeba": ("retrieval", "accuracy", ("de", "sw", "ur")),
}
Score = Callable[[Mapping[str, Any], str, str], float | None]


def evidence(
    arms: Iterable[Mapping[str, Any]],
    score: Score,
    *,
    seeds: Sequence[int] = range(5),
    targets: Mapping[str, tuple[str, str, Sequence[str]]] = TARGETS,
    dev: Callable[[Mapping[str, Any]], float] | None = None,
    **more: Any,
) -> Evidence:
    """Arms ``a0``, ``a1`` … in that order, the first the baseline; every score wobbles by seed.

    Args:
        arms: settings of each; those left out are as in the plainest arm.
        score: of an arm's settings, target and language; None: was not measured.
        seeds: runs.
        targets: kind, metric and languages of each.
        dev: of an arm's settings, its score on English dev; without it no stages are known.
        more: other fields of the evidence.
    """
    rng = np.random.default_rng(7)
    table = [_arm(f"a{i}", settings) for i, settings in enumerate(arms)]
    rows, stages = [], []
    for arm in table:
        for target, (_, metric, languages) in targets.items():
            if dev:
                stages += [
                    {"arm": arm["arm"], "stage": target, "language": "en", "seed": seed,
                     "dev_score": dev(arm), "examples": 1000}
                    for seed in seeds
                ]  # fmt: skip
            for language in languages:
                value = score(arm, target, language)
                if value is not None:
                    rows += [
                        _row(arm, target, metric, language, seed, value + seed % 3 + noise)
                        for seed, noise in zip(seeds, rng.normal(0, 0.2, len(seeds)), strict=True)
                    ]
    frame = pd.DataFrame(rows).astype({"seed": "Int64"})
    metrics = {target: metric for target, (_, metric, _) in targets.items()}
    columns = ["measure", "price", "intermediate", "target", "arm", "layer", "language", "seed"]
    given = {
        "baseline": "a0",
        "arms": pd.DataFrame(table),
        "stages": pd.DataFrame(stages),
        "rows": frame,
        "cells": cells(frame, metrics, "a0"),
        "main_metrics": metrics,
        "kinds": {target: kind for target, (kind, _, _) in targets.items()},
        "same_data": frozenset(),
        "languages": pd.DataFrame(columns=["language", "tokens", "distance"]),
        "probes": pd.DataFrame(columns=[*columns, "value"]),
    }
    return Evidence(**given | more)  # type: ignore[arg-type]


def _arm(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    texts = ("tasks", "language", "translated", "mix_law", "after", "longer", "frozen_during")
    plain: dict[str, Any] = {way: "" if way in texts else None for way in WAYS}
    plain |= {"arm": name, "kind": "task", "examples": None, "target_language": "en"}
    return plain | dict(settings)


def _row(
    arm: Mapping[str, Any], target: str, metric: str, language: str, seed: int, value: float
) -> dict[str, Any]:
    return {
        "recipe": "planted", "encoder": "tiny", "arm": arm["arm"],
        "source": "" if target == "tatoeba" else arm["target_language"],
        "target": target, "language": language, "split": "test",
        "metric": metric, "value": value, "n": 1000, "seed": seed, "floor": 10.0,
        "protocol": "", "step": f"{arm['arm']}/{target}/{language}@{seed}",
    }  # fmt: skip


def renamed(found: Evidence) -> Evidence:
    """The same results with every arm called something else."""
    new = {name: f"zz{hash((name, 5)) % 997}-{name[::-1]}" for name in found.arms["arm"]}

    def call(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(arm=frame["arm"].map(new)) if "arm" in frame else frame

    return dataclasses.replace(
        found,
        baseline=new[found.baseline],
        **{name: call(getattr(found, name)) for name in ("arms", "stages", "rows", "cells")},
        probes=call(found.probes),
    )


def without(found: Evidence, keep: Callable[[pd.Series], bool]) -> Evidence:
    """The same without the scores of the arms whose settings ``keep`` refuses."""
    kept = [row["arm"] for _, row in found.arms.iterrows() if keep(row)]
    rows, there = (table[table["arm"].isin(kept)] for table in (found.rows, found.cells))
    return dataclasses.replace(found, rows=rows, cells=there)
