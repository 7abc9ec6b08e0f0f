"""What dlt does not do by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import adbc_driver_manager.dbapi as adbc
import dlt
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.environment import Target
from pipelines.recovery import TRIES
from pipelines.sync import load, sync_connection
from sources.unified_lms.connection import load_connection
from sources.unified_lms.errors import LmsError
from tests.integration.conftest import Tables


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows the driver was given at once, each time."""
    seen: list[int] = []
    ingest = adbc.Cursor.adbc_ingest

    def watched(self: Any, table: str, data: Any, **options: Any) -> int:
        rows = data if isinstance(data, pa.Table) else pa.Table.from_batches(data)
        seen.append(rows.num_rows)
        return ingest(self, table, rows, **options)

    monkeypatch.setattr(adbc.Cursor, "adbc_ingest", watched)
    return seen


@pytest.mark.parametrize("destination", ["postgres"])
def test_file_goes_to_postgresql_row_group_by_row_group(
    warehouse: Target, tables: Tables, handed_over: list[int], tmp_path: Path
) -> None:
    """dlt gives the driver all rows of a file at once, which takes as much memory as they are."""
    file = tmp_path / "numbers.parquet"
    pq.write_table(pa.table({"number": pa.array(range(25), pa.int64())}), file, row_group_size=10)
    hints = dlt.mark.make_hints(columns=[{"name": "number", "data_type": "bigint"}])
    numbers = dlt.resource(
        lambda: iter([dlt.mark.with_file_import(str(file), "parquet", 25, hints)]), name="numbers"
    )
    warehouse.pipeline("acme").run(numbers, loader_file_format="parquet")
    assert handed_over == [10, 10, 5]
    assert tables.query("select number from lms.numbers order by number") == [(n,) for n in range(25)]


def loads_that_need(limit: str, seen: list[str]) -> Any:
    """A load that fails unless DuckDB may take so much; what it might take goes to `seen`."""
    original = dlt.Pipeline.load

    def needy(pipeline: dlt.Pipeline, *arguments: Any, **options: Any) -> Any:
        with pipeline.sql_client() as client:
            seen.append(client.execute_sql("select current_setting('memory_limit')")[0][0])  # type: ignore[index]
        if seen[-1] != limit and len(seen) <= 1 + TRIES:  # giving a package up ends with a load as well
            raise duckdb.OutOfMemoryException("could not allocate block of size 256.0 KiB")
        return original(pipeline, *arguments, **options)

    return needy


def test_load_that_needs_more_memory_gets_it(
    acme: str, warehouse: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A million changed records do not fit into what a first load of them does: each try may take twice as much."""
    seen: list[str] = []
    monkeypatch.setattr(dlt.Pipeline, "load", loads_that_need("457.7 MiB", seen))
    [result] = sync_connection(acme, warehouse, resources=["courses"]).results
    assert (result.status, result.report["records_new"] > 0) == ("done", True)
    assert seen[:4] == ["114.4 MiB", "114.4 MiB", "228.8 MiB", "457.7 MiB"]


def test_memory_that_is_configured_is_kept_to(
    acme: str, warehouse: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has said how much DuckDB may take: the error names that setting."""
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS__GLOBAL_CONFIG", '{"memory_limit": "100MB"}')
    seen: list[str] = []
    monkeypatch.setattr(dlt.Pipeline, "load", loads_that_need("never", seen))
    with pytest.raises(LmsError, match="DESTINATION__DUCKDB__CREDENTIALS__GLOBAL_CONFIG"):
        load(warehouse.pipeline(acme), dlt.resource([{"a": 1}], name="numbers"), load_connection(acme))
    assert set(seen) == {"95.3 MiB"}
