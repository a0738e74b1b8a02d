"""Arms that train in other languages, for longer, or in chains: what they read, train and tell."""

import os
import shutil
import unicodedata
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import made_up_world
import pandas as pd
import pytest
from made_up_world import RECIPE

import xstilts
from xstilts.core.errors import DataError, RecipeError, UnknownNameError, UserError
from xstilts.data.read import read_examples
from xstilts.executors import LocalExecutor
from xstilts.phases.loading import load
from xstilts.phases.planned import Planned
from xstilts.phases.planning import make_plan
from xstilts.phases.results import same_data
from xstilts.phases.stage_use import StageUse
from xstilts.phases.workplace import Workplace

Plan = Callable[..., Planned]


@pytest.fixture(scope="session")
def spoken_world(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up world with training data of PAN-X in Swahili, and translations beside it."""
    data = tmp_path_factory.mktemp("spoken") / "data"
    shutil.copytree(world, data)
    lines = (data / "panx" / "test-sw.tsv").read_text("utf-8").split("\n\n")
    (data / "panx" / "train-sw.tsv").write_text("\n\n".join(lines[:100]) + "\n\n")
    (data / "panx" / "test-sw.tsv").write_text("\n\n".join(lines[100:]))
    made_up_world.translate(data, data / "told", ["de", "sw"])
    return data


@pytest.fixture
def planned(spoken_world: Path, changes: tuple[str, ...], tmp_path: Path) -> Plan:
    def plan(arms: str, *more: str) -> Planned:
        said = (*changes, f"arms={{none: [], {arms}}}", *more)
        return make_plan(load(RECIPE, said), Workplace.of(tmp_path, spoken_world))

    return plan


def examples(found: Planned, name: str, store: Path) -> list[Any]:
    """What a named model is trained on."""
    step = found.models[name].inputs["train"].inputs["examples"]
    place = Workplace.of(store)
    ran = LocalExecutor().run(found.plan, [step], place.store, found.recipe.runtime, print)
    assert not ran.failed, ran.failed
    folder = place.store.open(step.address, step.key, step.identity).folder
    return read_examples(folder, step.config.kind)  # type: ignore[attr-defined]


def test_a_chain_has_any_number_of_stages_each_starting_from_the_one_before(planned: Plan) -> None:
    stages = ["mnli", "squad_v1", "panx", "udpos", "mnli"]
    found = planned(f"long: [{', '.join(f'{{train: {s}}}' for s in stages)}]", "targets=[xquad]")
    names = [n for n in found.models if n.startswith("long/")]
    assert names == [f"long/{n}@0" for n in ("mnli", "squad_v1", "panx", "udpos", "mnli.2")] + [
        "long/xquad@0"
    ]
    for before, after in pairwise(names):
        assert found.models[after].inputs["start"] is found.models[before]
    assert found.models[names[-1]].address == "train/" + ".".join([*stages, "squad_v1"])


def test_a_stage_in_another_language_reads_its_file_and_selects_on_english(planned: Plan) -> None:
    found = planned("sw: [{train: panx, language: sw}]", "targets=[udpos]")
    step = found.models["sw/panx.sw@0"]
    assert step.address == "train/panx-sw"
    assert step.config.language == "sw"  # type: ignore[attr-defined]
    assert step.inputs["train"].inputs["examples"].config.language == "sw"  # type: ignore[attr-defined]
    assert step.inputs["dev_examples"].config.language == "en"  # type: ignore[attr-defined]
    assert found.models["sw/udpos@0"].inputs["start"] is step


def test_english_said_aloud_is_the_same_as_nothing_said(planned: Plan) -> None:
    plain = planned("a: [{train: mnli}]")
    said = planned("a: [{train: mnli, language: en}]")
    assert {n: s.key for n, s in plain.plan.steps.items()} == {
        n: s.key for n, s in said.plan.steps.items()
    }


def test_translations_are_the_english_training_examples_and_no_others(
    planned: Plan, tmp_path: Path, spoken_world: Path
) -> None:
    told = f"translated: {spoken_world / 'told'}"
    sample = "tasks.mnli.train={from: train, sample: 300}"
    found = planned(
        f"en: [{{train: mnli}}], de: [{{train: mnli, language: de, {told}}}]",
        sample,
        "targets=[udpos]",
    )
    english = {e.id: e for e in examples(found, "en/mnli@0", tmp_path)}
    german = {e.id: e for e in examples(found, "de/mnli.de@0", tmp_path)}
    assert english.keys() == german.keys() and len(german) == 300
    world = made_up_world.World()
    words = {
        a: b
        for kind in world.words["en"]
        for a, b in zip(world.words["en"][kind], world.words["de"][kind], strict=True)
    }
    changed = 0
    for name, example in german.items():
        said = english[name].first.rstrip(".").lower().split()
        assert [words[w] for w in said] == example.first.rstrip(".").lower().split()
        assert example.label == english[name].label
        changed += example.first != english[name].first
    assert changed > 200
    held = found.models["de/mnli.de@0"].inputs["dev_examples"].config
    assert (held.language, held.part) == ("en", "held")  # type: ignore[attr-defined]


def test_a_translated_line_that_is_missing_is_missing_and_nothing_takes_its_place(
    planned: Plan, tmp_path: Path, spoken_world: Path
) -> None:
    shutil.copytree(spoken_world / "told" / "de", tmp_path / "told" / "de")
    file = tmp_path / "told" / "de" / "mnli" / "train.tsv"
    lines = file.read_text("utf-8").splitlines()
    file.write_text("".join(f"{x}\n" for x in lines[:1001]), "utf-8")
    stage = f"{{train: mnli, language: de, translated: {tmp_path / 'told'}}}"
    found = planned(f"de: [{stage}]", "targets=[udpos]")
    got = {e.id for e in examples(found, "de/mnli.de@0", tmp_path)}
    whole = planned("en: [{train: mnli}]", "targets=[udpos]")
    english = {e.id for e in examples(whole, "en/mnli@0", tmp_path)}
    assert got == {name for name in english if int(name) < 1000}


def test_in_language_trains_and_reports_each_language_that_has_data(planned: Plan) -> None:
    found = planned("own: [{language: own}]", "targets=[panx]")
    cells = {c.language: c for c in found.cells if c.arm == "own"}
    assert {x: c.source for x, c in cells.items()} == {"en": "en", "sw": "sw"}
    assert set(found.models) == {"none/panx@0", "own/panx.en@0", "own/panx.sw@0"}
    assert found.models["own/panx.en@0"] is found.models["none/panx@0"]
    model = cells["sw"].score.inputs["predictions"].inputs["model"]
    assert model is found.models["own/panx.sw@0"]
    zero_shot = [c for c in found.cells if c.arm == "none" and c.language == "sw"]
    assert [c.source for c in zero_shot] == ["en"]


def test_translate_train_follows_the_stages_before_it(planned: Plan, spoken_world: Path) -> None:
    last = f"{{language: own, translated: {spoken_world / 'told'}}}"
    found = planned(f"tt: [{{train: squad_v1}}, {last}]", "targets=[xnli, udpos]")
    assert {(c.target, c.language, c.source) for c in found.cells if c.arm == "tt"} == {
        *(("xnli", x, x) for x in ("en", "de", "sw")),
        *(("udpos", x, x) for x in ("en", "de")),
    }
    for name in ("tt/xnli.de@0", "tt/udpos.de@0", "tt/xnli.en@0"):
        assert found.models[name].inputs["start"] is found.models["tt/squad_v1@0"]


def test_a_target_in_one_other_language_is_reported_in_all(
    planned: Plan, spoken_world: Path
) -> None:
    arm = f"de: [{{language: de, translated: {spoken_world / 'told'}}}]"
    found = planned(arm, "targets=[xnli, tatoeba]")
    mine = [c for c in found.cells if c.arm == "de"]
    assert {(c.target, c.language, c.source) for c in mine} == {
        ("xnli", x, "de") for x in ("en", "de", "sw")
    }
    assert same_data(found) == set()


def test_translated_data_of_the_targets_source_is_the_same_data(
    planned: Plan, spoken_world: Path
) -> None:
    stage = f"{{train: mnli, language: de, translated: {spoken_world / 'told'}}}"
    assert same_data(planned(f"de: [{stage}]", "targets=[xnli]")) == {("de", "xnli")}


@pytest.mark.parametrize(
    ("arms", "told", "remedy"),
    [
        ("a: [{train: mnli, language: de}]", "mnli has no training data in de", "translated: DIR"),
        ("a: [{train: panx, language: qq}]", "panx has no training data in qq", "translated: DIR"),
        ("a: [{language: own}]", "no training data in a reported language", "give translations"),
        ("a: [{train: mnli, language: own}]", "Only a target stage", "such as de"),
        ("a: [{train: mnli, translated: x}]", "into which language", "language: de"),
        ("a: [{translated: x}]", "into which language", "own for each"),
        ("a: [{train: mnli, language: en, translated: x}]", "beside language: en", "de"),
        ("a: [{train: mnli, language: german}]", "'german' is no language", "such as de"),
        ("a: [{train: mnli, language: DE}]", "'DE' is no language", "such as de"),
        ("a: [{train: mnli, language: SW, translated: x}]", "'SW' is no language", "such as sw"),
        (
            "a: [{train: mnli, language: de, translated: nowhere}]",
            "no folder of translations nowhere",
            "nowhere/LANGUAGE/",
        ),
        (
            "a: [{train: mnli, language: de, translated: lab}]",
            "reads no generated data",
            "data=lab",
        ),
        ("a: [{language: own, translated: lab}]", "reads no generated data", "data=lab"),
        ("a: [{}]", "A stage is empty", "train: TASK"),
        ("a: [{language: de}, {train: mnli}]", "before another stage of a", "last"),
        ("a: [{longer: b}]", "cannot be longer by the updates of b", "an arm with stages"),
        ("a: [{longer: none}]", "cannot be longer by the updates of none", "an arm with stages"),
        ("a: [{train: mnli}, {longer: b}], b: [{train: mnli}]", "has some", "alone"),
        ("a: [{train: mnli, longer: b}], b: [{train: mnli}]", "mnli is no target", "last"),
        ("a: [{longer: b, language: de}], b: [{train: mnli}]", "stand in one stage", "one of them"),
        ("a: [{mix: {law: uniform}, language: de}]", "has no tasks", "train: [A, B]"),
    ],
)
def test_words_that_cannot_be_are_refused_while_planning(
    planned: Plan, arms: str, told: str, remedy: str
) -> None:
    with pytest.raises((RecipeError, DataError), match=told) as caught:
        planned(arms, "targets=[xnli]")
    error: UserError = caught.value
    assert remedy in error.expected + error.do
    assert "arms" in error.where or "translated" in error.where


@pytest.mark.parametrize(
    ("language", "task", "lacks"),
    [("de", "squad_v1", r"squad_v1 \(train\)"), ("fr", "mnli", "its folder fr/")],
)
def test_translations_that_lack_a_file_are_refused_with_the_place_where_it_is_sought(
    planned: Plan, spoken_world: Path, language: str, task: str, lacks: str
) -> None:
    folder = spoken_world / "told"
    with pytest.raises(DataError, match=f"into {language} lack {lacks}") as caught:
        planned(f"far: [{{train: {task}, language: {language}, translated: {folder}}}]")
    error = caught.value
    assert error.where == f"arms.far: translated: {folder}"
    assert str(folder / language / task.removesuffix("_v1")) in error.expected
    assert "ids and labels" in error.do


def test_without_a_data_folder_translations_are_missing_in_their_own_folder(
    changes: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XSTILTS_DATA", raising=False)
    arm = "arms={none: [], a: [{train: mnli, language: de, translated: told}]}"
    found = make_plan(load(RECIPE, (*changes, arm)), Workplace.of(tmp_path))
    (line,) = (x for x in found.absent if x.startswith("mnli train de"))
    assert "told/de/mnli/train.tsv" in line
    assert not any("told" in x for x in found.absent if x != line)


@pytest.mark.parametrize(
    ("stage", "error", "told"),
    [
        ("{train: lab_mnli, language: qzz, translated: lab}", UnknownNameError, "called 'qzz'"),
        ("{train: lab_ccg, language: qfi, translated: lab}", DataError, "not translate .* lab_ccg"),
    ],
)
def test_what_the_laboratory_does_not_say_is_refused_while_planning(
    tmp_path: Path, stage: str, error: type[UserError], told: str
) -> None:
    recipe = load("lab/forms", [f"arms={{none: [], it: [{stage}]}}", "targets=[lab_xnli]"])
    with pytest.raises(error, match=told) as caught:
        make_plan(recipe, Workplace.of(tmp_path))
    assert "arms.it" in caught.value.where


def test_every_such_arm_runs_and_is_told_in_columns(
    spoken_world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    told = f"translated: {spoken_world / 'told'}"
    arms = (
        "none: [], mnli: [{train: mnli}], longer: [{longer: mnli}], own: [{language: own}], "
        f"de: [{{train: mnli, language: de, {told}}}], "
        f"tt: [{{train: mnli}}, {{language: own, {told}}}]"
    )
    said = (
        *changes,
        f"arms={{{arms}}}",
        "targets=[panx, udpos]",
        "tasks.mnli.train={from: train, sample: 100}",
        "tasks.panx.train={from: train, sample: 90}",
        "tasks.udpos.train={from: train, sample: 90}",
        "languages=[en, de, sw]",
    )
    found = xstilts.run(RECIPE, *said, store=tmp_path, data=spoken_world)
    assert not found.outcome.failed
    rows = pd.read_parquet(found.folder / "arms.parquet").set_index("arm")
    assert rows.kind.to_dict() == {
        "none": "none",
        "mnli": "task",
        "longer": "longer",
        "own": "in-language",
        "de": "task",
        "tt": "task",
    }
    assert rows.language[["none", "mnli", "de"]].to_list() == ["", "en", "de"]
    assert rows.target_language["tt"] == "own" and rows.target_language["de"] == "en"
    assert rows.translated["de"].endswith("told") and rows.target_translated["tt"].endswith("told")
    place = Workplace.of(tmp_path).store

    def value(name: str) -> dict[str, Any]:
        step = found.planned.models[name]
        record = place.record(step.address, step.key)
        assert record is not None
        value: dict[str, Any] = record["value"]
        return value

    spent = value("mnli/mnli@0")["updates"]
    assert spent > 0
    assert value("longer/udpos@0")["further_updates"] == spent
    plain = value("none/udpos@0")["planned_updates"]
    assert value("longer/udpos@0")["planned_updates"] == plain + spent
    assert value("longer/udpos@0")["updates"] == plain + spent
    assert rows.further_updates["longer"] == spent and rows.longer["longer"] == "mnli"
    assert [link.get("language") for link in value("de/udpos@0")["lineage"]] == ["de", None]
    assert value("own/panx.sw@0")["lineage"][-1]["language"] == "sw"
    assert value("tt/udpos.de@0")["lineage"][-1]["language"] == "de"
    rows = found.rows.groupby(["arm", "target"]).source.agg(set)
    assert rows["tt", "udpos"] == {"en", "de"} and rows["longer", "panx"] == {"en"}
    assert rows["own", "panx"] == {"en", "sw"}
    assert ("own", "udpos") not in rows.index  # there is no training file in its languages
    assert (found.folder / "report.html").exists()
    assert xstilts.run(RECIPE, *said, store=tmp_path, data=spoken_world).outcome.ran == []


def test_the_laboratory_translates_its_own_training_data_exactly(tmp_path: Path) -> None:
    from xstilts.lab import export

    sizes = export.Sizes(train=12, dev=6, test=6)
    export.export(tmp_path / "whole", sizes=sizes, translated=["qfi", "qco"])
    whole = {
        p.relative_to(tmp_path / "whole"): p.read_bytes()
        for p in sorted((tmp_path / "whole" / "translated").rglob("*.*"))
    }
    assert len(whole) > 20
    for place, there in whole.items():
        _, code, name, _ = place.parts[:4]
        told = export.translate(tmp_path / "one", name, code, sizes)
        assert told == tmp_path / "one" / place and told.read_bytes() == there
    assert export.translate(tmp_path / "one", "lab_ccg", "qfi", sizes) is None
    assert export.translate(tmp_path / "one", "lab_mnli", "en", sizes) is None


def test_the_recipe_of_all_forms_says_every_key_and_trains_on_exact_translations(
    tmp_path: Path,
) -> None:
    """It is run as evidence; here it is planned, and the laboratory's translations are read."""
    found = make_plan(load("lab/forms"), Workplace.of(tmp_path))
    assert not found.absent
    stages = [stage for arm in found.recipe.arms.values() for stage in arm]
    assert set().union(*(s.model_fields_set for s in stages)) == set(StageUse.model_fields)
    assert {c.arm for c in found.cells} == set(found.recipe.arms)
    english = {e.id: e for e in examples(found, "with_text/lab_mnli+mlm@0", tmp_path)}
    other = {e.id: e for e in examples(found, "far/lab_mnli.qfi@0", tmp_path)}
    assert english.keys() == other.keys() and len(other) == 256  # its sample
    for name, example in other.items():
        assert example.label == english[name].label
        letters = [c for c in example.first + example.second if c.isalpha()]
        assert letters and all("GEORGIAN" in unicodedata.name(c) for c in letters)
    written = {p.name for p in (tmp_path / "lab").rglob("translated/*/*")}
    assert written == {"lab_mnli"}


@pytest.mark.skipif(
    not (os.environ.get("XSTILTS_DATA") and os.environ.get("XSTILTS_MODELS")),
    reason="no real data or encoder: set XSTILTS_DATA and XSTILTS_MODELS",
)
def test_in_language_finds_tydiqas_own_training_files(tmp_path: Path) -> None:
    """A file a language, as XTREME's download has them; here in English and Swahili."""
    arms = "arms={none: [], own: [{language: own}]}"
    found = make_plan(load("first-light", [arms, "targets=[tydiqa]"]), Workplace.of(tmp_path))
    own = {c.language: c for c in found.cells if c.arm == "own"}
    zero_shot = {c.language for c in found.cells if c.arm == "none"}
    assert set(own) == {"en", "sw"} < zero_shot and {c.source for c in own.values()} == {"en", "sw"}
    trained = found.models["own/tydiqa.sw@0"].inputs
    assert trained["train"].inputs["examples"].config.split == "train"  # type: ignore[attr-defined]
    assert trained["dev_examples"].config.language == "en"  # type: ignore[attr-defined]
    assert found.models["own/tydiqa.en@0"] is found.models["none/tydiqa@0"]
