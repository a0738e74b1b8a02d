"""Recipes from YAML: shipped or the user's, one upon another, with single keys changed."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xstilts.core import yaml12
from xstilts.core.errors import RecipeError, UnknownNameError
from xstilts.core.validation import merged, put, validated
from xstilts.phases.forms import LAB
from xstilts.phases.recipe import Recipe
from xstilts.tasks import declare, task_names

_SHIPPED = Path(__file__).parent.parent / "recipes"
_WHOLE = ("arms", "encoder")  # replaced, not merged, by a recipe that extends another


def shipped() -> tuple[str, ...]:
    """Names of the recipes that come with the package."""
    names = (p.relative_to(_SHIPPED).with_suffix("") for p in _SHIPPED.rglob("*.yaml"))
    return tuple(sorted(name.as_posix() for name in names))


def load(name: str, changes: Iterable[str] = ()) -> Recipe:
    """The shipped recipe or YAML file called ``name``, with ``a.b=VALUE`` changes put in.

    A recipe that ``extends`` another (by name, or by a path from its own folder) changes it key by
    key; its ``arms``, its ``encoder`` and its lists replace those of the other whole. The user's
    own tasks that it names are known from then on, see :func:`xstilts.tasks.declare`.

    Raises:
        UnknownNameError: for an unknown recipe, key, task or language.
        RecipeError: for YAML or values that cannot be.
        DataError: for the declaration of an own task that does not hold together.
    """
    return recipe_of(_read(name), name, changes)


def recipe_of(raw: dict[str, Any], name: str, changes: Iterable[str] = ()) -> Recipe:
    """The recipe of these keys and values, which messages call ``name``; else as :func:`load`."""
    for change in changes:
        _put(raw, change)
    recipe = validated(Recipe, _with_paths(raw, Path.cwd()), name)
    _declare(recipe.own_tasks)
    for target in recipe.targets:
        _known(target, f"{name}: targets")
    for arm, stages in recipe.arms.items():
        for task in (task for stage in stages for task in stage.tasks):
            _known(task, f"{name}: arms.{arm}")
        for stage in stages:
            if stage.few_shot:
                place = f"{name}: arms.{arm}: few_shot.training"
                recipe.training_of((recipe.targets[0],), stage.few_shot.training, place)
    for task, use in recipe.tasks.items():
        _known(task, f"{name}: tasks")
        if isinstance(use.train, str):
            _known(use.train, f"{name}: tasks.{task}.train")
        if use.sweep:
            _known(use.sweep.aligned, f"{name}: tasks.{task}.sweep.aligned")
        recipe.training_of((task,))
    return recipe


def _declare(files: Iterable[str]) -> None:
    """Make the own tasks known; two of them cannot have one name."""
    named: dict[str, str] = {}
    for file in files:
        name = declare(Path(file)).name
        if name in named:
            raise RecipeError(
                f"Two tasks are called {name!r}",
                where=f"{file}: name",
                expected=f"another name than in {named[name]}",
                do="call one of them otherwise",
            )
        named[name] = file


def _known(task: str, where: str) -> None:
    if task not in task_names():
        do = "list them: xstilts tasks; a task of your own is known by own_tasks: [FILE.yaml]"
        raise UnknownNameError("task", task, task_names(), where=where, do=do)


def _read(name: str, folder: Path = Path(), inside: tuple[Path, ...] = ()) -> dict[str, Any]:
    file = _file(name, folder)
    raw = yaml12.keys_in(
        file,
        RecipeError,
        expected="recipe:, question:, encoder:, arms:, targets: …",
        do="start from a shipped recipe: extends: quickstart",
    )
    raw = _with_paths(raw, file.parent)
    parent = raw.pop("extends", None)
    if parent is None:
        return raw
    inside = (*inside, file.resolve())
    if not isinstance(parent, str) or _file(parent, file.parent).resolve() in inside:
        raise RecipeError(
            f"{name} extends itself" if isinstance(parent, str) else f"{name} extends no recipe",
            where=f"{file}: extends",
            expected="one recipe, by name or file, that does not lead back here",
            do="mend or remove `extends`",
        )
    return merged(_read(parent, file.parent, inside), raw, whole=_WHOLE)


def _with_paths(raw: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The recipe with its own tasks, claims, encoders and translations counted from ``folder``."""
    raw = _with_files(raw, "own_tasks", folder)
    if isinstance(raw.get("analysis"), dict):
        raw = raw | {"analysis": _with_files(raw["analysis"], "claims", folder)}
    if "encoder" in raw:
        raw = raw | {"encoder": _declared(raw["encoder"], folder)}
    if isinstance(raw.get("arms"), dict):
        raw = raw | {"arms": {n: _with_folders(of, folder) for n, of in raw["arms"].items()}}
    return raw


def _with_files(raw: dict[str, Any], key: str, folder: Path) -> dict[str, Any]:
    """A section whose list of files is counted from ``folder``."""
    paths = raw.get(key)
    if isinstance(paths, list) and all(isinstance(p, str) for p in paths):
        return raw | {key: [str(folder.absolute() / p) for p in paths]}
    return raw


def _with_folders(stages: Any, folder: Path) -> Any:
    """Stages whose translations, or model, lie beside the recipe; others are sought elsewhere."""
    if isinstance(stages, dict) and "stages" in stages:
        return stages | {"stages": _with_folders(stages["stages"], folder)}
    if not isinstance(stages, list):
        return stages
    found = []
    for stage in stages:
        said = stage.get("translated") if isinstance(stage, dict) else None
        named = said.get("path") if isinstance(said, dict) else said
        if isinstance(named, str) and named != LAB and (folder / named).is_dir():
            there = str(folder.absolute() / named)
            said = said | {"path": there} if isinstance(said, dict) else there
            stage = stage | {"translated": said}
        found.append(stage)
    return found


def _declared(encoder: Any, folder: Path) -> Any:
    """One or several encoders with the files of their declarations counted from ``folder``."""
    if isinstance(encoder, list):
        return [_declared(one, folder) for one in encoder]
    named = encoder.get("pretrain") if isinstance(encoder, dict) else None
    if not isinstance(named, str) or Path(named).suffix not in (".yaml", ".yml"):
        return encoder
    return encoder | {"pretrain": str(folder.absolute() / named)}


def _file(name: str, folder: Path) -> Path:
    """A shipped recipe's file, or the one that ``name`` means in ``folder``."""
    if name in shipped():
        return _SHIPPED / f"{name}.yaml"
    path = folder / name
    if path.suffix in (".yaml", ".yml"):
        if path.is_file():
            return path
        raise RecipeError(
            f"There is no file {name}",
            where=str(path.absolute()),
            expected="a recipe in YAML",
            do="check the path",
        )
    raise UnknownNameError(
        "recipe", name, shipped(), where="RECIPE", do="give one of these names, or a .yaml file"
    )


def _put(raw: dict[str, Any], change: str) -> None:
    """Change a key; an encoder that comes from elsewhere does not come from where it came from."""
    keys = put(raw, change)
    if keys in (["encoder", "path"], ["encoder", "pretrain"]):
        for other in {"path", "hub", "revision", "pretrain"} - {keys[-1]}:
            raw["encoder"].pop(other, None)
