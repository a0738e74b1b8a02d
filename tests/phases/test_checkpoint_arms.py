"""Arms that start from a model that was trained elsewhere."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from made_up_world import RECIPE
from safetensors.torch import load_file
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    Trainer,
    TrainingArguments,
)

import xstilts
from xstilts.core.errors import EncoderError, RecipeError, UnknownNameError, UserError
from xstilts.phases.loading import load
from xstilts.phases.planned import Planned
from xstilts.phases.planning import make_plan
from xstilts.phases.workplace import Workplace

Plan = Callable[..., Planned]


@pytest.fixture(scope="session")
def tuned(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence classifier, fine-tuned and saved by plain transformers."""
    folder, scratch = tmp_path_factory.mktemp("tuned") / "classifier", tmp_path_factory.mktemp("s")
    torch.manual_seed(3)
    model = AutoModelForSequenceClassification.from_pretrained(world / "encoder", num_labels=3)
    tokenizer = AutoTokenizer.from_pretrained(world / "encoder")
    lines = (world / "xnli" / "test-en.tsv").read_text("utf-8").splitlines()[:48]
    texts = [line.split("\t")[0] for line in lines]
    rows = [
        {**tokenizer(text, max_length=16, padding="max_length", truncation=True), "label": i % 3}
        for i, text in enumerate(texts)
    ]
    said = TrainingArguments(
        output_dir=str(scratch),
        per_device_train_batch_size=16,
        num_train_epochs=2,
        learning_rate=1e-3,
        report_to=[],
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
    )
    Trainer(model=model, args=said, train_dataset=rows, processing_class=tokenizer).train()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def planned(world: Path, changes: tuple[str, ...], tmp_path: Path) -> Plan:
    def plan(arms: str, *more: str) -> Planned:
        said = (*changes, f"arms={{none: [], {arms}}}", "targets=[udpos]", *more)
        return make_plan(load(RECIPE, said), Workplace.of(tmp_path, world))

    return plan


def test_a_folder_of_plain_transformers_runs_as_an_arm_beside_a_trained_one(
    world: Path, changes: tuple[str, ...], tuned: Path, tmp_path: Path
) -> None:
    ready = f"{{checkpoint: {{path: {tuned}}}}}"
    arms = f"none: [], panx: [{{train: panx}}], ready: [{ready}], on: [{ready}, {{train: panx}}]"
    said = (*changes, f"arms={{{arms}}}", "targets=[udpos, tatoeba]", "languages=[en, de]")
    said += ("tasks.panx.train={from: train, sample: 64}",)
    said += ("tasks.udpos.train={from: train, sample: 64}", "seeds=[0, 1]")
    found = xstilts.run(RECIPE, *said, store=tmp_path, data=world)
    assert not found.outcome.failed
    rows = found.rows
    assert set(rows.arm) == {"none", "panx", "ready", "on"}
    near = rows[(rows.target == "tatoeba") & (rows.language == "de")].set_index("arm")
    assert near.loc[["none", "ready"]].seed.isna().all()
    assert set(near.loc[["on"]].seed) == {0, 1}
    planned, place = found.planned, Workplace.of(tmp_path).store
    step = planned.plan.steps["ready/checkpoint"]
    assert planned.models["ready/udpos@0"].inputs["start"] is step
    assert found.outcome.ran.count(step.address) == 1
    kept = load_file(place.open(step.address, step.key, step.identity).folder / "model.safetensors")
    theirs = AutoModel.from_pretrained(tuned).state_dict()
    plain = AutoModel.from_pretrained(world / "encoder").state_dict()
    differ = 0
    for name, tensor in kept.items():
        if not name.startswith("pooler."):
            assert torch.equal(theirs[name], tensor), name
            differ += not torch.equal(plain[name], tensor)
    assert differ > 10
    record = place.record(*(getattr(planned.models["on/udpos@0"], x) for x in ("address", "key")))
    assert record is not None
    assert [link["task"] for link in record["value"]["lineage"]] == ["unknown", "panx", "udpos"]
    assert record["value"]["lineage"][0]["checkpoint"] == planned.ready["on"].digest
    told = pd.read_parquet(found.folder / "arms.parquet").set_index("arm")
    assert told.kind.to_dict() == {
        "none": "none",
        "panx": "task",
        "ready": "checkpoint",
        "on": "chain",
    }
    assert told.lineage.to_dict() == dict.fromkeys(("none", "panx"), "known") | dict.fromkeys(
        ("ready", "on"), "unknown"
    )
    assert told.checkpoint["ready"] == str(tuned) and told.checkpoint["none"] == ""
    assert told.tasks["on"] == "unknown > panx" and told.language["on"] == "unknown > en"
    assert (found.folder / "report.html").exists()
    assert xstilts.run(RECIPE, *said, store=tmp_path, data=world).outcome.ran == []


