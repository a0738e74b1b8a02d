import dataclasses
import re
from pathlib import Path

import pandas as pd
import pytest

from bench.browser import CHROMIUM, look
from xstilts.reports.html import render
from xstilts.reports.model import ReportInput
from xstilts.studies.finding import Finding

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

TABLE = """
const table = [...page.querySelectorAll("table")]
  .find((one) => one.caption.textContent.startsWith("Means over targets."));
const first = () => [...table.tBodies[0].rows].filter((row) => !row.hidden)
  .map((row) => row.cells[0].textContent);
const head = (name) => [...table.tHead.rows[0].cells].find((one) => one.textContent === name);
"""
MADE = ["size", "LogME", "CKA_100%", "LEEP", "TextEmb", "H-score"]


@pytest.fixture(scope="module")
def page(report: ReportInput, finding: Finding, claims: pd.DataFrame) -> str:
    return render(dataclasses.replace(report, finding=finding, claims=claims))


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_loads_without_an_error_or_a_request(
    page: str, tmp_path: Path, dark: bool
) -> None:
    seen = look(
        tmp_path,
        page,
        """
        const read = frame.performance.getEntriesByType("resource").map((one) => one.name);
        const ink = frame.getComputedStyle(page.body).color;
        const text = page.querySelector("figure .role-axis-label text");
        const label = frame.getComputedStyle(text).fill;
        return { read, ink, label, buttons: page.querySelectorAll("th button").length };
        """,
        dark=dark,
    )
    assert seen.console == [] and seen.asked == [] and seen.said["read"] == []
    assert seen.said["buttons"] > 20
    for colour in (seen.said["ink"], seen.said["label"]):
        light = sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(","))) > 3 * 128
        assert light is dark


def test_a_number_column_sorts_down_up_and_back_with_missing_ones_last(
    page: str, tmp_path: Path
) -> None:
    seen = look(
        tmp_path,
        page,
        TABLE
        + """
        const found = [], th = head("regret at 1"), button = th.querySelector("button");
        for (let i = 0; i < 3; i++) {
          button.click();
          found.push([th.getAttribute("aria-sort"), first()]);
        }
        return found;
        """,
    )
    down = ["TextEmb", "size", "H-score", "LEEP", "LogME"]
    assert seen.said == [
        ["descending", [*down, "CKA_100%"]],
        ["ascending", [*down[::-1], "CKA_100%"]],
        [None, MADE],
    ]


def test_words_sort_from_a_and_only_one_column_is_said_to_be_sorted(
    page: str, tmp_path: Path
) -> None:
    seen = look(
        tmp_path,
        page,
        TABLE
        + """
        head("pairs").querySelector("button").click();
        const pairs = first();
        head("measure").querySelector("button").click();
        const marks = [...table.tHead.rows[0].cells].map((one) => one.getAttribute("aria-sort"));
        return { pairs, words: first(), marks };
        """,
    )
    assert seen.said["pairs"][0] == "LEEP" and seen.said["pairs"][-1] == "CKA_100%"  # 1,204 and 0
    assert seen.said["words"] == sorted(MADE, key=str.lower)
    assert seen.said["marks"] == ["ascending", None, None, None, None]


def test_filtering_keeps_rows_with_all_words_and_says_how_many(page: str, tmp_path: Path) -> None:
    seen = look(
        tmp_path,
        page,
        TABLE
        + """
        const line = table.parentElement.previousElementSibling;
        const input = line.querySelector("label input"), found = [];
        for (const text of ["81 0", "logme", "nothing such", ""]) {
          input.value = text;
          input.dispatchEvent(new frame.Event("input"));
          found.push([first(), line.querySelector("output").value]);
        }
        return found;
        """,
    )
    assert seen.said == [
        [["size", "LogME", "H-score"], "3 of 6 rows"],
        [["LogME"], "1 of 6 rows"],
        [[], "0 of 6 rows"],
        [MADE, ""],
    ]


