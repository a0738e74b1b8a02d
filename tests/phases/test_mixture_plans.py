"""Arms with a stage on several tasks: what is promised, refused, run and told."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_up_world import RECIPE

import xstilts
from xstilts.cli import main
from xstilts.core.errors import RecipeError, UnknownNameError
from xstilts.phases.leaks import compared
from xstilts.phases.loading import load
from xstilts.phases.planning import Planned, make_plan
from xstilts.phases.results import same_data
from xstilts.phases.workplace import Workplace

GOLDEN = Path(__file__).parent / "golden_mixture.json"
TASKS = "[mnli, squad_v1, panx]"


def arms(stages: str) -> str:
    return f"arms={{none: [], multi: {stages}}}"


def mixture(mix: str = "", tasks: str = TASKS) -> str:
    return arms(f"[{{train: {tasks}{', mix: ' if mix else ''}{mix}}}]")


@pytest.fixture
def planned(world: Path, changes: tuple[str, ...], tmp_path: Path) -> Any:
    def plan(*more: str) -> Planned:
        return make_plan(load(RECIPE, (*changes, *more)), Workplace.of(tmp_path, world))

    return plan


def step(planned: Planned) -> Any:
    [name] = [n for n in planned.models if n.startswith("multi/mnli") and "+" in n]
    return planned.models[name]


def test_a_mixture_is_one_stage_of_its_arm_whose_key_is_frozen(planned: Any) -> None:
    found = planned(mixture())
    assert [n for n in found.models if n.startswith("multi/")] == [
        "multi/mnli+panx+squad_v1@0",
        "multi/udpos@0",
        "multi/xquad@0",
    ]
    chained = found.models["multi/xquad@0"]
    assert chained.address == "train/mnli+panx+squad_v1.squad_v1"
    assert chained.inputs["start"] is step(found)
    assert step(found).key in found.plan.kept
    keys = {n: f"{s.address}@{s.key}" for n, s in found.models.items() if n.startswith("multi/")}
    assert keys == json.loads(GOLDEN.read_text())


def test_the_order_of_tasks_is_no_identity_and_the_law_is(planned: Any) -> None:
    plain = step(planned(mixture())).key
    assert step(planned(mixture(tasks="[panx, squad_v1, mnli]"))).key == plain
    assert step(planned(mixture("{law: proportional}"))).key == plain
    others = [
        "{law: uniform}",
        "{law: capped, cap: 100}",
        "{law: capped, cap: 200}",
        "{law: temperature, temperature: 2}",
        "{law: temperature, temperature: 2, cap: 100}",
        "{examples: 500}",
    ]
    keys = {step(planned(mixture(mix))).key for mix in others}
    assert len(keys | {plain}) == len(others) + 1


def test_with_a_declared_number_of_examples_epochs_change_nothing(planned: Any) -> None:
    few, many = (
        step(planned(mixture("{examples: 500}"), f"training.epochs={n}")).key for n in (0.5, 3)
    )
    assert few == many
    few, many = (step(planned(mixture(), f"training.epochs={n}")).key for n in (0.5, 3))
    assert few != many


def test_each_task_is_cut_by_its_own_words_and_all_are_trained_by_the_recipes(planned: Any) -> None:
    said = "tasks.squad_v1.training={max_length: 96, stride: 24, lr: 1e-5, epochs: 9}"
    found = planned(mixture(), said)
    cut = {n: s.config for n, s in step(found).inputs.items() if n.startswith("train.")}
    assert {n: c.max_length for n, c in cut.items()} == {
        "train.mnli": 64,
        "train.panx": 64,
        "train.squad_v1": 96,
    }
    assert cut["train.squad_v1"].stride == 24
    assert step(found).config.how.lr == found.recipe.training.lr
    assert step(found).config.how.epochs == found.recipe.training.epochs


def test_every_part_is_checked_for_leaks_and_marked_as_the_same_data(planned: Any) -> None:
    found = planned(mixture(), "targets=[xquad, udpos]")
    assert same_data(found) == {("multi", "xquad")}
    mine, _ = compared(found)
    assert {s.task for s in mine} == {"mnli", "squad_v1", "panx", "udpos"}
    assert found.trainings["squad_v1"].origin == (
        "carved from the train file: the dev split shares text with xquad"
    )
    assert step(found).inputs["dev.squad_v1"].inputs["examples"].config.part == "held"


@pytest.mark.parametrize(
    ("stage", "told", "remedy"),
    [
        ("{train: mnli, mix: {law: uniform}}", "mnli alone cannot be mixed", "train: [A, B]"),
        ("{train: [mnli]}", "A list of tasks is a mixture", "train: mnli"),
        ("{train: []}", "A list of tasks is a mixture", "two or more"),
        ("{train: [mnli, panx, mnli]}", "mnli stands twice", "each task once"),
        ("{train: [mnli, panx], mix: {law: capped}}", "lacks its cap", "cap: a number"),
        ("{train: [mnli, panx], mix: {cap: 3}}", "proportional mixture has no cap", "law: capped"),
        ("{train: [mnli, panx], mix: {law: uniform, temperature: 2}}", "no temperature", "law: "),
        ("{train: [mnli, panx], mix: {examples: 0}}", "cannot be 0", "greater than or equal to 1"),
        ("{train: [mnli, xnli]}", "both trained on mnli", "data of their own"),
    ],
)
def test_a_mixture_that_cannot_be_is_refused(
    planned: Any, stage: str, told: str, remedy: str
) -> None:
    with pytest.raises(RecipeError, match=told) as caught:
        planned(arms(f"[{stage}]"), "tasks.xnli.train=mnli")
    assert remedy in caught.value.expected
    assert "arms.multi" in caught.value.where


@pytest.mark.parametrize(
    ("stage", "meant"),
    [
        ("{train: [mnli, helaswag]}", "hellaswag"),
        ("{train: [mnli, panx], mix: {law: proportionl}}", "proportional"),
        ("{train: [mnli, panx], mix: {temprature: 2}}", "temperature"),
        ("{train: [mnli, panx], mx: {law: uniform}}", "mix"),
    ],
)
def test_a_misspelt_word_of_a_mixture_suggests_the_right_one(
    planned: Any, stage: str, meant: str
) -> None:
    with pytest.raises(UnknownNameError, match=f"Did you mean '{meant}'"):
        planned(arms(f"[{stage}]"))


def test_the_papers_eleventh_arm_mixes_its_nine_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XSTILTS_DATA", raising=False)  # a folder without the paper's translations
    planned, cost = xstilts.plan("xtreme/paper", store=tmp_path)
    [stage] = planned.recipe.arms["multi"]
    assert len(stage.tasks) == 9
    assert all(planned.recipe.arms[task][0].train == task for task in stage.tasks)
    law, wanted = cost.mixtures["multi/anli_plus+8"]
    assert law == "proportional"
    assert wanted["mnli"] == pytest.approx(3 * 392_702, rel=1e-6)


def test_a_recipe_with_mixtures_runs_to_its_report(
    world: Path,
    changes: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mix = "{law: capped, cap: 150, examples: 320}"
    said = (
        *changes,
        "arms={none: [], multi: [{train: [mnli, panx]}], "
        f"capped: [{{train: [mnli, panx], mix: {mix}}}, {{train: mnli}}]}}",
        "targets=[udpos, tatoeba]",
        "tasks.mnli.train={from: train, sample: 200}",
    )
    sets = [word for change in said for word in ("--set", change)]
    with pytest.raises(SystemExit) as ended:
        main(["plan", RECIPE, "--store", str(tmp_path), "--data", str(world), *sets])
    assert ended.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert ("mixture          capped/mnli+panx: capped; examples expected: mnli 160, panx 160") in [
        " ".join(x.split(" ")) for x in lines
    ]
    found = xstilts.run(RECIPE, *said, store=tmp_path, data=world)
    assert not found.outcome.failed
    assert set(found.rows.arm) == {"none", "multi", "capped"}
    rows = pd.read_parquet(found.folder / "arms.parquet").set_index("arm")
    assert rows.kind.to_dict() == {"none": "none", "multi": "mixture", "capped": "chain"}
    assert rows.tasks["multi"] == "mnli + panx"
    assert rows.tasks["capped"] == "mnli + panx > mnli"
    assert rows.mix_law.to_dict() == {"none": "", "multi": "proportional", "capped": "capped"}
    assert (rows.mix_cap["capped"], rows.mix_examples["capped"]) == (150, 320)
    assert pd.isna(rows.mix_cap["multi"])
    assert rows.expected["capped"] == "mnli 160, panx 160"
    realised = [int(part.split(" ")[1]) for part in rows.realised["capped"].split(", ")]
    assert sum(realised) == 320
    page = (found.folder / "report.html").read_text()
    assert f"examples drawn: {rows.realised['capped']}; expected: mnli 160, panx 160" in page
    assert xstilts.run(RECIPE, *said, store=tmp_path, data=world).outcome.ran == []
