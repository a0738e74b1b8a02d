"""Inputs that do not fit a row are counted, and the user is told."""

import re
from pathlib import Path

import pytest
from made_up_world import RECIPE
from transformers import AutoTokenizer

import xstilts
from xstilts import cli
from xstilts.phases.cuts import Cut, cut_lines

SHORT = ("data=null", "seeds=[0]", "arms={none: []}", "targets=[tatoeba]", "runtime.threads=1")


def test_a_run_says_what_it_cut_by_task_and_language(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = (*SHORT, "training.max_length=8", f"encoder.path={world / 'encoder'}")
    found = xstilts.run(RECIPE, *changes, store=tmp_path / "store", data=world)
    tokenizer = AutoTokenizer.from_pretrained(world / "encoder")
    expected = {}
    for language, code in (("de", "deu"), ("sw", "swh")):
        sides = [world / "tatoeba" / f"tatoeba.{code}-eng.{end}" for end in (code, "eng")]
        texts = [line for side in sides for line in side.read_text("utf-8").splitlines()]
        long = sum(len(ids) > 8 for ids in tokenizer(texts)["input_ids"])
        assert 0 < long
        expected[language] = (long, len(texts))
    assert {c.language: (c.cut, c.inputs) for c in found.cuts} == expected
    assert {(c.task, c.split, c.pieces) for c in found.cuts} == {("tatoeba", "test", 8)}
    page = (found.folder / "report.html").read_text("utf-8")
    assert "pieces a row" in page
    assert re.search(rf"<tr><th[^>]*>tatoeba</th>.*>sw</td>.*>{expected['sw'][0]}</td>", page)

    told = [f"--set={change}" for change in changes]
    with pytest.raises(SystemExit) as ended:
        cli.main(["run", RECIPE, *told, f"--store={tmp_path / 'store'}", f"--data={world}"])
    assert ended.value.code == 0
    (line,) = [x for x in capsys.readouterr().out.splitlines() if "inputs were cut" in x]
    total = sum(cut for cut, _ in expected.values())
    assert line.startswith(f"tatoeba (test): {total:,} of 1,200 inputs were cut at 8 pieces")


def test_a_few_shots_are_told_apart_from_the_rest_of_their_split(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    said = (*changes, "arms={none: [], few: [{few_shot: {k: 6, after: arm}}]}", "targets=[xnli]")
    said += ("languages=[en, de]", "training.max_length=8")
    said += ("tasks.mnli.train={from: train, sample: 64}",)
    found = xstilts.run(RECIPE, *said, store=tmp_path / "store", data=world)
    told = [(c.split, c.language) for c in found.cuts if c.task == "xnli"]
    assert sorted(told) == [("test", "de"), ("test", "en"), ("test, 6 of draw 0", "de")]


def test_nothing_is_said_where_all_inputs_were_read_whole(world: Path, tmp_path: Path) -> None:
    changes = (*SHORT, f"encoder.path={world / 'encoder'}")
    found = xstilts.run(RECIPE, *changes, store=tmp_path / "store", data=world)
    assert found.cuts == []
    assert "every input was read whole" in (found.folder / "report.html").read_text("utf-8")


def test_a_line_names_the_language_that_lost_most() -> None:
    cuts = [
        Cut("tiny", "xnli", "en", "test", 1, 100, 128),
        Cut("tiny", "xnli", "th", "test", 30, 100, 128),
        Cut("tiny", "mnli", "en", "train, held out", 2, 1500, 128),
    ]
    assert cut_lines(cuts) == [
        "xnli (test): 31 of 200 inputs were cut at 128 pieces in 2 languages, "
        "most in th: 30 of 100",
        "mnli (train, held out): 2 of 1,500 inputs were cut at 128 pieces in en",
    ]
    two = [cuts[0], Cut("other", "xnli", "en", "test", 5, 100, 128)]
    assert cut_lines(two)[1].startswith("other: xnli (test): 5 of 100")
