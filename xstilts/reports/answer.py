"""The answer in sentences, generated from the numbers and from nothing else."""

from collections.abc import Collection

from xstilts.reports.model import ReportInput
from xstilts.reports.numbers import Numbers, Record, tone
from xstilts.stats.mean_gains import lead_test
from xstilts.studies.numerals import amount, around, gain, listing

_NAMED = 8  # arms on targets of which nothing can be told; of more, how many


def answer(report: ReportInput, numbers: Numbers) -> list[str]:
    """What the numbers say, one sentence each, in the order of a paragraph.

    A gain is told only where the test over seeds and test items finds it, corrected for all arms,
    or for all arms and targets; the rest is said not to be told. Below three seeds there is no
    verdict: means are given with their spread.
    """
    if not numbers.cells:
        return [f"Nothing can be answered yet: no arm shares a scored cell with {report.baseline}."]
    told = [row for row in numbers.arms.values() if row["mean_gain"] is not None]
    if not told:
        return ["Nothing can be told: every cell is at the floor of its task."]
    return [
        *_best(report, numbers, sorted(told, key=lambda row: -row["mean_gain"])),
        *_single_targets(report, numbers),
        *_pretraining(numbers, told),
        *_counts(numbers),
    ]


def _best(report: ReportInput, numbers: Numbers, told: list[Record]) -> list[str]:
    """The best arm that gained, or what the highest mean is worth."""
    winners = [row for row in told if row["headline"] == "gain"]
    first = (winners or told)[0]
    over = f"the mean of {amount(first['targets'], 'target')}, {amount(first['counted'], 'cell')}"
    if first["p"] is not None:
        items = " and other test items" if first["item_draws"] else ""
        over += f"; 95 % interval over {amount(first['seeds'], 'seed')}{items}"
    arm, size = first["arm"], f"{_size(first)} points ({over})"
    said = {
        "gain": f"{arm} gained most over the baseline {report.baseline}: {size}.",
        "loss": f"No arm gained over {report.baseline}; {arm} lost least: {size}.",
        "undecided": f"No gain over {report.baseline} can be told from 0: the highest mean is that "
        f"of {arm}, {size}.",
        "too few seeds": f"{arm} has the highest mean gain over {report.baseline}, {size}; "
        f"{amount(first['seeds'], 'shared seed')}: too few seeds for a verdict.",
    }
    return [
        said[first["headline"]],
        *_above(told[0], first),
        *_second(winners),
        *_others(told, (first, told[0])),
        *_same_data(numbers, told),
        *_coverage(told),
    ]


def _size(row: Record) -> str:
    return f"{gain(row['mean_gain'])} {around(row)}".rstrip()


def _above(highest: Record, first: Record) -> list[str]:
    if highest["arm"] == first["arm"]:
        return []
    return [f"The mean of {highest['arm']} is higher ({_size(highest)}), but proves no gain."]


def _second(winners: list[Record]) -> list[str]:
    """Whether the two best arms can be told apart, by a test of their difference."""
    if len(winners) < 2:
        return []
    name = winners[1]["arm"]
    if lead_test(*winners[:2]).verdict == "gain":
        return [f"{name} comes second ({_size(winners[1])})."]
    return [f"{name} is so close ({_size(winners[1])}) that their order cannot be told."]


def _others(told: list[Record], named: Collection[Record]) -> list[str]:
    words = {"gain": "gained, too", "loss": "lost", "undecided": "cannot be told from 0"}
    arms = {
        said: [row["arm"] for row in told if row["headline"] == found and row not in named]
        for found, said in words.items()
    }
    parts = [f"{listing(names)} {said}" for said, names in arms.items() if names]
    return [f"Of the others, {'; '.join(parts)}."] if parts else []


def _same_data(numbers: Numbers, told: list[Record]) -> list[str]:
    if not any(row["same_data"] for row in numbers.targets.values()):
        return []
    other = [row for row in told if row["gain_without_same_data"] is not None]
    if not other:
        return ["Every counted cell uses the same data twice; without them nothing is left."]
    best = max(other, key=lambda row: row["gain_without_same_data"])
    still = "still " if best["arm"] == told[0]["arm"] else ""
    size = gain(best["gain_without_same_data"])
    return [f"Without same-data cells the highest mean is {still}that of {best['arm']} ({size})."]


def _coverage(told: list[Record]) -> list[str]:
    if len({row["targets"] for row in told}) == 1:
        return []
    return ["The arms were scored on different numbers of targets, so their means differ in scope."]


def _single_targets(report: ReportInput, numbers: Numbers) -> list[str]:
    tests = sum(row["p"] is not None for row in numbers.targets.values())
    if not tests:
        return _extremes(numbers)
    first, *rest = _extremes(numbers) + _untold(report, numbers)
    if tests > 1:
        lead = f"Corrected for {tests} comparisons of an arm on a target, "
        first = lead + first[0].lower() + first[1:]
    return [first, *rest]


def _extremes(numbers: Numbers) -> list[str]:
    found = []
    if best := [row for row in numbers.targets.values() if _tone(row) == "gain"]:
        top = max(best, key=lambda row: row["mean_gain"])
        found.append(f"The largest gain is {_where(top)}.")
    if worst := [row for row in numbers.targets.values() if _tone(row) == "loss"]:
        low = min(worst, key=lambda row: row["mean_gain"])
        found.append(f"The largest loss is {_where(low)}.")
    return found


def _tone(row: Record) -> str:
    return tone(row["mean_gain"], row, "headline")


def _where(row: Record) -> str:
    dagger = " (same data)" if row["same_data"] else ""
    return f"that of {row['arm']} on {row['target']}{dagger}, {_size(row)}"


def _untold(report: ReportInput, numbers: Numbers) -> list[str]:
    unclear = [place for place, row in numbers.targets.items() if _tone(row) == "unclear"]
    told = {target for arm, target in numbers.targets if (arm, target) not in unclear}
    none = [target for target in report.main_metrics if target not in told]
    some = [f"{arm} on {target}" for arm, target in unclear if target in told]
    pairs = (
        listing(some) if len(some) <= _NAMED else f"{amount(len(some), 'other tile')}, grey below"
    )
    found = []
    if none:
        found.append(f"Nothing can be told about {listing(none)}: no arm moved the score clearly.")
    if some:
        found.append(
            f"Nor can anything be told about {pairs}."
            if none
            else f"Nothing can be told about {pairs}."
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
