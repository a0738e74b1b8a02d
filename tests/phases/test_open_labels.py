"""A tagging task whose tags are those of its training slice."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

import xstilts
from xstilts.lab import encoder
from xstilts.phases.planning import make_plan
from xstilts.phases.recipe import load
from xstilts.phases.workplace import Workplace

CHANGES = (
    "data=null",
    "seeds=[0]",
    "arms={none: []}",
    "languages=present",
    "targets=[ud_supertags]",
    "training.epochs=12",
    "training.batch_size=8",
    "training.select.every=16",
    "leaks=allow",
)


def tree(own: str, *words: tuple[str, str, int, str]) -> str:
    rows = (
        f"{i}\t{form}\t_\t{upos}\t_\t_\t{head}\t{relation}\t_\t_\n"
        for i, (form, upos, head, relation) in enumerate(words, 1)
    )
    return f"# sent_id = {own}\n" + "".join(rows) + "\n"


def sang(own: str, name: str) -> str:
    return tree(own, (name, "PROPN", 2, "nsubj"), ("sang", "VERB", 0, "root"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    names = ("Ada", "Bo", "Cy", "Di")
    strange = tree("s", ("Rain", "NOUN", 0, "root"), ("fell", "VERB", 1, "acl"))
    parts = {
        "train": "".join(sang(f"{i}", names[i % 4]) for i in range(64)),
        "dev": "".join(sang(f"{i}", names[i % 4]) for i in range(8)) + strange,
        "test": "".join(sang(f"{i}", names[i % 4]) for i in range(9)) + strange,
    }
    for split, content in parts.items():
        path = tmp_path / "data" / "ud" / f"en_made-ud-{split}.conllu"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    encoder.export(tmp_path / "data" / "encoder", ["Ada Bo Cy Di Ema sang Rain fell"])
    return tmp_path / "data"


def test_tags_that_only_stand_outside_of_training_are_gold_and_count_as_wrong(
    data: Path, tmp_path: Path
) -> None:
    changes = (*CHANGES, f"encoder={{path: {data / 'encoder'}}}")
    found = xstilts.run("quickstart", *changes, store=tmp_path / "store", data=data)
    store = Workplace.of(tmp_path / "store", data).store
    known = {"PROPN|nsubj|R|_", "VERB|root|0|nsubj_"}
    step = found.planned.plan.steps["none/ud_supertags/predict.en@0"]
    tokens = store.open(step.inputs["tokens"].address, step.inputs["tokens"].key)
    assert set(tokens.value["labels"]) == known
    folder = store.path(step.address, step.key)
    said = pq.read_table(folder / "predictions.parquet").to_pydict()["prediction"]
    assert {tag for sentence in said for tag in sentence} <= known
    assert [len(sentence) for sentence in said] == [2] * 10
    accuracy = found.rows[found.rows.metric == "accuracy"].value.item()
    assert accuracy == pytest.approx(90)  # 18 of 20; the two of the strange sentence never match


def test_what_is_learnt_from_is_part_of_the_name_of_what_is_predicted(
    data: Path, tmp_path: Path
) -> None:
    changes = (*CHANGES, f"encoder={{path: {data / 'encoder'}}}")

    def steps() -> dict[str, str]:
        place = Workplace.of(tmp_path / "store", data)
        planned = make_plan(load("quickstart", changes), place)
        tokens = planned.plan.steps["none/ud_supertags/predict.en@0"].inputs["tokens"]
        return {"tokens": tokens.key, "examples": tokens.inputs["examples"].key}

    before = steps()
    with (data / "ud" / "en_made-ud-train.conllu").open("a") as file:
        file.write(sang("new", "Ema"))
    after = steps()
    assert before["examples"] == after["examples"]
    assert before["tokens"] != after["tokens"]
