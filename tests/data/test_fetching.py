"""Official files from the hub: with a commit and a checksum, or told why not."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import constants
from small_hub import Fault, small_hub

import xstilts
from xstilts.core.errors import DataError, HubError
from xstilts.tasks import get_task, registry, task_names
from xstilts.tasks.registry import declare

REVISION = "0123456789abcdef0123456789abcdef01234567"
SECRET = "hf_thisIsNobodysToken"
ROWS = {"en": "Fine.\tgood\nAwful.\tbad\n", "sw": "Nzuri.\tgood\nMbaya.\tbad\n"}
DECLARED = """
name: reviews
kind: pair
labels: [bad, good]
languages: [en, sw]
files: {{format: csv, folders: [reviews], names: {{test: "{{code}}.csv"}},
        columns: {{first: text, label: is}}}}
hub:
  repo: our/reviews
  revision: {revision}
  files:
    reviews/en.csv: {{path: data/en-test.csv, sha256: {en}}}
    reviews/sw.csv: {{path: data/sw-test.csv, sha256: {sw}}}
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "data").mkdir(parents=True)
    for language, rows in ROWS.items():
        text = "text,is\n" + rows.replace("\t", ",")
        (folder / "data" / f"{language}-test.csv").write_text(text)
    return folder


@pytest.fixture
def task(tmp_path: Path, repository: Path) -> str:
    files = {x: (repository / "data" / f"{x}-test.csv").read_bytes() for x in ROWS}
    digests = {x: hashlib.sha256(body).hexdigest() for x, body in files.items()}
    file = tmp_path / "reviews.yaml"
    file.write_text(DECLARED.format(revision=REVISION, **digests))
    return str(file)


@pytest.fixture(autouse=True)
def no_task_of_ones_own_stays_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_own", {})


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)

    def point(endpoint: str) -> None:
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        url = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url)

    return point


def test_files_come_where_the_readers_look_and_are_fetched_once(
    repository: Path, task: str, tmp_path: Path, at: Callable[[str], None]
) -> None:
    data = tmp_path / "data"
    with small_hub(repository, "our/reviews", REVISION, kind="datasets") as (endpoint, asked):
        at(endpoint)
        found = xstilts.fetch_data([task], data=data)
        assert [(f.state, f.path) for f in found] == [
            ("fetched", data / "reviews" / "en.csv"),
            ("fetched", data / "reviews" / "sw.csv"),
        ]
        asked.clear()
        assert {f.state for f in xstilts.fetch_data([task], data=data)} == {"ok"}
        assert asked == []
    checked = xstilts.check_data([task], data=data)
    assert [(s.language, s.state, s.examples) for s in checked] == [
        ("en", "ok", 2),
        ("sw", "ok", 2),
    ]
    assert sorted(p.name for p in (data / "reviews").iterdir()) == ["en.csv", "sw.csv"]


def test_bytes_with_another_checksum_do_not_come_into_the_folder(
    repository: Path, task: str, tmp_path: Path, at: Callable[[str], None]
) -> None:
    data = tmp_path / "data"
    swapped = (repository / "data" / "sw-test.csv").read_bytes().replace(b"good", b"evil")
    fault = Fault("sw-test.csv", body=swapped, methods=("GET",))
    with small_hub(repository, "our/reviews", REVISION, fault, kind="datasets") as (endpoint, _):
        at(endpoint)
        with pytest.raises(HubError, match=r"sw-test\.csv do not match their checksum") as caught:
            xstilts.fetch_data([task], data=data)
        assert "task reviews, hub" in caught.value.where
        assert [p.name for p in (data / "reviews").iterdir()] == ["en.csv"]
        fault.times = 0
        states = [f.state for f in xstilts.fetch_data([task], data=data)]
    assert states == ["ok", "fetched"]


def test_a_file_of_ones_own_is_never_written_over(
    repository: Path, task: str, tmp_path: Path, at: Callable[[str], None]
) -> None:
    mine = tmp_path / "data" / "reviews" / "en.csv"
    mine.parent.mkdir(parents=True)
    mine.write_text("text,is\nMine.,good\n")
    with pytest.raises(DataError, match=r"en\.csv is there already") as caught:
        xstilts.fetch_data([task], data=tmp_path / "data")
    assert caught.value.where == str(mine) and mine.read_text().count("Mine") == 1


