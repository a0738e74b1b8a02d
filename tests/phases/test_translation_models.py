"""Arms whose training data a model translates: planned, refused, run, and told in columns."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import tiny_translators
from made_up_world import RECIPE
from small_hub import small_hub

import xstilts
from xstilts.core.errors import UserError
from xstilts.data.read import read_examples
from xstilts.phases.loading import load
from xstilts.phases.planned import Planned
from xstilts.phases.planning import make_plan
from xstilts.phases.translating import translator_of
from xstilts.phases.workplace import Workplace
from xstilts.tasks import registry

REVISION = "0123456789abcdef0123456789abcdef01234567"
SMALL = ("targets=[udpos]", "tasks.udpos.train={from: train, sample: 64}", "languages=[en]")
FEW = "tasks.mnli.train={from: train, sample: 64}"


@pytest.fixture(scope="session")
def marian(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of random weights that reads and writes the made-up world's English words."""
    texts = (world / "mnli" / "train.tsv").read_text("utf-8").split("\t")
    return tiny_translators.write_translator(tmp_path_factory.mktemp("models") / "marian", texts)


@pytest.fixture(scope="session")
def nllb(marian: Path) -> Path:
    """What planning looks at of a model that tells languages apart by codes."""
    folder = Path(shutil.copytree(marian, marian.with_name("nllb")))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "m2m_100"}))
    names = {"additional_special_tokens": ["eng_Latn", "deu_Latn", "swh_Latn"]}
    (folder / "special_tokens_map.json").write_text(json.dumps(names))
    return folder


@pytest.fixture
def planned(world: Path, changes: tuple[str, ...], tmp_path: Path) -> Callable[..., Planned]:
    def plan(arms: str, *more: str) -> Planned:
        said = (*changes, f"arms={{none: [], {arms}}}", *more)
        return make_plan(load(RECIPE, said), Workplace.of(tmp_path, world))

    return plan


def by(model: Path, task: str = "mnli", language: str = "de", more: str = "") -> str:
    """A stage on translations."""
    return f"{{train: {task}, language: {language}, translated: {{path: {model}{more}}}}}"


def test_a_stage_reads_what_a_model_makes_of_the_english_training_examples(
    planned: Callable[..., Planned], marian: Path
) -> None:
    found = planned(f"en: [{{train: mnli}}], de: [{by(marian)}]", *SMALL)
    english, german = (
        found.models[n].inputs["train"].inputs["examples"] for n in ("en/mnli@0", "de/mnli.de@0")
    )
    told = german.inputs["translated"]
    assert told.address == "translate/mnli.de.train" and german.address == "read/mnli.de.train"
    assert told.inputs["examples"].key == english.key
    held = found.models["de/mnli.de@0"].inputs["dev_examples"].config
    assert held.language == "en"  # type: ignore[attr-defined]
    assert german.config.language == "de"  # type: ignore[attr-defined]


def test_the_bytes_and_the_decoding_are_the_step_and_the_place_is_not(
    planned: Callable[..., Planned], marian: Path, tmp_path: Path
) -> None:
    def key(stage: str) -> str:
        step = planned(f"de: [{stage}]", *SMALL).models["de/mnli.de@0"]
        return step.inputs["train"].inputs["examples"].key

    elsewhere = Path(shutil.copytree(marian, tmp_path / "elsewhere"))
    folder = f"{{train: mnli, language: de, translated: {marian}}}"  # DIR, which holds a model
    assert key(by(marian)) == key(by(elsewhere)) == key(folder)
    others = {key(by(marian, more=f", {x}")) for x in ("beams: 2", "prefix: 'to German: '")}
    (elsewhere / "generation_config.json").write_text("{}")
    assert len({key(by(marian)), key(by(elsewhere)), *others}) == 4


def test_codes_are_what_the_tokenizer_has(planned: Callable[..., Planned], nllb: Path) -> None:
    codes = ", codes: {en: eng_Latn, de: deu_Latn, sw: swh_Latn}"
    arms = f"de: [{by(nllb, more=codes)}], sw: [{by(nllb, language='sw', more=codes)}]"
    found = planned(arms, *SMALL)
    for language, code in (("de", "deu_Latn"), ("sw", "swh_Latn")):
        model = found.models[f"{language}/mnli.{language}@0"]
        config: Any = model.inputs["train"].inputs["examples"].config
        assert (config.translation.source, config.translation.target) == ("eng_Latn", code)


def test_in_language_trains_the_languages_that_have_codes(
    planned: Callable[..., Planned], nllb: Path
) -> None:
    last = f"{{language: own, translated: {{path: {nllb}, codes: {{en: eng_Latn, sw: swh_Latn}}}}}}"
    found = planned(f"own: [{last}]", "targets=[xnli]")
    assert {(c.language, c.source) for c in found.cells if c.arm == "own"} == {
        ("en", "en"),
        ("sw", "sw"),
    }


