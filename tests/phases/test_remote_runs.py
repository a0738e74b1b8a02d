"""A recipe from end to end with its store on an S3 server; what one machine ran no other runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_up_world import RECIPE

import xstilts
from xstilts import cli
from xstilts.core.errors import StoreError
from xstilts.phases.running import Results
from xstilts.store import store_at
from xstilts.store.cache import results_in

Run = Callable[..., Results]


@pytest.fixture
def tiny(changes: tuple[str, ...]) -> tuple[str, ...]:
    return (*changes, "targets=[udpos]", "arms={none: []}")


@pytest.fixture
def run(
    s3: Any, world: Path, tiny: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Run the tiny recipe on a machine with the named cache."""

    def on(machine: str, *more: str) -> Results:
        monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path / machine))
        return xstilts.run(RECIPE, *tiny, *more, store=s3.url, data=world)

    return on


def test_a_second_machine_with_an_empty_cache_builds_nothing(
    run: Run, s3: Any, world: Path, tiny: tuple[str, ...], tmp_path: Path
) -> None:
    first = run("one")
    assert "train/udpos" in first.outcome.ran
    again = run("two")
    assert again.outcome.ran == []
    pd.testing.assert_frame_equal(again.rows, first.rows)
    assert again.folder.is_relative_to(tmp_path / "two")
    fetched = {p.relative_to(tmp_path).parts[3] for p in results_in(tmp_path / "two")}
    assert "train" not in fetched, "weights of a finished model stay where they are"
    s3.requests.clear()
    _, cost = xstilts.plan(RECIPE, *tiny, store=s3.url, data=world)
    assert sum(left for _, left in cost.steps.values()) == 0
    assert len(s3.requests) == 1, "a plan with a warm cache is one listing"


def test_a_run_that_cannot_publish_finishes_its_steps_and_the_next_publishes_them(
    run: Run, s3: Any
) -> None:
    s3.refuse = lambda method, path: method == "PUT" and "/score/" in path
    with pytest.raises(StoreError, match="cannot be written"):
        run("one")
    steps = store_at(s3.url).root / "steps"
    assert len(results_in(steps / "score")) == 2, "both languages"
    s3.reset()
    assert run("one").outcome.ran == []
    assert run("two").outcome.ran == []


def test_a_cache_with_room_for_nothing_costs_no_result(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XSTILTS_CACHE_GIGABYTES", "0")
    found = run("one", "runtime.workers=2")
    assert "train/udpos" in found.outcome.ran and not found.outcome.failed
    assert set(found.rows.language) == {"en", "de"}
    assert run("one").outcome.ran == []


def test_a_damaged_object_costs_its_own_step_only(run: Run, s3: Any) -> None:
    import s3fs

    first = run("one", "runtime.keep_weights=all")
    store, scores = store_at(s3.url), [cell.score for cell in first.planned.cells]
    damaged = scores[0].inputs["predictions"]
    record = store.record(damaged.address, damaged.key)
    assert record is not None and store.remote is not None
    digest = next(iter(record["files"].values()))["sha256"]
    fs = s3fs.S3FileSystem(use_listings_cache=False)
    (path,) = [p for p in fs.find(s3.url) if digest in p]
    fs.pipe_file(path, b"other bytes")
    for score in scores:
        store.remote.delete(score.address, score.key)  # so that predictions are read again
    again = run("two", "runtime.keep_weights=all")
    assert again.outcome.set_aside == [damaged.address]
    assert set(again.outcome.ran) == {damaged.address, *(s.address for s in scores)}
    pd.testing.assert_frame_equal(again.rows, first.rows)


def test_a_server_that_is_away_ends_a_command_with_2_and_four_parts(
    s3: Any,
    world: Path,
    tiny: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path))
    s3.refuse = lambda method, path: True
    said = [word for change in tiny for word in ("--set", change)]
    with pytest.raises(SystemExit) as ended:
        cli.main(["plan", RECIPE, "--store", s3.url, "--data", str(world), *said])
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert f"{s3.url}: cannot be listed" in error
    assert all(word in error for word in ("where:", "expected:", "do:"))
    assert "Traceback" not in error
