"""Benchmark scores in the report and on the terminal."""

import pandas as pd

from xstilts.reports.benchmarks import benchmark_tables, benchmark_text
from xstilts.reports.html import render
from xstilts.stats.benchmarks import XTREME


def complete_rows(report):
    """Every cell of XTREME for one arm, 60 in English and 40 elsewhere."""
    one = report.rows.iloc[0].to_dict() | {"n": 100_000, "protocol": "", "seed": 0}
    return pd.DataFrame(
        one
        | {
            "target": task,
            "language": language,
            "metric": XTREME.metrics[task],
            "value": 60.0 if language == "en" else 40.0,
            "split": "dev" if task == "tydiqa" else "test",
        }
        for task, languages in XTREME.languages.items()
        for language in languages
    )


def test_an_incomplete_benchmark_says_so_and_lists_what_is_missing(report):
    page = render(report)
    assert "Benchmark scores" in page
    assert "<li>Incomplete: none: missing xnli ar bg de el es fr hi ru th tr ur vi zh, " in page
    assert "pawsx (all 7), " in page
    text = benchmark_text(report.rows)
    assert "XTREME score" in text and "XTREME-R score" in text
    assert "incomplete, in parentheses the mean of what is there: none: missing" in text


def test_arms_that_lack_the_same_share_one_line(report):
    same = report.rows[report.rows["target"] == "xnli"]
    (found, _) = benchmark_tables(same)
    assert len(found.missing) == 1 and found.missing[0].startswith("missing xnli ar bg")
    assert [row[0].text for row in found.table.rows] == ["none", "mnli", "hellaswag"]


def test_a_complete_benchmark_has_a_score_with_and_without_english(report):
    (found,) = [t for t in benchmark_tables(complete_rows(report)) if t.name == "XTREME"]
    ((_, overall, classification, *_rest),) = found.table.rows
    assert (found.missing, found.notes) == ([], [])
    assert (overall.text, overall.note) == ("41.4", "zero-shot 40.0")
    assert classification.text == "42.1"


def test_a_laboratory_is_no_benchmark(report):
    import dataclasses

    page = render(dataclasses.replace(report, published=False))
    assert "Benchmark scores" not in page
