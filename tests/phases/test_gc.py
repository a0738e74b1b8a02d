"""What `gc` lists, deletes, and refuses."""

import shutil
from pathlib import Path

import pytest
from made_up_world import RECIPE

import xstilts
from xstilts import cli
from xstilts.core.errors import DataError, StoreError
from xstilts.phases.running import Results
from xstilts.store import Store
from xstilts.store.cache import results_in


@pytest.fixture
def store(done: tuple[Path, Results], tmp_path: Path) -> Path:
    """A copy of the store after the small run, with one result of nothing that is named."""
    shutil.copytree(done[0], tmp_path / "store")
    Store(tmp_path / "store").build("toy/slow", "0" * 16, "{}", lambda folder: {}, made={})
    return tmp_path / "store"


def keys(store: Path) -> set[str]:
    return {p.name for p in results_in(store / "steps")}


def test_nothing_that_the_recipe_needs_is_listed_or_deleted(
    store: Path, world: Path, changes: tuple[str, ...]
) -> None:
    before = keys(store)
    found = xstilts.gc([RECIPE], *changes, store=store, data=world)
    assert [one.name for one in found] == [f"toy/slow@{'0' * 16}"]
    assert keys(store) == before, "it lists"
    xstilts.gc([RECIPE], *changes, store=store, data=world, delete=True)
    assert keys(store) == before - {"0" * 16}
    assert xstilts.run(RECIPE, *changes, store=store, data=world).outcome.ran == []


def test_what_one_recipe_needs_stays_whatever_another_needs(
    store: Path, world: Path, changes: tuple[str, ...], done: tuple[Path, Results]
) -> None:
    fewer = (*changes, "targets=[tatoeba]", "arms={none: []}", "leaks=allow")
    found = {one.name for one in xstilts.gc([RECIPE], *fewer, store=store, data=world)}
    trained = {f"{s.address}@{s.key}" for s in done[1].planned.models.values()}
    assert trained <= found
    kept = {c.score for c in done[1].planned.cells if (c.arm, c.target) == ("none", "tatoeba")}
    assert kept and not found & {f"{s.address}@{s.key}" for s in kept}


def test_leftovers_and_what_was_set_aside_are_listed_and_go(
    store: Path, world: Path, changes: tuple[str, ...]
) -> None:
    Store(store).set_aside("toy/slow", "0" * 16)
    (store / "work" / f"train__old-{'1' * 16}").mkdir(parents=True)
    found = xstilts.gc([RECIPE], *changes, store=store, data=world, delete=True)
    assert sorted(one.name.split("/")[0] for one in found) == ["aside", "work"]
    assert not list((store / "aside").iterdir())
    assert not (store / "work" / f"train__old-{'1' * 16}").exists()


def test_a_recipe_whose_files_are_not_here_is_refused(
    store: Path, changes: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="missing"):
        xstilts.gc([RECIPE], *changes, store=store, data=tmp_path / "nothing")


def test_a_recipe_whose_leaks_were_not_looked_for_here_is_refused(
    store: Path, world: Path, changes: tuple[str, ...]
) -> None:
    shutil.rmtree(store / "leaks")
    with pytest.raises(StoreError, match="data leaks"):
        xstilts.gc([RECIPE], *changes, store=store, data=world)


def test_nothing_is_deleted_while_another_process_is_at_work(
    store: Path, world: Path, changes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(store).share([])  # a run of this process is none of another
    other = Store(store)
    with monkeypatch.context() as patch:
        patch.setattr("os.getpid", lambda: 12345)
        other.share([])
    before = keys(store)
    with pytest.raises(StoreError, match="Process 12345 is at work"):
        xstilts.gc([RECIPE], *changes, store=store, data=world, delete=True)
    assert keys(store) == before


def test_the_command_lists_and_says_how_to_delete(
    store: Path, world: Path, changes: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    said = [word for change in changes for word in ("--set", change)]
    with pytest.raises(SystemExit) as ended:
        cli.main(["gc", RECIPE, "--store", str(store), "--data", str(world), *said])
    assert ended.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(f"bytes  toy/slow@{'0' * 16}")
    assert lines[1].startswith("1 results and leftovers") and "--yes" in lines[1]
