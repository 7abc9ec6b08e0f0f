"""Unified writes: who writes is behind a small interface; here are bodies, and what a repeated key means."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from pipelines.serve.errors import ApiError
from pipelines.serve.pool import Opened

_REMEMBERED, _FOR = 10_000, 24 * 3600.0
"""Answers that are kept for their idempotency keys, and the seconds that each is kept."""


class Writer(Protocol):
    """Writes single records of one connection. `key` is the caller's idempotency key, None without one."""

    def create(self, resource: str, payload: Mapping[str, Any], key: str | None) -> Mapping[str, Any]:
        """The record as it is after it was created."""

    def update(
        self, resource: str, record_id: str, payload: Mapping[str, Any], key: str | None
    ) -> Mapping[str, Any]:
        """The record as it is after what the payload names was changed."""

    def delete(self, resource: str, record_id: str, key: str | None) -> None:
        """Deletes a record."""


MakeWriter = Callable[[Opened], Writer]


def no_writer(opened: Opened) -> Writer:
    """Where nothing can be written yet; raises `ApiError`."""
    raise ApiError(501, f"{opened.connection.name}: this server reads; it cannot write yet")


@dataclass(frozen=True)
class Write:
    """One write that is asked for."""

    operation: str
    connection: str
    resource: str
    record_id: str | None = None
    payload: Mapping[str, Any] | None = None
    key: str | None = None

    @property
    def digest(self) -> str:
        """Tells one write from another that has the same idempotency key."""
        parts = [self.operation, self.resource, self.record_id, self.payload]
        text = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
        return hashlib.blake2b(text, digest_size=16).hexdigest()


def payload_of(body: bytes) -> dict[str, Any]:
    """The record in a body; `ApiError` unless it is a JSON object."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise ApiError(400, "the body has to be a JSON object with fields of the unified model")
    return found


def idempotency_key(value: str | None) -> str | None:
    """The key of the header `Idempotency-Key`; `ApiError` for one that cannot be one."""
    if value is None:
        return None
    if not 1 <= len(value) <= 255 or not value.isprintable():
        raise ApiError(400, "Idempotency-Key has to be 1 to 255 printable characters")
    return value


def perform(writer: Writer, write: Write) -> tuple[int, Any]:
    """Writes; the status and the body of the answer."""
    if write.operation == "create":
        return 201, dict(writer.create(write.resource, write.payload or {}, write.key))
    record_id = write.record_id or ""
    if write.operation == "update":
        return 200, dict(writer.update(write.resource, record_id, write.payload or {}, write.key))
    writer.delete(write.resource, record_id, write.key)
    return 200, {"id": record_id}


Answer = tuple[int, Any]


class Repeats:
    """The answers to writes by their idempotency keys, in this process and for a day; thread-safe.

    A repeated write gets the answer of the first and is not done again. One that failed may be tried again.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str, str], tuple[str, float, Answer | None]] = OrderedDict()

    def once(self, caller: str, write: Write, do: Callable[[], Answer]) -> tuple[Answer, bool]:
        """The answer, and whether it is that of an earlier write; `ApiError` for a key that stands for another."""
        if write.key is None:
            return do(), False
        place = (caller, write.connection, write.key)
        known = self._begin(place, write.digest)
        if known is not None:
            return known, True
        try:
            answer = do()
        except BaseException:
            self._forget(place)
            raise
        with self._lock:
            self._known[place] = (write.digest, self._wall(), answer)
        return answer, False

    def _begin(self, place: tuple[str, str, str], digest: str) -> Answer | None:
        with self._lock:
            self._drop_old()
            known = self._known.get(place)
            if known is None:
                self._known[place] = (digest, self._wall(), None)
                return None
        if known[0] != digest:
            raise ApiError(422, "the Idempotency-Key was used for another write")
        if known[2] is None:
            raise ApiError(409, "a write with this Idempotency-Key is under way")
        return known[2]

    def _forget(self, place: tuple[str, str, str]) -> None:
        with self._lock:
            self._known.pop(place, None)

    def _drop_old(self) -> None:
        while self._known:
            place, (_, at, answer) = next(iter(self._known.items()))
            if answer is None or (len(self._known) < _REMEMBERED and self._wall() - at < _FOR):
                return
            del self._known[place]
