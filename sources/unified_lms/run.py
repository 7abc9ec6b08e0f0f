"""One run of one resource of one connection: read, compare, and what goes to the warehouse."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from mappings import library
from mappings.bounds import TooSlow
from mappings.mapper import Mapper, Skip
from mappings.model import RESOURCES
from sources.unified_lms.client import Client
from sources.unified_lms.connection import Connection
from sources.unified_lms.cursors import Cursor, reading_digest
from sources.unified_lms.erased import Erased, read_erased
from sources.unified_lms.errors import BudgetExhausted, MappingFailed, MappingTooSlow, Stopped
from sources.unified_lms.manifest import Manifest
from sources.unified_lms.manifest.changes import fingerprint
from sources.unified_lms.plan import Plan, plan_run
from sources.unified_lms.privacy import protect
from sources.unified_lms.reader import Outcome, ReadBatch, Reader
from sources.unified_lms.selection import Selection
from sources.unified_lms.snapshots import Changes, Comparison, Read
from sources.unified_lms.spool import Spool, Stamp
from sources.unified_lms.stopping import Stop
from sources.unified_lms.tables import (
    BACKFILL_PARTITIONS,
    CURSORS,
    REJECTED_RECORDS,
    SYNC_RUNS,
    Table,
    snapshots,
)
from sources.unified_lms.warehouse import OpenClient, Warehouse, read_cursor


@dataclass(frozen=True)
class Part:
    """A part of a resource that a backfill reads, and its row of `backfill_partitions`."""

    selection: Selection
    row: Mapping[str, Any]


@dataclass(frozen=True)
class Options:
    """How a run behaves."""

    allow_deletions: bool = False
    """Go on although more than half of what was covered would be retired."""
    keep_raw: bool = False
    """Keep the provider's own records in `remote_data`."""
    full: bool = False
    """Read everything from the beginning, whatever earlier runs came to."""
    filters: Mapping[str, str] = field(default_factory=dict)
    """The provider's own filters, by their unified names, that select a part."""
    part: Part | None = None
    """The part that a backfill reads."""
    stop: Stop = field(default_factory=Stop)
    """Asks the run to end at the next safe point: what was read by then is loaded, as a part."""
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    spool_folder: Path | None = None
    progress: Callable[[str, int], None] = lambda resource, records: None
    """Called with the resource and the number of records read so far."""
    before_comparing: Callable[[], None] = lambda: None
    """Called when everything is read, before it is compared: the place to wait for one's turn at the warehouse."""


class How(TypedDict, total=False):
    """The `Options` that whoever asks for a run may choose."""

    full: bool
    allow_deletions: bool
    filters: Mapping[str, str]
    stop: Stop
    progress: Callable[[str, int], None]


@dataclass(frozen=True)
class Artifact:
    """A parquet file for one table of the warehouse."""

    table: Table
    file: Path
    rows: int


