"""A recipe's values checked by its model; what does not fit is told with its key."""

import re
from itertools import takewhile
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from xstilts.core.errors import RecipeError, UnknownNameError, UserError

_Model = TypeVar("_Model", bound=BaseModel)


def refusal(key: str, what: str, expected: str) -> PydanticCustomError:
    """What a validator raises: why, and what should stand there; ``key`` if it is not its own."""
    told = {"key": key, "what": what, "expected": expected}
    return PydanticCustomError("refusal", "{what}", told)


def form(name: str) -> str:
    """The tag of one form that a value may have; no key of the recipe looks like it."""
    return f"<{name}>"


def validated(model: type[_Model], raw: dict[str, Any], where: str) -> _Model:
    """``raw`` as a ``model``.

    Raises:
        UnknownNameError: for a key, or a word of a list of words, that does not exist.
        RecipeError: for a value that cannot be, named by its key.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        found = error.errors()
        misspelt = [e for e in found if e["type"] == "extra_forbidden"]
        raise _told(model, (misspelt or found)[0], where) from None


def _told(model: type[BaseModel], error: ErrorDetails, where: str) -> UserError:
    """A validation error in four parts."""
    loc = [part for part in error["loc"] if not str(part).startswith(("<", "[key]"))]
    context = error.get("ctx", {})
    key = context.get("key") or ".".join(str(part) for part in loc)
    place = f"{where}: {key}"
    if error["type"] == "extra_forbidden":
        keys = _keys_at(model, [str(part) for part in loc[:-1]])
        return UnknownNameError("key", str(loc[-1]), keys, where=place, do="correct the key")
    settable = ".".join(str(part) for part in takewhile(lambda p: not isinstance(p, int), loc))
    do = f"--set {settable or key}=VALUE, or change the file"
    if error["type"] == "literal_error" and isinstance(error["input"], str):
        words = re.findall(r"'([^']*)'", context["expected"])
        if len(loc) < len(error["loc"]):  # a word is one of two forms
            do = f"correct the word, or give a list: --set {key}='[{error['input']}]'"
        return UnknownNameError(f"value of {key}", error["input"], words, where=place, do=do)
    if error["type"] == "missing":
        return RecipeError(
            f"The key {key} is missing", where=place, expected=f"the key {loc[-1]}", do=do
        )
    message = error["msg"].replace("Tuple", "List").replace("tuple", "list")
    wanted = context.get("expected") or message.removeprefix("Input should be ")
    what = message if error["type"] == "refusal" else f"{key} cannot be {error['input']!r:.80}"
    return RecipeError(what, where=place, expected=wanted, do=do)


def _keys_at(model: Any, loc: list[str]) -> list[str]:
    """Names of the keys that may stand at a place of a recipe."""
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
