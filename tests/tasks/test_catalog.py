"""One set of checks over every task of the catalogue: a new task is tested when it exists."""

import re

import langcodes
import pytest

from xstilts.data.readers import READERS
from xstilts.tasks import get_task, task_names
from xstilts.tasks.variants import VARIANTS

METRICS = {"accuracy", "macro_f1", "f1", "exact_match", "em_f1", "map@20", "recall@1", "xsim"}
INTERMEDIATE = (
    "anli anli_plus anli_plus_mini ccg commonsenseqa copa cosmosqa hellaswag mnli qqp rte sick "
    "siqa snli squad_v1 squad_v1_retrieval squad_v2 ud_supertags"
)
XTREME = "bucc2018 mlqa panx pawsx tatoeba tydiqa udpos xnli xquad"
XTREME_R = "lareqa mewslix mewslix_pairs xcopa"
LOW_RESOURCE = "americasnli klue_nli masakhaner2 masakhapos sib200"
ALIGNED = "ntrex"
LAB = (
    "anli_plus bucc2018 ccg commonsenseqa copa cosmosqa hellaswag lareqa mewslix mewslix_pairs "
    "mlqa mnli panx pawsx qqp squad_v1 squad_v1_retrieval squad_v2 tatoeba tydiqa udpos xcopa "
    "xnli xquad"
)
SHIPPED = {*f"{INTERMEDIATE} {XTREME} {XTREME_R} {LOW_RESOURCE} {ALIGNED}".split()}
SHIPPED |= {f"lab_{name}" for name in LAB.split()} | {*VARIANTS}
UNTRAINED = ("retrieval", "mining")
every_task = pytest.mark.parametrize("name", task_names())


def test_every_task_of_the_study_is_in_the_catalogue():
    assert set(task_names()) == SHIPPED


@every_task
def test_a_declaration_tells_readers_what_it_is_of(name):
    task = get_task(name)
    assert all((task.about, task.citation, task.license, task.floor))
    assert not task.beside


@every_task
def test_a_declaration_carries_the_name_of_its_file(name):
    assert get_task(name).name == name


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_its_task_with_one_knob_turned_and_files_of_its_own(name):
    task = get_task(name)
    other = get_task(task.variant_of)
    turned = {k for k in other.knobs | task.knobs if task.knobs.get(k) != other.knobs.get(k)}
    assert len(turned) == 1
    assert name.startswith(f"{other.name}_{turned.pop()}_")
    assert task.files[0].folders == (name,)
    told = {"name", "about", "knobs", "variant_of", "train", "files", "labels", "sizes"}
    same = [one.model_dump(exclude=told) for one in (task, other)]
    assert same[0] == same[1]
    assert task.labels == other.labels[: task.knobs.get("labels", len(other.labels))]
    times = int(task.knobs.get("times", 1))
    assert task.sizes.train == times * other.sizes.train
    assert (task.sizes.dev, task.sizes.test) == (other.sizes.dev, other.sizes.test)


@every_task
def test_a_task_is_trained_on_a_task_of_its_kind_with_the_same_labels(name):
    task = get_task(name)
    if task.kind in UNTRAINED:
        assert task.train is None
        return
    assert task.train is not None
    source = get_task(task.train)
    assert source.train == source.name, "the source of training data must have its own"
    shape = (task.kind, task.labels, task.open_labels, task.choices)
    assert (source.kind, source.labels, source.open_labels, source.choices) == shape
    assert "en" in source.languages
    assert "train" in source.splits


@every_task
def test_parts_are_whole_tasks_with_the_same_labels(name):
    task = get_task(name)
    for parts in task.parts.values():
        for part, split in parts.items():
            other = get_task(part)
            assert (other.kind, other.labels, other.parts) == (task.kind, task.labels, {})
            assert split in other.splits


@every_task
def test_languages_are_shortest_codes_that_langcodes_knows(name):
    for language in get_task(name).languages:
        assert re.fullmatch(r"[a-z]{2,3}(-[A-Z][a-z]{3})?", language)
        assert langcodes.tag_is_valid(language), language
        assert langcodes.Language.get(language, normalize=False).to_tag() == language


@every_task
def test_metrics_are_known_ones(name):
    assert set(get_task(name).metrics) <= METRICS


