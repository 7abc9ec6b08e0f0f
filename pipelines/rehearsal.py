"""A run that loads nothing: it reads, maps and compares, and says what a run would change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, Unpack

from pipelines.environment import Target
from pipelines.reading import open_client, warehouse_exists
from pipelines.sync import ConnectionResult, ResourceResult, failed_report, wanted_resources
from sources.unified_lms.connection import Connection, load_connection, manifest_of
from sources.unified_lms.errors import LmsError, Unauthorized
from sources.unified_lms.manifest import Manifest
from sources.unified_lms.run import How, Options, ResourceRun


def rehearse_connection(
    name: str,
    target: Target,
    *,
    resources: Sequence[str] | None = None,
    **how: Unpack[How],
) -> ConnectionResult:
    """What a run of the connection would change; the warehouse is read and not written, nor made where there is none.

    What an earlier run left half done is not finished, so that it counts as not loaded.
    """
    connection = load_connection(name)
    manifest = manifest_of(connection)
    options = Options(keep_raw=connection.keep_raw, **how)
    wanted = wanted_resources(manifest, resources, options.filters)
    results = tuple(_rehearse_all(connection, manifest, wanted, target, options))
    return ConnectionResult(name, manifest.provider, results, options.stop.reason)


def _rehearse_all(
    connection: Connection, manifest: Manifest, wanted: Sequence[str], target: Target, options: Options
) -> Iterator[ResourceResult]:
    for resource in wanted:
        if options.stop.reason is not None:
            return
        options.progress(resource, 0)
        result = _rehearse(connection, manifest, resource, target, options)
        yield result
        if isinstance(result.error, Unauthorized):
            return


def _rehearse(
    connection: Connection, manifest: Manifest, resource: str, target: Target, options: Options
) -> ResourceResult:
    def open_warehouse() -> AbstractContextManager[Any]:
        return open_client(target)

    started = datetime.now(UTC)
    reader = open_warehouse if warehouse_exists(target) else None
    try:
        with ResourceRun(connection, manifest, resource, options, open_warehouse=reader) as run:
            for _ in run.artifacts():
                pass
    except LmsError as error:
        return ResourceResult(failed_report(connection, resource, options, started, error), error)
    return ResourceResult(run.report)