class ResourceRun:
    """Reads a resource to its end and compares it with the warehouse; a context manager, since it holds a spool."""

    def __init__(
        self,
        connection: Connection,
        manifest: Manifest,
        resource: str,
        options: Options,
        *,
        load_id: str = "",
        open_warehouse: OpenClient | None = None,
    ) -> None:
        self._connection = connection
        self._manifest = manifest
        self._resource = RESOURCES[resource]
        self._options = options
        self._open = open_warehouse
        self._mapping = resource_mapping(manifest, resource, connection)
        self._digest = reading_digest(self._mapping, connection)
        self._cursor = Cursor()
        self._erased = Erased()
        self._plan = Plan("full", Selection())
        self._began = time.monotonic()
        stamp = Stamp(
            connection.name,
            manifest.provider,
            self._resource,
            options.run_id,
            self._mapping.digest,
            datetime.now(UTC),
            load_id,
        )
        self._spool = Spool(stamp, options.spool_folder)
        self.outcome = Outcome()
        self.report: dict[str, Any] = {}

    def __enter__(self) -> ResourceRun:
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.__exit__(None, None, None)

    def artifacts(self) -> Iterator[Artifact]:
        """Reads, compares, and gives what is to be loaded; the rows of `sync_runs` and `cursors` come last.

        Raises `DeletionsRefused`, `MappingFailed` or `MappingTooSlow`, before it gives anything, when the reading
        cannot be believed.
        """
        self._erased = read_erased(self._open, self._connection, self._manifest)
        self._cursor = self._earlier()
        requests = self._read()
        self._refuse_if_nothing_maps()
        self._options.before_comparing()
        changes = self._compare()
        if changes.file is not None:
            yield Artifact(snapshots(self._resource), changes.file, changes.rows)
        rejected = self._rejected()
        if rejected.rows:  # a file without rows cannot be copied into PostgreSQL
            yield rejected
        yield self._reported(changes, requests)
        if self._plan.moves_cursor:
            yield self._moved()
        if self._options.part and self.report["status"] == "done":
            yield self._finished(self._options.part)

    def _earlier(self) -> Cursor:
        """What earlier runs came to, as far as it still holds."""
        if self._options.full:
            return Cursor(digest=self._digest)
        return read_cursor(self._open, self._connection.name, self._resource.name).under(self._digest)

    def _read(self) -> int:
        with Client(self._manifest, self._connection, stop=self._options.stop) as client:
            try:
                self._read_with(client)
            except (BudgetExhausted, Stopped) as error:  # before the first request for the resource itself
                self.outcome = Outcome(exhausted=error, resume_after=self._cursor.rotation_after)
            self._spool.finish()
            return client.requests_made

    def _read_with(self, client: Client) -> None:
        mapper = make_mapper(self._mapping, self._manifest, dict(client.settings))
        self._plan = self._planned(client.settings)
        selection = replace(self._plan.selection, raw=self._options.keep_raw)
        reader = Reader(client, self._manifest, self._resource.name, mapper, selection, self._options.stop)
        self.outcome = reader.outcome
        try:
            self._take(reader.batches())
        except TooSlow:
            records = self.outcome.records
            raise MappingTooSlow(self._connection.name, self._resource.name, records) from None

    def _take(self, batches: Iterator[ReadBatch]) -> None:
        for batch in batches:
            kept = self._erased.without_erased(batch, self._resource)
            rows, raw = protect(kept.table, kept.raw, self._resource, self._connection.privacy)
            self._spool.add(rows, kept.scopes, raw)
            self._spool.reject(kept.rejections)
            self._options.progress(self._resource.name, self.outcome.records)

    def _planned(self, settings: Mapping[str, Any]) -> Plan:
        return plan_run(
            self._manifest,
            self._resource.name,
            settings,
            cursor=self._cursor,
            rhythm=self._connection.sync,
            now=self._spool.stamp.valid_from,
            filters=self._options.filters,
            part=self._options.part.selection if self._options.part else None,
        )

    def _refuse_if_nothing_maps(self) -> None:
        outcome = self.outcome
        if outcome.lost and not self._spool.rows:
            reason = _first_reason(self._spool.rejected_file)
            raise MappingFailed(self._connection.name, self._resource.name, outcome.lost, reason)

    def _compare(self) -> Changes:
        outcome = self.outcome
        covered = Read(outcome.whole, outcome.scopes, outcome.parents)
        read = Read(False) if self._plan.selection.filtered else covered
        read = replace(read, deleted=outcome.deleted)
        open_client = self._open
        comparison = Comparison(self._spool, read)
        if open_client is None:
            return comparison.run(lambda: (), lambda ids: ())
        warehouse = Warehouse(open_client, self._connection.name, self._resource)
        return comparison.run(
            warehouse.state, warehouse.versions, allow_deletions=self._options.allow_deletions
        )

    def _rejected(self) -> Artifact:
        file = self._spool.path / "rejected_once.parquet"
        with duckdb.connect() as db:
            db.execute(
                "copy (select * exclude (whole) from read_parquet($source) "
                "qualify row_number() over (partition by rejection_key) = 1) to '"
                + str(file)
                + "' (format parquet)",
                {"source": str(self._spool.rejected_file)},
            )
        return Artifact(REJECTED_RECORDS, file, pq.read_metadata(file).num_rows)

    def _reported(self, changes: Changes, requests: int) -> Artifact:
        outcome, stamp = self.outcome, self._spool.stamp
        self.report = {
            "run_id": stamp.run_id,
            "connection_id": stamp.connection_id,
            "resource": stamp.resource.name,
            "provider": stamp.provider,
            "mode": "partial" if outcome.exhausted and self._plan.mode == "full" else self._plan.mode,
            "status": "partial" if outcome.failed or outcome.exhausted else "done",
            "window_since": self._plan.selection.since,
            "window_until": self._plan.selection.until,
            "started_at": stamp.valid_from,
            "duration_seconds": round(time.monotonic() - self._began, 3),
            "requests": requests,
            "records_read": outcome.records,
            "records_skipped": outcome.skipped.total(),
            "records_rejected": outcome.lost,
            "fields_rejected": outcome.fields,
            "records_new": changes.new,
            "records_changed": changes.changed,
            "records_retired": changes.retired,
            "scopes_read": len(outcome.scopes),
            "scopes_failed": len(outcome.failed),
            "mapping_digest": stamp.mapping_digest,
            "message": message(outcome, self._missing()),
            "_dlt_load_id": stamp.load_id,
        }
        return row_artifact(SYNC_RUNS, self.report, self._spool.path)

    def _moved(self) -> Artifact:
        """The cursor after this run."""
        stamp, outcome = self._spool.stamp, self.outcome
        if self.report["status"] == "done":
            cursor = self._cursor.after_run(stamp.valid_from, full=self._plan.mode == "full")
        else:
            cursor = self._cursor.stopped_after(outcome.resume_after)
        cursor = cursor if self._plan.position else replace(cursor, position=None)
        row = cursor.row(self._connection, self._resource.name, stamp.run_id)
        return row_artifact(CURSORS, row | {"_dlt_load_id": stamp.load_id}, self._spool.path)

    def _finished(self, part: Part) -> Artifact:
        """The part of a backfill, now that it has been read whole."""
        stamp = self._spool.stamp
        ended = {"status": "done", "finished_at": datetime.now(UTC), "run_id": stamp.run_id}
        row = {**part.row, **ended, "_dlt_load_id": stamp.load_id}
        return row_artifact(BACKFILL_PARTITIONS, row, self._spool.path)

    def _missing(self) -> list[str]:
        """What stays null in this resource because a setting has no value."""
        return missing_fields(self._manifest, self._connection, self._resource.name)


