"""moto's S3 on a port of this machine, that loses connections when a test asks it to."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

SECRET = "testing-secret-that-nobody-may-see"
Asked = Callable[[str, str], bool]


class _Quiet(WSGIRequestHandler):
    def log(self, *arguments: Any) -> None:
        """Say nothing: pytest would show it."""


class MisbehavingS3:
    """Answers like S3.

    Attributes:
        requests: method and path of everything that was asked.
        refuse: of a method and path: whether the connection is lost before anything is done.
        cut: whether it is lost in the middle of the answer's body.
        url: of a place in it.
    """

    url: str

    def __init__(self) -> None:
        self._s3 = DomainDispatcherApplication(create_backend_app)
        self.reset()

    def reset(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.refuse: Asked = lambda method, path: False
        self.cut: Asked = lambda method, path: False

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        asked = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.requests.append(asked)
        if self.refuse(*asked):
            return self._lose(environ)
        answer = self._s3(environ, start_response)
        return self._half(answer, environ) if self.cut(*asked) else answer

    def _half(self, answer: Any, environ: dict[str, Any]) -> Iterator[bytes]:
        body = b"".join(answer)
        yield body[: len(body) // 2]
        yield from self._lose(environ)

    @staticmethod
    def _lose(environ: dict[str, Any]) -> list[bytes]:
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return []


@contextmanager
def serving(app: MisbehavingS3) -> Iterator[str]:
    """Serve it in a thread; gives its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
