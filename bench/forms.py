"""Every form of training on mini-xlmr and real data: does each come above the floor?

    python -m bench.forms [--store DIR] [--out DIR] [KEY=VALUE …]

Runs ``bench/recipes/forms.yaml`` on XSTILTS_DATA and XSTILTS_MODELS, and beside its arms three
whose data are made here: a dictionary, of words and sentences of NTREX in five languages, and two
on translations of SIB-200's English training data, which are its own Swahili files. Writes
``forms.csv``: a line an arm, with what the record of its last training before the target says of
held-out examples, and for each target the English score, the mean of the other languages, and in
how many of these the score is above what its examples cannot tell from the floor.
"""

import argparse
import csv
import datetime
import gzip
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from xstilts import api
from xstilts.core.spec import Runtime
from xstilts.executors.build import made
from xstilts.metrics import noise_limit
from xstilts.phases.planned import Planned
from xstilts.phases.running import Results
from xstilts.phases.workplace import Workplace
from xstilts.store import Store
from xstilts.tasks import get_task

RECIPE = Path(__file__).parent / "recipes" / "forms.yaml"
RESULTS = Path("docs/results")
DICTIONARY = """\
name: words
kind: pair
labels: [different, same]
languages: [en]
files: {format: dictionary_tsv, names: {train: words.tsv}}
"""
Row = dict[str, Any]


def main() -> None:
    """Train, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("changes", nargs="*", metavar="KEY=VALUE")
    parser.add_argument("--store")
    parser.add_argument("--out", type=Path, default=RESULTS)
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = trained(said.store, Path(folder), said.changes)
        rows = by_arm(found, Workplace.of(said.store).store)
    for row in rows:
        print("  ".join(f"{name}: {value}" for name, value in row.items()), flush=True)
    write(said.out, rows, said.changes)


def trained(store: str | Path | None, folder: Path, changes: Sequence[str] = ()) -> Results:
    """Run all arms; ``folder`` gets the data that are made."""
    data = Path(os.environ["XSTILTS_DATA"])
    own = dictionary(folder, data / "text" / "ntrex")
    (folder / "translated").mkdir()
    (folder / "translated" / "sw").symlink_to(data.absolute())
    translated = f"translated: {folder / 'translated'}"
    return api.run(
        str(RECIPE),
        f"own_tasks=[{own}]",
        "tasks.words={train: {from: train, sample: 1600}, training: {epochs: 5}}",
        "arms.dictionary=[{train: words}]",
        f"arms.translated=[{{train: sib200, language: sw, {translated}}}]",
        f"arms.translate_train=[{{language: own, {translated}}}]",
        *changes,
        store=store,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )


def dictionary(folder: Path, text: Path) -> Path:
    """The declaration of a task of words in five languages, and sentences that they stand in.

    Wrong sentences are drawn from all, so that most of them are of another language than the word:
    a thing that so small an encoder can learn from so few.
    """
    rows = []
    for language in ("en", "de", "mr", "te", "sw"):
        with gzip.open(text / f"{language}.txt.gz", "rt", encoding="utf-8") as file:
            sentences = [" ".join(line.split("\t", 1)[1].split()) for line in file]
        rows += [f"{max(said.split(), key=len)}\t{said}\n" for said in sentences if said]
    (folder / "words.tsv").write_text("".join(rows), "utf-8")
    (folder / "words.yaml").write_text(DICTIONARY, "utf-8")
    return folder / "words.yaml"


def by_arm(found: Results, store: Store) -> list[Row]:
    """One line an arm, in the order of the recipe."""
    recipe = found.planned.recipe
    told = pd.read_parquet(found.folder / "arms.parquet").set_index("arm")
    every = found.rows
    main = [get_task(target).metric for target in every["target"]]
    every = every[every["metric"] == main]
    limits = [noise_limit(f, n) for f, n in zip(every["floor"], every["n"], strict=True)]
    every = every.assign(above=every["value"] > limits)
    rows = []
    for arm in recipe.arms:
        row: Row = {"arm": arm, "kind": told["kind"][arm], **last_stage(found.planned, arm, store)}
        for target in recipe.targets:
            mine = every[(every["arm"] == arm) & (every["target"] == target)]
            english, others = mine[mine["language"] == "en"], mine[mine["language"] != "en"]
            row[f"{target} en"] = shown(english["value"])
            row[f"{target} others"] = shown(others["value"])
            row[f"{target} above floor"] = f"{int(others['above'].sum())} of {len(others)}"
        rows.append(row)
    return rows


def last_stage(planned: Planned, arm: str, store: Store) -> Row:
    """What the record of an arm's last training before the target says; nothing where none is."""
    names = ("last stage", "verdict", "dev metric", "dev score", "dev floor")
    trained = list(planned.recipe.trained(arm))
    if not trained:
        return dict.fromkeys(names, "")
    step = planned.models[f"{trained[-1]}@{planned.recipe.seeds[0]}"]
    value = store.open(step.address, step.key, step.identity).value
    floor = value["dev_floor"]
    task, score = value["lineage"][-1]["task"], f"{value['dev_score']:.1f}"
    told = (task, value["verdict"], value["dev_metric"], score)
    return dict(zip(names, (*told, "" if floor is None else f"{floor:.1f}"), strict=True))


def shown(values: "pd.Series[float]") -> str:
    """The mean; nothing of none."""
    return f"{values.mean():.1f}" if len(values) else ""


def write(out: Path, rows: list[Row], changes: list[str]) -> None:
    """The CSV and what it was measured with."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / "forms.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    facts = made(Runtime())
    about = {
        "recipe": "bench/recipes/forms.yaml",
        "command": " ".join(["python -m bench.forms", *changes]),
        "machine": f"{facts['processor']}, {facts['cores']} cores",
        "date": datetime.date.today().isoformat(),
        "seeds": [0],
        "note": "mini-xlmr; main metrics, 0-100; at most 150 examples a language; one seed and "
        "short stages, so arms are not to be compared",
    }
    (out / "forms.json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
