"""What a stage is handed beside its declaration: where things lie and how to run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xstilts.core.spec import Runtime


def silent(message: str) -> None:
    """Take a line of progress and say nothing."""


@dataclass(frozen=True)
class Context:
    """Nothing here may change a result.

    Attributes:
        runtime: threads, micro-batches, checkpoint interval.
        sources: where the bytes with a given digest lie: files of a slice, folder of an encoder.
        say: takes one line of progress.
    """

    runtime: Runtime = field(default_factory=Runtime)
    sources: Mapping[str, Path] = field(default_factory=dict)
    say: Callable[[str], None] = silent


@dataclass(frozen=True)
class Result:
    """A finished result: its folder, the value in its record, and its name.

    Attributes:
        folder: holds the result's files, checked against their checksums.
        value: the JSON value that the stage returned.
        key: the fingerprint.
    """

    folder: Path
    value: dict[str, Any]
    key: str
