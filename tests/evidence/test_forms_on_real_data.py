"""Every form of training on the shared encoder; `python -m bench.forms` writes the same table."""

import os
from pathlib import Path

import pytest

from bench.forms import by_arm, trained
from xstilts.phases.recipe import StageUse
from xstilts.phases.workplace import Workplace

pytestmark = pytest.mark.skipif(
    not (os.environ.get("XSTILTS_DATA") and os.environ.get("XSTILTS_MODELS")),
    reason="no real data or encoder: set XSTILTS_DATA and XSTILTS_MODELS",
)


@pytest.mark.evidence
def test_every_form_comes_above_the_floor_in_another_language(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    found = trained(tmp_path / "store", tmp_path / "made")
    assert not found.outcome.failed and not found.outcome.blocked
    stages = [stage for arm in found.planned.recipe.arms.values() for stage in arm]
    assert set().union(*(s.model_fields_set for s in stages)) == set(StageUse.model_fields)
    rows = by_arm(found, Workplace.of(tmp_path / "store").store)
    assert {row["arm"] for row in rows} == set(found.planned.recipe.arms)
    for row in rows:
        print(row)
        above = [value for name, value in row.items() if name.endswith("above floor")]
        assert any(not value.startswith("0 ") for value in above), row["arm"]
    none, ready = (next(r for r in rows if r["arm"] == arm) for arm in ("none", "ready"))
    assert {**ready, "arm": "none", "kind": "none"} == none  # the same weights by another way
