"""JSON objects from files nobody has checked: every access says where it failed."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xstilts.core.errors import DataError
from xstilts.data.readers.source import FETCH_AGAIN, lines, whole

Members = Callable[[list[tuple[str, Any]]], Any]


@dataclass(frozen=True, slots=True)
class Node:
    """One JSON object and the place where it stands.

    Attributes:
        values: the object's members.
        where: file and line, or file and the way through the document.
    """

    values: dict[str, Any]
    where: str

    def text(self, key: str) -> str:
        """The string under ``key``."""
        return _writable(self._get(key, str, "a string"), self.where)

    def number(self, key: str) -> int:
        """The whole number under ``key`` (``true`` is none)."""
        value: int = self._get(key, int, "a whole number")
        return value

    def plain(self, key: str) -> str:
        """The string or whole number under ``key``, as text."""
        value = self.values.get(key)
        return str(value) if type(value) is int else self.text(key)

    def texts(self, key: str) -> tuple[str, ...]:
        """The list of strings under ``key``."""
        items = self._get(key, list, "a list of strings")
        if not all(type(item) is str for item in items):
            raise self.error(f"{key!r} holds something that is no string", "strings only")
        return tuple(_writable(item, self.where) for item in items)

    def node(self, key: str) -> "Node":
        """The object under ``key``."""
        return Node(self._get(key, dict, "an object"), self.where)

    def nodes(self, key: str, name: str) -> list["Node"]:
        """The objects in the list under ``key``; item i is called ``name i`` (from 0) in errors."""
        items = self._get(key, list, "a list of objects")
        if not all(type(item) is dict for item in items):
            raise self.error(f"{key!r} holds something that is no object", "objects only")
        return [Node(item, f"{self.where}, {name} {i}") for i, item in enumerate(items)]

    def error(self, what: str, expected: str, do: str = FETCH_AGAIN) -> DataError:
        """A :class:`DataError` at this object."""
        return DataError(what, where=self.where, expected=expected, do=do)

    def _get(self, key: str, kind: type, called: str) -> Any:
        if key not in self.values:
            found = ", ".join(map(repr, list(self.values)[:12])) or "nothing"
            raise self.error(f"The field {key!r} is missing", f"it beside: {found}")
        if type(self.values[key]) is not kind:
            raise self.error(f"The field {key!r} is not {called}", called)
        return self.values[key]


def parse(text: str, path: Path, first_line: int = 1) -> Node:
    """``text``, which starts at ``first_line`` of the file, as an object.

    Raises:
        DataError: with the line, where it is not JSON; and when it is no object.
    """
    value = loaded(text, path, first_line)
    if type(value) is not dict:
        raise _broken("The JSON is no object", f"{path}:{first_line}")
    return Node(value, str(path))


def loaded(text: str, path: Path, first_line: int = 1, members: Members | None = None) -> Any:
    """What ``text``, which starts at ``first_line`` of the file, says in JSON.

    ``members`` makes an object of its keys and values; its ``ValueError`` is one of the file.

    Raises:
        DataError: with the line, where it is not JSON.
    """
    try:
        return json.loads(text, object_pairs_hook=members)
    except json.JSONDecodeError as error:
        where = f"{path}:{first_line + error.lineno - 1}"
        raise _broken(f"The JSON is broken: {error.msg}", where) from None
    except RecursionError:
        raise _broken("The JSON is nested too deeply", f"{path}:{first_line}") from None
    except ValueError as error:
        raise _broken(f"The JSON is broken: {error}", f"{path}:{first_line}") from None


def json_list(path: Path) -> Iterator[Node]:
    """The objects of a document that is a list of them; item i is called so (from 0) in errors."""
    items = loaded(whole(path), path)
    if type(items) is not list:
        raise DataError(
            "The JSON is no list", where=f"{path}:1", expected="a list of objects", do=FETCH_AGAIN
        )
    for i, item in enumerate(items):
        if type(item) is not dict:
            raise _broken("The item is no object", f"{path}, item {i}")
        yield Node(item, f"{path}, item {i}")


def json_lines(path: Path) -> Iterator[tuple[int, Node]]:
    """Line numbers and objects of a JSON Lines file; blank lines are passed over."""
    for number, line in lines(path):
        if line.strip():
            yield number, Node(_line(line, path, number).values, f"{path}:{number}")


def _line(text: str, path: Path, number: int) -> Node:
    try:
        return parse(text, path, number)
    except DataError as error:
        expected = "one JSON object a line, with nothing between the lines"
        raise DataError(error.what, where=error.where, expected=expected, do=error.do) from None


def _broken(what: str, where: str) -> DataError:
    return DataError(what, where=where, expected="one JSON object", do=FETCH_AGAIN)


def _writable(text: str, where: str) -> str:
    r"""``text``, unless it holds half of a surrogate pair (``\ud83d``), which nothing can store."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise DataError(
            "A string holds half of a character",
            where=where,
            expected="surrogate escapes in pairs",
            do=FETCH_AGAIN,
        ) from None
    return text
