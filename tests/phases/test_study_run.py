"""A recipe with a study: its answer in the report, claims with verdicts, nothing run again."""

import json
import re
import shutil
from pathlib import Path

import pytest
from made_up_world import RECIPE

import xstilts
from xstilts import cli
from xstilts.core.errors import RecipeError
from xstilts.phases.running import Results
from xstilts.store import Store
from xstilts.studies.gather import evidence

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
    for name in ("gains.csv", "gains.tex", "gains.svg", "claims.csv", "estimates.csv"):
        assert (found.folder / "report-files" / name).stat().st_size, name
    page = (found.folder / "report.html").read_text("utf-8")
    assert "With 1 seed nothing is told of 1 single English intermediate task" in page
    table = xstilts.claims(RECIPE, *changes, STUDY, store=store, data=world)
    verdicts = dict(zip(table["id"], table["verdict"], strict=True))
    assert verdicts["squad-v1-gain"] == "not measured"  # one seed
    assert verdicts["start-xlmr-large"] == "reported by the source"
    page = (found.folder / "report.html").read_text("utf-8")
    files = {file.name for file in (found.folder / "report-files").iterdir()}
    assert {"claims.csv", "claims.tex"} <= files
    assert files == {
        name for line in re.findall("Files: ([^<]*)<", page) for name in line.split(", ")
    }


def test_a_page_elsewhere_has_its_files_beside_it(
    store: Path, changes: tuple[str, ...], world: Path, tmp_path: Path
) -> None:
    page = xstilts.report(
        RECIPE, *changes, STUDY, out=tmp_path / "page.html", store=store, data=world
    )
    assert {path.name for path in tmp_path.iterdir()} == {page.name, "page-files"}


def test_what_a_study_reads_has_a_row_a_language_and_an_arm_a_stage(
    store: Path, changes: tuple[str, ...], world: Path
) -> None:
    found = xstilts.results(RECIPE, *changes, store=store, data=world)
    read = evidence(found, Store(store), *found.planned.encoders)
    assert set(read.languages["language"]) == set(read.rows["language"])
    own = read.stages[read.stages["stage"] == "xquad"]
    assert {"none", "squad_v1"} == set(own["arm"]) and set(own["seed"]) == {0}
    assert read.counts is not None and read.cells["item_draws"].notna().all()


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
