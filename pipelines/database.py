"""SQL of our own beside what dlt loads: one wrapper for it, and what each dialect needs.

Statements are plain enough for every SQL destination of dlt: identifiers are quoted by dlt's client, values are bound,
and intervals are reckoned in Python. What differs is `exclusive`: PostgreSQL has advisory locks, a DuckDB file is open
in one process at a time, and any other destination is taken to have one writer.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dlt
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.destinations.sql_client import SqlClientBase

from sources.unified_lms.warehouse import column_names

_IN_PROCESS = threading.RLock()
"""Threads of one process share an open DuckDB file, so that the file's own lock does not part them."""


class Database:
    """One dataset of the destination, open; made by `open_database`."""

    def __init__(self, client: SqlClientBase[Any]) -> None:
        self.client = client

    def table(self, name: str) -> str:
        """The name of a table or view of the dataset as it stands in SQL."""
        return self.client.make_qualified_table_name(name)

    def columns(self, *names: str) -> str:
        """Names of columns as they stand in SQL, with commas between."""
        return ", ".join(self.client.escape_column_name(name) for name in names)

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """The rows of a query; none where a table that it names does not exist yet. Values are bound to `%s`."""
        try:
            with self.client.execute_query(sql, *values) as cursor:
                names = [str(column[0]) for column in cursor.native_cursor.description or ()]
                return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except DestinationUndefinedEntity:
            return []

    def execute(self, sql: str, *values: Any) -> None:
        """Executes a statement."""
        self.client.execute_sql(sql, *values)

    def column_names(self, table: str) -> list[str]:
        """The columns of a table or view as they are, in order; none if there is no such table."""
        return column_names(self.client, table)

    @contextmanager
    def exclusive(self, purpose: str) -> Iterator[None]:
        """One transaction that no other with the same purpose runs beside, in any process, until it is committed."""
        with _IN_PROCESS, self.client.begin_transaction():
            if _is_postgres(self.client):
                self.execute("select pg_advisory_xact_lock(%s)", _lock_number(self.client, purpose))
            yield


@contextmanager
def open_database(source: dlt.Pipeline | SqlClientBase[Any]) -> Iterator[Database]:
    """The dataset of a pipeline opened, or that of a client made from it, which may be opened again and again."""
    with source.sql_client() if isinstance(source, dlt.Pipeline) else source as client:
        yield Database(client)


@contextmanager
def session_lock(pipeline: dlt.Pipeline, purpose: str) -> Iterator[None]:
    """Keeps other sessions with the same purpose waiting while the block runs, whatever it commits meanwhile."""
    with _IN_PROCESS, pipeline.sql_client() as client:
        if _is_postgres(client):
            client.execute_sql("select pg_advisory_lock(%s)", _lock_number(client, purpose))
        yield  # the lock goes with the session


def _is_postgres(client: SqlClientBase[Any]) -> bool:
    return type(client).__name__ == "Psycopg2SqlClient"


def _lock_number(client: SqlClientBase[Any], purpose: str) -> int:
    """A number of 64 bits for a purpose in a dataset, as advisory locks have it."""
    text = f"unified_lms/{client.fully_qualified_dataset_name()}/{purpose}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)
