"""Two processes (gloo, on the CPU) train what one trains, and fail and go on as one."""

import json
from dataclasses import replace

import pytest
import team_work
import torch
from safetensors.torch import load_file
from small_encoders import build, promised, write_declaration, write_texts
from test_reading import documents, mixed, reading
from test_resume import files, timeless
from workbench import KINDS, TRAINED, Workbench, how

from xstilts.core.context import Context
from xstilts.core.errors import DataError, MachineError, WorkerError
from xstilts.core.spec import Runtime
from xstilts.store import Store
from xstilts.train import launch, loop, pretraining
from xstilts.train.spec import Layers, Lora, Mix
from xstilts.train.team import ALONE

ONE = Runtime(threads=1, micro_tokens=512, checkpoint_seconds=0, keep_weights="all")
TWO = ONE.model_copy(update={"devices": 2})
SAID = how(lr=1e-3, epochs=1, batch_size=19, select={"every": 4, "patience": 50})
EARLY = how(lr=1e-12, epochs=9, batch_size=16, select={"every": 1, "patience": 2})
DROPPED = SAID.model_copy(update={"dropout": 0.2, "epochs": 3.0})
FEW = 300  # padded pieces that the second process holds in some stages
PLAIN = [*KINDS, "mixture", "text", "beside text", "frozen", "lora", "early", "pretrain"]
HALVED = ["tagging halved", "ranking halved"]


@pytest.fixture(scope="module")
def bench(release, encoder_folder, tmp_path_factory):
    return Workbench(release, encoder_folder("xlmr"), Store(tmp_path_factory.mktemp("store")), ONE)


@pytest.fixture(scope="module")
def jobs(bench, tmp_path_factory):
    """Name -> the stage as one process runs it, its config and inputs, memory of the second."""
    texts = tmp_path_factory.mktemp("texts")
    for code in ("de", "sw"):
        (texts / f"{code}.txt").write_text("".join(f"{line}\n" for line in documents(code)))
    steps = {kind: bench.train(name, SAID) for kind, name in TRAINED.items()}
    steps |= {f"{kind} halved": steps[kind] for kind in ("tagging", "ranking")}
    steps["mixture"] = bench.mix([*TRAINED.values()], SAID, Mix(law="uniform", examples=19 * 15))
    steps["text"] = reading(bench, texts, 8 * 12, how(lr=1e-3, batch_size=8))
    steps["beside text"] = mixed(bench, texts, 0.5, SAID)[1]
    steps["frozen"] = bench.train("udpos", SAID, layers=Layers(frozen=1))
    steps["lora"] = bench.train("mnli", SAID, layers=Layers(lora=Lora(rank=4)))
    steps["early"] = bench.train("mnli", EARLY)
    steps["dropout"] = bench.train("udpos", DROPPED)
    found = {}
    for name, step in steps.items():
        inputs = {key: bench.build(needed) for key, needed in step.inputs.items()}
        found[name] = loop.train, step.config, inputs, FEW if name in HALVED else None
    home = tmp_path_factory.mktemp("home")
    write_texts(home / "texts")
    made = promised(write_declaration(home, "short"), home / "store")
    inputs = {key: build(made, home / "store", need) for key, need in made.step.inputs.items()}
    return found | {"pretrain": (pretraining.train, made.step.config, inputs, None)}


@pytest.fixture(scope="module")
def ends(bench, jobs, tmp_path_factory):
    """Folders and values of all stages: run by one process, and by two."""
    found = []
    for runtime in (ONE, TWO):
        folder = tmp_path_factory.mktemp(f"by{runtime.devices}")
        context = Context(runtime, bench.sources)
        found.append((folder, launch.together(team_work.stages, jobs, {}, folder, context)))
    return found


def told(folder, name, rank=0):
    return json.loads((folder / name / f"process-{rank}.json").read_text())


def shifts(name, key, tensor):
    """Whether a bias adds the same to all that a softmax compares: its gradient is rounding."""
    if key.endswith("classifier.bias") and len(tensor) == 1:  # of choices
        return True
    spans = ("layer.1.output.LayerNorm.bias",) if name == "span" else ()
    return key.endswith(("qa_outputs.bias", "attention.self.key.bias", *spans))


