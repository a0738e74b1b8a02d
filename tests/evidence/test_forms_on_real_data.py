"""Every form of training on the shared encoder; `python -m bench.forms` writes the same table."""

import os
from pathlib import Path
from typing import Any

import pytest

from bench.forms import by_arm, trained
from xstilts.metrics import noise_limit
from xstilts.phases.planned import Planned
from xstilts.phases.recipe import StageUse
from xstilts.phases.workplace import Workplace
from xstilts.store import Store

pytestmark = pytest.mark.skipif(
    not (os.environ.get("XSTILTS_DATA") and os.environ.get("XSTILTS_MODELS")),
    reason="no real data or encoder: set XSTILTS_DATA and XSTILTS_MODELS",
)


def parts(planned: Planned, arm: str, store: Store) -> dict[str, Any]:
    """Task -> what the record of an arm's last stage says of it, where that is a mixture."""
    name = list(planned.recipe.trained(arm))[-1]
    step = planned.models[f"{name}@{planned.recipe.seeds[0]}"]
    value = store.open(step.address, step.key, step.identity).value
    found: dict[str, Any] = value.get("parts", {})
    return found


@pytest.mark.evidence
def test_every_form_comes_above_the_floor_in_another_language(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    found = trained(tmp_path / "store", tmp_path / "made")
    assert not found.outcome.failed and not found.outcome.blocked
    stages = [stage for arm in found.planned.recipe.arms.values() for stage in arm]
    assert set().union(*(s.model_fields_set for s in stages)) == set(StageUse.model_fields)
    store = Workplace.of(tmp_path / "store").store
    rows = by_arm(found, store)
    assert {row["arm"] for row in rows} == set(found.planned.recipe.arms)
    for row in rows:
        print(row)
        above = [value for name, value in row.items() if name.endswith("above floor")]
        assert any(not value.startswith("0 ") for value in above), row["arm"]
        if row["dev floor"]:
            assert row["verdict"] == "ok", row["arm"]
            for task, part in parts(found.planned, row["arm"], store).items():
                floor = noise_limit(part["dev_floor"], part["dev_examples"])
                assert part["dev_score"] > floor, (row["arm"], task)
    none, ready = (next(r for r in rows if r["arm"] == arm) for arm in ("none", "ready"))
    assert {**ready, "arm": "none", "kind": "none"} == none  # the same weights by another way
