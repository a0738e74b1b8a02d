"""One small run of the quickstart on made-up official files, shared by tests that look at it."""

from pathlib import Path

import made_up_world
import pytest

import xstilts
from xstilts.lab import encoder
from xstilts.phases.running import Results

SMALL = (
    "seeds=[0]",
    "languages=present",
    "leaks=drop",
    "training.epochs=0.5",
    "tasks.mnli={train: {from: train, sample: 1500}}",
    "tasks.squad_v1={training: {stride: 16, epochs: 0.5}}",
    "tasks.xnli={train: mnli}",
    "tasks.xquad={train: squad_v1}",
    "targets=[udpos, xquad, tatoeba]",
    "arms={none: [], squad_v1: [{train: squad_v1}]}",
    "runtime.threads=1",
    "data=null",
)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in the official formats, with an encoder in ``encoder/``."""
    folder = tmp_path_factory.mktemp("world") / "data"
    made_up_world.export(folder)
    texts = [p.read_text("utf-8") for p in sorted(folder.rglob("tatoeba.*"))]
    encoder.export(folder / "encoder", texts)
    return folder


@pytest.fixture(scope="session")
def changes(world: Path) -> tuple[str, ...]:
    """What makes the quickstart small and points it at the world's encoder."""
    return (*SMALL, f"encoder.path={world / 'encoder'}")


@pytest.fixture(scope="session")
def done(
    world: Path, changes: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Results]:
    """The store after the small run, and its results."""
    store = tmp_path_factory.mktemp("store")
    return store, xstilts.run("quickstart", *changes, store=store, data=world)
