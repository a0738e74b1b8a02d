"""XTREME's and XTREME-R's overall scores from result rows; refused while anything is missing.

A task's score is the unweighted mean over its languages, English included; for question answering
that of (exact match + F1) / 2. A group's score is the mean over its tasks, the overall score that
over all tasks. Source: `evaluate.py` of google-research/xtreme at 838c13b6, for languages, groups
and means. Two differences for XTREME-R: LAReQA, for which that script has no languages (one score
covers all eleven), counts here, in the retrieval group; and XCOPA is in one group only.

Beside each score stands the mean over zero-shot languages, that is without English, as the authors
of TyDiQA ask for theirs.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, TypeAlias

from xstilts.tasks import get_task

if TYPE_CHECKING:
    import pandas as pd

Cells: TypeAlias = Mapping[tuple[str, str], float]
ENGLISH = "en"


@dataclass(frozen=True)
class Benchmark:
    """What a benchmark averages.

    Attributes:
        name: as published.
        groups: group -> its tasks.
        languages: task -> its languages.
        metrics: task -> the metric that counts.
    """

    name: str
    groups: Mapping[str, tuple[str, ...]]
    languages: Mapping[str, tuple[str, ...]]
    metrics: Mapping[str, str]


@dataclass(frozen=True)
class Mean:
    """A mean that says what it lacks.

    Attributes:
        value: over what is there, 0-100; None where nothing is.
        zero_shot: the same without English.
        missing: what the score of the benchmark would need besides, ``task language`` each.
    """

    value: float | None
    zero_shot: float | None
    missing: tuple[str, ...]

    @property
    def score(self) -> float | None:
        """The benchmark's score; None, not a lower number, while anything is missing."""
        return None if self.missing else self.value


@dataclass(frozen=True)
class BenchmarkScore:
    """One model's scores.

    Attributes:
        benchmark: whose.
        tasks: task -> mean over its languages.
        groups: group -> mean over its tasks.
        overall: mean over all tasks.
    """

    benchmark: Benchmark
    tasks: Mapping[str, Mean]
    groups: Mapping[str, Mean]
    overall: Mean


_QA = "em_f1"
_XNLI = tuple("ar bg de el en es fr hi ru sw th tr ur vi zh".split())
_PANX = tuple(
    "af ar bg bn de el en es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr ms my nl pt ru sw "
    "ta te th tl tr ur vi yo zh".split()
)
_UDPOS = tuple(
    "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi "
    "yo zh".split()
)
_TATOEBA = tuple(
    "af ar bg bn de el es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr nl pt ru sw ta te th "
    "tl tr ur vi zh".split()
)
_XQUAD = tuple("ar de el en es hi ru th tr vi zh".split())
_MLQA = tuple("ar de en es hi vi zh".split())
_TYDIQA = tuple("ar bn en fi id ko ru sw te".split())
_METRICS = {
    "xnli": "accuracy",
    "pawsx": "accuracy",
    "xcopa": "accuracy",
    "udpos": "f1",
    "panx": "f1",
    "xquad": _QA,
    "mlqa": _QA,
    "tydiqa": _QA,
    "bucc2018": "f1",
    "tatoeba": "accuracy",
    "mewslix": "map@20",
    "lareqa": "map@20",
}

XTREME = Benchmark(
    "XTREME",
    groups={
        "classification": ("xnli", "pawsx"),
        "tagging": ("udpos", "panx"),
        "qa": ("xquad", "mlqa", "tydiqa"),
        "retrieval": ("bucc2018", "tatoeba"),
    },
    languages={
        "xnli": _XNLI,
        "pawsx": ("de", "en", "es", "fr", "ja", "ko", "zh"),
        "udpos": _UDPOS,
        "panx": _PANX,
        "xquad": _XQUAD,
        "mlqa": _MLQA,
        "tydiqa": _TYDIQA,
        "bucc2018": ("de", "fr", "ru", "zh"),
        "tatoeba": _TATOEBA,
    },
    metrics=_METRICS,
)

