"""What is promised for mining and for ranking among the candidates of all languages."""

from pathlib import Path

import pytest
from made_up_world import RECIPE

from xstilts.core.errors import UnknownNameError
from xstilts.phases.loading import load
from xstilts.phases.planning import Planned, make_plan
from xstilts.phases.workplace import Workplace


def planned(data: Path, world: Path, store: Path, *changes: str) -> Planned:
    said = ("data=null", f"encoder.path={world / 'encoder'}", "targets=[bucc2018]")
    said = (*said, "languages=present", *changes)
    return make_plan(load(RECIPE, said), Workplace.of(store, data))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """German with both splits, French with the test split alone."""
    folder = tmp_path / "data" / "bucc2018"
    folder.mkdir(parents=True)
    for code, splits in (("de", ("dev", "test")), ("fr", ("test",))):
        for split in splits:
            for side, line in (
                (code, f"{code}-1\tBela domu"),
                ("en", "en-1\tBela domu"),
                ("gold", f"{code}-1\ten-1"),
            ):
                (folder / f"{code}-en.{split}.{side}").write_text(line + "\n")
    return tmp_path / "data"


def test_the_threshold_comes_from_dev_where_that_is_there(
    data: Path, world: Path, tmp_path: Path
) -> None:
    steps = planned(data, world, tmp_path / "store").plan.steps
    german, french = (steps[f"none/bucc2018/score.{x}"] for x in ("de", "fr"))
    assert german.inputs["dev_examples"].label == "bucc2018.de.dev"
    assert german.inputs["dev_predictions"].config == german.inputs["predictions"].config
    assert german.inputs["predictions"].stage.name == "mine"
    assert set(french.inputs) == {"predictions", "examples"}


def test_a_reported_dev_split_chooses_no_threshold(data: Path, world: Path, tmp_path: Path) -> None:
    steps = planned(data, world, tmp_path / "store", "tasks.bucc2018.score={from: dev}").plan.steps
    assert set(steps["none/bucc2018/score.de"].inputs) == {"predictions", "examples"}


def test_an_oracle_is_asked_for_by_its_name_and_has_a_key_of_its_own(
    data: Path, world: Path, tmp_path: Path
) -> None:
    held = planned(data, world, tmp_path / "store").plan.steps
    oracle = planned(data, world, tmp_path / "store", "tasks.bucc2018.threshold=oracle").plan.steps
    name = "none/bucc2018/score.fr"
    assert set(oracle[name].inputs) == {"predictions", "examples"}
    assert oracle[name].key != held[name].key
    assert oracle[name].inputs["predictions"].key == held[name].inputs["predictions"].key
    with pytest.raises(UnknownNameError, match="threshold"):
        planned(data, world, tmp_path / "store", "tasks.bucc2018.threshold=test")
