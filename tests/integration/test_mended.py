"""What dlt does not do by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import adbc_driver_manager.dbapi as adbc
import dlt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.environment import Target
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
