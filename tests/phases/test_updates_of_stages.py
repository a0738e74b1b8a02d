"""Stages of which a task or the text gets no update: refused while planning or at their start."""

from collections.abc import Callable
from pathlib import Path

import pytest
from made_up_world import RECIPE

import xstilts
from xstilts.cli import main
from xstilts.core.errors import RecipeError
from xstilts.phases.loading import load
from xstilts.phases.planned import Planned
from xstilts.phases.planning import make_plan
from xstilts.phases.workplace import Workplace
from xstilts.train.loop import Run

Plan = Callable[..., Planned]


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """What is planned of one arm of ``lab/forms``: 256 examples of a task in updates of 32."""
    place = Workplace.of(tmp_path_factory.mktemp("store"))

    def plan(stage: str, *more: str) -> Planned:
        said = (f"arms={{none: [], it: [{stage}]}}", "targets=[lab_xnli]", *more)
        return make_plan(load("lab/forms", said), place)

    return plan


def reading(share: float, task: str = "lab_mnli") -> str:
    return f"{{train: {task}, mlm: {{share: {share}, tokens: 2000, languages: [qfi]}}}}"


def mixture(mix: str, tasks: str = "lab_mnli, lab_panx") -> str:
    return f"{{train: [{tasks}], mix: {mix}}}"


FILE = "tasks.lab_panx.train={from: train}"  # whose examples are counted when it is read
SMALL = "tasks.lab_mnli.train={from: train, sample: 64}"


@pytest.mark.parametrize(
    ("stage", "more", "told", "remedy"),
    [
        (reading(0.05), (), "0.05 beside 8 updates of lab_mnli gives text none", "0.06 or more"),
        (reading(0.1), (SMALL,), "0.1 beside 2 updates", "0.21 or more"),
        (reading(0.05, "[lab_mnli, lab_panx]"), ("training.epochs=0.5",), "text none", "0.06"),
        (reading(0.999999), (), "less than one of the first 450 updates", "lower share"),
        (
            mixture("{examples: 20}"),
            (),
            "gives lab_mnli less than the 32 of one update",
            "examples: 64}",
        ),
        (
            mixture("{examples: 63}"),
            (),
            "gives lab_mnli less than the 32 of one update",
            "examples: 64}",
        ),
        (
            mixture("{law: capped, cap: 1, examples: 95}", "lab_mnli, lab_panx, lab_squad_v1"),
            (),
            "less than the",
            "examples: 96}",
        ),
        (mixture("{examples: 63}"), (FILE,), "gives lab_mnli less than", "examples: 64}"),
        (mixture("{law: uniform}"), ("training.batch_size=512",), "Of 512 examples", "smaller"),
        (
            mixture("{examples: 320}"),
            ("tasks.lab_panx.train={from: train, sample: 8192}",),
            "gives lab_mnli less than the 32 of one update",
            "examples: 1056}",
        ),
    ],
)
def test_a_stage_of_which_a_part_is_never_trained_is_refused_while_planning(
    planned: Plan, stage: str, more: tuple[str, ...], told: str, remedy: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        planned(stage, *more)
    error = caught.value
    assert told in error.what
    assert remedy in error.do
    assert "arms.it: " in error.where and error.expected


@pytest.mark.parametrize(
    ("stage", "more"),
    [
        (reading(0.06), ()),
        (reading(0.21), (SMALL,)),
        (reading(0.9977), ()),
        (mixture("{examples: 64}"), ()),
        (mixture("{law: uniform, examples: 96}", "lab_mnli, lab_panx, lab_squad_v1"), ()),
        (mixture("{examples: 64}"), (FILE,)),
        (mixture("{examples: 20}", "lab_mnli"), ()),
        (mixture("{law: uniform}"), ()),
    ],
)
def test_what_a_refusal_proposes_is_planned(
    planned: Plan, stage: str, more: tuple[str, ...]
) -> None:
    assert [name for name in planned(stage, *more).models if name.startswith("it/lab_mnli")]


@pytest.mark.parametrize(
    ("stage", "what"),
    [
        ("{train: mnli, mlm: {share: 0.02, text: TEXT}}", "gives text none"),
        ("{train: [mnli, panx], mix: {law: uniform}}", "less than the"),
    ],
)
def test_where_files_have_less_than_is_declared_the_stage_is_refused_at_its_start(
    world: Path,
    changes: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stage: str,
    what: str,
) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "sw.txt").write_text("".join(f"{i}\tmoja mbili\n" for i in range(40)))
    said = (
        *changes,
        f"arms={{none: [], it: [{stage.replace('TEXT', str(tmp_path / 'text'))}]}}",
        "targets=[udpos]",
        "languages=[en]",
        "tasks.mnli.train={from: train}",
        "tasks.udpos.train={from: train, sample: 64}",
        "training.batch_size=4096",
    )
    xstilts.plan(RECIPE, *said, store=tmp_path / "store", data=world)  # official sizes would do
    trained, really = [], Run.train

    def train(run: Run) -> str:
        trained.append(run.config.task)
        return really(run)

    monkeypatch.setattr(Run, "train", train)
    sets = [word for change in said for word in ("--set", change)]
    with pytest.raises(SystemExit) as ended:
        main(["run", RECIPE, "--store", str(tmp_path / "store"), "--data", str(world), *sets])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert what in told and "  do: " in told
    assert trained == ["udpos"]  # the baseline
