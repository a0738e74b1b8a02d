"""What a run does the second time, and what a change costs."""

import csv
import io
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest
from made_up_world import RECIPE

import xstilts
from xstilts.core.errors import DataError, LeakError
from xstilts.phases.results import counts, main_metrics
from xstilts.phases.running import Results
from xstilts.reports.tables import long_table
from xstilts.store import Store


def test_every_cell_has_its_rows_and_no_value_is_missing(done: tuple[Path, Results]) -> None:
    rows = done[1].rows
    cells = rows[["arm", "target", "language"]].drop_duplicates()
    assert len(cells) == 2 * (2 + 2 + 2)  # arms x (udpos en de, xquad en de, tatoeba de sw)
    assert rows["value"].between(0, 100).all()
    assert rows["floor"].between(0, 100).all()
    assert set(rows[rows.target == "xquad"].metric) == {"em_f1", "exact_match", "f1"}
    assert (rows[rows.target == "tatoeba"].protocol != "").all()


def test_retrieval_with_the_untouched_encoder_has_no_seed(done: tuple[Path, Results]) -> None:
    rows = done[1].rows
    untouched = rows[(rows.arm == "none") & (rows.target == "tatoeba")]
    assert untouched.seed.isna().all()
    assert rows[(rows.arm == "squad_v1")].seed.notna().all()


def test_a_target_that_nothing_was_trained_on_has_no_source(done: tuple[Path, Results]) -> None:
    rows = done[1].rows
    assert set(rows[rows.target == "tatoeba"].source) == {""}
    assert set(rows[rows.target != "tatoeba"].source) == {"en"}
    for format in ("csv", "json", "table", "latex"):
        assert "nan" not in long_table(rows, format).lower()
    (line,) = [x for x in csv.DictReader(io.StringIO(long_table(rows[-1:], "csv")))]
    assert (line["target"], line["source"]) == ("tatoeba", "")


def test_the_tables_on_disk_are_the_tables_returned(done: tuple[Path, Results]) -> None:
    found = done[1]
    on_disk = pd.read_parquet(found.folder / "results.parquet")
    pd.testing.assert_frame_equal(on_disk, found.rows, check_dtype=False)
    assert list(pd.read_csv(found.folder / "results.csv").columns) == list(found.rows.columns)
    assert (found.folder / "report.html").read_text().startswith("<!doctype html>")


def test_arms_share_the_stage_they_have_in_common(done: tuple[Path, Results]) -> None:
    steps = done[1].planned.plan.steps
    assert steps["none/xquad@0"] is steps["squad_v1/squad_v1@0"]
    assert done[1].outcome.ran.count("train/squad_v1") == 1


def test_second_run_does_nothing(
    done: tuple[Path, Results], world: Path, changes: tuple[str, ...]
) -> None:
    again = xstilts.run(RECIPE, *changes, store=done[0], data=world)
    assert again.outcome.ran == []
    pd.testing.assert_frame_equal(again.rows, done[1].rows)


def test_every_score_that_counts_is_the_ratio_of_its_counts(done: tuple[Path, Results]) -> None:
    store, found = done
    (encoder,) = found.planned.encoders
    metrics = main_metrics(found.planned)
    counted = counts(found.planned, Store(store), encoder).runs
    rows = found.counted[[metrics[r.target] == r.metric for r in found.counted.itertuples()]]
    assert len(counted) == len(rows) == 12
    for row in rows.itertuples():
        seed = None if pd.isna(row.seed) else row.seed
        run = counted[row.arm, row.target, row.language, seed]
        assert run.score == pytest.approx(row.value, abs=1e-9)
    german, english = (
        counted["none", "xquad", language, 0].groups.tolist() for language in ("de", "en")
    )
    assert german == english, "groups of a parallel set have the same names in every language"


