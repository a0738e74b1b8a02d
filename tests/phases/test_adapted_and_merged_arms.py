"""Arms that train adapters or add up other arms: what is promised, refused, run and told."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from made_up_world import RECIPE

import xstilts
from xstilts.core.errors import RecipeError, UnknownNameError
from xstilts.phases.loading import load
from xstilts.phases.planned import Planned
from xstilts.phases.planning import make_plan
from xstilts.phases.results import same_data
from xstilts.phases.workplace import Workplace
from xstilts.train.layers_spec import Lora
from xstilts.train.spec import PLAIN, Layers

Plan = Callable[..., Planned]
ADAPTED = Layers(lora=Lora(rank=4))
TWO = "m: [{train: mnli}], p: [{train: panx}]"


@pytest.fixture
def planned(world: Path, changes: tuple[str, ...], tmp_path: Path) -> Plan:
    def plan(arms: str, *more: str) -> Planned:
        said = (*changes, f"arms={{none: [], {arms}}}", *more)
        return make_plan(load(RECIPE, said), Workplace.of(tmp_path, world))

    return plan


@pytest.mark.parametrize(
    ("stages", "intermediate", "target"),
    [
        ("[{train: mnli, lora: {rank: 4}}]", ADAPTED, PLAIN),
        ("[{train: mnli}, {lora: {rank: 4}}]", PLAIN, ADAPTED),
        ("[{train: mnli, lora: {rank: 4}}, {lora: {rank: 4}}]", ADAPTED, ADAPTED),
        (
            "[{train: mnli, lora: {rank: 4}, freeze: {blocks: 1, during: target}}]",
            ADAPTED,
            Layers(frozen=1),
        ),
    ],
)
def test_adapters_are_trained_in_the_stage_that_says_so_or_in_the_targets(
    planned: Plan, stages: str, intermediate: Layers, target: Layers
) -> None:
    models = planned(f"it: {stages}").models
    assert models["it/mnli@0"].config.layers == intermediate  # type: ignore[attr-defined]
    assert models["it/xquad@0"].config.layers == target  # type: ignore[attr-defined]


def test_only_stages_with_adapters_are_other_promises(planned: Plan) -> None:
    found = planned("plain: [{train: mnli}], it: [{train: mnli}, {lora: {rank: 4}}]").models
    assert found["it/mnli@0"] is found["plain/mnli@0"]
    assert found["it/udpos@0"].key != found["plain/udpos@0"].key
    alone = planned("it: [{lora: {rank: 4}}]").models
    assert "start" not in alone["it/udpos@0"].inputs
    few = planned("it: [{lora: {rank: 4}, few_shot: {k: 5}}]", "targets=[udpos]").models
    assert few["it/udpos@0"].key == alone["it/udpos@0"].key
    assert few["it/udpos.de@0"].config.layers == ADAPTED  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("arms", "told", "expected"),
    [
        ("it: [{train: mnli, lora: {rank: 0}}]", "cannot be 0", "or equal to 1"),
        ("it: [{train: mnli, lora: {}}]", "rank is missing", "the key rank"),
        ("it: [{train: mnli, lora: {rank: 4, scale: 0}}]", "cannot be 0", "greater than 0"),
        (
            "it: [{train: mnli, lora: {rank: 4}, freeze: {blocks: 1, during: intermediate}}]",
            "lora holds all of the encoder's weights",
            "one of the two in a training",
        ),
        (
            "it: [{lora: {rank: 4}, freeze: {blocks: 1, during: target}}]",
            "lora holds all of the encoder's weights",
            "one of the two in a training",
        ),
        (
            "it: [{train: mnli, freeze: {blocks: 1, during: both}}, {lora: {rank: 4}}]",
            "it freezes layers of the target's",
            "not both",
        ),
        (
            "it: [{train: mnli, lora: {rank: 4}, reinit_top: 1}]",
            "they would stay random",
            "one of the two in a stage",
        ),
        (
            "it: [{reinit_top: 1}, {train: mnli, lora: {rank: 4}}]",
            "they would stay random",
            "trained before",
        ),
        (
            "it: [{train: mnli}, {reinit_top: 1}, {lora: {rank: 4}}]",
            "they would stay random",
            "trained before",
        ),
        ("it: [{lora: {rank: 4}}, {train: mnli}]", "stand before another stage", "them last"),
        (
            "it: [{checkpoint: {path: x}, lora: {rank: 4}}]",
            "lora stands beside",
            "and then another stage",
        ),
    ],
)
def test_adapters_that_cannot_be_are_refused_while_planning(
    planned: Plan, arms: str, told: str, expected: str
) -> None:
    with pytest.raises(RecipeError, match=told) as caught:
        planned(arms)
    assert expected in caught.value.expected
    assert "arms.it" in caught.value.where and caught.value.do


def test_adapters_of_targets_want_a_target_that_is_trained(planned: Plan) -> None:
    with pytest.raises(RecipeError, match="no target is"):
        planned("it: [{lora: {rank: 4}}]", "targets=[tatoeba]")


def test_a_sum_is_a_step_of_its_arm_under_every_seed(planned: Plan) -> None:
    found = planned(f"{TWO}, it: [{{merge: {{m: 1.0, p: 0.5}}}}]", "seeds=[0, 1]")
    steps = found.plan.steps
    for seed in (0, 1):
        merged = steps[f"it/merge@{seed}"]
        parts = [steps[f"m/mnli@{seed}"], steps[f"p/panx@{seed}"]]
        assert [merged.inputs["merged.1"], merged.inputs["merged.2"]] == parts
        assert merged.config.weights == (1.0, 0.5)  # type: ignore[attr-defined]
        assert steps[f"it/udpos@{seed}"].inputs["start"] is merged
        assert {step.key for step in (merged, *parts)} <= found.plan.kept
    assert steps["it/merge@0"].key != steps["it/merge@1"].key
    assert {cell.seed for cell in found.cells if cell.arm == "it"} == {0, 1}


def test_neither_the_order_nor_the_arms_names_change_a_sum(planned: Plan) -> None:
    one = planned(f"{TWO}, it: [{{merge: {{m: 1.0, p: 0.5}}}}]").models
    other = planned("b: [{train: panx}], a: [{train: mnli}], it: [{merge: {b: 0.5, a: 1.0}}]")
    assert one["it/xquad@0"].key == other.models["it/xquad@0"].key
    weights = planned(f"{TWO}, it: [{{merge: {{m: 0.5, p: 1.0}}}}]").models
    assert one["it/xquad@0"].key != weights["it/xquad@0"].key


def test_a_sum_takes_what_stages_leave_and_may_be_trained_on(planned: Plan) -> None:
    found = planned(
        "c: [{train: mnli}, {train: panx, carry: {blocks: 1}}], p: [{train: panx}], "
        "it: [{merge: {c: -1, p: 1}}, {train: mnli}]",
        "targets=[tatoeba]",
    )
    steps = found.plan.steps
    parts = {steps["c/panx.carry@0"], steps["p/panx@0"]}
    assert set(steps["it/merge@0"].inputs.values()) == parts
    assert steps["it/mnli@0"].inputs["start"] is steps["it/merge@0"]
    assert found.recipe.merged("it") == {"c": -1.0, "p": 1.0}


def test_blocks_drawn_anew_stay_untrained_in_a_sum(planned: Plan) -> None:
    arms = (
        "m: [{train: mnli}, {reinit_top: 1}], it: [{merge: {m: 1}}, {train: panx, lora: {rank: 4}}]"
    )
    with pytest.raises(RecipeError, match="they would stay random"):
        planned(arms)


@pytest.mark.parametrize("stage", ["{train: mnli, lora: {rank: RANK}}", "{lora: {rank: RANK}}"])
def test_a_rank_that_no_matrix_has_is_refused(planned: Plan, world: Path, stage: str) -> None:
    width = json.loads((world / "encoder" / "config.json").read_text())["hidden_size"]
    planned(f"it: [{stage.replace('RANK', str(width))}]")
    with pytest.raises(RecipeError, match=f"has a rank of {width + 1}") as caught:
        planned(f"it: [{stage.replace('RANK', str(width + 1))}]")
    assert f"at most {width}" in caught.value.expected
    assert caught.value.where == "arms.it: lora.rank" and caught.value.do


@pytest.mark.parametrize(
    ("arms", "told", "expected"),
    [
        ("it: [{merge: {two: 1}}]", "cannot merge two, which is not an arm", "target: m, p"),
        ("it: [{merge: {it: 1}}]", "cannot merge it, itself", "target: m, p"),
        ("it: [{merge: {none: 1}}]", "cannot merge none, which trains nothing", "target: m, p"),
        (
            "r: [{checkpoint: {path: CHECKPOINT}}, {train: mnli}], it: [{merge: {m: 1, r: 1}}]",
            "cannot merge r, which begins with another encoder",
            "the recipe's encoder before the target: m, p",
        ),
        (
            "s: [{merge: {m: 1}}], it: [{merge: {s: 1}}]",
            "cannot merge s, which is merged itself",
            "target: m, p",
        ),
        (
            "k: [{few_shot: {k: 5}}], it: [{merge: {k: 1}}]",
            "cannot merge k, which trains nothing before its target",
            "target: m, p",
        ),
        ("it: [{merge: {}}]", "merge cannot be {}", "{mnli: 1.0}"),
        ("it: [{merge: m}]", "merge cannot be 'm'", "{mnli: 1.0}"),
        ("it: [{merge: {m: 0}}]", "gives m no weight", "other than 0"),
        ("it: [{merge: {m: much}}]", "cannot be 'much'", "number"),
        ("it: [{merge: {m: 1}, train: panx}]", "train stands beside", "and then another stage"),
        ("it: [{train: panx}, {merge: {m: 1}}]", "after other stages", "the merge first"),
        (
            "t: [{merge: {m: 1}}, {train: panx}], it: [{longer: t}]",
            "cannot be longer by the updates of t",
            "m, p",
        ),
    ],
)
def test_sums_that_cannot_be_are_refused_while_planning(
    planned: Plan, world: Path, arms: str, told: str, expected: str
) -> None:
    with pytest.raises(RecipeError, match=told) as caught:
        planned(f"{TWO}, {arms.replace('CHECKPOINT', str(world / 'encoder'))}")
    assert expected in caught.value.expected
    assert "arms.it" in caught.value.where and caught.value.do


@pytest.mark.parametrize(
    ("stage", "meant"),
    [
        ("{train: mnli, lroa: {rank: 4}}", "lora"),
        ("{train: mnli, lora: {ranks: 4}}", "rank"),
        ("{merg: {m: 1}}", "merge"),
    ],
)
def test_a_misspelt_word_suggests_the_right_one(planned: Plan, stage: str, meant: str) -> None:
    with pytest.raises(UnknownNameError, match=f"Did you mean '{meant}'"):
        planned(f"{TWO}, it: [{stage}]")


def test_a_sum_shares_the_training_data_of_its_parts(planned: Plan) -> None:
    arms = "q: [{train: squad_v1}], m: [{train: mnli}], it: [{merge: {q: 1, m: 1}}]"
    assert same_data(planned(arms)) == {("q", "xquad"), ("it", "xquad")}


def test_arms_with_adapters_and_sums_run_to_their_rows_and_report(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    arms = (
        "none: [], m: [{train: mnli}], a: [{train: mnli, lora: {rank: 2, scale: 0.5}}], "
        "t: [{lora: {rank: 4}}], one: [{merge: {m: 1}}], "
        "sum: [{merge: {m: 0.5, a: 0.25}}, {train: panx}, {lora: {rank: 4}}]"
    )
    said = (
        *changes,
        f"arms={{{arms}}}",
        "targets=[udpos, tatoeba]",
        "languages=[en, de]",
        *(f"tasks.{t}.train={{from: train, sample: 64}}" for t in ("mnli", "panx", "udpos")),
    )
    found = xstilts.run(RECIPE, *said, store=tmp_path, data=world)
    assert not found.outcome.failed and not found.outcome.blocked
    rows = pd.read_parquet(found.folder / "arms.parquet").set_index("arm")
    kinds = {"none": "none", "m": "task", "a": "task", "t": "layers", "one": "merge"}
    assert rows.kind.to_dict() == {**kinds, "sum": "chain"}
    assert rows.merged.to_dict() == dict.fromkeys(kinds, "") | {
        "one": "m 1",
        "sum": "a 0.25, m 0.5",
    }
    assert rows.lora_rank.dropna().to_dict() == {"a": 2, "t": 4, "sum": 4}
    assert rows.lora_scale.dropna().to_dict() == {"a": 0.5, "t": 1.0, "sum": 1.0}
    told = {"a": "intermediate", "t": "target", "sum": "target"}
    assert rows.lora_during.to_dict() == dict.fromkeys(rows.index, "") | told
    examples = rows.examples.to_dict()
    assert examples["one"] == examples["m"] == examples["a"] > 0
    assert examples["sum"] == 2 * examples["m"] + 64
    # A sum of one arm with weight 1 is that arm, to the last score.
    score = found.rows.set_index(["arm", "target", "language", "metric"]).value
    assert (score.loc["one"] == score.loc["m"]).all()
    step = found.planned.models["sum/udpos@0"]
    record = Workplace.of(tmp_path).store.record(step.address, step.key)
    assert record is not None
    first, second, third = record["value"]["lineage"]
    assert [part["weight"] for part in first["merged"]] == [0.5, 0.25]
    assert [part["lineage"][0].get("lora") for part in first["merged"]] == [
        None,
        {"rank": 2, "scale": 0.5},
    ]
    assert (second["task"], third["task"], third["lora"]) == ("panx", "udpos", {"rank": 4})
    assert "lora_rank" in (found.folder / "report.html").read_text("utf-8")
    assert xstilts.run(RECIPE, *said, store=tmp_path, data=world).outcome.ran == []
