"""Files of the Hugging Face hub at one commit, whole or not at all, in the hub's own cache.

The cache (``HF_HOME``) is shared with every other tool on the machine. What is asked of the hub
goes through its own client, with bounds on silence, tries and waiting; what comes is compared with
its checksum before anyone sees it. Messages are made of our own words and the answer's number,
never of what the server or the client says: that may hold a token or a signed address.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from xstilts.core.errors import HubError
from xstilts.store import patience
from xstilts.store.digests import sha256

_ONE = threading.Lock()  # the client is shared by the whole process


@dataclass(frozen=True)
class Repository:
    """A repository of the hub at one commit.

    Attributes:
        name: ``ORG/NAME``.
        revision: 40 hex digits.
        where: the key or declaration that names it, for messages.
        otherwise: what the user can do without the hub.
        kind: what it holds.
    """

    name: str
    revision: str
    where: str
    otherwise: str
    kind: Literal["model", "dataset"] = "model"


@dataclass(frozen=True)
class HubFile:
    """A file of a repository.

    Attributes:
        path: in the repository.
        checksum: 64 hex digits of SHA-256, or 40 of git's SHA-1 of a blob.
    """

    path: str
    checksum: str


def listed(repository: Repository) -> list[HubFile]:
    """All files at the commit with the checksums that the hub has for them.

    Raises:
        HubError: when the hub does not tell.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    with _asking(repository, "its list of files"):
        found = HfApi().list_repo_tree(
            repository.name,
            recursive=True,
            revision=repository.revision,
            repo_type=repository.kind,
        )
        return [
            HubFile(entry.path, entry.lfs.sha256 if entry.lfs else entry.blob_id)
            for entry in found
            if isinstance(entry, RepoFile)
        ]


def fetched(repository: Repository, file: HubFile) -> Path:
    """The file in the cache, fetched if it is not there, with its checksum compared.

    A broken download goes on where it broke off while the client tries; the next call keeps every
    file that came whole.

    Raises:
        HubError: when the hub does not give it, or gives other bytes or another commit.
    """
    with _asking(repository, file.path):
        path = Path(_downloaded(repository, file))
    if repository.revision not in path.parts:
        _remove(path)
        why = f"the hub gave {file.path} of another commit"
        raise _refused(repository, file.path, why, "try again, or ask who runs that hub")
    if not _matches(path, file.checksum):
        _remove(path)
        why = f"the bytes of {file.path} do not match their checksum {file.checksum}"
        raise _refused(repository, file.path, why, "try again: they are deleted, the rest is kept")
    return path


def _downloaded(repository: Repository, file: HubFile) -> str:
    import httpx
    from huggingface_hub import hf_hub_download

    waits = iter(patience.WAITS)
    while True:
        try:
            return hf_hub_download(
                repository.name,
                file.path,
                revision=repository.revision,
                repo_type=repository.kind,
            )
        except httpx.ReadError:  # the one break in a file after which the client does not go on
            wait = next(waits, None)
            if wait is None:
                raise
            time.sleep(wait)


def _matches(path: Path, checksum: str) -> bool:
    if len(checksum) == 64:
        return sha256(path) == checksum
    blob = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            blob.update(piece)
    return blob.hexdigest() == checksum


def _remove(path: Path) -> None:
    path.resolve().unlink(missing_ok=True)  # the cache keeps a link to the bytes
    path.unlink(missing_ok=True)


@contextmanager
def _asking(repository: Repository, what: str) -> Iterator[None]:
    """Ask the hub's client for something; whatever goes wrong is told in four parts."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        why = f"{what} is not here, and HF_HUB_OFFLINE forbids to ask the hub"
        raise _refused(repository, what, why, "unset HF_HUB_OFFLINE (and TRANSFORMERS_OFFLINE)")
    try:
        with _ONE, _in_silence(), patience.bounded():
            yield
    except Exception as error:  # of a library with many kinds of them
        raise _refused(repository, what, *_told(error, what)) from None


@contextmanager
def _in_silence() -> Iterator[None]:
    """Have the client log errors only: what else it logs names addresses that may be signed."""
    loggers = [logging.getLogger(name) for name in ("huggingface_hub", "httpx")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _told(error: Exception, what: str) -> tuple[str, str]:
    """Why the hub did not give something, and the remedy."""
    import httpx
    from huggingface_hub import errors

    if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    again = "try again later: what came whole is kept"
    access = "ask its owners, then: hf auth login, or HF_TOKEN=…"
    if isinstance(error, patience.NoAnswerError):
        return error.why, again
    if isinstance(error, errors.GatedRepoError | errors.DisabledRepoError):
        return "the hub gives it only to those who were let in", access
    if isinstance(error, errors.RevisionNotFoundError):
        return "it has no such commit", "mend the revision"
    if isinstance(error, errors.EntryNotFoundError):
        return f"it has no {what} at that commit", "mend the path or the revision"
    if isinstance(error, errors.RepositoryNotFoundError):
        return "the hub shows no such repository", f"mend the name; if it is private, {access}"
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        if status in (401, 403):
            return f"the hub refuses your token, or your having none (HTTP {status})", access
        if status == 404:
            return f"the hub finds no {what} (HTTP 404)", "mend the name or the revision"
        return f"the hub answered HTTP {status}", again
    if isinstance(error, httpx.TransportError):
        return f"the connection broke off in the middle of {what}", again
    if isinstance(error, OSError) and error.errno is not None:
        return f"{error.strerror}, in the hub's cache", "make room there, or name another: HF_HOME"
    return f"the hub's client failed with {type(error).__name__}", again


def _refused(repository: Repository, what: str, why: str, do: str) -> HubError:
    from huggingface_hub import constants

    host = urlsplit(constants.ENDPOINT).hostname
    return HubError(
        f"{repository.name} could not be fetched: {why}",
        where=f"{repository.where}: {what} at {repository.revision} on {host}",
        expected="the file as the commit has it, from a hub that can be reached",
        do=f"{do}; or {repository.otherwise}",
    )
