"""The views of the present: `<resource>` shows the rows of `<resource>_snapshots` whose `valid_to` is null."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dlt

from mappings.model import RESOURCES
from sources.unified_lms.tables import snapshots


def create_views(pipeline: dlt.Pipeline, resources: Iterable[str] = tuple(RESOURCES)) -> None:
    """Creates or replaces the view of each resource; those without a snapshot table yet are left out."""
    with pipeline.sql_client() as client:
        for name in resources:
            if name in RESOURCES and _exists(pipeline, name):
                client.execute_sql(_view_sql(client, name))


def _exists(pipeline: dlt.Pipeline, resource: str) -> bool:
    table = snapshots(RESOURCES[resource]).name
    return any(table in schema.tables for schema in pipeline.schemas.values())


def _view_sql(client: Any, resource: str) -> str:
    table = snapshots(RESOURCES[resource])
    columns = ", ".join(client.escape_column_name(name) for name in table.column_names)
    view = client.make_qualified_table_name(resource)
    source = client.make_qualified_table_name(table.name)
    return f"create or replace view {view} as select {columns} from {source} where valid_to is null"
