"""Our numbers against what the official scripts printed for about 1,000 edge cases a task."""

import json
import os
import random
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from edge_cases import (
    MLQA_ARTICLES,
    PER_TASK,
    entities,
    mined,
    no_answer_cases,
    rankings,
    taken,
    unanswered,
    world,
)
from make_oracles import squad_file
from run_official import COMMITS, how_to_fetch, run

from xstilts.metrics import (
    bitext_f1,
    bitext_threshold,
    mean_average_precision,
    mlqa,
    no_answer_threshold,
    squad,
    squad_v2,
)
from xstilts.scoring.files import score_files
from xstilts.scoring.measure import measure
from xstilts.scoring.spec import Score, score_of
from xstilts.stats.benchmarks import XTREME, XTREME_R, benchmark_score
from xstilts.tasks import get_task

OFFICIAL: dict[str, Any] = json.loads(
    (Path(__file__).parent / "oracles" / "official.json").read_text("utf-8")
)
WORLD = world()
TASKS = sorted({task for task, _ in WORLD})
RULES = import_module("xstilts.metrics.mlqa")  # the package's name is the function's
VERSIONS = {"xtreme": XTREME, "xtreme-r": XTREME_R}


def ours(task: str, language: str) -> dict[str, float]:
    """The scores of a cell by the rules of its task."""
    examples, said = WORLD[task, language]
    config = Score(kind="choice") if task == "xcopa" else score_of(get_task(task), language)
    return measure(config, examples, said)[0]


def mined_scores(language: str) -> dict[str, float]:
    return bitext_f1(mined(language)[0], taken(language)[1])


def entity_score(language: str) -> float:
    gold, ranked = entities(language)
    return mean_average_precision(list(gold.values()), [ranked.get(m, []) for m in gold])


@pytest.mark.parametrize(
    ("version", "task"),
    [(v, t) for v, benchmark in VERSIONS.items() for t in TASKS if t in benchmark.languages],
)
def test_every_language_of_a_task_scores_what_xtreme_printed(task, version):
    benchmark, printed = VERSIONS[version], OFFICIAL[version]
    for language in benchmark.languages[task]:
        scores = ours(task, language)
        names = set(scores) & set(printed[task])
        assert names
        for name in names:
            assert scores[name] == printed[task][name][language], (language, name)


@pytest.mark.parametrize("task", TASKS)
def test_about_a_thousand_predictions_back_each_task(task):
    assert sum(len(said) for (name, _), (_, said) in WORLD.items() if name == task) >= PER_TASK


@pytest.mark.parametrize("version", VERSIONS)
def test_task_group_and_overall_scores_are_those_that_xtreme_printed(version):
    benchmark, printed = VERSIONS[version], OFFICIAL[version]
    cells = {
        (task, language): ours(task, language)[benchmark.metrics[task]]
        for task, language in WORLD
        if task in benchmark.languages
    }
    if version == "xtreme":
        cells |= {("bucc2018", x): mined_scores(x)["f1"] for x in benchmark.languages["bucc2018"]}
    else:
        cells |= {("mewslix", x): entity_score(x) for x in benchmark.languages["mewslix"]}
    found = benchmark_score(benchmark, cells)
    for task in set(printed) & set(benchmark.languages):
        assert found.tasks[task].score == pytest.approx(printed[task]["avg_metric"], abs=1e-9)
    groups = [g for g in printed if (g in benchmark.groups and g != "retrieval") or g == "all_task"]
    assert {"classification", "tagging", "qa"} <= set(groups)
    for group in groups:
        mean = found.overall if group == "all_task" else found.groups[group]
        assert mean.score == pytest.approx(printed[group], abs=1e-9)
    if version == "xtreme":
        assert found.groups["retrieval"].score == pytest.approx(printed["retrieval"], abs=1e-9)
        assert "all_task" in printed
    else:  # LAReQA, which the script does not read, is missing
        assert found.overall.score is None and "all_task" not in printed


def test_languages_are_those_of_the_script():
    for version, benchmark in VERSIONS.items():
        for task, entry in OFFICIAL[version].items():
            if task in benchmark.languages:
                metric = next(name for name in entry if not name.startswith("avg"))
                assert sorted(entry[metric]) == sorted(benchmark.languages[task])


@pytest.mark.parametrize("language", XTREME.languages["mlqa"])
def test_mlqa_equals_what_its_own_script_printed(language):
    examples, said = WORLD["mlqa", language]
    gold = {e.id: list(e.answers) for e in examples}
    pred = {e.id: text for e, text in zip(examples, said, strict=True)}
    scores = mlqa(gold, pred, language)
    assert {name: scores[name] for name in ("exact_match", "f1")} == OFFICIAL["mlqa"][language]


