"""Targets that go on with a few examples in a target language."""

import itertools
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_up_world import RECIPE

import xstilts
from xstilts.core.errors import DataError, LeakError, RecipeError, UnknownNameError, UserError
from xstilts.data.draw import sample
from xstilts.data.read import read_examples
from xstilts.data.slices import Slice
from xstilts.executors import LocalExecutor
from xstilts.graph import Step
from xstilts.phases.leaks import compared
from xstilts.phases.loading import load
from xstilts.phases.planned import Planned
from xstilts.phases.planning import make_plan
from xstilts.phases.running import prepare
from xstilts.phases.workplace import Workplace
from xstilts.tasks.examples import Pair

Plan = Callable[..., Planned]
Read = Callable[[Planned, Step], list[Any]]
DRAWS = "k5: [{few_shot: {k: 5}}], k20: [{few_shot: {k: 20}}], other: [{few_shot: {k: 9, draw: 1}}]"


@pytest.fixture
def planned(world: Path, changes: tuple[str, ...], tmp_path: Path) -> Plan:
    def plan(arms: str, *more: str, data: Path = world) -> Planned:
        said = (*changes, f"arms={{none: [], {arms}}}", *more)
        return make_plan(load(RECIPE, said), Workplace.of(tmp_path / "store", data))

    return plan


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def examples(found: Planned, step: Step) -> list[Any]:
        place = Workplace.of(tmp_path / "store")
        ran = LocalExecutor().run(found.plan, [step], place.store, found.recipe.runtime, print)
        for error in ran.failed.values():
            raise error
        folder = place.store.open(step.address, step.key, step.identity).folder
        return read_examples(folder, step.config.kind)  # type: ignore[attr-defined]

    return examples


def shots(found: Planned, name: str) -> Step:
    return found.models[name].inputs["train"].inputs["examples"]


def reported(found: Planned, arm: str, target: str) -> dict[str, Step]:
    cells = [c for c in found.cells if (c.arm, c.target) == (arm, target)]
    return {c.language: c.score.inputs["examples"] for c in cells}


def ids(examples: list[Any]) -> set[str]:
    return {e.id for e in examples}


def groups(examples: list[Any]) -> set[str]:
    return {e.group for e in examples}


def shortened(file: Path, sentences: int) -> None:
    """Leave the first sentences of a file of tags."""
    kept = file.read_text("utf-8").split("\n\n")[:sentences]
    file.write_text("".join(f"{sentence}\n\n" for sentence in kept), "utf-8")


def test_fewer_of_a_draw_are_among_more_of_it_whatever_the_order_of_the_file() -> None:
    examples = [Pair(f"{i}", f"g{i // 3}", "a", "b", "c") for i in range(300)]
    mixed = random.Random(0).sample(examples, len(examples))
    for draw in range(3):
        sizes = (1, 10, 50, 100, 250)
        pools = [ids(sample(examples, k, where="", draw=draw)) for k in sizes]
        assert [len(pool) for pool in pools] == list(sizes)
        for few, more in itertools.pairwise(pools):
            assert few < more
        assert groups(sample(mixed, 99, where="", draw=draw)) == groups(
            sample(examples, 99, where="", draw=draw)
        )
    every = [ids(sample(examples, 50, where="", draw=draw)) for draw in (None, 0, 1, 2)]
    assert len(set(map(frozenset, every))) == 4
    assert all(len(a & b) < 25 for a in every for b in every if a is not b)


def test_every_arm_is_scored_on_one_test_set_that_lacks_all_draws(
    planned: Plan, read: Read
) -> None:
    found = planned(DRAWS, "targets=[xquad]")
    whole = planned("k5: [{train: mnli}]", "targets=[xquad]")
    arms = {"k5": 5, "k20": 20, "other": 9}
    drawn = {arm: read(found, shots(found, f"{arm}/xquad.de@0")) for arm in arms}
    assert {arm: len(pool) for arm, pool in drawn.items()} == arms
    assert ids(drawn["k5"]) < ids(drawn["k20"])
    assert not ids(drawn["other"]) <= ids(drawn["k20"])
    assert len({reported(found, arm, "xquad")["de"].key for arm in found.recipe.arms}) == 1
    taken = set().union(*(groups(pool) for pool in drawn.values()))
    for language, step in reported(found, "none", "xquad").items():
        left = read(found, step)
        every = read(whole, reported(whole, "none", "xquad")[language])
        assert ids(left) == {e.id for e in every if e.group not in taken}
        assert 0 < len(left) < len(every)


