"""Whether a connection works: can it connect, what can it read, what will be missing, and how long a run takes."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from mappings import engine
from mappings.model import RESOURCES
from pipelines.grants import lacking
from sources.unified_lms.client import Client, LimitState
from sources.unified_lms.connection import Connection
from sources.unified_lms.errors import (
    BudgetExhausted,
    ConfigurationError,
    Forbidden,
    Invalid,
    LmsError,
    NoData,
    NotFound,
    NothingSent,
    ProviderError,
    Retriable,
    Unauthorized,
)
from sources.unified_lms.joins import as_list
from sources.unified_lms.manifest import Count, Join, Manifest, Read
from sources.unified_lms.manifest.paging import NoPaging, Offsets, PageNumbers
from sources.unified_lms.passthrough import PassThrough
from sources.unified_lms.slicing import slices
from sources.unified_lms.templates import parse
from sources.unified_lms.ways import choose_read

_HOUR = 3600.0


@dataclass(frozen=True)
class ResourceCheck:
    """What a connection can do with one resource."""

    resource: str
    readable: bool
    message: str | None
    missing: tuple[str, ...]
    requests: int | None
    """Requests that reading it whole takes, about; None where the provider gives no counts."""
    fan_out: int = 0
    """How many of them are one for each parent, over which a rotation can go on."""

    @property
    def document(self) -> dict[str, Any]:
        """The check as JSON."""
        return {
            "resource": self.resource,
            "readable": self.readable,
            "message": self.message,
            "missing": self.missing,
            "requests": self.requests,
        }


@dataclass(frozen=True)
class Budget:
    """What a full run costs, against the longest window of the provider's rate limit."""

    requests: int
    limit: int
    seconds: float
    runs: int
    """Runs, one in each window, after which everything has been read: more than one is a rotation."""

    @property
    def hours(self) -> float:
        """Hours from the first run's beginning until everything has been read, as the limit alone allows."""
        return (self.runs - 1) * self.seconds / _HOUR

    @property
    def per_hour(self) -> float:
        """Calls an hour."""
        return self.limit * _HOUR / self.seconds

    def sentence(self) -> str:
        """The arithmetic in words."""
        cost = f"a full run takes about {self.requests:,} requests; the limit is {self.per_hour:,.0f} an hour"
        if self.runs == 1:
            return f"{cost}: one run reads everything"
        return f"{cost}: everything is read in a rotation of {self.runs} runs, about {self.hours:,.0f} hours"


@dataclass(frozen=True)
class CheckResult:
    """What was found. `state` is None where the provider is at fault and not the connection: it stays as it was."""

    connection: str
    provider: str
    connected: bool
    state: str | None
    message: str | None
    tells: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    """What the account has not been granted, and what it is needed for: a sentence each."""
    counts: Mapping[str, int] | None = None
    resources: tuple[ResourceCheck, ...] = ()
    budget: Budget | None = None
    remaining: LimitState | None = None

    @property
    def document(self) -> dict[str, Any]:
        """The result as JSON."""
        return {
            "connection": self.connection,
            "provider": self.provider,
            "connected": self.connected,
            "state": self.state,
            "message": self.message,
            "tells": self.tells,
            "lacking": self.lacking,
            "counts": self.counts,
            "resources": [each.document for each in self.resources],
            "budget": _budget_document(self.budget),
            "limit_now": _limit_document(self.remaining),
        }

    def row(self, now: datetime) -> dict[str, Any]:
        """The row of the warehouse's `connections`."""
        return {
            "connection_id": self.connection,
            "provider": self.provider,
            "state": self.state,
            "message": self.message,
            "checked_at": now.astimezone(UTC),
        }


def _budget_document(budget: Budget | None) -> dict[str, Any] | None:
    return None if budget is None else {**vars(budget), "hours": budget.hours, "per_hour": budget.per_hour}


def _limit_document(state: LimitState | None) -> dict[str, Any] | None:
    return None if state is None else dict(vars(state))


def check_connection(connection: Connection, manifest: Manifest) -> CheckResult:
    """Asks the provider as little as possible: what it tells of itself, and the first page of every resource."""
    try:
        with Client(manifest, connection) as client:
            return _Check(connection, manifest, client).run()
    except (ProviderError, BudgetExhausted, ConfigurationError) as error:
        state = state_after(error)
        return CheckResult(connection.name, manifest.provider, False, state, str(error))


def state_after(error: LmsError) -> str | None:
    """The state of a connection that fails with this error; None where the error says nothing about it."""
    if isinstance(error, Unauthorized):
        return "needs_reauth"
    if isinstance(error, BudgetExhausted) or (
        isinstance(error, Retriable) and not isinstance(error, NothingSent)
    ):
        return None
    return "validation_error"


