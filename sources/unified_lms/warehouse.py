"""What a reading asks of the warehouse: the present state of a resource, the versions that it closes, its cursor.

All SQL of ours that reads the destination is here. It is plain enough for every SQL destination of dlt; only values are
bound, identifiers are quoted by dlt's own client.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from dlt.common.destination.exceptions import DestinationUndefinedEntity

from mappings.model import Resource
from sources.unified_lms.cursors import STATE as CURSOR_STATE
from sources.unified_lms.cursors import Cursor
from sources.unified_lms.snapshots import STATE_COLUMNS
from sources.unified_lms.tables import CURSORS, Table, TableColumn, snapshots

if TYPE_CHECKING:
    from dlt.destinations.sql_client import SqlClientBase

_BATCH = 10_000
"""Rows that are fetched together; whole ones are some 8 MB, and several copies of them are on their way at once."""
_IDS = 2_000
"""Ids in one statement, within what every SQL destination binds; each reads the table once, however few it names."""
_MOST_LOOKUPS = 5
"""Beyond so many look-ups by id, reading all current versions once is cheaper.

Of a million rows with 20 columns, 10,000 took 10 s by 500 on PostgreSQL and 1.5 s by 2,000; all of them 4 s. On DuckDB
in 120 MB: 18 s, 5 s and 1.7 s.
"""

LOADS = "_dlt_loads"
"""dlt's table of the loads that have come to their end."""

OpenClient = Callable[[], "AbstractContextManager[SqlClientBase[Any]]"]


class Warehouse:
    """The snapshot table of one connection and resource, as the destination has it."""

    def __init__(self, open_client: OpenClient, connection_id: str, resource: Resource) -> None:
        self._open = open_client
        self._connection_id = connection_id
        self._resource = resource
        self._table = snapshots(resource)

    def state(self) -> Iterator[pa.Table]:
        """The `STATE_COLUMNS` of each record's current version, or of its last one if the record has vanished."""
        columns = {column.name: column.type for column in self._table.columns if column.name in STATE_COLUMNS}
        return self._query(columns, "({valid_to} is null or {deleted_at} is not null)", [])

    def versions(self, ids: pa.StringArray) -> Iterator[pa.Table]:
        """The current versions of the records with these ids, all columns; may give others as well."""
        columns = {column.name: column.type for column in self._table.columns}
        if len(ids) > _IDS * _MOST_LOOKUPS:
            for table in self._query(columns, "{valid_to} is null", []):
                yield table.filter(pc.is_in(table["id"], ids))
            return
        for start in range(0, len(ids), _IDS):
            chunk = ids[start : start + _IDS].to_pylist()
            places = ", ".join(["%s"] * len(chunk))
            yield from self._query(columns, f"{{valid_to}} is null and {{id}} in ({places})", chunk)

    def naming(self, person: str, identifier: str) -> Iterator[pa.Table]:
        """Every version, past ones too, in which a ref of the model (`manager`) is to the person with this id."""
        columns = {column.name: column.type for column in self._table.columns}
        return self._query(columns, f"{{{person}__id}} = %s", [identifier])

    def _query(
        self, columns: dict[str, pa.DataType], condition: str, values: list[Any]
    ) -> Iterator[pa.Table]:
        with self._open() as client:
            present = column_names(client, self._table.name)
            if not present:
                return
            names = {column.name: client.escape_column_name(column.name) for column in self._table.columns}
            listed = ", ".join(
                _selected(column, names)
                for column in self._table.columns
                if column.name in present and column.name in columns
            )
            where = condition.format(**names)
            sql = (
                f"select {listed} from {client.make_qualified_table_name(self._table.name)} "
                f"where {names['connection_id']} = %s and {where}"
            )
            for batch in _batches(client, sql, [self._connection_id, *values]):
                yield _shape(batch, columns)


