"""The tables of a report as text cells; the template escapes and sets them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from xstilts.reports.model import ReportInput
from xstilts.reports.numbers import Numbers, Record, records, tone
from xstilts.studies import numerals

DAGGER = "†"


@dataclass(frozen=True)
class Cell:
    """One table cell.

    Attributes:
        text: what it says.
        note: a smaller second text.
        style: a fixed style word for the page.
        key: what a column of numbers is sorted by where its text is no plain number.
    """

    text: str
    note: str = ""
    style: str = ""
    key: float | None = None


@dataclass(frozen=True)
class Table:
    """A table whose first ``labels`` columns, and those in ``words``, are words; others numbers."""

    head: list[str]
    rows: list[list[Cell]]
    labels: int = 1
    words: frozenset[int] = frozenset()

    def kind(self, column: int) -> str:
        """``word`` or ``number``."""
        return "word" if column < self.labels or column in self.words else "number"


def gain_table(report: ReportInput, numbers: Numbers) -> Table:
    """Arms x targets: mean gain with its interval over seeds, and the cells behind it."""
    targets = list(report.main_metrics)
    rows = [
        [Cell(arm), *[_mean_cell(numbers.targets.get((arm, target))) for target in targets]]
        for arm in numbers.order
    ]
    return Table(["arm", *targets], rows)


def overall_table(report: ReportInput, numbers: Numbers) -> Table:
    """Arms: mean over targets, verdict, the mean under other choices, and the cells behind it."""
    columns: list[tuple[str, str]] = [
        ("without same data", "gain_without_same_data"),
        ("zero-shot", "zero_shot_gain"),
        ("in pretraining", "inside_gain"),
        ("not in pretraining", "outside_gain"),
        ("without collapsed seeds", "gain_without_collapsed"),
    ]
    if report.pretraining_languages is None:
        columns = [pair for pair in columns if "pretraining" not in pair[0]]
    rows = [
        [
            Cell(arm),
            Cell(numerals.gain(row["mean_gain"]), numerals.around(row), _headline_tone(row)),
            _verdict_cell(row),
            *[Cell(numerals.gain(row[key])) for _, key in columns],
            *[Cell(numerals.count(row[key])) for key in COUNTS],
        ]
        for arm, row in ((arm, numbers.arms[arm]) for arm in numbers.order)
    ]
    others = [name for name, _ in columns]
    return Table(["arm", "mean gain", "verdict", *others, *COUNTS.values()], rows)


COUNTS = {"targets": "targets", "counted": "cells", "at_floor": "at floor", "missing": "missing"}


def language_table(report: ReportInput, numbers: Numbers, target: str) -> Table:
    """Languages x arms of one target: mean score, and the gain with its interval over seeds."""
    found = {(c["arm"], c["language"]): c for c in numbers.cells if c["target"] == target}
    rows = []
    for language in numbers.languages[target]:
        origin = (report.baseline, target, language)
        known = origin in numbers.scores.values
        first = Cell(numerals.score(numbers.scores.mean(origin)) if known else "missing")
        cells = [
            _language_cell(numbers, (arm, target, language), found.get((arm, language)))
            for arm in numbers.order
        ]
        rows.append([Cell(language, _outside(report, language)), first, *cells])
    heads = [
        f"{arm} {DAGGER}" if (arm, target) in report.same_data else arm for arm in numbers.order
    ]
    return Table(["language", report.baseline, *heads], rows)


def gap_table(report: ReportInput, numbers: Numbers) -> Table | None:
    """Targets x arms: English minus the mean of the other languages; ``None`` without any gap."""
    arms = [report.baseline, *numbers.order]
    rows = []
    for target in report.main_metrics:
        gaps = {arm: numbers.gaps.get((arm, target)) for arm in arms}
        if any(gaps.values()):
            rows.append([Cell(target), *[_gap_cell(gaps[arm]) for arm in arms]])
    return Table(["target", *arms], rows) if rows else None


def floor_table(numbers: Numbers) -> Table | None:
    """Arm x target: the languages at floor, which no mean counts."""
    found: dict[tuple[str, str], list[str]] = {}
    for cell in sorted(numbers.cells, key=lambda cell: numbers.order.index(cell["arm"])):
        if cell["at_floor"]:
            found.setdefault((cell["arm"], cell["target"]), []).append(cell["language"])
    rows = [
        [Cell(arm), Cell(target), Cell(", ".join(names))] for (arm, target), names in found.items()
    ]
    return Table(["arm", "target", "languages at floor"], rows, labels=3) if rows else None


def collapsed_table(report: ReportInput, numbers: Numbers) -> Table | None:
    """Seeds at floor while other seeds of the same arm and target are not."""
    found: dict[tuple[str, str, int], list[str]] = {}
    for cell in numbers.cells:
        runs = [(cell["arm"], seed) for seed in cell["collapsed_seeds"]]
        runs += [(report.baseline, seed) for seed in cell["baseline_collapsed_seeds"]]
        for arm, seed in runs:
            names = found.setdefault((arm, cell["target"], seed), [])
            if cell["language"] not in names:
                names.append(cell["language"])
    rows = [
        [Cell(arm), Cell(target), Cell(str(seed)), Cell(", ".join(names))]
        for (arm, target, seed), names in sorted(found.items())
    ]
    return Table(["arm", "target", "seed", "languages"], rows, labels=4) if rows else None


def won_table(report: ReportInput, numbers: Numbers, target: str) -> Table | None:
    """Languages x arms: examples the arm turned right and wrong, summed over seeds."""
    sums: dict[tuple[str, str], list[int]] = {}
    for row in records(report.won_lost):
        if row["target"] == target:
            pair = sums.setdefault((row["arm"], row["language"]), [0, 0])
            pair[0], pair[1] = pair[0] + int(row["won"]), pair[1] + int(row["lost"])
    if not sums:
        return None
    rows = [
        [Cell(language), *[_won_cell(sums.get((arm, language))) for arm in numbers.order]]
        for language in numbers.languages.get(target, [])
        if any(key[1] == language for key in sums)
    ]
    return Table(["language", *numbers.order], rows)


def arm_table(report: ReportInput) -> Table:
    """The arms as the recipe declares them, every column that says anything."""
    rows = records(report.arms)
    names = [
        str(name) for name in report.arms.columns if any(_says(row[str(name)]) for row in rows)
    ]
    return Table(names, [[Cell(_word(row[name])) for name in names] for row in rows], len(names))


def stage_table(report: ReportInput) -> Table:
    """Every training stage: what it came from, what it cost, how it ended."""
    rows = []
    for row in records(report.stages):
        threads = "" if row["threads"] is None else numerals.amount(int(row["threads"]), "thread")
        metric = "" if row["dev_score"] is None else _word(row["dev_metric"])
        rows.append(
            [
                Cell(_word(row["name"])),
                Cell(_word(row["task"]), _drawn(row)),
                *[Cell(_word(row[name])) for name in ("parent", "verdict")],
                Cell(_word(row["precision"]), threads),
                *[Cell(numerals.count(row[name])) for name in ("examples", "updates")],
                Cell(numerals.duration(row["seconds"]), key=row["seconds"]),
                Cell(numerals.count(row["tokens_per_second"])),
                Cell(numerals.score(row["dev_score"]), metric),
            ]
        )
    head = ["stage", "task", "trained from", "verdict", "precision", "examples", "updates", "time"]
    return Table([*head, "tokens/s", "dev score"], rows, labels=5)


def cut_table(report: ReportInput) -> Table | None:
    """Per slice: inputs that lost their end, of how many; ``None`` if all were read whole."""
    rows = [
        [
            *[Cell(word) for word in (cut.task, cut.split, cut.language)],
            *[Cell(numerals.count(number)) for number in (cut.cut, cut.inputs)],
            Cell(f"{100 * cut.cut / cut.inputs:.1f} %"),
            Cell(numerals.count(cut.pieces)),
        ]
        for cut in report.cuts
    ]
    head = ["task", "split", "language", "inputs cut", "of", "share", "pieces a row"]
    return Table(head, rows, labels=3) if rows else None


def _drawn(row: Record) -> str:
    """How often each task of a mixture was drawn."""
    if not row.get("realised"):
        return ""
    return f"examples drawn: {row['realised']}; expected: {row['expected']}"


def reading_table(report: ReportInput) -> Table:
    """Per target: metric, floor, examples a cell, seeds and protocol behind the scores."""
    rows = []
    for target, metric in report.main_metrics.items():
        found = [r for r in records(report.rows) if (r["target"], r["metric"]) == (target, metric)]
        if found:
            seeds = sorted({int(r["seed"]) for r in found if r["seed"] is not None})
            rows.append(
                [
                    Cell(target),
                    Cell(metric),
                    Cell(_words(r["split"] for r in found)),
                    Cell(", ".join(map(str, seeds)) or "none: nothing random was trained"),
                    Cell(_words(r["protocol"] for r in found)),
                    Cell(_range((r["floor"] for r in found), numerals.score)),
                    Cell(_range((r["n"] for r in found), numerals.count)),
                ]
            )
    return Table(["target", "metric", "split", "seeds", "protocol", "floor", "examples"], rows, 5)


def _mean_cell(row: Record | None) -> Cell:
    if row is None:
        return Cell("missing", style="missing")
    if row["mean_gain"] is None:
        return Cell("at floor", style="floor")
    dagger = f" {DAGGER}" if row["same_data"] else ""
    note = f"{numerals.around(row)} {_of(row)}".strip()
    return Cell(numerals.gain(row["mean_gain"]) + dagger, note, tone(row["mean_gain"], row))


def _of(row: Record) -> str:
    dropped = row["at_floor"] + row["missing"]
    return f"({row['counted']} of {row['counted'] + dropped})" if dropped else f"({row['counted']})"


def _headline_tone(row: Record) -> str:
    return tone(row["mean_gain"], row, "headline")


def _verdict_cell(row: Record) -> Cell:
    if row["p"] is None:
        return Cell("at floor" if row["mean_gain"] is None else row["headline"], style="unclear")
    note = f"p {numerals.probability(row['p_holm'])}"
    if row["p_sign_flip"] is not None:
        note += f"; by sign flips, uncorrected {numerals.probability(row['p_sign_flip'])}"
    return Cell(row["headline"], note, _headline_tone(row))


def _language_cell(numbers: Numbers, place: tuple[str, str, str], cell: Record | None) -> Cell:
    if cell is None:
        if place in numbers.scores.values:
            return Cell(numerals.score(numbers.scores.mean(place)), "no baseline", "unclear")
        return Cell("missing", style="missing")
    note = f"{numerals.gain(cell['gain'])} {numerals.around(cell)}".rstrip()
    if cell["at_floor"]:
        return Cell(numerals.score(cell["arm_mean"]), "at floor", "floor")
    return Cell(numerals.score(cell["arm_mean"]), note, tone(cell["gain"], cell))


def _outside(report: ReportInput, language: str) -> str:
    known = report.pretraining_languages
    return "not in pretraining" if known is not None and language not in known else ""


def _gap_cell(row: Record | None) -> Cell:
    if row is None:
        return Cell("—")
    return Cell(numerals.gain(row["gap"]), numerals.amount(row["languages"], "language"))


def _won_cell(pair: list[int] | None) -> Cell:
    if pair is None:
        return Cell("—", style="missing")
    return Cell(
        f"+{pair[0]:,} {numerals.MINUS}{pair[1]:,}", f"net {numerals.whole(pair[0] - pair[1])}"
    )


def _says(value: Any) -> bool:
    return value is not None and value != "" and value != []


def _word(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " → ".join(map(str, value)) or "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"
    return str(value) if _says(value) else "—"


def _words(values: Iterable[Any]) -> str:
    return "; ".join(sorted({str(value) for value in values if _says(value)})) or "—"


def _range(values: Iterable[float | None], write: Callable[[float], str]) -> str:
    found = [value for value in values if value is not None]
    if not found:
        return "—"
    low, high = write(min(found)), write(max(found))
    return low if low == high else f"{low} to {high}"
