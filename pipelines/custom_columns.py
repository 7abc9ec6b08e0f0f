"""Where each field comes from, in the warehouse, and views in which typed custom fields have a column of their own.

`mapping_lineage` holds what is in force for each connection and resource. From it the views `<resource>_custom` are
made: the present as `<resource>` shows it, and a column for each custom field whose type some overlay declares.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dlt
import orjson
from dlt.destinations.exceptions import DatabaseException

from mappings.lineage import lineage
from mappings.model import RESOURCES
from mappings.overlays import CUSTOM
from pipelines.database import Database, open_database
from sources.unified_lms.connection import Connection
from sources.unified_lms.manifest import Manifest
from sources.unified_lms.run import resource_mapping
from sources.unified_lms.tables import MAPPING_LINEAGE

log = logging.getLogger(__name__)

_SQL_TYPES = {
    "string": ("text", None),
    "integer": ("bigint", r"^-?[0-9]{1,18}$"),
    "number": ("double precision", r"^-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,2})?$"),
    "boolean": ("boolean", r"^(true|false)$"),
    "timestamp": (
        "timestamp with time zone",
        r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T[0-9:.]{8,15}(Z|[+-][0-9:]+)$",
    ),
}
"""The SQL type of each declared type, and what a text looks like that can be cast to it.

Rows that an older mapping made may hold another, and one such value would make the whole view fail.
"""


def custom_view(resource: str) -> str:
    """The name of the view with the typed custom fields of a resource."""
    return f"{resource}_custom"


def record_mappings(
    pipeline: dlt.Pipeline, connection: Connection, manifest: Manifest, resources: Iterable[str]
) -> None:
    """Writes the lineage of the resources into `mapping_lineage`, and makes their views anew, where it has changed."""
    with open_database(pipeline) as database:
        for resource in resources:
            mapping = resource_mapping(manifest, resource, connection)
            if mapping.digest != _recorded(database, connection.name, resource):
                _renew(database, connection, resource, _rows(connection, resource, mapping))


def _renew(
    database: Database, connection: Connection, resource: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Writes the lineage and makes the view, both or neither: what could not be made is tried again by the next run."""
    try:
        with database.exclusive("mappings"):
            _replace(database, connection.name, resource, rows)
            _create_custom_view(database, resource)
    except DatabaseException:
        view = custom_view(resource)
        log.warning("%s could not be made anew, and is as it was; drop the views that depend on it", view)


def _recorded(database: Database, connection: str, resource: str) -> str | None:
    """The digest whose lineage is there."""
    digest = database.columns("mapping_digest")
    found = database.rows(
        f"select {digest} from {database.table(MAPPING_LINEAGE.name)} "
        f"where {database.columns('connection_id')} = %s and {database.columns('resource')} = %s limit 1",
        connection,
        resource,
    )
    return str(found[0]["mapping_digest"]) if found else None


def _rows(connection: Connection, resource: str, mapping: Any) -> list[dict[str, Any]]:
    beside = {
        "connection_id": connection.name,
        "resource": resource,
        "provider": connection.provider,
        "mapping_digest": mapping.digest,
    }
    return [
        beside
        | {
            "field": one.path,
            "level": one.level if one.expression is not None else None,
            "place": one.place,
            "expression": one.expression,
            "reads": orjson.dumps(one.reads).decode(),
            "column_type": one.type,
        }
        for one in lineage(RESOURCES[resource], mapping.merged)
    ]


def _replace(database: Database, connection: str, resource: str, rows: Sequence[Mapping[str, Any]]) -> None:
    table, names = database.table(MAPPING_LINEAGE.name), MAPPING_LINEAGE.column_names
    database.execute(
        f"delete from {table} where {database.columns('connection_id')} = %s "
        f"and {database.columns('resource')} = %s",
        connection,
        resource,
    )
    places = ", ".join(["%s"] * len(names))
    for row in rows:
        values = [row[name] for name in names]
        database.execute(f"insert into {table} ({database.columns(*names)}) values ({places})", *values)


def _create_custom_view(database: Database, resource: str) -> None:
    """Makes the view of a resource anew; without a typed custom field there is none."""
    view = database.table(custom_view(resource))
    declared = _declared(database, resource)
    shown = database.column_names(resource)
    database.execute(f"drop view if exists {view}")
    if declared and shown:
        columns = ", ".join(_column(database, name, types) for name, types in sorted(declared.items()))
        database.execute(
            f"create view {view} as select {database.columns(*shown)}, {columns} from {database.table(resource)}"
        )


def _declared(database: Database, resource: str) -> dict[str, dict[str, str]]:
    """The typed custom fields: the type that each connection declares, by field."""
    found: dict[str, dict[str, str]] = {}
    rows = database.rows(
        f"select {database.columns('connection_id', 'field', 'column_type')} "
        f"from {database.table(MAPPING_LINEAGE.name)} where {database.columns('resource')} = %s "
        f"and {database.columns('column_type')} is not null",
        resource,
    )
    for row in rows:
        name = str(row["field"]).removeprefix(f"{CUSTOM}.")
        found.setdefault(name, {})[str(row["connection_id"])] = str(row["column_type"])
    return found


def _column(database: Database, name: str, types: Mapping[str, str]) -> str:
    """One column of a view. Where connections declare different types for a name, it is text."""
    kinds = set(types.values())
    if len(kinds) > 1:
        log.warning("custom_fields.%s has different types (%s): its column is text", name, _told(types))
    sql_type, pattern = _SQL_TYPES[kinds.pop() if len(kinds) == 1 else "string"]
    value = f"({database.columns(CUSTOM)} ->> '{name}')"
    connections = ", ".join(f"'{connection}'" for connection in sorted(types))
    fits = f" and {value} ~ '{pattern}'" if pattern else ""
    asked = f"{database.columns('connection_id')} in ({connections}){fits}"
    return f"case when {asked} then cast({value} as {sql_type}) end as {database.columns(name)}"


def _told(types: Mapping[str, str]) -> str:
    return ", ".join(f"{connection}: {kind}" for connection, kind in sorted(types.items()))
