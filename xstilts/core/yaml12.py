"""Safe YAML as its users mean it.

YAML 1.1 reads ``1e-5`` as text, ``12:30`` as 750 and the language ``no`` as False. Here a number is
a number, only ``true`` and ``false`` are booleans, and a key that stands twice is an error.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from xstilts.core.errors import UserError

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """The fast safe loader with the resolvers of YAML 1.2."""


_REPLACED = tuple(f"tag:yaml.org,2002:{name}" for name in ("bool", "int", "float", "timestamp"))
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag not in _REPLACED]
    for first, rules in _Base.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$"),
    list("-+.0123456789"),
)


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key, _ in node.value:  # before merging: what `<<` brings in may be overridden
        if not isinstance(key, yaml.ScalarNode):
            raise _refused("a key is one word, not a list or a mapping", key)
        if key.value in seen:
            raise _refused(f"the key {key.value!r} stands here twice", key)
        seen.add(key.value)
    loader.flatten_mapping(node)
    return {
        loader.construct_object(key, deep=True): loader.construct_object(value, deep=True)
        for key, value in node.value
    }


def _refused(what: str, key: Any) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, what, key.start_mark)


def _decimal(loader: Any, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))  # PyYAML's own takes 010 for octal


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:int", _decimal)


def parse(text: str) -> Any:
    """The value of a YAML document.

    Raises:
        yaml.YAMLError: with line and column, for text that is not YAML or names a key twice.
    """
    return yaml.load(text, Loader=_Loader)


def keys_in(file: Path, error: type[UserError], *, expected: str, do: str) -> dict[str, Any]:
    """The keys and values that a YAML file holds.

    Args:
        file: which is there.
        error: raised for what is wrong with it.
        expected: the keys that such a file has.
        do: where to start from, told where it has none.

    Raises:
        UserError: ``error``, with the line, for a file that is not YAML or not UTF-8.
        OSError: for a file that cannot be read.
    """
    raw = file.read_bytes()
    try:
        found = parse(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as problem:
        line = 1 + raw.count(b"\n", 0, problem.start)
        raise error(
            f"{file.name} is not UTF-8 text",
            where=f"{file}:{line}",
            expected="a YAML file in UTF-8",
            do="save it as UTF-8",
        ) from None
    except yaml.YAMLError as problem:
        raise _not_yaml(file, raw.decode("utf-8-sig").splitlines(), problem, error) from None
    if not isinstance(found, dict):
        what = f"{file.name} holds no keys"
        raise error(what, where=f"{file}:1", expected=expected, do=do)
    return found


def _not_yaml(
    file: Path, lines: list[str], problem: yaml.YAMLError, error: type[UserError]
) -> UserError:
    mark = getattr(problem, "problem_mark", None)
    number = mark.line + 1 if mark else 1
    line = lines[number - 1] if number <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        what, expected = "a tab indents the line", "spaces"
        do = "replace the tab by spaces"
    else:
        what = getattr(problem, "problem", None) or " ".join(str(problem).split())
        expected = (
            "a colon and a space after each key, quotes round text that starts with { [ * & @"
        )
        do = "mend the line, or one before it that was left open"
    return error(
        f"{file.name} is not YAML: {what}", where=f"{file}:{number}", expected=expected, do=do
    )