def test_an_item_that_one_language_draws_leaves_the_parallel_test_in_all(
    planned: Plan, read: Read, world: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(world, data)
    file = data / "xnli" / "test-sw.tsv"
    rows = file.read_text("utf-8").splitlines()
    file.write_text("".join(f"{row}\n" for row in rows[:90]), "utf-8")  # so it draws otherwise
    found = planned("k: [{few_shot: {k: 40}}]", "targets=[xnli]", data=data)
    drawn = {x: groups(read(found, shots(found, f"k/xnli.{x}@0"))) for x in ("de", "sw")}
    assert drawn["de"] - drawn["sw"] and drawn["sw"] - drawn["de"]
    assert set(reported(found, "none", "xnli")) == {"en", "de", "sw"}
    for step in reported(found, "none", "xnli").values():
        assert not groups(read(found, step)) & (drawn["de"] | drawn["sw"])


def test_in_other_sets_a_language_loses_its_own_items_only(planned: Plan, read: Read) -> None:
    found = planned("k: [{few_shot: {k: 12}}]", "targets=[panx]")
    drawn = {x: ids(read(found, shots(found, f"k/panx.{x}@0"))) for x in ("de", "sw")}
    left = {x: ids(read(found, step)) for x, step in reported(found, "none", "panx").items()}
    assert {x: len(n) for x, n in left.items()} == {"en": 200, "de": 188, "sw": 188}
    assert not drawn["sw"] & left["sw"] and not drawn["de"] & left["de"]


def test_a_split_that_is_not_reported_gives_the_examples_and_the_test_stays_whole(
    planned: Plan, world: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(world, data)
    for language in ("de", "sw"):
        file = data / "panx" / f"test-{language}.tsv"
        sentences = file.read_text("utf-8").split("\n\n")
        file.write_text("\n\n".join(sentences[100:]))
        (data / "panx" / f"dev-{language}.tsv").write_text("\n\n".join(sentences[:100]) + "\n\n")
    found = planned("k: [{few_shot: {k: 50}}]", "targets=[panx]", data=data)
    plain = planned("k: [{train: mnli}]", "targets=[panx]", data=data)
    config = shots(found, "k/panx.sw@0").config
    assert isinstance(config, Slice) and (config.split, config.language) == ("dev", "sw")
    assert {x: s.key for x, s in reported(found, "none", "panx").items()} == {
        x: s.key for x, s in reported(plain, "none", "panx").items()
    }
    (data / "panx" / "dev-de.tsv").unlink()  # then no split serves all languages alike
    found = planned("k: [{few_shot: {k: 50}}]", "targets=[panx]", data=data)
    assert shots(found, "k/panx.sw@0").config.split == "test"  # type: ignore[attr-defined]
    found = planned("k: [{few_shot: {k: 50, from: dev}}]", "targets=[panx]", data=data)
    with pytest.raises(DataError, match="panx dev de"):
        found.require_files()


def test_a_draw_is_the_same_for_every_seed_and_model_before_it(planned: Plan) -> None:
    arms = f"{DRAWS}, m: [{{train: mnli}}, {{few_shot: {{k: 5}}}}]"
    found = planned(arms, "seeds=[0, 1]", "targets=[panx]")
    keys = {shots(found, f"{arm}/panx.sw@{seed}").key for arm in ("k5", "m") for seed in (0, 1)}
    assert len(keys) == 1
    models = {found.models[f"{arm}/panx.sw@{s}"].key for arm in ("k5", "m") for s in (0, 1)}
    assert len(models) == 4


def test_models_are_selected_on_english_and_draws_are_checked_for_leaks(planned: Plan) -> None:
    found = planned(DRAWS, "targets=[xnli, tatoeba]")
    assert {c.arm for c in found.cells if c.target == "tatoeba"} == {"none"}
    step = found.models["k20/xnli.sw@0"]
    assert step.inputs["dev_examples"].config.language == "en"  # type: ignore[attr-defined]
    mine, _ = compared(found)
    assert {(s.language, s.sample, s.draw) for s in mine if s.task == "xnli"} == {
        (x, k, d) for x in ("de", "sw") for k, d in ((5, 0), (20, 0), (9, 1))
    }


def test_a_drawn_text_that_the_rest_of_the_test_repeats_is_a_leak_and_can_be_dropped(
    world: Path, changes: tuple[str, ...], tmp_path: Path, planned: Plan, read: Read
) -> None:
    data = tmp_path / "data"
    shutil.copytree(world, data)
    file = data / "panx" / "test-de.tsv"
    sentences = file.read_text("utf-8").split("\n\n")[:-1]
    file.write_text("".join(f"{x}\nwort{i}\tO\n\n" for i, x in enumerate(sentences)), "utf-8")
    found = planned("k: [{few_shot: {k: 6}}]", "targets=[panx]", data=data)
    taken = next(iter(read(found, shots(found, "k/panx.de@0"))))
    again = "".join(f"{w}\t{t}\n" for w, t in zip(taken.words, taken.tags, strict=True))
    file.write_text(file.read_text("utf-8") + again + "\n", "utf-8")
    said = (*changes, "arms={none: [], k: [{few_shot: {k: 6}}]}", "targets=[panx]")
    said += ("tasks.panx.train={from: train, sample: 60}", "languages=[en, de]")
    with pytest.raises(LeakError, match="1 pairs of slices") as caught:
        xstilts.run(RECIPE, *said, "leaks=error", store=tmp_path / "s", data=data)
    assert "panx.de.test-6.0 shares 1 texts (1 examples)" in caught.value.where
    place = Workplace.of(tmp_path / "s", data)
    after, _ = prepare(load(RECIPE, (*said, "leaks=drop")), place, LocalExecutor(), print)
    kept = shots(after, "k/panx.de@0").config
    assert kept.without == (taken.id,) and kept.sample == 6  # type: ignore[attr-defined]
    assert after.trainings["panx"].train.without == ()


@pytest.mark.parametrize(
    ("arm", "told", "remedy"),
    [
        ("[{few_shot: {k: 0}}]", "k cannot be 0", "greater than or equal to 1"),
        ("[{few_shot: {draw: 1}}]", "few_shot.k is missing", "the key k"),
        ("[{few_shot: {k: 5, from: train}}]", "has no train split to draw from", "test"),
        ("[{train: mnli, few_shot: {k: 5}}]", "mnli is no target", "the last of the arm"),
        ("[{few_shot: {k: 5}}, {train: mnli}]", "before another stage", "last"),
        ("[{few_shot: {k: 5}, language: de}]", "stand in one stage", "one of them"),
        ("[{few_shot: {k: 5, training: {lr: -1}}}]", "lr cannot be -1", "greater than 0"),
    ],
)
def test_few_shots_that_cannot_be_are_refused_while_planning(
    planned: Plan, arm: str, told: str, remedy: str
) -> None:
    with pytest.raises(RecipeError, match=told) as caught:
        planned(f"k: {arm}", "targets=[xquad]")
    error: UserError = caught.value
    assert remedy in error.expected + error.do


def test_words_on_a_target_that_is_not_trained_are_refused(planned: Plan) -> None:
    with pytest.raises(RecipeError, match="k says how targets are trained, and no target is"):
        planned("k: [{few_shot: {k: 5}}]", "targets=[tatoeba]")


def test_a_misspelt_word_of_few_shots_suggests_the_right_one(planned: Plan) -> None:
    for said, meant in (
        ("{k: 5, drw: 1}", "draw"),
        ("{k: 5, after: arms}", "arm"),
        ("{k: 5, training: {epoch: 3}}", "epochs"),
    ):
        with pytest.raises(UnknownNameError, match=f"Did you mean '{meant}'"):
            planned(f"k: [{{few_shot: {said}}}]")


def test_a_plan_refuses_more_than_the_language_with_the_fewest_has(
    planned: Plan, world: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(world, data)
    shortened(data / "panx" / "test-sw.tsv", 90)
    planned("k: [{few_shot: {k: 89}}]", "targets=[panx]", data=data)
    for k in (90, 150, 100000):
        with pytest.raises(RecipeError, match=f"{k} examples are asked for, 90 are th") as caught:
            planned(f"k: [{{few_shot: {{k: {k}}}}}]", "targets=[panx]", data=data)
        assert caught.value.what.endswith("in panx (test, sw)")
        assert caught.value.where == "arms.k: few_shot.k"
        assert "k: at most 89" in caught.value.expected  # one is left to report
        assert "few_shot: {k: 89}" in caught.value.do


def test_all_of_a_split_that_is_not_reported_can_be_drawn_but_no_more(
    planned: Plan, world: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(world, data)
    for language in ("de", "sw"):
        dev = data / "panx" / f"dev-{language}.tsv"
        shutil.copy(data / "panx" / f"test-{language}.tsv", dev)
        shortened(dev, 30)
    planned("k: [{few_shot: {k: 30}}]", "targets=[panx]", data=data)
    with pytest.raises(RecipeError, match="31 examples are asked for, 30 are there") as caught:
        planned("k: [{few_shot: {k: 31}}]", "targets=[panx]", data=data)
    assert caught.value.expected == "k: at most 30"


def test_a_plan_reads_no_further_than_it_takes_to_know_that_there_are_enough(
    planned: Plan, world: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(world, data)
    file = data / "panx" / "test-de.tsv"
    file.write_text(file.read_text("utf-8") + "no tag here\n\n", "utf-8")
    planned("k: [{few_shot: {k: 150}}]", "targets=[panx]", data=data)
    with pytest.raises(DataError, match=r"test-de\.tsv"):
        planned("k: [{few_shot: {k: 250}}]", "targets=[panx]", data=data)


def test_what_leaks_is_not_there_to_be_drawn(
    world: Path, changes: tuple[str, ...], tmp_path: Path, planned: Plan, read: Read
) -> None:
    found = planned("k: [{few_shot: {k: 199}}]", "targets=[panx]")
    (first, *_) = read(found, shots(found, "k/panx.de@0"))
    said = (*changes, "arms={none: [], k: [{few_shot: {k: 199}}]}", "targets=[panx]")
    place = Workplace.of(tmp_path / "store", world)
    with pytest.raises(RecipeError, match="199 examples are asked for, 199 are there in panx"):
        make_plan(load(RECIPE, said), place, {("panx", "test (de)"): (first.id,)})


def test_a_plan_without_files_takes_any_number(
    changes: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XSTILTS_DATA", raising=False)
    said = (*changes, "arms={none: [], k: [{few_shot: {k: 100000}}]}", "targets=[panx]")
    found = make_plan(load(RECIPE, said), Workplace.of(tmp_path / "store"))
    with pytest.raises(DataError, match="missing"):
        found.require_files()


def test_a_draw_of_more_than_there_are_says_how_many_there_are() -> None:
    examples = [Pair(f"{i}", f"g{i}", "a", "b", "c") for i in range(20)]
    with pytest.raises(DataError, match="50 examples are asked for, 20 are there") as caught:
        sample(examples, 50, where="a file", draw=0)
    assert "few_shot: {k: 20}" in caught.value.do


def test_few_shot_arms_run_and_are_told_in_columns(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    arms = (
        "none: [], after: [{few_shot: {k: 20, draw: 2, training: {epochs: 1}}}], "
        "only: [{few_shot: {k: 8, after: arm}}]"
    )
    said = (*changes, f"arms={{{arms}}}", "targets=[panx]", "languages=[en, de, sw]")
    said += ("tasks.panx={train: {from: train, sample: 60}}",)
    found = xstilts.run(RECIPE, *said, store=tmp_path, data=world)
    assert not found.outcome.failed
    rows = found.rows.groupby("arm")
    assert rows.language.agg(set).to_dict() == {
        "none": {"en", "de", "sw"},
        "after": {"de", "sw"},
        "only": {"de", "sw"},
    }
    assert rows.source.agg(set).to_dict() == {
        "none": {"en"},
        "after": {"en+de", "en+sw"},
        "only": {"de", "sw"},
    }
    place, models = Workplace.of(tmp_path).store, found.planned.models
    lineages = {}
    for name in ("after/panx.sw@0", "only/panx.sw@0"):
        record = place.record(models[name].address, models[name].key)
        assert record is not None
        lineages[name] = [
            (link["task"], link.get("language"), link["examples"])
            for link in record["value"]["lineage"]
        ]
    assert lineages["after/panx.sw@0"] == [("panx", None, 60), ("panx", "sw", 20)]
    assert lineages["only/panx.sw@0"] == [("panx", "sw", 8)]
    assert models["only/panx.sw@0"].config.encoder is not None  # type: ignore[attr-defined]
    told = pd.read_parquet(found.folder / "arms.parquet").set_index("arm")
    assert told.kind.to_dict() == {"none": "none", "after": "few-shot", "only": "few-shot"}
    assert told.k[["after", "only"]].to_list() == [20, 8]
    assert told.draw[["after", "only"]].to_list() == [2, 0]
    assert told.after[["after", "only"]].to_list() == ["target", "arm"]
    assert told.target_language.to_list() == ["en", "en", "own"]
    assert pd.isna(told.k["none"]) and told.after["none"] == ""
    assert (found.folder / "report.html").exists()
    out = {"out": tmp_path / "out", "store": tmp_path, "data": world}
    (model,) = xstilts.export(RECIPE, *said, **out, arm="none", seed=0)
    assert set(model.sampled["panx"]) == {"de", "sw"}  # which gave draws away; English is whole
    assert all(200 - 20 - 8 <= n <= 200 - 20 for n in model.sampled["panx"].values())
    assert xstilts.run(RECIPE, *said, store=tmp_path, data=world).outcome.ran == []
