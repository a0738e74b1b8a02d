"""Arms that read text: what they promise, refuse, run and tell."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from made_up_world import RECIPE

import xstilts
from xstilts.core.context import Context
from xstilts.core.errors import DataError, RecipeError, UnknownNameError, UserError
from xstilts.core.spec import Runtime
from xstilts.data.corpora import Corpus, LabText
from xstilts.data.text import text
from xstilts.phases.forms import MixedText
from xstilts.phases.loading import load
from xstilts.phases.planned import Planned
from xstilts.phases.planning import make_plan
from xstilts.phases.reading import text_of
from xstilts.phases.slices import Files
from xstilts.phases.workplace import Workplace

Plan = Callable[..., Planned]


@pytest.fixture(scope="session")
def with_text(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up world with two folders of text beside its tasks."""
    world = Path(shutil.copytree(world, tmp_path_factory.mktemp("read") / "data"))
    for folder, languages in (("news", ("de", "sw")), ("tales", ("sw",))):
        (world / "text" / folder).mkdir(parents=True)
        for language in languages:
            told = (world / "panx" / f"test-{language}.tsv").read_text("utf-8").split("\n\n")
            lines = [" ".join(x.split("\t")[0] for x in s.splitlines()) for s in told if s.strip()]
            text = "".join(f"{folder} {i}\t{line}\n" for i, line in enumerate(lines))
            (world / "text" / folder / f"{language}.txt").write_text(text, "utf-8")
    return world


@pytest.fixture
def planned(with_text: Path, changes: tuple[str, ...], tmp_path: Path) -> Plan:
    def plan(arms: str, *more: str) -> Planned:
        said = (*changes, f"arms={{none: [], {arms}}}", "targets=[udpos]", *more)
        return make_plan(load(RECIPE, said), Workplace.of(tmp_path, with_text))

    return plan


def corpora(found: Planned, name: str) -> dict[str, Corpus]:
    rows = found.models[name].inputs["text"]
    texts = {n: s.config for n, s in rows.inputs.items() if n.startswith("text.")}
    return {n.removeprefix("text."): c for n, c in texts.items() if isinstance(c, Corpus)}


def test_text_is_read_from_every_folder_of_text_unless_folders_are_named(planned: Plan) -> None:
    every = corpora(planned("a: [{mlm: {}}]"), "a/mlm@0")
    assert {x: len(c.source.digests) for x, c in every.items()} == {"de": 1, "sw": 2}  # type: ignore[union-attr]
    one = corpora(planned("a: [{mlm: {text: text/tales}}]"), "a/mlm@0")
    assert {x: len(c.source.digests) for x, c in one.items()} == {"sw": 1}  # type: ignore[union-attr]
    some = corpora(planned("a: [{mlm: {languages: [de]}}]"), "a/mlm@0")
    assert set(some) == {"de"}


def test_a_stage_that_reads_has_a_name_and_a_key_of_its_own(planned: Plan) -> None:
    found = planned(
        "plain: [{train: mnli}], mixed: [{train: mnli, mlm: {share: 0.2}}], "
        "more: [{train: mnli, mlm: {share: 0.3}}], alone: [{mlm: {}}, {train: mnli}], "
        "multi: [{train: [mnli, panx], mlm: {share: 0.2}}]"
    )
    names = {n: s.address for n, s in found.models.items() if "udpos" not in n}
    assert names == {
        "plain/mnli@0": "train/mnli",
        "mixed/mnli+mlm@0": "train/mnli+mlm",
        "more/mnli+mlm@0": "train/mnli+mlm",
        "alone/mlm@0": "train/mlm",
        "alone/mnli@0": "train/mlm.mnli",
        "multi/mnli+panx+mlm@0": "train/mnli+panx+mlm",
    }
    assert len({found.models[n].key for n in names}) == len(names)
    assert found.models["alone/mnli@0"].inputs["start"] is found.models["alone/mlm@0"]
    assert found.models["alone/mlm@0"].key in found.plan.kept


