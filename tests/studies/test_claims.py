"""Claims are judged by tests fixed in advance: planted results decide them either way."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from planted_results import evidence, renamed

from xstilts.core.errors import RecipeError, UnknownNameError
from xstilts.reports.claims import claims_text
from xstilts.stats.benchmarks import XTREME
from xstilts.studies.claims import PREDICATES, claims
from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import Finding
from xstilts.studies.verdicts import COLUMNS, verdicts

NINE = ("anli_plus", "mnli", "qqp", "squad_v2", "squad_v1", "hellaswag", "ccg", "cosmosqa")
NINE += ("commonsenseqa",)
KINDS = {"xnli": "pair", "panx": "tagging", "tydiqa": "span", "bucc2018": "mining"}
KINDS |= {"tatoeba": "retrieval", "pawsx": "pair", "udpos": "tagging", "xquad": "span"}
KINDS |= {"mlqa": "span"}
TARGETS = {t: (kind, "accuracy", XTREME.languages[t][:6]) for t, kind in KINDS.items()}
TARGETS |= {t: (KINDS[t], "accuracy", XTREME.languages[t]) for t in ("xnli", "tydiqa", "bucc2018")}
ALL = " + ".join(sorted(NINE))
MIXED = {"mlm_share": 0.2, "mlm_languages": "de sw"}
TRANSLATED = {"language": "de", "translated": "somewhere"}
TOGETHER = {"tasks": ALL, "kind": "mixture", "mix_law": "proportional"}
ARMS: list[dict[str, Any]] = [
    {"kind": "none"},
    *({"tasks": task} for task in NINE),
    TOGETHER,
    *({"tasks": task} | added for added in (MIXED, TRANSLATED) for task in NINE[1:6:2]),
    *(TOGETHER | added for added in (MIXED, TRANSLATED)),
]
Gain = Callable[[Mapping[str, Any], str], float]


def planted(gain: Gain, **more: Any) -> Evidence:
    """What each arm gains on each target, in every language; English dev says the same."""

    def score(arm: Mapping[str, Any], target: str, language: str) -> float:
        return 50 + (gain(arm, target) if arm["tasks"] else 0.0)

    def dev(arm: Mapping[str, Any]) -> float:
        return score(arm, "xnli", "en")

    said = {"targets": TARGETS, "dev": dev} | more
    return evidence(ARMS, score, **said)


def registry(
    found: Evidence, *ids: str, finding: Finding | None = None
) -> dict[str, dict[str, Any]]:
    """The lines of some claims of the registry by id, or of all."""
    said = [claim for claim in claims() if not ids or claim.id in ids]
    table = verdicts(said, found, "tiny", finding, [])
    assert tuple(table.columns) == COLUMNS
    return {row["id"]: row for row in table.to_dict("records")}


def own(tmp_path: Path, text: str, found: Evidence, roots: list[Path] = []) -> dict[str, Any]:  # noqa: B006
    """The judgement of one claim that a user wrote."""
    file = tmp_path / "mine.yaml"
    file.write_text(f"claims: [{{id: mine, statement: It is so., {text}}}]")
    table = verdicts(claims([file])[-1:], found, "tiny", None, roots)
    return dict(table.to_dict("records")[0])


def by(**gains: float) -> Gain:
    """A gain for each single task; 0 for those not named, and for mixtures."""
    return lambda arm, target: gains.get(str(arm["tasks"]), 0.0)


@pytest.mark.parametrize(
    ("gain", "verdict"), [(3.0, "supported"), (-3.0, "contradicted"), (0.0, "undecided")]
)
def test_a_gain_is_its_direction(gain: float, verdict: str) -> None:
    row = registry(planted(by(mnli=gain)), "mnli-gain")["mnli-gain"]
    assert row["verdict"] == verdict
    assert row["effect"] == pytest.approx(gain, abs=0.3)
    assert row["low"] < row["effect"] < row["high"]
    assert "tiny" in row["scope"] and "9 of 9 targets" in row["scope"]
    assert "a2 on" in row["cells"]


@pytest.mark.parametrize(("gain", "verdict"), [(7.5, "supported"), (3.0, "contradicted")])
def test_the_size_of_a_gain_stands_on_a_line_of_its_own(gain: float, verdict: str) -> None:
    found = registry(planted(by(mnli=gain)), "mnli-gain")
    assert found["mnli-gain"]["verdict"] == "supported"
    assert found["mnli-gain.size"]["verdict"] == verdict
    assert found["mnli-gain.size"]["published"] == 7.5
    assert found["mnli-gain"]["published"] is None


@pytest.mark.parametrize(
    ("gaining", "others", "verdict"),
    [
        (9, 0.0, "supported"),
        (8, 0.0, "supported"),
        (7, 0.0, "undecided"),
        (7, -4.0, "contradicted"),
        (0, 0.0, "undecided"),
    ],
)
def test_almost_every_is_eight_of_nine_after_holm(
    gaining: int, others: float, verdict: str
) -> None:
    gains = {task: 4.0 if i < gaining else others for i, task in enumerate(NINE)}
    row = registry(planted(by(**gains)), "retrieval-dramatic-bucc")["retrieval-dramatic-bucc"]
    assert row["verdict"] == verdict
    assert f"{gaining} gain" in row["note"]


def test_each_retrieval_task_is_judged_by_itself() -> None:
    """What Tatoeba gains is no gain of BUCC's."""
    both = {t: (KINDS[t], "accuracy", XTREME.languages[t]) for t in ("bucc2018", "tatoeba")}
    found = planted(lambda arm, target: 9.0 if target == "tatoeba" else -1.0, targets=both)
    rows = registry(found, "retrieval-dramatic-bucc", "retrieval-dramatic-tatoeba")
    verdicts = {id: row["verdict"] for id, row in rows.items()}
    assert verdicts == {
        "retrieval-dramatic-bucc": "contradicted",
        "retrieval-dramatic-tatoeba": "supported",
    }


