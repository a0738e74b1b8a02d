"""A hub of one repository on this machine, which misbehaves as it is told."""

import hashlib
import json
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LFS = (".safetensors", ".bin")


@dataclass
class Fault:
    """What goes wrong with requests whose path ends so, and how often.

    Attributes:
        path: the end of the path; "" for every request.
        times: how often; from then on all is well.
        status: the answer in the place of the file; None where one comes.
        headers: of the answer, over the usual ones.
        body: of an answer with ``status``, or in the place of the file.
        cut: bytes that come before the connection ends.
        reset: whether it then ends with an error of the network.
        silent: seconds without a word.
        methods: of the requests.
    """

    path: str
    times: int = 10**6
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut: int | None = None
    reset: bool = False
    silent: float = 0.0
    methods: tuple[str, ...] = ("GET", "HEAD")

    def strikes(self, method: str, path: str) -> bool:
        if not self.times or method not in self.methods or not path.endswith(self.path):
            return False
        self.times -= 1
        return True


class Asked(str):
    """The path of a request; beside it the method and the headers."""

    method: str
    headers: Mapping[str, str]


@contextmanager
def small_hub(
    folder: Path, repo: str, revision: str, *faults: Fault, kind: str = "models"
) -> Iterator[tuple[str, list[Asked]]]:
    """Serve ``folder`` as ``repo`` at ``revision``; yields the endpoint and the requested paths."""
    asked: list[Asked] = []
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            path = Asked(self.path.split("?")[0])
            path.method, path.headers = (
                self.command,
                {k.lower(): v for k, v in self.headers.items()},
            )
            asked.append(path)
            fault = next((f for f in faults if f.strikes(self.command, path)), Fault(""))
            if fault.silent:
                over.wait(fault.silent)
                return
            status, headers, body = _usual(folder, path, repo, revision, kind)
            if fault.status is not None:
                status, headers, body = fault.status, {}, fault.body or b""
            elif fault.body is not None:
                body = fault.body
            start = self._start(body) if status == 200 else 0
            if start:
                status = 206
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            body = body[start:]
            self.send_response(status)
            headers = {"Content-Length": str(len(body))} | headers | dict(fault.headers)
            for name, value in headers.items():
                self.send_header(name, value.replace("{authorization}", self._secret()))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(
                    body[: fault.cut].replace(b"{authorization}", self._secret().encode())
                )
            if fault.reset:
                self.wfile.flush()
                now = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
                self.connection.close()

        def _secret(self) -> str:
            return self.headers.get("Authorization", "nothing")

        def _start(self, body: bytes) -> int:
            said = self.headers.get("Range", "")
            return int(said.removeprefix("bytes=").split("-")[0]) if said else 0

        def log_message(self, *parts: object) -> None:
            pass

        def finish(self) -> None:
            if not self.wfile.closed and self.connection.fileno() >= 0:
                super().finish()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # the client went away
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _usual(
    folder: Path, path: str, repo: str, revision: str, kind: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of what the hub gives when all is well."""
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    api, prefix = f"/api/{kind}/{repo}", "" if kind == "models" else f"/{kind}"
    if not path.startswith((f"{api}/", f"{prefix}/{repo}/resolve/")):
        return 404, {"X-Error-Code": "RepoNotFound"}, b""
    if revision not in path.split("/"):
        return 404, {"X-Error-Code": "RevisionNotFound"}, b""
    if path.startswith(f"{api}/tree/{revision}"):
        return 200, {}, json.dumps([_entry(name, files[name]) for name in sorted(files)]).encode()
    name = path.removeprefix(f"{prefix}/{repo}/resolve/{revision}/")
    if name not in files:
        return 404, {"X-Error-Code": "EntryNotFound"}, b""
    body = files[name].read_bytes()
    headers = {"X-Repo-Commit": revision, "ETag": f'"{git_blob(body)}"'}
    if name.endswith(LFS):
        headers |= {"X-Linked-Etag": f'"{hashlib.sha256(body).hexdigest()}"'}
        headers |= {"X-Linked-Size": str(len(body))}
    return 200, headers, body


def _entry(name: str, file: Path) -> dict[str, object]:
    body = file.read_bytes()
    entry = {"type": "file", "path": name, "size": len(body), "oid": git_blob(body)}
    if not name.endswith(LFS):
        return entry
    lfs = {"oid": hashlib.sha256(body).hexdigest(), "size": len(body), "pointerSize": 130}
    return entry | {"oid": "0" * 40, "lfs": lfs}


def git_blob(body: bytes) -> str:
    """Git's name of these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
