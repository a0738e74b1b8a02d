"""Declarations and their fingerprints.

A :class:`Spec` is a frozen, strictly validated value that may change a result. Its fingerprint is a
hash of canonical JSON, so it is the same in every process and on every machine. A value that cannot
be written that way is refused, never guessed at. A :class:`Runtime` says where and how something
runs; it is never hashed.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from xstilts.core.errors import FingerprintError

_ABSENT_WHEN = "absent_when"


class Spec(BaseModel):
    """A frozen declaration. Unknown fields are an error; two equal specs have one fingerprint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @cached_property
    def payload(self) -> str:
        """The exact text that is hashed, worked out once: one slice serves many steps."""
        return payload(self)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other values; its text is worked out anew, not taken along."""
        copy = super().model_copy(update=update, deep=deep)
        vars(copy).pop("payload", None)
        return copy


class Runtime(BaseModel):
    """Where and how a step runs. Never part of its identity.

    Attributes:
        threads: CPU threads of the process that runs a stage. Sums are split by thread, so the
            last bits of a result may depend on it; it is recorded with every result.
        devices: processes that train one stage, each on a GPU of its own; without a GPU they
            divide the threads. Each takes its part of every update, which stays the same.
        workers: processes side by side. A stage that runs alone gets the threads of all.
        micro_tokens: padded tokens that one forward pass may hold; halved where memory ends.
        checkpoint_seconds: time between two checkpoints of a running stage.
        keep_weights: which trained weights outlive the run: those of stages that another stage
            or a retrieval target starts from, or all.
        prefix_gigabytes: disk on which a running stage may keep what frozen blocks make of each
            row, so that they run once and not in every epoch; 0 keeps nothing.
        tensorboard: write TensorBoard event files beside each trained stage.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threads: int = Field(default=2, ge=1)
    devices: int = Field(default=1, ge=1)
    workers: int = Field(default=1, ge=1)
    micro_tokens: int = Field(default=4096, ge=1)
    checkpoint_seconds: float = Field(default=60, ge=0)
    keep_weights: Literal["intermediate", "all"] = "intermediate"
    prefix_gigabytes: float = Field(default=4, ge=0)
    tensorboard: bool = False

    @property
    def undivided(self) -> "Runtime":
        """All threads for one process."""
        threads = self.threads * self.workers
        return self.model_copy(update={"threads": threads, "workers": 1})


def added(default: Any, *, absent_when: Any) -> Any:
    """A field added later: left out of the fingerprint while it equals ``absent_when``.

    The two values are written separately on purpose. Changing ``default`` then changes the
    fingerprint of everything that relied on it, instead of silently serving old results.
    """
    return Field(default=default, json_schema_extra={_ABSENT_WHEN: absent_when})


def canonical(value: Any, path: str = "spec") -> Any:
    """The JSON-shaped form of ``value``. ``path`` names the place in error messages.

    Raises:
        FingerprintError: for a function, an object, NaN or infinity.
    """
    if isinstance(value, Spec):
        body = {}
        for name, info in type(value).model_fields.items():
            field = getattr(value, name)
            extra = info.json_schema_extra
            if isinstance(extra, dict) and _ABSENT_WHEN in extra and field == extra[_ABSENT_WHEN]:
                continue
            body[name] = canonical(field, f"{path}.{name}")
        return {"kind": type(value).__name__, **body}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise FingerprintError(f"{path}: {value} is not finite, so it has no canonical form")
        return value
    if isinstance(value, tuple | list):
        return [canonical(v, f"{path}[{i}]") for i, v in enumerate(value)]
    if isinstance(value, Mapping):
        return {str(k): canonical(v, f"{path}[{k!r}]") for k, v in value.items()}
    raise FingerprintError(
        f"{path}: a {type(value).__name__} has no stable identity across processes. "
        "Use a Spec, a plain value, or a name from a registry."
    )


def payload(value: Any) -> str:
    """The exact text that is hashed."""
    return json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(text: str) -> str:
    """Sixteen hex digits of SHA-256: the name of ``text``."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def fingerprint(value: Any) -> str:
    """Sixteen hex digits that name ``value``."""
    return digest(payload(value))
