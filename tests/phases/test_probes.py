"""Probes as steps: what a study's recipe plans, what the steps find, and the rows they give."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_world import RECIPE

import xstilts
from xstilts.phases import probes
from xstilts.phases.estimate import estimate
from xstilts.phases.loading import load
from xstilts.phases.planning import make_plan
from xstilts.phases.probing import COLUMNS, probe_rows
from xstilts.phases.running import Results
from xstilts.phases.workplace import Workplace
from xstilts.studies.finding import NOT_MEASURED
from xstilts.studies.gather import evidence
from xstilts.studies.similarity import find

ASKED = (
    "seeds=[0]",
    "languages=[en, de]",
    "training.epochs=0.2",
    "tasks.mnli.train.sample=320",
    "tasks.squad_v1={train: {sample: 96}, training: {epochs: 0.4, stride: 16}}",
    "targets=[xnli, udpos, xquad, tatoeba]",
    "arms={none: [], mnli: [{train: mnli}], squad_v1: [{train: squad_v1}]}",
    "runtime.threads=1",
)
SIMILARITY, LAYERS = "analysis.study=similarity", "analysis.study=layers"
BOTH = "arms.both=[{train: [mnli, squad_v1], mix: {law: proportional, examples: 200}}]"
PAIRS = {(i, t) for i in ("mnli", "squad_v1") for t in ("xnli", "udpos", "xquad")}


@pytest.fixture(scope="module")
def changes(world: Path) -> tuple[str, ...]:
    return (*ASKED, f"encoder.path={world / 'encoder'}")


@pytest.fixture(scope="module", autouse=True)
def few_examples() -> Iterator[None]:
    """Probe on fewer examples than a study does, which takes seconds less and shows the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probes, "SAMPLE", 48)
        yield


@pytest.fixture(scope="module")
def probed(
    world: Path, changes: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Results, pd.DataFrame]:
    store = tmp_path_factory.mktemp("probed")
    done = xstilts.run(RECIPE, *changes, SIMILARITY, store=store, data=world)
    return store, done, probe_rows(done.planned, Workplace.of(store).store, "encoder")


def pairs_of(rows: pd.DataFrame, measure: str) -> dict[tuple[str, str], float]:
    mine = rows[(rows["measure"] == measure) & rows["intermediate"].notna()]
    return {(r.intermediate, r.target): r.value for r in mine.itertuples()}


def test_a_recipe_that_asks_for_no_such_study_plans_no_probe(world, changes, tmp_path):
    place = Workplace.of(tmp_path, world)
    for study in ("null", "diversity"):
        planned = make_plan(load(RECIPE, (*changes, f"analysis.study={study}")), place)
        assert planned.probes == []
        assert not [s for s in planned.plan.unique() if s.stage.name.startswith("probe")]


def test_a_study_changes_no_key_of_a_training_or_score(world, changes, tmp_path):
    place = Workplace.of(tmp_path, world)
    plain = make_plan(load(RECIPE, changes), place)
    asking = make_plan(load(RECIPE, (*changes, SIMILARITY)), place)
    assert [c.score.key for c in plain.scored] == [c.score.key for c in asking.scored]


def test_the_plan_counts_what_probes_read(world, changes, tmp_path):
    place = Workplace.of(tmp_path, world)
    plain, asking = (
        estimate(make_plan(load(RECIPE, (*changes, *also)), place), place.store)
        for also in ((), (SIMILARITY,))
    )
    assert asking.steps["probe-head"] == (3, 3)  # targets share their data with tasks
    assert asking.tokens[0] == plain.tokens[0] and asking.tokens[1] > plain.tokens[1]


def test_a_task_is_probed_on_a_draw_of_its_examples(probed):
    store, done, _ = probed
    records = [Workplace.of(store).store.record(p.step.address, p.step.key)
               for p in done.planned.probes if p.step.stage.name == "probe-texts"]  # fmt: skip
    assert {record["value"]["sample"] for record in records} == {48}
    assert {record["value"]["examples"] for record in records} > {96}  # all that are trained on


def test_every_pair_has_the_measures_that_are_defined_for_it(probed):
    _, _, rows = probed
    assert tuple(rows.columns) == COLUMNS
    assert rows["value"].notna().all() and np.isfinite(rows["value"]).all()
    for measure in ("length", "vocabulary", "kind", "textemb", "gradient", "task2vec"):
        assert set(pairs_of(rows, measure)) == PAIRS, measure
    for measure in ("logme", "h_score", "taskemb"):
        assert set(pairs_of(rows, measure)) == PAIRS, measure
    assert set(pairs_of(rows, "size")) == PAIRS | {(i, "tatoeba") for i in ("mnli", "squad_v1")}
    assert set(pairs_of(rows, "leep")) == {("mnli", "xnli")}  # the same kind, with labels
    assert set(pairs_of(rows, "labels")) == {("mnli", "xnli"), ("mnli", "udpos")}


