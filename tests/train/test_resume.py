"""Interrupted and resumed is the same as uninterrupted, to the last bit."""

import os
import shutil
import signal
import time
from multiprocessing import get_context

import pytest
import run_stage
from workbench import KINDS, TRAINED, how

from xstilts.core.spec import Runtime
from xstilts.models.task_model import TaskModel
from xstilts.store.digests import sha256
from xstilts.train import checkpoint, loop

KILLS = 5
SECONDS = 20.0
AIMED = 26.0  # of training, so that a machine that gets faster meanwhile still takes `SECONDS`
WHOLE = Runtime(threads=1, micro_tokens=1024, checkpoint_seconds=0, keep_weights="all")


def files(result):
    """Name -> SHA-256 of every file of a result but its record."""
    found = sorted(p for p in result.folder.rglob("*") if p.is_file() and p.name != "record.json")
    return {p.relative_to(result.folder).as_posix(): sha256(p) for p in found}


def timeless(value):
    """The record without what depends on how fast the machine was."""
    return {k: v for k, v in value.items() if k not in ("seconds", "tokens_per_second")}


@pytest.fixture
def interrupt(monkeypatch):
    """Raise before these updates (counted from 0) of one session; write every third checkpoint."""
    really, save = loop.summed_gradient, checkpoint.save

    def rarely(folder, progress, *rest):
        if progress.update % 3 == 0:
            save(folder, progress, *rest)

    def at(begun, update):
        done = [begun]

        def stop(*args, **more):
            if done[0] == update:
                raise KeyboardInterrupt
            done[0] += 1
            return really(*args, **more)

        monkeypatch.setattr(checkpoint, "save", rarely)
        monkeypatch.setattr(loop, "summed_gradient", stop)

    return at


@pytest.mark.parametrize(
    ("encoder", "kind"),
    [*(("xlmr", kind) for kind in KINDS), ("deberta", "pair"), ("modernbert", "tagging")],
)
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_a_stage_interrupted_four_times_ends_with_the_same_bytes(
    workbench, interrupt, encoder, kind, dropout
):
    name = TRAINED[kind]
    said = how(epochs=2, batch_size=12, dropout=dropout, select={"every": 4, "patience": 50})
    whole, torn = workbench(encoder, "whole"), workbench(encoder, "torn")
    expected = whole.build(whole.train(name, said), WHOLE)
    total = expected.value["updates"]
    step = torn.train(name, said)
    saved = 0
    for update in (1, 5, 10, total - 1):
        interrupt(saved, update)
        with pytest.raises(KeyboardInterrupt):
            torn.build(step, WHOLE)
        saved = update // 3 * 3
        assert torn.store.record(step.address, step.key) is None
    interrupt(saved, 10**9)
    found = torn.build(step, WHOLE)
    assert files(found) == files(expected)
    assert timeless(found.value) == timeless(expected.value)
    assert expected.value["updates"] > 12


def test_checkpoints_are_deleted_when_the_stage_is_done(workbench):
    bench = workbench()
    folder = bench.build(bench.train("hellaswag", how(epochs=1)), WHOLE).folder
    assert not list(folder.glob("*checkpoint*"))
    assert not list((bench.store.root / "work").iterdir())


