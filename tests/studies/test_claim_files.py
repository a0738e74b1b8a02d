"""Claims about files, claims that users write, and how verdicts are printed."""

import json
from pathlib import Path

import pandas as pd
import pytest
from planted_claims import by, own, planted, registry

from xstilts.core.errors import RecipeError, UnknownNameError
from xstilts.reports.claims import claims_text
from xstilts.studies.claims import PREDICATES, claims
from xstilts.studies.finding import Finding
from xstilts.studies.verdicts import verdicts


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
