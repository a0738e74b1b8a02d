import json
from pathlib import Path

import pytest

from xstilts.core.errors import DataError
from xstilts.reports.readme import main, rewrite

PAGE = "# Title\n\n<!-- table:gains -->\nold\n<!-- /table -->\n\nThe end.\n"
FACTS = {
    "recipe": "lab/paper", "command": "xstilts run lab/paper", "machine": "2 cores",
    "date": "2026-03-14", "seeds": [0, 1], "note": "dev split",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "gains.csv").write_text("arm,gain,why\nmnli,+1.5,a|b\nnone,,\n", encoding="utf-8")
    (tmp_path / "gains.json").write_text(json.dumps(FACTS), encoding="utf-8")
    return tmp_path


def test_the_table_is_written_between_its_markers_with_its_origin(folder: Path) -> None:
    assert rewrite(PAGE, folder) == (
        "# Title\n\n<!-- table:gains -->\n\n"
        "| arm | gain | why |\n| --- | ---: | --- |\n"
        "| mnli | +1.5 | a\\|b |\n| none | — | — |\n\n"
        "*Recipe `lab/paper` · `xstilts run lab/paper` · 2 cores · 2026-03-14 · seeds 0, 1"
        " · dev split*\n\n<!-- /table -->\n\nThe end.\n"
    )


def test_writing_twice_changes_nothing(folder: Path) -> None:
    once = rewrite(PAGE + PAGE, folder)
    assert rewrite(once, folder) == once


def test_a_page_without_markers_is_kept_as_it_is(folder: Path) -> None:
    text = "a\r\n\n<!-- table:NAME --> in a sentence\n"
    assert rewrite(text, folder) == text


@pytest.mark.parametrize(
    "text",
    [
        "<!-- table:gains -->\nold\n",
        "<!-- table:gains -->\n" + PAGE,
        PAGE.replace("table:gains", "table:other"),
    ],
)
def test_an_open_marker_or_an_absent_table_is_a_user_error(folder: Path, text: str) -> None:
    with pytest.raises(DataError):
        rewrite(text, folder)


@pytest.mark.parametrize("facts", ["{", "[]", '{"recipe": "x"}'])
def test_a_table_without_its_origin_is_refused(folder: Path, facts: str) -> None:
    (folder / "gains.json").write_text(facts, encoding="utf-8")
    with pytest.raises(DataError, match="origin of a table is malformed"):
        rewrite(PAGE, folder)


def test_a_ragged_table_is_refused(folder: Path) -> None:
    (folder / "gains.csv").write_text("a,b\n1\n", encoding="utf-8")
    with pytest.raises(DataError, match="malformed"):
        rewrite(PAGE, folder)


def test_check_reports_a_stale_page_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = folder / "README.md"
    page.write_text(PAGE, encoding="utf-8")
    call = ["--results", str(folder), str(page)]
    assert main(["--check", *call]) == 1
    assert page.read_text(encoding="utf-8") == PAGE
    assert f"stale: {page}" in capsys.readouterr().out
    assert main(call) == 0
    assert main(["--check", *call]) == 0
    assert main(["--results", str(folder), str(folder / "absent.md")]) == 2
    assert "absent.md" in capsys.readouterr().err
