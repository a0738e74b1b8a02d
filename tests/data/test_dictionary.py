"""A dictionary is a task: its words with their meanings, and as often with others' meanings."""

import re
from collections import Counter
from pathlib import Path

import pytest
from slips import slips, write_anew

from xstilts.core.errors import DataError, UserError
from xstilts.data.draw import carve
from xstilts.data.files import check, find
from xstilts.data.readers import read
from xstilts.tasks import declare, registry
from xstilts.tasks.examples import Pair

DECLARATION = """\
name: words
kind: pair
labels: [different, same]
languages: [en]
files:
  format: dictionary_tsv
  names: {train: words.tsv}
"""


@pytest.fixture(autouse=True)
def nobody_elses_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_own", {})


def pairs(folder: Path, text: str) -> list[Pair]:
    (folder / "words.tsv").write_text(text, "utf-8")
    (folder / "words.yaml").write_text(DECLARATION, "utf-8")
    task = declare(folder / "words.yaml")
    found = find(task, "train", "en", [])
    assert found is not None
    return list(read(task, found.files, found.paths, "train", "en"))  # type: ignore[arg-type]


def bilingual(words: int = 200) -> str:
    """Words with one to three meanings; every tenth meaning is another word's as well."""
    rows = ["# WORD, tab, MEANING", ""]
    for i in range(words):
        rows += [f"word{i}\tmeaning{i}.{k}" for k in range(1 + i % 3)]
        rows += [f"word{i}\tmeaning{i - 1}.0"] if i % 10 == 9 else []
    return "\n".join(rows) + "\n"


def test_half_of_the_pairs_are_right_and_no_wrong_one_is_in_the_dictionary(tmp_path: Path) -> None:
    text = bilingual()
    found = pairs(tmp_path, text)
    entries = {tuple(line.split("\t")) for line in text.splitlines()[2:]}
    right = [(e.first, e.second) for e in found if e.label == "same"]
    wrong = [(e.first, e.second) for e in found if e.label == "different"]
    assert set(right) == entries and len(right) == len(entries)
    assert len(wrong) == len(right) and not set(wrong) & entries
    assert len({e.id for e in found}) == len(found)
    [trained] = check([registry.get_task("words")], [])  # it misses nothing to report
    assert trained.state == "ok" and trained.examples == len(found)


def test_a_file_of_reported_words_is_missed_where_a_dictionary_names_one(tmp_path: Path) -> None:
    pairs(tmp_path, bilingual())
    told = DECLARATION.replace("{train: words.tsv}", "{train: words.tsv, test: others.tsv}")
    (tmp_path / "words.yaml").write_text(told, "utf-8")
    states = {s.split: s for s in check([declare(tmp_path / "words.yaml")], [])}
    assert {split: s.state for split, s in states.items()} == {"train": "ok", "test": "missing"}
    assert "others.tsv" in states["test"].detail


def test_neither_the_word_nor_the_meaning_alone_tells_the_label(tmp_path: Path) -> None:
    found = pairs(tmp_path, bilingual())
    for side in ("first", "second"):
        counts = Counter((getattr(e, side), e.label) for e in found)
        for text in {text for text, _ in counts}:
            assert counts[text, "same"] == counts[text, "different"] > 0


def test_held_out_words_are_trained_on_in_no_pair(tmp_path: Path) -> None:
    found = pairs(tmp_path, bilingual())
    held, rest = carve(found, "held"), carve(found, "train")
    assert len(held) >= 0.8 * 0.05 * len(found)
    assert Counter(e.label for e in held)["same"] == len(held) / 2
    assert not {e.first for e in held} & {e.first for e in rest}
    mine = {e.second for e in held if e.label == "same"}
    assert {e.second for e in held} == mine  # wrong meanings, too, are held-out words' own


def test_pairs_do_not_depend_on_the_order_of_the_file(tmp_path: Path) -> None:
    lines = [f"word{i}\tmeaning{i}" for i in range(60)]

    def told(order: list[str]) -> set[tuple[str, str | None, str, str]]:
        found = pairs(tmp_path, "\n".join(order) + "\n")
        return {(e.first, e.second, e.label, e.group) for e in found}

    assert told(lines) == told(lines[::-1])


def test_synonyms_the_other_way_round_repeated_rows_and_equal_words_come_once(
    tmp_path: Path,
) -> None:
    rows = "big\tlarge\nlarge\tbig\nBig\tLARGE\ntaxi\tTaxi\nsmall\tlittle\n"
    found = pairs(tmp_path, rows)
    assert [(e.first, e.second) for e in found if e.label == "same"] in (
        [("big", "large"), ("small", "little")],
        [("small", "little"), ("big", "large")],
    )
    assert {(e.first, e.second) for e in found if e.label == "different"} == {
        ("big", "little"),
        ("small", "large"),
    }


def test_a_sentence_stands_in_the_place_of_its_word(tmp_path: Path) -> None:
    rows = "Bank\tbench\tSie sitzt auf der Bank.\nUfer\tshore\tDas Ufer ist steil.\n"
    found = pairs(tmp_path, rows + "Ufer\tshore\tAm Ufer liegt ein Boot.\n" + "Hut\that\n")
    assert ("Sie sitzt auf der Bank.", "bench") in {
        (e.first, e.second) for e in found if e.label == "same"
    }
    assert sum(e.first.endswith(".") for e in found) == 6
    assert sum(e.first == "Hut" for e in found) == 2


@pytest.mark.parametrize(
    ("rows", "line", "what"),
    [
        ("dog\tHund\ncat\n", 2, "1 columns"),
        ("dog\tHund\n\ncat\tKatze\tA cat.\tnoun\n", 3, "4 columns"),
        ("dog\t \n", 1, "an empty cell"),
        ("dog\tHund\ndog\tKöter\n", 1, "None of the 2 entries"),
        ("a\tb\nb\tc\na\tc\n", 1, "None of the 3 entries"),
        ("# nothing\n", 1, "holds no example"),
    ],
)
def test_a_dictionary_that_makes_no_task_is_told_with_its_line(
    tmp_path: Path, rows: str, line: int, what: str
) -> None:
    with pytest.raises(DataError, match=what) as caught:
        pairs(tmp_path, rows)
    assert caught.value.where == f"{tmp_path / 'words.tsv'}:{line}"
    assert caught.value.expected and "mend" in caught.value.do


def test_a_file_with_a_slip_in_it_is_read_soundly_or_refused_with_its_line(tmp_path: Path) -> None:
    pairs(tmp_path, text := "# a\ndog\tHund\ncat\tKatze\tThe cat sat.\nbig\tlarge\n")
    task, path = registry.get_task("words"), tmp_path / "words.tsv"
    refused = 0
    for content in slips(text.encode()):
        write_anew(path, content)
        try:
            found = list(read(task, task.files[0], [path], "train", "en"))
        except DataError as error:
            assert re.match(rf"{path}:\d+$", error.where)
            refused += 1
            continue
        assert Counter(e.label for e in found)["same"] == len(found) / 2  # type: ignore[union-attr]
    assert refused > 5


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("labels: [different, same]", "labels: ['0', '1']", "labels: [different, same]"),
        ("kind: pair\nlabels: [different, same]", "kind: span", "kind: pair"),
        ("dictionary_tsv", "dictionary", "'dictionary_tsv'"),
    ],
)
def test_a_declaration_that_fits_no_dictionary_is_refused(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    (tmp_path / "words.yaml").write_text(DECLARATION.replace(old, new))
    with pytest.raises(UserError) as caught:
        declare(tmp_path / "words.yaml")
    assert expected in f"{caught.value}"