def test_a_place_that_is_no_folder_is_told_and_nothing_half_written_stays(
    repository: Path, task: str, tmp_path: Path, at: Callable[[str], None]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "reviews").write_text("a file")
    with small_hub(repository, "our/reviews", REVISION, kind="datasets") as (endpoint, _):
        at(endpoint)
        with pytest.raises(DataError, match=r"en\.csv cannot be kept"):
            xstilts.fetch_data([task], data=tmp_path / "data")
    assert [p.name for p in (tmp_path / "data").iterdir()] == ["reviews"]


def test_what_nobody_pinned_is_not_fetchable_and_the_reason_is_told(tmp_path: Path) -> None:
    shipped = [name for name in task_names() if not get_task(name).beside]
    found = {state.task: state for state in xstilts.fetch_data(shipped, data=tmp_path)}
    whole = {name for name in shipped if not get_task(name).parts}
    assert whole <= set(found)
    pinned = {name for name in whole if (hub := get_task(name).hub) and hub.files}
    assert {t for t, state in found.items() if state.state == "not fetchable"} == whole - pinned
    assert found["ccg"].detail == "no copy on the hub is known"
    assert found["xnli"].detail.startswith("no commit of facebook/xnli is known")
    assert found["tatoeba"].detail.startswith("no checksum of a release file in mteb/tatoeba")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("reviews/en.csv:", "reviews/fi.csv:", "no file that is read"),
        ("reviews/en.csv:", "../en.csv:", "no file that is read"),
        (f"revision: {REVISION}", "revision: null", "no commit"),
        (f"revision: {REVISION}", "revision: main", "no commit"),
        ("data/en-test.csv", "/etc/passwd", "path cannot be"),
        ("repo: our/reviews", f"repo: {SECRET}", "No repository"),
        ("sha256: ", "sha256: 0", "sha256 cannot be"),
    ],
)
def test_a_declaration_that_cannot_be_fetched_safely_is_refused(
    task: str, old: str, new: str, said: str
) -> None:
    file = Path(task)
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(DataError, match=said) as caught:
        declare(file)
    assert "hub" in caught.value.where and SECRET not in str(caught.value)


def test_the_command_fetches_tells_and_goes_on(repository: Path, task: str, tmp_path: Path) -> None:
    def command(endpoint: str, *names: str) -> subprocess.CompletedProcess[str]:
        own = {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "0"}
        own |= {"HF_TOKEN": SECRET, "HF_HUB_DISABLE_XET": "1"}
        return subprocess.run(
            [sys.executable, "-m", "xstilts", "data", "fetch", *names],
            env={k: v for k, v in os.environ.items() if not k.startswith("XSTILTS_")} | own,
            capture_output=True,
            text=True,
            check=False,
        )

    to = ("--data", str(tmp_path / "data"))
    echo = {"X-Error-Message": "{authorization}", "X-HF-Warning": "a; {authorization}"}
    fault = Fault("sw-test.csv", status=403, headers=echo, body=b"{authorization}")
    with small_hub(repository, "our/reviews", REVISION, fault, kind="datasets") as (endpoint, _):
        refused = command(endpoint, task, *to)
        assert refused.returncode == 2
        assert "our/reviews could not be fetched: the hub refuses your token" in refused.stderr
        fault.times = 0
        fetched = command(endpoint, task, *to)
        assert fetched.returncode == 0, fetched.stderr
        assert [line.split()[0] for line in fetched.stdout.splitlines()] == ["ok", "fetched"]
        some = command(endpoint, task, "xnli", *to)
        assert some.returncode == 2
        assert "not fetchable xnli  no commit of facebook/xnli" in some.stdout
        assert "Not all of it can be fetched: xnli" in some.stderr
        nowhere = command(endpoint, task)
        assert nowhere.returncode == 2 and "No data folder is named" in nowhere.stderr
    for failed in (refused, some, nowhere):
        assert all(word in failed.stderr for word in ("where:", "expected:", "do:"))
        assert "Traceback" not in failed.stderr
    every = [refused, fetched, some, nowhere]
    assert not [done for done in every if SECRET in done.stdout + done.stderr]
    kept = [p for p in tmp_path.rglob("*") if p.is_file() and p.suffix != ".yaml"]
    assert kept and not [p for p in kept if SECRET in p.read_text("latin-1")]