@pytest.mark.parametrize(
    ("gain", "verdict", "said"),
    [
        (0.0, "supported", "neither a gain nor a loss, shown to be within ±1"),
        (-4.0, "supported", "a loss, not shown to be within ±1"),
        (-0.5, "supported", "a loss, shown to be within ±1"),
        (0.5, "supported", "a gain, shown to be within ±1"),
        (4.0, "contradicted", "a gain, not shown to be within ±1"),
    ],
)
def test_no_benefit_is_equivalence_to_nothing_or_a_loss_and_the_note_says_which(
    gain: float, verdict: str, said: str
) -> None:
    row = registry(planted(by(**dict.fromkeys(NINE, gain))), "xnli-no-gain")["xnli-no-gain"]
    assert row["verdict"] == verdict and row["note"].startswith(said)


def test_a_mean_without_benefit_says_how_many_tasks_gain_and_lose() -> None:
    gains = {task: 5.0 if i < 4 else -4.0 for i, task in enumerate(NINE)}
    row = registry(planted(by(**gains)), "xnli-no-gain")["xnli-no-gain"]
    assert row["verdict"] == "supported" and "4 gain and 5 lose after Holm" in row["note"]


def test_an_effect_that_is_not_shown_is_no_absence_of_effects() -> None:
    """The interval covers 0 and leaves ±1: neither benefit nor none is told."""
    wide = planted(by(**dict.fromkeys(NINE, 1.0)))
    seeds = wide.rows["seed"].to_numpy(dtype=float)
    arm = (wide.rows["arm"] != wide.baseline).to_numpy()
    rows = wide.rows.assign(value=wide.rows["value"] + arm * (seeds - 2.5) * 2)
    row = registry(_with_rows(wide, rows), "xnli-no-gain")["xnli-no-gain"]
    assert row["verdict"] == "undecided" and row["low"] < 0 and row["high"] > 1


@pytest.mark.parametrize(
    ("together", "verdict"), [(6.0, "supported"), (1.0, "contradicted"), (3.0, "undecided")]
)
def test_best_is_a_probability(together: float, verdict: str) -> None:
    def gain(arm: Mapping[str, Any], target: str) -> float:
        if arm["tasks"] == ALL and not arm["mlm_share"] and not arm["language"]:
            return together
        return 3.0 if arm["tasks"] == "squad_v1" else 0.0

    row = registry(planted(gain), "multitask-best")["multitask-best"]
    assert row["verdict"] == verdict
    assert row["effect"] == pytest.approx(together, abs=0.3)


def test_best_of_hardly_any_arms_is_not_judged() -> None:
    found = planted(lambda arm, target: 6.0 if arm["tasks"] == ALL else 0.0)
    few = found.rows[found.rows["arm"].isin(["a0", "a2", "a10"])]
    row = registry(_with_rows(found, few), "multitask-best")["multitask-best"]
    assert row["verdict"] == "not measured" and "1 of its 9 tasks" in row["note"]


