"""An encoder that a recipe makes itself: what it promises, and that later stages start from it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from made_up_world import RECIPE
from small_encoders import ALIGNED, promised, write_aligned, write_declaration, write_texts

import xstilts
from xstilts.core.errors import DataError, RecipeError, UnknownNameError, UserError
from xstilts.phases import pretraining
from xstilts.phases.estimate import estimate
from xstilts.phases.loading import load
from xstilts.phases.planning import Planned, make_plan
from xstilts.phases.workplace import Workplace

LONG = {"positions": 64}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The declaration of an encoder beside its text."""
    write_texts(tmp_path / "texts")
    return write_declaration(tmp_path, model=LONG)


@pytest.fixture
def without_path(changes: tuple[str, ...]) -> tuple[str, ...]:
    """The small recipe but for its encoder."""
    return tuple(c for c in changes if not c.startswith("encoder"))


def planned(world: Path, store: Path, *changes: str) -> Planned:
    return make_plan(load(RECIPE, changes), Workplace.of(store, world))


def keys(found: Planned) -> dict[str, str]:
    return {name: step.key for name, step in found.plan.steps.items()}


def test_a_recipe_makes_its_encoder_and_ends_in_a_report(
    world: Path, without_path: tuple[str, ...], file: Path, tmp_path: Path
) -> None:
    said = (*without_path, f"encoder.pretrain={file}", "seeds=[0, 1]", "targets=[udpos, tatoeba]")
    store = tmp_path / "store"
    done = xstilts.run(RECIPE, *said, store=store, data=world)
    ran = done.outcome.ran
    assert {"text/de", "text/el", "text/en", "tokenizer/de+el+en", "rows/de+el+en"} < set(ran)
    assert ran.count("pretrain/small") == 1
    assert ran.index("pretrain/small") < ran.index("train/udpos")
    untouched = done.rows[(done.rows.arm == "none") & (done.rows.target == "tatoeba")]
    assert len(untouched) == 2 and untouched.seed.isna().all()
    assert set(done.rows[done.rows.target == "udpos"].seed) == {0, 1}
    assert (done.folder / "report.html").exists()
    trained = done.planned.plan.steps["none/udpos@0"]
    record = Workplace.of(store).store.record(trained.address, trained.key)
    assert record is not None
    lineage = [link["task"] for link in record["value"]["lineage"]]
    assert lineage == ["pretrain", "udpos"]
    again = xstilts.run(RECIPE, *said, store=store, data=world)
    assert again.outcome.ran == []


def test_two_encoders_of_one_text_share_its_tokenizer_and_rows(
    world: Path, without_path: tuple[str, ...], file: Path, tmp_path: Path
) -> None:
    other = write_declaration(tmp_path, "other", model=LONG, seed=5)
    said = f"encoder=[{{pretrain: {file}}}, {{pretrain: {other}}}]"
    steps = planned(world, tmp_path / "s", *without_path, said).plan.steps
    for name in ("text.de", "tokenizer", "rows"):
        one, two = (steps[f"{encoder}:encoder/{name}"] for encoder in ("small", "other"))
        assert (one.address, one.key) == (two.address, two.key)
    places = {step.key: set() for step in steps.values()}
    for step in steps.values():
        places[step.key].add(step.address)
    assert all(len(addresses) == 1 for addresses in places.values())


