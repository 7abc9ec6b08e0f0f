"""The spool: rows on disk, written some thousands at a time."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from mappings.model import USERS
from mappings.schemas import arrow_schema
from sources.unified_lms.spool import Spool, Stamp


def rows(start: int, count: int) -> pa.Table:
    """Users with consecutive numbers as ids, a kilobyte each."""
    schema = arrow_schema(USERS)
    columns = {name: pa.nulls(count, schema.field(name).type) for name in schema.names}
    ids = pa.array([str(number) for number in range(start, start + count)], pa.string())
    return pa.table({**columns, "id": ids, "name": pa.repeat(pa.scalar("x" * 1000), count)}, schema=schema)


def test_rows_keep_their_order_across_row_groups() -> None:
    """No row is lost or moved where one group ends and the next begins; groups are bounded by their bytes."""
    stamp = Stamp("acme", "talentlms", USERS, "run", "digest", datetime(2026, 3, 2, tzinfo=UTC), "load")
    with Spool(stamp) as spool:
        for start in range(0, 40_000, 4_000):
            spool.add(rows(start, 4_000), pa.array(["*"] * 4_000))
        spool.finish()
        file = pq.ParquetFile(spool.rows_file)
        assert file.read(["id"])["id"].to_pylist() == [str(number) for number in range(40_000)]
        assert spool.rows == 40_000
        assert 4 <= file.num_row_groups <= 6
