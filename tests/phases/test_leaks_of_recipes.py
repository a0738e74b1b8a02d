"""A recipe never trains or selects on what it reports, whatever is drawn, in any language."""

import json
import shutil
from pathlib import Path

import pytest

import xstilts
from xstilts.core.errors import DataError
from xstilts.executors import LocalExecutor
from xstilts.phases import leaks
from xstilts.phases.recipe import load
from xstilts.phases.running import prepare
from xstilts.phases.workplace import Workplace

HEAD = "pairID\tsentence1\tsentence2\tgold_label"


@pytest.fixture
def leaking(tmp_path: Path) -> Path:
    """MNLI whose every other premise stands in XNLI's English dev set."""
    reported = [f"The reported premise number {i} speaks of rivers." for i in range(60)]
    lines = [HEAD]
    for i in range(240):
        first = reported[i // 4] if i % 2 else f"A premise {i} that nobody reports anywhere."
        lines.append(f"{i}\t{first}\tSome hypothesis {i} about the things said.\tneutral")
    for name, text in {
        "mnli/train.tsv": "\n".join(lines) + "\n",
        "xnli/dev-en.tsv": "".join(f"{p}\tNobody said so.\tneutral\n" for p in reported),
    }.items():
        (tmp_path / "data" / name).parent.mkdir(parents=True)
        (tmp_path / "data" / name).write_text(text)
    return tmp_path / "data"


def test_what_is_drawn_in_place_of_a_leak_does_not_leak_either(
    leaking: Path, world: Path, tmp_path: Path
) -> None:
    changes = [
        "data=null", f"encoder.path={world / 'encoder'}", "leaks=drop", "targets=[xnli]",
        "arms={none: []}", "seeds=[0]", "languages=present", "tasks.xnli.score={from: dev}",
        "tasks.mnli.train={from: train, sample: 40}",
    ]  # fmt: skip
    place = Workplace.of(tmp_path / "store", leaking)
    recipe = load("quickstart", changes)
    planned, found = prepare(recipe, place, LocalExecutor(), lambda line: None)
    assert planned.trainings["xnli"].train.sample == 40
    rounds = [o for o in found if o.trained == "mnli.en.train-rest"]
    assert len(rounds) > 1, "the first replacements leak too, or this test shows nothing"
    assert leaks.check(planned, place.store) == []


@pytest.fixture
def copied(world: Path, tmp_path: Path) -> Path:
    """The generated world, where an English XQuAD paragraph is trained on, too."""
    data = tmp_path / "data"
    shutil.copytree(world, data)
    train = next(data.rglob("train-v1.1.json"))
    reported = json.loads(next(data.rglob("xquad.en.json")).read_text())
    known = json.loads(train.read_text())
    for paragraph in reported["data"][0]["paragraphs"][:1]:
        for qa in paragraph["qas"]:
            qa["id"] = f"copy-{qa['id']}"
        known["data"][0]["paragraphs"].append(paragraph)
    train.write_text(json.dumps(known))
    return data


def test_a_translation_is_compared_through_its_english_original(
    copied: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    def found(languages: str) -> set[tuple[str, str, tuple[str, ...]]]:
        said = (*changes, "targets=[xquad]", f"languages={languages}")
        every = xstilts.leaks("quickstart", *said, store=tmp_path / "store", data=copied)
        return {(o.trained, o.reported, o.examples) for o in every}

    assert found("[en]")
    assert found("[de]") == found("[en]")


def test_a_parallel_set_without_its_english_file_is_refused_unless_leaks_are_allowed(
    copied: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    next(copied.rglob("xquad.en.json")).unlink()
    said = (*changes, "targets=[xquad]", "languages=[de]")
    planned, _ = xstilts.plan("quickstart", *said, store=tmp_path / "store", data=copied)
    with pytest.raises(DataError, match="data files are missing"):
        planned.require_files()
    planned, _ = xstilts.plan(
        "quickstart", *said, "leaks=allow", store=tmp_path / "store", data=copied
    )
    planned.require_files()


def test_a_parallel_set_that_has_no_english_side_needs_none(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    said = (*changes, "targets=[xcopa]", "arms={none: []}")
    planned, _ = xstilts.plan("quickstart", *said, store=tmp_path / "store", data=world)
    assert {s.language for s in planned.reported} and planned.originals == []
