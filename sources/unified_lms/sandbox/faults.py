"""Faults on purpose: rules that say which request meets which fault, and a log of what was received.

Everything is counted and nothing is random, so that the same requests meet the same faults. A rule counts
the requests that it matches (method and path), and strikes at those of its hits that it names; the first
rule that strikes decides.

    faults = Faults(
        Rule(Reply(429, headers={"Retry-After": "1"}), path="/users", hits=(1, 2)),
        Rule(CutConnection(), path="/courses/id:101", hits=(1,)),
    )
    with SandboxServer(world, faults=faults) as server: ...
"""

from __future__ import annotations

import logging
import re
import traceback
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sources.unified_lms.sandbox.actions import (
    Action,
    CutConnection,
    Do,
    DropRecords,
    DuplicateRecords,
    ExpireCredentials,
    RepeatPrevious,
    Reply,
    Response,
    SlowBody,
    TearBody,
)

__all__ = [
    "Action",
    "CutConnection",
    "Do",
    "DropRecords",
    "DuplicateRecords",
    "ExpireCredentials",
    "FaultMiddleware",
    "Faults",
    "ReceivedRequest",
    "RepeatPrevious",
    "Reply",
    "RequestLog",
    "Rule",
    "SlowBody",
    "TearBody",
    "credentials_expired",
]

_EXPIRED = "sandbox.credentials_expired"


@dataclass(frozen=True)
class Rule:
    """When `action` strikes.

    At the hits named in `hits`; without any, at every `every`-th hit beyond the first `after`. Hits are
    counted from 1, for this rule alone. `path` is part of the decoded path with its query, `pattern` a
    regular expression searched in it and `body` one searched in the body; what is not given does not limit.
    """

    action: Action
    path: str = ""
    pattern: str | None = None
    body: str | None = None
    method: str | None = None
    hits: tuple[int, ...] = ()
    every: int = 1
    after: int = 0

    def matches(self, method: str, target: str, body: str = "") -> bool:
        """Whether the rule is about such a request."""
        if self.method is not None and self.method != method:
            return False
        return self.path in target and _found(self.pattern, target) and _found(self.body, body)

    def strikes(self, hit: int) -> bool:
        """Whether the rule strikes at its n-th hit."""
        if self.hits:
            return hit in self.hits
        return hit > self.after and (hit - self.after) % self.every == 0


def _found(pattern: str | None, text: str) -> bool:
    return pattern is None or re.search(pattern, text) is not None


@dataclass(frozen=True)
class ReceivedRequest:
    """What came in, nothing cut, and what went out. Header names are in lower case."""

    method: str
    path: str
    """Decoded."""
    raw_path: str
    """As it came, percent-encoded."""
    query: str
    headers: Mapping[str, str]
    body: bytes
    fault: str | None
    """The name of the action that struck."""
    status: int


class RequestLog:
    """The latest requests, oldest first, and how many there were in all. For any thread."""

    def __init__(self, size: int = 10_000) -> None:
        """Starts with nothing received."""
        self._kept: deque[ReceivedRequest] = deque(maxlen=size)
        self._lock = Lock()
        self.total = 0
        """All requests ever received, also those no longer kept."""

    def add(self, request: ReceivedRequest) -> None:
        """Keeps a request, at the cost of the oldest when the log is full."""
        with self._lock:
            self.total += 1
            self._kept.append(request)

    def __iter__(self) -> Iterator[ReceivedRequest]:
        """The kept requests, oldest first."""
        with self._lock:
            return iter(list(self._kept))

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def matching(self, path: str, method: str | None = None) -> list[ReceivedRequest]:
        """The kept requests whose path contains `path`."""
        return [one for one in self if path in one.path and method in (None, one.method)]

    def clear(self) -> None:
        """Forgets everything, the total as well."""
        with self._lock:
            self._kept.clear()
            self.total = 0


@dataclass
class _Counted:
    rule: Rule
    hits: int = 0
    previous: Response | None = None


