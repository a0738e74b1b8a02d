"""Planted results of an X-STILTs grid, and what claims of the registry or of a user say of them."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from planted_results import evidence

from xstilts.stats.benchmarks import XTREME
from xstilts.studies.claims import claims
from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import Finding
from xstilts.studies.verdicts import COLUMNS, verdicts

NINE = ("anli_plus", "mnli", "qqp", "squad_v2", "squad_v1", "hellaswag", "ccg", "cosmosqa")
NINE += ("commonsenseqa",)
KINDS = {"xnli": "pair", "panx": "tagging", "tydiqa": "span", "bucc2018": "mining"}
KINDS |= {"tatoeba": "retrieval", "pawsx": "pair", "udpos": "tagging", "xquad": "span"}
KINDS |= {"mlqa": "span"}
TARGETS = {t: (kind, "accuracy", XTREME.languages[t][:6]) for t, kind in KINDS.items()}
TARGETS |= {t: (KINDS[t], "accuracy", XTREME.languages[t]) for t in ("xnli", "tydiqa", "bucc2018")}
ALL = " + ".join(sorted(NINE))
MIXED = {"mlm_share": 0.2, "mlm_languages": "de sw"}
TRANSLATED = {"language": "de", "translated": "somewhere"}
TOGETHER = {"tasks": ALL, "kind": "mixture", "mix_law": "proportional"}
ARMS: list[dict[str, Any]] = [
    {"kind": "none"},
    *({"tasks": task} for task in NINE),
    TOGETHER,
    *({"tasks": task} | added for added in (MIXED, TRANSLATED) for task in NINE[1:6:2]),
    *(TOGETHER | added for added in (MIXED, TRANSLATED)),
]
Gain = Callable[[Mapping[str, Any], str], float]


def planted(gain: Gain, **more: Any) -> Evidence:
    """What each arm gains on each target, in every language; English dev says the same."""

    def score(arm: Mapping[str, Any], target: str, language: str) -> float:
        return 50 + (gain(arm, target) if arm["tasks"] else 0.0)

    def dev(arm: Mapping[str, Any]) -> float:
        return score(arm, "xnli", "en")

    said = {"targets": TARGETS, "dev": dev} | more
    return evidence(ARMS, score, **said)


def registry(
    found: Evidence, *ids: str, finding: Finding | None = None
) -> dict[str, dict[str, Any]]:
    """The lines of some claims of the registry by id, or of all."""
    said = [claim for claim in claims() if not ids or claim.id in ids]
    table = verdicts(said, found, "tiny", finding, [])
    assert tuple(table.columns) == COLUMNS
    return {row["id"]: row for row in table.to_dict("records")}


def own(tmp_path: Path, text: str, found: Evidence, roots: list[Path] = []) -> dict[str, Any]:  # noqa: B006
    """The judgement of one claim that a user wrote."""
    file = tmp_path / "mine.yaml"
    file.write_text(f"claims: [{{id: mine, statement: It is so., {text}}}]")
    table = verdicts(claims([file])[-1:], found, "tiny", None, roots)
    return dict(table.to_dict("records")[0])


def by(**gains: float) -> Gain:
    """A gain for each single task; 0 for those not named, and for mixtures."""
    return lambda arm, target: gains.get(str(arm["tasks"]), 0.0)


def with_rows(found: Evidence, rows: pd.DataFrame) -> Evidence:
    """Other rows, and the cells that follow from them."""
    from xstilts.stats.gains import cells

    return dataclasses.replace(
        found, rows=rows, cells=cells(rows, found.main_metrics, found.baseline)
    )


def with_item_noise(cells: pd.DataFrame, size: float) -> pd.DataFrame:
    """Other test items move all cells and seeds of an arm alike."""
    rng = np.random.default_rng(3)
    noise = {arm: rng.normal(0, size, 500) for arm in cells["arm"].unique()}
    draws = [
        tuple((seed, gain + noise[arm]) for seed, gain in gains)
        for arm, gains in zip(cells["arm"], cells["seed_gains"], strict=True)
    ]
    return cells.assign(item_draws=pd.Series(draws, cells.index, dtype=object))