def test_planning_pretraining_imports_no_heavy_library(
    world: Path, without_path: tuple[str, ...], file: Path, tmp_path: Path
) -> None:
    said = [*without_path, f"encoder.pretrain={file}"]
    told = json.dumps([said, str(tmp_path / "store"), str(world)])
    code = (
        "import sys, json, xstilts;"
        "said, store, data = json.loads(sys.argv[1]);"
        f"planned, cost = xstilts.plan({RECIPE!r}, *said, store=store, data=data);"
        "assert cost.steps['pretrain'] == (1, 1), cost.steps;"
        "print([m for m in ('torch', 'transformers', 'pandas') if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, told], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"


def test_every_step_that_reads_the_encoder_changes_with_it_and_no_other(
    world: Path, without_path: tuple[str, ...], file: Path, tmp_path: Path
) -> None:
    said = (*without_path, f"encoder.pretrain={file}")
    before = keys(planned(world, tmp_path / "s", *said))
    write_declaration(tmp_path, model=LONG, seed=5)
    after = keys(planned(world, tmp_path / "s", *said))
    same = {name for name in before if before[name] == after[name]}
    texts = {f"encoder/text.{language}" for language in ("de", "el", "en")}
    assert same == {*texts, "encoder/tokenizer", "encoder/rows"}


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ({"tokenizer": {"size": 110}}, {"text"}),
        ({"held": 10}, set()),
        ({"sampling": 0.5}, {"text"}),
        ({"masking": {"share": 0.2}}, {"text", "tokenizer", "rows"}),
        ({"training": {"length": 16}}, {"text", "tokenizer"}),
        ({"training": {"updates": 7}}, {"text", "tokenizer", "rows"}),
        ({"training": {"updates": None, "minutes": 1}}, {"text", "tokenizer", "rows"}),
        ({"model": {"layers": 1}}, {"text", "tokenizer", "rows"}),
        (
            {"runtime": {"threads": 2, "micro_tokens": 64}},
            {"text", "tokenizer", "rows", "pretrain"},
        ),
        ({"about": "Other words."}, {"text", "tokenizer", "rows", "pretrain"}),
    ],
)
def test_keys_change_with_what_is_declared_from_there_on(
    tmp_path: Path, changed: dict[str, object], kept: set[str]
) -> None:
    write_texts(tmp_path / "texts")
    before = promised(write_declaration(tmp_path), tmp_path / "s").steps
    after = promised(write_declaration(tmp_path, **changed), tmp_path / "s").steps
    same = {n.split("/")[1].split(".")[0] for n in before if before[n].key == after[n].key}
    assert same == kept


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ({"training": {"translation": 0.3}}, {"text", "tokenizer", "rows", "start"}),
        ({"training": {"translation": 0.0}}, {"text", "tokenizer", "rows", "start"}),
        ({"training": {"start": "random"}}, {"text", "tokenizer", "rows"}),
        ({"model": {"width": 64}}, {"text", "tokenizer", "rows"}),
        ({"held": 0.2}, set()),
    ],
)
def test_what_aligned_text_is_used_for_changes_no_step_before_it(
    tmp_path: Path, changed: dict[str, Any], kept: set[str]
) -> None:
    write_aligned(tmp_path / "aligned")
    aligned = ALIGNED | {"training": {"translation": 0.5, "start": "aligned"}}
    before = promised(write_declaration(tmp_path, **aligned), tmp_path / "s").steps
    other = {**aligned, **changed}
    if "training" in changed:
        other["training"] = aligned["training"] | changed["training"]
    after = promised(write_declaration(tmp_path, **other), tmp_path / "s").steps
    same = [n for n in before if n in after and before[n].key == after[n].key]
    assert {n.split("/")[1].split(".")[0] for n in same} == kept


def test_the_plan_counts_the_minutes_that_pretraining_was_given(
    world: Path, without_path: tuple[str, ...], file: Path, tmp_path: Path
) -> None:
    said = (*without_path, f"encoder.pretrain={file}")
    place = tmp_path / "s"
    (place / "runs").mkdir(parents=True)
    measured = {"here": {"gigaflops": {"fp32": 100.0}}}
    (place / "machine.json").write_text(json.dumps(measured))
    hours = []
    for minutes in (60, 180):
        training = {"updates": None, "minutes": minutes}
        write_declaration(tmp_path, model=LONG, training=training)
        hours.append(estimate(planned(world, place, *said), Workplace.of(place).store).hours)
    assert hours[1] - hours[0] == pytest.approx(2)


def test_one_byte_of_text_changes_its_own_step_and_all_behind_it(
    tmp_path: Path, file: Path
) -> None:
    before = promised(file, tmp_path / "s").steps
    with (tmp_path / "texts" / "el.txt").open("a") as text:
        text.write("α\n")
    after = promised(file, tmp_path / "s").steps
    assert {n for n in before if before[n].key == after[n].key} == {
        "encoder/text.de",
        "encoder/text.en",
    }


def test_the_same_text_elsewhere_is_the_same_encoder(tmp_path: Path, file: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / "texts").rename(other / "texts")
    moved = write_declaration(other, model=LONG)
    (tmp_path / "texts").symlink_to(other / "texts")
    here, there = (promised(f, tmp_path / "s").step.key for f in (file, moved))
    assert here == there


