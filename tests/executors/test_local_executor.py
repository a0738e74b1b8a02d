import multiprocessing
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from toy_stages import ALONE, MODEL, step

from xstilts.core.spec import Runtime
from xstilts.executors import LocalExecutor
from xstilts.graph import Plan, Step
from xstilts.graph.plan import in_order
from xstilts.store import Store

BOTH = pytest.mark.parametrize("workers", [1, 2])


@pytest.fixture
def run(tmp_path):
    """Run goals in the one store of the test."""

    def execute(*goals, workers=1, keep_weights="all", kept=()):
        names = {f"{s.label}@{s.config.n}": s for s in in_order(goals)}
        plan = Plan(names, list(goals), kept=frozenset(s.key for s in kept))
        runtime = Runtime(workers=workers, keep_weights=keep_weights)
        return LocalExecutor().run(plan, list(goals), store(tmp_path), runtime, lambda m: None)

    return execute


def store(tmp_path):
    return Store(tmp_path / "store")


def tree():
    """data -> model -> {left, right} -> report"""
    data = step("data", 1)
    model = step("model", 2, data=data)
    left, right = step("left", 3, model=model), step("right", 4, model=model, data=data)
    return data, model, left, right, step("report", 5, left=left, right=right)


def test_a_run_builds_what_a_goal_needs(run, tmp_path):
    *_, report = tree()
    outcome = run(report)
    assert outcome.ran == ["add/data", "add/model", "add/left", "add/right", "add/report"]
    assert store(tmp_path).open(report.address, report.key).value["sum"] == 19


@BOTH
def test_second_run_does_nothing(run, workers):
    run(tree()[-1])
    again = run(tree()[-1], workers=workers)
    assert (again.ran, again.reused, again.failed, again.set_aside) == ([], [], {}, [])


def test_two_workers_give_the_keys_and_values_of_one(tmp_path):
    found = []
    for workers in (1, 2):
        place = Store(tmp_path / str(workers))
        *_, report = tree()
        plan = Plan({}, [report])
        outcome = LocalExecutor().run(plan, [report], place, Runtime(workers=workers), print)
        assert len(outcome.ran) == 5
        found.append({s.address: (s.key, place.open(s.address, s.key).value) for s in tree()})
    assert found[0] == found[1]


@BOTH
def test_a_failing_step_stops_only_what_needs_it(run, workers):
    data, model, left, _, _ = tree()
    bad = step("bad", 9, "fail", data=data)
    after = step("after", model=model, bad=bad)
    last = step("last", after=after)
    outcome = run(last, left, workers=workers)
    assert sorted(outcome.ran) == ["add/data", "add/left", "add/model"]
    assert list(outcome.failed) == ["bad@9"]
    assert "always fails" in str(outcome.failed["bad@9"])
    assert outcome.not_run == ["after@0", "last@0"]


@BOTH
def test_two_seeds_that_fail_are_told_apart(run, workers):
    outcome = run(step("bad", 0, "fail"), step("bad", 1, "fail"), workers=workers)
    assert sorted(outcome.failed) == ["bad@0", "bad@1"]


@BOTH
@pytest.mark.parametrize("behaviour", ["panic", "fail silently"])
def test_an_error_of_any_kind_is_a_failed_step(run, workers, behaviour):
    bad = step("bad", behaviour=behaviour)
    outcome = run(bad, step("after", bad=bad), step("other", 1), workers=workers)
    assert outcome.ran == ["add/other"]
    assert (list(outcome.failed), outcome.not_run) == (["bad@0"], ["after@0"])


def test_a_worker_that_dies_takes_only_its_own_step_with_it(run):
    bad = step("bad", behaviour="die")
    others = [step(f"other{i}", i) for i in range(6)]
    outcome = run(bad, step("after", bad=bad), *others, workers=2)
    assert sorted(outcome.ran) == [f"add/other{i}" for i in range(6)]
    assert "the worker process died (exit code -9)" in str(outcome.failed["bad@0"])
    assert outcome.not_run == ["after@0"]


