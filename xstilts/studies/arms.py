"""What arms are, by their settings: how a study finds those that it compares. Names say nothing."""

from collections.abc import Iterable, Mapping
from typing import Any

from xstilts.studies.evidence import Evidence
from xstilts.studies.frames import plain_rows

Settings = Mapping[str, Any]

# What is done on the way to a score. Two arms are twins but for one of these.
WAYS = (
    "tasks", "language", "translated", "mix_law", "mix_cap", "mix_temperature", "mix_examples",
    "mlm_share", "mlm_languages", "checkpoint", "target_language", "target_translated", "k", "draw",
    "after", "longer", "frozen", "frozen_during", "reinit_top", "layer_mix", "carried",
    "carried_which", "carried_draw", "carried_embeddings", "lora_rank", "lora_scale", "lora_during",
    "merged",
)  # fmt: skip
# Those that an arm with plain English stages does not have.
EXTRAS = tuple(way for way in WAYS if not way.startswith("mix_"))[1:]


def settings(evidence: Evidence) -> list[Settings]:
    """One mapping an arm that was scored, the baseline's first, then in the order of the recipe.

    A setting that an arm does not have is None; training in English counts as none.
    """
    scored = set(evidence.rows["arm"])
    found = []
    for row in plain_rows(evidence.arms):
        if row["arm"] not in scored:
            continue
        for way in ("language", "target_language"):
            spoken = row.get(way)
            if spoken and set(spoken.split(" > ")) == {evidence.english}:
                row[way] = None
        found.append({way: row.get(way) for way in ("arm", "kind", "examples", *WAYS)})
    return sorted(found, key=lambda row: row["arm"] != evidence.baseline)


def twin(of: Settings, among: Iterable[Settings], **other: Any) -> Settings | None:
    """The arm that is the same but for ``other``; None if there is none."""
    wanted = {way: other.get(way, of[way]) for way in WAYS}
    return next((arm for arm in among if all(arm[way] == wanted[way] for way in WAYS)), None)


def has_only(arm: Settings, *ways: str) -> bool:
    """Whether an arm has no settings but these; tasks and how they are mixed are not looked at."""
    return all(arm[way] is None for way in EXTRAS if way not in ways)


def members(arm: Settings) -> tuple[str, ...]:
    """The tasks of an arm's only stage, sorted; none where it has no stage or several."""
    tasks = arm["tasks"] or ""
    return () if not tasks or " > " in tasks else tuple(sorted(tasks.split(" + ")))


def trained_targets(evidence: Evidence) -> set[str]:
    """The targets that are trained, and not only compared by the encoder as arms left it."""
    places = zip(evidence.rows["target"], evidence.rows["source"], strict=True)
    return {target for target, source in places if source}