def test_everything_that_does_something_is_reached_by_keyboard_and_named(
    page: str, tmp_path: Path
) -> None:
    seen = look(
        tmp_path,
        page,
        """
        page.querySelectorAll("details").forEach((one) => { one.open = true; });
        const bare = [];
        for (const one of page.querySelectorAll("button, input, summary, a, [tabindex], svg")) {
          const named = one.getAttribute("aria-label") || one.textContent.trim()
            || (one.labels && one.labels.length);
          if (!named) bare.push(one.outerHTML.slice(0, 80));
          if (one.localName !== "svg" && one.tabIndex < 0) bare.push(one.outerHTML.slice(0, 80));
        }
        for (const table of page.querySelectorAll("table")) {
          if (!table.caption || [...table.querySelectorAll("th")].some((one) => !one.scope))
            bare.push(table.outerHTML.slice(0, 80));
        }
        for (const figure of page.querySelectorAll("figure")) {
          const svg = figure.querySelector("svg");
          if (svg.getAttribute("role") !== "img") bare.push(svg.outerHTML.slice(0, 80));
        }
        return bare;
        """,
    )
    assert seen.said == []


def test_on_a_phone_the_page_is_no_wider_than_the_screen_and_wide_tables_scroll(
    page: str, tmp_path: Path
) -> None:
    seen = look(
        tmp_path,
        page,
        """
        page.querySelectorAll("details").forEach((one) => { one.open = true; });
        const root = page.documentElement;
        const wide = [...page.querySelectorAll("body *")]
          .filter((one) => !one.closest(".scroll, .spoken, .skip"))
          .filter((one) => one.getBoundingClientRect().right > root.clientWidth + 1)
          .map((one) => one.outerHTML.slice(0, 80));
        const boxes = [...page.querySelectorAll(".scroll")]
          .filter((one) => one.scrollWidth > one.clientWidth);
        return { width: root.clientWidth, scroll: root.scrollWidth, wide, boxes: boxes.length };
        """,
        width=390,
    )
    assert seen.said["width"] == 390 and seen.said["scroll"] == 390
    assert seen.said["wide"] == [] and seen.said["boxes"] >= 2


def test_an_injected_script_name_is_text(
    report: ReportInput, finding: Finding, tmp_path: Path
) -> None:
    name = "<script>document.title = 'broken'</script><img src=x onerror=\"document.title='b'\">"
    hostile = dataclasses.replace(
        finding,
        answer=name,
        tables=[dataclasses.replace(finding.tables[0], title=name, note=name)],
    )
    swap = {"mnli": name, "xnli": name}
    shown = dataclasses.replace(
        report, finding=hostile, recipe=name, rows=report.rows.replace(swap),
        main_metrics={name: "accuracy", "tatoeba": "accuracy"},
    )  # fmt: skip
    seen = look(
        tmp_path,
        render(shown),
        """
        const bare = [...page.querySelectorAll("img")].length;
        return { title: page.title, bare, said: page.querySelector(".answer").textContent };
        """,
    )
    assert seen.said == {"title": f"{name} · xstilts report", "bare": 0, "said": name}
    assert seen.console == [] and seen.asked == []


def test_were_a_script_or_an_image_to_get_in_the_page_would_not_run_or_fetch_it(
    page: str, tmp_path: Path
) -> None:
    inside = "<script>document.title = 'broken'</script><img src='https://nowhere.invalid/x.png'>"
    broken = page.replace("<main>", f"<main>{inside}")
    seen = look(tmp_path, broken, "return page.title;")
    assert seen.said == "small · xstilts report"
    assert len(seen.console) == 2 and all("Content Security Policy" in s for s in seen.console)
    assert seen.asked == []
    open_page = re.sub(r"<meta http-equiv[^>]*>", "", broken)
    seen = look(tmp_path, open_page, "return page.title;")  # what the test above would have seen
    assert seen.said == "broken" and seen.asked == ["https://nowhere.invalid/x.png"]