def test_a_worker_that_dies_while_it_has_nothing_to_do_is_replaced(tmp_path):
    first = step("first", behaviour="say")
    users = [step(f"user{i}", i, first=first) for i in range(2)]
    killed = []

    def say(line):
        busy = re.search(r"pid (\d+)", line)
        for child in multiprocessing.active_children() if busy else ():
            if child.pid != int(busy[1]):
                child.kill()
                child.join()
                killed.append(child.pid)

    runtime = Runtime(workers=2)
    outcome = LocalExecutor().run(Plan({}, users), users, store(tmp_path), runtime, say)
    assert len(killed) == 1
    assert sorted(outcome.ran) == ["add/first", "add/user0", "add/user1"]
    assert outcome.failed == {}


def test_a_script_needs_no_guard_to_run_steps_side_by_side(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from toy_stages import step\n"
        "from xstilts.core.spec import Runtime\n"
        "from xstilts.executors import LocalExecutor\n"
        "from xstilts.graph import Plan\n"
        "from xstilts.store import Store\n"
        "from pathlib import Path\n"
        "print('begins')\n"
        "goals = [step('one', 1), step('two', 2)]\n"
        "store = Store(Path(sys.argv[1]))\n"
        "runtime = Runtime(workers=2)\n"
        "done = LocalExecutor().run(Plan({}, goals), goals, store, runtime, lambda line: None)\n"
        "print(sorted(done.ran), done.failed, __name__)\n"
    )
    command = [sys.executable, script, tmp_path / "store"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "begins\n['add/one', 'add/two'] {} __main__\n"


def test_a_step_is_called_as_the_plan_calls_it(tmp_path):
    data, model = step("data", 1), step("model", 2)
    lines: list[str] = []
    plan = Plan({"none/xnli@0": model}, [data, model])
    LocalExecutor().run(plan, [data, model], store(tmp_path), Runtime(), lines.append)
    assert lines == ["[1/2] add/data", "[2/2] none/xnli@0"]


def test_an_interrupt_of_the_run_alone_does_not_wait_for_its_workers(tmp_path):
    command = [sys.executable, Path(__file__).with_name("stay.py"), tmp_path]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as run:
        said = run.stdout.readline() + run.stdout.readline()
        run.send_signal(signal.SIGINT)
        _, error = run.communicate(timeout=200)
    assert error.strip().endswith("KeyboardInterrupt")
    assert not _alive(int(re.search(r"pid (\d+)", said)[1]))


@BOTH
def test_what_needs_a_training_that_diverged_in_this_very_run_is_blocked(run, workers):
    bad = step("bad", behaviour="diverge", stage=MODEL)
    predicted = step("predicted", model=bad)
    scored = step("scored", predicted=predicted)
    outcome = run(scored, step("other", 7), workers=workers)
    assert sorted(outcome.ran) == ["add/other", "model/bad"]
    assert outcome.blocked == ["add/predicted", "add/scored"]
    assert (outcome.failed, outcome.not_run) == ({}, [])
    again = run(scored, step("other", 7), workers=workers)
    assert (again.ran, again.blocked) == ([], outcome.blocked)


def test_a_stage_that_runs_alone_has_the_threads_of_all_workers(tmp_path):
    lines: list[str] = []
    first = step("first", 1, "count threads")
    goals = [first, step("whole", 2, "count threads", ALONE)]
    goals += [step(f"user{i}", i, "count threads", whole=goals[1]) for i in range(2)]
    goals += [step("other", 5, "count threads"), step("whole", 3, "count threads", ALONE)]
    place, runtime = store(tmp_path), Runtime(workers=2, threads=3)
    LocalExecutor().run(Plan({}, goals), goals, place, runtime, lines.append)
    told = [line.partition("  ")[2] for line in lines if line.endswith("ends") or "begins" in line]
    for i, line in enumerate(told):
        if line == "begins with 6":
            assert told[i + 1] == "ends"
            assert sum("begins" in before for before in told[:i]) == told[:i].count("ends")
    assert (told.count("begins with 6"), told.count("begins with 3")) == (2, 4)
    assert _threads(place, goals[1]) == 6
    assert _threads(place, first) == 3


def _threads(place: Store, built: Step) -> int:
    record = place.record(built.address, built.key)
    assert record is not None
    return record["made"]["runtime"]["threads"]


def test_what_a_step_says_in_a_worker_reaches_the_run(tmp_path):
    lines: list[str] = []
    goal = step("speaker", behaviour="say")
    LocalExecutor().run(Plan({}, [goal]), [goal], store(tmp_path), Runtime(workers=2), lines.append)
    assert lines[0] == "[1/1] add/speaker"
    assert re.fullmatch(r"\[1/1\] add/speaker  pid \d+", lines[1])


def test_workers_end_with_the_run_that_started_them(tmp_path):
    command = [sys.executable, Path(__file__).with_name("stay.py"), tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        said = run.stdout.readline() + run.stdout.readline()
        run.kill()
    worker = int(re.search(r"pid (\d+)", said)[1])
    assert worker != run.pid
    for _ in range(100):
        if not _alive(worker):
            return
        time.sleep(0.1)
    pytest.fail(f"worker {worker} outlived its run by 10 s")


def _alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_an_interrupt_stops_the_run_and_keeps_what_is_finished(run, tmp_path):
    data = step("data", 1)
    with pytest.raises(KeyboardInterrupt):
        run(step("stop", behaviour="interrupt", data=data))
    assert store(tmp_path).open(data.address, data.key).value["sum"] == 1


@BOTH
def test_an_input_with_a_changed_byte_is_set_aside_and_built_anew(run, tmp_path, workers):
    _, model, left, _, report = tree()
    run(left)
    file = store(tmp_path).path(model.address, model.key) / "sum.txt"
    file.write_text("4")  # was 3: same size, so only the checksum knows
    outcome = run(report, workers=workers)
    assert outcome.set_aside == ["add/model"]
    assert outcome.ran.count("add/model") == 1
    assert store(tmp_path).open(report.address, report.key).value["sum"] == 19
    assert len(list((tmp_path / "store" / "aside").iterdir())) == 1


def test_a_truncated_goal_is_set_aside_and_built_anew(run, tmp_path):
    *_, report = tree()
    run(report)
    (store(tmp_path).path(report.address, report.key) / "sum.txt").write_text("")
    outcome = run(report)
    assert (outcome.set_aside, outcome.ran) == (["add/report"], ["add/report"])


@BOTH
@pytest.mark.parametrize("name", ["sum.txt", "record.json"])
def test_a_truncated_result_behind_a_finished_goal_is_set_aside_and_built_anew(
    run, tmp_path, name, workers
):
    _, model, *_, report = tree()
    run(report)
    (store(tmp_path).path(model.address, model.key) / name).write_text("")
    outcome = run(report, workers=workers)
    assert (outcome.set_aside, outcome.ran) == (["add/model"], ["add/model"])
    assert store(tmp_path).open(model.address, model.key).value["sum"] == 3


def test_weights_that_were_dropped_are_not_taken_for_damage(run):
    model = step("m", 1, stage=MODEL)
    user = step("u", 10, model=model)
    run(user, keep_weights="intermediate")
    again = run(user, keep_weights="intermediate")
    assert (again.ran, again.set_aside) == ([], [])


def test_what_failed_before_a_rebuild_is_told_once(run, tmp_path):
    data = step("data", 1)
    bad = step("bad", 9, "fail")
    after = step("after", bad=bad)
    run(data)
    (store(tmp_path).path(data.address, data.key) / "sum.txt").write_text("7")
    outcome = run(after, step("user", data=data))
    assert outcome.set_aside == ["add/data"]
    assert outcome.not_run == ["after@0"]
    assert list(outcome.failed) == ["bad@9"]
    assert outcome.ran == ["add/data", "add/user"]


def test_weights_nobody_needs_any_more_are_dropped_and_kept_ones_stay(run, tmp_path):
    models = [step(f"m{i}", i, stage=MODEL) for i in range(3)]
    kept, used, lacking = models
    users = [step(f"u{i}", 10, model=m) for i, m in enumerate(models[:2])]
    users.append(step("u2", 10, "fail", model=lacking))
    run(*users, keep_weights="intermediate", kept=[kept])
    there = [(store(tmp_path).path(m.address, m.key) / "sum.txt").exists() for m in models]
    assert there == [True, False, True]
    assert store(tmp_path).record(used.address, used.key)["pruned"] == ["sum.txt"]
    assert run(*users[:2], keep_weights="intermediate", kept=[kept]).ran == []


def test_dropped_weights_are_built_again_for_a_new_user(run, tmp_path):
    model = step("m", 1, stage=MODEL)
    run(step("u", 10, model=model), keep_weights="intermediate")
    outcome = run(step("v", 20, model=model))
    assert outcome.ran == ["model/m", "add/v"]
    assert outcome.set_aside == []
