"""Rankings by a dual encoder: what is promised, trained, kept apart, and reported."""

import json
import random
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from made_up_world import RECIPE, World

import xstilts
from xstilts.core.errors import RecipeError
from xstilts.graph import Step
from xstilts.phases.loading import load
from xstilts.phases.planning import Planned, make_plan
from xstilts.phases.results import same_data
from xstilts.phases.workplace import Workplace
from xstilts.retrieve.spec import Vectors

SMALL = (
    "data=null",
    "seeds=[0]",
    "training.lr=3e-3",
    "training.epochs=2",
    "runtime.threads=1",
    "arms={none: []}",
    "tasks.squad_v1_retrieval.training={max_length: 48}",
    "tasks.squad_v1_retrieval.train={from: train, sample: 400}",
)


@pytest.fixture(scope="session")
def ranked(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated world with its XQuAD as XQuAD-R, and Mewsli-X's files, all made up."""
    data = tmp_path_factory.mktemp("ranked") / "data"
    shutil.copytree(world, data)
    for language in ("en", "de"):
        document = json.loads((data / f"xquad/xquad.{language}.json").read_text())
        paragraphs = document["data"][0]["paragraphs"][:40]
        for paragraph in paragraphs:
            text = paragraph["context"]
            ends = [0, *(i + 1 for i, sign in enumerate(text) if sign == ".")]
            paragraph["sentence_breaks"] = [[i + (i > 0), j] for i, j in pairwise(ends)]
        document["data"][0]["paragraphs"] = paragraphs
        (data / "lareqa/xquad-r").mkdir(parents=True, exist_ok=True)
        (data / f"lareqa/xquad-r/{language}.json").write_text(json.dumps(document))
    _mewsli(data / "mewslix")
    return data


def _mewsli(folder: Path) -> None:
    """Entities whose names are the first two words of what is said of them."""
    rng, world = random.Random(5), World()
    words = world.words["en"]
    names = [f"{a.capitalize()} {b}" for a in words["name"] for b in words["verb"]]
    rng.shuffle(names)

    def entity(i: int) -> dict[str, Any]:
        text = f"{names[i]} {rng.choice(words['noun'])}. {rng.choice(words['noun'])}."
        row: dict[str, Any] = {"entity_id": f"Q{i}", "title": names[i], "description": text}
        row |= {"description_url": "u", "description_language": "en"}
        return row | {"sentence_spans": [{"start": 0, "end": text.index(".") + 1}]}

    def mention(i: int, number: int, language: str) -> dict[str, Any]:
        left = f"{rng.choice(world.words[language]['noun'])} "
        text = f"{left}{names[i]} {rng.choice(world.words[language]['verb'])}."
        context = {"document_id": f"{language}{number}", "document_title": "News", "text": text,
                   "language": language, "document_url": "u", "section_title": "",
                   "sentence_spans": [{"start": 0, "end": len(text)}]}  # fmt: skip
        span = {"start": len(left), "end": len(left) + len(names[i]), "text": names[i]}
        named = {"example_id": f"{language}-{number}", "entity_id": f"Q{i}", "mention_span": span}
        return {"context": context, "mention": named}

    def write(name: str, rows: list[dict[str, Any]]) -> None:
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))

    folder.mkdir()
    for split, first, n in (("train", 0, 400), ("dev", 400, 60)):
        pairs = [
            {"contextual_mention": mention(i, i, "en"), "entity": entity(i)}
            for i in range(first, first + n)
        ]
        write(f"wikipedia_pairs-{split}.jsonl", pairs)
    asked = [
        {"context": said["context"], "mentions": [said["mention"]]}
        for language in ("en", "de")
        for said in (mention(i, i, language) for i in range(500, 550))
    ]
    write("wikinews_mentions-test.jsonl", asked)
    write("candidate_set_entities.jsonl", [entity(i) for i in range(500, 700)])


@pytest.fixture
def plan(ranked: Path, tmp_path: Path) -> Any:
    def make(*changes: str, data: Path = ranked) -> Planned:
        said = (*SMALL, f"encoder.path={ranked / 'encoder'}", "targets=[lareqa]", *changes)
        return make_plan(load(RECIPE, said), Workplace.of(tmp_path / "store", data))

    return make


@pytest.fixture
def run(ranked: Path, tmp_path: Path) -> Any:
    def make(*changes: str, data: Path = ranked) -> Any:
        said = (*SMALL, f"encoder.path={ranked / 'encoder'}", *changes)
        return xstilts.run(RECIPE, *said, store=tmp_path / "store", data=data)

    return make


def vectors_of(planned: Planned, name: str) -> tuple[Step, Vectors]:
    step = planned.plan.steps[name].inputs["vectors.en"]
    assert isinstance(step.config, Vectors)
    return step, step.config


def test_a_ranking_is_by_the_model_that_is_trained_for_it(plan: Any) -> None:
    found = plan("arms={none: [], mnli: [{train: mnli}]}", "seeds=[0, 1]")
    stage = found.plan.steps["mnli/lareqa@1"]
    assert stage.address == "train/mnli.squad_v1_retrieval"
    assert stage.inputs["start"] is found.plan.steps["mnli/mnli@1"]
    step, how = vectors_of(found, "mnli/lareqa/predict.de@1")
    assert step.inputs["model"] is stage
    assert (how.encoder, how.layer, how.pooling) == (None, "top", "first")
    assert {(c.arm, c.seed) for c in found.cells} == {
        (a, s) for a in ("none", "mnli") for s in (0, 1)
    }
    assert found.trainings["lareqa"].origin == (
        "carved from the train file: the dev split shares text with lareqa"
    )


