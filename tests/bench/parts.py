"""Each part of the way alone, one after the other on one thread: where the time goes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq

from mappings.mapper import Page
from sources.unified_lms.client import Client
from sources.unified_lms.connection import load_connection
from sources.unified_lms.manifest import load_manifest
from tests.bench.gauge import Measured, child_main
from tests.bench.mapping import RESOURCE, make_mapper
from tests.bench.syncing import CONNECTION

_BATCH = 80
"""Pages that become one table, as the reader has it."""


class _Stopwatch:
    """Adds up wall and processor time by the name of the part."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}
        self.cpu: dict[str, float] = {}

    def run(self, part: str, action: Callable[[], Any]) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        result = action()
        self.wall[part] = self.wall.get(part, 0.0) + time.perf_counter() - wall
        self.cpu[part] = self.cpu.get(part, 0.0) + time.process_time() - cpu
        return result


def _measure() -> Measured:
    from pipelines.environment import prepare

    prepare()
    watch = _Stopwatch()
    pages = watch.run("read", _read)
    mapper = make_mapper()
    mapped = watch.run("map", lambda: [mapper.map_page(page) for page in pages])
    batches = [mapped[start : start + _BATCH] for start in range(0, len(mapped), _BATCH)]
    tables = watch.run("tabulate", lambda: [mapper.tabulate(batch).table for batch in batches])
    records = sum(table.num_rows for table in tables)
    with tempfile.TemporaryDirectory() as folder:
        _spool_and_load(watch, tables, Path(folder))
    extra = {part: {"wall": watch.wall[part], "cpu": watch.cpu[part]} for part in watch.wall}
    return Measured(records, sum(watch.wall.values()), sum(watch.cpu.values()), extra=extra)


def _read() -> list[Any]:
    """The pages as the client gives them, ready for the mapper."""
    connection = load_connection(CONNECTION)
    with Client(load_manifest(connection.provider, connection.folders), connection) as client:
        return [Page(page.records) for page in client.pages("enrollments", {"args": {}}) if page.count]


def _spool_and_load(watch: _Stopwatch, tables: list[pa.Table], folder: Path) -> None:
    from mappings.schemas import arrow_schema
    from sources.unified_lms.hashing import row_hashes
    from sources.unified_lms.snapshots import Comparison, Read
    from sources.unified_lms.spool import WHOLE, Spool, Stamp

    model = [table.select(arrow_schema(RESOURCE).names) for table in tables]
    hashes = iter(watch.run("hash", lambda: [row_hashes(table, CONNECTION) for table in model]))
    start = datetime(2026, 1, 1, tzinfo=UTC)
    stamp = Stamp(CONNECTION, "canvas_shaped", RESOURCE, "run", "digest", start, "load")
    with (
        Spool(stamp, folder) as spool,
        patch("sources.unified_lms.spool.row_hashes", lambda *_: next(hashes)),
    ):
        scopes = [pa.repeat(pa.scalar(WHOLE), table.num_rows) for table in tables]
        for table, scope in zip(tables, scopes, strict=True):
            watch.run("spool", partial(spool.add, table, scope))
        watch.run("spool", spool.finish)
        watch.run(
            "compare, first", lambda: Comparison(spool, Read(whole=True)).run(lambda: (), lambda ids: ())
        )
        spool.stamp = replace(stamp, valid_from=start + timedelta(days=1))
        state = pq.read_table(spool.rows_file).to_batches(50_000)
        tables = [pa.Table.from_batches([batch]) for batch in state]
        again = Comparison(spool, Read(whole=True))
        watch.run("compare, unchanged", lambda: again.run(lambda: tables, lambda ids: ()))
        _load(watch, spool)


def _load(watch: _Stopwatch, spool: Any) -> None:
    import dlt

    from pipelines.environment import target
    from sources.unified_lms.source import MERGE, source_of
    from sources.unified_lms.tables import snapshots
    from sources.unified_lms.warehouse import staged_once

    table = snapshots(RESOURCE)
    pipeline: Any = target().pipeline("parts")
    merge = {
        **MERGE,
        "deduplicated": True,
        "source_filter": staged_once(pipeline.sql_client, table),
    }
    hints: Any = {"columns": table.hints, "write_disposition": merge, "file_format": "parquet"}
    imported = dlt.mark.with_file_import(str(spool.rows_file), "parquet", spool.rows)
    resource = dlt.resource(lambda: iter([imported]), name=table.name, max_table_nesting=0, **hints)
    watch.run("extract", lambda: pipeline.extract(source_of([resource]), loader_file_format="parquet"))
    watch.run("normalize", pipeline.normalize)
    watch.run("load", pipeline.load)


if __name__ == "__main__":
    child_main(_measure)
