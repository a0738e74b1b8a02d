"""The real client of the hub against a server that misbehaves: told, bounded, and gone on from."""

import hashlib
import logging
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from socket import create_server

import httpx
import pytest
from huggingface_hub import constants
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id
from pydantic import TypeAdapter, ValidationError
from small_hub import Fault, git_blob, small_hub

from xstilts.core.errors import HubError
from xstilts.core.hub_names import Commit, HubName
from xstilts.models import hub as models
from xstilts.store import hub, patience

REVISION = "0123456789abcdef0123456789abcdef01234567"
OTHER = "89abcdef0123456789abcdef0123456789abcdef"
SECRET = "hf_thisIsNobodysToken"
SIGNED = "X-Amz-Signature=thisIsASignature"
WEIGHTS = "model.safetensors"
REPOSITORY = hub.Repository("our/encoder", REVISION, "encoder.hub", "name a folder")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "none"}')
    (folder / "tokenizer.json").write_text("{}")
    (folder / WEIGHTS).write_bytes(b"weights" * 1000)
    return folder


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that were waited between tries, which are not waited here."""
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", SECRET)
    return folder


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Say after how many seconds without a word a request is given up."""

    def given_up_after(seconds: float) -> None:
        monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", seconds)
        monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", seconds)

    return given_up_after


