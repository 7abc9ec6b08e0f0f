"""Forgetting where a connection's reading goes on: the next run reads everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.environment import Target
from pipelines.reading import open_reading
from sources.unified_lms.tables import CURSORS


def find_cursors(target: Target, connection: str, resources: Sequence[str] | None) -> list[dict[str, Any]]:
    """The cursors of a connection, of all its resources or of some; each with its resource, position and so on."""
    with open_reading(target) as reading:
        if reading is None:
            return []
        rows = reading.rows(
            "select resource, position, full_at, rotation_after "  # noqa: S608 - the table's name is ours
            f"from {reading.table(CURSORS.name)} where connection_id = %s order by resource",
            connection,
        )
    return [row for row in rows if resources is None or row["resource"] in resources]


def forget_cursors(target: Target, connection: str, resources: Sequence[str]) -> None:
    """Deletes the cursors of these resources, which `find_cursors` has found."""
    with target.pipeline(connection).sql_client() as client:
        column = client.escape_column_name
        sql = (
            f"delete from {client.make_qualified_table_name(CURSORS.name)} "  # noqa: S608
            f"where {column('connection_id')} = %s and {column('resource')} = %s"
        )
        for resource in resources:
            client.execute_sql(sql, connection, resource)