@dataclass(frozen=True)
class _FirstPage:
    records: list[Any] | None
    readable: bool
    message: str | None


class _Check:
    def __init__(self, connection: Connection, manifest: Manifest, client: Client) -> None:
        self._connection = connection
        self._manifest = manifest
        self._client = client
        self._entries: dict[str, int] = {}

    def run(self) -> CheckResult:
        """Connects, then looks at each resource; raises the error that keeps it from connecting."""
        counts, tells, granted = self._connect()
        read = {name: self._read(name) for name in RESOURCES if name in self._manifest.resources}
        counts = self._counted(read) | counts
        resources = tuple(self._resource(name, one, counts) for name, one in read.items())
        return CheckResult(
            self._connection.name,
            self._manifest.provider,
            True,
            "active",
            None,
            tells,
            self._lacking(granted) if granted is not None else (),
            counts,
            resources,
            self._budget(resources),
            self._remaining(),
        )

    def _connect(self) -> tuple[dict[str, int], tuple[str, ...], list[str] | None]:
        """Counts, what the provider tells of itself, and what the account was granted (None: it does not say)."""
        asked = self._manifest.check
        if asked is None:
            self._first_page(next(name for name in RESOURCES if name in self._manifest.resources))
            return {}, (), None
        body = self._client.call(asked.endpoint).text
        counts = {name: _count(source, body) for name, source in asked.counts.items()}
        counts |= {name: self._counted_elsewhere(one) for name, one in asked.counts_elsewhere.items()}
        told = as_list(_value(asked.tells, body)) if asked.tells else []
        granted = [str(name) for name in as_list(_value(asked.grants, body))] if asked.grants else None
        known = {name: count for name, count in counts.items() if count is not None}
        return known, tuple(str(line) for line in told), granted

    def _counted_elsewhere(self, count: Count) -> int | None:
        """A number that costs a call of its own; None where the account may not ask."""
        try:
            return _count(count.value, self._client.call(count.endpoint).text)
        except (Forbidden, NotFound, NoData, Invalid):
            return None

    def _first_page(self, resource: str) -> list[Any] | None:
        return PassThrough(self._connection, self._manifest, resource, self._client).first_page()

    def _read(self, name: str) -> _FirstPage:
        try:
            found = self._first_page(name)
        except Unauthorized:
            raise
        except (ProviderError, BudgetExhausted, engine.ExpressionError) as error:
            return _FirstPage(None, False, str(error))
        return _FirstPage(found, True, "there is no parent to read it under" if found is None else None)

    def _counted(self, read: Mapping[str, _FirstPage]) -> dict[str, int]:
        """How many records there are of what comes whole: its first page has all of them."""
        whole = {name: page.records for name, page in read.items() if self._comes_whole(name)}
        return {name: len(records) for name, records in whole.items() if records is not None}

    def _comes_whole(self, resource: str) -> bool:
        read = choose_read(self._manifest, resource, self._client.settings)
        at_once = isinstance(self._manifest.endpoints[read.endpoint].paging, NoPaging)
        return at_once and read.parents is None and read.slices is None

    def _lacking(self, granted: Collection[str]) -> tuple[str, ...]:
        return lacking(self._manifest, self._client.settings, granted, self._connection.writes)

    def _resource(self, name: str, page: _FirstPage, counts: Mapping[str, int]) -> ResourceCheck:
        requests, fan_out = self._cost(name, counts)
        missing = self._missing(name) + self._gaps(name, page.records or [])
        return ResourceCheck(name, page.readable, page.message, missing, requests, fan_out)

    def _gaps(self, resource: str, records: list[Any]) -> tuple[str, ...]:
        """What stays null for want of a permission, as the first page shows; an empty one shows nothing."""
        gaps = self._manifest.resources[resource].gaps if records else ()
        seen = {"records": records}
        return tuple(
            f"{', '.join(gap.fields)} of {resource} stay null: {gap.note}"
            for gap in gaps
            if engine.compile(gap.when).evaluate(seen)
        )

    def _missing(self, resource: str) -> tuple[str, ...]:
        """What stays null, because a setting is neither configured nor told by the provider."""
        found: dict[str, list[str]] = {}
        for without in self._client.missing().values():
            if fields := without.fields.get(resource, ()):
                found.setdefault(", ".join(fields), []).append(without.note)
        return tuple(
            f"{fields} of {resource} stay null: {'; '.join(notes)}" for fields, notes in found.items()
        )

    # -- what a run costs --------------------------------------------------------------------------

    def _cost(self, resource: str, counts: Mapping[str, int]) -> tuple[int | None, int]:
        """Requests that reading a resource whole takes, and how many of them are one for each parent."""
        read = choose_read(self._manifest, resource, self._client.settings)
        if read.parents is None:
            pages, around = self._pages(resource, read, counts), self._around(resource, 1, counts)
            return (None, 0) if pages is None or around is None else (pages + around, 0)
        above = choose_read(self._manifest, read.parents.resource, self._client.settings)
        parents, pages = (
            counts.get(read.parents.resource),
            self._pages(read.parents.resource, above, counts),
        )
        if parents is None or pages is None:
            return None, 0
        around = self._around(resource, parents, counts)
        return None if around is None else pages + parents + around, parents

    def _pages(self, resource: str, read: Read, counts: Mapping[str, int]) -> int | None:
        """Pages of a list: one of each of its slices where it comes whole; None where their number cannot be told."""
        paging = self._manifest.endpoints[read.endpoint].paging
        if isinstance(paging, NoPaging):
            return len(slices(read, self._client.settings, self._client.now()))
        if not isinstance(paging, PageNumbers | Offsets):
            return None
        size = self._number(paging.size)
        count = counts.get(resource)
        return None if count is None or not size else math.floor(count / size) + 1

    def _around(self, resource: str, parents: int, counts: Mapping[str, int]) -> int | None:
        """Requests beside the list's own: joins and fetches, what is discovered, the limit's state before a fan-out.

        None where something is joined to each of an unknown number of records.
        """
        discovered = [name for name, setting in self._manifest.settings.items() if setting.discover]
        needed = sum(name not in self._connection.settings for name in discovered)
        status = 1 if parents > 1 and self._manifest.limits.status else 0
        found = list(self._joins(resource))
        if resource not in counts and any(join.per == "record" for join in found):
            return None
        joins = sum(self._join(resource, join, parents, counts) for join in found)
        # Further calls for elements of answers: as many as the manifest counts under their endpoint's name.
        read = choose_read(self._manifest, resource, self._client.settings)
        fetched = sum(counts.get(fetch.endpoint, 0) for fetch in read.fetch.values())
        return joins + needed + status + fetched

    def _joins(self, resource: str) -> Iterator[Join]:
        for join in self._manifest.resources[resource].joins.values():
            seen = {"settings": self._client.settings}
            if join.when is None or engine.compile(join.when).evaluate(seen):
                yield join

    def _join(self, resource: str, join: Join, parents: int, counts: Mapping[str, int]) -> int:
        if join.per == "record":
            return counts[resource]
        once = parents if join.per == "parent" else 1
        return once * (1 + self._entries_of(join, counts)) if join.each else once

    def _entries_of(self, join: Join, counts: Mapping[str, int]) -> int:
        """Entries of a join's list, each of which takes a second call: counted by the manifest, else by asking once."""
        if join.endpoint in counts or join.per != "connection":
            return counts.get(join.endpoint, 0)
        if join.endpoint not in self._entries:
            self._entries[join.endpoint] = self._first_entries(join.endpoint)
        return self._entries[join.endpoint]

    def _first_entries(self, endpoint: str) -> int:
        try:
            return next((page.count for page in self._client.pages(endpoint)), 0)
        except (ProviderError, BudgetExhausted, engine.ExpressionError):
            return 0

    def _budget(self, resources: tuple[ResourceCheck, ...]) -> Budget | None:
        windows = [
            (self._number(window.requests), window.seconds) for window in self._manifest.limits.windows
        ]
        known = [(limit, seconds) for limit, seconds in windows if limit]
        costs = [each.requests for each in resources if each.requests is not None]
        if not known or len(costs) < len(resources):
            return None
        limit, seconds = max(known, key=lambda window: window[1])
        longest = max((each.fan_out for each in resources), default=0)
        return Budget(sum(costs), limit, seconds, rotation(sum(costs), longest, limit))

    def _number(self, value: Any) -> int | None:
        if isinstance(value, str):
            value = parse(value).value({"settings": self._client.settings})
        return None if value is None else int(value)

    def _remaining(self) -> LimitState | None:
        try:
            return self._client.seed_limits()
        except (ProviderError, BudgetExhausted, engine.ExpressionError):
            return None


def rotation(requests: int, fan_out: int, limit: int) -> int:
    """Runs after which everything has been read, one in each window of `limit` requests.

    What is not the largest fan-out is read anew in every run, and the fan-out goes on where it stopped:
    10,000 users, one call each, at 2,000 calls an hour take 6 runs, since the list of users is a call as well.
    """
    if requests <= limit:
        return 1
    again = requests - fan_out
    left = limit - again
    return math.ceil(fan_out / left) if left > 0 and fan_out else math.ceil(requests / limit)


def _count(source: str, body: str) -> int | None:
    found = _value(source, body)
    try:
        return None if found is None else int(found)
    except (TypeError, ValueError):
        return None


def _value(source: str, body: str) -> Any:
    found = engine.compile(source).evaluate_json(body)
    return None if found is None else orjson.loads(found)