def test_best_leaves_out_no_arm_whose_seeds_are_not_finished() -> None:
    """An arm that gains more, but has no seed that all its cells have, is still a rival."""
    found = planted(lambda arm, _: {"squad_v1": 9.0, ALL: 6.0}.get(arm["tasks"], 0.0))
    early = found.rows["seed"] < 2
    odd = (found.rows["arm"] == "a5") & ((found.rows["target"] == "xnli") != early)
    row = registry(_with_rows(found, found.rows[~odd]), "multitask-best")["multitask-best"]
    assert row["verdict"] == "not measured" and "no three seeds" in row["note"]


@pytest.mark.parametrize(("added", "verdict"), [(-3.0, "supported"), (3.0, "contradicted")])
@pytest.mark.parametrize(
    ("id", "setting"), [("beats-mlm", MIXED), ("beats-translated", TRANSLATED)]
)
def test_plain_training_is_compared_with_its_versions(
    id: str, setting: dict[str, Any], added: float, verdict: str
) -> None:
    def gain(arm: Mapping[str, Any], target: str) -> float:
        version = all(arm[name] == value for name, value in setting.items())
        return 4.0 + (added if version else 0.0)

    found = registry(planted(gain), "beats-mlm", "beats-translated")
    row = found[id]
    assert row["verdict"] == verdict
    assert row["effect"] == pytest.approx(-added, abs=0.3)
    other = ({"beats-mlm", "beats-translated"} - {id}).pop()
    assert found[other]["verdict"] == "undecided"


def test_an_interval_that_holds_everything_says_so() -> None:
    found = planted(by(mnli=4.0))
    wide = dataclasses.replace(found, cells=_with_item_noise(found.cells, 5.0))
    row = registry(wide, "mnli-gain")["mnli-gain.size"]
    assert row["verdict"] == "supported" and "0 is inside" in row["note"]


def test_verdicts_speak_of_other_test_items_too() -> None:
    """Seeds agree, and the test items leave more than that open."""
    certain = planted(by(mnli=4.0))
    few_items = dataclasses.replace(certain, cells=_with_item_noise(certain.cells, 5.0))
    ids = ("mnli-gain", "multitask-best", "best-per-target")
    sure, unsure = registry(certain, *ids), registry(few_items, *ids)
    for id in ("mnli-gain", "best-per-target"):
        assert (sure[id]["verdict"], unsure[id]["verdict"]) == ("supported", "undecided")
    assert (sure["multitask-best"]["verdict"], unsure["multitask-best"]["verdict"]) == (
        "contradicted",
        "undecided",
    )


def test_of_four_versions_one_is_too_little() -> None:
    found = planted(by(mnli=2.0))
    few = found.rows[found.rows["arm"].isin(["a0", "a1", "a2", "a11"])]
    row = registry(_with_rows(found, few), "beats-mlm")["beats-mlm"]
    assert row["verdict"] == "not measured"


def test_three_translations_of_one_stage_are_one_stage_of_four(tmp_path: Path) -> None:
    versions = [{"tasks": "mnli"} | TRANSLATED | {"language": x} for x in ("de", "ru", "sw")]
    arms: list[dict[str, Any]] = [{"kind": "none"}, {"tasks": "mnli"}, *versions]
    found = evidence(arms, lambda arm, *_: 50.0 - 4 * bool(arm["language"]), targets=TARGETS)
    row = registry(found, "beats-translated")["beats-translated"]
    assert row["verdict"] == "not measured" and row["note"].startswith("16 %")
    row = own(tmp_path, "predicate: beats, instead: translated, targets: [xnli]", found)
    assert row["verdict"] == "supported"


@pytest.mark.parametrize(("gain", "verdict"), [(4.0, "supported"), (-4.0, "contradicted")])
def test_the_arm_for_each_target_is_chosen_on_english_dev(gain: float, verdict: str) -> None:
    """Dev data prefer MultiNLI whatever it does elsewhere."""

    def dev(arm: Mapping[str, Any]) -> float:
        return 60.0 if arm["tasks"] == "mnli" else 50.0

    row = registry(planted(by(mnli=gain, qqp=9.0), dev=dev), "best-per-target")["best-per-target"]
    assert row["verdict"] == verdict
    assert row["effect"] == pytest.approx(gain, abs=0.3)


