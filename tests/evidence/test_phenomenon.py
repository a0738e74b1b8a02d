"""Transfer in the laboratory; `python -m bench.phenomenon` writes the same tables."""

import math
from pathlib import Path

import pytest
import yaml

import xstilts
from bench.phenomenon import (
    ENCODERS,
    NOISE,
    PRETRAINED,
    UNTRAINED,
    Found,
    by_language,
    by_target,
    correlations,
    measured,
)
from xstilts.lab.languages import CODES, language

FAR = "qfi"  # own script, no word in common, English order
CHANCE = 100 / 3


def made_up(noise: float = 0.0) -> Found:
    """Scores that fall with distance and rise with text, but for some noise."""
    spoken = map(language, CODES)
    made = {x.code: 90 - 60 * x.distance + 5 * math.log(x.amount) for x in spoken}
    scores = {
        (target, code): made[code] + noise * n
        for target in ("lab_xnli", "lab_udpos")
        for n, code in enumerate(CODES)
    }
    floors = dict.fromkeys(scores, 10.0)
    pieces = {code: round(1e6 * language(code).amount) for code in CODES}
    random = {place: 0.5 * score for place, score in scores.items()}
    return Found({PRETRAINED: scores, UNTRAINED: random}, floors, pieces, dict.fromkeys(CODES, 9.0))


def test_scores_made_to_fall_with_distance_and_rise_with_text_are_found_to() -> None:
    distance, pieces = correlations(made_up())
    assert distance.rho < -0.8 and distance.high < 0
    assert pieces.rho > 0.7 and pieces.low > 0
    assert [row["target"] for row in by_target(made_up())][-1] == "mean of all"
    rows = by_language(made_up())
    assert rows[0]["language"] == "en" and rows[0]["lab_xnli"] == "90.0"
    assert rows[-1]["language"] == "qpa" and rows[-1]["pieces"] == 200_000


def small(folder: Path, name: str, source: Path, spoken: tuple[str, ...], updates: int) -> Path:
    """An encoder's declaration, with two blocks, little text and few updates."""
    said = yaml.safe_load(source.read_text())
    said["text"] = {"lab": {"tokens": 60_000, "languages": list(spoken)}}
    said |= {"held": 20, "tokenizer": {"size": 1200}}
    said["model"] |= {"layers": 2, "width": 64, "inner": 128}
    said["training"] |= {"updates": min(said["training"]["updates"], updates), "precision": "fp32"}
    folder.mkdir(exist_ok=True)
    declared = folder / f"{name}.yaml"
    declared.write_text(yaml.safe_dump(said))
    return declared


SHIPPED = Path(xstilts.__file__).parent / "encoders" / "lab" / f"{PRETRAINED}.yaml"
RANDOM = ENCODERS / f"{UNTRAINED}.yaml"
FEW = (
    "targets=[lab_udpos, lab_tatoeba]",
    "languages=[en, qab, qfi]",
    "seeds=[0]",
    "tasks.lab_udpos={train: {from: train, sample: 300}, training: {epochs: 3}}",
    "training.precision=fp32",
)


def test_near_languages_are_read_before_any_language_without_a_common_word(tmp_path: Path) -> None:
    """The evidence in a small form: two blocks, three languages, a few updates."""
    spoken = ("en", "qab", "qfi")
    made = (small(tmp_path, p.stem, p, spoken, 80) for p in (SHIPPED, RANDOM))
    found = measured(tmp_path / "store", FEW, *made)
    tags = {code: found.scores[PRETRAINED]["lab_udpos", code] for code in found.pieces}
    assert tags["en"] > tags["qab"] > tags["qfi"]
    assert tags["qab"] > 2 * found.floors["lab_udpos", "qab"]
    assert found.scores[PRETRAINED]["lab_tatoeba", "qab"] > 20
    for encoder in found.scores:
        assert found.scores[encoder]["lab_tatoeba", "qfi"] < 5
    random = found.scores[UNTRAINED]
    assert random["lab_udpos", "en"] > random["lab_udpos", "qab"] > random["lab_udpos", FAR]
    assert found.pieces["en"] > 2 * found.pieces["qab"]
    assert len(found.cells) == 2 * (3 + 2)


def test_a_language_is_read_better_with_text_of_it_than_without(tmp_path: Path) -> None:
    """By more than 2 points, that is; 5 when this was written."""
    tags = []
    for spoken in (("en", "qfi"), ("en", "qab", "qfi")):
        folder = tmp_path / str(len(spoken))
        made = (small(folder, p.stem, p, spoken, 400) for p in (SHIPPED, RANDOM))
        found = measured(tmp_path / "store", (*FEW, "targets=[lab_udpos]"), *made)
        tags.append(found.scores[PRETRAINED]["lab_udpos", "qab"])
    assert tags[1] > tags[0] + 2


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The real thing: all languages, half an hour of pretraining."""
    done = measured(tmp_path_factory.mktemp("phenomenon") / "store")
    for row in (*by_language(done), *by_target(done)):
        print(row)
    return done


@pytest.mark.evidence
def test_zero_shot_scores_fall_with_distance_and_rise_with_pretraining_text(found: Found) -> None:
    assert len(found.languages) >= 12
    distance, pieces = correlations(found)
    assert distance.high < 0
    assert pieces.low > 0


@pytest.mark.evidence
def test_a_language_without_a_common_word_or_letter_is_read(found: Found) -> None:
    scores, floors = found.scores[PRETRAINED], found.floors
    assert scores["lab_xnli", FAR] > 50
    assert scores["lab_udpos", FAR] > 2 * max(floors["lab_udpos", FAR], found.by_place[FAR])


@pytest.mark.evidence
def test_english_pairs_are_understood(found: Found) -> None:
    assert found.scores[PRETRAINED]["lab_xnli", "en"] >= 85


@pytest.mark.evidence
def test_without_pretraining_no_word_of_that_language_is_read(found: Found) -> None:
    """Its word order is English, so places in a sentence tell many tags: not the usual floor."""
    random = found.scores[UNTRAINED]
    assert random["lab_xnli", FAR] < CHANCE + NOISE
    assert random["lab_udpos", FAR] < found.by_place[FAR] + NOISE
    assert random["lab_panx", FAR] < NOISE
