"""Slices of kinds with more than one table, and of tasks that are made of others."""

import json

import pytest
from release_rows import (
    BUCC,
    MNLI_HEAD,
    mewsli_entity,
    mewsli_mention,
    mnli_row,
    question,
    xquad_r,
)

from xstilts.core.context import Context
from xstilts.core.errors import DataError, RecipeError
from xstilts.core.spec import digest
from xstilts.data.read import read, read_examples
from xstilts.phases.loading import load
from xstilts.phases.slices import Files, refuse_overlap, scored, trained
from xstilts.phases.workplace import Workplace
from xstilts.tasks import get_task
from xstilts.tasks.examples import Candidate, Query


@pytest.fixture
def put(tmp_path):
    def run(name, content):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    return run


@pytest.fixture
def files(tmp_path):
    return Files(Workplace.of(tmp_path / "store", tmp_path / "data"))


@pytest.fixture
def build(tmp_path, files):
    """Run the stage `read` on a slice; gives its record and its examples."""

    def run(data):
        folder = tmp_path / digest(data.payload)
        folder.mkdir()
        value = read(data, {}, folder, Context(sources=files.sources))
        return value, read_examples(folder, data.kind)

    return run


@pytest.fixture
def nli(put):
    """What `anli_plus_mini` is trained on, two premises shared by two of its parts."""

    def row(i, premise):
        fields = {"pairID": f"{i}", "sentence1": premise, "sentence2": "B."}
        return json.dumps(fields | {"gold_label": "neutral"})

    put("snli/snli_1.0_dev.jsonl", "\n".join(row(i, f"Premise {i}.") for i in range(60)))
    put("snli/snli_1.0_test.jsonl", row("t", "Another."))
    rows = [mnli_row(f"{i}", f"Premise {i + 50}.", "C.", "entailment") for i in range(60)]
    put("mnli/train.tsv", MNLI_HEAD + "".join(rows))
    for n in (1, 2, 3):
        row_ = {"uid": f"u{n}", "context": f"Round {n}.", "hypothesis": "D.", "label": "c"}
        put(f"anli/R{n}/dev.jsonl", json.dumps(row_))


def test_the_examples_of_all_parts_are_one_set_with_one_head(nli, files, build):
    data = files.slice(get_task("anli_plus_mini"), "train", "en")
    assert [(p.task, p.split, p.format) for p in data.parts] == [
        ("snli", "dev", "nli_jsonl"),
        ("mnli", "train", "glue_tsv"),
        ("anli", "dev", "nli_jsonl"),
    ]
    value, examples = build(data)
    assert (value["n"], len(value["files"])) == (123, 5)
    assert [examples[i].id for i in (0, 60, 120)] == ["snli:0", "mnli:0", "anli:0:u1"]
    assert {e.label for e in examples} == {"neutral", "entailment", "contradiction"}


def test_a_premise_of_two_parts_stands_on_one_side_of_a_carving(nli, files, build):
    recipe = load("first-light", ["targets=[snli]", "arms={none: []}"])
    both = trained(recipe, "anli_plus_mini", files, {})
    assert both.origin == "carved from the train file: no official dev split is here"
    train, held = (build(side)[1] for side in (both.train, both.held))
    assert len(train) + len(held) == 123 and held
    assert not {e.group for e in train} & {e.group for e in held}


def test_training_on_a_part_that_is_reported_is_refused(nli, files):
    recipe = load("first-light", ["targets=[snli]", "tasks.snli.score={from: dev}"])
    training = trained(recipe, "anli_plus_mini", files, {})
    with pytest.raises(RecipeError, match="anli_plus_mini trains or selects on a file that snli"):
        refuse_overlap(training.slices, scored(recipe, "snli", files))
    official = load("first-light", ["targets=[snli]"])
    refuse_overlap(training.slices, scored(official, "snli", files))


def test_a_missing_part_is_named(nli, files, tmp_path):
    (tmp_path / "data/anli/R2/dev.jsonl").unlink()
    files.slice(get_task("anli_plus_mini"), "train", "en")
    (line,) = files.absent
    assert line.startswith("anli dev en: anli/R1/dev.jsonl + anli/R2/dev.jsonl")


def test_a_row_of_a_part_is_refused_with_its_own_file(nli, files, build, put, tmp_path):
    put("anli/R2/dev.jsonl", '{"uid": "1", "context": "a", "hypothesis": "b", "label": "?"}')
    with pytest.raises(DataError, match="no label of anli") as caught:
        build(files.slice(get_task("anli_plus_mini"), "train", "en"))
    assert caught.value.where == f"{tmp_path / 'data/anli/R2/dev.jsonl'}:1"


def test_questions_are_drawn_and_candidates_never(put, files, build):
    asked = [question(f"q{i}", "mill", 4) for i in range(9)]
    put("lareqa/xquad-r/en.json", json.dumps(xquad_r(*asked)))
    value, rows = build(files.slice(get_task("lareqa"), "test", "en", sample=4))
    assert value["n"] == 4
    assert [type(r) for r in rows] == [Query] * 4 + [Candidate] * 3
    assert all(r.gold == ("en_1_0",) for r in rows[:4])
    assert rows[4].text == "The mill is old."


def test_mentions_of_one_language_are_ranked_against_all_entities(put, files, build):
    put("mewslix/wikinews_mentions-test.jsonl", mewsli_mention() + "\n" + mewsli_mention("de"))
    put("mewslix/candidate_set_entities.jsonl", mewsli_entity() + "\n" + mewsli_entity("Q6"))
    value, rows = build(files.slice(get_task("mewslix"), "test", "de"))
    assert value["n"] == 1
    assert [r.id for r in rows] == ["de-7", "Q5", "Q6"]


def test_sentences_to_be_mined_keep_side_and_gold(put, files, build):
    for name, content in zip(("zh", "en", "gold"), BUCC, strict=True):
        put(f"bucc2018/zh-en.dev.{name}", content)
    value, rows = build(files.slice(get_task("bucc2018"), "dev", "zh"))
    assert value["n"] == 1  # gold pairs
    assert [(r.side, r.gold) for r in rows][:2] == [("source", ("en-000000002",)), ("source", ())]
    assert [r.side for r in rows].count("target") == 2
    sampled = load("first-light", ["targets=[bucc2018]", "tasks.bucc2018.score={sample: 2}"])
    with pytest.raises(RecipeError, match="cannot be sampled"):
        scored(sampled, "bucc2018", files)


def test_no_slice_of_the_older_formats_is_named_anew(files):
    data = files.slice(get_task("xnli"), "test", "de")
    assert not {"parts", "rename", "codes"} & set(json.loads(data.payload))
