"""Files with one small mistake in them, as a hand or a program makes it."""

import re
from collections.abc import Iterator
from pathlib import Path

TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|\[[^\[\]{}]*\]|[^\s",:{}()\[\]<>]+')
VALUES = [
    b"", b"null", b"true", b"-1", b"0", b"4", b"99999", b'""', b'"x"', b"[]", b"[[0, 99999]]",
    b"{}", b"x", b"_", b"-",
]  # fmt: skip


def slips(content: bytes) -> Iterator[bytes]:
    """``content`` with one value changed to another kind of value, or one mark slipped."""
    for found in TOKENS.finditer(content):
        for value in VALUES:
            yield content[: found.start()] + value + content[found.end() :]
    for mark in re.finditer(rb"[^\w\x80-\xff]", content):
        for slip in (b"", b"\t", b"\n"):
            yield content[: mark.start()] + slip + content[mark.end() :]


def write_anew(path: Path, content: bytes) -> Path:
    """Write a file in the place of another; writing over it is hundreds of times as slow."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    return path
