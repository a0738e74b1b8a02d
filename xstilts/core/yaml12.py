"""Safe YAML as its users mean it.

YAML 1.1 reads ``1e-5`` as text, ``12:30`` as 750 and the language ``no`` as False. Here a number is
a number, only ``true`` and ``false`` are booleans, and a key that stands twice is an error.
"""

import re
from typing import Any

import yaml

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
