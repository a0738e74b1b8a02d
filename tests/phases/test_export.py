"""Predictions of a run in the layout of XTREME's submissions."""

import json
import random
import shutil

import made_up_world
import pytest
from made_up_world import RECIPE

import xstilts
from xstilts.core.errors import RecipeError, UnknownNameError
from xstilts.metrics import retrieval_accuracy
from xstilts.phases.running import Results
from xstilts.phases.xtreme_files import FORMS, write_cell
from xstilts.stats.benchmarks import XTREME
from xstilts.tasks.examples import Parallel, Span


@pytest.fixture
def export(done, world, changes, tmp_path):
    def write(**chosen):
        return xstilts.export(
            RECIPE, *changes, out=tmp_path / "out", store=done[0], data=world, **chosen
        )

    return write


def value(found: Results, arm: str, target: str, language: str, metric: str) -> float:
    rows = found.rows
    mine = rows[(rows.arm == arm) & (rows.target == target) & (rows.language == language)]
    return float(mine[mine.metric == metric].value.iloc[0])


def test_what_is_written_scores_what_the_run_scored(export, done, world) -> None:
    (model,) = export(arm="squad_v1", seed=0)
    assert model.written == {"udpos": ["de", "en"], "xquad": ["de", "en"], "tatoeba": ["de", "sw"]}
    assert model.splits["xquad"] == "test"
    said = model.folder / "xquad" / "test-de.json"
    gold = next(world.rglob("xquad.de.json"))
    scored = xstilts.score("xquad", gold, said, language="de")
    assert scored["metrics"]["em_f1"] == value(done[1], "squad_v1", "xquad", "de", "em_f1")
    tags = model.folder / "udpos" / "test-de.tsv"
    gold = next(p for p in world.rglob("*de*") if "test" in p.name and "ud" in str(p.parent))
    scored = xstilts.score("udpos", gold, tags, language="de")
    assert scored["metrics"]["f1"] == value(done[1], "squad_v1", "udpos", "de", "f1")


def test_incomplete_tasks_say_what_they_lack_and_get_no_labels(export) -> None:
    (model,) = export(arm="none", seed=0)
    assert model.missing["xquad"] == [x for x in XTREME.languages["xquad"] if x not in ("de", "en")]
    assert not (model.folder / "labels").exists(), "evaluate.py would stop at a missing language"


def test_a_sample_is_called_one_and_gets_no_labels(
    done, world, changes, tmp_path, monkeypatch
) -> None:
    monkeypatch.setitem(XTREME.languages, "xquad", ("de", "en"))
    places = {"store": shutil.copytree(done[0], tmp_path / "store"), "data": world}
    for score, sampled in (("{at_most: 5}", {"xquad": {"de": 5, "en": 5}}), ("{}", {})):
        more = (*changes, "targets=[xquad]", "arms={none: []}")
        more += (f"tasks.xquad={{train: squad_v1, score: {score}}}",)
        xstilts.run(RECIPE, *more, **places)
        (model,) = xstilts.export(RECIPE, *more, out=tmp_path / f"o{score[1:3]}", **places)
        assert not model.missing and model.written == {"xquad": ["de", "en"]}
        assert model.sampled == sampled
        assert (model.folder / "labels").exists() is not bool(sampled)


def test_without_a_choice_every_model_has_a_folder_of_its_own(export) -> None:
    folders = sorted(model.folder.name for model in export())
    assert folders == ["none@0", "squad_v1@0"]


def test_what_cannot_be_exported_is_refused(export, tmp_path) -> None:
    with pytest.raises(UnknownNameError, match="'squad_v1'"):
        export(arm="squad_v2")
    with pytest.raises(UnknownNameError, match="'7'"):
        export(seed=7)
    with pytest.raises(UnknownNameError, match="'hff'"):
        export(format="hff")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("")
    with pytest.raises(RecipeError, match="is not empty"):
        export()


def test_nothing_finished_is_an_error_and_leaves_no_folder(world, changes, tmp_path) -> None:
    with pytest.raises(RecipeError, match="no finished prediction"):
        xstilts.export(RECIPE, *changes, out=tmp_path / "out", store=tmp_path / "none", data=world)
    assert not (tmp_path / "out").exists()


