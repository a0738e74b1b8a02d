"""What must show in the laboratory: zero-shot scores fall with distance and rise with text.

    python -m bench.phenomenon [STORE] [KEY=VALUE …]

Runs `lab/phenomenon`, no intermediate task and five targets of five kinds, in all languages, with
its encoder and with one of random weights. Scores are means over the seeds. A language's text is
counted in pieces that pretraining read. Writes ``docs/results/phenomenon.csv``, a line a language,
``docs/results/phenomenon-ranks.csv``, a line a target, and ``docs/results/phenomenon-cells.csv``,
a line a score and seed.
"""

import csv
import datetime
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from xstilts import api
from xstilts.core.spec import Runtime
from xstilts.data.files import find
from xstilts.data.readers import read
from xstilts.executors.build import made
from xstilts.lab.languages import SOURCE, language
from xstilts.phases.workplace import Workplace
from xstilts.stats.ranks import RankCorrelation, rank_correlation
from xstilts.tasks import get_task
from xstilts.tasks.examples import Tagged
from xstilts.tasks.spec import Split

RECIPE = "lab/phenomenon"
TARGETS = ("lab_xnli", "lab_xquad", "lab_udpos", "lab_panx", "lab_tatoeba")
ENCODERS = Path(__file__).parent / "encoders"
METRICS = {"lab_udpos": "accuracy"}  # the most frequent tag everywhere has an F1 of 0: no floor
SEEDS = (20, 21, 22, 23, 24)  # never looked at while settings were chosen
NOISE = 5.0  # points; two standard errors of a share of 400
PRETRAINED, UNTRAINED = "paper", "untrained"
RESULTS = Path("docs/results")
CELLS = ["encoder", "target", "language", "metric", "seed", "value", "floor"]
Scores = Mapping[tuple[str, str], float]
Row = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """Scores with their floors, and how much text each language had.

    Attributes:
        scores: encoder -> (target, language) -> its metric, 0-100.
        floors: likewise, what takes no skill.
        pieces: language -> pieces that pretraining read.
        by_place: language -> share of the tags of `lab_udpos`, 0-100, that an English word's place
            in its sentence tells, no word being known.
        cells: a line a score and seed, of which ``scores`` are the means.
    """

    scores: Mapping[str, Scores]
    floors: Scores
    pieces: Mapping[str, int]
    by_place: Mapping[str, float]
    cells: Sequence[Row] = ()

    @property
    def languages(self) -> list[str]:
        """All but the source, which nothing is transferred to."""
        return [code for code in self.pieces if code != SOURCE]

    @property
    def targets(self) -> list[str]:
        """In the order of the recipe."""
        return list(dict.fromkeys(target for target, _ in self.floors))

    def above(self, target: str) -> int:
        """In how many languages the pretrained encoder is above the floor by more than noise."""
        scores = self.scores[PRETRAINED]
        places = [(target, code) for code in self.languages]
        return sum(scores[place] > self.floors[place] + NOISE for place in places)


def main() -> None:
    """Train, judge, print, write."""
    said = sys.argv[1:]
    found = measured(said[0] if said else None, said[1:])
    tables = {"phenomenon": by_language(found), "phenomenon-ranks": by_target(found)}
    for rows in tables.values():
        for row in rows:
            print("  ".join(f"{name}: {value}" for name, value in row.items()), flush=True)
    read = sum(found.pieces.values()) / 1e6
    for name, lines in {**tables, "phenomenon-cells": found.cells}.items():
        write(name, lines, f"no intermediate task; {read:.1f} million pieces read in pretraining")


