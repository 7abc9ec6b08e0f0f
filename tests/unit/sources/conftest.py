"""A provider on loopback that answers as a test says and remembers what it was asked; time that nobody waits for."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from sources.unified_lms.client import Client
from sources.unified_lms.connection import Connection, Secret
from sources.unified_lms.limits import Timing
from sources.unified_lms.manifest import Manifest, parse_manifest

CUT = object()
"""An answer that is no answer: the connection is closed."""


@dataclass
class Asked:
    """What the server received."""

    method: str
    target: str
    headers: dict[str, str]
    body: str

    @property
    def path(self) -> str:
        """The address without its query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query's parameters, decoded."""
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)


Given = tuple[int, dict[str, str], Any]
"""Status, headers, and a body: bytes as they are, anything else as JSON."""


class Provider:
    """A real HTTP server; `answer` is what each request gets."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], Any] = lambda asked: (200, {}, [])
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one piece: in two, the second waits 40 ms for an acknowledgement

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, headers, self.rfile.read(length).decode())
                provider.asked.append(asked)
                given = provider.answer(asked)
                if given is CUT:
                    self.close_connection = True
                    self.connection.close()
                    return
                status, headers, body = given
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                self.wfile.flush()

            do_GET = do_POST = do_PUT = do_DELETE = _serve

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def script(self, *given: Any) -> None:
        """Answers in turn; the last one again and again."""
        left = list(given)
        self.answer = lambda asked: left.pop(0) if len(left) > 1 else left[0]

    def close(self) -> None:
        """Stops the server."""
        self._server.shutdown()
        self._server.server_close()


@dataclass
class FakeTime:
    """Time that passes only by sleeping, and remembers every sleep."""

    now: float = 1_600_000_000.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Lets time pass."""
        self.slept.append(seconds)
        self.now += seconds

    @property
    def timing(self) -> Timing:
        """Clocks of this time; chance is always the most that it can be."""
        return Timing(wall=lambda: self.now, monotonic=lambda: self.now, sleep=self.sleep, chance=lambda: 1.0)


@pytest.fixture
def provider() -> Iterator[Provider]:
    """The provider of the connection."""
    server = Provider()
    yield server
    server.close()


@pytest.fixture
def other_origin() -> Iterator[Provider]:
    """A server that gets no credentials."""
    server = Provider()
    yield server
    server.close()


@pytest.fixture
def fake_time() -> FakeTime:
    """Time that only sleeping moves."""
    return FakeTime()


SECRET = "sk-7Q/planted+secret"
_BASE = """
provider: example
title: Example
credentials: {key: {title: Key}}
auth: [{type: header, name: X-Api-Key, value: "{credentials.key}"}]
resources: {users: {read: [{endpoint: users}]}}
"""


def manifest_of(text: str) -> Manifest:
    """A manifest of what a test needs; the rest is filled in."""
    given = "\n".join(line for line in text.splitlines())
    names = {line.split(":")[0] for line in given.splitlines() if line and not line.startswith((" ", "#"))}
    rest = [line for line in _BASE.splitlines() if line.split(":")[0] not in names]
    endpoints = "" if "endpoints" in names else "endpoints: {users: {path: /users}}"
    return parse_manifest("\n".join([given, *rest, endpoints]), "example.yaml")


@pytest.fixture
def connect(provider: Provider, fake_time: FakeTime) -> Iterator[Callable[..., Client]]:
    """Makes clients of a manifest's text for the provider, in fake time."""
    made: list[Client] = []

    def make(
        text: str, *, settings: dict[str, Any] | None = None, base_url: str | None = None, **more: Any
    ) -> Client:
        manifest = manifest_of(text)
        connection = Connection(
            "acme",
            manifest.provider,
            base_url or provider.url,
            {"key": Secret(SECRET)},
            settings or {},
        )
        client = Client(manifest, connection, timing=more.pop("timing", fake_time.timing), **more)
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()
