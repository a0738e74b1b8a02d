"""Finding files in data folders, and telling which of them can be used."""

import csv
import json
import os
import time
from pathlib import Path

import pytest
from release_rows import BUCC

from xstilts.data.files import check, expected, find, has_gold, present
from xstilts.tasks import get_task, task_names

XNLI = get_task("xnli")
UDPOS = get_task("udpos")
CONLLU = "1\tHola\thola\tINTJ\t_\t_\t0\troot\t_\t_\n"


@pytest.fixture
def put(tmp_path):
    """Write a file under the data folder."""

    def run(name, content="a\tb\tneutral\n"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    return run


def test_a_file_is_found_by_folder_and_release_name(put, tmp_path):
    path = put("xnli/dev-sw.tsv")
    found = find(XNLI, "dev", "sw", [tmp_path])
    assert found is not None
    assert found.paths == (path,)
    assert found.files.format == "pair_tsv"


def test_nothing_is_found_where_nothing_is(put, tmp_path):
    put("xnli/dev-sw.tsv")
    assert find(XNLI, "dev", "de", [tmp_path]) is None
    assert find(XNLI, "train", "sw", [tmp_path]) is None
    assert find(XNLI, "dev", "sw", [tmp_path / "xnli"]) is None
    assert find(XNLI, "dev", "sw", [tmp_path / "none", tmp_path / "xnli/dev-sw.tsv"]) is None
    assert find(XNLI, "dev", "sw", []) is None


@pytest.mark.parametrize("releases", [("2.5", "2.7"), ("2.5",), ("2.7",)])
def test_treebanks_are_those_of_the_release_that_each_language_was_taken_from(
    put, tmp_path, releases
):
    """XTREME's 33 languages are UD 2.5; lt, pl, ro, uk and wo came with XTREME-R, from UD 2.7."""
    later = {"lt", "pl", "ro", "uk", "wo"}
    for release in releases:
        for code in UDPOS.languages:
            put(f"ud-treebanks-v{release}/UD_{code}-X/{code}_x-ud-test.conllu", CONLLU)
    there = {x: find(UDPOS, "test", x, [tmp_path]) for x in UDPOS.languages}
    taken = {x: f.paths[0].relative_to(tmp_path).parts[0][-3:] for x, f in there.items() if f}
    right = {x: "2.7" if x in later else "2.5" for x in UDPOS.languages}
    assert taken == {x: release for x, release in right.items() if release in releases}
    assert not [x for x in expected(UDPOS, "test", "uk") if "v2.5" in x]
    assert not [x for x in expected(UDPOS, "test", "de") if "v2.7" in x]


def test_a_file_is_seen_as_soon_as_it_is_written(put, tmp_path):
    put("xnli/other.txt")
    assert find(XNLI, "dev", "sw", [tmp_path]) is None
    put("xnli/dev-sw.tsv")
    assert find(XNLI, "dev", "sw", [tmp_path]) is not None


def test_a_folder_that_changed_long_ago_is_listed_again_when_it_changes(put, tmp_path):
    put("xnli/other.txt")
    os.utime(tmp_path / "xnli", (1, 1))
    assert find(XNLI, "dev", "sw", [tmp_path]) is None
    put("xnli/dev-sw.tsv")
    assert find(XNLI, "dev", "sw", [tmp_path]) is not None


def test_the_first_data_folder_wins_over_the_better_release(put, tmp_path):
    put("a/xnli/xnli.dev.tsv")
    second = put("b/xnli/dev-sw.tsv")
    both = [tmp_path / "a", tmp_path / "b"]
    assert find(XNLI, "dev", "sw", both).files.format == "xnli_tsv"
    assert find(XNLI, "dev", "sw", both[::-1]).paths == (second,)


def test_the_release_with_gold_is_looked_for_before_xtremes_stripped_tests(put, tmp_path):
    put("xnli/test-sw.tsv", "a\tb\n")
    assert present(XNLI, "test", [tmp_path]) == ()
    official = put("XNLI-1.0/xnli.test.tsv")
    assert find(XNLI, "test", "sw", [tmp_path]).paths == (official,)


def test_tagging_tests_come_from_treebanks_and_training_files_from_xtreme(put, tmp_path):
    put("udpos_xtreme/test-en.tsv", "Hello\n")
    training = put("udpos_xtreme/train-en.tsv", "Hello\tINTJ\n")
    put("ud/en_ewt-ud-train.conllu", CONLLU)
    test = put("ud/en_ewt-ud-test.conllu", CONLLU)
    assert find(UDPOS, "train", "en", [tmp_path]).paths == (training,)
    assert find(UDPOS, "test", "en", [tmp_path]).paths == (test,)


def test_all_treebanks_of_a_language_are_taken_in_sorted_order(put, tmp_path):
    last = put("ud-treebanks-v2.5/UD_French-Sequoia/fr_sequoia-ud-test.conllu", CONLLU)
    first = put("ud-treebanks-v2.5/UD_French-GSD/fr_gsd-ud-test.conllu", CONLLU)
    put("ud-treebanks-v2.5/UD_Old_French-SRCMF/fro_srcmf-ud-test.conllu", CONLLU)
    assert find(UDPOS, "test", "fr", [tmp_path]).paths == (first, last)


def test_files_that_belong_together_are_found_together_or_not_at_all(put, tmp_path):
    tatoeba = get_task("tatoeba")
    swahili = put("tatoeba/tatoeba.swh-eng.swh", "Ndiyo.\n")
    assert find(tatoeba, "test", "sw", [tmp_path]) is None
    english = put("tatoeba/tatoeba.swh-eng.eng", "Yes.\n")
    assert find(tatoeba, "test", "sw", [tmp_path]).paths == (swahili, english)


def test_a_task_made_of_others_is_there_when_every_part_is(put, tmp_path):
    anli = get_task("anli_plus")
    row = {"pairID": "1", "sentence1": "a", "sentence2": "b", "gold_label": "neutral"}
    adversarial = {"uid": "1", "context": "a", "hypothesis": "b", "label": "n"}
    put("snli/snli_1.0_train.jsonl", json.dumps(row))
    put("mnli/multinli_1.0_train.jsonl", json.dumps(row))
    for n in (1, 2, 3):
        assert find(anli, "train", "en", [tmp_path]) is None
        put(f"anli/R{n}/train.jsonl", json.dumps(adversarial))
    found = find(anli, "train", "en", [tmp_path])
    assert [part.task.name for part in found.parts] == ["snli", "mnli", "anli"]
    assert [path.parent.name for path in found.paths] == ["snli", "mnli", "R1", "R2", "R3"]
    state = next(s for s in check([anli], [tmp_path]) if s.split == "train")
    assert (state.state, state.examples) == ("ok", 5)
    put("anli/R2/train.jsonl", json.dumps(adversarial | {"label": "x"}))
    state = next(s for s in check([anli], [tmp_path]) if s.split == "train")
    assert state.state == "corrupt" and "R2/train.jsonl:1" in state.detail


@pytest.mark.parametrize(
    ("task", "split", "language", "name", "content", "gold"),
    [
        ("xnli", "test", "sw", "xnli/test-sw.tsv", "a\tb\n", False),
        ("pawsx", "test", "de", "pawsx/test-de.tsv", "a\tb\t1\n", True),
        ("xnli", "dev", "sw", "xnli/dev-sw.tsv", "a\tb\n" + "a\tb\tneutral\n" * 30, True),
        ("xnli", "dev", "sw", "xnli/dev-sw.tsv", "a\n", True),
        ("xnli", "dev", "sw", "xnli/dev-sw.tsv", "a\tb\n" * 30 + "a\n", False),
        ("udpos", "test", "th", "udpos/test-th.tsv", "\nคำ\nอื่น\n", False),
        ("udpos", "test", "vi", "udpos/test-vi.tsv", "nhà nước\nvà\n", False),
        ("udpos", "test", "vi", "udpos/test-vi.tsv", "nhà nước\nvà\tCCONJ\n", True),
        ("udpos", "test", "de", "udpos/test-de.tsv", "Ja INTJ\n. PUNCT\n", True),
        ("panx", "test", "th", "panx/test-th.tsv", "คำ\tO\n", True),
        ("xquad", "test", "el", "xquad/xquad.el.json", '{"text": ""}', False),
        ("xquad", "test", "el", "xquad/xquad.el.json", '{"text":"", "text" : "x"}', True),
        ("xquad", "test", "el", "xquad/xquad.el.json", r'{"q": "say \"text\": \"\""}', True),
        ("xquad", "test", "el", "xquad/xquad.el.json", "broken", True),
        ("ccg", "test", "en", "ccg/test.auto", "", True),
    ],
)
def test_files_whose_gold_was_taken_out_are_told_at_a_glance(
    put, tmp_path, task, split, language, name, content, gold
):
    put(name, content)
    task = get_task(task)
    assert has_gold(find(task, split, language, [tmp_path]), task) is gold
    assert (language in present(task, split, [tmp_path])) is gold


def test_xtremes_sorted_english_sentences_are_no_gold(put, tmp_path):
    tatoeba = get_task("tatoeba")
    lines = [f"sentence {n}" for n in range(30)]
    put("tatoeba/sw-en.sw", "\n".join(lines))
    put("tatoeba/sw-en.en", "\n".join(sorted(lines)))
    assert present(tatoeba, "test", [tmp_path]) == ()
    put("tatoeba/sw-en.en", "\n".join(lines))
    assert present(tatoeba, "test", [tmp_path]) == ("sw",)


def test_expected_places_are_what_find_accepts(put, tmp_path):
    for name in task_names():
        task = get_task(name)
        language = "sw" if "sw" in task.languages else task.languages[0]
        place = expected(task, task.score, language)[0]
        for part in place.split(" + "):
            put(f"{name}/{part.replace('*', 'x')}")
        assert find(task, task.score, language, [tmp_path / name]) is not None, place


def test_expected_places_name_the_releases_own_codes():
    assert expected(get_task("tatoeba"), "test", "zh")[0] == (
        "tatoeba/tatoeba.cmn-eng.cmn + tatoeba/tatoeba.cmn-eng.eng"
    )
    assert "tydiqa-goldp-v1.1-dev/tydiqa-goldp-dev-swahili.json" in expected(
        get_task("tydiqa"), "dev", "sw"
    )


def test_check_tells_good_missing_and_corrupt_files_apart(put, tmp_path):
    put("xnli/dev-en.tsv", "a\tb\tneutral\na\tc\tneutral\n")
    bad = put("xnli/dev-de.tsv", "a\tb\tneutral\na\tb\tmaybe\n")
    stripped = put("xnli/test-sw.tsv", "a\tb\n")
    states = {(s.split, s.language): s for s in check([XNLI], [tmp_path])}
    good = states["dev", "en"]
    assert (good.state, good.examples, good.detail) == ("ok", 2, "")
    corrupt = states["dev", "de"]
    assert (corrupt.state, corrupt.examples) == ("corrupt", None)
    assert f"{bad}:2" in corrupt.detail
    assert ("dev", "fr") not in states
    absent = states["test", "fr"]
    assert (absent.state, absent.paths) == ("missing", ())
    assert "xnli/xnli.test.tsv" in absent.detail
    assert (states["test", "sw"].state, states["test", "sw"].paths) == ("missing", (stripped,))
    assert {language for split, language in states if split == "test"} == set(XNLI.languages)


def test_a_label_that_is_torn_off_the_first_row_is_told_with_its_line(put, tmp_path):
    bad = put("xnli/dev-sw.tsv", "a\tb\n" + "a\tb\tneutral\n" * 2)
    assert present(XNLI, "dev", [tmp_path]) == ("sw",)
    (state,) = [s for s in check([XNLI], [tmp_path]) if (s.split, s.language) == ("dev", "sw")]
    assert state.state == "corrupt" and f"{bad}:1" in state.detail


def test_check_counts_what_is_scored(put, tmp_path):
    for name, content in zip(("zh", "en", "gold"), BUCC, strict=True):
        put(f"bucc2018/zh-en.dev.{name}", content)
    states = {(s.split, s.language): s for s in check([get_task("bucc2018")], [tmp_path])}
    assert (states["dev", "zh"].state, states["dev", "zh"].examples) == ("ok", 1)
    assert states["test", "zh"].state == "missing"


def test_finding_every_file_of_the_catalogue_is_fast(put, tmp_path):
    for language in UDPOS.languages:
        put(f"ud/{language}_x-ud-test.conllu", CONLLU)
    tasks = [get_task(name) for name in task_names()]
    start = time.perf_counter()
    for task in tasks:
        for split in ("train", "dev", "test"):
            for language in task.languages:
                find(task, split, language, [tmp_path, tmp_path / "other"])
    assert time.perf_counter() - start < 2.0


# ---- real files, where they are at hand ----------------------------------------------------------

DATA = os.environ.get("XSTILTS_DATA")


WHOLE = {  # splits that are there whole; their sizes in the catalogue are the official ones
    ("americasnli", "dev"),
    ("americasnli", "test"),
    ("bucc2018", "dev"),
    ("commonsenseqa", "dev"),
    ("commonsenseqa", "train"),
    ("copa", "dev"),
    ("copa", "test"),
    ("copa", "train"),
    ("cosmosqa", "dev"),
    ("hellaswag", "dev"),
    ("klue_nli", "dev"),
    ("lareqa", "test"),
    ("masakhaner2", "dev"),
    ("masakhaner2", "test"),
    ("masakhapos", "test"),
    ("mlqa", "dev"),
    ("ntrex", "test"),
    ("rte", "dev"),
    ("rte", "train"),
    ("sib200", "dev"),
    ("sib200", "test"),
    ("sib200", "train"),
    ("sick", "dev"),
    ("sick", "test"),
    ("sick", "train"),
    ("siqa", "dev"),
    ("siqa", "test"),
    ("snli", "dev"),
    ("snli", "test"),
    ("squad_v1", "dev"),
    ("tatoeba", "test"),
    ("tydiqa", "dev"),
    ("tydiqa", "train"),
    ("udpos", "dev"),
    ("udpos", "train"),
    ("xcopa", "dev"),
    ("xcopa", "test"),
    ("xnli", "dev"),
    ("xquad", "test"),
}


def told(state, counts):
    """How many examples the manifest counts in the files of a split."""
    numbers = [int(counts[path]) for path in state.paths]
    if state.task in ("tatoeba", "ntrex"):
        return numbers[0]
    return numbers[-1] if state.task == "bucc2018" else sum(numbers)


@pytest.mark.skipif(not DATA, reason="XSTILTS_DATA names no data folder")
@pytest.mark.parametrize("name", task_names())
def test_real_files_hold_as_many_examples_as_their_manifest_and_the_catalogue_say(name):
    root = Path(str(DATA))
    with (root / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        counts = {root / row["file"]: row["examples"] for row in csv.DictReader(file)}
    task = get_task(name)
    states = check([task], [root])
    assert [s for s in states if s.state == "corrupt"] == []
    there = [s for s in states if s.state == "ok"]
    for state in there:
        assert state.examples == told(state, counts), state
        if (name, state.split) in WHOLE:  # not udpos' test: its treebanks are not XTREME's
            assert task.sizes.of(state.split, state.language) in (None, state.examples), state
    compared = {(name, s.split) for s in there if task.sizes.of(s.split, s.language)}
    assert compared >= {pair for pair in WHOLE if pair[0] == name}


@pytest.mark.skipif(not DATA, reason="XSTILTS_DATA names no data folder")
def test_the_third_round_of_anli_lacks_two_development_examples_here():
    states = check([get_task("anli")], [Path(str(DATA))])
    (dev,) = [s for s in states if s.split == "dev"]
    assert (dev.state, dev.examples) == ("ok", 3200 - 2)
    assert get_task("anli").sizes.of("dev", "en") == 3200
