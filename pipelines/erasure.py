"""Erasing one person of a connection from the warehouse (docs/adr/0016-erasing-a-person.md).

First a tombstone is left, so that no reading brings the person back, whatever happens next; then present, history and
ledgers are emptied of the person in one transaction; then a DuckDB file is written anew, since deleted rows stay in its
free blocks. Every step may be repeated.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import dlt
import orjson
import pyarrow as pa

from mappings.model import RESOURCES
from mappings.schemas import arrow_schema
from pipelines.compaction import compact
from pipelines.database import Database, open_database
from pipelines.environment import Target
from pipelines.leases import held_leases, turn
from pipelines.ledger import record
from pipelines.work import take_work
from sources.unified_lms.connection import Connection, load_connection, manifest_of
from sources.unified_lms.erased import (
    enrolments_by_user,
    key_check,
    read_erased,
    tombstone,
    user_of,
    without_person,
)
from sources.unified_lms.errors import WorkTaken
from sources.unified_lms.hashing import row_hashes
from sources.unified_lms.manifest import Manifest
from sources.unified_lms.tables import (
    BACKFILL_PARTITIONS,
    CURSORS,
    REJECTED_RECORDS,
    SYNC_RUNS,
    TOMBSTONES,
    WRITE_BACK_LOG,
    WRITE_BACK_REQUESTS,
    snapshots,
)
from sources.unified_lms.warehouse import OpenClient, Warehouse

USERS, ENROLLMENTS = RESOURCES["users"], RESOURCES["course_enrollments"]

Counts = dict[str, int]
"""Rows deleted or changed, by table."""


def erase_person(name: str, target: Target, person: str) -> Counts:
    """Erases the user with this id from the connection's part of the warehouse.

    Gives the rows concerned by table; also a person who is not there gets a tombstone. Raises `WorkTaken` while a run
    of the connection is under way, which could bring the person back.
    """
    connection = load_connection(name)
    manifest = manifest_of(connection)
    pipeline = target.pipeline(name)
    with ExitStack() as stack:
        run_id = f"erase {secrets.token_hex(8)}"
        work = stack.enter_context(take_work(pipeline, name, list(RESOURCES), run_id))
        _refuse_beside_runs(pipeline, name, run_id, list(work.taken.values()))
        stack.enter_context(turn(pipeline, name, run_id))
        _leave_tombstone(pipeline, connection, manifest, person)
        counts = _erase(pipeline, connection, manifest, person)
    if target.destination == "duckdb":
        compact(target.location)
    return counts


def _refuse_beside_runs(pipeline: dlt.Pipeline, name: str, run_id: str, taken: list[WorkTaken]) -> None:
    with open_database(pipeline) as database:
        others = [(work, holder) for work, holder in held_leases(database, name) if holder.run_id != run_id]
    for work, holder in others:
        taken.append(WorkTaken(str(work), str(holder), holder.until))
    if taken:
        raise taken[0]


def _leave_tombstone(pipeline: dlt.Pipeline, connection: Connection, manifest: Manifest, person: str) -> None:
    erased = read_erased(_opener(pipeline), connection, manifest)
    if erased.holds(person):
        return
    key = connection.privacy.hash_key
    salt = next((salt for salt, used in erased.salts if used == key), None) or secrets.token_hex(16)
    row = {
        "connection_id": connection.name,
        "digest": tombstone(person, salt, key),
        "salt": salt,
        "key_check": key_check(key),
        "erased_at": datetime.now(UTC),
    }
    record(pipeline, TOMBSTONES, [row])


def _opener(pipeline: dlt.Pipeline) -> OpenClient:
    opener: OpenClient = pipeline.sql_client  # type: ignore[assignment]  # dlt's types of `__exit__` are narrower
    return opener


def _erase(pipeline: dlt.Pipeline, connection: Connection, manifest: Manifest, person: str) -> Counts:
    named = dict(_versions_naming(pipeline, connection, person))
    with open_database(pipeline) as database, database.exclusive("erasure"):
        erasing = _Erasing(database, connection.name, person)
        erasing.rejections(by_user=enrolments_by_user(manifest))
        erasing.versions()
        for (resource, ref), table in named.items():
            erasing.name(resource, ref, table)
        erasing.ledgers()
        erasing.writes()
    return erasing.counts


def _versions_naming(
    pipeline: dlt.Pipeline, connection: Connection, person: str
) -> Iterator[tuple[tuple[str, str], pa.Table]]:
    """The versions of other persons' records that name this one, by resource and ref, as they are to be."""
    for resource, ref in (("users", "manager"), ("course_enrollments", "assigned_by")):
        warehouse = Warehouse(_opener(pipeline), connection.name, RESOURCES[resource])
        batches = list(warehouse.naming(ref, person))
        if batches:
            found = pa.concat_tables(batches)
            yield (resource, ref), without_person(found, pa.repeat(pa.scalar(True), found.num_rows), ref)


