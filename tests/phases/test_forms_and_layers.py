"""Arms in which text, checkpoints and words on the target meet layers that are frozen or new."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from made_up_world import RECIPE
from torch import Tensor

import xstilts
from xstilts.core.errors import RecipeError
from xstilts.models.task_model import load_encoder
from xstilts.phases.loading import load
from xstilts.phases.planned import Planned
from xstilts.phases.planning import make_plan
from xstilts.phases.workplace import Workplace

SMALLER = (
    "targets=[udpos]",
    "languages=[en]",
    "tasks.mnli.train={from: train, sample: 64}",
    "tasks.udpos.train={from: train, sample: 64}",
)
FROZEN = "freeze: {blocks: 1, during: intermediate}"


@pytest.fixture(scope="session")
def text(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("read")
    told = (world / "panx" / "test-sw.tsv").read_text("utf-8").split("\n\n")
    lines = [" ".join(x.split("\t")[0] for x in s.splitlines()) for s in told if s.strip()]
    (folder / "sw.txt").write_text("".join(f"{i}\t{line}\n" for i, line in enumerate(lines)))
    return folder


@pytest.fixture
def planned(world: Path, changes: tuple[str, ...], tmp_path: Path) -> Callable[..., Planned]:
    def plan(arms: str, *more: str) -> Planned:
        said = (*changes, f"arms={{none: [], {arms}}}", "targets=[udpos]", *more)
        return make_plan(load(RECIPE, said), Workplace.of(tmp_path, world))

    return plan


def weights(folder: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The tensors of the embeddings and the bottom block, and those of the top one."""
    state = load_encoder(folder).state_dict()
    top = {name: x for name, x in state.items() if name.startswith("encoder.layer.1.")}
    rest = {n: x for n, x in state.items() if n not in top and not n.startswith("pooler.")}
    assert top and any("embeddings" in n for n in rest) and any("layer.0." in n for n in rest)
    return rest, top


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> list[bool]:
    return [torch.equal(one[name], other[name]) for name in one if one[name].ndim > 1]


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_neither_tasks_nor_text_move_what_their_stage_freezes(
    world: Path, changes: tuple[str, ...], text: Path, tmp_path: Path, dropout: float
) -> None:
    mlm = f"mlm: {{text: {text}, "
    arms = (
        f"none: [], beside: [{{train: mnli, {mlm}share: 0.5}}, {FROZEN}}}], "
        f"alone: [{{{mlm}examples: 64}}, {FROZEN}}}]"
    )
    said = (*changes, *SMALLER, f"arms={{{arms}}}", f"training.dropout={dropout}")
    found = xstilts.run(RECIPE, *said, store=tmp_path, data=world)
    assert not found.outcome.failed
    store, (still, moved) = Workplace.of(tmp_path).store, weights(world / "encoder")
    for name in ("beside/mnli+mlm@0", "alone/mlm@0"):
        step = found.planned.models[name]
        result = store.open(step.address, step.key, step.identity)
        frozen, learnt = weights(result.folder)
        assert all(torch.equal(still[n], x) for n, x in frozen.items())
        assert not any(same(moved, learnt))
        assert result.value["text"]["updates"] > 0
        assert (result.value["frozen"], result.value["prefix_kept"]) == (1, False)
        assert result.value["lineage"][-1]["frozen"] == 1
    rows = pd.read_parquet(found.folder / "arms.parquet").set_index("arm")
    assert rows.kind.to_dict() == {"none": "none", "beside": "task", "alone": "mlm"}
    assert rows.frozen[["beside", "alone"]].to_list() == [1, 1]
    assert rows.mlm_share[["beside", "alone"]].to_list() == [0.5, 1.0]