@every_task
def test_the_reported_split_has_files(name):
    task = get_task(name)
    assert task.score in task.splits


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
            together = ("xnli_tsv", "mewslix_jsonl")
            one_file_for_all = files.format in together or len(task.languages) == 1
            english_side = re.search(r"(^|\.)eng?(\.|$)", pattern)
            assert "{code}" in pattern or one_file_for_all or english_side
        for folder in files.folders:
            assert re.fullmatch(r"\.|[\w.-]+(?:/[\w.-]+)*", folder)
            assert ".." not in folder
        assert set(files.codes) <= set(task.languages)


@every_task
def test_files_in_codes_of_their_own_give_every_language_one(name):
    task = get_task(name)
    for files in task.files:
        if files.codes and files.format != "aligned_lines":  # named by our codes, but for some
            assert set(files.codes) == set(task.languages)
            assert len(set(files.codes.values())) == len(files.codes)


@every_task
def test_every_format_has_a_reader(name):
    assert {files.format for files in get_task(name).files} <= set(READERS)


@every_task
def test_sizes_are_of_languages_that_the_task_has(name):
    task = get_task(name)
    assert {*task.sizes.dev, *task.sizes.test} <= {*task.languages, "default"}


def test_sizes_are_told_by_split_and_language_and_nothing_is_guessed():
    sizes = get_task("mlqa").sizes
    assert (sizes.of("dev", "de"), sizes.of("test", "en")) == (512, 11590)
    assert get_task("xnli").sizes.of("dev", "sw") == 2490
    assert get_task("udpos").sizes.of("test", "pl") is None
    assert get_task("tydiqa").sizes.of("dev", "bn") is None
    sib = get_task("sib200").sizes
    assert (sib.of("train", "en"), sib.of("train", "sw")) == (701, None)


@every_task
def test_an_unpinned_hub_copy_is_not_called_verified(name):
    hub = get_task(name).hub
    assert hub is None or hub.revision or not hub.verified


def test_the_nli_tasks_agree_on_labels_and_their_order():
    labels = ("contradiction", "entailment", "neutral")
    names = ("mnli", "xnli", "snli", "anli", "anli_plus", "anli_plus_mini", "sick", "americasnli")
    assert {get_task(n).labels for n in (*names, "klue_nli")} == {labels}


def test_anli_plus_is_as_large_as_its_parts():
    task = get_task("anli_plus")
    parts = [get_task(name).sizes.train for name in task.parts["train"]]
    assert sum(parts) == task.sizes.train == 1_104_934


def test_the_open_tag_sets_list_no_tags():
    assert [n for n in task_names() if get_task(n).open_labels] == [
        "ccg",
        "lab_ccg",
        "ud_supertags",
    ]


def test_squads_development_sets_are_marked_as_holding_xquad():
    for name in ("squad_v1", "squad_v1_retrieval", "squad_v2"):
        assert get_task(name).dev_overlaps == ("xquad", "lareqa")


def test_language_counts_are_xtremes_and_xtreme_rs():
    counts = {
        n: len(get_task(n).languages) for n in ("xnli", "pawsx", "mlqa", "tydiqa", "bucc2018")
    }
    assert counts == {"xnli": 15, "pawsx": 7, "mlqa": 7, "tydiqa": 9, "bucc2018": 4}
    assert len(get_task("udpos").languages) == 33 + 5
    assert len(get_task("panx").languages) == 40 + 8
    assert len(get_task("xquad").languages) == 11 + 1
    assert len(get_task("tatoeba").languages) == 36 + 5 + 1  # Mongolian is ours
    assert [len(get_task(n).languages) for n in ("xcopa", "lareqa", "mewslix")] == [11, 11, 11]


def test_language_counts_of_the_low_resource_tasks_are_their_releases():
    counts = {n: len(get_task(n).languages) for n in LOW_RESOURCE.split()}
    assert counts == {
        "americasnli": 10,
        "klue_nli": 1,
        "masakhaner2": 20,
        "masakhapos": 20,
        "sib200": 205,
    }


def test_tag_sets_are_the_seventeen_universal_ones_and_panx_seven():
    assert len(get_task("udpos").labels) == 17
    assert sorted(get_task("panx").labels) == [
        *(f"B-{kind}" for kind in ("LOC", "ORG", "PER")),
        *(f"I-{kind}" for kind in ("LOC", "ORG", "PER")),
        "O",
    ]
