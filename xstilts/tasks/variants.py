"""Tasks of the laboratory with one knob turned: declared as their task, in files of their own.

``lab_mnli_noise_30`` is ``lab_mnli`` with 30 % wrong training labels, and otherwise the same: kind,
size, format and languages; only ``times`` turns the size. Files are written when a recipe asks for
them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Knob = int | float

TURNED: Mapping[str, Mapping[str, tuple[Knob, ...]]] = MappingProxyType(
    {
        "lab_mnli": {
            "steps": (0, 2, 3),
            "length": (3, 4),
            "labels": (2,),
            "noise": (0.1, 0.3),
            "shared": (0.0, 0.5),
            "times": (3,),
        },
        "lab_qqp": {"steps": (0, 3), "noise": (0.1, 0.3)},
        "lab_squad_v1": {"steps": (0, 2, 3), "length": (2, 6)},
    }
)


def _named(task: str, knob: str, value: Knob) -> str:
    told = f"{100 * value:.0f}" if isinstance(value, float) else str(value)
    return f"{task}_{knob}_{told}"  # a share as a percentage


VARIANTS: Mapping[str, tuple[str, str, Knob]] = MappingProxyType(
    {
        _named(task, knob, value): (task, knob, value)
        for task, knobs in TURNED.items()
        for knob, values in knobs.items()
        for value in values
    }
)


def turned(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The declaration of a variant, from that of its task."""
    task, knob, value = VARIANTS[name]
    labels = raw.get("labels", [])
    if knob == "labels":
        labels = labels[: int(value)]  # as the laboratory leaves out the last ones
    sizes = raw["sizes"]
    if knob == "times":
        sizes = sizes | {"train": int(value) * sizes["train"]}
    return {
        **raw,
        "name": name,
        "about": f"{raw['about'].rstrip('.')}, with {knob} {value}.",
        "labels": labels,
        "train": name,
        "variant_of": task,
        "sizes": sizes,
        "knobs": raw["knobs"] | {knob: value},
        "files": [files | {"folders": [name]} for files in raw["files"]],
    }
