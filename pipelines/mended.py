"""dlt, mended where it fails us, by subclasses alone.

A destination DuckDB that waits for its file, a destination PostgreSQL that loads a file as a stream, and a pipeline
that survives a kill while it saves its schema.
"""

from __future__ import annotations

import re
from typing import Any

import dlt
import duckdb
from dlt.common.destination.client import LoadJob
from dlt.common.destination.typing import PreparedTableSchema
from dlt.destinations.impl.duckdb.configuration import DuckDbClientConfiguration, DuckDbConnectionPool
from dlt.destinations.impl.postgres.postgres import PostgresClient, PostgresParquetCopyJob

from pipelines.waiting import wait_for_file


class _WaitingPool(DuckDbConnectionPool):
    """dlt offers no place to try again: its connection pool is replaced by one that does."""

    def borrow_conn(self, *args: Any, **options: Any) -> duckdb.DuckDBPyConnection:
        file = str(getattr(self.credentials, "database", ""))
        return wait_for_file(lambda: super(_WaitingPool, self).borrow_conn(*args, **options), file)


class WaitingDuckDb(dlt.destinations.duckdb):
    """dlt's destination DuckDB, which waits for a file that another process has open, and may take more memory."""

    memory_mb: int | None = None
    """Megabytes that a connection may take; None leaves that to the credentials."""

    @property
    def destination_type(self) -> str:
        """The type of the destination that this one is: pipelines' states name it."""
        return "dlt.destinations.duckdb"

    def configuration(
        self, initial_config: DuckDbClientConfiguration, accept_partial: bool = False
    ) -> DuckDbClientConfiguration:
        """The resolved configuration, whose connections wait."""
        config = super().configuration(initial_config, accept_partial)
        if not isinstance(config.credentials.conn_pool, _WaitingPool):  # a load shares one among its threads
            config.credentials.conn_pool = _WaitingPool(config.credentials)
        if self.memory_mb is not None:
            limit = {"memory_limit": f"{self.memory_mb}MB"}
            config.credentials.global_config = {**(config.credentials.global_config or {}), **limit}
        return config


class _StreamedCopy(PostgresParquetCopyJob):
    """A COPY for each row group, in one transaction.

    dlt gives the driver's manager a generator of all rows, which it collects before the first is sent (its 1.13,
    `adbc_ingest`): a file of a million rows took 1.2 GB.
    """

    _ingest_per_rowgroup = True


class _StreamingClient(PostgresClient):
    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        job = super().create_load_job(table, file_path, load_id, restore)
        return _StreamedCopy(file_path) if isinstance(job, PostgresParquetCopyJob) else job


class StreamingPostgres(dlt.destinations.postgres):
    """dlt's destination PostgreSQL, which loads a file of any size in the memory of one of its row groups."""

    @property
    def destination_type(self) -> str:
        """The type of the destination that this one is: pipelines' states name it."""
        return "dlt.destinations.postgres"

    @property
    def client_class(self) -> type[PostgresClient]:
        """The client, whose jobs stream."""
        return _StreamingClient


_HALF_WRITTEN = re.compile("[0-9a-f]{16}")


class SturdyPipeline(dlt.Pipeline):
    """dlt's pipeline, which does not take what a killed process had not yet given its name for a schema.

    dlt writes a schema under sixteen random digits and renames it. A file that was left under such a name became one of
    the pipeline's schemas, and most of them are no valid name: every later run failed.
    """

    def _list_schemas_sorted(self) -> list[str]:
        return [name for name in super()._list_schemas_sorted() if not _HALF_WRITTEN.fullmatch(name)]