def test_a_task_is_most_like_the_target_that_is_trained_on_its_own_data(probed):
    _, _, rows = probed
    for measure in ("length", "vocabulary", "labels", "kind", "textemb", "gradient", "task2vec"):
        found = pairs_of(rows, measure)
        assert found["mnli", "xnli"] == max(v for (i, _), v in found.items() if i == "mnli")
        assert found["mnli", "xnli"] == pytest.approx(
            {"length": 0, "vocabulary": 0.5}.get(measure, 1), abs=1e-6
        )


def test_prices_seeds_and_arms_say_when_a_measure_can_be_known(probed):
    _, _, rows = probed
    data, encoder, stage = (rows[rows["price"] == p] for p in ("data", "encoder", "stage"))
    two = data["intermediate"].notna() & data["target"].notna()
    assert set(data[two]["measure"]) == {"size", "length", "vocabulary", "labels", "kind"}
    assert set(data[~two]["measure"]) == {"input_length", "label_entropy"}  # of one task
    assert data["arm"].isna().all() and encoder["seed"].isna().all()
    assert (stage["seed"] == 0).all()
    assert set(stage["arm"]) == {"mnli", "squad_v1"}
    plain = encoder[encoder["intermediate"].isna()]
    assert set(plain["measure"]) == {"logme", "h_score", "early_loss"}  # of the encoder as it is


def test_cka_has_a_row_a_layer_and_falls_where_training_changed_something(probed):
    _, _, rows = probed
    cka = rows[(rows["measure"] == "cka") & (rows["arm"] == "mnli") & (rows["target"] == "xnli")]
    assert list(cka["layer"]) == [0, 1, 2]
    assert cka["value"].between(0, 1 + 1e-9).all()
    assert cka["value"].iloc[-1] < 0.99999


def test_a_second_run_measures_nothing_anew(probed, world, changes):
    store, done, rows = probed
    assert any(address.startswith("probe-") for address in done.outcome.ran)
    again = xstilts.run(RECIPE, *changes, SIMILARITY, store=store, data=world)
    assert not again.outcome.ran
    pd.testing.assert_frame_equal(
        rows, probe_rows(again.planned, Workplace.of(store).store, "encoder")
    )


def test_the_study_of_layers_compares_blocks_of_every_arm_that_trains_before(
    world, changes, tmp_path
):
    planned = make_plan(load(RECIPE, (*changes, BOTH, LAYERS)), Workplace.of(tmp_path, world))
    assert {p.step.stage.name for p in planned.probes} == {"probe-alignment"}
    assert {p.arm for p in planned.probes} == {"mnli", "squad_v1", "both"}
    assert {p.target for p in planned.probes} == {"xnli", "udpos", "xquad"}


def test_a_mixture_is_no_intermediate_task_that_could_be_like_a_target(world, changes, tmp_path):
    place = Workplace.of(tmp_path, world)
    plain, more = (
        make_plan(load(RECIPE, (*changes, *also, SIMILARITY)), place) for also in ((), (BOTH,))
    )
    assert [p.step.key for p in plain.probes] == [p.step.key for p in more.probes]


def test_the_study_of_gaps_asks_how_complex_each_task_is(probed, world, changes, tmp_path):
    planned = make_plan(
        load(RECIPE, (*changes, "analysis.study=gap")), Workplace.of(tmp_path, world)
    )
    asked = {("intermediate", t) for t in ("mnli", "squad_v1")}
    asked |= {("target", t) for t in ("xnli", "udpos", "xquad")}
    assert {(p.role, p.intermediate or p.target) for p in planned.probes} == asked
    _, _, rows = probed
    before = rows[rows["target"].isna()]
    assert set(before[before["measure"] == "early_loss"]["intermediate"]) == {"mnli", "squad_v1"}
    alone = rows[rows["intermediate"].isna()]
    length, entropy, loss = (
        alone[alone["measure"] == m].set_index("target")["value"]
        for m in ("input_length", "label_entropy", "early_loss")
    )
    assert length["xquad"] > length["udpos"] > 1  # words
    assert set(entropy.index) == {"xnli", "udpos"}  # answers of questions are no labels
    assert 1 < entropy["xnli"] <= np.log2(3) + 1e-9
    assert (loss > 0).all() and set(loss.index) == {"xnli", "udpos", "xquad"}


def test_a_finished_run_is_judged_from_its_own_probes_and_languages(probed):
    store, done, rows = probed
    found = evidence(done, Workplace.of(store).store, "encoder")
    pd.testing.assert_frame_equal(found.probes, rows)
    assert set(found.languages["language"]) == {"en", "de"}
    judged = find(found)  # two intermediate tasks have no order that could be judged
    assert judged.answer.startswith(NOT_MEASURED)
