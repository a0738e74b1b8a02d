"""Recommendations from planted similarities, and one that measures them itself."""

from dataclasses import replace
from pathlib import Path

import made_up_world
import pytest
from made_up_world import RECIPE
from test_similarity import TASKS, alike, evidence

import xstilts
from xstilts.core.errors import DataError, UnknownNameError
from xstilts.lab import encoder
from xstilts.studies.evidence import Evidence
from xstilts.studies.recommend import NONE, recommend

MOST_ALIKE = max(TASKS, key=lambda task: alike(task, "xnli"))


def unfinished(one: Evidence) -> Evidence:
    """The same before anything was trained."""
    return replace(one, rows=one.rows.iloc[:0], cells=one.cells.iloc[:0])


def test_the_task_most_like_the_target_comes_first_and_none_is_a_candidate():
    found = recommend(unfinished(evidence(8)), "xnli", ["sw"])
    rows = found.rows.set_index("candidate")
    assert set(rows.index) == {*TASKS, NONE}
    assert rows.loc[MOST_ALIKE, "place"] == 1 and rows.loc[MOST_ALIKE, "first"] == 1
    assert rows.loc[NONE, "place"] is None and found.rows["candidate"].iloc[-1] == NONE
    assert rows["gain"].isna().all()
    assert any("--with-stages" in note for note in found.notes)


def test_finished_targets_say_what_a_score_is_worth_and_where_none_stands():
    helps = recommend(evidence(8), "xnli", ["sw", "tr"]).rows.set_index("candidate")
    assert helps.loc[NONE, "gain"] == 0 and helps.loc[MOST_ALIKE, "gain"] > 3
    assert helps.loc[MOST_ALIKE, "gain_low"] > 0
    harms = recommend(evidence(-8), "xnli", ["sw", "tr"])
    assert harms.rows["candidate"].iloc[0] == NONE
    assert any("did not gain more" in note for note in harms.notes)


def test_the_worth_of_a_score_is_not_read_off_the_target_itself():
    one = evidence(8)
    shifted = one.cells["gain"].where(one.cells["target"] != "xnli", -50.0)
    other = replace(one, cells=one.cells.assign(gain=shifted))
    assert recommend(other, "xnli", ["sw"]).rows.equals(recommend(one, "xnli", ["sw"]).rows)


def test_measures_that_disagree_leave_the_first_place_open():
    one = unfinished(evidence(8))
    probes = one.probes.copy()
    against = probes["measure"] == "gradient"
    probes.loc[against, "value"] = -probes.loc[against, "value"]
    found = recommend(replace(one, probes=probes), "xnli", ["sw"]).rows.set_index("candidate")
    assert found.loc[MOST_ALIKE, "first"] < 1
    assert found.loc[MOST_ALIKE, "place_low"] < found.loc[MOST_ALIKE, "place_high"]


def test_an_unseen_language_is_said_to_be_one():
    notes = recommend(evidence(8), "xnli", ["sw", "ay"]).notes
    assert "ay was not in the encoder's pretraining." in notes
    assert not any(note.startswith("sw ") for note in notes)


def test_a_target_of_which_nothing_is_known_is_refused():
    one = evidence(8)
    gone = one.probes[one.probes["target"] != "xnli"]
    with pytest.raises(DataError, match="Nothing is known of how alike xnli"):
        recommend(replace(one, probes=gone), "xnli", ["sw"])


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[str, ...]]:
    folder = tmp_path_factory.mktemp("world") / "data"
    made_up_world.export(folder)
    texts = [p.read_text("utf-8") for p in sorted(folder.rglob("tatoeba.*"))]
    encoder.export(folder / "encoder", texts)
    changes = (
        f"encoder.path={folder / 'encoder'}",
        "seeds=[0]",
        "languages=[en, de]",
        "training.epochs=0.2",
        "tasks.mnli.train.sample=320",
        "tasks.squad_v1={train: {sample: 96}, training: {epochs: 0.4, stride: 16}}",
        "targets=[tatoeba]",
        "arms={none: [], mnli: [{train: mnli}], squad_v1: [{train: squad_v1}]}",
        "runtime.threads=1",
    )
    return folder, changes


def test_a_recipes_tasks_are_ranked_without_training_anything(small, tmp_path, monkeypatch):
    monkeypatch.setattr("xstilts.phases.probes.SAMPLE", 32)
    data, changes = small
    said: list[str] = []
    found = xstilts.recommend(
        RECIPE, *changes, target="xnli", store=tmp_path, data=data, say=said.append
    )
    assert found.languages == ["de"]
    assert list(found.rows["candidate"]) == ["mnli", "squad_v1", NONE]  # the target's own data
    assert not [line for line in said if "none/" in line or "] mnli@" in line]
    stages = xstilts.recommend(
        RECIPE, *changes, target="xnli", languages=["de"], with_stages=True, store=tmp_path,
        data=data,
    )  # fmt: skip
    rows = stages.rows.set_index("candidate")
    assert rows.loc[NONE, "place"] is not None and rows.loc[NONE, "logme"] is not None
    assert not (tmp_path / "steps" / "score").exists()  # no target was scored


def test_slips_are_answered_with_the_nearest_name(small, tmp_path):
    data, changes = small
    for slip in ({"target": "xnly"}, {"target": "xnli", "languages": ["se"]}):
        with pytest.raises(UnknownNameError):
            xstilts.recommend(RECIPE, *changes, **slip, store=tmp_path, data=data)