@dataclass(frozen=True)
class _Target:
    method: str
    path: str
    query: str
    body: str

    @property
    def text(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path


class Faults:
    """The rules in force, and the log. Rules may be added and cleared while the server runs."""

    def __init__(self, *rules: Rule, log_size: int = 10_000) -> None:
        """Starts with nothing received."""
        self.log = RequestLog(log_size)
        self.expired = False
        """Whether every request is answered as one with bad credentials."""
        self._lock = Lock()
        self._counted = [_Counted(rule) for rule in rules]

    def add(self, *rules: Rule) -> None:
        """Puts further rules behind those there are; their hits are counted from now on."""
        with self._lock:
            self._counted += [_Counted(rule) for rule in rules]

    def clear(self) -> None:
        """Takes all rules away and makes the credentials good again; the log stays."""
        with self._lock:
            self._counted = []
            self.expired = False

    def find(self, target: _Target) -> tuple[_Counted | None, list[_Counted]]:
        """Counts the request with every rule that matches; the one that strikes first, and all that match."""
        with self._lock:
            matching = [
                one for one in self._counted if one.rule.matches(target.method, target.text, target.body)
            ]
            for one in matching:
                one.hits += 1
            return next((one for one in matching if one.rule.strikes(one.hits)), None), matching


def credentials_expired(scope: Mapping[str, object]) -> bool:
    """For dialects: whether this request must be refused in the provider's own way for bad credentials."""
    return scope.get(_EXPIRED) is True


@dataclass
class _Capture:
    """Collects what the app sends instead of sending it."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.chunks.append(message.get("body", b""))

    def response(self) -> Response:
        return Response(self.status, tuple(self.headers), b"".join(self.chunks))


class FaultMiddleware:
    """Logs every request, lets the app answer, and gives the answer or the fault that a rule asks for."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        """Starts with nothing received."""
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI request; anything but http is left alone."""
        if scope["type"] != "http":
            return
        body = await _read(receive)
        query = scope["query_string"].decode("latin-1")
        target = _Target(scope["method"], scope["path"], query, body.decode("latin-1"))
        struck, matching = self._faults.find(target)
        action = struck.rule.action if struck else None
        answer = await self._respond(scope, body, action)
        if struck and isinstance(action, RepeatPrevious):
            answer = struck.previous or answer
        for one in matching:
            one.previous = answer
        self._log(scope, target, body, action, answer.status)
        await (action.deliver(answer, send) if action else answer.deliver(send))

    async def _respond(self, scope: Scope, body: bytes, action: Action | None) -> Response:
        """What the action says instead of the app, or the app's answer as the action changes it."""
        if isinstance(action, ExpireCredentials):
            self._faults.expired = True
        if isinstance(action, Do):
            action.function()
        if isinstance(action, Reply):
            return action.response()
        capture = _Capture()
        try:
            await self._app({**scope, _EXPIRED: self._faults.expired}, _receiver(body), capture.send)
            return action.change(capture.response()) if action else capture.response()
        except Exception:
            # The server's own log is off, and a mistake in the sandbox must not look like a fault on purpose.
            logging.getLogger(__name__).exception("the sandbox failed at %s", scope["path"])
            return Reply(500, f"the sandbox failed:\n{traceback.format_exc()}").response()

    def _log(self, scope: Scope, target: _Target, body: bytes, action: Action | None, status: int) -> None:
        self._faults.log.add(
            ReceivedRequest(
                method=target.method,
                path=target.path,
                raw_path=(scope.get("raw_path") or b"").decode("latin-1"),
                query=target.query,
                headers={
                    name.decode("latin-1").lower(): value.decode("latin-1")
                    for name, value in scope["headers"]
                },
                body=body,
                fault=type(action).__name__ if action else None,
                status=status,
            )
        )


async def _read(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


def _receiver(body: bytes) -> Receive:
    """A `receive` that gives the body read before."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
