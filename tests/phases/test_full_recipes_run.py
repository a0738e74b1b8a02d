"""The six studies at full size run from their shipped files to a report, with a tiny encoder.

Only sizes are cut: of every entry of `arms` that stands for several, one is run.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from official_release import write_official

import xstilts
from xstilts.core import yaml12
from xstilts.lab import encoder
from xstilts.phases.loading import load

CUT: dict[str, Any] = {  # of each list that an entry goes through, the value that is run
    "task": "mnli",
    "language": "de",
    "blocks": 1,
    "k": 2,
    "draw": 0,
    "during": "both",
    "which": "top",
}
TARGETS = {  # between them, all of XTREME's and XTREME-R's
    "xtreme/paper": ["pawsx", "udpos", "bucc2018"],
    "xtreme-r/similarity": ["xcopa", "xquad"],
    "xtreme-r/layers": ["tydiqa", "tatoeba"],
    "xtreme-r/gap": ["xnli", "mlqa"],
    "xtreme-r/diversity": ["lareqa", "mewslix"],
    "xtreme-r/low-resource": ["panx"],
}
SHIPPED = Path(xstilts.__file__).parent / "recipes"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_official(tmp_path_factory.mktemp("official"))
    texts = [p.read_text("utf-8") for p in sorted((root / "tatoeba").iterdir())]
    encoder.export(root / "encoder", texts)
    return root


def test_every_task_of_both_benchmarks_is_run() -> None:
    told = {target for targets in TARGETS.values() for target in targets}
    assert told == {*load("xtreme/paper").targets, *load("xtreme-r/similarity").targets}


@pytest.mark.parametrize("name", TARGETS)
def test_a_full_recipe_runs_to_its_report(name: str, world: Path, tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(yaml.safe_dump(small(name, world)))
    found = xstilts.run(str(file), store=tmp_path / "store", data=world)
    assert not found.outcome.failed and not found.outcome.blocked
    assert set(found.rows.arm) == set(found.planned.recipe.arms)
    assert set(found.rows.target) == set(TARGETS[name])
    assert (found.folder / "report.html").stat().st_size > 1000
    again = xstilts.plan(str(file), store=tmp_path / "store", data=world)[1]
    assert {left for _, left in again.steps.values()} == {0}


def small(name: str, world: Path) -> dict[str, Any]:
    """The shipped recipe with one arm for many, few examples and a tiny encoder."""
    said = yaml12.parse((SHIPPED / f"{name}.yaml").read_text("utf-8"))
    tasks = {task for arm in load(name).arms.values() for stage in arm for task in stage.tasks}
    tasks |= {"copa", "squad_v1_retrieval", "mewslix_pairs", *TARGETS[name]}
    short = {"max_length": 96, "stride": 16, "epochs": 1, "batch_size": 16}
    uses: dict[str, Any] = {task: {"training": short} for task in sorted(tasks)}
    uses["tatoeba"] = {"layer": 1, "training": short}
    uses["bucc2018"] = {"layer": 1, "training": short}
    other = "sw" if name == "xtreme-r/low-resource" else "de"
    return {
        "extends": name,
        "recipe": "small",
        "encoder": {"path": str(world / "encoder")},
        "seeds": [0],
        "languages": "present" if "xcopa" in TARGETS[name] else ["en", other],
        "leaks": "allow",
        "training": short | {"precision": "fp32", "dropout": 0.0},
        "tasks": uses,
        "arms": {arm: cut(stages) for arm, stages in said["arms"].items()},
        "subsets": [
            subsets | {"of": ["ccg", "mnli"], "sizes": [1, 2], "draws": 1, "total": 64}
            for subsets in said.get("subsets", [])[:1]
        ],
        "targets": TARGETS[name],
        "runtime": {"workers": 1, "threads": 1},
    }


def cut(said: Any) -> Any:
    """One value of every list that arms go through, and few rows and words of text."""
    if isinstance(said, list):
        return [cut(one) for one in said]
    if not isinstance(said, Mapping):
        return said
    out = {key: cut(value) for key, value in said.items()}
    if "each" in said:
        out["each"] = {key: [CUT[key]] for key in said["each"]}
    if "mlm" in said:
        out["mlm"] |= {"languages": ["en", "de"]}
        out["mlm"] |= {"examples": 16} if "examples" in out["mlm"] else {}
    return out
