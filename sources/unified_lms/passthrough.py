"""Live reading of single records and lists: nothing is stored, and nothing is asked for that nobody wants.

What a record becomes is decided by the same manifest, joins, skips and mapping as in a sync. Unlike `Reader`, which
fills tables, this reads one page after the other and stops when the caller does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from itertools import chain
from types import TracebackType
from typing import Any, Self

import orjson

from mappings import engine
from mappings.model import RESOURCES
from mappings.rows import Violation, flatten
from sources.unified_lms.client import Client, Page
from sources.unified_lms.connection import Connection, load_connection, manifest_of
from sources.unified_lms.errors import (
    ConfigurationError,
    LmsError,
    NotFound,
    ProviderError,
    Unauthorized,
)
from sources.unified_lms.filters import check_filters, looked_up, selected
from sources.unified_lms.joins import Joiner, Table, as_list
from sources.unified_lms.manifest import Manifest, Parents, Read
from sources.unified_lms.parents import list_parents
from sources.unified_lms.prefetch import interleave
from sources.unified_lms.records import RecordFinder
from sources.unified_lms.resuming import FIRST, Above, Place, Taken, after, parents_from, refuse_known
from sources.unified_lms.run import make_mapper, resource_mapping
from sources.unified_lms.singles import Missing, Single, SingleRecords
from sources.unified_lms.slicing import slices
from sources.unified_lms.stopping import Stop
from sources.unified_lms.ways import choose_read

_AHEAD = 4
"""Records that may wait for the caller where several parents are read at once."""


class NoSuchRecord(LmsError):
    """The provider has no record with this id, or the manifest leaves it out."""


@dataclass(frozen=True)
class LiveRecord:
    """A record as the provider gave it (secrets cut), and as the unified model has it.

    `unified` is None for a record that is rejected; `violations` say why, or which of its fields are null instead.
    """

    raw: Any = field(repr=False)
    unified: dict[str, Any] | None = field(repr=False)
    violations: Sequence[Violation] = ()
    seen: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The whole input of the mapping: the record, its parent, what is joined to it, the settings."""

    @property
    def record_id(self) -> str | None:
        """The unified id; None where the record is rejected."""
        return self.unified["id"] if self.unified else None


@dataclass(frozen=True)
class UnreadParent:
    """A parent whose records could not be read."""

    parent: str
    error: LmsError


@dataclass(frozen=True)
class _Listing:
    """One reading of a list: how, with which arguments, with what untouched, and its joins."""

    read: Read
    args: dict[str, Any]
    remote: dict[str, str]
    joins: Joiner


