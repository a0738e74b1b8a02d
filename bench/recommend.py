"""Is a planted related intermediate task recommended first, in worlds that nobody has seen?

    python -m bench.recommend [STORE] [WORLDS]

A world is the laboratory's tasks drawn anew. Its target is `lab_xnli`, trained on `lab_mnli`: what
people do. Ten intermediate tasks are candidates: six of the laboratory's other tasks, and four of
inference, alike in kind, labels, length and number of examples. One of the four, by the world's
seed, asks about what people do; the other three ask about what things are like (the knob
``shared``). Nothing is trained but one small encoder, once for all worlds, and short heads on it.
Writes ``docs/results/recommend.csv``, a line a world.
"""

import csv
import datetime
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from xstilts import api
from xstilts.core.spec import Runtime
from xstilts.executors.build import made
from xstilts.lab.chance import Chance
from xstilts.lab.export import RELEASES, knobs_of
from xstilts.studies.frames import plain_rows
from xstilts.studies.recommend import NONE

TARGET, ORIGIN = "lab_xnli", "lab_mnli"
OTHERS = (
    "lab_qqp",
    "lab_squad_v1",
    "lab_hellaswag",
    "lab_ccg",
    "lab_cosmosqa",
    "lab_commonsenseqa",
)
LIKE = 4  # tasks of inference among the candidates
TRAIN, HELD = 1_000, 100  # examples
WORLDS = 10
FIRST = 100  # seed of the first world; those before have been looked at
RESULTS = Path("docs/results")
Row = dict[str, Any]


def main() -> None:
    """Recommend in every world, print, write."""
    store, *more = sys.argv[1:] or ["xstilts-store"]
    worlds = int(more[0]) if more else WORLDS
    began = time.monotonic()
    rows = [recommended(seed, Path(store)) for seed in range(FIRST, FIRST + worlds)]
    right = sum(row["place of the planted"] == 1 for row in rows)
    minutes = (time.monotonic() - began) / 60
    note = f"the planted task is first in {right} of {len(rows)} worlds; {minutes:.0f} minutes"
    print(note)
    write(rows, note)


def recommended(seed: int, store: Path) -> Row:
    """One world: its planted task, and where it is recommended."""
    began = time.monotonic()
    folder = store / "worlds" / str(seed)
    planted, recipe = world(seed, folder)
    found = api.recommend(
        str(recipe),
        target=TARGET,
        store=store,
        data=folder,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    rows = {str(row["candidate"]): row for row in plain_rows(found.rows)}
    tasks = [name for name in rows if name != NONE]
    row = {
        "world": seed,
        "planted": planted,
        "place of the planted": rows[planted]["place"],
        "its score": f"{rows[planted]['score']:.3f}",
        "first in draws": f"{rows[planted]['first']:.2f}",
        "second": next(name for name in tasks if name != planted),
        "score of the second": f"{max(rows[t]['score'] for t in tasks if t != planted):.3f}",
        "by size alone": size_alone(rows, tasks),
        "seconds": round(time.monotonic() - began),
    }
    print("  ".join(f"{name}: {value}" for name, value in row.items()), flush=True)
    return row


def size_alone(rows: dict[str, Row], tasks: list[str]) -> str:
    """The tasks with the most examples: what one would take who knew nothing else."""
    most = max(rows[task]["size"] for task in tasks)
    first = sorted(task for task in tasks if rows[task]["size"] == most)
    return first[0] if len(first) == 1 else f"{len(first)} tie"


def world(seed: int, folder: Path) -> tuple[str, Path]:
    """Write the files of one world; returns the planted task and the recipe."""
    recipe = folder / "recommend.yaml"
    names = [f"inference_{seed}_{i}" for i in range(LIKE)]
    planted = random.Random(seed).choice(names)
    if recipe.exists():
        return planted, recipe
    sizes = (f"sizes.train={TRAIN}", f"sizes.dev={HELD}", f"sizes.test={HELD}")
    api.export_lab(folder, *sizes, seed=seed)
    for name in names:
        write_inference(folder, name, shared=float(name == planted))
    arms = {NONE: [], **{task: [{"train": task}] for task in (*names, *OTHERS)}}
    said = {
        "recipe": f"recommend/{seed}",
        "question": f"Which of ten tasks is most like {TARGET}?",
        "expectation": f"{planted}, which asks the same of the same.",
        "extends": "lab/similarity",
        "data": None,
        "encoder": {"pretrain": "lab/encoder"},
        "own_tasks": [f"{name}.yaml" for name in names],
        "tasks": {ORIGIN: {"train": {"from": "train", "sample": TRAIN}}},
        "languages": ["en", "qfi"],
        "seeds": [0],
        "arms": arms,
        "targets": [TARGET],
    }
    recipe.write_text(yaml.safe_dump(said, sort_keys=False))
    return planted, recipe


def write_inference(folder: Path, name: str, shared: float) -> None:
    """An own task in the format of the laboratory's MNLI, with its declaration."""
    release, (place,) = RELEASES[ORIGIN], [folder / name]
    place.mkdir(parents=True)
    knobs = type(knobs_of(ORIGIN))(shared=shared)
    for file in release.files:
        chance = Chance(0, "bench.recommend", name, file.part)
        count = TRAIN if file.part == "train" else HELD
        text = release.write(release.make(chance, file.part, count, knobs), "en")
        (place / file.name).write_text(text, "utf-8", newline="\n")
    declared = yaml.safe_load((Path("xstilts/tasks/catalog") / f"{ORIGIN}.yaml").read_text())
    declared |= {"name": name, "train": name, "sizes": {"train": TRAIN, "dev": HELD}}
    declared["files"][0]["folders"] = [name]
    declared["knobs"] = {}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(declared, sort_keys=False))


def write(rows: list[Row], note: str) -> None:
    """The CSV and what it was measured with."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (RESULTS / "recommend.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    facts = made(Runtime())
    about = {
        "recipe": "lab/similarity",
        "command": "python -m bench.recommend",
        "machine": f"{facts['processor']}, {facts['cores']} cores",
        "date": datetime.date.today().isoformat(),
        "seeds": [f"{rows[0]['world']}-{rows[-1]['world']}"],
        "note": note,
    }
    (RESULTS / "recommend.json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
