"""The warehouse's tables and views, made and widened before a run by one process at a time.

dlt would make each table when it first loads it. Two first runs at once then fail on PostgreSQL with a duplicate key in
its catalogue (dlt issue 1711), and a view could be asked for before its table is there.
"""

from __future__ import annotations

import dlt
from dlt.common.schema.utils import new_table, pipeline_state_table

from mappings.model import RESOURCES, Resource
from pipelines.database import open_database, session_lock
from pipelines.views import create_views
from sources.unified_lms.errors import DuplicateVersions
from sources.unified_lms.tables import LEDGERS, snapshots

SCHEMA = "unified_lms"
"""The name of the source, and so of its dlt schema."""


def prepare_tables(pipeline: dlt.Pipeline) -> None:
    """Makes what is missing of the dataset: tables, the columns that an older version did not have, views.

    The same for every connection, so that only the first run of a version changes anything.
    """
    with session_lock(pipeline, "schema"):
        pipeline.sync_destination()
        schema = pipeline.schemas[SCHEMA] if SCHEMA in pipeline.schemas else dlt.Schema(SCHEMA)
        for table in (*map(snapshots, RESOURCES.values()), *LEDGERS):
            schema.update_table(new_table(table.name, columns=table.hints, write_disposition="merge"))  # type: ignore[arg-type]
        schema.update_table(pipeline_state_table())
        pipeline.schemas.save_schema(schema)
        pipeline.sync_schema(SCHEMA)
        create_views(pipeline)


def assert_one_current_version(pipeline: dlt.Pipeline, connection: str, resource: Resource) -> None:
    """Raises `DuplicateVersions` unless every record of the connection has at most one current version."""
    with open_database(pipeline) as database:
        name, key, valid_to = (database.columns(column) for column in ("id", "connection_id", "valid_to"))
        found = database.rows(
            f"select {name} from {database.table(snapshots(resource).name)} where {key} = %s and {valid_to} is null "
            f"group by {name} having count(*) > 1",
            connection,
        )
    if found:
        raise DuplicateVersions(connection, resource.name, sorted(row["id"] for row in found))
