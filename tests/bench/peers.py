"""Measured process: the same list through dlt's own rest_api source, without any mapping, into a DuckDB file."""

from __future__ import annotations

from typing import Any

from tests.bench.gauge import Measured, child_main, gauged


def _measure(base_url: str, file: str, loader_file_format: str | None = None) -> Measured:
    from pipelines.environment import prepare

    prepare()
    import dlt
    from dlt.sources.rest_api import rest_api_source

    config: Any = {
        "client": {"base_url": f"{base_url}/api/v1/", "paginator": "header_link"},
        "resources": [
            {
                "name": "enrollments",
                "endpoint": {"path": "accounts/self/enrollments", "params": {"per_page": 100}},
            }
        ],
    }
    pipeline = dlt.pipeline("peer", destination=dlt.destinations.duckdb(file), dataset_name="peer_data")
    measured = Measured()
    with gauged(measured):
        pipeline.run(rest_api_source(config), loader_file_format=loader_file_format)  # type: ignore[arg-type]
    with pipeline.sql_client() as client:
        [[measured.records]] = client.execute_sql("select count(*) from enrollments") or [[0]]
    return measured


if __name__ == "__main__":
    child_main(_measure)