@pytest.mark.parametrize("name", ["state.safetensors", "state.json"])
@pytest.mark.parametrize("older", [True, False])
def test_a_truncated_checkpoint_is_set_aside_and_the_one_before_it_taken(
    workbench, interrupt, name, older
):
    said = how(epochs=1, batch_size=12, select={"every": 4, "patience": 50})
    whole, torn = workbench("xlmr", "whole"), workbench("xlmr", "torn")
    expected = whole.build(whole.train("mnli", said), WHOLE)
    step = torn.train("mnli", said)
    interrupt(0, 4)
    with pytest.raises(KeyboardInterrupt):
        torn.build(step, WHOLE)
    [good] = (torn.store.root / "work").glob("train__*/checkpoint-000000003")
    bad = good.with_name("checkpoint-000000004")
    if older:
        shutil.copytree(good, bad)
    else:
        good.rename(bad)
    data = (bad / name).read_bytes()
    (bad / name).write_bytes(data[: len(data) // 2])
    interrupt(3 if older else 0, 10**9)
    assert files(torn.build(step, WHOLE)) == files(expected)
    assert any("checkpoint-000000004 cannot be read" in line for line in torn.said)


def test_a_failure_while_the_finished_model_is_saved_loses_no_training(workbench, monkeypatch):
    bench = workbench()
    step = bench.train("hellaswag", how(epochs=1))

    def full(self, folder):
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(TaskModel, "save", full)
        with pytest.raises(OSError, match="no space left"):
            bench.build(step, WHOLE)

    def again(*args, **more):
        raise AssertionError("an update was done twice")

    monkeypatch.setattr(loop, "summed_gradient", again)
    assert bench.build(step, WHOLE).value["updates"] == 6


def test_a_stage_killed_five_times_ends_with_the_same_bytes(
    release, encoder_folder, tmp_path, start
):
    encoder = encoder_folder("xlmr")
    epochs = calibrated(release, encoder, tmp_path)
    stores = {name: tmp_path / name for name in ("whole", "torn")}
    benches = {n: run_stage.bench_of(release, encoder, s) for n, s in stores.items()}
    steps = {n: run_stage.promised(b, epochs) for n, b in benches.items()}
    reference = start(release, encoder, stores["whole"], epochs)
    torn = steps["torn"].inputs["model"]
    work = stores["torn"] / "work" / f"{torn.address.replace('/', '__')}-{torn.key}"
    planned = 8 * epochs
    kills = []
    for i in range(KILLS):
        victim = start(release, encoder, stores["torn"], epochs)
        wait_for_update(work, planned * (i + 1) / (KILLS + 2), victim)
        time.sleep(0.07 * i)  # not always just after a checkpoint
        os.kill(victim.pid, signal.SIGKILL)
        victim.join()
        assert victim.exitcode == -signal.SIGKILL
        assert benches["torn"].store.record(torn.address, torn.key) is None
        kills.append(newest(work))
    assert len(kills) == KILLS
    assert 0 < kills[0] < kills[-1] < planned
    last = start(release, encoder, stores["torn"], epochs)
    for process in (last, reference):
        process.join(timeout=300)
        assert process.exitcode == 0
    compare(benches, steps, kills)


def compare(benches, steps, kills):
    models = {n: benches[n].open(steps[n].inputs["model"]) for n in steps}
    predictions = {n: benches[n].open(steps[n]) for n in steps}
    value = models["whole"].value
    assert value["seconds"] >= SECONDS, "the stage was to take at least this long"
    log = (models["whole"].folder / "log.jsonl").read_text()
    assert log.count("dev_f1") >= 2
    assert value["verdict"] == "ok"
    assert value["updates"] > kills[-1]
    assert files(models["torn"]) == files(models["whole"])
    assert {"model.safetensors", "log.jsonl"} <= set(files(models["whole"]))
    assert timeless(models["torn"].value) == timeless(value)
    assert files(predictions["torn"]) == files(predictions["whole"])


def calibrated(release, encoder, tmp_path):
    """Epochs that take about as long as is aimed at, here and now."""
    speeds = []
    for i in range(2):
        bench = run_stage.bench_of(release, encoder, tmp_path / f"calibration{i}")
        value = bench.build(run_stage.promised(bench, 6).inputs["model"]).value
        speeds.append(value["updates"] / value["seconds"])
    return round(AIMED * max(speeds) / 8)


@pytest.fixture
def start():
    """Start the stage in a process of its own; none outlives the test."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["xstilts.train.loop", "xstilts.prediction.stage"])
    started = []

    def process(*arguments):
        started.append(context.Process(target=run_stage.run, args=arguments))
        started[-1].start()
        return started[-1]

    yield process
    for one in started:
        one.kill()
        one.join()
        one.close()


def newest(work):
    """Updates in the newest checkpoint, 0 before the first."""
    found = sorted(work.glob("checkpoint-*"))
    return int(found[-1].name.rpartition("-")[2]) if found else 0


def wait_for_update(work, update, process):
    end = time.monotonic() + 240
    while time.monotonic() < end:
        if newest(work) >= max(update, 1):
            return
        assert process.is_alive(), "the stage ended before it could be killed"
        time.sleep(0.01)
    raise AssertionError("no checkpoint came")