CODES = "codes: {en: eng_Latn, de: deu_Latn}"


@pytest.mark.parametrize(
    ("model", "stage", "told", "remedy"),
    [
        (
            "marian",
            "{train: udpos, language: de, translated: {path: M}}",
            "cannot translate",
            "DIR",
        ),
        ("marian", "{train: mnli, translated: {path: M}}", "into which language", "language: de"),
        ("marian", "{train: mnli, language: de, translated: {path: M/x}}", "no translation", "hub"),
        ("marian", "{train: mnli, language: de, translated: {pat: M}}", "pat", "path"),
        ("marian", "{train: mnli, language: de, translated: {}}", "neither path nor hub", "path"),
        (
            "marian",
            "{train: mnli, language: de, translated: {path: M, hub: a/b, revision: R}}",
            "path and hub",
            "one of the two",
        ),
        (
            "marian",
            "{train: mnli, language: de, translated: {hub: a/b}}",
            "without the other",
            "revision: COMMIT",
        ),
        (
            "marian",
            "{train: mnli, language: de, translated: {hub: a/b, revision: main}}",
            "no commit",
            "revision",
        ),
        (
            "marian",
            "{train: mnli, language: de, translated: {path: M, beams: 0}}",
            "beams",
            "greater than or equal to 1",
        ),
        (
            "marian",
            "{train: mnli, language: de, translated: {path: M, codes: {en: e, de: d, sw: s}}}",
            "is told no language, and codes has sw",
            "{code}",
        ),
        (
            "marian",
            "{train: mnli, language: de, translated: {path: M, prefix: '>>{code}<< '}}",
            "none for de",
            "codes:",
        ),
        ("marian", "{language: own, translated: {path: M}}", "into which languages", "codes:"),
        ("nllb", "{train: mnli, language: de, translated: {path: M}}", "for en, de", "codes:"),
        (
            "nllb",
            f"{{train: mnli, language: sw, translated: {{path: M, {CODES}}}}}",
            "none for sw",
            "codes:",
        ),
        (
            "nllb",
            "{train: mnli, language: de, translated: {path: M, codes: {en: eng_Latn, de: de}}}",
            "knows no language 'de'",
            "deu_Latn",
        ),
        (
            "encoder",
            "{train: mnli, language: de, translated: {path: M}}",
            "it is no encoder with a decoder",
            "Marian",
        ),
    ],
)
def test_mistakes_are_refused_while_planning(
    planned: Callable[..., Planned],
    request: pytest.FixtureRequest,
    world: Path,
    model: str,
    stage: str,
    told: str,
    remedy: str,
) -> None:
    folder = world / "encoder" if model == "encoder" else request.getfixturevalue(model)
    said = stage.replace("M/x", f"{folder}/x").replace("path: M", f"path: {folder}")
    with pytest.raises(UserError, match=told) as caught:
        planned(f"a: [{said.replace('revision: R', f'revision: {REVISION}')}]", "targets=[xnli]")
    assert remedy in f"{caught.value}" and "arms.a" in caught.value.where.replace(
        "arms: a", "arms.a"
    )