def test_a_rescore_needs_no_model(
    done: tuple[Path, Results], world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(done[0], store)
    shutil.rmtree(store / "steps" / "score")
    for step in done[1].planned.models.values():
        folder = Store(store).path(step.address, step.key)
        Store(store).prune(step.address, step.key, [p.name for p in folder.glob("*.safetensors")])
    assert not list((store / "steps" / "train").rglob("*.safetensors"))
    again = xstilts.run(RECIPE, *changes, store=store, data=world)
    assert {step.partition("/")[0] for step in again.outcome.ran} == {"score"}
    pd.testing.assert_frame_equal(again.rows, done[1].rows)


def test_one_changed_rate_runs_its_descendants_only_and_why_names_it(
    done: tuple[Path, Results], world: Path, changes: tuple[str, ...]
) -> None:
    changed = (*changes, "tasks.udpos.training={lr: 1e-3}")
    name, lines = xstilts.why(RECIPE, "none/udpos@0", *changed, store=done[0], data=world)
    assert (name, lines) == ("none/udpos@0", ["config.how.lr: 0.002 -> 0.001"])
    _, deeper = xstilts.why(RECIPE, "none/udpos/score.de", *changed, store=done[0], data=world)
    assert deeper == ["inputs.predictions.inputs.model.config.how.lr: 0.002 -> 0.001"]
    _, cost = xstilts.plan(RECIPE, *changed, store=done[0], data=world)
    assert {k: left for k, (_, left) in cost.steps.items()} == {
        "read": 0,
        "tokens": 0,
        "train": 2,  # udpos after each arm
        "predict": 4,
        "retrieve": 0,
        "score": 4,
    }


def test_the_same_files_elsewhere_run_nothing(
    done: tuple[Path, Results], world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(world, copy)
    moved = (*changes[:-1], f"encoder.path={copy / 'encoder'}")
    assert xstilts.run(RECIPE, *moved, store=done[0], data=copy).outcome.ran == []


def test_one_byte_of_a_training_file_runs_its_descendants(
    done: tuple[Path, Results], world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(world, copy)
    file = copy / "udpos" / "train-en.tsv"
    data = bytearray(file.read_bytes())
    data[1] = ord("x") if data[1] != ord("x") else ord("y")
    file.write_bytes(bytes(data))
    _, cost = xstilts.plan(RECIPE, *changes, store=done[0], data=copy)
    left = {k: n for k, (_, n) in cost.steps.items()}
    assert left == {"read": 1, "tokens": 1, "train": 2, "predict": 4, "retrieve": 0, "score": 4}


def test_a_missing_file_is_named_before_anything_runs(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(world, copy)
    (copy / "udpos" / "train-en.tsv").unlink()
    began = time.monotonic()
    with pytest.raises(DataError, match=r"udpos train en: udpos_xtreme/train-en\.tsv"):
        xstilts.run(RECIPE, *changes, store=tmp_path / "store", data=copy)
    assert time.monotonic() - began < 5
    assert not (tmp_path / "store" / "steps").exists()


def test_a_malformed_row_stops_the_run_before_training_and_costs_nothing(
    done: tuple[Path, Results], world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(world, copy)
    file = copy / "udpos" / "train-en.tsv"
    lines = file.read_text().splitlines()
    lines[3] = lines[3].split("\t")[0] + "\tNOSUCHTAG"
    file.write_text("\n".join(lines) + "\n")
    finished = sorted((done[0] / "steps").rglob("record.json"))
    with pytest.raises(DataError) as caught:
        xstilts.run(RECIPE, *changes, store=done[0], data=copy)
    assert "train-en.tsv:4" in caught.value.where
    assert "NOSUCHTAG" in str(caught.value)
    assert set(finished) <= set((done[0] / "steps").rglob("record.json"))


def test_a_leak_is_refused_then_dropped(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(world, copy)
    document = (copy / "xquad" / "xquad.en.json").read_text()
    (copy / "squad" / "train-v1.1.json").write_text(document + "\n")
    with pytest.raises(LeakError) as caught:
        xstilts.run(RECIPE, *changes, "leaks=error", store=tmp_path / "s", data=copy)
    assert "squad_v1.en.train-rest shares" in caught.value.where
    found = xstilts.leaks(RECIPE, *changes, store=tmp_path / "s", data=copy)
    assert sum(o.units for o in found if o.reported == "xquad.en.test") == 100
    with pytest.raises(DataError, match="No example is left"):
        xstilts.run(RECIPE, *changes, store=tmp_path / "s", data=copy)


def test_a_truncated_result_is_set_aside_and_built_anew(
    done: tuple[Path, Results], world: Path, changes: tuple[str, ...]
) -> None:
    victim = next((done[0] / "steps" / "predict").rglob("predictions.parquet"))
    victim.write_bytes(victim.read_bytes()[:100])
    record = victim.parent / "record.json"
    assert record.exists()
    score = done[0] / "steps" / "score"
    shutil.rmtree(score)
    again = xstilts.run(RECIPE, *changes, store=done[0], data=world)
    assert len(again.outcome.set_aside) == 1
    pd.testing.assert_frame_equal(again.rows, done[1].rows)


@pytest.fixture
def spoiled(done: tuple[Path, Results], tmp_path: Path) -> Path:
    """A copy of the finished store, to be damaged."""
    shutil.copytree(done[0], tmp_path / "store")
    return tmp_path / "store"


@pytest.mark.parametrize(
    "pattern",
    [
        "train/squad_v1/*/record.json",
        "train/squad_v1/*/model.safetensors",
        "predict/*/xquad.de/*/predictions.parquet",
        "score/squad_v1/xquad.de/*/right.npy",
        "score/squad_v1/xquad.de/*/record.json",
    ],
)
def test_what_is_truncated_is_read_round_then_set_aside_and_built_anew(
    spoiled: Path, done: tuple[Path, Results], world: Path, changes: tuple[str, ...], pattern: str
) -> None:
    victim = next((spoiled / "steps").glob(pattern))
    whole = victim.read_bytes()
    victim.write_bytes(whole[: len(whole) // 2])
    where = {"store": spoiled, "data": world}
    scored = "score" in pattern
    assert len(xstilts.results(RECIPE, *changes, **where).rows) < len(done[1].rows) or (not scored)
    page = xstilts.report(RECIPE, *changes, **where).read_text()
    assert "damaged in the store; the next run builds it anew" in page
    assert len(xstilts.plan(RECIPE, *changes, **where)[1].corrupt) == 1
    xstilts.why(RECIPE, "none/xquad@0", *changes, "training.lr=1e-3", **where)
    again = xstilts.run(RECIPE, *changes, **where)
    assert len(again.outcome.set_aside) == 1
    pd.testing.assert_frame_equal(again.rows, done[1].rows)
    assert "damaged in the store" not in (again.folder / "report.html").read_text()
    assert victim.name == "record.json" or victim.read_bytes() == whole
    assert xstilts.run(RECIPE, *changes, **where).outcome.ran == []


def test_a_changed_byte_of_what_a_report_reads_does_not_stop_it(
    spoiled: Path, world: Path, changes: tuple[str, ...]
) -> None:
    for victim in (spoiled / "steps" / "predict").rglob("predictions.parquet"):
        victim.write_bytes(b"X" * victim.stat().st_size)
    page = xstilts.report(RECIPE, *changes, store=spoiled, data=world).read_text()
    assert "are damaged in the store; the next run builds them anew" in page


def test_looking_at_results_changes_no_published_file(
    spoiled: Path, world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    folder = spoiled / "runs" / "small"
    before = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()}
    other = (*changes, "seeds=[7]")
    assert xstilts.results(RECIPE, *other, store=spoiled, data=world).rows.seed.isna().all()
    xstilts.report(RECIPE, *other, store=spoiled, data=world, out=tmp_path / "r.html")
    assert {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()} == before


def test_every_encoder_has_its_page_and_the_first_is_the_report(
    world: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    shutil.copytree(world / "encoder", tmp_path / "second")
    both = (
        *changes[:-1],
        f"encoder=[{{path: {world / 'encoder'}}}, {{path: {tmp_path / 'second'}}}]",
        "targets=[tatoeba]",
        "arms={none: []}",
    )
    folder = xstilts.run(RECIPE, *both, store=tmp_path / "s", data=world).folder
    first, second = folder / "report.html", folder / "report-second.html"
    assert 'href="report-second.html"' in first.read_text()
    assert 'href="report.html"' in second.read_text()
    written = first.stat().st_mtime_ns
    xstilts.run(RECIPE, *both, store=tmp_path / "s", data=world)
    assert first.stat().st_mtime_ns == written


@pytest.mark.parametrize("text", ["", '[{"trained": "x"'])
def test_a_truncated_memory_of_leaks_or_of_the_machine_counts_as_absent(
    spoiled: Path, world: Path, changes: tuple[str, ...], text: str
) -> None:
    [leaks] = (spoiled / "leaks").glob("*.json")
    known = leaks.read_text()
    leaks.write_text(text)
    (spoiled / "machine.json").write_text('{"node')
    xstilts.results(RECIPE, *changes, store=spoiled, data=world)
    assert xstilts.run(RECIPE, *changes, store=spoiled, data=world).outcome.ran == []
    assert leaks.read_text() == known
