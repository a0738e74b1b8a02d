"""Arms that freeze, carry, draw anew or mix layers: what is promised, refused, run and told."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from made_up_world import RECIPE

import xstilts
from xstilts.core.errors import RecipeError, UnknownNameError
from xstilts.phases.loading import load
from xstilts.phases.planning import Planned, make_plan
from xstilts.phases.results import arm_rows
from xstilts.phases.workplace import Workplace
from xstilts.store import Store
from xstilts.studies.arms import WAYS
from xstilts.train.spec import Layers

README = Path(__file__).parent.parent.parent / "README.md"


def arms(stages: str) -> str:
    return f"arms={{none: [], it: {stages}}}"


@pytest.fixture
def planned(world: Path, changes: tuple[str, ...], tmp_path: Path) -> Any:
    def plan(*more: str) -> Planned:
        return make_plan(load(RECIPE, (*changes, *more)), Workplace.of(tmp_path, world))

    return plan


def named(planned: Planned) -> list[str]:
    """The steps of the arm that make encoders, by name."""
    kinds = ("train", "carry", "reinit")
    steps = planned.plan.steps.items()
    return [n for n, s in steps if n.startswith("it/") and s.stage.name in kinds]


@pytest.mark.parametrize(
    ("stages", "names"),
    [
        ("[{train: mnli, reinit_top: 1}]", ["it/mnli.reinit_top@0", "it/mnli@0"]),
        ("[{train: mnli, carry: {blocks: 1}}]", ["it/mnli@0", "it/mnli.carry@0"]),
        ("[{reinit_top: 1}]", ["it/reinit_top@0"]),
        ("[{train: mnli}, {reinit_top: 1}]", ["it/mnli@0", "it/reinit_top@0"]),
        (
            "[{reinit_top: 2}, {train: mnli}, {reinit_top: 1}]",
            ["it/reinit_top@0", "it/mnli@0", "it/reinit_top.2@0"],
        ),
        ("[{freeze: {blocks: 0, during: target}}]", []),
    ],
)
def test_each_encoder_that_is_made_is_a_step_of_its_arm(
    planned: Any, stages: str, names: list[str]
) -> None:
    found = planned(arms(stages))
    assert named(found) == [*names, "it/udpos@0", "it/xquad@0"]
    last = found.plan.steps["it/udpos@0"]
    if names:
        assert last.inputs["start"] is found.plan.steps[names[-1]]
        assert {found.plan.steps[name].key for name in names} <= found.plan.kept
    else:
        assert "start" not in last.inputs


@pytest.mark.parametrize(
    ("during", "frozen"),
    [("intermediate", (1, None)), ("target", (None, 1)), ("both", (1, 1))],
)
def test_layers_are_frozen_in_this_stage_or_in_the_targets_or_in_both(
    planned: Any, during: str, frozen: tuple[int | None, int | None]
) -> None:
    said = f"{{blocks: 1, during: {during}}}"
    found = planned(arms(f"[{{train: mnli, freeze: {said}, layer_mix: {{during: {during}}}}}]"))
    for name, blocks in zip(("it/mnli@0", "it/xquad@0"), frozen, strict=True):
        wanted = Layers(frozen=blocks, mixed=blocks is not None)
        assert found.models[name].config.layers == wanted
    plain = planned(arms("[{train: mnli}]")).models
    changed = [n for n, s in found.models.items() if s.key != plain[n].key]
    stages = ["it/mnli@0"] if during != "target" else []
    assert changed == [*stages, "it/udpos@0", "it/xquad@0"]


def test_each_setting_of_layers_is_another_promise(planned: Any) -> None:
    stages = [
        "{train: mnli}",
        "{train: mnli, freeze: {blocks: 0, during: both}}",
        "{train: mnli, freeze: {blocks: 1, during: both}}",
        "{train: mnli, layer_mix: {during: both}}",
        "{train: mnli, reinit_top: 1}",
        "{train: mnli, carry: {blocks: 1}}",
        "{train: mnli, carry: {blocks: 1, which: top}}",
        "{train: mnli, carry: {blocks: 1, embeddings: true}}",
        "{train: mnli, carry: {blocks: 1, which: random}}",
        "{train: mnli, carry: {blocks: 1, which: random, draw: 1}}",
    ]
    found = [planned(arms(f"[{stage}]")).models["it/udpos@0"].key for stage in stages]
    assert len(set(found)) == len(stages)
    assert (
        planned(arms("[{train: mnli, carry: {blocks: 1, which: bottom}}]")).models["it/udpos@0"].key
        == found[5]
    )


def test_seeds_draw_other_blocks_anew_and_carry_the_same_random_ones(planned: Any) -> None:
    said = "[{train: mnli, reinit_top: 1, carry: {blocks: 1, which: random}}]"
    steps = planned(arms(said), "seeds=[0, 1]").plan.steps
    assert steps["it/mnli.reinit_top@0"].config != steps["it/mnli.reinit_top@1"].config
    assert steps["it/mnli.carry@0"].config == steps["it/mnli.carry@1"].config
    retrieved = planned(arms("[{reinit_top: 1}]"), "seeds=[0, 1]", "targets=[tatoeba]")
    assert {cell.seed for cell in retrieved.cells if cell.arm == "it"} == {0, 1}


@pytest.mark.parametrize(
    ("stages", "told", "expected"),
    [
        ("[{}]", "A stage is empty", "train: TASK"),
        ("[{carry: {blocks: 1}}]", "carry stands in a stage that trains nothing", "train: TASK"),
        ("[{mix: {law: uniform}}]", "A mixture has no tasks", "train: [A, B]"),
        ("[{freeze: {blocks: 1, during: both}}]", "trains nothing", "during: target"),
        ("[{layer_mix: {during: intermediate}}]", "trains nothing", "during: target"),
        ("[{train: mnli, freeze: {blocks: 1}}]", "during is missing", "the key during"),
        ("[{train: mnli, freeze: 6}]", "cannot be 6", ""),
        ("[{train: mnli, freeze: {blocks: -1, during: both}}]", "cannot be -1", "or equal to 0"),
        ("[{train: mnli, freeze: {blocks: 3, during: both}}]", "has no 3 blocks", "at most 2"),
        ("[{freeze: {blocks: 3, during: target}}]", "has no 3 blocks", "at most 2"),
        ("[{train: mnli, carry: {blocks: 3}}]", "has no 3 blocks", "at most 2"),
        ("[{train: mnli, carry: {blocks: 0}}]", "cannot be 0", "or equal to 1"),
        ("[{train: mnli, carry: {blocks: 1, draw: 3}}]", "Nothing is drawn", "which: random"),
        ("[{reinit_top: 3}]", "has no 3 blocks", "at most 2"),
        ("[{reinit_top: 0}]", "cannot be 0", "or equal to 1"),
        (
            "[{train: mnli, reinit_top: 1, freeze: {blocks: 2, during: intermediate}}]",
            "some would never learn",
            "at most 1",
        ),
        (
            "[{reinit_top: 1, freeze: {blocks: 2, during: target}}]",
            "some would never learn",
            "at most 1",
        ),
        (
            "[{train: mnli, freeze: {blocks: 1, during: both}}, "
            "{freeze: {blocks: 2, during: target}}]",
            "Two stages of it freeze layers of the target's",
            "in one of them",
        ),
        (
            "[{train: squad_v1_retrieval, layer_mix: {during: intermediate}}]",
            "no layers to mix",
            "a stage with a head",
        ),
    ],
)
def test_layers_that_cannot_be_are_refused_while_planning(
    planned: Any, stages: str, told: str, expected: str
) -> None:
    with pytest.raises(RecipeError, match=told) as caught:
        planned(arms(stages))
    assert expected in caught.value.expected
    assert "arms.it" in caught.value.where and caught.value.do


def test_blocks_drawn_anew_may_be_frozen_once_they_have_been_trained(planned: Any) -> None:
    found = planned(arms("[{train: mnli, reinit_top: 1, freeze: {blocks: 2, during: target}}]"))
    drawn, trained, target = (
        found.plan.steps[f"it/{name}@0"] for name in ("mnli.reinit_top", "mnli", "udpos")
    )
    assert trained.inputs["start"] is drawn and target.inputs["start"] is trained
    assert target.config.layers.frozen == 2 and trained.config.layers.frozen is None


def test_layers_of_the_targets_training_want_a_target_that_is_trained(planned: Any) -> None:
    said = arms("[{freeze: {blocks: 1, during: target}}]")
    with pytest.raises(RecipeError, match="no target is") as caught:
        planned(said, "targets=[tatoeba]")
    assert caught.value.where == "arms.it; targets: tatoeba"
    planned(said, "targets=[tatoeba, udpos]")


@pytest.mark.parametrize(
    ("stage", "meant"),
    [
        ("{train: mnli, freze: {blocks: 1, during: both}}", "freeze"),
        ("{train: mnli, freeze: {block: 1, during: both}}", "blocks"),
        ("{train: mnli, freeze: {blocks: 1, during: targets}}", "target"),
        ("{train: mnli, carry: {blocks: 1, which: botom}}", "bottom"),
        ("{train: mnli, reinit_tops: 1}", "reinit_top"),
    ],
)
def test_a_misspelt_word_suggests_the_right_one(planned: Any, stage: str, meant: str) -> None:
    with pytest.raises(UnknownNameError, match=f"Did you mean '{meant}'"):
        planned(arms(f"[{stage}]"))


def test_the_recipe_in_the_readme_can_be_planned(planned: Any) -> None:
    blocks = re.findall(r"```yaml\n(arms:\n.*?)```", README.read_text("utf-8"), re.DOTALL)
    [text] = [block for block in blocks if "freeze" in block]
    said = yaml.safe_load(text)["arms"]
    found = planned(f"arms={said}")
    assert list(found.recipe.arms) == list(said)
    made = {step.stage.name for step in found.plan.unique()}
    assert {"train", "carry", "reinit", "merge"} <= made


def test_a_recipe_with_every_key_of_layers_runs_to_its_report(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    kept = "freeze: {blocks: 1, during: both}, layer_mix: {during: target}"
    said = (
        *changes,
        "arms={none: [], "
        "anew: [{reinit_top: 1, freeze: {blocks: 0, during: target}}], "
        "low: [{train: mnli, carry: {blocks: 1}}], "
        "any: [{train: mnli, carry: {blocks: 1, which: random, draw: 3, embeddings: true}}], "
        f"kept: [{{train: [mnli, panx], {kept}}}]}}",
        "targets=[udpos, tatoeba]",
        "tasks.mnli.train={from: train, sample: 200}",
        "tasks.udpos.train={from: train, sample: 200}",
    )
    found = xstilts.run(RECIPE, *said, store=tmp_path, data=world)
    assert not found.outcome.failed
    assert set(found.rows.arm) == {"none", "anew", "low", "any", "kept"}
    rows = pd.read_parquet(found.folder / "arms.parquet").set_index("arm")
    told = {name: {k: v for k, v in row.items() if said_of(v)} for name, row in rows.iterrows()}
    assert rows.kind.to_dict() == {
        "none": "none",
        "anew": "layers",
        "low": "task",
        "any": "task",
        "kept": "mixture",
    }
    wanted: dict[str, dict[str, Any]] = {
        "none": {},
        "anew": {"frozen": 0, "frozen_during": "target", "reinit_top": 1},
        "low": {"carried": 1, "carried_which": "bottom", "carried_embeddings": False},
        "any": {"carried": 1, "carried_which": "random", "carried_embeddings": True},
        "kept": {"frozen": 1, "frozen_during": "both", "layer_mix": "target"},
    }
    wanted["low"] |= {"carried_blocks": "1"}
    wanted["any"] |= {"carried_draw": 3, "carried_blocks": told["any"]["carried_blocks"]}
    assert told["any"]["carried_blocks"] in ("1", "2")
    layers = {"frozen", "frozen_during", "reinit_top", "layer_mix"}
    for name, row in told.items():
        keys = {key for key in row if key in layers or key.startswith("carried")}
        assert {key: row[key] for key in keys} == wanted[name]
    step, store = found.planned.models["kept/udpos@0"], Store(tmp_path)
    first, last = store.open(step.address, step.key, step.identity).value["lineage"]
    assert (first["task"], first["frozen"], first.get("mixed")) == ("mnli+panx", 1, None)
    assert (last["task"], last["frozen"], last["mixed"]) == ("udpos", 1, True)
    assert "carried_which" in (found.folder / "report.html").read_text()
    assert xstilts.run(RECIPE, *said, store=tmp_path, data=world).outcome.ran == []


def said_of(value: Any) -> bool:
    return not pd.isna(value) and value != ""


def test_every_setting_of_an_arm_tells_it_from_its_twins(planned: Any, tmp_path: Path) -> None:
    """A study compares arms that differ in one setting, so that it has to know all of them."""
    outcomes = {
        "arm", "kind", "baseline", "stages", "examples", "expected", "realised", "lineage",
        "mlm_rows", "mlm_head", "further_updates", "carried_blocks", "seeds",
    }  # fmt: skip
    assert set(arm_rows(planned(), Store(tmp_path)).columns) == set(WAYS) | outcomes
