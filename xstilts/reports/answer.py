"""The answer in sentences, generated from the numbers and from nothing else."""

from xstilts.reports.model import ReportInput
from xstilts.reports.numbers import Numbers, Record
from xstilts.reports.numerals import amount, gain, listing, spread


def answer(report: ReportInput, numbers: Numbers) -> list[str]:
    """What the numbers say, one sentence each, in the order of a paragraph.

    A gain is told only where it exceeds its spread over seeds; the rest is said not to be told.
    """
    if not numbers.cells:
        return [f"Nothing can be answered yet: no arm shares a scored cell with {report.baseline}."]
    told = [row for row in numbers.arms.values() if row["mean_gain"] is not None]
    if not told:
        return ["Nothing can be told: every cell is at the floor of its task."]
    return [
        *_best(report, numbers, sorted(told, key=lambda row: -row["mean_gain"])),
        *_extremes(numbers),
        *_untold(report, numbers),
        *_pretraining(numbers, told),
        *_counts(numbers),
    ]


def _best(report: ReportInput, numbers: Numbers, told: list[Record]) -> list[str]:
    first = told[0]
    size = f"{gain(first['mean_gain'])} {spread(first['spread'])}".rstrip()
    over = f"the mean of {amount(first['targets'], 'target')}, {amount(first['counted'], 'cell')}"
    if first["spread"] is None:
        found = [
            f"{first['arm']} has the highest mean gain over {report.baseline}, {size} points "
            f"({over}); with fewer than two shared seeds nobody can tell it from chance."
        ]
    elif not first["clear"]:
        found = [
            f"No arm gained more than its seeds vary: the highest mean is that of {first['arm']}, "
            f"{size} points ({over})."
        ]
    elif first["mean_gain"] < 0:
        found = [
            f"No arm gained over {report.baseline}; {first['arm']} lost least: "
            f"{size} points ({over})."
        ]
    else:
        found = [
            f"{first['arm']} gained most over the baseline {report.baseline}: "
            f"{size} points ({over})."
        ]
    return found + _second(told) + _same_data(numbers, told) + _coverage(told)


def _second(told: list[Record]) -> list[str]:
    if len(told) < 2 or told[0]["spread"] is None or told[1]["spread"] is None:
        return []
    first, second = told[:2]
    lead = first["mean_gain"] - second["mean_gain"]
    size = f"{gain(second['mean_gain'])} {spread(second['spread'])}"
    if lead < max(first["spread"], second["spread"]):
        return [f"{second['arm']} is so close ({size}) that their order cannot be told."]
    return [f"{second['arm']} comes second ({size})."]


def _same_data(numbers: Numbers, told: list[Record]) -> list[str]:
    if not any(row["same_data"] for row in numbers.targets.values()):
        return []
    other = [row for row in told if row["gain_without_same_data"] is not None]
    if not other:
        return ["Every counted cell uses the same data twice; without them nothing is left."]
    best = max(other, key=lambda row: row["gain_without_same_data"])
    size = gain(best["gain_without_same_data"])
    if best["arm"] == told[0]["arm"]:
        return [f"Without same-data cells it is still the highest ({size})."]
    return [f"Without same-data cells the highest is {best['arm']} instead ({size})."]


def _coverage(told: list[Record]) -> list[str]:
    if len({row["targets"] for row in told}) == 1:
        return []
    return ["The arms were scored on different numbers of targets, so their means differ in scope."]


def _extremes(numbers: Numbers) -> list[str]:
    clear = [row for row in numbers.targets.values() if row["clear"]]
    found = []
    if best := [row for row in clear if row["mean_gain"] > 0]:
        top = max(best, key=lambda row: row["mean_gain"])
        found.append(f"The largest gain is {_where(top)}.")
    if worst := [row for row in clear if row["mean_gain"] < 0]:
        low = min(worst, key=lambda row: row["mean_gain"])
        found.append(f"The largest loss is {_where(low)}.")
    return found


def _where(row: Record) -> str:
    dagger = " (same data)" if row["same_data"] else ""
    size = f"{gain(row['mean_gain'])} {spread(row['spread'])}"
    return f"that of {row['arm']} on {row['target']}{dagger}, {size}"


def _untold(report: ReportInput, numbers: Numbers) -> list[str]:
    none = [
        target
        for target in report.main_metrics
        if not any(row["clear"] for (_, of), row in numbers.targets.items() if of == target)
    ]
    some = [
        f"{arm} on {target}"
        for (arm, target), row in numbers.targets.items()
        if target not in none and not row["clear"]
    ]
    found = []
    if none:
        found.append(f"Nothing can be told about {listing(none)}: no arm moved it clearly.")
    if some:
        found.append(
            f"Nor can anything be told about {listing(some)}."
            if none
            else f"Nothing can be told about {listing(some)}."
        )
    return found


def _pretraining(numbers: Numbers, told: list[Record]) -> list[str]:
    first = max(told, key=lambda row: row["mean_gain"])
    if first["inside_gain"] is None or first["outside_gain"] is None:
        return []
    return [
        f"In languages of the encoder's pretraining {first['arm']} changes scores by "
        f"{gain(first['inside_gain'])}, in others by {gain(first['outside_gain'])}."
    ]


def _counts(numbers: Numbers) -> list[str]:
    counted, floor, missing = (
        sum(row[name] for row in numbers.arms.values())
        for name in ("counted", "at_floor", "missing")
    )
    found = [
        f"{amount(counted, 'cell')} counted; {floor:,} at floor and in no mean; "
        f"{missing:,} missing."
    ]
    if collapsed := [
        row for row in numbers.cells if row["collapsed_seeds"] or row["baseline_collapsed_seeds"]
    ]:
        found.append(f"A seed collapsed in {amount(len(collapsed), 'cell')}.")
    return found
