"""A recipe with a study: its answer in the report, claims with verdicts, nothing run again."""

import json
import shutil
from pathlib import Path

import pytest
from made_up_world import RECIPE

import xstilts
from xstilts import cli
from xstilts.core.errors import RecipeError
from xstilts.phases.running import Results

STUDY = "analysis.study=paper"


@pytest.fixture(scope="module")
def store(done: tuple[Path, Results], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of one's own with all steps finished."""
    folder = tmp_path_factory.mktemp("studied") / "store"
    shutil.copytree(done[0], folder)
    return folder


def test_a_study_needs_no_step_and_its_answer_is_published(
    store: Path, changes: tuple[str, ...], world: Path
) -> None:
    found = xstilts.run(RECIPE, *changes, STUDY, store=store, data=world)
    assert found.outcome.ran == []
    table = xstilts.claims(RECIPE, *changes, STUDY, store=store, data=world)
    verdicts = dict(zip(table["id"], table["verdict"], strict=True))
    assert verdicts["squad-v1-gain"] == "not measured"  # one seed
    assert verdicts["start-xlmr-large"] == "reported by the source"


def test_a_users_claims_are_judged_beside_the_registrys(
    store: Path,
    changes: tuple[str, ...],
    world: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = tmp_path / "own.yaml"
    told = "{id: tatoeba-alone, statement: Nothing is trained on., predicate: untrained, "
    own.write_text(f"claims: [{told} tasks: [tatoeba]}}]")
    sets = [part for change in (*changes, STUDY) for part in ("--set", change)]
    given = ["--store", str(store), "--data", str(world), "--claims", str(own)]
    with pytest.raises(SystemExit) as ended:
        cli.main(["claims", RECIPE, *sets, *given, "--format", "json"])
    assert ended.value.code == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["tatoeba-alone"]["verdict"] == "supported"
    assert "mnli-gain" in rows


def test_claims_that_cannot_be_read_are_refused_before_anything_runs(
    changes: tuple[str, ...], world: Path, tmp_path: Path
) -> None:
    missing = f"analysis.claims=[{tmp_path / 'none.yaml'}]"
    with pytest.raises(RecipeError, match="cannot be read"):
        xstilts.run(RECIPE, *changes, STUDY, missing, store=tmp_path / "new", data=world)
    assert not list((tmp_path / "new").glob("*/*/*"))
