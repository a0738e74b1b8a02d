"""What is promised, under which name, from which part of which file."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from made_up_world import RECIPE

import xstilts
from xstilts.core.errors import DataError, EncoderError, RecipeError, UnknownNameError
from xstilts.phases.loading import load
from xstilts.phases.planning import Planned, make_plan
from xstilts.phases.results import same_data
from xstilts.phases.slices import Leaking
from xstilts.phases.workplace import Workplace

GOLDEN = Path(__file__).parent / "golden_keys.json"


def planned(world: Path, store: Path, *changes: str, without: Leaking | None = None) -> Planned:
    return make_plan(load(RECIPE, changes), Workplace.of(store, world), without or {})


def test_keys_are_those_of_the_golden_file(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    """Rewrite the file (and say so in the changelog) only if results are meant to change."""
    steps = planned(world, tmp_path, *changes).plan.steps
    keys = {name: f"{step.address}@{step.key}" for name, step in sorted(steps.items())}
    assert keys == json.loads(GOLDEN.read_text())


def test_planning_xtreme_imports_no_heavy_library(tmp_path: Path) -> None:
    code = (
        "import sys, xstilts;"
        "planned, cost = xstilts.plan('xtreme/paper');"
        "arms, seeds = len(planned.recipe.arms), len(planned.recipe.seeds);"
        "assert (arms, len(planned.recipe.targets), seeds) == (30, 9, 3);"
        "assert len({c.language for c in planned.cells}) >= 40;"
        "print([m for m in ('torch', 'transformers', 'peft', 'pandas') if m in sys.modules])"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("XSTILTS_")}
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=tmp_path,
    )
    assert out.stdout.strip() == "[]"


def test_a_target_whose_files_are_all_absent_is_planned_and_refused(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    found = planned(world, tmp_path, *changes, "targets=[pawsx, udpos]")
    assert any(line.startswith("pawsx test de") for line in found.absent)
    with pytest.raises(DataError, match=r"data files? (is|are) missing"):
        found.require_files()


def test_runtime_is_no_identity(world: Path, changes: tuple[str, ...], tmp_path: Path) -> None:
    plain = planned(world, tmp_path, *changes)
    other = planned(world, tmp_path, *changes, "runtime.threads=2", "runtime.micro_tokens=64")
    assert {n: s.key for n, s in plain.plan.steps.items()} == {
        n: s.key for n, s in other.plan.steps.items()
    }


def test_a_new_language_adds_its_own_steps_only(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    few = planned(world, tmp_path, *changes, "languages=[en, de]", "targets=[xnli]")
    more = planned(world, tmp_path, *changes, "languages=[en, de, sw]", "targets=[xnli]")
    new = set(more.plan.steps) - set(few.plan.steps)
    assert {n.rpartition("/")[2].partition("@")[0] for n in new} == {"predict.sw", "score.sw"}
    assert all(more.plan.steps[n].key == s.key for n, s in few.plan.steps.items())


def test_models_are_selected_on_carved_examples_where_the_dev_set_overlaps(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    found = planned(world, tmp_path, *changes).trainings
    assert found["squad_v1"].origin == (
        "carved from the train file: the dev split shares text with xquad"
    )
    assert (found["squad_v1"].train.part, found["squad_v1"].held.part) == ("train", "held")
    assert found["udpos"].origin == "official dev split"


def test_leaking_examples_are_left_out_of_every_stage_that_trains_on_their_file(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    leaking = {("squad_v1", "train"): ("q1", "q2"), ("udpos", "dev"): ("s1",)}
    found = planned(world, tmp_path, *changes, without=leaking).trainings
    for name in ("squad_v1", "xquad"):
        assert found[name].train.without == found[name].held.without == ("q1", "q2")
    assert (found["udpos"].train.without, found["udpos"].held.without) == ((), ("s1",))


def test_data_is_the_same_where_it_is_one_part_of_several_and_lies_there_in_two_forms(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    nli = {"sentence1": "a", "sentence2": "b", "gold_label": "neutral", "pairID": "1"}
    adversarial = {"uid": "1", "context": "a", "hypothesis": "b", "label": "n"}
    data = tmp_path / "data"
    shutil.copytree(world, data)
    assert (data / "mnli/train.tsv").exists()
    for name, row in (
        ("mnli/multinli_1.0_train.jsonl", nli),
        ("snli/snli_1.0_train.jsonl", nli),
        *((f"anli/R{n}/train.jsonl", adversarial) for n in (1, 2, 3)),
    ):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text(json.dumps(row))
    found = planned(
        data,
        tmp_path,
        *changes,
        "arms={none: [], all: [{train: anli_plus}], some: [{train: snli}]}",
        "targets=[xnli, udpos]",
    )
    assert same_data(found) == {("all", "xnli")}


def test_training_on_a_reported_split_is_refused(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="itself reported"):
        planned(world, tmp_path, *changes, "tasks.udpos.train={from: test}")


def test_rows_longer_than_the_positions_are_refused_with_the_remedy(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(EncoderError) as caught:
        planned(world, tmp_path, *changes, "training.max_length=512")
    assert "max_length=128" in caught.value.do


def test_labels_that_do_not_fit_are_refused(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="cannot be trained on mnli"):
        planned(world, tmp_path, *changes, "tasks.udpos.train=mnli")


@pytest.mark.parametrize("layer", ["99", "7", "7.0"])
def test_a_block_that_the_encoder_does_not_have_is_refused(
    world: Path, changes: tuple[str, ...], tmp_path: Path, layer: str
) -> None:
    with pytest.raises(RecipeError, match="has no block") as caught:
        planned(world, tmp_path, *changes, f"tasks.tatoeba.layer={layer}")
    planned(world, tmp_path, *changes, caught.value.do.removeprefix("--set "))


def test_own_settings_of_a_target_change_those_of_its_source_key_by_key(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    source = ("tasks.squad_v1.training={max_length: 96, stride: 24}", "tasks.xquad.train=squad_v1")
    found = planned(world, tmp_path, *changes, *source, "tasks.xquad.training={lr: 2e-4}")
    model = found.plan.steps["none/xquad@0"]
    cut, how = model.inputs["train"].config, model.config.how  # type: ignore[attr-defined]
    assert (cut.max_length, cut.stride) == (96, 24)  # type: ignore[attr-defined]
    assert (how.lr, how.batch_size) == (2e-4, found.recipe.training.batch_size)
    assert found.plan.steps["none/udpos@0"].inputs["train"].config.max_length == 64  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "circle"),
    [
        ("tasks.mnli={train: mnli}", "mnli -> mnli"),
        ("tasks={mnli: {train: xnli}, xnli: {train: mnli}}", "mnli -> xnli -> mnli"),
    ],
)
def test_tasks_that_are_trained_on_themselves_are_refused(
    world: Path, changes: tuple[str, ...], tmp_path: Path, change: str, circle: str
) -> None:
    with pytest.raises(RecipeError, match=circle):
        planned(world, tmp_path, *changes, "arms={none: [], mnli: [{train: mnli}]}", change)


def test_stages_and_targets_never_share_a_name(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    arms = "arms={none: [], twice: [{train: panx}, {train: panx}], udpos: [{train: udpos}]}"
    found = planned(world, tmp_path, *changes, arms, "targets=[udpos]")
    assert set(found.models) == {
        "none/udpos@0",
        "twice/panx@0",
        "twice/panx.2@0",
        "twice/udpos@0",
        "udpos/udpos.1@0",
        "udpos/udpos@0",
    }
    chains = {name: step.address for name, step in found.models.items()}
    assert chains["twice/udpos@0"] == "train/panx.panx.udpos"
    assert (chains["udpos/udpos.1@0"], chains["udpos/udpos@0"]) == (
        "train/udpos",
        "train/udpos.udpos",
    )


def test_an_unknown_task_suggests_the_right_one(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'xnli'"):
        planned(world, tmp_path, *changes, "targets=[xnly]")


def test_an_unknown_language_is_refused(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(UnknownNameError, match="No language is called 'qq'"):
        planned(world, tmp_path, *changes, "languages=[en, qq]")


def test_the_source_may_be_named_where_no_target_has_a_test_set_in_it(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    found = planned(world, tmp_path, *changes, "targets=[tatoeba]", "languages=[en, de]")
    assert {cell.language for cell in found.cells} == {"de"}


def test_a_step_is_found_by_a_unique_prefix(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    plan = planned(world, tmp_path, *changes).plan
    assert plan.find("squad_v1/udpos/score.d")[0] == "squad_v1/udpos/score.de@0"
    with pytest.raises(UnknownNameError):
        plan.find("squad_v1/")


def test_an_encoder_of_the_hub_without_a_revision_can_be_planned_but_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XSTILTS_DATA", raising=False)
    with pytest.raises(EncoderError, match="has no revision"):
        xstilts.run("xtreme/paper", store=tmp_path)


def test_a_variant_that_only_a_target_is_trained_on_has_its_files(tmp_path: Path) -> None:
    changes = ["arms={none: []}", "targets=[lab_xnli]", "languages=[en]", "seeds=[0]"]
    changes.append("tasks.lab_xnli.train=lab_mnli_times_3")
    found = make_plan(load("quickstart", changes), Workplace.of(tmp_path, None))
    found.require_files()
    train = found.plan.steps["none/lab_xnli@0"].inputs["train"]
    assert train.address.startswith("tokens/lab_mnli_times_3")
