"""Pages say what was measured, and nothing of the place where it was."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from xstilts.reports.readme import rewrite

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_tables_are_those_of_the_committed_results(page: Path) -> None:
    text = page.read_text("utf-8")
    assert rewrite(text, ROOT / "docs" / "results") == text, "run `make docs`"


def test_readme_shows_both_commands() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert "make demo" in text and "make test" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    for name in re.findall(r"`((?:docs|tests|xstilts|bench)/[\w./-]+)`", page.read_text("utf-8")):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("picture", sorted(ROOT.glob("docs/*.svg")), ids=lambda p: p.name)
def test_a_picture_is_an_svg_that_an_image_element_shows(picture: Path) -> None:
    assert ElementTree.parse(picture).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_decisions_are_numbered_one_after_the_other_as_their_headings_say() -> None:
    pages = sorted(ROOT.glob("docs/decisions/*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == list(range(1, len(pages) + 1))
    for number, page in zip(numbers, pages, strict=True):
        assert page.read_text("utf-8").startswith(f"# {number}. "), page.name


def test_every_decision_that_the_code_names_is_there() -> None:
    pages = {page.name[:4] for page in ROOT.glob("docs/decisions/*.md")}
    for source in ROOT.glob("xstilts/**/*.py"):
        named = re.findall(r"docs/decisions/(\d{4})", source.read_text("utf-8"))
        assert set(named) <= pages, source
