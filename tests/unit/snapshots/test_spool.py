"""The spool: rows on disk, written some thousands at a time."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from mappings.model import USERS
from mappings.schemas import arrow_schema
from sources.unified_lms.spool import Spool, Stamp


def rows(start: int, count: int) -> pa.Table:
    """Users with consecutive numbers as ids."""
    ids = pa.array([str(number) for number in range(start, start + count)], pa.string())
    return pa.table({f.name: ids if f.name == "id" else pa.nulls(count, f.type) for f in arrow_schema(USERS)})


def test_rows_keep_their_order_across_row_groups() -> None:
    """No row is lost or moved where one group ends and the next begins, and tables make no group each."""
    stamp = Stamp("acme", "talentlms", USERS, "run", "digest", datetime(2026, 3, 2, tzinfo=UTC), "load")
    with Spool(stamp) as spool:
        for start in range(0, 70_000, 7_000):
            spool.add(rows(start, 7_000), pa.array(["*"] * 7_000))
        spool.finish()
        file = pq.ParquetFile(spool.rows_file)
        assert file.read(["id"])["id"].to_pylist() == [str(number) for number in range(70_000)]
        assert (spool.rows, file.num_row_groups) == (70_000, 2)
