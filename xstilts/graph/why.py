"""Why a step would run: its identity against the nearest finished one of the same address."""

import json
from typing import Any

from xstilts.graph.step import Step
from xstilts.store import Store


def why(step: Step, store: Store) -> list[str]:
    """The fields that changed, one line each. Empty when the step is done.

    A changed input is followed to the field that changed there:
    ``inputs.start.config.how.lr: 1e-05 -> 2e-05``.
    """
    record = store.sound(step.address, step.key, step.identity)
    if record is not None:
        return []
    rivals = [json.loads(r["identity"]) for r in store.records(step.address)]
    if not rivals:
        return ["never built"]
    mine = flatten(json.loads(step.identity))
    nearest = min(rivals, key=lambda rival: len(_changed(mine, flatten(rival))))
    return _compare(step, nearest, store)


def _compare(step: Step, rival: Any, store: Store) -> list[str]:
    """Field by field; a changed input against the very result that the rival was built from."""
    mine, theirs = flatten(json.loads(step.identity)), flatten(rival)
    lines = []
    for field in _changed(mine, theirs):
        old, new = theirs.get(field, "absent"), mine.get(field, "absent")
        name = field.removeprefix("inputs.")
        deeper = _inside(step.inputs[name], old, store) if name in step.inputs else []
        lines += [f"{field}.{line}" for line in deeper] or [f"{field}: {old} -> {new}"]
    return lines


def _inside(step: Step, old: str, store: Store) -> list[str]:
    address, _, key = json.loads(old).rpartition("@") if old != "absent" else ("", "", "")
    record = store.sound(address, key) if address == step.address else None
    return [] if record is None else _compare(step, json.loads(record["identity"]), store)


def _changed(mine: dict[str, str], theirs: dict[str, str]) -> list[str]:
    return [k for k in sorted(mine | theirs) if mine.get(k) != theirs.get(k)]


def flatten(value: Any, path: str = "") -> dict[str, str]:
    """Nested JSON as dotted paths to JSON texts."""
    if isinstance(value, dict):
        out: dict[str, str] = {}
        for key, inner in value.items():
            out |= flatten(inner, f"{path}.{key}" if path else key)
        return out
    return {path: json.dumps(value)}