def test_without_development_scores_no_choice_is_judged() -> None:
    row = registry(planted(by(mnli=4.0), dev=None), "best-per-target")["best-per-target"]
    assert (row["verdict"], row["effect"]) == ("not measured", None)


def test_arms_are_known_by_their_settings_and_not_by_their_names() -> None:
    found = planted(by(mnli=4.0))
    one, other = registry(found), registry(renamed(found))
    assert {k: v["verdict"] for k, v in one.items()} == {k: v["verdict"] for k, v in other.items()}


def test_under_half_of_its_scope_nothing_is_judged() -> None:
    found = planted(by(mnli=4.0))
    for targets, verdict in ((list(TARGETS)[:4], "not measured"), (list(TARGETS)[:8], "supported")):
        rows = found.rows[found.rows["target"].isin(targets)]
        assert registry(_with_rows(found, rows), "mnli-gain")["mnli-gain"]["verdict"] == verdict


def test_under_half_of_the_languages_nothing_is_judged() -> None:
    found = planted(by(**dict.fromkeys(NINE, 4.0)))
    for count, verdict in ((7, "not measured"), (8, "contradicted")):
        rows = found.rows[found.rows["language"].isin(XTREME.languages["xnli"][:count])]
        assert (
            registry(_with_rows(found, rows), "xnli-no-gain")["xnli-no-gain"]["verdict"] == verdict
        )


def test_cells_at_floor_are_not_measured() -> None:
    found = planted(by(**dict.fromkeys(NINE, 4.0)))
    rows = found.rows.assign(floor=90.0)
    judged = registry(
        _with_rows(found, rows), "mnli-gain", "xnli-no-gain", "multitask-best", "tydiqa-consistent"
    )
    assert {row["verdict"] for row in judged.values()} == {"not measured"}


def test_languages_of_the_laboratory_at_floor_are_not_measured() -> None:
    lab = {f"lab_{t}": (kind, "accuracy", ("en", "qab", "qda")) for t, kind in KINDS.items()}
    arms: list[dict[str, Any]] = [{"kind": "none"}, {"tasks": "lab_mnli"}]
    for alive, verdict in ((("en",), "not measured"), (("en", "qab"), "supported")):

        def score(arm: Mapping[str, Any], target: str, language: str) -> float:
            return 50.0 + 3 * bool(arm["tasks"]) if language in alive else 5.0  # noqa: B023

        row = registry(evidence(arms, score, targets=lab), "mnli-gain")["mnli-gain"]
        assert row["verdict"] == verdict


def test_a_scope_names_what_is_counted_and_no_more() -> None:
    found = planted(by(mnli=4.0))
    rows = found.rows[(found.rows["arm"] != "a2") | (found.rows["seed"] < 3)]
    rows = rows.assign(
        floor=rows["floor"].where(rows["target"] != "xnli", 90.0),
        split=rows["split"].where(rows["target"] != "panx", "dev"),
    )
    scope = registry(_with_rows(found, rows), "mnli-gain")["mnli-gain"]["scope"]
    assert scope.startswith("8 of 9 targets, ") and scope.endswith("; tiny; 3 seeds")
    assert "of dev and test" in scope


def test_without_a_seed_that_all_cells_have_nothing_is_judged() -> None:
    found = planted(by(mnli=4.0))
    rows = found.rows[(found.rows["arm"] != "a2") | (found.rows["seed"] < 2)]
    other = (rows["target"] == "xnli") != (rows["seed"] == 0)
    rows = rows[(rows["arm"] != "a2") | other]
    row = registry(_with_rows(found, rows), "mnli-gain")["mnli-gain"]
    assert (row["verdict"], row["note"]) == ("not measured", "its cells have no seed in common")


def test_without_the_baselines_scores_nothing_is_judged() -> None:
    found = planted(by(mnli=4.0))
    rows = registry(_with_rows(found, found.rows[found.rows["arm"] != "a0"]))
    beats = {id: row["verdict"] for id, row in rows.items() if id.startswith("beats")}
    assert set(beats.values()) == {"undecided"}  # versions need no baseline
    rest = {row["verdict"] for id, row in rows.items() if id not in beats}
    assert rest == {"not measured", "reported by the source"}