def test_a_tokenizer_of_sentencepiece_needs_its_package(
    planned: Callable[..., Planned],
    marian: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = Path(shutil.copytree(marian, tmp_path / "spelt"))
    (folder / "tokenizer.json").rename(folder / "source.spm")
    monkeypatch.setattr("xstilts.models.translator_files.find_spec", lambda name: None)
    with pytest.raises(UserError, match="without the package sentencepiece") as caught:
        planned(f"a: [{by(folder)}]")
    assert "pip install 'xstilts[translate]'" in caught.value.do


def test_a_model_beside_the_recipe_is_found_from_anywhere(
    marian: Path, world: Path, tmp_path: Path, changes: tuple[str, ...]
) -> None:
    shutil.copytree(marian, tmp_path / "marian")
    said = "arms: {none: [], de: [{train: mnli, language: de, translated: {path: marian}}]}"
    (tmp_path / "mine.yaml").write_text(f"extends: {RECIPE}\nrecipe: mine\n{said}\n")
    recipe = load(str(tmp_path / "mine.yaml"), [c for c in changes if not c.startswith("arms")])
    assert str(recipe.arms["de"][0].translated) == str(tmp_path / "marian")


def test_a_translated_arm_runs_is_told_and_runs_once(
    marian: Path, world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    arms = f"none: [], de: [{by(marian)}]"
    said = (*changes, *SMALL, FEW, f"arms={{{arms}}}")
    found = xstilts.run(RECIPE, *said, store=tmp_path, data=world)
    assert not found.outcome.failed
    rows = pd.read_parquet(found.folder / "arms.parquet").set_index("arm")
    assert (rows.language["de"], rows.translated["de"]) == ("de", str(marian))
    store = Workplace.of(tmp_path).store
    data = found.planned.models["de/mnli.de@0"].inputs["train"].inputs["examples"]
    result = store.open(data.address, data.key, data.identity)
    english = store.open(*_at(data.inputs["translated"].inputs["examples"]))
    new, old = (read_examples(r.folder, "pair") for r in (result, english))
    assert [(e.id, e.label) for e in new] == [(e.id, e.label) for e in old] and len(new) == 64
    assert not {e.first for e in new} & {e.first for e in old}
    record = store.record(*_at(found.planned.models["de/mnli.de@0"])[:2])
    assert record is not None and record["value"]["lineage"][-1]["language"] == "de"
    told = _at(data.inputs["translated"])[:2]
    first = store.record(*told)
    assert first is not None and first["value"]["examples"] == 64
    assert xstilts.run(RECIPE, *said, store=tmp_path, data=world).outcome.ran == []
    assert store.record(*told) == first  # with the time at which it was made


def _at(step: Any) -> tuple[str, str, str]:
    return step.address, step.key, step.identity


def test_what_leaks_in_a_translation_is_dropped_and_costs_no_second_one(
    marian: Path, world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    data = Path(shutil.copytree(world, tmp_path / "data"))
    lines = (data / "mnli" / "train.tsv").read_text("utf-8").splitlines()
    (data / "mnli" / "train.tsv").write_text("\n".join(lines[:101]) + "\n")
    whole = "tasks.mnli.train={from: train}"
    said = (*changes, *SMALL, whole, f"arms={{none: [], de: [{by(marian)}]}}", "leaks=drop")
    place = Workplace.of(tmp_path / "store", data)
    first = make_plan(load(RECIPE, said), place).models["de/mnli.de@0"].inputs["train"]
    told = first.inputs["examples"].inputs["translated"]
    ids = tuple(str(i) for i in range(40))
    for split in ("train", "train (de)"):
        plan = make_plan(load(RECIPE, said), place, {("mnli", split): ids})
        again = plan.models["de/mnli.de@0"].inputs["train"].inputs["examples"]
        assert again.key != first.inputs["examples"].key
        assert again.inputs["translated"].key == told.key


def test_a_dictionary_is_a_stage_before_any_target(
    world: Path, changes: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_own", {})
    rows = [f"word{i}\tmeaning{i}" for i in range(100)]
    (tmp_path / "words.tsv").write_text("\n".join(rows) + "\n")
    (tmp_path / "words.yaml").write_text(
        "name: words\nkind: pair\nlabels: [different, same]\nlanguages: [en]\n"
        "files: {format: dictionary_tsv, names: {train: words.tsv}}\n"
    )
    own = f"own_tasks=[{tmp_path / 'words.yaml'}]"
    said = (*changes, *SMALL, own, "arms={none: [], words: [{train: words}]}")
    found = xstilts.run(RECIPE, *said, store=tmp_path / "store", data=world)
    assert not found.outcome.failed
    assert "carved from the train file" in found.planned.trainings["words"].origin
    rows_of = pd.read_parquet(found.folder / "arms.parquet").set_index("arm")
    assert rows_of.tasks["words"] == "words" and rows_of.examples["words"] > 0


def test_a_model_of_the_hub_is_fetched_at_its_commit_before_anything_is_read(
    marian: Path, world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    repository = Path(shutil.copytree(marian, tmp_path / "repository"))
    (repository / "pytorch_model.bin").write_bytes(b"a pickle")
    stage = f"{{train: mnli, language: de, translated: {{hub: our/mt, revision: {REVISION}}}}}"
    said = (*changes, *SMALL, FEW, f"arms={{none: [], de: [{stage}]}}")
    sets = [part for c in said for part in ("--set", c)]

    def command(verb: str, endpoint: str) -> subprocess.CompletedProcess[str]:
        own = {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "0"}
        own |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1"}
        places = ["--store", str(tmp_path / "store"), "--data", str(world)]
        return subprocess.run(
            [sys.executable, "-m", "xstilts", verb, RECIPE, *places, *sets],
            env=os.environ | own,
            capture_output=True,
            text=True,
            check=False,
        )

    with small_hub(repository, "our/mt", REVISION) as (endpoint, asked):
        assert command("plan", endpoint).returncode == 0 and asked == []
        done = command("run", endpoint)
        assert done.returncode == 0, done.stderr
        names = {path.rsplit("/", 1)[-1] for path in asked if "/resolve/" in path}
        assert "model.safetensors" in names and "pytorch_model.bin" not in names
    rows = pd.read_parquet(next((tmp_path / "store" / "runs").rglob("arms.parquet")))
    assert f"our/mt@{REVISION}" in set(rows.translated)


def test_a_word_for_a_folder_of_translations_is_no_model(world: Path, tmp_path: Path) -> None:
    from xstilts.phases.slices import Files

    files = Files(Workplace.of(tmp_path, world))
    assert translator_of(None, files) is translator_of("lab", files) is None
    assert translator_of(str(world), files) is None
