"""Reading a resource from its provider: fan-out, joins, mapping, and what was covered.

Pages are fetched ahead on threads and mapped on others while earlier ones become tables here. A scope (one parent's
records, or the whole connection) counts as read only when its last page has been mapped and no record without an id
was lost from it; what is not read retires nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa

from mappings.mapper import MappedPage, Mapper, Page, Rejection
from sources.unified_lms.client import Client
from sources.unified_lms.errors import (
    BudgetExhausted,
    ConfigurationError,
    LmsError,
    NoData,
    ProviderError,
    Stopped,
    Unauthorized,
)
from sources.unified_lms.filters import looked_up
from sources.unified_lms.joins import Joiner, Table, as_list
from sources.unified_lms.manifest import Manifest, Parents, Read
from sources.unified_lms.named import NamedRecords
from sources.unified_lms.parents import Parent, ParentCache, list_parents
from sources.unified_lms.prefetch import interleave
from sources.unified_lms.records import RecordFinder
from sources.unified_lms.selection import Selection
from sources.unified_lms.slicing import covers_everything, slices
from sources.unified_lms.spool import WHOLE, RejectedRow
from sources.unified_lms.stopping import Stop
from sources.unified_lms.tombstones import Tombstones
from sources.unified_lms.ways import changed_read, choose_changed, choose_read, window_arguments

_BATCH_SIZE = 2_000_000
"""Characters of mapped records that become one Arrow table: large enough for vectors, small enough for memory."""
_MAPPERS = 2
_AHEAD = 8
"""Pages fetched ahead of the one that becomes a table."""

_NAMED_AND_GONE = "named as changed, and not found"

_Event = tuple[str, str, Any]
"""(kind, scope, value): a mapped page, deleted records' ids, a scope that was read to its end or could not be read."""


@dataclass
class Outcome:
    """What a reading covered; complete once its batches are exhausted."""

    whole: bool = False
    scopes: list[str] = field(default_factory=list)
    parents: list[str] | None = None
    failed: list[tuple[str, LmsError]] = field(default_factory=list)
    exhausted: BudgetExhausted | Stopped | None = None
    """Why reading ended before everything was read."""
    resume_after: str | None = None
    records: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    """Records that could not be taken over."""
    fields: int = 0
    """Single values that could not be taken over."""
    deleted: list[str] = field(default_factory=list)
    """Ids of records that the provider says it has deleted."""


@dataclass(frozen=True)
class ReadBatch:
    """Checked rows of one or several pages, with the scope of each and, if asked for, its raw record as text."""

    table: pa.Table
    scopes: pa.Array
    raw: pa.Array | None
    rejections: list[RejectedRow]


@dataclass(frozen=True)
class _Mapped:
    scope: str
    records: str
    mapped: Future[MappedPage]


