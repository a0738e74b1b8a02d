from typing import Any

import pandas as pd

from xstilts.reports.lineage import branches, distinct, drawn


def stage(name: str, step: str, parent: str, seconds: float | None = 10.0) -> dict[str, Any]:
    return {"name": name, "step": step, "parent": parent, "seconds": seconds}


STAGES = pd.DataFrame(
    [
        row
        for seed in (0, 1)
        for row in (
            stage(f"none/xnli@{seed}", f"m{seed}", "encoder"),
            stage(f"none/panx@{seed}", f"p{seed}", "encoder", None),
            stage(f"mnli/mnli@{seed}", f"m{seed}", "encoder"),
            stage(f"mnli/xnli@{seed}", f"mx{seed}", f"m{seed}"),
            stage(f"mnli/panx@{seed}", f"mp{seed}", f"m{seed}"),
            stage(f"both/mnli@{seed}", f"m{seed}", "encoder"),
            stage(f"both/squad@{seed}", f"ms{seed}", f"m{seed}"),
            stage(f"both/panx@{seed}", f"msp{seed}", f"ms{seed}"),
        )
    ]
)


def test_stages_that_differ_in_the_seed_only_are_one_branch() -> None:
    found = [(b.depth, b.label, b.runs, b.seconds) for b in branches(STAGES, "tiny")]
    assert found == [
        (0, "tiny", 0, 0.0),
        (1, "none: panx", 2, 0.0),
        (1, "mnli, also xnli of none", 2, 20.0),
        (2, "mnli: xnli, panx", 4, 40.0),
        (2, "squad", 2, 20.0),
        (3, "both: panx", 2, 20.0),
    ]


def test_what_arms_share_counts_once() -> None:
    assert len(distinct(STAGES)) == 12
    assert distinct(STAGES)[0]["names"] == ["none/xnli@0", "mnli/mnli@0", "both/mnli@0"]


def test_weights_from_elsewhere_are_a_start_of_their_own() -> None:
    ready = pd.DataFrame([stage("a/xnli@0", "x", "encoder"), stage("b/xnli@0", "y", "ready/b@12")])
    starts = [b.label for b in branches(ready, "tiny") if b.depth == 0]
    assert starts == ["tiny", "ready/b@12"]


def test_the_tree_is_drawn_with_names_runs_and_times_escaped() -> None:
    tree = branches(STAGES.replace({"none/panx@0": "<b>/panx@0"}, regex=False), "<i>")
    svg = drawn(tree)
    assert "&lt;i&gt;" in svg and "<i>" not in svg and "<b>" not in svg
    assert "mnli, also xnli of none" in svg and "4 runs, 40 s" in svg
