"""Uvicorn around the application: sockets, sizes of heads, connections that say nothing."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

_HEAD_BYTES = 16_384
_CONNECTIONS = 4_000
"""Open connections, busy or not; one costs little, and beyond them is 503."""
_KEEP_ALIVE = 15
_HEAD_SECONDS = 10.0


class _Protocol(H11Protocol):
    """HTTP/1.1 that does not wait for ever for the head of a request."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._answering:
            self._stop_waiting()
        elif self._late is None:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._stop_waiting()

    def _wait_for_head(self) -> None:
        self._late = self.loop.call_later(_HEAD_SECONDS, self._cut)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _cut(self) -> None:
        if not self._answering:
            self.transport.abort()

    @property
    def _answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete


def listen(host: str, port: int, stall_seconds: float) -> socket.socket:
    """A listening socket. Who takes no byte of an answer for so long is cut off by the system (TCP_USER_TIMEOUT)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=2048)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(stall_seconds * 1000))
    return listener


def make_server(app: ASGIApp, *, certificate: str | None = None, key: str | None = None) -> uvicorn.Server:
    """A server of the application, which says nothing of itself."""
    secure: dict[str, Any] = {"ssl_certfile": certificate, "ssl_keyfile": key} if certificate else {}
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=_HEAD_BYTES,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=10,
        **secure,
    )
    return uvicorn.Server(config)
