"""The sandbox over real HTTP: an app of world, dialect and faults, and a server for it in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping
from threading import Event, Thread
from types import TracebackType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from sources.unified_lms.sandbox.dialects import make_dialect
from sources.unified_lms.sandbox.faults import FaultMiddleware, Faults, RequestLog
from sources.unified_lms.sandbox.world import World

START_TIMEOUT = 10.0
"""Seconds that the server may take to come up or to stop."""

GRACE = 1.0
"""Seconds that answers under way have to end when the server stops."""


def create_app(
    world: World, dialect: str = "talentlms", faults: Faults | None = None, **options: Any
) -> ASGIApp:
    """The ASGI app of a dialect over the world, with fault injection; `options` are the dialect's own."""
    return FaultMiddleware(make_dialect(world, dialect, **options).app, faults or Faults())


class _Server(uvicorn.Server):
    """Uvicorn that says when it listens, and ends as soon as it is told to, where its own loops wait."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = Event()
        self.ended = Event()
        self._end: Callable[[], object] = lambda: None

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            super().run(sockets)
        finally:
            self.ended.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._told_to_end = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._end = lambda: loop.call_soon_threadsafe(self._told_to_end.set)
        self.listening.set()

    def end(self) -> None:
        """Ends the server; for any thread."""
        self.should_exit = True
        self._end()

    async def main_loop(self) -> None:
        seconds = 0
        while not await self.on_tick(seconds * 10):
            seconds += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told_to_end.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for _ in range(int(GRACE / 0.002)):
            if not self.server_state.connections:
                break
            await asyncio.sleep(0.002)
        for task in self.server_state.tasks:
            task.cancel()


class SandboxServer:
    """Serves a world on the loopback interface, on a free port unless one is named, while its block is open.

    `options` are the dialect's own (for TalentLMS those of `TalentLmsOptions`). Changes of the world show
    at once.
    """

    def __init__(
        self,
        world: World | None = None,
        dialect: str = "talentlms",
        faults: Faults | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        log_level: str | None = None,
        **options: Any,
    ) -> None:
        """Makes the dialect; nothing runs yet."""
        self.world = world or World()
        self.provider = dialect
        self.faults = faults or Faults()
        self._dialect = make_dialect(self.world, dialect, **options)
        self._address = (host, port)
        self._log_level = log_level
        self._running: tuple[_Server, Thread, socket.socket] | None = None

    @property
    def base_url(self) -> str:
        """Scheme, host and port: a connection's `base_url`, without the API's path.

        RuntimeError unless running.
        """
        if self._running is None:
            raise RuntimeError("the sandbox server is not running; enter its `with` block or call start()")
        host, port = self._running[2].getsockname()[:2]
        return f"http://{host}:{port}"

    @property
    def credentials(self) -> dict[str, str]:
        """What a connection needs, under the keys of the provider's manifest."""
        return dict(self._dialect.credentials)

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that a connection to this sandbox should have."""
        return dict(self._dialect.settings)

    @property
    def connection(self) -> Mapping[str, Any]:
        """A whole connection as configuration has it: provider, base_url, credentials, settings."""
        return {
            "provider": self.provider,
            "base_url": self.base_url,
            "credentials": self.credentials,
            "settings": self.settings,
        }

    @property
    def requests(self) -> RequestLog:
        """What was received."""
        return self.faults.log

    def start(self) -> SandboxServer:
        """Starts to serve and returns when requests are answered;

        RuntimeError if that does not come about.
        """
        listener = socket.create_server(self._address)
        # Accepted sockets inherit it. asyncio sets it only where the protocol is named, and without it every
        # answer waits 40 ms for an acknowledgement between its head and its body.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = _Server(self._config())
        thread = Thread(target=server.run, args=([listener],), name=f"sandbox-{self.provider}", daemon=True)
        thread.start()
        self._running = (server, thread, listener)
        if not server.listening.wait(START_TIMEOUT):
            self.stop()
            raise RuntimeError(f"the sandbox server did not start within {START_TIMEOUT:g} seconds")
        return self

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            FaultMiddleware(self._dialect.app, self.faults),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=uvicorn.config.LOGGING_CONFIG if self._log_level else None,
            # Off altogether: cut connections are faults on purpose, and paths name people.
            log_level=self._log_level or 100,
            access_log=self._log_level is not None,
        )

    def wait(self) -> None:
        """Blocks until the server ends or the thread is interrupted: for `lms sandbox`."""
        # Not by joining the thread: Python before 3.13 takes a thread for ended once a join of it is interrupted, and
        # `stop` would close the socket under a loop that still runs.
        if self._running:
            while not self._running[0].ended.wait(0.5):
                pass

    def stop(self) -> None:
        """Stops serving; an answer that takes longer than a second is cut. Without effect unless running."""
        if self._running is None:
            return
        server, thread, listener = self._running
        server.end()
        thread.join(START_TIMEOUT)
        listener.close()
        self._running = None

    def __enter__(self) -> SandboxServer:
        """Starts to serve."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops serving."""
        self.stop()
