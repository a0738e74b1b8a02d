"""YAML that a user wrote, checked word by word: an unknown key is answered with the nearest one."""

from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from xstilts.core.errors import RecipeError, UnknownNameError, UserError

_Model = TypeVar("_Model", bound=BaseModel)


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
        UnknownNameError: for a key that the model does not have.
        UserError: ``error``, with the key, for a value that cannot be.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as found:
        first = found.errors()[0]
        loc = [str(part) for part in first["loc"]]
        if first["type"] == "extra_forbidden":
            raise UnknownNameError(
                "key",
                loc[-1],
                _keys_at(model, loc[:-1]),
                where=f"{where}: {'.'.join(loc)}",
                do="correct the key",
            ) from None
        raise error(
            f"{'.'.join(loc) or where}: {first['msg']}",
            where=where,
            expected=f"another value than {first.get('input')!r:.80}"
            if first["type"] != "missing"
            else f"the key {loc[-1]}",
            do=do.format(key=".".join(loc) or "KEY"),
        ) from None


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