class _Erasing:
    """The statements of one erasure, in one transaction."""

    def __init__(self, database: Database, connection: str, person: str) -> None:
        self._database = database
        self._connection = connection
        self._person = person
        self.counts: Counts = {}

    def versions(self) -> None:
        """The person's own records and enrolments, present and past."""
        self._delete(snapshots(USERS).name, "id", self._person)
        self._delete(snapshots(ENROLLMENTS).name, "user__id", self._person)

    def rejections(self, *, by_user: bool) -> None:
        """What was rejected of the person; before the enrolments go, by whose ids it is found."""
        table = self._database.table(REJECTED_RECORDS.name)
        enrolments = self._database.rows(
            f"select distinct id from {self._database.table(snapshots(ENROLLMENTS).name)} "
            "where connection_id = %s and user__id = %s",
            self._connection,
            self._person,
        )
        own = {row["id"] for row in enrolments}
        for row in self._database.rows(
            f"select rejection_key, resource, scope, record_id from {table} where connection_id = %s "
            "and resource in ('users', 'course_enrollments')",
            self._connection,
        ):
            if self._concerns(row, own, by_user=by_user):
                self._delete(REJECTED_RECORDS.name, "rejection_key", row["rejection_key"])

    def _concerns(self, row: dict[str, str | None], own: set[str | None], *, by_user: bool) -> bool:
        if row["resource"] == "users":
            return row["record_id"] == self._person
        under = by_user and row["scope"] == self._person
        return under or row["record_id"] in own or user_of(row["record_id"]) == self._person

    def name(self, resource: str, ref: str, versions: pa.Table) -> None:
        """The person as somebody's manager, or as who assigned a course; hashes as the next reading makes them."""
        table, database = snapshots(RESOURCES[resource]), self._database
        columns = [name for name in table.column_names if name.startswith(f"{ref}__")]
        cleared = ", ".join(f"{database.columns(name)} = null" for name in [*columns, "remote_data"])
        hashes = row_hashes(versions.select(arrow_schema(RESOURCES[resource]).names), self._connection)
        for identifier, valid_from, digest in zip(
            versions["id"].to_pylist(), versions["valid_from"].to_pylist(), hashes.to_pylist(), strict=True
        ):
            database.execute(
                f"update {database.table(table.name)} set {cleared}, row_hash = %s "
                "where connection_id = %s and id = %s and valid_from = %s",
                digest, self._connection, identifier, valid_from,
            )  # fmt: skip
        self._count(table.name, versions.num_rows)

    def ledgers(self) -> None:
        """Messages that name the person as the parent that failed, a rotation that stopped there, and bounds of parts.

        A part of a backfill without its bound is read further than it was, which does no harm.
        """
        runs, cursors = self._database.table(SYNC_RUNS.name), self._database.table(CURSORS.name)
        named, gone = f"({self._person})", "this message named a person who was erased"
        self._database.execute(
            f"update {runs} set message = %s where connection_id = %s and message <> replace(message, %s, '')",
            gone, self._connection, named,
        )  # fmt: skip
        self._database.execute(
            f"update {cursors} set rotation_after = null where connection_id = %s and rotation_after = %s",
            self._connection,
            self._person,
        )
        for bound in map(self._database.columns, ("lower", "upper")):
            self._database.execute(
                f"update {self._database.table(BACKFILL_PARTITIONS.name)} set {bound} = null "
                f"where connection_id = %s and {bound} = %s",
                self._connection, self._person,
            )  # fmt: skip

    def writes(self) -> None:
        """What was asked to be written of the person, and what became of it."""
        for table in (WRITE_BACK_LOG.name, WRITE_BACK_REQUESTS.name):
            for row in self._database.rows(
                f"select * from {self._database.table(table)} where connection_id = %s", self._connection
            ):
                if self._written(row):
                    self._delete(table, "request_id", row["request_id"])

    def _written(self, row: dict[str, Any]) -> bool:
        ids = {row["record_id"], row.get("result_id")}
        if row["resource"] == "users":
            return self._person in ids
        if row["resource"] != "course_enrollments":
            return False
        payload = row["payload"]
        asked = orjson.loads(payload) if isinstance(payload, (str, bytes)) else payload or {}
        named = (asked.get("user") or {}).get("id") if isinstance(asked, dict) else None
        return named == self._person or self._person in {user_of(one) for one in ids}

    def _delete(self, table: str, column: str, value: str | None) -> None:
        where = f"from {self._database.table(table)} where connection_id = %s and {self._database.columns(column)} = %s"
        [found] = self._database.rows(f"select count(*) as number {where}", self._connection, value)
        self._database.execute(f"delete {where}", self._connection, value)
        self._count(table, found["number"])

    def _count(self, table: str, rows: int) -> None:
        self.counts[table] = self.counts.get(table, 0) + rows