class Reader:
    """Reads one resource once: iterate `batches()` to the end, then `outcome` says what was covered."""

    def __init__(
        self,
        client: Client,
        manifest: Manifest,
        resource: str,
        mapper: Mapper,
        selection: Selection | None = None,
        stop: Stop | None = None,
    ) -> None:
        self._client = client
        self._manifest = manifest
        self._resource = resource
        self._spec = manifest.resources[resource]
        self._mapper = mapper
        self._selection = selection or Selection()
        self._stop = stop or Stop()
        self._settings = dict(client.settings)
        self._joiner = Joiner(client, self._spec.joins)
        self._mapping = ThreadPoolExecutor(_MAPPERS, thread_name_prefix="mapping")
        self._tabulating = ThreadPoolExecutor(1, thread_name_prefix="tabulating")
        self._tombstones = Tombstones(self._spec, self._settings)
        self._changed = (
            choose_changed(manifest, resource, self._settings) if self._selection.windowed else None
        )
        self._alternative = self._choose(resource)
        self._args = self._arguments()
        self._finder = RecordFinder(client, resource, self._alternative)
        self._incomplete: set[str] = set()
        self._order: list[str] = []
        self.outcome = Outcome()

    def _choose(self, resource: str) -> Read:
        read = choose_read(self._manifest, resource, self._settings)
        if self._selection.lookup and resource == self._resource:
            return looked_up(read, self._selection.lookup)
        return changed_read(read, self._changed) if self._changed and resource == self._resource else read

    def _arguments(self) -> dict[str, Any]:
        """The `{args.*}` of what is selected; raises `ConfigurationError` where changes cannot be asked for."""
        chosen = self._selection
        if not chosen.windowed:
            return chosen.args
        if self._changed is None or (chosen.until is not None and not self._changed.until):
            raise ConfigurationError(
                f"{self._manifest.provider} cannot be asked what has changed of {self._resource} in a window of time"
            )
        return chosen.args | window_arguments(self._changed, chosen.since, chosen.until, self._settings)

    def batches(self) -> Iterator[ReadBatch]:
        """The mapped and checked rows, some thousands at a time, until everything that was asked for is read."""
        try:
            yield from self._tables(self._groups())
        finally:
            self._mapping.shutdown(wait=False, cancel_futures=True)
            self._tabulating.shutdown(wait=False, cancel_futures=True)
        self._conclude()

    def _groups(self) -> Iterator[list[tuple[_Mapped, MappedPage]]]:
        """Mapped pages, as many together as make one table."""
        waiting: list[tuple[_Mapped, MappedPage]] = []
        size = 0
        for kind, scope, value in self._events():
            if kind == "page":
                waiting.append((value, value.mapped.result()))
                size += waiting[-1][1].size
                if size >= _BATCH_SIZE:
                    yield waiting
                    waiting, size = [], 0
            else:
                self._note(kind, scope, value)
        if waiting:
            yield waiting

    def _tables(self, groups: Iterator[list[tuple[_Mapped, MappedPage]]]) -> Iterator[ReadBatch]:
        """The table of each group, made on a thread while the pages of the next one are collected."""
        making: Future[ReadBatch] | None = None
        for group in groups:
            made, making = making, self._tabulating.submit(self._tabulate, group)
            if made is not None:
                yield made.result()
        if making is not None:
            yield making.result()

    def _note(self, kind: str, scope: str, value: Any) -> None:
        if kind == "done":
            self.outcome.scopes.append(scope)
        elif kind == "exhausted":
            self.outcome.exhausted = value
        elif kind == "deleted":
            self.outcome.deleted += value
            self.outcome.records += len(value)
        else:
            self.outcome.failed.append((scope, value))

    def _conclude(self) -> None:
        outcome = self.outcome
        outcome.scopes = [scope for scope in outcome.scopes if scope not in self._incomplete]
        read = set(outcome.scopes)
        if self._alternative.parents is None:
            everything = covers_everything(self._alternative) and not self._selection.filtered
            outcome.whole = WHOLE in read and everything
            outcome.scopes = []
        else:
            known = outcome.parents is not None and not self._selection.filtered
            outcome.whole = known and read.issuperset(outcome.parents or ())
        if outcome.exhausted is not None:
            outcome.resume_after = self._last_before(read)
        if outcome.failed and not read:
            raise outcome.failed[0][1]

    def _last_before(self, read: set[str]) -> str | None:
        """The parent before the first that was not read, in the order of reading: the rotation goes on after it."""
        unread = [place for place, scope in enumerate(self._order) if scope not in read]
        return self._order[unread[0] - 1] if unread and unread[0] else self._selection.after

    def _events(self) -> Iterator[_Event]:
        workers = self._manifest.limits.concurrency
        if self._changed and self._changed.id:
            return interleave(self._named(self._changed.id), workers=workers, ahead=_AHEAD + workers)
        if self._alternative.parents is None:
            return self._whole(workers)
        return interleave(self._fan_out(self._alternative.parents), workers=workers, ahead=_AHEAD + workers)

    def _whole(self, workers: int) -> Iterator[_Event]:
        pieces = slices(self._alternative, self._settings, self._client.now())
        tasks = [self._pages(WHOLE, None, {"args": {**piece, **self._args}}) for piece in pieces]
        try:
            yield from interleave(tasks, workers=min(len(tasks), workers), ahead=_AHEAD)
            yield "done", WHOLE, None
        except (BudgetExhausted, Stopped) as error:
            yield "exhausted", WHOLE, error

    def _fan_out(self, parents: Parents) -> Iterator[Iterator[_Event]]:
        try:
            found = self._listed(parents)
        except (BudgetExhausted, Stopped) as error:
            self.outcome.exhausted = error
            return
        chosen = self._selection
        everything = covers_everything(self._choose(parents.resource))
        if chosen.parent is None and chosen.between is None and everything:
            self.outcome.parents = [identifier for identifier, _ in found]
        found = [(i, record) for i, record in found if chosen.takes(i)]
        self._order = _rotated([identifier for identifier, _ in found], self._selection.after)
        records = dict(found)
        for identifier in self._order:
            if self.outcome.exhausted is not None:
                return
            yield self._scope(identifier, orjson.loads(records.pop(identifier)))

    def _listed(self, parents: Parents) -> list[Parent]:
        """Every parent, listed anew unless an earlier reading of the same backfill has listed them."""
        cache = self._selection.parents or ParentCache()
        return cache.of(
            parents.resource, lambda: list_parents(self._client, parents, self._settings, self._stop)
        )

    def _scope(self, identifier: str, parent: Any) -> Iterator[_Event]:
        variables = {"parent": {"id": identifier}, "args": self._args}
        return self._attempted(identifier, self._pages(identifier, parent, variables))

    def _attempted(self, scope: str, events: Iterator[_Event]) -> Iterator[_Event]:
        """The events of one scope, and how it ended; what cannot be read takes nothing from the others."""
        try:
            yield from events
            yield "done", scope, None
        except NoData:
            yield "done", scope, None
        except (BudgetExhausted, Stopped) as error:
            self.outcome.exhausted = error
            yield "exhausted", scope, error
        except Unauthorized:
            raise
        except ProviderError as error:
            yield "failed", scope, error

    def _pages(self, scope: str, parent: Any, variables: dict[str, Any]) -> Iterator[_Event]:
        above, tables = _dump(parent), self._joiner.tables(parent, variables)
        for page in self._client.pages(self._alternative.endpoint, variables):
            self._stop.check()
            records, joined = self._finder.find(page.answer, above, variables)
            yield from self._page(scope, above, (records, joined), variables, tables)

    def _page(
        self,
        scope: str,
        above: str,
        found: tuple[str, list[dict[str, Any]]],
        variables: dict[str, Any],
        tables: Mapping[str, Table],
    ) -> Iterator[_Event]:
        """Records (JSON text) on their way to the mapper, and the ids of those that are deleted."""
        records, joined = found
        extra = self._joiner.joined(records, above, tables, variables)
        if extra:
            joined = [a | b for a, b in zip(joined or [{}] * len(extra), extra, strict=True)]
        records, joined, deleted = self._tombstones.part(records, joined, above)
        if deleted:
            yield "deleted", scope, deleted
        work = Page(records, above, _dump(joined))
        yield "page", scope, _Mapped(scope, records, self._mapping.submit(self._mapper.map_page, work))

    def _named(self, identify: str) -> Iterator[Iterator[_Event]]:
        """A task for each record that a call names as changed."""
        named = NamedRecords(self._client, self._resource, self._alternative, identify)
        try:
            found = named.ids(self._args)
        except (BudgetExhausted, Stopped) as error:
            self.outcome.exhausted = error
            return
        for identifier in found:
            if self.outcome.exhausted is not None:
                return
            yield self._attempted(identifier, self._single(named, identifier))

    def _single(self, named: NamedRecords, identifier: str) -> Iterator[_Event]:
        one = named.one(identifier)
        if one is None:  # gone meanwhile, or not to be read: the next whole reading tells
            self.outcome.skipped[_NAMED_AND_GONE] += 1
            self.outcome.records += 1
        else:
            tables = self._joiner.tables(one.parent, one.variables)
            record = _dump([one.record])
            yield from self._page(one.scope, _dump(one.parent), (record, []), one.variables, tables)

    def _tabulate(self, waiting: Sequence[tuple[_Mapped, MappedPage]]) -> ReadBatch:
        pages = [page for page, _ in waiting]
        batch = self._mapper.tabulate([mapped for _, mapped in waiting])
        places = batch.table["_page"].combine_chunks()
        scopes = pa.array([page.scope for page in pages], pa.string()).take(places)
        raw = _raw(pages, batch.table) if self._selection.raw else None
        rejections = [self._rejected(pages, rejection) for rejection in batch.rejections]
        self._count(batch.table.num_rows, batch.skipped, rejections)
        return ReadBatch(batch.table, scopes, raw, rejections)

    def _rejected(self, pages: Sequence[_Mapped], rejection: Rejection) -> RejectedRow:
        scope, violation = pages[rejection.page].scope, rejection.violation
        if rejection.whole and rejection.record_id is None:
            self._incomplete.add(scope)
        return RejectedRow(
            scope,
            rejection.record_id,
            violation.field,
            violation.code,
            violation.reason,
            rejection.whole,
            place=str(rejection.index),
        )

    def _count(self, rows: int, skipped: Counter[str], rejections: Sequence[RejectedRow]) -> None:
        lost = len({(r.scope, r.record_id, r.place) for r in rejections if r.whole})
        self.outcome.lost += lost
        self.outcome.fields += sum(not rejection.whole for rejection in rejections)
        self.outcome.skipped.update(skipped)
        self.outcome.records += rows + lost + skipped.total()


def _raw(pages: Sequence[_Mapped], table: pa.Table) -> pa.Array:
    """The raw record of each row, as JSON text."""
    records = [as_list(orjson.loads(page.records)) for page in pages]
    places = zip(table["_page"].to_pylist(), table["_index"].to_pylist(), strict=True)
    return pa.array([_dump(records[page][index]) for page, index in places], pa.string())


def _rotated(identifiers: list[str], after: str | None) -> list[str]:
    """The ids in a fixed order, beginning after `after`, each once."""
    ordered = sorted(set(identifiers))
    if after is None:
        return ordered
    return [i for i in ordered if i > after] + [i for i in ordered if i <= after]


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()