def column_names(client: SqlClientBase[Any], table: str) -> list[str]:
    """The columns of a table or view as they are, in order; none if there is no such table.

    A table of an older model has fewer of them than the model says.
    """
    try:
        sql = f"select * from {client.make_qualified_table_name(table)} where 1 = 0"
        with client.execute_query(sql) as cursor:
            return [str(column[0]) for column in cursor.native_cursor.description or ()]
    except DestinationUndefinedEntity:
        return []


def read_cursor(open_client: OpenClient | None, connection_id: str, resource: str) -> Cursor:
    """The cursor in the warehouse; an empty one where there is none, or where its load has not come to its end."""
    if open_client is None:
        return Cursor()
    with open_client() as client:
        column = client.escape_column_name
        sql = (
            f"select {', '.join(f'c.{column(name)}' for name in CURSOR_STATE)} "
            f"from {client.make_qualified_table_name(CURSORS.name)} c "
            f"join {client.make_qualified_table_name(LOADS)} l on l.load_id = c.{column('_dlt_load_id')} "
            f"where l.status = 0 and c.{column('connection_id')} = %s and c.{column('resource')} = %s"
        )
        try:
            rows = client.execute_sql(sql, connection_id, resource) or []
        except DestinationUndefinedEntity:
            return Cursor()
    return Cursor(*rows[0]) if rows else Cursor()


def _selected(column: TableColumn, names: dict[str, str]) -> str:
    """The column in a select list; JSON as the text that was loaded, which PostgreSQL's driver would parse."""
    name = names[column.name]
    return f"cast({name} as varchar) as {name}" if column.json else name


def staged_once(open_client: OpenClient, table: Table) -> str | None:
    """The condition that chooses one of the staged rows of each key; None where dlt's own way has to do.

    dlt numbers the rows of each key in a window over all columns. On DuckDB, a million rows took 9 seconds of processor
    time and 1.2 GB that way, and 15 to 24 seconds in 128 MB; with this condition 4 seconds in 128 MB.
    """
    with open_client() as client:
        if type(client).__name__ != "DuckDbSqlClient":
            return None
        _, staging = client.get_qualified_table_names(table.name)
        key = ", ".join(client.escape_column_name(column.name) for column in table.columns if column.key)
    return f"rowid in (select min(rowid) from {staging} group by {key})"


def _batches(client: SqlClientBase[Any], sql: str, values: list[Any]) -> Iterator[pa.Table]:
    """The result as Arrow tables of some ten thousand rows, never all of it in memory."""
    streams = {"DuckDbSqlClient": _from_duckdb, "Psycopg2SqlClient": _from_postgres}
    if stream := streams.get(type(client).__name__):
        yield from stream(client, sql, values)
        return
    with client.execute_query(sql, *values) as cursor:
        yield from cursor.iter_arrow(_BATCH)


def _from_duckdb(client: Any, sql: str, values: list[Any]) -> Iterator[pa.Table]:
    """Its DB-API result is copied once more on the way to Arrow, and DuckDB warns of that."""
    result = client.native_connection.sql(sql.replace("%s", "?"), params=values)
    yield from (pa.Table.from_batches([batch]) for batch in result.to_arrow_reader(_BATCH))


def _from_postgres(client: Any, sql: str, values: list[Any]) -> Iterator[pa.Table]:
    """psycopg2 fetches a whole result before its first row. ADBC streams, but not a statement with values to bind."""
    import adbc_driver_postgresql.dbapi as adbc  # noqa: PLC0415 - 16 MB that only PostgreSQL needs

    with client.native_connection.cursor() as cursor:
        statement = cursor.mogrify(sql, values).decode()
    address = client.credentials.to_native_representation()
    with adbc.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        yield from (pa.Table.from_batches([batch]) for batch in cursor.fetch_record_batch())


def _shape(batch: pa.Table, columns: dict[str, pa.DataType]) -> pa.Table:
    """The batch in exactly these columns and types; a column that the table lacks is null."""
    arrays = [
        batch[name].cast(kind) if name in batch.column_names else pa.nulls(batch.num_rows, kind)
        for name, kind in columns.items()
    ]
    return pa.table(dict(zip(columns, arrays, strict=True)))
