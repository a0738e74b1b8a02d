import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
import toy_results
from toy_results import ADDRESS, IDENTITY, KEY

from xstilts.store import Store


@pytest.fixture
def builder(tmp_path):
    """Start a process that builds the toy result and takes this many seconds for it."""
    started = []

    def start(seconds):
        command = [sys.executable, toy_results.__file__, str(tmp_path), str(seconds)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def said(process):
    return process.communicate(timeout=60)[0].splitlines()


def test_of_two_processes_one_builds_and_the_other_waits_and_reuses(builder, tmp_path):
    first = builder(4.0)  # the other one starts meanwhile
    assert first.stdout.readline() == "began\n"
    second = builder(0)
    assert said(second) == [f"built=False waited={first.pid} value=2"]
    assert said(first) == ["built=True waited= value=2"]
    assert len(list((tmp_path / "steps").rglob("record.json"))) == 1


def test_a_killed_process_blocks_nobody(builder, tmp_path):
    victim = builder(600)
    assert victim.stdout.readline() == "began\n"
    os.kill(victim.pid, signal.SIGKILL)
    assert victim.wait(timeout=10) == -signal.SIGKILL
    assert Store(tmp_path).record(ADDRESS, KEY) is None
    assert said(builder(0)) == ["began", "built=True waited= value=2"]


def test_who_waits_for_a_process_that_is_killed_builds_itself(builder, tmp_path):
    victim = builder(600)
    assert victim.stdout.readline() == "began\n"
    heir = builder(0)
    lock = tmp_path / "locks" / f"{KEY}.lock"
    assert lock.read_text() == str(victim.pid)
    wait_until_blocked(heir.pid)
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    assert said(heir) == ["began", f"built=True waited={victim.pid} value=2"]
    assert Store(tmp_path).open(ADDRESS, KEY, IDENTITY).value == {"n": 2}


def wait_until_blocked(pid, seconds=20.0):
    """Until the kernel lists this process among those that wait for a lock."""
    import time

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        waiting = re.findall(r"-> FLOCK\s+\S+\s+\S+\s+(\d+)", Path("/proc/locks").read_text())
        if str(pid) in waiting:
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} does not wait for a lock")


def test_two_processes_that_prune_the_same_results_do_not_disturb_each_other(tmp_path):
    store, keys = Store(tmp_path), [f"{i:016x}" for i in range(40)]
    for key in keys:
        store.build(ADDRESS, key, IDENTITY, written, made={})
    with ProcessPoolExecutor(2, mp_context=get_context("forkserver")) as pool:
        for pruned in [pool.submit(prune_all, tmp_path, keys, me) for me in "ab"]:
            pruned.result(timeout=60)
    assert all(store.record(ADDRESS, key)["pruned"] == ["w.txt"] for key in keys)


def written(folder):
    (folder / "w.txt").write_text("weights")
    return {}


def prune_all(root, keys, me):
    """Prune one after the other, at the same time as the other process does."""
    (root / me).touch()
    while not ((root / "a").exists() and (root / "b").exists()):
        pass
    for key in keys:
        Store(root).prune(ADDRESS, key, ["w.txt"])