def last(folder, name, rank=0):
    return load_file(folder / name / f"process-{rank}.end")


@pytest.mark.parametrize("name", PLAIN + HALVED)
def test_losses_and_weights_are_those_of_one_process(ends, name):
    (one, value), (two, again) = ends
    expected, found = told(one, name)["losses"], told(two, name)["losses"]
    assert len(expected) == len(found) >= 3
    assert found == pytest.approx(expected, rel=5e-6, abs=1e-6)
    before, weights = last(one, name), last(two, name)
    assert before.keys() == weights.keys()
    for key, tensor in before.items():
        if not shifts(name, key, tensor):
            torch.testing.assert_close(weights[key], tensor, rtol=0, atol=2e-5, msg=key)
    same = ("updates", "pieces", "verdict", "selected_update", "lineage")
    assert [value[name].get(x) for x in same] == [again[name].get(x) for x in same]


@pytest.mark.parametrize("name", [*PLAIN, *HALVED, "dropout"])
def test_both_processes_have_the_same_losses_and_weights_to_the_last_bit(ends, name):
    two = ends[1][0]
    assert told(two, name) == told(two, name, 1)
    first, second = (last(two, name, rank) for rank in (0, 1))
    assert all(torch.equal(tensor, second[key]) for key, tensor in first.items())


def test_among_the_updates_is_one_of_a_single_example(jobs):
    config, inputs = jobs["choice"][1:3]
    assert inputs["train"].value["examples"] % config.how.batch_size == 1


def test_only_the_first_process_writes(ends):
    (one, _), (two, _) = ends
    for name in PLAIN:
        mine = {p.name for p in (one / name).iterdir()}
        assert {p.name for p in (two / name).iterdir()} - mine == {
            "process-1.end",
            "process-1.json",
        }


def test_both_halve_where_the_memory_of_one_ends(ends):
    two = ends[1][0]
    for name in HALVED:
        assert [told(two, name, rank)["micro_tokens"] for rank in (0, 1)] == [256, 256]
    assert told(two, "tagging")["micro_tokens"] == 512


def test_they_stop_early_together(ends):
    for folder, rank in ((ends[0][0], 0), (ends[1][0], 0), (ends[1][0], 1)):
        said = told(folder, "early", rank)
        assert (said["update"], said["worse"]) == (3, 2)


def test_what_a_killed_process_interrupts_goes_on_to_the_same_bytes(bench, jobs, ends):
    """Through the executor, in a worker process; the runtime is in the record, not in the key."""
    step = bench.train("udpos", DROPPED)
    work = bench.store.root / "work" / f"{step.address.replace('/', '__')}-{step.key}"
    work.mkdir(parents=True)
    with pytest.raises(WorkerError, match=r"process 2 of the 2 .* died \(exit code -9\)"):
        launch.together(team_work.killed, *jobs["dropout"][1:3], work, Context(TWO, bench.sources))
    assert [p.name for p in work.glob("checkpoint-*")] == ["checkpoint-000000007"]
    found = bench.build(step, TWO.model_copy(update={"workers": 2, "threads": 2}))
    folder, values = ends[1]
    expected = files(replace(found, folder=folder / "dropout"))
    assert files(found) == {k: v for k, v in expected.items() if not k.startswith("process-")}
    assert timeless(found.value) == timeless(values["dropout"])
    record = bench.store.record(step.address, step.key)
    assert record["made"]["runtime"]["devices"] == 2
    assert bench.run(step, runtime=ONE).ran == []


def test_an_error_of_one_process_is_that_of_the_stage(tmp_path):
    with pytest.raises(DataError, match="A file ends") as told:
        launch.together(team_work.refused, None, {}, tmp_path, Context(TWO))
    assert told.value.do == "fetch it again"


def test_more_devices_than_gpus_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(MachineError, match="this machine has 1 GPU") as told:
        launch.together(team_work.refused, None, {}, tmp_path, Context(TWO))
    assert told.value.do == "--set runtime.devices=1"


def test_one_device_starts_no_process(tmp_path):
    here = []

    def work(config, inputs, folder, context, team):
        here.append(team)
        return {}

    launch.together(work, None, {}, tmp_path, Context(ONE))
    assert here == [ALONE]