def test_with_declared_rows_epochs_change_nothing(planned: Plan) -> None:
    def key(arms: str, epochs: float) -> str:
        return planned(arms, f"training.epochs={epochs}").models["a/mlm@0"].key

    assert key("a: [{mlm: {examples: 64}}]", 1) == key("a: [{mlm: {examples: 64}}]", 2)
    assert key("a: [{mlm: {}}]", 1) != key("a: [{mlm: {}}]", 2)


@pytest.mark.parametrize(
    ("arm", "told", "remedy"),
    [
        ("[{train: mnli, mlm: {}}]", "at which share", "share: 0.2"),
        ("[{train: mnli, mlm: {share: 1}}]", "share cannot be 1", "less than 1"),
        ("[{train: mnli, mlm: {share: 0.2, examples: 9}}]", "examples beside", "without tasks"),
        ("[{mlm: {share: 0.2}}]", "no tasks to share with", "train: TASK"),
        ("[{mlm: {}, language: de}]", "stands beside language", "stage of its own"),
        ("[{mlm: {text: nowhere}}]", "no folder nowhere", "LANG.txt"),
        ("[{mlm: {languages: [fi]}}]", "no text in fi", "fi.txt"),
        ("[{mlm: {text: lab}}]", "reads no generated data", "data=lab"),
        ("[{mlm: {languages: []}}]", "languages cannot be", "one or more"),
        ("[{mlm: {languages: [de, sw, de]}}]", "de stands twice", "each of them once"),
        ("[{mlm: {text: [text/news, text/news/]}}]", "text/news/ stands twice", "of them once"),
        ("[{mlm: {text: []}}]", "text cannot be", "one or more"),
        ("[{mlm: {tokens: 100}}]", "counts words of the laboratory", "leave it out"),
        ("[{mlm: {masking: {share: 2, masked: 1, random: 0}}}]", "share cannot be 2", "less than"),
    ],
)
def test_text_that_cannot_be_read_is_refused_while_planning(
    planned: Plan, arm: str, told: str, remedy: str
) -> None:
    with pytest.raises((RecipeError, DataError), match=told) as caught:
        planned(f"a: {arm}")
    error: UserError = caught.value
    assert remedy in error.expected + error.do


def test_a_misspelt_word_of_mlm_suggests_the_right_one(planned: Plan) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'languages'"):
        planned("a: [{mlm: {language: [de]}}]")


