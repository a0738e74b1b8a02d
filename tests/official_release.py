"""A data folder with a few examples of every task of XTREME and XTREME-R, in the official formats.

What they say is the laboratory's: its counterparts have the formats of the releases, and here they
get their names, too, and the codes of natural languages.
"""

import json
from pathlib import Path

from xstilts.data.files import find
from xstilts.lab.export import Sizes, export
from xstilts.tasks import Task, get_task, task_names
from xstilts.tasks.spec import SPLITS

SPOKEN = {"en": "en", "de": "qab", "sw": "qda"}
SIZES = Sizes(train=60, dev=12, test=24)
_LABELS = {"c": "contradiction", "e": "entailment", "n": "neutral"}


def write_official(root: Path) -> Path:
    """Fill ``root``; always the same bytes."""
    lab = root / "laboratory"
    export(lab, sizes=SIZES, translated=[spoken for code, spoken in SPOKEN.items() if code != "en"])
    for name in task_names():
        if f"lab_{name}" in task_names():
            _rename(get_task(name), lab, root)
    _inference(lab / "lab_anli_plus" / "train.jsonl", root)
    for code, spoken in SPOKEN.items():
        place, target = lab / "translated" / spoken, root / "translations" / code
        for folder in sorted(place.glob("*")):
            _rename(get_task(folder.name.removeprefix("lab_")), place, target, train_only=True)
        if place.exists():
            _inference(place / "lab_anli_plus" / "train.jsonl", target)
    _text(lab, root / "text" / "stories")
    return root


def _rename(task: Task, lab: Path, root: Path, train_only: bool = False) -> None:
    """Files of a counterpart under the names of the first release of that format and split."""
    other = get_task(f"lab_{task.name}")
    for split in ("train",) if train_only else SPLITS:
        files = next(
            (f for f in task.files if f.format == other.files[0].format and split in f.names), None
        )
        for code, spoken in SPOKEN.items():
            if files is None or code not in task.languages:
                continue
            found = find(other, split, spoken, [lab])
            if found is None:
                continue
            own = files.codes.get(code, code)
            for source, name in zip(found.paths, files.names[split], strict=True):
                text = source.read_text("utf-8").replace(f'"{spoken}"', f'"{code}"')
                text = text.replace(f"{spoken}-", f"{code}-") if task.kind == "mining" else text
                _write(root / files.folders[0] / name.replace("{code}", own), text)


def _inference(source: Path, root: Path) -> None:
    """SNLI and the three rounds of ANLI, which ANLI+ is made of together with MNLI."""
    rows = [json.loads(line) for line in source.read_text("utf-8").splitlines()]
    quarter = len(rows) // 4
    for i in range(3):
        mine = rows[i * quarter : (i + 1) * quarter]
        written = [row | {"uid": f"{i}-{row['uid']}", "label": row["label"][0]} for row in mine]
        _write(root / "anli" / f"R{i + 1}" / "train.jsonl", _lines(written))
    told = [
        {
            "gold_label": _LABELS[row["label"][0]],
            "sentence1": row["context"],
            "sentence2": row["hypothesis"],
            "pairID": row["uid"],
        }
        for row in rows[3 * quarter :]
    ]
    _write(root / "snli" / "snli_1.0_train.jsonl", _lines(told))


def _text(lab: Path, folder: Path) -> None:
    for code, spoken in SPOKEN.items():
        side = "eng" if code == "en" else spoken
        other = SPOKEN["de"] if code == "en" else spoken
        file = lab / "lab_tatoeba" / f"tatoeba.{other}-eng.{side}"
        _write(folder / f"{code}.txt", file.read_text("utf-8"))


def _lines(rows: list[dict[str, str]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