def test_text_is_found_in_a_data_folder_too(tmp_path: Path) -> None:
    write_texts(tmp_path / "data" / "texts")
    (tmp_path / "declared").mkdir()
    file = write_declaration(tmp_path / "declared")
    place = Workplace.of(tmp_path / "s", tmp_path / "data")
    assert set(pretraining.promise(str(file), place).texts) == {"de", "el", "en"}


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"modle": {}}, UnknownNameError, "Did you mean 'model'"),
        ({"masking": {"shre": 1}}, UnknownNameError, "Did you mean 'share'"),
        ({"training": {"tokens": 100}}, RecipeError, "The budget has updates and tokens"),
        ({"training": {"minutes": 1}}, RecipeError, "The budget has updates and minutes"),
        ({"training": {"updates": None}}, RecipeError, "The budget has no bound"),
        ({"training": {"translation": 0.5}}, RecipeError, "20 documents of each language"),
        ({"training": {"start": "aligned"}}, RecipeError, "20 documents of each language"),
        (
            {"text": {"lab": {"tokens": 9}}, "held": 0.1, "training": {"translation": 0.5}},
            RecipeError,
            "not translations of each other",
        ),
        ({"held": 1.5}, RecipeError, "1.5 is neither a number of documents nor a share"),
        ({"training": {"length": 64}}, RecipeError, "Rows of 64 pieces do not fit 32 positions"),
        ({"model": {"heads": 3}}, RecipeError, "3 heads do not divide a width of 32"),
        ({"masking": {"masked": 0.9, "random": 0.2}}, RecipeError, "are more than all"),
        ({"text": {}}, RecipeError, "has neither of lab and folder"),
        ({"text": {"lab": {"tokens": 9}, "folder": "texts"}}, RecipeError, "has both of lab"),
        ({"text": {"folder": "tests"}}, DataError, "There is no folder tests"),
        ({"text": {"folder": "texts", "languages": ["en", "fr"]}}, DataError, "no text in fr"),
        ({"text": {"lab": {"tokens": 9, "languages": ["qzz"]}}}, UnknownNameError, "'qzz'"),
        ({"held": 0}, RecipeError, "held cannot be 0"),
        ({"text": {"folder": ["texts", "texts"]}}, RecipeError, "texts stands twice"),
        (
            {"text": {"folder": "texts", "languages": ["en", "de", "en"]}},
            RecipeError,
            "en stands twice",
        ),
        (
            {"text": {"lab": {"tokens": 9, "languages": ["qfi", "qfi"]}}},
            RecipeError,
            "qfi stands twice",
        ),
        ({"text": {"lab": {"tokens": 9}}}, RecipeError, "9 words"),
        *(
            (
                {"text": {"folder": "texts", "languages": ["de"]}, "held": 0.1, "training": said},
                RecipeError,
                "there is text in de alone",
            )
            for said in ({"translation": 0.35}, {"start": "aligned"})
        ),
    ],
)
def test_mistakes_in_a_declaration_are_told_while_planning(
    tmp_path: Path, changed: dict[str, object], error: type[UserError], said: str
) -> None:
    write_texts(tmp_path / "texts")
    with pytest.raises(error) as caught:
        promised(write_declaration(tmp_path, **changed), tmp_path / "s")
    assert said in str(caught.value)
    assert all(part in str(caught.value) for part in ("where:", "expected:", "do:"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("encoder={pretrain: lab/encodr}", "Did you mean 'lab/encoder'"),
        ("encoder={pretrain: no.yaml}", "There is no file"),
        ("encoder={pretrain: lab/encoder, path: x}", "path and pretrain"),
    ],
)
def test_an_encoder_that_is_not_declared_is_told(
    world: Path, without_path: tuple[str, ...], tmp_path: Path, change: str, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        planned(world, tmp_path, *without_path, change)


def test_rows_longer_than_the_positions_are_refused(
    world: Path, without_path: tuple[str, ...], tmp_path: Path
) -> None:
    write_texts(tmp_path / "texts")
    short = write_declaration(tmp_path)
    with pytest.raises(UserError, match="Rows of 64 pieces do not fit") as caught:
        planned(world, tmp_path / "s", *without_path, f"encoder.pretrain={short}")
    assert "max_length=32" in caught.value.do


def test_a_declaration_beside_a_recipe_is_found_from_anywhere(
    world: Path, without_path: tuple[str, ...], file: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "mine.yaml"
    made = "encoder: {pretrain: small.yaml}"
    recipe.write_text(f"extends: {RECIPE}\nrecipe: mine\n{made}\n")
    found = make_plan(load(str(recipe), without_path), Workplace.of(tmp_path / "s", world))
    assert found.encoders["small"].digest == promised(file, tmp_path / "s").step.key


def test_shipped_declarations_can_be_planned(tmp_path: Path) -> None:
    assert "lab/encoder" in pretraining.shipped()
    for name in pretraining.shipped():
        made = pretraining.promise(
            name, Workplace.of(tmp_path), changes=["training.precision=fp32"]
        )
        assert made.declared.about
        assert "en" in made.texts


def test_the_command_writes_a_folder_that_a_recipe_can_name(
    world: Path, without_path: tuple[str, ...], file: Path, tmp_path: Path
) -> None:
    command = [
        sys.executable,
        "-m",
        "xstilts",
        "pretrain",
        str(file),
        "--out",
        str(tmp_path / "out"),
    ]
    command += ["--store", str(tmp_path / "store"), "--set", "training.updates=4"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == str(tmp_path / "out")
    assert [line.split()[0] for line in done.stdout.splitlines()[1:-1]] == ["de", "el", "en"]
    assert not (tmp_path / "out" / "record.json").exists()
    found = planned(world, tmp_path / "s", *without_path, f"encoder={{path: {tmp_path / 'out'}}}")
    (encoder,) = found.encoders.values()
    assert encoder.languages == ("de", "el", "en")
    assert (encoder.layers, encoder.positions) == (2, 64)
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2 and "is not empty" in refused.stderr


def test_a_second_command_finds_the_encoder_of_the_first(file: Path, tmp_path: Path) -> None:
    first = xstilts.pretrain(str(file), store=tmp_path / "store")
    heard: list[str] = []
    again = xstilts.pretrain(str(file), store=tmp_path / "store", say=heard.append)
    assert (again.folder, heard) == (first.folder, [])
