"""Several arms from one entry of a recipe."""

from collections import Counter
from pathlib import Path

import pytest
from pydantic import ValidationError

from xstilts.core.errors import RecipeError
from xstilts.phases.loading import load
from xstilts.phases.recipe import Recipe
from xstilts.phases.series import Subsets

NINE = ("anli_plus", "mnli", "qqp", "squad_v2", "squad_v1", "hellaswag", "ccg", "cosmosqa", "copa")


def subsets(sizes: tuple[int, ...] = (1, 2, 3, 4, 6, 9), draws: int = 4, **said: object) -> Subsets:
    told = {"name": "fixed", "of": NINE, "sizes": sizes, "draws": draws, "total": 900}
    return Subsets.model_validate(told | said)


def recipe(tmp_path: Path, text: str) -> Recipe:
    (tmp_path / "mine.yaml").write_text(f"extends: first-light\nrecipe: mine\n{text}\n")
    return load(str(tmp_path / "mine.yaml"))


def test_every_task_stands_equally_often_at_every_size() -> None:
    for size in subsets().sizes:
        drawn = subsets().drawn(size)
        assert {len(set(tasks)) for tasks in drawn} == {size}
        assert len(set(drawn)) == len(drawn)
        times = Counter(task for tasks in drawn for task in tasks)
        assert set(times) == set(NINE) and len(set(times.values())) == 1
        assert len(drawn) >= min(4, {1: 9, 9: 1}.get(size, 4))


def test_a_draw_is_the_same_at_any_time_and_another_with_another_seed() -> None:
    assert subsets().drawn(3) == subsets().drawn(3)
    assert set(subsets().drawn(3)) != set(subsets(seed=1).drawn(3))
    assert set(subsets(draws=3).drawn(3)) < set(subsets(draws=6).drawn(3))


def test_subsets_are_arms_of_readable_names_at_a_fixed_or_a_growing_total(tmp_path: Path) -> None:
    of = "[mnli, squad_v1, hellaswag, copa]"
    found = recipe(
        tmp_path,
        "arms: {none: []}\nsubsets:\n"
        f"  - {{name: fixed, of: {of}, sizes: [1, 2, 4], draws: 2, total: 600}}\n"
        f"  - {{name: growing, of: {of}, sizes: [2, 4], draws: 2, each: 600}}",
    ).arms
    one = [f"fixed-{task}" for task in ("mnli", "squad_v1", "hellaswag", "copa")]
    several = ("fixed-2.1", "fixed-2.2", "fixed-4", "growing-2.1", "growing-2.2", "growing-4")
    assert set(found) == {"none", *one, *several}
    sizes = {name: stages[0].mix.examples for name, stages in found.items() if stages}
    assert {n for name, n in sizes.items() if name.startswith("fixed")} == {600}
    assert [sizes["growing-2.1"], sizes["growing-4"]] == [1200, 2400]
    assert found["fixed-copa"][0].tasks == ("copa",)
    assert found["growing-2.2"][0].tasks == found["fixed-2.2"][0].tasks


def test_a_folder_called_lab_is_not_taken_for_the_laboratorys_translations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lab").mkdir()
    monkeypatch.chdir(tmp_path)
    arms = load("lab/low-resource").arms
    assert arms["translate-train"][0].translated == "lab"


def test_one_entry_is_an_arm_for_every_combination_of_values(tmp_path: Path) -> None:
    found = recipe(
        tmp_path,
        "arms:\n  none: []\n  '{task}-k{k}':\n    each: {task: [mnli, squad_v1], k: [5, 20]}\n"
        "    stages: [{train: '{task}'}, {few_shot: {k: '{k}'}}]",
    ).arms
    assert [*found] == ["none", "mnli-k5", "mnli-k20", "squad_v1-k5", "squad_v1-k20"]
    assert found["squad_v1-k20"][0].train == "squad_v1"
    assert found["squad_v1-k20"][1].few_shot.k == 20


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("arms: {none: [], 'k': {each: {k: [1, 2]}, stages: []}}", "Two arms are called k"),
        ("arms: {none: [], a: {eech: {k: [1]}, stages: []}}", "a is no list of stages"),
        ("arms: {none: [], a: {each: {k: 1}, stages: []}}", "a is no list of stages"),
        (
            "arms: {none: [], x-mnli: []}\n"
            "subsets: [{name: x, of: [mnli, qqp], sizes: [1], total: 9}]",
            "Two arms are called x-mnli",
        ),
    ],
)
def test_several_arms_that_cannot_be_are_refused(tmp_path: Path, said: str, told: str) -> None:
    with pytest.raises(RecipeError, match=told) as caught:
        recipe(tmp_path, said)
    assert "arms" in caught.value.where


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"total": None}, "neither total nor each"),
        ({"each": 5}, "both"),
        ({"sizes": (10,)}, "no 10 of 9"),
        ({"of": ("qqp", "qqp")}, "twice"),
    ],
)
def test_subsets_that_cannot_be_are_refused(said: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        subsets(**said)  # type: ignore[arg-type]
