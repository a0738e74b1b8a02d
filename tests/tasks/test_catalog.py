"""One set of checks over every task of the catalogue: a new task is tested when it exists."""

import re

import langcodes
import pytest

from xstilts.data.readers import READERS
from xstilts.tasks import get_task, task_names

METRICS = {"accuracy", "f1", "exact_match", "em_f1", "map@20", "recall@1", "xsim"}
SHIPPED = {
    "anli_plus",
    "bucc2018",
    "ccg",
    "commonsenseqa",
    "cosmosqa",
    "hellaswag",
    "mlqa",
    "mnli",
    "panx",
    "pawsx",
    "qqp",
    "squad_v1",
    "squad_v2",
    "tatoeba",
    "tydiqa",
    "udpos",
    "xnli",
    "xquad",
}
every_task = pytest.mark.parametrize("name", task_names())


def test_the_papers_tasks_and_targets_are_in_the_catalogue():
    assert set(task_names()) >= SHIPPED


@every_task
def test_a_declaration_carries_the_name_of_its_file(name):
    assert get_task(name).name == name


@every_task
def test_a_task_is_trained_on_a_task_of_its_kind_with_the_same_labels(name):
    task = get_task(name)
    if task.kind in ("retrieval", "mining"):
        assert task.train is None
        return
    assert task.train is not None
    source = get_task(task.train)
    assert source.train == source.name, "the source of training data must have its own"
    assert (source.kind, source.labels) == (task.kind, task.labels)
    assert "en" in source.languages
    assert any("train" in files.names for files in source.files)


@every_task
def test_languages_are_shortest_codes_that_langcodes_knows(name):
    for language in get_task(name).languages:
        assert re.fullmatch(r"[a-z]{2,3}", language)
        assert langcodes.tag_is_valid(language), language
        assert langcodes.Language.get(language, normalize=False).to_tag() == language


@every_task
def test_metrics_are_known_ones(name):
    assert set(get_task(name).metrics) <= METRICS


@every_task
def test_the_reported_split_has_files(name):
    task = get_task(name)
    assert any(task.score in files.names for files in task.files)


@every_task
def test_tasks_named_as_overlapping_exist(name):
    assert set(get_task(name).dev_overlaps) <= set(task_names())


@every_task
def test_file_patterns_are_well_formed(name):
    task = get_task(name)
    for files in task.files:
        assert files.names
        for pattern in (p for patterns in files.names.values() for p in patterns):
            assert re.fullmatch(r"(?:[\w.*-]|\{code\})+(?:/(?:[\w.*-]|\{code\})+)*", pattern)
            one_file_for_all = files.format == "xnli_tsv" or len(task.languages) == 1
            assert "{code}" in pattern or one_file_for_all or pattern.endswith(".eng")
        for folder in files.folders:
            assert re.fullmatch(r"\.|[\w.-]+(?:/[\w.-]+)*", folder)
            assert ".." not in folder
        assert set(files.codes) <= set(task.languages)


@every_task
def test_files_in_codes_of_their_own_give_every_language_one(name):
    task = get_task(name)
    for files in task.files:
        if files.codes:
            assert set(files.codes) == set(task.languages)
            assert len(set(files.codes.values())) == len(files.codes)


@every_task
def test_every_format_of_a_task_with_examples_has_a_reader(name):
    task = get_task(name)
    if task.kind != "mining":
        assert {files.format for files in task.files} <= set(READERS)


@every_task
def test_tables_with_a_header_say_which_columns_are_read(name):
    for files in get_task(name).files:
        if files.format == "glue_tsv":
            assert set(files.columns) == {"id", "first", "second", "label"}


@every_task
def test_sizes_are_of_languages_that_the_task_has(name):
    task = get_task(name)
    assert set(task.sizes.test) <= {*task.languages, "default"}


@every_task
def test_an_unpinned_hub_copy_is_not_called_verified(name):
    hub = get_task(name).hub
    assert hub is None or hub.revision or not hub.verified


def test_the_nli_tasks_agree_on_labels_and_their_order():
    labels = ("contradiction", "entailment", "neutral")
    assert [get_task(n).labels for n in ("mnli", "xnli", "anli_plus")] == [labels] * 3


def test_squads_development_sets_are_marked_as_holding_xquad():
    assert "xquad" in get_task("squad_v1").dev_overlaps
    assert "xquad" in get_task("squad_v2").dev_overlaps


def test_language_counts_are_xtremes_and_xtreme_rs():
    counts = {
        n: len(get_task(n).languages) for n in ("xnli", "pawsx", "mlqa", "tydiqa", "bucc2018")
    }
    assert counts == {"xnli": 15, "pawsx": 7, "mlqa": 7, "tydiqa": 9, "bucc2018": 4}
    assert len(get_task("udpos").languages) == 33 + 5
    assert len(get_task("panx").languages) == 40 + 8
    assert len(get_task("xquad").languages) == 11 + 1
    assert len(get_task("tatoeba").languages) == 36 + 5 + 1  # Mongolian is ours


def test_tag_sets_are_the_seventeen_universal_ones_and_panx_seven():
    assert len(get_task("udpos").labels) == 17
    assert sorted(get_task("panx").labels) == [
        *(f"B-{kind}" for kind in ("LOC", "ORG", "PER")),
        *(f"I-{kind}" for kind in ("LOC", "ORG", "PER")),
        "O",
    ]
