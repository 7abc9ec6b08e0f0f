"""Reading the warehouse without ever changing it: for status, and to see whether there is one at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dlt
import duckdb
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.destinations.sql_client import SqlClientBase

from pipelines.environment import Target
from pipelines.waiting import wait_for_file


class WarehouseReading:
    """Queries over one dataset; made by `open_reading`."""

    def __init__(self, client: SqlClientBase[Any]) -> None:
        self.client = client

    def table(self, name: str) -> str:
        """The name of a table as it stands in SQL."""
        return self.client.make_qualified_table_name(name)

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """The rows of a query; none where a table that it names does not exist yet. Values are bound to `%s`."""
        try:
            with self.client.execute_query(sql, *values) as cursor:
                names = [str(column[0]) for column in cursor.native_cursor.description or ()]
                return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except DestinationUndefinedEntity:
            return []


@contextmanager
def open_reading(target: Target) -> Iterator[WarehouseReading | None]:
    """The warehouse, read only; None where there is none yet, and none is made."""
    if target.destination == "duckdb":
        if not Path(target.location).is_file():
            yield None
            return
        with wait_for_file(
            lambda: duckdb.connect(target.location, read_only=True), target.location
        ) as connection:
            yield from _readings(dlt.destinations.duckdb(connection), target.dataset)
        return
    yield from _readings(dlt.destinations.postgres(), target.dataset)


@contextmanager
def open_client(target: Target) -> Iterator[SqlClientBase[Any]]:
    """A client of the warehouse, read only, for as long as the block runs; the warehouse has to be there."""
    if target.destination != "duckdb":
        with _client(dlt.destinations.postgres(), target.dataset) as client:
            yield client
        return
    with (
        wait_for_file(lambda: duckdb.connect(target.location, read_only=True), target.location) as connection,
        _client(dlt.destinations.duckdb(connection), target.dataset) as client,
    ):
        yield client


def _client(destination: Any, dataset: str) -> SqlClientBase[Any]:
    return dlt.dataset(destination, dataset, schema=dlt.Schema("unified_lms")).sql_client


def _readings(destination: Any, dataset: str) -> Iterator[WarehouseReading | None]:
    with _client(destination, dataset) as client:
        yield WarehouseReading(client) if client.has_dataset() else None


def warehouse_exists(target: Target) -> bool:
    """Whether anything has been loaded yet."""
    with open_reading(target) as reading:
        return reading is not None
