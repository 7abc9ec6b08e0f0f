"""Unified writes over HTTP: bodies, what a repeated key means, and what the answer to a write is."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from pipelines.serve.errors import ApiError
from pipelines.serve.pool import Opened
from sources.unified_lms.passthrough import unified
from sources.unified_lms.writing import Intent, Writer

_REMEMBERED, _FOR = 10_000, 24 * 3600.0
"""Answers that are kept for their idempotency keys, and the seconds that each is kept."""


Answer = tuple[int, Any, dict[str, str]]
"""Status, body, headers."""


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


def perform(opened: Opened, write: Write, begun: bool) -> Answer:
    """Writes; the answer has the record as it was read afterwards, as a read shows it, and of a deleted one the id.

    `begun` says that the same was tried before, and that nobody knows whether it was done.
    """
    writer = Writer(opened.connection, opened.manifest, opened.client)
    intent = Intent(write.resource, write.operation, write.record_id, write.payload or {})
    written = writer.write(intent, begun=begun)
    headers = {"x-lms-action": written.step.action}
    if written.left:
        headers["x-lms-differs"] = ", ".join(change.field for change in written.left)
    status = 201 if written.step.action == "create" else 200
    record = written.record
    if write.operation == "delete" or record is None or record.unified is None:
        return status, {"id": written.record_id or write.record_id}, headers
    return status, unified(write.resource, record.unified) | {"remote_data": record.raw}, headers


@dataclass
class _Known:
    """A write that a key stands for."""

    digest: str
    at: float
    under_way: bool = True
    answer: Answer | None = None


class Repeats:
    """The answers to writes by their idempotency keys, in this process and for a day; thread-safe.

    A repeated write gets the answer of the first and is not done again. One that failed may be tried again, and looks
    first whether it was done after all.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str, str], _Known] = OrderedDict()

    def once(self, caller: str, write: Write, do: Callable[[bool], Answer]) -> Answer:
        """The answer, once more that of an earlier write; `ApiError` for a key that stands for another.

        `do` is told whether the same was tried before and failed.
        """
        if write.key is None:
            return do(False)
        known, begun = self._begin((caller, write.connection, write.key), write.digest)
        if known.answer is not None:
            status, content, headers = known.answer
            return status, content, {**headers, "idempotent-replayed": "true"}
        try:
            known.answer = do(begun)
        finally:
            known.under_way = False
        return known.answer

    def _begin(self, place: tuple[str, str, str], digest: str) -> tuple[_Known, bool]:
        with self._lock:
            self._drop_old()
            known = self._known.get(place)
            begun = known is not None
            if known is None:
                known = self._known[place] = _Known(digest, self._wall())
            if known.digest != digest:
                raise ApiError(422, "the Idempotency-Key was used for another write")
            if begun and known.under_way:
                raise ApiError(409, "a write with this Idempotency-Key is under way")
            known.under_way = known.answer is None
            return known, begun

    def _drop_old(self) -> None:
        while self._known:
            place, known = next(iter(self._known.items()))
            young = len(self._known) < _REMEMBERED and self._wall() - known.at < _FOR
            if young or known.under_way:
                return
            del self._known[place]
