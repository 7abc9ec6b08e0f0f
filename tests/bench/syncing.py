"""Measured process: one run of the connector's source into a DuckDB file, as a dlt user starts it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.bench.gauge import Measured, child_main, gauged, in_child
from tests.bench.server import Server

FOLDER = Path(__file__).parent / "provider"
"""The folder that the benchmark's provider is added from."""
CONNECTION = "bench"


def environment(base_url: str, workspace: Path) -> dict[str, str]:
    """What configures the connection and the warehouse, as a deployment would."""
    prefix = f"CONNECTIONS__{CONNECTION.upper()}__"
    return {
        f"{prefix}PROVIDER": "canvas_shaped",
        f"{prefix}BASE_URL": base_url,
        f"{prefix}FOLDERS": f'["{FOLDER}"]',
        f"{prefix}CREDENTIALS__ACCESS_TOKEN": "benchmark-token",
        "DESTINATION__DUCKDB__CREDENTIALS": str(workspace / "warehouse.duckdb"),
        "DLT_DATA_DIR": str(workspace / "dlt"),
        "DLT_PROJECT_DIR": str(workspace),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }


def sync(server: Server, workspace: Path, records: int, revision: int = 0) -> Measured:
    """One run over so many records as of a revision, in a process of its own."""
    before = server.cpu_seconds()
    measured = in_child("syncing", environment(server.base_url(records, revision), workspace))
    measured.server_cpu = server.cpu_seconds() - before
    return measured


def _measure() -> Measured:
    from pipelines.environment import prepare, target

    prepare()
    from sources.unified_lms.source import unified_lms

    pipeline = target().pipeline(CONNECTION)
    measured = Measured()
    with gauged(measured):
        pipeline.run(unified_lms(CONNECTION), loader_file_format="parquet")
    measured.extra = _what_happened(pipeline)
    measured.records = measured.extra["records_read"]
    return measured


def _what_happened(pipeline: Any) -> dict[str, Any]:
    """The last row of `sync_runs`, and how many rows a query finds now."""
    wanted = (
        "duration_seconds",
        "requests",
        "records_read",
        "records_rejected",
        "records_new",
        "records_changed",
        "records_retired",
    )
    with pipeline.sql_client() as client:
        rows = client.execute_sql(
            f"select {', '.join(wanted)} from sync_runs order by started_at desc limit 1"
        )
        counts = client.execute_sql(
            "select count(*) filter (where valid_to is null), count(*) from course_enrollments_snapshots"
        )
    size = Path(os.environ["DESTINATION__DUCKDB__CREDENTIALS"]).stat().st_size
    return dict(zip(wanted, rows[0], strict=True)) | {
        "rows_current": counts[0][0],
        "rows_all": counts[0][1],
        "warehouse_mb": round(size / 1e6, 1),
    }


if __name__ == "__main__":
    child_main(_measure)