def test_without_training_it_is_by_the_encoder_as_the_arm_left_it(plan: Any) -> None:
    found = plan("tasks.lareqa={train: false, layer: 1}")
    assert set(found.models) == set() == set(found.trainings)
    step, how = vectors_of(found, "none/lareqa/predict.de")
    assert "model" not in step.inputs
    assert (how.layer, how.pooling) == (1, "mean")
    assert {c.seed for c in found.cells} == {None}


def test_a_layer_or_pooling_beside_training_is_refused(plan: Any) -> None:
    for said in ("layer=1", "pooling=mean"):
        with pytest.raises(RecipeError, match="lareqa is trained") as caught:
            plan(f"tasks.lareqa.{said}")
        plan(f"tasks.lareqa.{said}", caught.value.do.partition("--set ")[2])


def test_what_is_predicted_by_a_head_cannot_go_without_training(plan: Any) -> None:
    with pytest.raises(RecipeError, match="xnli cannot go without training"):
        plan("targets=[xnli]", "tasks.xnli.train=false")
    with pytest.raises(RecipeError, match="lareqa cannot be trained on mnli"):
        plan("tasks.lareqa.train=mnli")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("{sample: 10}", "lareqa has no training data of its own"),
        ("{from: train, sample: 10}", "lareqa has no train split"),
    ],
)
def test_a_sample_of_data_that_a_target_does_not_have_is_refused(
    plan: Any, said: str, told: str
) -> None:
    with pytest.raises(RecipeError, match=told):
        plan(f"tasks.lareqa.train={said}")


def test_a_stage_and_a_target_on_the_same_sentences_are_one_stage(plan: Any) -> None:
    arms = "arms={none: [], dual: [{train: squad_v1_retrieval}], squad_v1: [{train: squad_v1}]}"
    found = plan(arms, "targets=[lareqa, tatoeba]")
    steps = found.plan.steps
    assert steps["none/lareqa@0"] is steps["dual/squad_v1_retrieval@0"]
    assert steps["dual/tatoeba/predict.de@0"].inputs["model"] is steps["none/lareqa@0"]
    assert steps["dual/lareqa@0"].inputs["start"] is steps["none/lareqa@0"]
    assert same_data(found) == {("dual", "lareqa"), ("squad_v1", "lareqa")}
    assert same_data(plan(arms, "tasks.lareqa.train=false")) == set()


@pytest.fixture
def leaking(ranked: Path, tmp_path: Path) -> Path:
    """A paragraph of XQuAD-R that SQuAD's training file holds, too."""
    data = tmp_path / "leaking"
    shutil.copytree(ranked, data)
    reported = json.loads((data / "lareqa/xquad-r/en.json").read_text())
    train = json.loads((data / "squad/train-v1.1.json").read_text())
    copied = reported["data"][0]["paragraphs"][0]
    for question in copied["qas"]:
        question["id"] = f"copy-{question['id']}"
    train["data"][0]["paragraphs"][:0] = [copied]
    (data / "squad/train-v1.1.json").write_text(json.dumps(train))
    return data


@pytest.mark.parametrize("languages", ["[en]", "[de]"])
def test_a_paragraph_of_lareqa_that_is_trained_on_is_found_and_left_out(
    ranked: Path, leaking: Path, tmp_path: Path, languages: str
) -> None:
    said = (*SMALL, f"encoder.path={ranked / 'encoder'}", "targets=[lareqa]",
            f"languages={languages}", "tasks.squad_v1_retrieval.train={from: train}")  # fmt: skip

    def found(*more: str) -> set[str]:
        every = xstilts.leaks(RECIPE, *said, *more, store=tmp_path / "store", data=leaking)
        return {own for o in every if o.task == "squad_v1_retrieval" for own in o.examples}

    ids = found()
    assert {"0:0_0", "0:0_1", "0:0_2", "0:0_3"} <= ids
    planned, _ = xstilts.plan(RECIPE, *said, "leaks=drop", store=tmp_path / "store", data=leaking)
    assert set(planned.trainings["lareqa"].train.without) >= ids


def test_lareqa_gains_from_its_training_and_says_what_was_compared(run: Any) -> None:
    trained = run(
        "targets=[lareqa, tatoeba]", "arms={none: [], dual: [{train: squad_v1_retrieval}]}"
    )
    without = run("targets=[lareqa]", "tasks.lareqa.train=false")
    scores = trained.rows.set_index(["arm", "target", "language"]).value
    before = without.rows.set_index("language").value
    assert scores["none", "lareqa", "en"] > 2 * before["en"]
    protocols = trained.rows[trained.rows.target == "lareqa"].protocol.unique()
    assert list(protocols) == ["block 2/2, first pooling, cosine, candidates of de, en"]
    assert "mean pooling" in without.rows.protocol[0]
    assert trained.rows[trained.rows.target == "lareqa"].seed.notna().all()
    assert without.rows.seed.isna().all()
    assert ("dual", "tatoeba", "de") in scores.index


def test_mewsli_x_is_trained_on_its_pairs_and_ranked(run: Any) -> None:
    said = (
        "targets=[mewslix]",
        "languages=[en, de]",
        "leaks=error",
        "tasks.mewslix_pairs.training={max_length: 32}",
    )
    trained, without = run(*said), run(*said, "tasks.mewslix.train=false")
    after, before = (x.rows.set_index("language").value for x in (trained, without))
    assert set(after.index) == {"en", "de"}
    assert after["en"] > 90 > before["en"] + 20
    assert trained.planned.trainings["mewslix"].origin == "official dev split"
    stage = trained.planned.models["none/mewslix@0"]
    assert stage.inputs["dev_examples"].label == "mewslix_pairs.en.dev"