def test_tatoeba_follows_the_sorted_english_side(tmp_path) -> None:
    texts = ["pear", " apple", "fig"]
    examples = [Parallel(str(i), str(i), "x", text) for i, text in enumerate(texts)]
    write_cell(tmp_path, "tatoeba", "sw", examples, [0, 1, 0], labels=True)
    said = (tmp_path / "tatoeba" / "test-sw.tsv").read_text().split()
    gold = (tmp_path / "labels" / "tatoeba" / "test-sw.tsv").read_text().split()
    assert (gold, said) == (["1", "2", "0"], ["1", "0", "0"])
    assert retrieval_accuracy([*map(int, gold)], [*map(int, said)]) == pytest.approx(200 / 3)


def test_answers_keep_their_script_and_their_ids(tmp_path) -> None:
    examples = [Span("q1", "0:0", "河桥", "?", ("河",), (0,))]
    write_cell(tmp_path, "mlqa", "zh", examples, ["桥"], labels=True)
    assert json.loads((tmp_path / "mlqa" / "test-zh.json").read_text("utf-8")) == {"q1": "桥"}
    labels = json.loads((tmp_path / "labels" / "mlqa" / "test-zh.json").read_text("utf-8"))
    (question,) = labels["data"][0]["paragraphs"][0]["qas"]
    assert question["answers"] == [{"text": "河", "answer_start": 0}]


def test_every_task_of_xtreme_has_a_form() -> None:
    assert set(XTREME.languages) <= set(FORMS)


@pytest.fixture
def bucc(world, tmp_path):
    """Run and export a recipe that mines 60 sentences a side in BUCC's languages, 40 with gold."""
    lab, rng = made_up_world.World(), random.Random(7)
    said = [lab.sentence(rng) for _ in range(80)]
    for code in XTREME.languages["bucc2018"]:
        ours = [f"{code}-{i:03d}\t{lab.text(s, 'de')}" for i, s in enumerate(said[:60])]
        english = [f"en-{i:03d}\t{lab.text(s, 'en')}" for i, s in enumerate(said[20:])]
        gold = [f"{code}-{20 + i:03d}\ten-{i:03d}" for i in range(40)]
        for end, lines in ((code, ours), ("en", english), ("gold", gold)):
            path = tmp_path / "data" / "bucc2018" / f"{code}-en.test.{end}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{line}\n" for line in lines), "utf-8")

    def run(*more):
        changes = ("data=null", f"encoder.path={world / 'encoder'}", "targets=[bucc2018]", *more)
        changes += ("arms={none: []}", "runtime.threads=1")
        places = {"store": tmp_path / "store", "data": tmp_path / "data"}
        done = xstilts.run(RECIPE, *changes, **places)
        (model, *_) = xstilts.export(RECIPE, *changes, out=tmp_path / "out", **places)
        return done, model

    return run


def test_mined_pairs_above_the_threshold_score_what_the_run_scored(bucc, tmp_path) -> None:
    done, model = bucc("seeds=[0]")
    assert model.written == {"bucc2018": ["de", "fr", "ru", "zh"]} and not model.missing
    assert model.splits == {"bucc2018": "test, two-fold"}
    for language in model.written["bucc2018"]:
        name = f"bucc2018/test-{language}.tsv"
        gold = tmp_path / "data" / "bucc2018" / f"{language}-en.test.gold"
        assert (model.folder / "labels" / name).read_text("utf-8") == gold.read_text("utf-8")
        scored = xstilts.score("bucc2018", gold, model.folder / name, language=language)
        for metric in ("f1", "precision", "recall"):
            ran = value(done, "none", "bucc2018", language, metric)
            assert scored["metrics"][metric] == ran > 0


def test_an_export_says_that_its_threshold_is_an_oracles(bucc) -> None:
    _, model = bucc("seeds=[0]", "tasks.bucc2018.threshold=oracle")
    assert model.splits == {"bucc2018": "test, oracle threshold"}


def test_a_target_without_a_form_is_named(done, world, changes, tmp_path) -> None:
    more = (*changes, "targets=[xquad, squad_v1]", "tasks.squad_v1.score={from: dev}")
    models = xstilts.export(RECIPE, *more, out=tmp_path / "out", store=done[0], data=world)
    assert {model.left_out for model in models} == {("squad_v1",)}
