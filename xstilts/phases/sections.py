"""What all sections of a recipe share: unknown keys are errors, and forms are told apart."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from xstilts.core.validation import form

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


def as_list(value: Any) -> Any:
    """One thing as a list of it, where several may be said."""
    return value if isinstance(value, list) else [value]