XTREME_R = Benchmark(
    "XTREME-R",
    groups={
        "classification": ("xnli", "xcopa"),
        "tagging": ("udpos", "panx"),
        "qa": ("xquad", "mlqa", "tydiqa"),
        "retrieval": ("tatoeba", "mewslix", "lareqa"),
    },
    languages={
        "xnli": _XNLI,
        "xcopa": ("et", "ht", "id", "it", "qu", "sw", "ta", "th", "tr", "vi", "zh"),
        "udpos": tuple(sorted((*_UDPOS, "lt", "pl", "uk", "wo", "ro"))),
        "panx": tuple(sorted((*_PANX, "qu", "pl", "uk", "az", "lt", "pa", "gu", "ro"))),
        "xquad": tuple(sorted((*_XQUAD, "ro"))),
        "mlqa": _MLQA,
        "tydiqa": _TYDIQA,
        "tatoeba": tuple(sorted((*_TATOEBA, "az", "lt", "pl", "uk", "ro"))),
        "mewslix": ("ar", "de", "en", "es", "fa", "ja", "pl", "ro", "ta", "tr", "uk"),
        "lareqa": tuple("ar de el en es hi ru th tr vi zh".split()),
    },
    metrics=_METRICS,
)


def benchmark_score(benchmark: Benchmark, cells: Cells) -> BenchmarkScore:
    """The scores of one model.

    Args:
        benchmark: `XTREME` or `XTREME_R`.
        cells: (task, language) -> the score that counts, 0-100. Others are not looked at.
    """
    tasks = {task: _task(task, languages, cells) for task, languages in benchmark.languages.items()}
    groups = {
        group: _over([tasks[task] for task in names]) for group, names in benchmark.groups.items()
    }
    return BenchmarkScore(benchmark, tasks, groups, _over(list(tasks.values())))


def benchmark_cells(rows: "pd.DataFrame", benchmark: Benchmark) -> dict[tuple[str, str], float]:
    """The cells of one encoder and arm that count, each its mean over seeds.

    Oracle rows (choices made by target scores) never count. Where a cell was scored under several
    protocols or on several splits nothing says which one is meant, and it counts as missing.

    Args:
        rows: result rows of one encoder and arm.
        benchmark: names the tasks and the metric of each.
    """
    values: dict[tuple[str, str], dict[tuple[str, str], list[float]]] = defaultdict(dict)
    names = ["target", "language", "metric", "value", "split", "protocol"]
    for task, language, metric, value, split, protocol in rows[names].itertuples(index=False):
        if benchmark.metrics.get(task) == metric and "oracle" not in protocol:
            values[task, language].setdefault((split, protocol), []).append(value)
    return {place: fmean(*found.values()) for place, found in values.items() if len(found) == 1}


def missing_by_task(score: BenchmarkScore) -> list[str]:
    """What the overall score lacks, one task an entry: ``xquad es th``, ``pawsx (all 7)``."""
    found = []
    for task, mean in score.tasks.items():
        languages = [name.split()[1] for name in mean.missing]
        whole = len(languages) == len(score.benchmark.languages[task])
        if languages:
            named = f"(all {len(languages)})" if whole else " ".join(languages)
            found.append(f"{task} {named}")
    return found


def not_as_published(rows: "pd.DataFrame", benchmark: Benchmark) -> list[str]:
    """Why scores must not be set beside published ones: other splits, or parts of them."""
    splits: dict[str, set[str]] = defaultdict(set)
    parts: dict[str, set[str]] = defaultdict(set)
    for task, language, split, n in rows[["target", "language", "split", "n"]].itertuples(
        index=False
    ):
        if language not in benchmark.languages.get(task, ()):
            continue
        declared = get_task(task)
        if split != declared.score:
            splits[task].add(f"{task} is scored on {split}, not on {declared.score}")
        if split == declared.score and n < (declared.sizes.of(split, language) or 0):
            parts[task].add(language)
    return [
        *(line for lines in splits.values() for line in sorted(lines)),
        *(
            f"{task} has fewer examples than the whole split in {' '.join(sorted(languages))}"
            for task, languages in parts.items()
        ),
    ]


def _task(task: str, languages: tuple[str, ...], cells: Cells) -> Mean:
    here = [language for language in languages if (task, language) in cells]
    other = [cells[task, language] for language in here if language != ENGLISH]
    return Mean(
        fmean(cells[task, language] for language in here) if here else None,
        fmean(other) if other else None,
        tuple(f"{task} {language}" for language in languages if language not in here),
    )


def _over(means: list[Mean]) -> Mean:
    there = [mean.value for mean in means if mean.value is not None]
    zero_shot = [mean.zero_shot for mean in means if mean.zero_shot is not None]
    return Mean(
        fmean(there) if there else None,
        fmean(zero_shot) if zero_shot else None,
        tuple(name for mean in means for name in mean.missing),
    )
