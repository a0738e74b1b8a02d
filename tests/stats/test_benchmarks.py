"""XTREME's and XTREME-R's scores: means of means, or an honest list of what is missing."""

from statistics import fmean

import pandas as pd
import pytest

from xstilts.stats.benchmarks import (
    XTREME,
    XTREME_R,
    benchmark_cells,
    benchmark_score,
    missing_by_task,
    not_as_published,
)
from xstilts.tasks import get_task, task_names

SIZES = {
    "XTREME": dict(xnli=15, pawsx=7, udpos=33, panx=40, xquad=11, mlqa=7, tydiqa=9, bucc2018=4,
                   tatoeba=36),
    "XTREME-R": dict(xnli=15, xcopa=11, udpos=38, panx=48, xquad=12, mlqa=7, tydiqa=9, tatoeba=41,
                     mewslix=11, lareqa=11),
}  # fmt: skip


def every_cell(benchmark):
    """Another score for every cell; English ones stand out."""
    return {
        (task, language): 10.0 * t + i + (50.0 if language == "en" else 0.0)
        for t, (task, languages) in enumerate(benchmark.languages.items())
        for i, language in enumerate(languages)
    }


@pytest.mark.parametrize("benchmark", [XTREME, XTREME_R], ids=lambda b: b.name)
def test_tasks_languages_and_groups_are_those_of_the_benchmark(benchmark):
    assert {t: len(x) for t, x in benchmark.languages.items()} == SIZES[benchmark.name]
    grouped = [task for tasks in benchmark.groups.values() for task in tasks]
    assert sorted(grouped) == sorted(benchmark.languages)
    every = {language for x in benchmark.languages.values() for language in x}
    assert len(every) == {"XTREME": 40, "XTREME-R": 50}[benchmark.name]
    for task in set(benchmark.languages) & set(task_names()):
        assert set(benchmark.languages[task]) <= set(get_task(task).languages)
        assert get_task(task).metric == benchmark.metrics[task]


@pytest.mark.parametrize("benchmark", [XTREME, XTREME_R], ids=lambda b: b.name)
def test_a_complete_score_is_the_mean_of_the_tasks_and_each_task_of_its_languages(benchmark):
    cells = every_cell(benchmark)
    found = benchmark_score(benchmark, cells)
    tasks = {
        task: fmean(cells[task, language] for language in languages)
        for task, languages in benchmark.languages.items()
    }
    assert found.overall.score == pytest.approx(fmean(tasks.values()))
    assert found.groups["qa"].score == pytest.approx(
        fmean(tasks[t] for t in ("xquad", "mlqa", "tydiqa"))
    )
    others = [cells["xnli", x] for x in benchmark.languages["xnli"] if x != "en"]
    assert found.tasks["xnli"].zero_shot == pytest.approx(fmean(others))
    assert found.tasks["xnli"].zero_shot < tasks["xnli"], "English stands out above"


def test_one_missing_language_refuses_its_group_and_the_overall_score_and_no_other():
    cells = every_cell(XTREME)
    del cells["mlqa", "vi"]
    found = benchmark_score(XTREME, cells)
    assert found.overall.score is None and found.groups["qa"].score is None
    assert found.overall.missing == ("mlqa vi",)
    assert found.groups["tagging"].score is not None
    assert found.tasks["mlqa"].value is not None, "the mean of what is there is still told"


def test_an_absent_task_is_missing_and_never_a_zero():
    cells = {place: 60.0 for place in every_cell(XTREME) if place[0] != "bucc2018"}
    found = benchmark_score(XTREME, cells)
    assert found.overall.value == pytest.approx(60.0)
    assert found.tasks["bucc2018"].value is None
    assert found.overall.score is None
    assert missing_by_task(found) == ["bucc2018 (all 4)"]


def row(**changes):
    base = dict(target="xquad", language="de", metric="em_f1", value=50.0, split="test",
                protocol="", n=1190)  # fmt: skip
    return base | changes


def test_cells_are_means_over_seeds_of_the_metric_that_counts():
    rows = pd.DataFrame(
        [row(value=40.0), row(value=60.0), row(metric="f1", value=90.0), row(target="snli")]
    )
    assert benchmark_cells(rows, XTREME) == {("xquad", "de"): 50.0}


def test_oracle_choices_do_not_count_and_an_unclear_protocol_is_missing():
    near = row(target="tatoeba", metric="accuracy")
    rows = [near | {"protocol": "block 3/6"}, near | {"protocol": "oracle block 5/6", "value": 99}]
    assert benchmark_cells(pd.DataFrame(rows), XTREME) == {("tatoeba", "de"): 50.0}
    rows.append(near | {"protocol": "block 4/6"})
    assert benchmark_cells(pd.DataFrame(rows), XTREME) == {}


def test_other_splits_and_parts_of_splits_are_said_to_be_no_published_score():
    rows = pd.DataFrame([row(n=400), row(target="xnli", split="dev", n=2490), row(language="el")])
    assert not_as_published(rows, XTREME) == [
        "xnli is scored on dev, not on test",
        "xquad has fewer examples than the whole split in de",
    ]