@pytest.fixture
def at(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Point the client at a hub."""

    def point(endpoint: str) -> None:
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        url = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url)

    return point


@pytest.fixture
def everything(at: Callable[[str], None]) -> Callable[[str], dict[str, Path]]:
    """Fetch all files from a hub, in the order of its list."""

    def fetch(endpoint: str) -> dict[str, Path]:
        at(endpoint)
        return {f.path: hub.fetched(REPOSITORY, f) for f in hub.listed(REPOSITORY)}

    return fetch


ECHO = {"X-Error-Message": "you sent {authorization}", "X-HF-Warning": "a; {authorization}"}
LASTING = {
    "no such file": (
        Fault(WEIGHTS, status=404, headers={"X-Error-Code": "EntryNotFound"}),
        "it has no model.safetensors",
    ),
    "nothing there": (Fault(WEIGHTS, status=404), "(HTTP 404)"),
    "a refused token": (
        Fault(
            WEIGHTS,
            status=401,
            headers=ECHO | {"X-Error-Message": "Invalid credentials in Authorization header"},
        ),
        "(HTTP 401)",
    ),
    "a private repository": (
        Fault("", status=401, headers=ECHO | {"X-Error-Code": "RepoNotFound"}),
        "shows no such repository",
    ),
    "a gated one": (Fault(WEIGHTS, status=403, headers={"X-Error-Code": "GatedRepo"}), "let in"),
    "a forbidden file": (
        Fault(WEIGHTS, status=403, headers=ECHO, body=b"{authorization}"),
        "(HTTP 403)",
    ),
    "too many requests": (
        Fault(WEIGHTS, status=429, headers=ECHO | {"Retry-After": "3"}),
        "HTTP 429, in 5 tries",
    ),
    "an hour's wait": (
        Fault(WEIGHTS, status=429, headers={"Retry-After": "3600"}),
        "asks to wait 3600 seconds",
    ),
    "a limit's reset": (
        Fault(WEIGHTS, status=429, headers={"RateLimit": '"api";r=0;t=299'}),
        "asks to wait 299 seconds",
    ),
    "a broken hub": (
        Fault("", status=500, headers=ECHO, body=b'{"error": "{authorization}"}'),
        "HTTP 500, in 5 tries",
    ),
    "a file that breaks": (Fault(WEIGHTS, status=500, methods=("GET",)), "HTTP 500, in 5 tries"),
    "an odd answer": (Fault(WEIGHTS, status=418, headers=ECHO), "HTTP 418"),
    "a silent hub": (Fault("", silent=5), "says nothing, in 5 tries"),
    "a silent file": (Fault(WEIGHTS, silent=5, methods=("GET",)), "says nothing, in 5 tries"),
    "a torn file": (
        Fault(WEIGHTS, cut=100, methods=("GET",)),
        "broke off in the middle of model.safetensors",
    ),
    "a reset": (
        Fault(WEIGHTS, cut=100, reset=True, methods=("GET",)),
        "broke off in the middle of model.safetensors",
    ),
    "swapped bytes": (
        Fault(WEIGHTS, body=b"wEights" * 1000, methods=("GET",)),
        "do not match their checksum",
    ),
    "a short file": (Fault(WEIGHTS, body=b"weights" * 999, methods=("GET",)), "client failed"),
    "a torn list": (Fault(REVISION, body=b'[{"type": "fi'), "client failed with JSONDecodeError"),
    "another commit": (Fault(WEIGHTS, headers={"X-Repo-Commit": OTHER}), "of another commit"),
    "a signed address": (
        Fault(
            WEIGHTS,
            status=302,
            headers={
                "Location": f"http://localhost:1/x?{SIGNED}",
                "X-Linked-Etag": "0" * 64,
                "X-Linked-Size": "7000",
                "X-Repo-Commit": REVISION,
            },
        ),
        "cannot be reached, in 5 tries",
    ),
}


@pytest.mark.parametrize("name", LASTING)
def test_a_lasting_fault_is_told_in_four_parts_and_the_next_attempt_goes_on(
    name: str,
    repository: Path,
    cache: Path,
    everything: Callable[[str], dict[str, Path]],
    silence: Callable[[float], None],
    waits: list[float],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    fault, said = LASTING[name]
    silence(0.3 if fault.silent else 10)
    with small_hub(repository, "our/encoder", REVISION, fault) as (endpoint, asked):
        with pytest.raises(HubError) as caught:
            everything(endpoint)
        error = caught.value
        assert said in error.what and error.what.startswith("our/encoder could not be fetched: ")
        assert REVISION in error.where and error.where.startswith("encoder.hub: ")
        assert error.expected and error.do.endswith("; or name a folder")
        assert sum(waits) <= 5 * patience.LONGEST and len(asked) < 40
        assert (
            error.__suppress_context__ or not error.__context__
        )  # no traceback shows what the client says
        told = str(error) + "".join(capfd.readouterr()) + caplog.text
        assert SECRET not in told and SIGNED not in told
        assert _half_written(cache) == []
        fault.times = 0
        silence(10)
        before = len(asked)
        found = everything(endpoint)
        again = [path for path in asked[before:] if path.endswith("config.json")]
    assert {p: f.read_bytes() for p, f in found.items()} == {
        f.name: f.read_bytes() for f in repository.iterdir()
    }
    assert not again or fault.path in ("", REVISION)
    assert not [f for f in cache.rglob("*") if f.is_file() and SECRET in f.read_text("latin-1")]


def _half_written(cache: Path) -> list[Path]:
    """Files of the cache that are not what their name says."""
    blobs = [p for p in cache.rglob("blobs/*") if p.is_file()]
    return [
        p
        for p in blobs
        if p.name not in (git_blob(p.read_bytes()), hashlib.sha256(p.read_bytes()).hexdigest())
    ]


PASSING = {
    "too many requests": (Fault("", times=2, status=429, headers={"Retry-After": "7"}), [7, 7]),
    "a date to wait for": (
        Fault("", times=1, status=503, headers={"Retry-After": "Thu, 01 Jan 2026 00:00:00 GMT"}),
        [0],
    ),
    "a broken hub": (Fault("", times=4, status=502), [1, 2, 4, 8]),
    "silence": (Fault(WEIGHTS, times=1, silent=5), [1]),
    "a torn file": (Fault(WEIGHTS, times=1, cut=100, methods=("GET",)), [1]),
    "a reset": (Fault(WEIGHTS, times=1, cut=100, reset=True, methods=("GET",)), [1]),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_passing_fault_costs_a_bounded_wait(
    name: str,
    repository: Path,
    everything: Callable[[str], dict[str, Path]],
    silence: Callable[[float], None],
    waits: list[float],
) -> None:
    fault, expected = PASSING[name]
    silence(1.5 if fault.silent else 10)
    with small_hub(repository, "our/encoder", REVISION, fault) as (endpoint, _):
        assert set(everything(endpoint)) == {p.name for p in repository.iterdir()}
    assert waits == expected


def test_a_large_file_goes_on_where_it_broke_off(
    repository: Path, everything: Callable[[str], dict[str, Path]], waits: list[float]
) -> None:
    weights = bytes(range(256)) * 50_000  # 13 MB: the client writes 10 MiB at a time
    (repository / WEIGHTS).write_bytes(weights)
    fault = Fault(WEIGHTS, times=1, cut=12_000_000, methods=("GET",))
    with small_hub(repository, "our/encoder", REVISION, fault) as (endpoint, asked):
        assert everything(endpoint)[WEIGHTS].read_bytes() == weights
    gets = [path for path in asked if path.method == "GET" and path.endswith(WEIGHTS)]
    assert [path.headers.get("range") for path in gets] == [None, f"bytes={10 * 2**20}-"]


def test_a_hub_that_nobody_runs_is_told(
    everything: Callable[[str], dict[str, Path]], waits: list[float]
) -> None:
    with closing(create_server(("127.0.0.1", 0))) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(HubError, match=r"cannot be reached, in 5 tries") as caught:
        everything(nobody)
    assert caught.value.where.endswith("on 127.0.0.1")
    assert waits == list(patience.WAITS)


def test_a_cache_that_cannot_be_written_is_told(
    repository: Path, everything: Callable[[str], dict[str, Path]], cache: Path
) -> None:
    cache.write_text("a file")
    with small_hub(repository, "our/encoder", REVISION) as (endpoint, _):
        with pytest.raises(HubError, match="in the hub's cache") as caught:
            everything(endpoint)
    assert "HF_HOME" in caught.value.do


def test_other_hosts_are_sent_no_token(
    repository: Path, everything: Callable[[str], dict[str, Path]], waits: list[float]
) -> None:
    weights = (repository / WEIGHTS).read_bytes()
    digest = hashlib.sha256(weights).hexdigest()
    with small_hub(repository, "our/encoder", REVISION) as (elsewhere, there):
        place = elsewhere.replace("127.0.0.1", "localhost")
        linked = {"X-Linked-Etag": digest, "X-Linked-Size": str(len(weights))}
        location = {"Location": f"{place}/our/encoder/resolve/{REVISION}/{WEIGHTS}?{SIGNED}"}
        headers = linked | location | {"X-Repo-Commit": REVISION}
        fault = Fault(WEIGHTS, status=302, headers=headers)
        with small_hub(repository, "our/encoder", REVISION, fault) as (endpoint, here):
            assert everything(endpoint)[WEIGHTS].read_bytes() == weights
    assert all(path.headers["authorization"] == f"Bearer {SECRET}" for path in here)
    assert there and all("authorization" not in path.headers for path in there)


def test_offline_nothing_is_asked_and_what_is_there_is_found(
    repository: Path,
    everything: Callable[[str], dict[str, Path]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with small_hub(repository, "our/encoder", REVISION) as (endpoint, asked):
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        with pytest.raises(HubError, match="HF_HUB_OFFLINE forbids") as caught:
            everything(endpoint)
        assert caught.value.do.startswith("unset HF_HUB_OFFLINE")
        assert asked == [] and models.cached("our/encoder", REVISION) is None
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        everything(endpoint)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    folder = models.cached("our/encoder", REVISION)
    assert folder is not None and (folder / WEIGHTS).is_file()
    assert models.cached("our/encoder", OTHER) is None


def test_an_encoder_is_there_only_when_its_weights_are_which_come_last(
    repository: Path, at: Callable[[str], None], waits: list[float]
) -> None:
    (repository / "pytorch_model.bin").write_bytes(b"a pickle")
    (repository / "onnx").mkdir()
    (repository / "onnx" / "config.json").write_text("{}")
    (repository / "vocab.txt").write_text("a\n")
    fault = Fault("vocab.txt", status=500)
    with small_hub(repository, "our/encoder", REVISION, fault) as (endpoint, asked):
        at(endpoint)
        with pytest.raises(HubError):
            models.fetch("our/encoder", REVISION)
        assert models.cached("our/encoder", REVISION) is None
        fault.times = 0
        folder = models.fetch("our/encoder", REVISION)
    assert models.cached("our/encoder", REVISION) == folder
    assert not [path for path in asked if path.endswith(("pytorch_model.bin", "onnx/config.json"))]


def test_the_client_is_as_before_when_the_hub_has_answered(
    repository: Path, everything: Callable[[str], dict[str, Path]], waits: list[float]
) -> None:
    from huggingface_hub import get_session

    level = logging.getLogger("huggingface_hub").level
    with small_hub(repository, "our/encoder", REVISION) as (endpoint, _):
        everything(endpoint)
    assert "send" not in vars(get_session())
    assert logging.getLogger("huggingface_hub").level == level


@pytest.mark.parametrize(
    "name",
    [
        SECRET,
        f"https://user:{SECRET}@huggingface.co/our/encoder",
        f"our/{SECRET}@main",
        "our/encoder/more",
        "../../etc",
        "our/..",
        "our/a..b",
        "our/a--b",
        "our/a.git",
        "our/-a",
        "our/encoder\n",
        "öur/encoder",
        "our/" + "a" * 97,
    ],
)
def test_what_cannot_be_a_repository_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(HubName).validate_python(name)
    (error,) = caught.value.errors()
    assert SECRET not in error["msg"] and "ORG/NAME" in error["ctx"]["expected"]


@pytest.mark.parametrize("name", ["a/b", "our/encoder", "A1/x_y.z-2", "_a/b_", "a/" + "b" * 96])
def test_what_can_be_a_repository_is_one_for_the_hub_too(name: str) -> None:
    assert TypeAdapter(HubName).validate_python(name) == name
    try:
        validate_repo_id(name)
    except HFValidationError as error:
        pytest.fail(str(error))


@pytest.mark.parametrize("revision", ["main", "v1", REVISION[:-1], REVISION.upper(), SECRET, ""])
def test_only_a_whole_commit_is_a_revision(revision: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Commit).validate_python(revision)
    assert SECRET not in caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "12"}, 12),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "Thu, 01 Jan 2026 00:00:00 GMT"}, 0),
        ({"RateLimit": '"resolvers";r=0;t=42'}, 42),
    ],
)
def test_what_a_server_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert patience.asked_wait(httpx.Headers(headers)) == seconds
