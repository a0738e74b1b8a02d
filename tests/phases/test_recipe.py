"""Recipes are checked word by word."""

from pathlib import Path

import pytest
from slips import slips, write_anew

from xstilts.core.errors import RecipeError, UnknownNameError, UserError
from xstilts.phases.loading import load, shipped


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_recipe_is_valid(name: str) -> None:
    assert load(name).recipe == name


@pytest.mark.parametrize(
    ("change", "meant"),
    [
        ("targts=[xnli]", "targets"),
        ("training.l_r=1", "lr"),
        ("training.epoch=1", "epochs"),
        ("training.select.patince=1", "patience"),
        ("tasks.xnli.scor={from: dev}", "score"),
        ("tasks.xnlii={train: mnli}", "xnli"),
        ("tasks.qqp.training={weight_decy: 3}", "weight_decay"),
        ("tasks.xnli.train={frm: train}", "from"),
        ("tasks.xnli.train={from: trian}", "train"),
        ("tasks.xnli.train=mnlli", "mnli"),
        ("arms={none: [], q: [{trian: mnli}]}", "train"),
        ("languages=presnt", "present"),
        ("leaks=eror", "error"),
        ("runtime.thread=2", "threads"),
        ("encoder.pth=x", "path"),
    ],
)
def test_a_misspelt_word_suggests_the_right_one(change: str, meant: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        load("first-light", [change])
    assert f"Did you mean {meant!r}" in str(caught.value)
    assert change.partition("=")[0].split(".")[0] in caught.value.where


def test_a_language_that_is_no_list_is_told_to_be_one() -> None:
    with pytest.raises(UnknownNameError) as caught:
        load("first-light", ["languages=sw"])
    assert caught.value.do.endswith("--set languages='[sw]'")


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


def test_a_recipe_is_extended_from_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "base.yaml").write_text("extends: first-light\nseeds: [7]\n")
    (tmp_path / "mine.yaml").write_text("extends: base.yaml\nrecipe: mine\n")
    monkeypatch.chdir("/")
    assert load(str(tmp_path / "mine.yaml")).seeds == (7,)


@pytest.mark.parametrize("extends", ["[first-light]", "mine.yaml", "../{folder}/mine.yaml"])
def test_an_impossible_parent_is_refused(tmp_path: Path, extends: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"extends: {extends.format(folder=tmp_path.name)}\nrecipe: mine\n")
    with pytest.raises(RecipeError, match="extends"):
        load(str(file))


def test_arms_and_encoder_of_a_recipe_replace_those_that_it_extends(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "extends: first-light\nrecipe: mine\nencoder: {path: my-encoder}\n"
        "arms: {none: [], both: [{train: squad_v1}, {train: mnli}]}\ntargets: [xnli]\n"
    )
    mine = load(str(file))
    assert tuple(mine.arms) == ("none", "both")
    assert mine.encoder[0].model_dump(exclude_defaults=True) == {"path": "my-encoder"}
    assert mine.targets == ("xnli",)


def test_single_arms_and_encoder_keys_are_set_in_place() -> None:
    theirs = load("first-light")
    mine = load("first-light", ["arms.two=[{train: mnli}]", "encoder.path=elsewhere"])
    assert tuple(mine.arms) == (*theirs.arms, "two")
    assert mine.encoder[0].about == theirs.encoder[0].about
    assert mine.encoder[0].path == "elsewhere"


def test_a_path_takes_the_place_of_a_repository_and_its_revision() -> None:
    revision = f"encoder.revision={'a' * 40}"
    (encoder,) = load("xtreme/paper", [revision, "encoder.path=here"]).encoder
    assert (encoder.path, encoder.hub, encoder.revision) == ("here", None, None)


def test_a_revision_without_a_repository_is_refused() -> None:
    said = ["encoder={path: here, revision: " + "a" * 40 + "}"]
    with pytest.raises(RecipeError, match="A path has no revision"):
        load("first-light", said)


def test_text_that_is_not_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("recipe: mine\narms: [\n")
    with pytest.raises(RecipeError, match="is not YAML") as caught:
        load(str(file))
    assert caught.value.where == f"{file}:3"
    file.write_bytes(b"recipe: mine\nquestion: wor\xfcber\n")
    with pytest.raises(RecipeError, match="not UTF-8") as caught:
        load(str(file))
    assert caught.value.where == f"{file}:2"


def test_a_language_called_no_stays_a_language() -> None:
    assert load("first-light", ["languages=[en, no]"]).languages == ("en", "no")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("seeds=[0, 0]", "0 stands twice in seeds"),
        ("targets=[xnli, udpos, xnli]", "xnli stands twice in targets"),
        ("languages=[en, sw, en]", "en stands twice in languages"),
        ("encoder=[{path: a/x}, {path: b/x}]", "x stands twice in encoder"),
        ("training.lr=inf", "finite"),
        ("training.lr=nan", "finite"),
        ("training.lr=1e999", "finite"),
        ("tasks.qqp.training={lr: -1}", "greater than 0"),
        ("tasks.xnli.train=[mnli]", "tasks.xnli.train cannot be"),
        ("analysis.gain.baseline=nothing", "not an arm"),
        ("training.lr=-1", "greater than 0"),
        ("training.lr=fast", "number"),
        ("encoder={}", "path"),
        ("tasks.tatoeba.layer=-1", "There is no layer -1"),
        ("tasks.tatoeba.layer=2.5", "a share of depth"),
        ("arms={none: [], a/b: []}", "cannot name an arm"),
        ("arms={none: [], a@b: []}", "cannot name an arm"),
        ("arms={none: [], '': []}", "cannot name an arm"),
        ("training.lr", "changes no key"),
        ("training.lr.x=1", "no keys"),
    ],
)
def test_an_impossible_value_is_refused_and_named(change: str, said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load("first-light", [change])
    assert said in str(caught.value)
    assert len(str(caught.value)) < 500, "the whole recipe is no message"


def test_a_recipe_with_one_slip_is_taken_or_refused_in_four_parts(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    text = (
        "extends: first-light\nrecipe: mine\nseeds: [0, 1]\nlanguages: [en, sw]\n"
        "training: {lr: 3e-4, select: {every: 10}}\n"
        "tasks: {xnli: {train: mnli, score: {from: dev, sample: 5}}}\n"
        "arms: {none: [], two: [{train: mnli}]}\ntargets: [xnli, tatoeba]\n"
    )
    assert load(str(write_anew(file, text.encode()))).recipe == "mine"
    for slipped in slips(text.encode()):
        try:
            load(str(write_anew(file, slipped)))
        except UserError as error:
            parts = (error.what, error.where, error.expected, error.do)
            assert all(part.strip() for part in parts), slipped
        except Exception as error:
            raise AssertionError(slipped.decode()) from error