def test_verdicts_are_told_without_same_data_cells_and_collapsed_seeds() -> None:
    found = planted(lambda arm, target: 20.0 if target == "xnli" else 1.0)
    plain = registry(found, "mnli-gain")["mnli-gain"]
    assert "without" not in str(plain["note"])
    same = dataclasses.replace(found, same_data=frozenset({("a2", "xnli")}))
    row = registry(same, "mnli-gain", "hellaswag-gain")
    assert "without same-data cells supported +1." in row["mnli-gain"]["note"]
    assert row["mnli-gain"]["effect"] == plain["effect"]
    assert "without" not in str(row["hellaswag-gain"]["note"])
    rows = found.rows
    fallen = (rows["arm"] == "a2") & (rows["target"] == "xnli") & (rows["seed"] == 4)
    collapsed = _with_rows(found, rows.assign(value=rows["value"].mask(fallen, 5.0)))
    row = registry(collapsed, "mnli-gain")["mnli-gain"]
    assert "without collapsed seeds supported +3." in row["note"]


def test_below_three_seeds_there_is_an_effect_and_no_verdict() -> None:
    row = registry(planted(by(mnli=4.0), seeds=(0, 1)), "mnli-gain")["mnli-gain"]
    assert row["verdict"] == "not measured" and row["effect"] == pytest.approx(4.0, abs=0.5)
    assert row["low"] is None and "2 seeds" in row["note"]


def test_without_any_result_every_line_is_there_and_none_is_judged() -> None:
    found = planted(by(mnli=4.0))
    nothing = _with_rows(found, found.rows[:0])
    rows = registry(dataclasses.replace(nothing, stages=found.stages[:0]))
    assert {row["verdict"] for row in rows.values()} == {"not measured", "reported by the source"}
    assert rows["start-xlmr-large"]["verdict"] == "reported by the source"


def test_the_laboratory_stands_in_for_directions_and_never_for_sizes() -> None:
    lab = {f"lab_{t}": (kind, "accuracy", ("en", "qab")) for t, kind in KINDS.items()}
    arms: list[dict[str, Any]] = [{"kind": "none"}, {"tasks": "lab_mnli"}]
    found = evidence(arms, lambda arm, *_: 57.5 if arm["tasks"] else 50.0, targets=lab)
    rows = registry(found, "mnli-gain")
    assert rows["mnli-gain"]["verdict"] == "supported"
    assert "laboratory" in rows["mnli-gain"]["scope"]
    assert rows["mnli-gain.size"]["verdict"] == "not measured"


@pytest.mark.parametrize("measured", [True, False])
def test_a_question_has_the_answer_of_its_study(measured: bool) -> None:
    answer = "Layers 1 to 4 carry it." if measured else "Not measured: no frozen arm."
    finding = Finding(study="layers", answer=answer, measured=measured)
    rows = registry(planted(by(mnli=4.0)), "rq-layers", "rq-gap", finding=finding)
    assert rows["rq-layers"]["verdict"] == ("answered" if measured else "not measured")
    assert rows["rq-layers"]["note"] == answer
    assert rows["rq-gap"]["verdict"] == "not measured"


def test_sizes_are_told_by_counting_files(release: Path, tmp_path: Path) -> None:
    found = planted(by())
    text = "predicate: examples, task: hellaswag, split: train, published: "
    count = own(tmp_path, text + "1", found, [release])["effect"]
    assert count > 1
    row = own(tmp_path, text + str(count), found, [release])
    assert row["verdict"] == "not measured" and "39,905" in row["note"]  # a part of the release
    assert own(tmp_path, text + "1", found)["verdict"] == "not measured"  # no folder at all