_NOT_WHOLE = "What was read is kept, and nothing counts as deleted."


def missing_fields(manifest: Manifest, connection: Connection, resource: str) -> list[str]:
    """One sentence for each setting without a value that leaves fields of the resource null."""
    found = []
    for name, setting in manifest.settings.items():
        fields = setting.without.fields.get(resource, ()) if setting.without else ()
        if (
            fields
            and connection.settings.get(name) is None
            and setting.default is None
            and not setting.discover
        ):
            found.append(f"{', '.join(fields)} of {resource} stay null: {setting.without.note}")  # type: ignore[union-attr]
    return found


def message(outcome: Outcome, missing: list[str]) -> str | None:
    """What the run has to say: why it is partial, what stays empty."""
    parts = list(missing)
    if outcome.exhausted is not None:
        read = f"{len(outcome.scopes)} parents were read, the next run goes on after them"
        parts.append(f"{outcome.exhausted} {read if outcome.scopes else _NOT_WHOLE}")
    if outcome.failed:
        scope, error = outcome.failed[0]
        parts.append(f"{len(outcome.failed)} parents could not be read, the first of them ({scope}): {error}")
    return "; ".join(parts) or None


def row_artifact(table: Table, values: dict[str, Any], folder: Path) -> Artifact:
    """One row of a table as a file."""
    file = folder / f"{table.name}.parquet"
    row = {name: values.get(name) for name in table.column_names}
    pq.write_table(pa.Table.from_pylist([row], schema=table.arrow_schema), file)
    return Artifact(table, file, 1)


def resource_mapping(manifest: Manifest, resource: str, connection: Connection) -> library.Mapping:
    """The mapping in force, its digest over everything that decides what a record becomes."""
    overlays = connection.overlays
    mapping = library.load_mapping(
        manifest.provider, resource, connection.folders, overlays.mappings.get(resource, ())
    )
    decisive: tuple[str, ...] = (
        mapping.digest,
        manifest.resources[resource].model_dump_json(exclude={"writes"}),
        fingerprint(overlays.changes),
    )
    if connection.privacy:
        decisive += (connection.privacy.digest,)
    digest = hashlib.blake2b("\x1f".join(decisive).encode(), digest_size=16).hexdigest()
    return replace(mapping, digest=digest)


def make_mapper(mapping: library.Mapping, manifest: Manifest, settings: dict[str, Any]) -> Mapper:
    """The mapper of a mapping under a connection's settings."""
    spec = manifest.resources[mapping.resource]
    return Mapper(
        RESOURCES[mapping.resource],
        mapping.source,
        settings=settings,
        skips=[Skip(rule.when, rule.reason) for rule in spec.skip],
        identify=spec.identify,
        name=f"{mapping.provider}/{mapping.resource}.jsonata",
        places=mapping.merged.places,
        types=mapping.types,
    )


def _first_reason(rejected: Path) -> str:
    table = pq.read_table(rejected, columns=["reason"])
    return str(table["reason"][0].as_py())
