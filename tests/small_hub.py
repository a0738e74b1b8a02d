"""A hub of one repository on this machine: what huggingface_hub asks for, and nothing more."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@contextmanager
def small_hub(folder: Path, repo: str, revision: str) -> Iterator[tuple[str, list[str]]]:
    """Serve ``folder`` as ``repo`` at ``revision``; yields the endpoint and the requested paths."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, *, with_body: bool) -> None:
            path = self.path.split("?")[0]
            asked.append(path)
            body = _body(folder, path, repo, revision)
            self.send_response(404 if body is None else 200)
            body = body or b""
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Repo-Commit", revision)
            self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def log_message(self, *parts: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _body(folder: Path, path: str, repo: str, revision: str) -> bytes | None:
    files = sorted(p.name for p in folder.iterdir() if p.is_file())
    if path.startswith(f"/api/models/{repo}/revision/{revision}"):
        siblings = [{"rfilename": name} for name in files]
        return json.dumps({"id": repo, "sha": revision, "siblings": siblings}).encode()
    if path.startswith(f"/api/models/{repo}/tree/{revision}"):
        sizes = [(n, (folder / n).stat().st_size) for n in files]
        tree = [{"type": "file", "path": n, "size": s, "oid": "0" * 40} for n, s in sizes]
        return json.dumps(tree).encode()
    name = path.removeprefix(f"/{repo}/resolve/{revision}/")
    return (folder / name).read_bytes() if name in files else None
