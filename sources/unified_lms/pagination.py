"""Where the next page is: one small object for each way of paging, without I/O.

A pager is asked for the first step and, given an answer, for the one after it; None ends the reading. The end is
decided on the provider's own records, before anything was filtered. Whatever would make the reading go round in
circles raises `PagingProblem`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from mappings import engine
from sources.unified_lms.manifest.paging import (
    Computed,
    Cursor,
    LinkHeader,
    NextUrl,
    NoPaging,
    Offsets,
    PageNumbers,
    Paging,
)
from sources.unified_lms.manifest.parts import STOPS

_LINK = re.compile(r"<([^>]*)>([^<]*)")
_REL = re.compile(r'(?i);\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,]+))')


class PagingProblem(Exception):
    """Pages repeat, or the next one cannot be told. The message holds no data."""


@dataclass(frozen=True)
class Step:
    """One page to ask for: the `{page.*}` variables, or the address that the provider gave for it."""

    page: Mapping[str, Any] = field(default_factory=dict)
    url: str | None = None


@dataclass(frozen=True)
class Seen:
    """An answer as a pager sees it: the body's text, headers in lower case, and how many raw records it holds."""

    text: str
    headers: Mapping[str, str]
    count: Callable[[], int]


class Pager(Protocol):
    """One reading of one endpoint, from its first page to its last."""

    def first(self) -> Step:
        """The first page."""

    def after(self, step: Step, seen: Seen) -> Step | None:
        """The page after `step`, whose answer is `seen`; None if that was the last."""


def pager(paging: Paging, size: int | None = None) -> Pager:
    """A fresh pager; `size` is the page size that the manifest or the connection's settings give."""
    if isinstance(paging, NoPaging):
        return _Single()
    if isinstance(paging, PageNumbers):
        return _Counting("number", paging.first, 1, size, paging.stop)
    if isinstance(paging, Offsets):
        return _Counting("offset", 0, size or 1 if paging.unit == "records" else 1, size, paging.stop)
    if isinstance(paging, Cursor):
        return _Following(_body_value(paging.next), cursor=True)
    if isinstance(paging, NextUrl):
        return _Following(_body_value(paging.next), cursor=False)
    if isinstance(paging, LinkHeader):
        return _Following(lambda seen: next_link(seen.headers.get("link", ""), paging.rel), cursor=False)
    return _Computing(paging)


class _Single:
    def first(self) -> Step:
        return Step()

    def after(self, step: Step, seen: Seen) -> Step | None:
        return None


class _Counting:
    """Page numbers and offsets: they say nothing of their own, so that a page like the last one is what goes wrong."""

    def __init__(self, name: str, first: int, stride: int, size: int | None, stop: str) -> None:
        self._name, self._first, self._stride = name, first, stride
        self._size, self._stop = size, stop
        self._last: int | None = None

    def first(self) -> Step:
        return self._step(self._first)

    def after(self, step: Step, seen: Seen) -> Step | None:
        if self._is_last(seen):
            return None
        digest = hash(seen.text)
        if seen.count() and digest == self._last:
            raise PagingProblem(f"page {step.page[self._name]} is the same as the one before it")
        self._last = digest
        return self._step(step.page[self._name] + self._stride)

    def _step(self, position: int) -> Step:
        return Step({self._name: position, "size": self._size})

    def _is_last(self, seen: Seen) -> bool:
        if self._stop == "short" and self._size:
            return seen.count() < self._size
        if self._stop in STOPS:
            return seen.count() == 0
        return _value(f"$boolean({self._stop})", _context(seen)) is True


class _Following:
    """Cursors and addresses that the provider gives: one that comes twice would never end."""

    def __init__(self, find: Callable[[Seen], Any], *, cursor: bool) -> None:
        self._find = find
        self._is_cursor = cursor
        self._used: set[str] = set()

    def first(self) -> Step:
        return self._step(None)

    def after(self, step: Step, seen: Seen) -> Step | None:
        found = self._find(seen)
        if found is None or found == "" or found is False:
            return None
        if not isinstance(found, (str, int)):
            raise PagingProblem("what should lead to the next page is neither text nor a number")
        if str(found) in self._used:
            raise PagingProblem("the same next page is named twice")
        self._used.add(str(found))
        return self._step(found)

    def _step(self, found: Any) -> Step:
        return Step({"cursor": found}) if self._is_cursor else Step(url=None if found is None else str(found))


class _Computing:
    """The expression that is left for whatever else providers do."""

    def __init__(self, paging: Computed) -> None:
        self._paging = paging
        self._used: list[Mapping[str, Any]] = [paging.first]

    def first(self) -> Step:
        return Step(self._paging.first)

    def after(self, step: Step, seen: Seen) -> Step | None:
        found = _value(self._paging.next, _context(seen, step.page))
        if found is None:
            return None
        if not isinstance(found, dict):
            raise PagingProblem("what should be the next page's variables is no object")
        if found in self._used:
            raise PagingProblem("the same next page is named twice")
        self._used.append(found)
        return Step(found)


def _body_value(source: str) -> Callable[[Seen], Any]:
    return lambda seen: _value(source, seen.text)


def _value(source: str, text: str) -> Any:
    result = engine.compile(source).evaluate_json(text)
    return None if result is None else orjson.loads(result)


def _context(seen: Seen, page: Mapping[str, Any] | None = None) -> str:
    headers, variables = orjson.dumps(dict(seen.headers)).decode(), orjson.dumps(dict(page or {})).decode()
    return f'{{"body":{seen.text},"headers":{headers},"page":{variables}}}'


def next_link(header: str, rel: str = "next") -> str | None:
    """The address of a relation in a `Link` header (RFC 8288); None if there is none."""
    for target, parameters in _LINK.findall(header):
        found = _REL.search(parameters)
        if found and rel.lower() in (found[1] or found[2]).lower().split():
            return str(target)
    return None
