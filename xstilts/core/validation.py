"""YAML that a user wrote, checked word by word: an unknown key is answered with the nearest one."""

import re
from collections.abc import Collection, Sequence
from itertools import takewhile
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from xstilts.core import yaml12
from xstilts.core.errors import RecipeError, UnknownNameError, UserError

_Model = TypeVar("_Model", bound=BaseModel)
_FORMS = {
    "string_type": 'text, in quotes where it looks like a number or a truth value: "1", "true"',
    "tuple_type": "a list: [one, other]",
    "list_type": "a list: [one, other]",
    "dict_type": "keys with values: {key: value}",
    "model_type": "keys with values: {key: value}",
    "too_short": "one or more of them",
}


def refusal(key: str, what: str, expected: str) -> PydanticCustomError:
    """What a validator raises: why, and what should stand there; ``key`` if it is not its own."""
    told = {"key": key, "what": what, "expected": expected}
    return PydanticCustomError("refusal", "{what}", told)


def form(name: str) -> str:
    """The tag of one form that a value may have; no key of the recipe looks like it."""
    return f"<{name}>"


def put(raw: dict[str, Any], change: str) -> list[str]:
    """Change a key of ``raw`` as ``a.b=VALUE`` says; returns the keys on the way.

    Raises:
        RecipeError: for a change that names no key or whose value is not YAML.
    """
    path, found, text = change.partition("=")
    keys = path.strip().split(".")
    if not found or not all(keys):
        raise RecipeError(
            f"{change!r} changes no key",
            where="--set",
            expected="KEY=VALUE, such as training.lr=2e-5",
            do="write key, equals sign, value",
        )
    place: Any = raw
    for key in keys[:-1]:
        place = place.setdefault(key, {}) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        raise RecipeError(
            f"{path} goes through a value that has no keys",
            where=f"--set {change}",
            expected="a path of keys, as in the file",
            do="look at the file's keys",
        )
    try:
        place[keys[-1]] = yaml12.parse(text)
    except yaml.YAMLError:
        raise RecipeError(
            f"The value of {path} is not YAML",
            where=f"--set {change}",
            expected="a number, a word, [a, list] or {a: mapping}",
            do="quote it",
        ) from None
    return keys


def validated(
    model: type[_Model],
    raw: dict[str, Any],
    where: str,
    *,
    error: type[UserError] = RecipeError,
    do: str = "--set {key}=VALUE, or change the file",
) -> _Model:
    """``raw`` as a ``model``.

    Args:
        model: what it should be.
        raw: keys and values.
        where: named in messages: the file, the recipe, or the key inside it.
        error: raised for a value that cannot be.
        do: the remedy; ``{key}`` stands for the key.

    Raises:
        UnknownNameError: for a key that the model does not have, or a word that is none of those
            that may stand there.
        UserError: ``error``, with the key, for a value that cannot be.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as failed:
        every = failed.errors()
        misspelt = [e for e in every if e["type"] == "extra_forbidden"]
        raise _told(model, (misspelt or every)[0], where, error, do) from None


def _told(
    model: type[BaseModel], found: ErrorDetails, where: str, error: type[UserError], do: str
) -> UserError:
    """A validation error in four parts."""
    loc = [part for part in found["loc"] if not str(part).startswith(("<", "[key]"))]
    context = found.get("ctx", {})
    key = context.get("key") or ".".join(str(part) for part in loc)
    place = f"{where}: {key}" if key else where
    if found["type"] == "extra_forbidden":
        keys = _keys_at(model, [str(part) for part in loc[:-1]])
        return UnknownNameError("key", str(loc[-1]), keys, where=place, do="correct the key")
    settable = [str(part) for part in takewhile(lambda p: not isinstance(p, int), loc)]
    do = do.format(key=".".join(settable) or key or "KEY")
    if rest := loc[len(settable) :]:  # only the whole list can be set
        do = do.replace("=VALUE", f"='{_within(rest)}'")
    if found["type"] == "literal_error" and isinstance(found["input"], str):
        words = re.findall(r"'([^']*)'", context["expected"])
        if any(str(part).startswith("<") for part in found["loc"]):  # a word is one of two forms
            do = f"correct the word, or give a list: --set {key}='[{found['input']}]'"
        return UnknownNameError(f"value of {key}", found["input"], words, where=place, do=do)
    if found["type"] == "missing":
        return error(f"The key {key} is missing", where=place, expected=f"the key {loc[-1]}", do=do)
    wanted = context.get("expected") or _FORMS.get(found["type"])
    if found["type"] == "model_type" and (keys := _keys_at(model, [str(part) for part in loc])):
        wanted = f"keys with values, of: {', '.join(keys)}"
    wanted = wanted or found["msg"].removeprefix("Input should be ")
    if found["type"] == "string_pattern_mismatch":
        wanted = f"text of the form {context['pattern']}"
    what = f"{key or 'this'} cannot be {found['input']!r:.80}"
    if found["type"] == "refusal":
        what = found["msg"]
    return error(what, where=place, expected=wanted, do=do)


def _within(loc: Sequence[str | int]) -> str:
    """The YAML in which a value stands at a place: ``[{few_shot: {k: …}}]``."""
    inner = "…"
    for part in reversed(loc):
        inner = f"[{inner}]" if isinstance(part, int) else f"{{{part}: {inner}}}"
    return inner


def _keys_at(model: Any, loc: list[str]) -> list[str]:
    """Names of the keys that may stand at a place of a model."""
    here: Any = model
    for part in loc:
        fields = getattr(here, "model_fields", {})
        by_name = {f.alias or n: f.annotation for n, f in fields.items()}
        if part in by_name:
            here = _section_in(by_name[part])
    return [f.alias or n for n, f in getattr(here, "model_fields", {}).items()]


def _section_in(annotation: Any) -> Any:
    """The section model inside ``dict[str, X]``, ``tuple[X, ...]``, ``str | X``."""
    if hasattr(annotation, "model_fields"):
        return annotation
    found = [_section_in(a) for a in get_args(annotation)]
    return next((f for f in found if f is not None), None)


def merged(
    below: dict[str, Any], above: dict[str, Any], whole: Collection[str] = ()
) -> dict[str, Any]:
    """``above`` over ``below``, key by key, mappings inside mappings; ``whole`` keys replace."""
    out = dict(below)
    for key, value in above.items():
        old = out.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and key not in whole:
            out[key] = merged(old, value)
        else:
            out[key] = value
    return out