def test_without_any_text_a_stage_that_reads_says_where_it_should_lie(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    said = (*changes, "arms={none: [], a: [{mlm: {}}]}", "targets=[udpos]", "languages=[en]")
    with pytest.raises(DataError, match="no text to read") as caught:
        place = Workplace.of(tmp_path, world)
        place = Workplace(place.store, (empty,), place.models, place.digests)
        make_plan(load(RECIPE, said), place)
    assert str(empty / "text") in caught.value.expected


def test_the_laboratory_is_read_by_default_where_it_is_the_data(tmp_path: Path) -> None:
    recipe = load("quickstart")
    files = Files(Workplace.of(tmp_path))
    said = MixedText(languages=("en", "qfi", "qpa"), tokens=10_000)
    found = {c.language: c.source.tokens for c in text_of(said, recipe, files, "a")}  # type: ignore[union-attr]
    assert found["en"] == found["qfi"] == 10_000 > found["qpa"] > 0
    with pytest.raises(UnknownNameError, match="qf"):
        text_of(MixedText(languages=("qff",)), recipe, files, "a")


@pytest.mark.parametrize("name", ["lab/paper", "lab/forms"])
def test_shipped_recipes_read_enough_of_the_laboratorys_stories(name: str, tmp_path: Path) -> None:
    recipe, files = load(name), Files(Workplace.of(tmp_path))
    read = [(s.mlm, arm) for arm, stages in recipe.arms.items() for s in stages if s.mlm]
    assert all(text_of(said, recipe, files, arm) for said, arm in read) and len(read) > 1


def test_too_few_of_the_laboratorys_words_are_refused_with_a_number_that_is_enough(
    tmp_path: Path,
) -> None:
    recipe, files = load("quickstart"), Files(Workplace.of(tmp_path))
    for languages in (("qfi",), ("qho", "en"), None):
        said = MixedText(languages=languages, tokens=10)
        with pytest.raises(RecipeError, match="10 words") as caught:
            text_of(said, recipe, files, "a")
        error = caught.value
        assert error.where == "arms.a: mlm.tokens" and set(languages or ()) <= set(
            error.what.replace(",", "").split()
        )
        named = re.search(r"tokens: (\d+)", error.do)
        assert named
        enough = said.model_copy(update={"tokens": int(named[1])})
        assert text_of(enough, recipe, files, "a")


def test_what_is_refused_could_not_have_been_read(tmp_path: Path) -> None:
    """Of growing numbers of words, those are refused of which the step could hold none out."""
    recipe, files = load("quickstart"), Files(Workplace.of(tmp_path))
    outcomes = set()
    for tokens in range(400, 1000, 50):
        try:
            text_of(MixedText(languages=("qfi",), tokens=tokens), recipe, files, "a")
            planned = True
        except RecipeError:
            planned = False
        corpus = Corpus(language="qfi", source=LabText(tokens=tokens, seed=0), held=100)
        try:
            text(corpus, {}, tmp_path, Context(Runtime(), {}, print))
            ran = True
        except DataError:
            ran = False
        assert planned == ran
        outcomes.add(ran)
    assert outcomes == {True, False}


def test_arms_that_read_run_and_are_told_in_columns(
    with_text: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    arms = (
        "none: [], mixed: [{train: mnli, mlm: {share: 0.5, languages: [sw]}}], "
        "alone: [{mlm: {examples: 64, text: text/news}}]"
    )
    said = (*changes, f"arms={{{arms}}}", "targets=[udpos]", "languages=[en]")
    said += ("tasks.mnli.train={from: train, sample: 64}",)
    said += ("tasks.udpos.train={from: train, sample: 64}",)
    _, cost = xstilts.plan(RECIPE, *said, store=tmp_path, data=with_text)
    assert cost.steps["rows"] == (2, 2) and cost.steps["text"] == (3, 3)
    found = xstilts.run(RECIPE, *said, store=tmp_path, data=with_text)
    assert not found.outcome.failed
    rows = pd.read_parquet(found.folder / "arms.parquet").set_index("arm")
    assert rows.kind.to_dict() == {"none": "none", "mixed": "task", "alone": "mlm"}
    assert rows.mlm_share[["mixed", "alone"]].to_list() == [0.5, 1.0]
    assert pd.isna(rows.mlm_share["none"])
    assert rows.mlm_languages[["none", "mixed", "alone"]].to_list() == ["", "sw", "de sw"]
    assert rows.mlm_rows[["mixed", "alone"]].to_list() == [32, 64] and pd.isna(
        rows.mlm_rows["none"]
    )
    assert rows.mlm_head[["none", "mixed", "alone"]].to_list() == ["", "new", "new"]
    assert rows.language[["none", "mixed", "alone"]].to_list() == ["", "en", "text"]
    assert rows.tasks["alone"] == "mlm" and rows.examples["alone"] > 100
    step = found.planned.models["alone/udpos@0"]
    record = Workplace.of(tmp_path).store.record(step.address, step.key)
    assert record is not None
    first, last = record["value"]["lineage"]
    assert (first["task"], last["task"]) == ("mlm", "udpos")
    assert sum(first["text"].values()) == 64
    assert (found.folder / "report.html").exists()
    assert xstilts.run(RECIPE, *said, store=tmp_path, data=with_text).outcome.ran == []
