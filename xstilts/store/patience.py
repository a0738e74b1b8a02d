"""How long the hub is waited for.

The hub's client may wait for ever: for a server that says nothing, and as long as one asks it to.
Here each request has a time of silence after which it is given up (``HF_HUB_DOWNLOAD_TIMEOUT``), a
few tries, and waits between them of at most a minute.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

WAITS = (1.0, 2.0, 4.0, 8.0)  # seconds before the second try and on, unless the server says so
LONGEST = 60.0  # seconds; a server that asks for more is not waited for
_AGAIN = (408, 429, 500, 502, 503, 504)
_CLOCKS = ("connect", "read", "write", "pool")
_RESET = re.compile(r"\bt=(\d+)")  # seconds, in the hub's RateLimit header


class NoAnswerError(Exception):
    """The server did not answer, or only with errors that may pass, in all tries.

    It is of no kind that the client handles, so that nobody tries again after us.
    """

    def __init__(self, why: str) -> None:
        """Keep the reason, in our own words."""
        self.why = why
        super().__init__(why)


@contextmanager
def bounded() -> Iterator[None]:
    """Give the hub's client these bounds for a while; one thread at a time."""
    from huggingface_hub import get_session

    client = get_session()
    client.send = _patient(client.send)  # type: ignore[method-assign]
    try:
        yield
    finally:
        del client.send


def _patient(send: "Callable[..., httpx.Response]") -> "Callable[..., httpx.Response]":
    """``send`` of a client with several tries; the body of an answer is read by others."""
    import httpx
    from huggingface_hub import constants

    passing = (
        httpx.NetworkError,
        httpx.TimeoutException,
        httpx.RemoteProtocolError,
        httpx.ProxyError,
    )

    def again(request: "httpx.Request", **options: Any) -> "httpx.Response":
        said = request.extensions.get("timeout") or {}
        silence = constants.HF_HUB_DOWNLOAD_TIMEOUT
        request.extensions["timeout"] = {name: said.get(name) or silence for name in _CLOCKS}
        for wait in (*WAITS, None):
            asked = None
            try:
                response = send(request, **options)
            except passing as error:
                slow = isinstance(error, httpx.TimeoutException)
                why = "the hub says nothing" if slow else "the hub cannot be reached"
            else:
                if response.status_code not in _AGAIN:
                    return response
                response.close()
                asked = asked_wait(response.headers)
                why = f"the hub answered HTTP {response.status_code}"
            if asked is not None and asked > LONGEST:
                raise NoAnswerError(f"{why} and asks to wait {asked:.0f} seconds")
            if wait is None:
                raise NoAnswerError(f"{why}, in {len(WAITS) + 1} tries")
            time.sleep(wait if asked is None else asked)
        raise AssertionError("the last try has no wait after it")

    return again


def asked_wait(headers: "httpx.Headers") -> float | None:
    """Seconds that ``Retry-After`` or ``RateLimit`` asks to wait; None where neither does."""
    said = headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        return float(said)
    try:
        return max((parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds(), 0.0)
    except (TypeError, ValueError):
        found = _RESET.search(headers.get("RateLimit", ""))
        return float(found[1]) if found else None
