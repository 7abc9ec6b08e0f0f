"""The server of the unified API on loopback, as `lms serve` runs it, and callers of it."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import uvicorn

from pipelines.serve.app import create_app
from pipelines.serve.keys import Grant, KeyStore
from pipelines.serve.server import listen, make_server
from pipelines.serve.settings import ServeSettings

ALL = ("read", "create", "update", "delete", "proxy")


@dataclass
class Api:
    """A running server, and the keys that it knows."""

    url: str
    keys: KeyStore

    def key(self, operations: Sequence[str] = ("read",), **limits: Any) -> str:
        """A new key."""
        return self.keys.create(Grant("test", operations, **limits))[0]

    def caller(self, operations: Sequence[str] = ("read",), **limits: Any) -> httpx.Client:
        """A client with a new key."""
        return self.client(self.key(operations, **limits))

    def client(self, key: str | None) -> httpx.Client:
        """A client with a key, or without one."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=30)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = httpx.URL(self.url)
        return parts.host, parts.port or 80


@contextmanager
def served(folder: Path, **bounds: Any) -> Iterator[Api]:
    """The server, until the block ends."""
    settings = ServeSettings(folder, **bounds)
    server = make_server(create_app(settings))
    with listen("127.0.0.1", 0, settings.stall_seconds) as listener:
        ended = _run(server, listener)
        try:
            yield Api(f"http://127.0.0.1:{listener.getsockname()[1]}", KeyStore(folder))
        finally:
            server.should_exit = True
            ended.join()


def _run(server: uvicorn.Server, listener: socket.socket) -> Thread:
    """Runs the server on a thread; the socket listens already, so that the first caller waits for it by itself."""
    begun = Event()

    def run() -> None:
        begun.set()
        server.run([listener])

    thread = Thread(target=run, name="serve", daemon=True)
    thread.start()
    begun.wait()
    return thread


def held(asked: Event, go_on: Event) -> None:
    """Says that a request has come, and holds it until the test lets it go on."""
    asked.set()
    go_on.wait(20)
