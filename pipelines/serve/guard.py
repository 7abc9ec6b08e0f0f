"""What every request passes before a route sees it: its key, its size, its pace; and what every answer carries."""

from __future__ import annotations

import asyncio
import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.output import to_json
from pipelines.serve.errors import ApiError, refusal
from pipelines.serve.keys import Key, KeyRefused, KeyStore
from pipelines.serve.settings import ServeSettings

log = logging.getLogger(__name__)
audit = logging.getLogger("pipelines.serve.audit")

OPEN = ("/health", "/ready")
"""Paths that need no key; they tell nothing of any connection."""
_READING = ("GET", "HEAD", "OPTIONS")
_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
_SCHEME = "bearer "
_HEAD_BYTES = 16_384


class Guard:
    """An ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, keys: KeyStore, settings: ServeSettings) -> None:
        self.inner = app
        self._keys = keys
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through, or answers it."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._settings)
        try:
            self._admit(scope)
            await self.inner(scope, exchange.receive, exchange.send)
        except ApiError as error:
            await exchange.refuse(error)
        except TimeoutError:
            log.info("a caller that took nothing of its answer was cut off")
        except Exception as error:  # noqa: BLE001 - no answer, or half of one: the server closes the connection
            log.error("%s %r: no whole answer: %s", scope["method"], scope["path"], type(error).__name__)
        finally:
            if not exchange.status:
                _say(scope, 0)

    def _admit(self, scope: Scope) -> None:
        if sum(len(name) + len(value) for name, value in scope["headers"]) > _HEAD_BYTES:
            raise ApiError(431, f"a head may have {_HEAD_BYTES} bytes", headers={"connection": "close"})
        headers = {name: value for name, value in scope["headers"]}  # noqa: C416 - a name given twice counts once
        if int(_number(headers.get(b"content-length"))) > self._settings.body_bytes:
            raise _too_large(self._settings)
        if scope["path"] not in OPEN:
            scope.setdefault("state", {})["key"] = self._key(headers.get(b"authorization", b""))

    def _key(self, header: bytes) -> Key:
        text = header.decode("latin-1")
        challenge = {"www-authenticate": 'Bearer realm="unified-lms"'}
        if not text.lower().startswith(_SCHEME):
            raise ApiError(401, "a key is needed: Authorization: Bearer KEY", headers=challenge)
        try:
            return self._keys.find(text[len(_SCHEME) :].strip())
        except KeyRefused as error:
            raise ApiError(401, str(error), headers=challenge) from None


class _Exchange:
    """One request and its answer, each within bounds of size and time."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, settings: ServeSettings) -> None:
        self._scope, self._receive, self._send, self._settings = scope, receive, send, settings
        self.status = 0
        self._received = 0

    async def receive(self) -> Message:
        """The next piece of the body; `ApiError` for one that is too large, or does not come."""
        if self.status:  # the answer has begun: what is waited for is that the caller goes
            return await self._receive()
        try:
            async with asyncio.timeout(self._settings.stall_seconds):
                message = await self._receive()
        except TimeoutError:
            raise ApiError(408, "the body did not come in time") from None
        self._received += len(message.get("body", b""))
        if self._received > self._settings.body_bytes:
            raise _too_large(self._settings)
        return message

    async def send(self, message: Message) -> None:
        """Sends a piece of the answer; TimeoutError where the caller does not take it."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            _say(self._scope, self.status)
            message = {**message, "headers": [*message.get("headers", []), *_HEADERS]}
        async with asyncio.timeout(self._settings.stall_seconds):
            await self._send(message)

    async def refuse(self, error: ApiError) -> None:
        """Answers with an error, unless an answer has begun."""
        if self.status:
            raise error
        status, body, headers = refusal(error)
        content = to_json(body).encode()
        told = {"content-type": "application/json", "content-length": str(len(content)), **headers}
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in told.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": pairs})
        await self.send({"type": "http.response.body", "body": content})


def _say(scope: Scope, status: int) -> None:
    """One line for each request that may have written something: who, what, where, how it ended; no data.

    It is there before the answer is; status 0 is no answer.
    """
    if scope["method"] in _READING:
        return
    state = scope.get("state", {})
    key: Key | None = state.get("key")
    who = f"key {key.id} ({key.name!r})" if key else "no key"
    asked = f"{scope['method']} {scope['path']!r}"
    connection, idempotency = state.get("connection"), state.get("idempotency_key")
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    audit.info(
        "%s audit: %s: %s on %r, idempotency key %r: %s",
        at,
        who,
        asked,
        connection,
        idempotency,
        status,
    )


def _number(text: bytes | None) -> str:
    return text.decode() if text and text.isdigit() else "0"


def _too_large(settings: ServeSettings) -> ApiError:
    return ApiError(413, f"a body may have {settings.body_bytes} bytes", headers={"connection": "close"})