def test_text_alone_and_beside_a_task_trains_adapters_and_holds_the_rest(
    world: Path, changes: tuple[str, ...], text: Path, tmp_path: Path
) -> None:
    mlm, lora = f"mlm: {{text: {text}, ", "lora: {rank: 2}"
    arms = (
        f"none: [], beside: [{{train: mnli, {mlm}share: 0.5}}, {lora}}}], "
        f"alone: [{{{mlm}examples: 64}}, {lora}}}]"
    )
    said = (*changes, *SMALLER, f"arms={{{arms}}}")
    found = xstilts.run(RECIPE, *said, store=tmp_path, data=world)
    assert not found.outcome.failed
    store, before = Workplace.of(tmp_path).store, load_encoder(world / "encoder").state_dict()
    for name in ("beside/mnli+mlm@0", "alone/mlm@0"):
        step = found.planned.models[name]
        result = store.open(step.address, step.key, step.identity)
        after = load_encoder(result.folder).state_dict()
        learnt = {n for n, x in after.items() if not torch.equal(x, before[n])}
        linear = {n for n, x in after.items() if n.startswith("encoder.layer.") and x.ndim == 2}
        assert {n for n in learnt if not n.startswith("pooler.")} == linear
        assert result.value["lora"]["rank"] == 2 and result.value["text"]["updates"] > 0
        losses = result.value["text"]["languages"]["sw"]
        assert losses["held_loss"] != losses["held_loss_before"]


def test_a_chain_draws_blocks_of_a_checkpoint_anew(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    arms = f"none: [], anew: [{{checkpoint: {{path: {world / 'encoder'}}}}}, {{reinit_top: 1}}]"
    said = (*changes, *SMALLER, f"arms={{{arms}}}")
    found = xstilts.run(RECIPE, *said, store=tmp_path, data=world)
    assert not found.outcome.failed
    store, steps = Workplace.of(tmp_path).store, found.planned.plan.steps
    step = steps["anew/reinit_top@0"]
    assert step.inputs["start"] is steps["anew/checkpoint"]
    (kept, before), (rest, drawn) = (
        weights(folder)
        for folder in (world / "encoder", store.open(step.address, step.key, step.identity).folder)
    )
    assert all(torch.equal(kept[name], x) for name, x in rest.items())
    assert not any(same(before, drawn))
    last = found.planned.models["anew/udpos@0"]
    assert last.inputs["start"] is step
    record = store.record(last.address, last.key)
    assert record is not None
    first, second, third = record["value"]["lineage"]
    assert (first["task"], second["reinitialised"], third["task"]) == ("unknown", [2], "udpos")
    row = pd.read_parquet(found.folder / "arms.parquet").set_index("arm").loc["anew"]
    assert (row.kind, row.stages, row.tasks, row.reinit_top) == ("checkpoint", 2, "unknown", 1)
    assert xstilts.run(RECIPE, *said, store=tmp_path, data=world).outcome.ran == []


def test_layers_of_the_target_are_frozen_in_each_of_its_trainings(
    planned: Callable[..., Planned],
) -> None:
    found = planned(
        "few: [{few_shot: {k: 5}, freeze: {blocks: 1, during: target}}], "
        "long: [{longer: stage, freeze: {blocks: 1, during: target}}], "
        "stage: [{train: mnli, carry: {blocks: 1}}]"
    )
    models = {n: s for n, s in found.models.items() if n.startswith(("few/", "long/"))}
    assert {"few/udpos@0", "few/udpos.de@0", "long/udpos@0"} <= models.keys()
    assert {step.config.layers.frozen for step in models.values()} == {1}  # type: ignore[attr-defined]
    beside = models["long/udpos@0"].inputs["longer.1"]
    assert beside is found.models["stage/mnli@0"]
    assert {c.language for c in found.cells if c.arm == "few"} == {"de"}


@pytest.mark.parametrize(
    ("arms", "told", "expected"),
    [
        ("a: [{reinit_top: 1, language: de}]", "reinit_top stands beside language", "of its own"),
        ("a: [{mlm: {}, layer_mix: {during: both}}]", "a stage that has no tasks", "target"),
        (
            "a: [{freeze: {blocks: 1, during: target}}, {train: mnli}]",
            "Words on the target stand before another stage",
            "them last",
        ),
        (
            "a: [{freeze: {blocks: 1, during: target}}, {few_shot: {k: 5}}]",
            "Words on the target stand before another stage",
            "them last",
        ),
        ("a: [{longer: b}], b: [{reinit_top: 1}]", "by the updates of b", "stages that train"),
    ],
)
def test_words_that_do_not_go_together_are_refused(
    planned: Callable[..., Planned], arms: str, told: str, expected: str
) -> None:
    with pytest.raises(RecipeError, match=told) as caught:
        planned(arms)
    assert expected in caught.value.expected
