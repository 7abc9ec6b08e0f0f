"""A unified read: from what is wanted to the text of the answer, or to its pieces where it is streamed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from pipelines.output import to_json
from pipelines.serve.cursors import Cursors
from pipelines.serve.errors import ApiError, refusal
from pipelines.serve.options import Wanted
from pipelines.serve.pool import Opened
from sources.unified_lms.filters import check_filters
from sources.unified_lms.passthrough import LiveRecord, UnreadParent, normalized, unified
from sources.unified_lms.resuming import Place, Taken

_PIECE = 64_000
"""Characters of a streamed answer that are sent together."""
_AT_LEAST_EVERY = 1.0
"""Seconds after which what has come is sent, be it ever so little."""
_NAMED = 100
"""Problems that one answer names; what is beyond them is counted."""


def one(opened: Opened, asked: Wanted, record_id: str) -> bytes:
    """The record with an id."""
    record = opened.reading(asked.resource).get(record_id)
    shown = _shown(record, asked)
    if shown is None:
        raise ApiError(502, "the record cannot be mapped", _problems_of(record, asked.resource))
    return to_json(_without(shown, asked)).encode()


def page(opened: Opened, asked: Wanted, cursors: Cursors, seconds: float) -> bytes:
    """A page of a list in its envelope; after so many seconds it ends with what it has."""
    found, problems = _Result(asked), _Problems(asked.resource)
    place: Place | None = None
    until = time.monotonic() + seconds
    for taken in _taken(opened, asked, cursors):
        _sort(taken.item, found, problems)
        if found.count == asked.limit or time.monotonic() > until:
            place = taken.place()
            break
    return to_json({"result": found.value, **_end(asked, cursors, place, found.count, problems)}).encode()


def _taken(opened: Opened, asked: Wanted, cursors: Cursors) -> Iterator[Taken[LiveRecord | UnreadParent]]:
    check_filters(opened.manifest, asked.resource, asked.filters)
    start = None if asked.cursor is None else cursors.read(asked.cursor, asked.question)
    return opened.reading(asked.resource).taken(asked.filters, start, asked.remote)


def _sort(item: LiveRecord | UnreadParent | None, found: _Result, problems: _Problems) -> None:
    if isinstance(item, UnreadParent):
        problems.unread(item)
    elif item is not None:
        shown = _shown(item, found.asked)
        problems.seen(item)
        if shown is not None:
            found.add(shown)


def _end(
    asked: Wanted, cursors: Cursors, place: Place | None, count: int, problems: _Problems
) -> dict[str, Any]:
    """The envelope around the result."""
    found = {
        "next_cursor": cursors.write(place, asked.question),
        "prev_cursor": None,
        "result_count": count,
    }
    return found | ({"problems": problems.found} if problems.found else {})


class _Result:
    """The records of a page, in a list or under the values of a field."""

    def __init__(self, asked: Wanted) -> None:
        self.asked = asked
        self.count = 0
        self.value: Any = [] if asked.key_by is None else {}

    def add(self, shown: Any) -> None:
        """Adds a record; `ApiError` where the field does not tell it from another."""
        self.count += 1
        if self.asked.key_by is None:
            self.value.append(_without(shown, self.asked))
            return
        key = _key(shown, self.asked.key_by)
        if key in self.value:
            raise ApiError(
                400,
                f"several records have the same {self.asked.key_by}; key them by a field that tells them apart",
            )
        self.value[key] = _without(shown, self.asked)


def _key(shown: Any, name: str) -> str:
    value = shown.get(name) if isinstance(shown, dict) else None
    if value is None or isinstance(value, dict | list):
        raise ApiError(400, f"a record has no {name} that it could be found by; key them by another field")
    return str(value)


class _Problems:
    """What could not be read or mapped, by field and code and without the value."""

    def __init__(self, resource: str) -> None:
        self._resource = resource
        self.found: list[dict[str, Any]] = []

    def seen(self, record: LiveRecord) -> None:
        """Notes what is wrong with a record."""
        if record.violations and len(self.found) < _NAMED:
            self.found += _problems_of(record, self._resource)

    def unread(self, parent: UnreadParent) -> None:
        """Notes a parent whose records could not be read."""
        self.found.append({"parent": parent.parent, "reason": str(parent.error)})


def _problems_of(record: LiveRecord, resource: str) -> list[dict[str, Any]]:
    return [
        {
            "resource": resource,
            "id": record.record_id,
            "field": each.field,
            "code": each.code,
            "reason": each.reason,
            "rejected": record.unified is None,
        }
        for each in record.violations
    ]


def _shown(record: LiveRecord, asked: Wanted) -> Any:
    """The record in the form asked for; None for one that is rejected."""
    if asked.form == "raw":
        return record.raw
    if record.unified is None:
        return None
    if asked.form == "normalized":
        return normalized(asked.resource, record.unified)
    shown = unified(asked.resource, record.unified)
    return shown | {"remote_data": record.raw} if asked.remote_data else shown


def _without(shown: Any, asked: Wanted) -> Any:
    if not asked.exclude or not isinstance(shown, dict):
        return shown
    return {name: value for name, value in shown.items() if name not in asked.exclude}


# -- streams -----------------------------------------------------------------------------------------


def lines(opened: Opened, asked: Wanted, cursors: Cursors) -> Iterator[bytes]:
    """A list as lines of JSON: a record on each, and on the last the envelope without the result, or an error."""
    problems, count, place = _Problems(asked.resource), 0, None
    try:
        for taken in _taken(opened, asked, cursors):
            one_record = _Result(asked)
            _sort(taken.item, one_record, problems)
            if one_record.count:
                count += 1
                yield to_json(one_record.value[0]).encode() + b"\n"
            if not asked.whole and count == asked.limit:
                place = taken.place()
                break
    except Exception as error:  # the status has been sent; the last line says it
        if not count:
            raise
        yield to_json(refusal(error)[1]).encode() + b"\n"
        return
    yield to_json(_end(asked, cursors, place, count, problems)).encode() + b"\n"


def whole(opened: Opened, asked: Wanted, cursors: Cursors) -> Iterator[bytes]:
    """The whole list in one envelope, in pieces; an error that comes late leaves it open, so that it is no JSON."""
    problems, count, begin = _Problems(asked.resource), 0, b'{"result":['
    for taken in _taken(opened, asked, cursors):
        one_record = _Result(asked)
        _sort(taken.item, one_record, problems)
        if one_record.count:
            count += 1
            yield begin + to_json(one_record.value[0]).encode()
            begin = b","
    begin = b'{"result":[' if not count else b""
    yield begin + b"]," + to_json(_end(asked, cursors, None, count, problems)).encode()[1:]


def in_pieces(stream: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer pieces."""
    held, size, since = [], 0, time.monotonic()
    for piece in stream:
        held.append(piece)
        size += len(piece)
        if size >= _PIECE or time.monotonic() - since > _AT_LEAST_EVERY:
            yield b"".join(held)
            held, size, since = [], 0, time.monotonic()
    if held:
        yield b"".join(held)