def test_the_same_bytes_elsewhere_are_the_same_arm_and_other_bytes_are_not(
    planned: Plan, tuned: Path, tmp_path: Path
) -> None:
    def keys(path: Path) -> set[str]:
        found = planned(f"a: [{{checkpoint: {{path: {path}}}}}]")
        return {s.key for n, s in found.plan.steps.items() if n.startswith("a/")}

    copy = shutil.copytree(tuned, tmp_path / "elsewhere" / "other-name")
    (copy / "training_args.bin").write_bytes(b"never read")
    assert keys(tuned) == keys(copy)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"layer_norm_eps": 1e-3}))
    assert not keys(tuned) & keys(copy)


def test_a_checkpoint_is_cut_into_pieces_by_its_own_tokenizer_and_limits(
    planned: Plan, tuned: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(tuned, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 42}))
    (other / "tokenizer_config.json").write_text(
        (other / "tokenizer_config.json").read_text().replace("{", '{"own": 1,', 1)
    )
    arm = f"a: [{{checkpoint: {{path: {other}}}}}]"
    with pytest.raises(EncoderError, match="Rows of 64 pieces do not fit") as caught:
        planned(arm)
    assert "at most 40" in caught.value.expected
    found = planned(arm, "training.max_length=40")
    tokenizers = {
        found.models[f"{x}/udpos@0"].inputs["train"].config.tokenizer  # type: ignore[attr-defined]
        for x in ("none", "a")
    }
    assert len(tokenizers) == 2


def test_a_checkpoint_of_the_hub_can_be_planned_but_runs_at_one_commit_only(planned: Plan) -> None:
    found = planned("a: [{checkpoint: {hub: org/model}}]")
    assert found.models["a/udpos@0"].inputs["start"].address == "checkpoint/away"
    with pytest.raises(EncoderError, match="org/model has no revision") as caught:
        found.require_files()
    assert caught.value.where == "arms.a: checkpoint.revision"
    pinned = planned(f"a: [{{checkpoint: {{hub: org/model, revision: {'a1' * 20}}}}}]")
    pinned.require_files()
    assert [e.choice.hub for e in pinned.away] == ["org/model"]


@pytest.mark.parametrize(
    ("arm", "told", "remedy"),
    [
        ("[{checkpoint: {path: nowhere}}]", "no encoder folder nowhere", "another folder"),
        ("[{checkpoint: {}}]", "none of path, hub", "one of"),
        ("[{checkpoint: {pretrain: lab/encoder}}]", "there already", "path"),
        ("[{checkpoint: {path: x}, train: mnli}]", "train stands beside", "then another stage"),
        ("[{train: mnli}, {checkpoint: {path: x}}]", "after other stages", "first"),
        ("[{longer: b}], b: [{checkpoint: {path: x}}]", "by the updates of b", "arm with stages"),
    ],
)
def test_checkpoints_that_cannot_be_are_refused_while_planning(
    planned: Plan, arm: str, told: str, remedy: str
) -> None:
    with pytest.raises((RecipeError, EncoderError), match=told) as caught:
        planned(f"a: {arm}")
    error: UserError = caught.value
    assert remedy in error.expected + error.do


def test_pickled_weights_are_refused_and_a_misspelt_key_is_corrected(
    planned: Plan, tuned: Path, tmp_path: Path
) -> None:
    pickled = shutil.copytree(tuned, tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(EncoderError, match="no safetensors weights") as caught:
        planned(f"a: [{{checkpoint: {{path: {pickled}}}}}]")
    assert caught.value.where.startswith("arms.a: checkpoint")
    with pytest.raises(UnknownNameError, match="Did you mean 'checkpoint'"):
        planned("a: [{chekpoint: {path: x}}]")
