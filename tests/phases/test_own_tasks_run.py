"""From one's own CSV and JSON Lines files to a report, by the README alone."""

import json
import re
from pathlib import Path

import pytest

import xstilts
from xstilts import api
from xstilts.core.errors import DataError, RecipeError
from xstilts.lab import encoder
from xstilts.phases.results import silent_lines
from xstilts.tasks import registry

README = Path(__file__).parent.parent.parent / "README.md"
SMALL = (
    "seeds=[0]",
    "training.lr=3e-3",
    "training.epochs=8",
    "training.batch_size=16",
    "training.precision=fp32",
    "training.select.every=20",
    "training.dropout=0.0",
    "leaks=allow",
    "runtime.threads=1",
)


@pytest.fixture(autouse=True)
def nobody_elses_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_own", {})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The README's YAML files, and the files that they speak of."""
    every = re.findall(r"```yaml\n# (\S+\.yaml)\n(.*?)```", README.read_text(), re.DOTALL)
    blocks = [block for block in every if block[0] != "claims.yaml"]
    names = [name for name, _ in blocks]
    assert names == ["reviews.yaml", "names.yaml", "mine.yaml", "words.yaml"]
    for name, content in blocks:
        assert len(content.splitlines()) < 10
        (tmp_path / name).write_text(content)
    for language, people in (("en", "Ada Bo Cy Di".split()), ("rw", "Ada Ema Cy Fia".split())):
        for split, n in (("train", 120), ("test", 24)):
            rows, lines = ["text,sentiment"], []
            for i in range(n):
                good, name = i % 2, people[i // 2 % 4]
                rows.append(
                    f'"{name}, {i} {"fine" if good else "awful"}",{("negative", "positive")[good]}'
                )
                tokens = [name, "sang", str(i)] if good else [str(i), "sang"]
                tags = ["B-PER", "O", "O"] if good else ["O", "O"]
                lines.append(json.dumps({"tokens": tokens, "tags": tags}))
            (tmp_path / f"{language}-{split}.csv").write_text("\n".join(rows) + "\n")
            (tmp_path / f"{language}-{split}.jsonl").write_text("\n".join(lines) + "\n")
    encoder.export(tmp_path / "encoder", [p.read_text() for p in tmp_path.glob("*-*")])
    return tmp_path


def test_own_files_become_a_report_also_in_worker_processes(folder: Path) -> None:
    changes = (*SMALL, f"encoder={{path: {folder / 'encoder'}}}", "runtime.workers=2")
    states = api.check_data([str(folder / f"{n}.yaml") for n in ("reviews", "names")])
    assert {s.state for s in states if s.split in ("train", "test") and s.language == "en"} == {
        "ok"
    }
    found = xstilts.run(str(folder / "mine.yaml"), *changes, store=folder / "store")
    cells = found.rows[["arm", "target", "language"]].drop_duplicates()
    assert len(cells) == 2 * 2 * 2
    english = found.rows[(found.rows.language == "en") & (found.rows.arm == "none")]
    best = english.set_index(["target", "metric"]).value
    assert best["reviews", "accuracy"] > 80 and best["names", "accuracy"] > 80
    assert "reviews" in (found.folder / "report.html").read_text()


def test_a_row_that_is_wrong_stops_the_run_with_its_line(folder: Path) -> None:
    with (folder / "rw-test.csv").open("a") as file:
        file.write("So so.,neutral\n")
    changes = (*SMALL, f"encoder={{path: {folder / 'encoder'}}}", "runtime.workers=1")
    with pytest.raises(DataError, match="'neutral' is no label of reviews") as caught:
        xstilts.run(str(folder / "mine.yaml"), *changes, store=folder / "store")
    assert caught.value.where == f"{folder / 'rw-test.csv'}:26"
    assert "rename" in caught.value.do


def test_test_files_that_a_declaration_does_not_name_are_missed_before_anything_runs(
    folder: Path,
) -> None:
    text = (folder / "reviews.yaml").read_text()
    (folder / "reviews.yaml").write_text(re.sub(r', test: "[^"]*"', "", text))
    change = f"encoder={{path: {folder / 'encoder'}}}"
    with pytest.raises(RecipeError, match="reviews has no test split") as caught:
        api.plan(str(folder / "mine.yaml"), change, store=folder / "store")
    assert "name test files in its declaration" in caught.value.do


def test_a_language_without_its_file_is_named_before_the_run(folder: Path) -> None:
    (folder / "rw-test.csv").unlink()
    change = f"encoder={{path: {folder / 'encoder'}}}"
    planned, _ = api.plan(str(folder / "mine.yaml"), change, store=folder / "store")
    assert silent_lines(planned) == ["reviews: no gold here for rw"]
    with pytest.raises(DataError, match="no gold for rw") as caught:
        api.plan(str(folder / "mine.yaml"), change, "languages=[en, rw]", store=folder / "store")
    assert str(folder / "rw-test.csv") in caught.value.expected
