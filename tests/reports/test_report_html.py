import base64
import dataclasses
import hashlib
import re

import pandas as pd

from xstilts.reports.html import render
from xstilts.reports.model import ReportInput

HOSTILE = "<script>alert('x')</script>"


def section(page: str, name: str) -> str:
    """The visible words of one section."""
    found = re.search(rf'<section id="{name}">(.*?)</section>', page, re.DOTALL)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found.group(1)).split())


def test_every_section_says_its_part(report: ReportInput) -> None:
    page = render(report)
    assert "Does it help?" in section(page, "question")
    assert "Retrieval gains most." in section(page, "question")
    assert "mnli gained most" in section(page, "answer")
    gains = section(page, "gains")
    assert "its 95 % interval over seeds" in gains and "+3.0 † [+2.8, +3.2] (2 of 3)" in gains
    assert "+6.5 [+6.3, +6.7] gain p &lt; 0.001" in gains
    assert "63.0 +3.0 [+2.8, +3.2]" in section(page, "languages")
    assert "xnli +10.0 1 language +10.0" in section(page, "gap")
    assert "mnli on xnli" in section(page, "marks") and "yo" in section(page, "marks")
    assert "+40 −10 net +30" in section(page, "examples")
    assert "won: kuku analala" in section(page, "examples")
    assert "2 training stages, 4 h 10 min" in section(page, "cost")
    assert "Masked words of two languages." in section(page, "encoder")
    assert "share 3 paragraphs" in section(page, "leaks")
    assert "layer 7, mean pooling" in section(page, "reading")
    assert "Holm" in section(page, "reading")


def test_with_two_seeds_the_page_says_that_there_is_no_verdict(two_seeds: ReportInput) -> None:
    page = render(two_seeds)
    gains = section(page, "gains")
    assert "There are too few seeds for a verdict" in gains and "+3.0 † ± 0.3 (2 of 3)" in gains
    assert "+6.5 ± 0.3 too few seeds" in gains and "interval over seeds" not in gains
    assert "Below three seeds there is no interval" in section(page, "reading")


def test_with_counts_of_items_the_page_says_that_intervals_speak_of_other_items(
    report: ReportInput, counted: ReportInput
) -> None:
    page = render(counted)
    assert "its 95 % interval over seeds and test items" in section(page, "gains")
    assert "of 1,000 other test sets" in section(page, "reading")
    assert "not of other languages or other test examples" in section(render(report), "reading")


def test_from_six_seeds_on_the_p_of_sign_flips_stands_beside_the_verdict(
    report: ReportInput,
) -> None:
    sixth = report.rows[report.rows["seed"] == 4].assign(seed=5)
    more = dataclasses.replace(report, rows=pd.concat([report.rows, sixth]))
    assert "p &lt; 0.001; by sign flips, uncorrected 0.031" in section(render(more), "gains")
    assert "by sign flips" not in section(render(report), "gains")


def test_what_is_missing_is_listed(report: ReportInput) -> None:
    missing = section(render(report), "missing")
    assert "panx in xx: no gold file." in missing
    assert "hellaswag on tatoeba: no score in de." in missing
    none = dataclasses.replace(report, rows=report.rows[report.rows["target"] == "xnli"])
    assert "tatoeba: no score of any arm." in section(render(none), "missing")


def test_hostile_names_are_escaped_everywhere(report: ReportInput) -> None:
    swap = {"mnli": HOSTILE, "xnli": HOSTILE + "t", "sw": HOSTILE + "l"}
    won = report.won_lost.replace(swap)
    won["examples"] = [[HOSTILE, "</svg><img src=x>"]]
    page = render(
        dataclasses.replace(
            report,
            recipe=HOSTILE,
            question=HOSTILE,
            expectation=HOSTILE,
            encoder=HOSTILE,
            trained_on=HOSTILE,
            rows=report.rows.replace(swap),
            arms=report.arms.astype({"arm": object}).replace({"arm": swap}),
            main_metrics={HOSTILE + "t": "accuracy", "tatoeba": "accuracy"},
            pretraining_languages=frozenset({HOSTILE}),
            stages=report.stages.replace({"mnli": HOSTILE}),
            won_lost=won,
            missing=(HOSTILE,),
            leaks=(HOSTILE,),
            same_data=frozenset({(HOSTILE, HOSTILE + "t")}),
            provenance={HOSTILE: HOSTILE},
        )
    )
    assert page.count("<script") == 1 and "<img" not in page
    assert page.count("&lt;script&gt;") > 30


def test_the_page_fetches_nothing_and_runs_one_script_of_its_own(report: ReportInput) -> None:
    page = render(report)
    assert "http" not in page.replace("http-equiv", "")
    assert "<link" not in page and "@import" not in page
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page
    assert not re.search(r"\bsrc=", page)
    assert all(link.startswith("#") for link in re.findall(r'href="([^"]*)"', page))
    assert all(link.startswith("#") for link in re.findall(r"url\(['\"]?([^)]*)", page))


def test_ids_of_the_inline_figures_are_their_own(report: ReportInput) -> None:
    page = render(report)
    found = re.findall(r'\bid="([^"]+)"', page)
    assert len(found) == len(set(found))
    inside = re.findall(r'\bid="([^"]+)"', "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL)))
    assert inside
    assert all(name.startswith(("heat-", "bars-", "lineage-")) for name in inside)
    assert {name for name in re.findall(r"url\(#([^)]*)\)", page)} <= set(inside)


def test_a_report_of_nothing_says_so(report: ReportInput) -> None:
    nothing = dataclasses.replace(
        report,
        rows=report.rows.iloc[:0],
        stages=report.stages.iloc[:0],
        won_lost=pd.DataFrame(),
        missing=(),
        leaks=(),
        pretraining_languages=None,
    )
    page = render(nothing)
    assert "Nothing has been scored yet." in page
    assert "No training stage is recorded." in page
    assert "pretraining languages are unknown" in page
    assert "nan" not in section(page, "cost").lower().split()
