"""What all sections of a recipe share: unknown keys are errors, and forms are told apart."""

from pathlib import PurePath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

from xstilts.core.validation import form, refusal

WORD, REST, FALSE = form("word"), form("list or mapping"), form("false")


class Section(BaseModel):
    """A part of a recipe; keys that it does not have are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def word_or_rest(value: object) -> str:
    """Which of two forms is meant, so that only its own errors are told."""
    return WORD if isinstance(value, str) else REST


def false_or_other(value: object) -> str:
    """Likewise, where ``false`` is a third form."""
    return FALSE if value is False else word_or_rest(value)


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse languages, or folders, of which one is said twice.

    Raises:
        PydanticCustomError: naming it.
    """
    seen: set[PurePath] = set()
    for value in values:
        if PurePath(value) in seen:
            raise refusal("", f"{value} stands twice", "each of them once")
        seen.add(PurePath(value))
    return values


Distinct = Annotated[tuple[str, ...], AfterValidator(_distinct)]  # languages, or folders


def as_list(value: Any) -> Any:
    """One thing as a list of it, where several may be said."""
    return value if isinstance(value, list) else [value]
