"""The ledger of backfills, `backfill_partitions`: what they are divided into, and which parts are in the warehouse."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dlt

from pipelines.database import Database, open_database
from pipelines.ledger import record
from pipelines.partitions import Partition
from sources.unified_lms.tables import BACKFILL_PARTITIONS
from sources.unified_lms.warehouse import LOADS

Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What a backfill was asked for; the same again goes on with it."""

    connection: str
    resource: str
    provider: str
    since: datetime | None
    until: datetime | None
    digest: str

    def same_bounds(self, row: Row) -> bool:
        """Whether a row of the ledger belongs to a backfill of the same window, under whatever mapping."""
        return (self.since, self.until) == (row["requested_since"], row["requested_until"])


@dataclass(frozen=True)
class Ledger:
    """One backfill of one resource: its parts, each with its row, and those that are in the warehouse."""

    backfill_id: str
    parts: tuple[tuple[Partition, Row], ...]
    done: frozenset[int]

    @property
    def pending(self) -> list[tuple[Partition, Row]]:
        """What is still to be read, in order."""
        return [(part, row) for part, row in self.parts if part.number not in self.done]


def find_unfinished(pipeline: dlt.Pipeline, asked: Asked) -> Ledger | None:
    """The backfill of the same that has not come to its end; None where there is none."""
    rows = [row for row in _rows(pipeline, asked) if row["digest"] == asked.digest]
    for backfill_id in dict.fromkeys(row["backfill_id"] for row in rows):
        found = _ledger([row for row in rows if row["backfill_id"] == backfill_id])
        if found.pending:
            return found
    return None


def begin(pipeline: dlt.Pipeline, asked: Asked, partitions: Sequence[Partition]) -> Ledger:
    """A new backfill; what is left of an earlier one of the same is abandoned."""
    abandoned = [row | {"status": "abandoned"} for row in _rows(pipeline, asked) if not _is_done(row)]
    common: Row = {
        "backfill_id": uuid.uuid4().hex,
        "connection_id": asked.connection,
        "resource": asked.resource,
        "provider": asked.provider,
        "requested_since": asked.since,
        "requested_until": asked.until,
        "digest": asked.digest,
        "status": "pending",
        "planned_at": datetime.now(UTC),
    }
    rows = [
        common | {"partition": p.number, "kind": p.kind, "lower": p.lower, "upper": p.upper}
        for p in partitions
    ]
    record(pipeline, BACKFILL_PARTITIONS, [*abandoned, *rows])
    return _ledger(rows)


def is_done(pipeline: dlt.Pipeline, part: Row) -> bool:
    """Whether a part is in the warehouse by now, whoever has read it."""
    with open_database(pipeline) as database:
        same = f"p.{database.columns('backfill_id')} = %s and p.{database.columns('partition')} = %s"
        return any(_is_done(row) for row in _select(database, same, part["backfill_id"], part["partition"]))


def unfinished(database: Database, connection: str) -> list[Row]:
    """For each backfill of a connection that has parts left: its resource, and how many of its parts are done."""
    rows = _select(database, "connection_id = %s and p.status <> 'abandoned'", connection)
    found = []
    for backfill_id in dict.fromkeys(row["backfill_id"] for row in rows):
        mine = [row for row in rows if row["backfill_id"] == backfill_id]
        one = _ledger(mine)
        if one.pending:
            found.append({"resource": mine[0]["resource"], "parts": len(one.parts), "done": len(one.done)})
    return found


def _ledger(rows: Iterable[Row]) -> Ledger:
    ordered = sorted(rows, key=lambda row: int(row["partition"]))
    parts = [(Partition(row["partition"], row["kind"], row["lower"], row["upper"]), row) for row in ordered]
    done = frozenset(row["partition"] for row in ordered if _is_done(row))
    return Ledger(ordered[0]["backfill_id"], tuple(parts), done)


def _is_done(row: Row) -> bool:
    """Whether a part is in the warehouse, its load having come to its end."""
    return row["status"] == "done" and row.get("loaded") == 0


def _rows(pipeline: dlt.Pipeline, asked: Asked) -> list[Row]:
    with open_database(pipeline) as database:
        condition = "connection_id = %s and resource = %s and p.status <> 'abandoned'"
        found = _select(database, condition, asked.connection, asked.resource)
    return [row for row in found if asked.same_bounds(row)]


def _select(database: Database, condition: str, *values: str | int) -> list[Row]:
    """The rows, each with the status of its load.

    dlt notes a load once more when it was killed after it had, and before it had put the package away.
    """
    columns = ", ".join(f"p.{database.columns(name)}" for name in BACKFILL_PARTITIONS.column_names)
    load_id, loads = database.columns("_dlt_load_id"), database.table(LOADS)
    noted_once = f"(select load_id, min(status) as status from {loads} group by load_id)"  # noqa: S608
    sql = (
        f"select {columns}, l.status as loaded from {database.table(BACKFILL_PARTITIONS.name)} p "  # noqa: S608
        f"left join {noted_once} l on l.load_id = p.{load_id} "
        f"where {condition} order by p.planned_at desc"
    )
    return database.rows(sql, *values)