class PassThrough:
    """One resource of one connection, read live; a context manager."""

    def __init__(self, connection: Connection, manifest: Manifest, resource: str, client: Client) -> None:
        self._manifest = manifest
        self._connection = connection
        self._resource = resource
        self._spec = manifest.resources[resource]
        self._client = client
        self._skips = [(engine.compile(rule.when), rule.reason) for rule in self._spec.skip]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    @cached_property
    def _settings(self) -> dict[str, Any]:
        return self._client.settings

    @cached_property
    def _mapper(self) -> Any:
        mapping = resource_mapping(self._manifest, self._resource, self._connection)
        return make_mapper(mapping, self._manifest, self._settings)

    @cached_property
    def _singles(self) -> SingleRecords:
        return SingleRecords(self._client, self._settings)

    def _joiner(self) -> Joiner:
        """The joins of one reading: what they gave is not kept for the next, which may come much later."""
        return Joiner(self._client, self._spec.joins)

    # -- one record --------------------------------------------------------------------------------

    def get(self, record_id: str) -> LiveRecord:
        """The record with a unified id.

        Raises `NoSuchRecord`, and `ConfigurationError` where the provider cannot be asked for one record.
        """
        how = self._spec.get
        if how is None:
            raise ConfigurationError(
                f"{self._manifest.provider} cannot be asked for one record of {self._resource}; "
                f"use lms list {self._connection.name} {self._resource}"
            )
        found_one = self._one(self._resource, record_id)
        parent, variables, joins = found_one.parent, found_one.variables, self._joiner()
        tables = partial(joins.tables, parent, variables)
        [found] = self._mapped([found_one.record], parent, [], variables, joins, tables)
        if isinstance(found, str):
            raise self._no_such(self._resource, record_id, f"left out: {found}")
        return found

    def _one(self, resource: str, record_id: str) -> Single:
        try:
            return self._singles.one(resource, record_id)
        except Missing as missing:
            said = f"the provider says: {missing.words}" if missing.words else ""
            raise self._no_such(missing.resource, missing.record_id, said) from missing

    def _no_such(self, resource: str, record_id: str, why: str) -> NoSuchRecord:
        because = f" ({why})" if why else ""
        return NoSuchRecord(f"{self._connection.name} has no record {record_id!r} in {resource}{because}")

    # -- lists -------------------------------------------------------------------------------------

    def records(
        self, filters: Mapping[str, str], *, together: bool = False
    ) -> Iterator[LiveRecord | UnreadParent]:
        """The records, read as they are taken; raises `ConfigurationError` for a filter that the provider lacks.

        With `together` parents are read several at once, in no order: for those who want all of them.
        """
        read = choose_read(self._manifest, self._resource, self._settings)
        args, parent, lookup = selected(self._manifest, self._resource, filters, self._settings)
        if lookup is not None:
            return self._looked_up(looked_up(read, lookup), {"args": args}, self._joiner())
        self._refuse_parent(read, parent)
        joins = self._joiner()
        if read.parents is None:
            pieces = [{"args": {**piece, **args}} for piece in self._slices(read)]
            return chain.from_iterable(self._records(read, None, variables, joins) for variables in pieces)
        scopes = (self._scope(read, one, args, joins) for one in self._parents(read.parents, parent))
        if not together:
            return chain.from_iterable(scopes)
        workers = self._manifest.limits.concurrency
        return interleave(scopes, workers=workers, ahead=_AHEAD * workers)

    def _refuse_parent(self, read: Read, parent: str | None) -> None:
        if parent is not None and read.parents is None:
            raise ConfigurationError(
                f"the connection's settings choose a way to read {self._resource} that cannot be filtered by parent"
            )

    def _looked_up(
        self, read: Read, variables: Mapping[str, Any], joins: Joiner
    ) -> Iterator[LiveRecord | UnreadParent]:
        try:
            yield from self._records(read, None, variables, joins)
        except NotFound:
            return

    # -- lists from a place on ---------------------------------------------------------------------

    def taken(
        self, filters: Mapping[str, str], place: Place | None = None, remote: Mapping[str, str] | None = None
    ) -> Iterator[Taken[LiveRecord | UnreadParent]]:
        """The records from a place on, each with the place behind it; `records` for those who want a part at a time.

        `remote` are query parameters that go to the provider's list as they are. Raises as `records` does.
        """
        read = choose_read(self._manifest, self._resource, self._settings)
        args, parent, lookup = selected(self._manifest, self._resource, filters, self._settings)
        read = read if lookup is None else looked_up(read, lookup)
        self._refuse_parent(read, parent)
        refuse_known(self._manifest, read.endpoint, remote or {})
        start = place or Place(began=self._client.now())
        listing = _Listing(read, args, dict(remote or {}), self._joiner())
        if lookup is not None:
            return self._looked_up_from(listing, start)
        if read.parents is None:
            return self._pieces(listing, start)
        return chain.from_iterable(
            self._under(listing, one, start) for one in self._parents_from(read.parents, parent, start)
        )

    def _looked_up_from(self, listing: _Listing, start: Place) -> Iterator[Taken[LiveRecord | UnreadParent]]:
        try:
            yield from self._marked(listing, None, {"args": listing.args}, start, lambda: None)
        except NotFound:
            return

    def _pieces(self, listing: _Listing, start: Place) -> Iterator[Taken[LiveRecord | UnreadParent]]:
        found = slices(listing.read, self._settings, start.began)
        for number in range(start.piece, len(found)):
            here = replace(start, piece=number, own=start.own if number == start.piece else FIRST)
            more = replace(here, piece=number + 1, own=FIRST) if number + 1 < len(found) else None
            variables = {"args": {**found[number], **listing.args}}
            yield from self._marked(listing, None, variables, here, lambda more=more: more)  # type: ignore[misc]

    def _parents_from(self, parents: Parents, only: str | None, start: Place) -> Iterator[Above]:
        if only is None:
            yield from parents_from(self._client, parents, self._settings, start)
            return
        for identifier, record in self._parents(parents, only):
            yield Above(identifier, record, start, lambda: None)

    def _under(
        self, listing: _Listing, above: Above, start: Place
    ) -> Iterator[Taken[LiveRecord | UnreadParent]]:
        """The records under one parent, from the place on where it is the one that the place names."""
        same = above.here.above == start.above and above.here.above_piece == start.above_piece
        here = replace(above.here, own=start.own) if same or above.here is start else above.here
        variables = {"parent": {"id": above.identifier}, "args": listing.args}
        try:
            yield from self._marked(listing, above.record, variables, here, above.behind)
        except Unauthorized:
            raise
        except ProviderError as error:
            yield Taken(UnreadParent(above.identifier, error), above.behind)

    def _marked(
        self,
        listing: _Listing,
        parent: Any,
        variables: Mapping[str, Any],
        here: Place,
        behind: Callable[[], Place | None],
    ) -> Iterator[Taken[LiveRecord | UnreadParent]]:
        """The records of one list, and at the end of each page, where none is left, the place behind alone."""
        finder = RecordFinder(self._client, self._resource, listing.read)
        tables = cache(partial(listing.joins.tables, parent, variables))
        asked, mark = {**variables, "remote": listing.remote}, here.own
        for page in self._client.pages(listing.read.endpoint, asked, mark.step):
            text, joined = finder.find(page.answer, _dump(parent), variables)
            records = orjson.loads(text)
            count, begin = len(records), mark.taken
            found = self._mapped(records[begin:], parent, joined[begin:], variables, listing.joins, tables)
            for taken, record in enumerate(found, begin + 1):
                if not isinstance(record, str):
                    yield Taken(record, _follows(page, taken, count, here, behind))
            yield Taken(None, _follows(page, count, count, here, behind))
            mark = FIRST

    def _slices(self, read: Read) -> list[dict[str, Any]]:
        return slices(read, self._settings, self._client.now())

    def first_page(self) -> list[Any] | None:
        """The raw records of the list's first page, under the first parent; None where there is no parent."""
        read = choose_read(self._manifest, self._resource, self._settings)
        variables: dict[str, Any] = {"args": self._slices(read)[0]}
        above = None
        if read.parents is not None:
            parent = next(self._parents(read.parents, None), None)
            if parent is None:
                return None
            variables, above = {"parent": {"id": parent[0]}}, parent[1]
        finder = RecordFinder(self._client, self._resource, read)
        for page in self._client.pages(read.endpoint, variables):
            # One further call shows whether the account may make it; all of them could be a hundred.
            return as_list(orjson.loads(finder.find(page.answer, _dump(above), variables, calls=1)[0]))
        return []

    def _parents(self, parents: Parents, only: str | None) -> Iterator[tuple[str, Any]]:
        """Each parent's id and raw record, one after the other as they are taken."""
        if only is not None and self._manifest.resources[parents.resource].get is not None:
            yield only, self._one(parents.resource, only).record
            return
        for identifier, record in list_parents(self._client, parents, self._settings, Stop()):
            if only in (None, identifier):
                yield identifier, orjson.loads(record)

    def _scope(
        self, read: Read, parent: tuple[str, Any], args: Mapping[str, Any], joins: Joiner
    ) -> Iterator[LiveRecord | UnreadParent]:
        identifier, record = parent
        try:
            yield from self._records(read, record, {"parent": {"id": identifier}, "args": args}, joins)
        except Unauthorized:
            raise
        except ProviderError as error:
            yield UnreadParent(identifier, error)

    def _records(
        self, read: Read, parent: Any, variables: Mapping[str, Any], joins: Joiner
    ) -> Iterator[LiveRecord | UnreadParent]:
        finder = RecordFinder(self._client, self._resource, read)
        tables = cache(partial(joins.tables, parent, variables))
        for page in self._client.pages(read.endpoint, variables):
            records, joined = finder.find(page.answer, _dump(parent), variables)
            found = self._mapped(orjson.loads(records), parent, joined, variables, joins, tables)
            yield from (record for record in found if not isinstance(record, str))

    # -- what a record becomes ---------------------------------------------------------------------

    def _mapped(
        self,
        records: list[Any],
        parent: Any,
        joined: list[dict[str, Any]],
        variables: Mapping[str, Any],
        joins: Joiner,
        tables: Callable[[], Mapping[str, Table]],
    ) -> Iterator[LiveRecord | str]:
        """The records, each mapped and checked when it is taken; the reason instead of one left out on purpose.

        `tables` gives what is joined for the connection and the parent; it is asked for where there is a record.
        """
        if not records:
            return
        extra = joins.joined(_dump(records), _dump(parent), tables(), variables) or [{}] * len(records)
        beside = [first | second for first, second in zip(joined or [{}] * len(extra), extra, strict=True)]
        for record, more in zip(records, beside, strict=True):
            yield self._map(record, parent, more)

    def _map(self, record: Any, parent: Any, joined: dict[str, Any]) -> LiveRecord | str:
        seen = {"record": record, "parent": parent, "joined": joined, "settings": self._settings}
        try:
            for condition, reason in self._skips:
                if condition.evaluate(seen):
                    return reason
            unified, violations = self._mapper.check(self._mapper.map_one(record, parent, joined))
        except engine.ExpressionError as error:
            return LiveRecord(record, None, [Violation(None, "mapping_failed", str(error))], seen)
        return LiveRecord(record, unified, violations, seen)


def open_pass_through(name: str, resource: str, filters: Sequence[str] = ()) -> PassThrough:
    """The pass-through to a resource of the connection called `name`.

    Raises `ConfigurationError` where the provider cannot read the resource, or lacks one of the filters; nothing has
    been asked of the provider then.
    """
    connection = load_connection(name)
    manifest = manifest_of(connection)
    if resource not in manifest.resources:
        known = ", ".join(manifest.resources)
        raise ConfigurationError(f"{manifest.provider} cannot read {resource}; it can read {known}")
    check_filters(manifest, resource, filters)
    return PassThrough(connection, manifest, resource, Client(manifest, connection))


def _follows(
    page: Page, taken: int, count: int, here: Place, behind: Callable[[], Place | None]
) -> Callable[[], Place | None]:
    def place() -> Place | None:
        mark = after(page, taken, count)
        return behind() if mark is None else replace(here, own=mark)

    return place


def unified(resource: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """A checked record with the model's fields and nothing else."""
    return {each.name: record[each.name] for each in RESOURCES[resource].fields}


def normalized(resource: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """A checked unified record as the flat row that the warehouse would hold."""
    return flatten(RESOURCES[resource], record)


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()