@pytest.mark.parametrize(
    ("language", "article"), [(x, word) for x, words in MLQA_ARTICLES.items() for word in words]
)
def test_rules_that_forget_one_article_of_mlqa_are_found_out(language, article, monkeypatch):
    """The script's own numbers tell each article: a slip in our lists fails the test above."""
    others = [word for word in MLQA_ARTICLES[language] if word != article]
    pattern = rf"\b(?:{'|'.join(others)})\b" if others else r"(?!)"
    monkeypatch.setitem(RULES._ARTICLES, language, re.compile(pattern))
    examples, said = WORLD["mlqa", language]
    gold = {e.id: list(e.answers) for e in examples}
    pred = {e.id: text for e, text in zip(examples, said, strict=True)}
    scores = mlqa(gold, pred, language)
    printed = OFFICIAL["mlqa"][language]
    assert scores["f1"] != pytest.approx(printed["f1"], abs=1e-6)
    if language != "ar":  # and with it they are the script's
        whole = "|".join(MLQA_ARTICLES[language])
        monkeypatch.setitem(RULES._ARTICLES, language, re.compile(rf"\b(?:{whole})\b"))
        assert mlqa(gold, pred, language)["f1"] == printed["f1"]


@pytest.mark.parametrize("cell", OFFICIAL["squad_v1"])
def test_squad_v1_is_what_its_own_script_printed(cell):
    examples, said = WORLD[tuple(cell.split())]
    gold = {e.id: list(e.answers) for e in examples}
    pred = {e.id: text for e, text in zip(examples, said, strict=True)}
    scores = squad(gold, pred)
    assert {name: scores[name] for name in ("exact_match", "f1")} == OFFICIAL["squad_v1"][cell]


def test_a_thousand_predictions_of_xquad_and_of_tydiqa_were_put_to_squads_script():
    for task in ("xquad", "tydiqa"):
        cells = [tuple(cell.split()) for cell in OFFICIAL["squad_v1"] if cell.startswith(task)]
        assert sum(len(WORLD[cell][1]) for cell in cells) >= PER_TASK


@pytest.mark.parametrize("language", XTREME.languages["bucc2018"])
def test_mined_pairs_score_and_are_cut_where_xtreme_does(language):
    gold, scores = mined(language)
    assert mined_scores(language) == {
        name: OFFICIAL["xtreme"]["bucc2018"][name][language]
        for name in ("f1", "precision", "recall")
    }
    official = OFFICIAL["bucc_thresholds"][language]
    if language == "fr":  # every candidate is right: the script runs off the end
        assert official == "IndexError"
        assert bitext_threshold(scores, gold) == min(scores.values())
    else:
        assert bitext_threshold(scores, gold) == official


@pytest.mark.parametrize("language", XTREME_R.languages["mewslix"])
def test_one_right_entity_scores_what_xtreme_r_printed(language):
    official = OFFICIAL["xtreme-r"]["mewslix"]["map@20"][language]
    assert entity_score(language) == pytest.approx(official, abs=1e-9)


@pytest.mark.parametrize("k", [5, 20])
def test_average_precision_is_that_of_lareqa(k):
    gold, ranked = rankings()
    official = 100 * OFFICIAL["lareqa"][str(k)]
    assert mean_average_precision(gold, ranked, k) == pytest.approx(official, abs=1e-9)


@pytest.mark.parametrize("case", no_answer_cases())
def test_squad_v2_and_its_best_thresholds_are_what_its_script_printed(case):
    gold, said, sure = no_answer_cases()[case]
    assert squad_v2(gold, said, sure) == printed_of(case)


@pytest.mark.parametrize("case", no_answer_cases())
def test_files_with_no_answer_probabilities_are_scored_as_its_script_does(case, tmp_path):
    gold, said, sure = no_answer_cases()[case]
    document = squad_file("v2.0", list(gold.items()), random.Random(0))
    paths = [tmp_path / name for name in ("dev-v2.0.json", "pred", "prob")]
    for path, value in zip(paths, (document, said, sure), strict=True):
        path.write_text(json.dumps(value))
    found = score_files("squad_v2", *paths[:2], "en", paths[2])
    assert found["n"] == len(gold)
    assert found["metrics"] == printed_of(case)


def test_the_threshold_of_a_run_is_the_scripts_unless_silence_is_best():
    gold, said, sure = unanswered()
    f1, threshold = no_answer_threshold(gold, said, sure)
    assert (f1, threshold) == (
        OFFICIAL["squad_v2"]["best_f1"],
        OFFICIAL["squad_v2"]["best_f1_thresh"],
    )


def printed_of(case):
    """What the script of SQuAD 2.0 printed, under our names."""
    printed = {name: x for name, x in OFFICIAL[case].items() if not name.endswith("total")}
    exact = printed.pop("exact")
    return printed | {"exact_match": exact, "em_f1": (exact + printed["f1"]) / 2}


def test_the_scripts_are_named_with_the_commits_of_the_fixtures():
    assert OFFICIAL["commits"] == COMMITS
    assert all(f"checkout {commit}" in how_to_fetch() for commit in COMMITS.values())


def test_what_make_evidence_did_not_run_is_shown_with_its_reason():
    makefile = Path(__file__).parents[2] / "Makefile"
    (line,) = [x for x in makefile.read_text().splitlines() if "-m evidence" in x]
    assert "-rs" in line.split()


@pytest.mark.evidence
def test_the_official_scripts_still_print_the_committed_numbers():
    scripts = os.environ.get("XSTILTS_OFFICIAL")
    if not scripts:
        pytest.skip(f"THE OFFICIAL SCRIPTS WERE NOT RUN. Fetch them, then again:\n{how_to_fetch()}")
    assert run(Path(scripts)) == OFFICIAL
