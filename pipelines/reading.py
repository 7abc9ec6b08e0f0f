"""Reading the warehouse without ever changing it: for status, and to see whether there is one at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dlt
import duckdb
from dlt.destinations.sql_client import SqlClientBase

from pipelines.database import Database
from pipelines.environment import Target
from pipelines.waiting import wait_for_file


@contextmanager
def open_reading(target: Target, *, patience: float | None = None) -> Iterator[Database | None]:
    """The warehouse, read only; None where there is none yet, and none is made.

    `patience` is how many seconds to wait for a DuckDB file that is in use; as configured by default.
    """
    if target.destination == "duckdb" and not Path(target.location).is_file():
        yield None
        return
    with open_client(target, patience) as client:
        yield Database(client) if client.has_dataset() else None


@contextmanager
def open_client(target: Target, patience: float | None = None) -> Iterator[SqlClientBase[Any]]:
    """A client of the warehouse, read only, for as long as the block runs; the warehouse has to be there."""
    if target.destination != "duckdb":
        with _client(dlt.destinations.postgres(), target.dataset) as client:
            yield client
        return
    with (
        wait_for_file(
            lambda: duckdb.connect(target.location, read_only=True), target.location, limit=patience
        ) as connection,
        _client(dlt.destinations.duckdb(connection), target.dataset) as client,
    ):
        yield client


def _client(destination: Any, dataset: str) -> SqlClientBase[Any]:
    return dlt.dataset(destination, dataset, schema=dlt.Schema("unified_lms")).sql_client


def warehouse_exists(target: Target) -> bool:
    """Whether anything has been loaded yet."""
    with open_reading(target) as reading:
        return reading is not None
