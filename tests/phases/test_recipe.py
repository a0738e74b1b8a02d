"""Recipes are checked word by word."""

from pathlib import Path

import pytest

from xstilts.core.errors import RecipeError, UnknownNameError
from xstilts.phases.recipe import load, shipped


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_recipe_is_valid(name: str) -> None:
    assert load(name).recipe == name


@pytest.mark.parametrize(
    ("change", "meant"),
    [
        ("targts=[xnli]", "targets"),
        ("training.learning_rat=1", "lr"),
        ("training.epoch=1", "epochs"),
        ("tasks.xnli.scor={from: dev}", "score"),
        ("runtime.thread=2", "threads"),
        ("encoder.pth=x", "path"),
    ],
)
def test_a_misspelt_key_suggests_the_right_one(change: str, meant: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        load("first-light", [change])
    assert meant in str(caught.value)


def test_a_misspelt_recipe_suggests_the_right_one() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'first-light'"):
        load("first-lite")


def test_a_rate_without_a_dot_is_a_number() -> None:
    assert load("first-light", ["training.lr=1e-5"]).training.lr == 1e-5


def test_a_recipe_extends_another_and_overrides_by_key(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("extends: first-light\nrecipe: mine\ntraining: {lr: 3e-4}\n")
    mine, theirs = load(str(file)), load("first-light")
    assert (mine.training.lr, mine.training.batch_size) == (3e-4, theirs.training.batch_size)
    assert mine.targets == theirs.targets


def test_a_recipe_that_extends_itself_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"extends: {file}\nrecipe: mine\n")
    with pytest.raises(RecipeError, match="extends itself"):
        load(str(file))


def test_text_that_is_not_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("recipe: mine\narms: [\n")
    with pytest.raises(RecipeError, match="line 3"):
        load(str(file))


def test_a_language_called_no_stays_a_language() -> None:
    assert load("first-light", ["languages=[en, no]"]).languages == ("en", "no")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("seeds=[0, 0]", "a seed stands twice"),
        ("analysis.gain.baseline=nothing", "not an arm"),
        ("training.lr=-1", "greater than 0"),
        ("training.lr=fast", "number"),
        ("encoder={}", "path"),
        ("tasks.tatoeba.layer=-1", "a share of depth"),
        ("tasks.tatoeba.layer=2.5", "a share of depth"),
        ("arms={none: [], a/b: []}", "arms"),
        ("arms={none: [], a@b: []}", "arms"),
        ("arms={none: [], '': []}", "arms"),
        ("training.lr", "changes no key"),
        ("training.lr.x=1", "no keys"),
    ],
)
def test_an_impossible_value_is_refused_and_named(change: str, said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load("first-light", [change])
    assert said in str(caught.value)
