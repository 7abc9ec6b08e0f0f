"""The dlt source: the four unified resources of a connection, as snapshots.

`pipeline.run(unified_lms("acme"))` works in any dlt pipeline; each resource is read to its end, compared with what the
pipeline's destination holds, and yields parquet files for its snapshot table, `sync_runs`, `rejected_records` and
`cursors`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dlt
import pyarrow.parquet as pq
from dlt.common.configuration.container import Container
from dlt.common.pipeline import PipelineContext
from dlt.common.storages.exceptions import CurrentLoadPackageStateNotAvailable
from dlt.extract import DltResource

from mappings.model import RESOURCES
from sources.unified_lms.connection import Connection, load_connection, manifest_of
from sources.unified_lms.manifest import Manifest
from sources.unified_lms.run import Artifact, Options, ResourceRun
from sources.unified_lms.tables import (
    BACKFILL_PARTITIONS,
    CURSORS,
    REJECTED_RECORDS,
    SYNC_RUNS,
    Table,
    snapshots,
)
from sources.unified_lms.warehouse import OpenClient, staged_once

MERGE: dict[str, Any] = {"disposition": "merge", "strategy": "delete-insert"}
"""Rows replace rows of the same key, in one transaction.

Keys are unique in what we load, and still duplicates must be looked for: a process killed between staging the rows and
noting it stages them again when the load is resumed.
"""
CONTRACT = {"tables": "evolve", "columns": "freeze", "data_type": "freeze"}
"""No provider can widen a table."""


def build_resources(
    connection: Connection,
    manifest: Manifest,
    resources: Sequence[str] | None = None,
    options: Options | None = None,
    *,
    pipeline: Any = None,
    on_report: Callable[[dict[str, Any]], None] = lambda report: None,
) -> list[DltResource]:
    """The dlt resources of a connection, in the model's order; `on_report` gets each run's row of `sync_runs`.

    `pipeline` names the pipeline whose destination is compared with; by default the one that is running.
    """
    wanted = [
        name for name in RESOURCES if name in manifest.resources and (resources is None or name in resources)
    ]
    options = options or Options()
    return [_resource(connection, manifest, name, options, pipeline, on_report) for name in wanted]


def _resource(
    connection: Connection,
    manifest: Manifest,
    name: str,
    options: Options,
    pipeline: Any,
    on_report: Callable[[dict[str, Any]], None],
) -> DltResource:
    def items() -> Iterator[Any]:
        open_warehouse = _open_warehouse(pipeline)
        run = ResourceRun(
            connection, manifest, name, options, load_id=_load_id(), open_warehouse=open_warehouse
        )
        with run:
            for artifact in run.artifacts():
                yield _marked(artifact, name, open_warehouse)
            on_report(run.report)

    resource = dlt.resource(items, name=name, max_table_nesting=0)
    for table in (SYNC_RUNS, REJECTED_RECORDS, CURSORS, BACKFILL_PARTITIONS):
        _apply(resource, table, variant=True)
    return _apply(resource, snapshots(RESOURCES[name]), variant=False)


def _apply(resource: DltResource, table: Table, *, variant: bool) -> DltResource:
    return resource.apply_hints(
        table_name=table.name,
        columns=table.hints,  # type: ignore[arg-type]
        write_disposition=MERGE,  # type: ignore[arg-type]
        schema_contract=CONTRACT,  # type: ignore[arg-type]
        file_format="parquet",
        create_table_variant=variant,
    )


def _marked(artifact: Artifact, resource: str, open_warehouse: OpenClient | None) -> Any:
    if artifact.table.name == snapshots(RESOURCES[resource]).name:
        hints = dlt.mark.make_hints(write_disposition=_merge(artifact.table, open_warehouse))  # type: ignore[arg-type]
        return dlt.mark.with_file_import(str(artifact.file), "parquet", artifact.rows, hints)
    return dlt.mark.with_table_name(pq.read_table(artifact.file), artifact.table.name)


def _merge(table: Table, open_warehouse: OpenClient | None) -> dict[str, Any]:
    """How rows are merged, with our own look for duplicates where the database has a cheaper one than dlt's."""
    found = staged_once(open_warehouse, table) if open_warehouse else None
    return MERGE if found is None else {**MERGE, "deduplicated": True, "source_filter": found}


def _load_id() -> str:
    """The load that is being extracted; empty where the source is iterated without a pipeline."""
    try:
        return str(dlt.current.load_package_state()["load_id"])
    except CurrentLoadPackageStateNotAvailable:
        return ""


def _open_warehouse(pipeline: Any) -> OpenClient | None:
    if pipeline is None:
        context = Container()[PipelineContext]
        if not context.is_active():
            return None
        pipeline = context.pipeline()
    return pipeline.sql_client if pipeline.destination is not None else None


@dlt.source(name="unified_lms", max_table_nesting=0)
def source_of(resources: list[Any]) -> Any:
    """The source made of resources built by `build_resources`."""
    return resources


@dlt.source(name="unified_lms", max_table_nesting=0)
def unified_lms(connection: str, allow_deletions: bool = False, full: bool = False) -> Any:
    """The unified resources of the connection called `connection` (`[connections.<name>]` in dlt's configuration).

    Select with `.with_resources("users")`. `full` reads everything where changes would be asked for. A reading that
    would retire more than half of what it covers raises `DeletionsRefused` unless `allow_deletions`.
    """
    found = load_connection(connection)
    manifest = manifest_of(found)
    options = Options(allow_deletions=allow_deletions, keep_raw=found.keep_raw, full=full)
    return build_resources(found, manifest, options=options)
