"""Rows that a run itself writes beside the snapshots: the state of a connection, a run that failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import dlt
import pyarrow as pa

from sources.unified_lms.source import CONTRACT, MERGE
from sources.unified_lms.tables import Table


def record(pipeline: dlt.Pipeline, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Writes rows into one of our tables; a row replaces the one with the same key."""

    def items() -> Iterator[pa.Table]:
        load_id = dlt.current.load_package_state()["load_id"]
        filled = [
            {name: row.get(name) for name in table.column_names} | {"_dlt_load_id": load_id} for row in rows
        ]
        yield pa.Table.from_pylist(filled, schema=table.arrow_schema)

    resource = dlt.resource(  # type: ignore[call-overload]
        items,
        name=table.name,
        columns=table.hints,
        write_disposition=MERGE,
        schema_contract=CONTRACT,
        file_format="parquet",
        max_table_nesting=0,
    )
    pipeline.run(_ledger([resource]), loader_file_format="parquet")


@dlt.source(name="unified_lms", max_table_nesting=0)
def _ledger(resources: list[Any]) -> list[Any]:
    return resources
