"""One run: the resources of a connection, one after the other, into the warehouse.

Each resource is a load of its own, so that one that fails takes nothing from the others. What an earlier run left
half done is finished first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dlt

from mappings.model import RESOURCES
from pipelines.environment import Target
from pipelines.ledger import record
from pipelines.recovery import finish_pending
from pipelines.views import create_views
from sources.unified_lms.connection import Connection, load_connection
from sources.unified_lms.errors import ConfigurationError, LmsError, Unauthorized
from sources.unified_lms.manifest import Manifest, load_manifest
from sources.unified_lms.run import Options
from sources.unified_lms.source import build_resources, source_of
from sources.unified_lms.tables import CONNECTIONS, SYNC_RUNS

Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class ResourceResult:
    """What one resource's run came to: its row of `sync_runs`."""

    report: dict[str, Any]
    error: LmsError | None = None

    @property
    def status(self) -> str:
        """`done`, `partial` or `failed`."""
        return str(self.report["status"])


@dataclass(frozen=True)
class ConnectionResult:
    """What a connection's run came to."""

    connection: str
    provider: str
    results: tuple[ResourceResult, ...]

    @property
    def failed(self) -> bool:
        """Whether any resource failed."""
        return any(result.status == "failed" for result in self.results)

    @property
    def partial(self) -> bool:
        """Whether any resource was read in part."""
        return any(result.status == "partial" for result in self.results)

    @property
    def rejected_share(self) -> float:
        """The largest share of rejected records that any resource has, 0 to 1."""
        shares = [
            r.report["records_rejected"] / max(r.report["records_read"], 1)
            for r in self.results
            if not r.error
        ]
        return max(shares, default=0.0)


def sync_connection(
    name: str,
    target: Target,
    *,
    resources: Sequence[str] | None = None,
    full: bool = False,
    allow_deletions: bool = False,
    progress: Progress = lambda resource, records: None,
) -> ConnectionResult:
    """Syncs one connection; a resource that fails is in the result with its error, and in `sync_runs`.

    `full` reads everything from the beginning, whatever earlier runs came to. `progress` hears of each resource when it
    begins, with no records, and then of the records read so far. Raises `ConfigurationError` when nothing could even
    be tried.
    """
    connection = load_connection(name)
    manifest = load_manifest(connection.provider, connection.folders)
    wanted = _wanted(manifest, resources)
    options = Options(allow_deletions, connection.keep_raw, full, progress=progress)
    pipeline = target.pipeline(name)
    finish_pending(pipeline, name)
    results = list(_run_all(pipeline, connection, manifest, wanted, options))
    _record_state(pipeline, connection, results)
    create_views(pipeline)
    return ConnectionResult(name, manifest.provider, tuple(results))


def _wanted(manifest: Manifest, resources: Sequence[str] | None) -> list[str]:
    for name in resources or ():
        if name not in manifest.resources:
            can = ", ".join(manifest.resources)
            raise ConfigurationError(f"--resource: {manifest.provider} has no {name!r}; it has {can}")
    return [name for name in RESOURCES if name in (resources or manifest.resources)]


def _run_all(
    pipeline: dlt.Pipeline,
    connection: Connection,
    manifest: Manifest,
    resources: Sequence[str],
    options: Options,
) -> Iterator[ResourceResult]:
    for name in resources:
        options.progress(name, 0)
        result = _run_one(pipeline, connection, manifest, name, options)
        yield result
        if isinstance(
            result.error, Unauthorized
        ):  # the others would fail alike, and lock the account perhaps
            return


def _run_one(
    pipeline: dlt.Pipeline, connection: Connection, manifest: Manifest, name: str, options: Options
) -> ResourceResult:
    started = datetime.now(UTC)
    reports: list[dict[str, Any]] = []
    resources = build_resources(
        connection, manifest, [name], options, pipeline=pipeline, on_report=reports.append
    )
    try:
        pipeline.run(source_of(resources), loader_file_format="parquet")
    except Exception as error:
        ours = own_error(error)
        if ours is None:
            raise
        return _failed(pipeline, connection, manifest, name, options, started, ours)
    return ResourceResult(reports[0])


def _failed(
    pipeline: dlt.Pipeline,
    connection: Connection,
    manifest: Manifest,
    name: str,
    options: Options,
    started: datetime,
    error: LmsError,
) -> ResourceResult:
    report = {
        "run_id": options.run_id,
        "connection_id": connection.name,
        "resource": name,
        "provider": manifest.provider,
        "mode": "full",
        "status": "failed",
        "started_at": started,
        "duration_seconds": round((datetime.now(UTC) - started).total_seconds(), 3),
        "records_read": 0,
        "records_rejected": 0,
        "message": str(error),
    }
    record(pipeline, SYNC_RUNS, [report])
    return ResourceResult(report, error)


def _record_state(pipeline: dlt.Pipeline, connection: Connection, results: Sequence[ResourceResult]) -> None:
    errors = [result.error for result in results if result.error]
    needs = next((error for error in errors if isinstance(error, Unauthorized)), None)
    if errors and needs is None:
        return  # the provider or the data is at fault, not the connection: its state stays as it was
    row = {
        "connection_id": connection.name,
        "provider": connection.provider,
        "state": "needs_reauth" if needs else "active",
        "message": str(needs) if needs else None,
        "checked_at": datetime.now(UTC),
    }
    record(pipeline, CONNECTIONS, [row])


def own_error(error: BaseException) -> LmsError | None:
    """The connector's own error inside what dlt raises around it."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, LmsError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None
