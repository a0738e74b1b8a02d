"""One training without a recipe, and what a model predicts."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from made_up_world import RECIPE
from transformers import AutoModelForTokenClassification, AutoTokenizer

import xstilts
from xstilts.core.errors import DataError, EncoderError, RecipeError, UnknownNameError
from xstilts.phases.one_stage import Finetuned
from xstilts.phases.running import Results
from xstilts.tasks import get_task

TRAINING = {"lr": 2e-3, "epochs": 0.5, "batch_size": 32, "max_length": 64, "dropout": 0.0}
TRAINING |= {"precision": "fp32", "select": {"every": 50, "patience": 8}}
DROP = ("leaks=drop", "runtime.threads=1")


@pytest.fixture(scope="module")
def tuned(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Finetuned:
    folder = tmp_path_factory.mktemp("one")
    return xstilts.finetune(
        "udpos",
        *DROP,
        encoder=world / "encoder",
        training=TRAINING,
        store=folder / "store",
        data=world,
        out=folder / "copy",
    )


def test_a_training_and_its_predictions_are_the_steps_of_a_recipe_with_that_target(
    done: tuple[Path, Results], world: Path, tmp_path: Path
) -> None:
    store = shutil.copytree(done[0], tmp_path / "store")
    before = _steps(store)
    model = xstilts.finetune(
        "udpos", *DROP, encoder=world / "encoder", training=TRAINING, store=store, data=world
    )
    assert model.step.key == done[1].planned.models["none/udpos@0"].key
    assert (model.folder / "model.safetensors").is_file()  # which the run had dropped at its end
    found = xstilts.predict(model)
    assert _steps(store) == before
    assert set(found.language) == {"en", "de"}
    assert list(found.columns[:4]) == ["language", "id", "group", "prediction"]


def _steps(store: Path) -> set[str]:
    return {p.relative_to(store).as_posix() for p in (store / "steps").rglob("record.json")}


def test_only_the_languages_asked_for_are_predicted(tuned: Finetuned) -> None:
    german = xstilts.predict(tuned, languages=["de"])
    assert set(german.language) == {"de"} and len(german) > 10
    with pytest.raises(UnknownNameError, match="'sw'"):
        xstilts.predict(tuned, languages=["sw"])


def test_the_weights_of_a_training_outlive_its_predictions(tuned: Finetuned, world: Path) -> None:
    xstilts.predict(tuned)
    store = tuned.place.store
    said = {"training": TRAINING, "store": store.root, "data": world}
    again = xstilts.finetune("udpos", *DROP, encoder=world / "encoder", **said)
    assert (again.folder / "model.safetensors").is_file()
    record = store.record(tuned.step.address, tuned.step.key)
    assert record is not None and record["pruned"] == []


def test_the_copy_is_read_by_the_library_and_predicts_the_same_by_the_names_of_its_outputs(
    tuned: Finetuned, world: Path, tmp_path: Path
) -> None:
    mine = xstilts.predict(tuned, languages=["en"])
    model = AutoModelForTokenClassification.from_pretrained(tuned.folder)
    assert sorted(model.config.label2id) == sorted(get_task("udpos").labels)
    assert AutoTokenizer.from_pretrained(tuned.folder).vocab_size > 10
    said = {"languages": ["en"], "max_length": 64, "precision": "fp32", "data": world}
    copied = xstilts.predict(tuned.folder, "udpos", **said, store=tmp_path / "store")
    pd.testing.assert_frame_equal(copied, mine)
    # The same weights with the outputs in another order say the same tags.
    turned = tmp_path / "turned"
    order = list(reversed(range(model.config.num_labels)))
    model.classifier.weight.data = model.classifier.weight.data[order]
    model.classifier.bias.data = model.classifier.bias.data[order]
    names = model.config.id2label
    model.config.id2label = {i: names[o] for i, o in enumerate(order)}
    model.config.label2id = {name: i for i, name in model.config.id2label.items()}
    model.save_pretrained(turned)
    AutoTokenizer.from_pretrained(tuned.folder).save_pretrained(turned)
    theirs = xstilts.predict(turned, "udpos", **said, store=tmp_path / "store")
    assert [list(x) for x in theirs.prediction] == [list(x) for x in mine.prediction]


def test_a_checkpoint_whose_outputs_have_no_names_or_no_head_is_refused(
    tuned: Finetuned, world: Path, tmp_path: Path
) -> None:
    nameless = shutil.copytree(tuned.folder, tmp_path / "nameless")
    config = json.loads((nameless / "config.json").read_text())
    (nameless / "config.json").write_text(json.dumps(config | {"id2label": {"0": "LABEL_0"}}))
    said = {"max_length": 64, "stride": 16, "store": tmp_path / "store", "data": world}
    with pytest.raises(EncoderError, match="not the labels of udpos") as caught:
        xstilts.predict(nameless, "udpos", **said)
    assert "NOUN" in caught.value.expected
    with pytest.raises(EncoderError, match="no head for the kind span"):
        xstilts.predict(tuned.folder, "xquad", **said)
    with pytest.raises(EncoderError, match="no head for the kind span"):
        xstilts.predict(world / "encoder", "xquad", **said)
    with pytest.raises(EncoderError, match="do not fit"):
        xstilts.predict(tuned.folder, "udpos", **said | {"max_length": 10_000})
    with pytest.raises(RecipeError, match="tatoeba has no head"):
        xstilts.predict(tuned.folder, "tatoeba", **said)
    with pytest.raises(DataError, match="no test files for fi"):
        xstilts.predict(tuned.folder, "udpos", languages=["fi"], **said)


def test_what_a_training_needs_is_asked_for(tuned: Finetuned, world: Path, tmp_path: Path) -> None:
    said = {"encoder": world / "encoder", "store": tmp_path, "data": world}
    with pytest.raises(RecipeError, match=r"training\.lr is missing"):
        xstilts.finetune("udpos", training={"epochs": 1}, **said)
    with pytest.raises(RecipeError, match="gives 0 trained models"):
        xstilts.finetune("tatoeba", training=TRAINING, **said)
    with pytest.raises(RecipeError, match="do not go together"):
        xstilts.predict(tuned, "xnli")
    with pytest.raises(RecipeError, match="do not go together"):
        xstilts.predict(tuned.folder, "udpos")


def test_a_recipe_reuses_what_was_trained_alone(
    tuned: Finetuned, world: Path, changes: tuple[str, ...]
) -> None:
    planned = xstilts.plan(RECIPE, *changes, store=tuned.place.store.root, data=world)[0]
    step = planned.plan.steps["none/udpos@0"]
    assert tuned.place.store.record(step.address, step.key) is not None
