import os
import sys
import uuid
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny models: more threads only wait for each other

import pytest

_HERE = (None, "", "localhost", "127.0.0.1", "::1")


def _stay_here(event: str, arguments: tuple[Any, ...]) -> None:
    """Let nothing that is tested leave this machine: metrics and readers need no network."""
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host not in _HERE:
        raise RuntimeError(f"a test asks the network for {host}")


sys.addaudithook(_stay_here)


@pytest.fixture(scope="session")
def release(tmp_path_factory) -> Path:
    """A data folder in the official formats. Read only: copy it to change it."""
    from made_up_release import write_release

    return write_release(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="session")
def release_texts(release) -> list[str]:
    from made_up_release import texts

    return texts(release)


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory, release_texts):
    """Give the folder of a tiny encoder by its name in `tiny_encoders.ARCHITECTURES`."""
    from tiny_encoders import write_encoder

    made: dict[tuple[str, int], Path] = {}

    def folder(name: str = "xlmr", blocks: int = 2) -> Path:
        if (name, blocks) not in made:
            place = tmp_path_factory.mktemp(name)
            made[name, blocks] = write_encoder(place, name, release_texts, num_hidden_layers=blocks)
        return made[name, blocks]

    return folder


@pytest.fixture
def workbench(release, encoder_folder, tmp_path):
    """Make a workbench with its own store around one of the tiny encoders."""
    from workbench import Workbench

    from xstilts.store import Store

    def make(encoder: str | Path = "xlmr", store: str = "store", data: Path = release) -> Workbench:
        folder = encoder if isinstance(encoder, Path) else encoder_folder(encoder)
        return Workbench(data, folder, Store(tmp_path / store))

    return make


@pytest.fixture(scope="session")
def s3_server():
    """An S3 server for the session, and its address."""
    from misbehaving_s3 import MisbehavingS3, serving

    app = MisbehavingS3()
    with serving(app) as address:
        yield app, address


@pytest.fixture
def s3(s3_server, monkeypatch):
    """The server with an empty bucket; it behaves until the test says otherwise."""
    import s3fs
    from misbehaving_s3 import SECRET

    app, address = s3_server
    app.reset()
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    app.url = f"s3://bucket-{uuid.uuid4()}/some/prefix"
    s3fs.S3FileSystem(use_listings_cache=False).mkdir(app.url.split("/")[2])
    return app
