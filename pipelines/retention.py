"""Deleting history and rejections that are older than a connection keeps them."""

from __future__ import annotations

from datetime import UTC, datetime

import dlt

from mappings.model import RESOURCES
from pipelines.database import Database, open_database
from pipelines.environment import Target
from pipelines.leases import turn
from pipelines.schema import prepare_tables
from pipelines.work import working_folder
from sources.unified_lms.connection import Connection, load_connection
from sources.unified_lms.tables import REJECTED_RECORDS, snapshots

Counts = dict[str, int]
"""Rows deleted, by table."""


def prune_connection(name: str, target: Target) -> Counts:
    """Deletes what the connection's retention does not keep; nothing where it has none."""
    connection = load_connection(name)
    pipeline = target.pipeline(name)
    with working_folder(pipeline, name):
        prepare_tables(pipeline)
        return prune(pipeline, connection)


def prune(pipeline: dlt.Pipeline, connection: Connection) -> Counts:
    """Deletes versions that ended, and rejections that were last met, before the connection's retention.

    Current versions stay, however old they are. The tables have to be there.
    """
    now, keeps, counts = datetime.now(UTC), connection.retention, Counts()
    if keeps.history is None and keeps.rejected is None:
        return counts
    with turn(pipeline, connection.name), open_database(pipeline) as database:
        if keeps.history is not None:
            for table in map(snapshots, RESOURCES.values()):
                _delete(database, counts, connection, table.name, "valid_to", now - keeps.history)
        if keeps.rejected is not None:
            _delete(database, counts, connection, REJECTED_RECORDS.name, "rejected_at", now - keeps.rejected)
    return counts


def _delete(
    database: Database, counts: Counts, connection: Connection, table: str, column: str, before: datetime
) -> None:
    where = f"from {database.table(table)} where connection_id = %s and {database.columns(column)} < %s"
    [found] = database.rows(f"select count(*) as number {where}", connection.name, before)
    if found["number"]:
        database.execute(f"delete {where}", connection.name, before)
    counts[table] = found["number"]
