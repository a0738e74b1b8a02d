"""Recommendations from planted similarities, and one that measures them itself."""

from dataclasses import replace
from pathlib import Path

import made_up_world
import pandas as pd
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


def with_logme(one: Evidence, arm: str | None, task: str | None, value: float) -> Evidence:
    """One more measurement on xnli: of a trained stage, or of the untuned encoder."""
    row = {"measure": "logme", "price": "stage" if arm else "encoder", "intermediate": task}
    row |= {"target": "xnli", "arm": arm, "seed": 0 if arm else None, "value": value}
    return replace(one, probes=pd.concat([one.probes, pd.DataFrame([row])], ignore_index=True))


def test_none_stands_among_tasks_by_what_is_measured_of_both():
    """Similarities that none does not have place the tasks, and do not push it up or down."""
    one = unfinished(evidence(8))
    for task in TASKS:  # the less alike, the better it tells the labels
        one = with_logme(one, f"arm_{task}", task, -alike(task, "xnli"))
    logme = sorted((-alike(task, "xnli") for task in TASKS), reverse=True)
    for better in range(len(TASKS) + 1):
        ends = [logme[0] + 1, *logme, logme[-1] - 1]
        none = with_logme(one, None, None, (ends[better] + ends[better + 1]) / 2)
        rows = recommend(none, "xnli", ["sw"]).rows.set_index("candidate")
        assert rows.loc[NONE, "place"] == better + 1
        assert rows.loc[NONE, "score"] is None and rows.drop(NONE)["score"].notna().all()


def test_a_stage_measure_is_that_of_the_candidates_own_arm():
    one = unfinished(evidence(8))
    for task in TASKS:
        one = with_logme(one, f"arm_{task}", task, alike(task, "xnli"))
    frozen = pd.DataFrame([{"arm": "frozen", "kind": "task", "tasks": "nli", "frozen": 2}])
    more = replace(one, arms=pd.concat([one.arms, frozen], ignore_index=True))
    more = with_logme(more, "frozen", "nli", 99.0)
    assert recommend(more, "xnli", ["sw"]).rows.equals(recommend(one, "xnli", ["sw"]).rows)


def test_how_little_a_stage_changes_the_encoder_makes_no_task_more_alike():
    one = unfinished(evidence(8))
    cka = with_logme(one, "arm_nli", "nli", 1.0)
    cka = with_logme(cka, "arm_squad", "squad", 0.5)
    cka = replace(cka, probes=cka.probes.replace({"measure": {"logme": "cka"}}))
    columns = ["candidate", "place", "score", "first"]
    found, plain = (recommend(e, "xnli", ["sw"]).rows for e in (cka, one))
    assert "cka" in found and found[columns].equals(plain[columns])


def test_a_finished_target_whose_tasks_have_no_score_says_nothing():
    one = evidence(8)
    kept = one.cells["arm"].isin(["arm_nli", "arm_squad"]) | (one.cells["target"] != "pos")
    gone = one.probes["intermediate"].isin(["nli", "squad"]) & (one.probes["target"] == "pos")
    poor = replace(one, cells=one.cells[kept], probes=one.probes[~gone])
    assert recommend(poor, "xnli", ["sw"]).rows["gain"].isna().all()  # two targets are left


def test_size_alone_and_common_data_are_said_to_be_what_places_rest_on():
    one = unfinished(evidence(8))
    size = replace(one, probes=one.probes[one.probes["measure"] == "size"])
    assert any("by size alone" in note for note in recommend(size, "xnli", ["sw"]).notes)
    shared = replace(one, same_data=frozenset({("arm_nli", "xnli")}))
    notes = recommend(shared, "xnli", ["sw"]).notes
    assert any(note.startswith("nli shares training data with xnli") for note in notes)
    assert not any("alone" in note or "shares" in note for note in recommend(one, "xnli", []).notes)


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
    again = xstilts.recommend(
        RECIPE, *changes, "encoder.languages=[en]", target="xnli", store=tmp_path, data=data
    )
    assert again.rows.equals(found.rows)  # what is there by now is not asked for
    assert "de was not in the encoder's pretraining." in again.notes
    assert not (tmp_path / "steps" / "score").exists()  # no target was scored


def test_slips_are_answered_with_the_nearest_name(small, tmp_path):
    data, changes = small
    for slip in ({"target": "xnly"}, {"target": "xnli", "languages": ["se"]}):
        with pytest.raises(UnknownNameError):
            xstilts.recommend(RECIPE, *changes, **slip, store=tmp_path, data=data)