def measured(
    store: str | Path | None,
    changes: Sequence[str] = (),
    pretrained: str = "lab/paper",
    untrained: Path = ENCODERS / "untrained.yaml",
) -> Found:
    """Pretrain, fine-tune on English and score every language, with both encoders."""
    found = api.run(
        RECIPE,
        "recipe=phenomenon",
        f"encoder=[{{pretrain: {pretrained}}}, {{pretrain: {untrained}}}]",
        "arms={none: []}",
        f"targets=[{', '.join(TARGETS)}]",
        f"seeds={list(SEEDS)}",
        *changes,
        store=store,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    rows = found.counted
    wanted = [METRICS.get(target, get_task(target).metric) for target in rows.target]
    rows = rows[rows.metric == wanted]
    means = rows.groupby(["encoder", "target", "language"])[["value", "floor"]].mean()
    scores: dict[str, dict[tuple[str, str], float]] = {PRETRAINED: {}, UNTRAINED: {}}
    floors = {}
    for (encoder, *place), value, floor in means.itertuples(name=None):
        scores[encoder][tuple(place)], floors[tuple(place)] = value, floor
    promised = found.planned.encoders[PRETRAINED].made
    assert promised is not None
    step = promised.step
    place = Workplace.of(store)
    record = place.store.open(step.address, step.key, step.identity).value
    pieces = {code: facts["seen"] for code, facts in record["languages"].items()}
    ordered = rows[CELLS].round({"value": 2, "floor": 2}).sort_values(CELLS[:-2])
    cells = [dict(zip(CELLS, row, strict=True)) for row in ordered.itertuples(index=False)]
    return Found(scores, floors, pieces, by_place(place.with_lab().data, list(pieces)), cells)


def by_place(roots: Sequence[Path], codes: Sequence[str]) -> dict[str, float]:
    """How many tags are the most frequent one of their place in English training sentences."""
    seen: dict[int, Counter[str]] = {}
    for example in tagged("train", SOURCE, roots):
        for place, tag in enumerate(example.tags):
            seen.setdefault(place, Counter())[tag] += 1
    usual = {place: tags.most_common(1)[0][0] for place, tags in seen.items()}
    return {
        code: 100
        * fmean(
            usual.get(place) == tag
            for example in tagged("test", code, roots)
            for place, tag in enumerate(example.tags)
        )
        for code in codes
    }


def tagged(split: Split, code: str, roots: Sequence[Path]) -> Iterator[Tagged]:
    """Sentences of `lab_udpos`."""
    task = get_task("lab_udpos")
    found = find(task, split, code, roots)
    assert found is not None
    for example in read(task, found.files, found.paths, split, code):
        assert isinstance(example, Tagged)
        yield example


def by_language(found: Found) -> list[Row]:
    """One line a language, near ones first."""
    codes = sorted(found.pieces, key=lambda code: (language(code).distance, code))
    return [
        {
            "language": code,
            "distance": f"{language(code).distance:.2f}",
            "pieces": found.pieces[code],
            "tags by place": f"{found.by_place[code]:.1f}",
            **{t: f"{found.scores[PRETRAINED][t, code]:.1f}" for t in scored_in(found, code)},
            **{
                f"{t}, random": f"{found.scores[UNTRAINED][t, code]:.1f}"
                for t in scored_in(found, code)
            },
        }
        for code in codes
    ]


def scored_in(found: Found, code: str) -> list[str]:
    """The targets that have this language."""
    return [target for target in found.targets if (target, code) in found.floors]


def correlations(
    found: Found, target: str = "", encoder: str = PRETRAINED
) -> tuple[RankCorrelation, RankCorrelation]:
    """Of a target's scores, or their mean, with distance, and with pieces at equal distance."""
    codes = found.languages
    targets = [target] if target else found.targets
    scores = [fmean(found.scores[encoder][t, code] for t in targets) for code in codes]
    distance = [language(code).distance for code in codes]
    pieces = [float(found.pieces[code]) for code in codes]
    return rank_correlation(distance, scores), rank_correlation(pieces, scores, distance)


def by_target(found: Found) -> list[Row]:
    """One line a target, then their mean."""
    rows: list[Row] = []
    for target in (*found.targets, ""):
        told = {
            encoder: [
                f"{c.rho:+.2f} ({c.low:+.2f} to {c.high:+.2f})"
                for c in correlations(found, target, encoder)
            ]
            for encoder in (PRETRAINED, UNTRAINED)
        }
        rows.append(
            {
                "target": target or "mean of all",
                "languages above floor": found.above(target) if target else "",
                "with distance": told[PRETRAINED][0],
                "with pieces": told[PRETRAINED][1],
                "random, with distance": told[UNTRAINED][0],
                "random, with pieces": told[UNTRAINED][1],
            }
        )
    return rows


def write(name: str, rows: Sequence[Row], note: str) -> None:
    """The CSV and what it was measured with."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (RESULTS / f"{name}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[-1]), lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(rows)
    facts = made(Runtime())
    about = {
        "recipe": RECIPE,
        "command": "python -m bench.phenomenon",
        "machine": f"{facts['processor']}, {facts['cores']} cores",
        "date": datetime.date.today().isoformat(),
        "seeds": [str(seed) for seed in SEEDS],
        "note": note,
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