def test_a_whole_release_contradicts_another_number(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "rte"
    folder.mkdir(parents=True)
    lines = [f"{i}\tA man sleeps.\tA man rests.\tentailment" for i in range(2490)]
    (folder / "train.tsv").write_text("\n".join(["index\tsentence1\tsentence2\tlabel", *lines]))
    text = "predicate: examples, task: rte, published: "
    for published, verdict in ((2490, "supported"), (2491, "contradicted")):
        row = own(tmp_path, text + str(published), planted(by()), [tmp_path / "data"])
        assert (row["verdict"], row["effect"]) == (verdict, 2490)


def test_fewer_examples_contradict_nothing_where_nobody_knows_the_releases_number(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data" / "ud"
    folder.mkdir(parents=True)
    row = "1\tDogs\tdog\tNOUN\t_\t_\t0\troot\t_\t_\n\n"
    (folder / "en_x-ud-train.conllu").write_text(row * 2)
    text = "predicate: examples, task: ud_supertags, published: "
    for published, verdict in ((1, "contradicted"), (2, "supported"), (3, "not measured")):
        found = own(tmp_path, text + str(published), planted(by()), [tmp_path / "data"])
        assert (found["verdict"], found["effect"]) == (verdict, 2)


def test_training_data_that_are_there_contradict_that_there_are_none(
    release: Path, tmp_path: Path
) -> None:
    text = "predicate: untrained, tasks: "
    found = planted(by())
    assert own(tmp_path, text + "[tatoeba]", found, [release])["verdict"] == "supported"
    assert own(tmp_path, text + "[tatoeba]", found)["verdict"] == "not measured"
    assert own(tmp_path, text + "[xnli]", found, [release])["verdict"] == "contradicted"


def test_languages_are_counted_by_their_files(release: Path, tmp_path: Path) -> None:
    text = "predicate: languages, tasks: [tatoeba], published: "
    found = planted(by())
    row = own(tmp_path, text + "36", found, [release])
    assert row["verdict"] == "not measured" and row["effect"] > 0
    assert own(tmp_path, f"{text}{row['effect']}", found, [release])["verdict"] == "supported"


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("claims: [{id: x, statement: S., predicate: gane}]", UnknownNameError, "'gain'"),
        (
            "claims: [{id: x, statement: S., predicate: gain, task: [mnli]}]",
            UnknownNameError,
            "key",
        ),
        (
            "claims: [{id: x, statement: S., predicate: gain, tasks: [mnly], targets: [xnli]}]",
            UnknownNameError,
            "'mnli'",
        ),
        (
            "claims: [{id: x, statement: S., predicate: gain, tasks: [mnli]}]",
            RecipeError,
            "targets",
        ),
        (
            "claims: [{id: mnli-gain, statement: S., predicate: reported}]",
            RecipeError,
            "Two claims",
        ),
        ("claims: gain", RecipeError, "no list of claims"),
        ("claim: []", UnknownNameError, "'claims'"),
        ("claims: [", RecipeError, "not YAML"),
    ],
)
def test_a_slip_in_a_users_claims_is_told_with_its_place(
    text: str, error: type[Exception], said: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(error) as raised:
        claims([file])
    assert said in str(raised.value) and str(file) in str(raised.value)
    assert all(word in str(raised.value) for word in ("where:", "expected:", "do:"))


def test_a_file_of_claims_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        claims([tmp_path / "none.yaml"])


def test_every_claim_of_the_registry_names_its_source_and_each_predicate_is_used() -> None:
    every = claims()
    assert all(claim.source and claim.source_verdict for claim in every)
    assert {claim.predicate for claim in every} == set(PREDICATES)


@pytest.mark.parametrize("format", ["table", "csv", "json"])
def test_verdicts_are_printed_in_three_forms(format: str) -> None:
    table = verdicts(claims()[1:4], planted(by(mnli=4.0)), "tiny", None, [])
    text = claims_text(table, format)
    assert text.count("mnli-gain.size") == 1 and "nan" not in text.lower().split()
    if format == "json":
        assert [row["id"] for row in json.loads(text)] == list(table["id"])


def test_of_two_encoders_every_line_says_which() -> None:
    found = planted(by(mnli=4.0))
    one, other = (verdicts(claims()[1:4], found, name, None, []) for name in ("tiny", "small"))
    both = claims_text(pd.concat([one, other]))
    assert both.count("encoder: tiny") == both.count("encoder: small") == len(one)
    assert "encoder:" not in claims_text(one)
    assert set(one["encoder"]) == {"tiny"}


def _with_rows(found: Evidence, rows: pd.DataFrame) -> Evidence:
    from xstilts.stats.gains import cells

    return dataclasses.replace(
        found, rows=rows, cells=cells(rows, found.main_metrics, found.baseline)
    )


def _with_item_noise(cells: pd.DataFrame, size: float) -> pd.DataFrame:
    """Other test items move all cells and seeds of an arm alike."""
    rng = np.random.default_rng(3)
    noise = {arm: rng.normal(0, size, 500) for arm in cells["arm"].unique()}
    draws = [
        tuple((seed, gain + noise[arm]) for seed, gain in gains)
        for arm, gains in zip(cells["arm"], cells["seed_gains"], strict=True)
    ]
    return cells.assign(item_draws=pd.Series(draws, cells.index, dtype=object))
