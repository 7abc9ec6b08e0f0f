"""One run: the resources of a connection, one after the other, into the warehouse.

Each resource is a load of its own, so that one that fails takes nothing from the others. What an earlier run left
half done is finished first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Unpack

import dlt

from mappings.model import RESOURCES
from pipelines.connection_state import record_state
from pipelines.custom_columns import record_mappings
from pipelines.environment import Target
from pipelines.leases import Lease, turn
from pipelines.ledger import record
from pipelines.recovery import finish_pending
from pipelines.retention import prune
from pipelines.schema import assert_one_current_version
from pipelines.work import take_work
from sources.unified_lms.connection import Connection, load_connection, manifest_of
from sources.unified_lms.errors import ConfigurationError, LmsError, Unauthorized, WorkTaken, chain
from sources.unified_lms.filters import check_filters
from sources.unified_lms.manifest import Manifest
from sources.unified_lms.run import How, Options
from sources.unified_lms.source import build_resources, source_of
from sources.unified_lms.tables import SYNC_RUNS

BUSY = "busy"
"""The status of a resource that another run is at; it is no run, and `sync_runs` has no row of it."""


@dataclass(frozen=True)
class ResourceResult:
    """What one resource's run came to: its row of `sync_runs`."""

    report: dict[str, Any]
    error: LmsError | None = None

    @property
    def status(self) -> str:
        """`done`, `partial`, `failed`, or `busy`: another run is at the same work."""
        return str(self.report["status"])


@dataclass(frozen=True)
class ConnectionResult:
    """What a connection's run came to."""

    connection: str
    provider: str
    results: tuple[ResourceResult, ...]
    stopped_by: str | None = None
    """What asked the run to end before everything was read; None where nothing did."""

    @property
    def whole(self) -> bool:
        """Whether nothing failed, was read in part or was not begun."""
        return not (self.failed or self.partial or self.stopped_by)

    @property
    def failed(self) -> bool:
        """Whether any resource failed, or was left to another run."""
        return any(result.status in ("failed", BUSY) for result in self.results)

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
    **how: Unpack[How],
) -> ConnectionResult:
    """Syncs one connection; a resource that fails is in the result with its error, and in `sync_runs`.

    `how` is in the words of `Options`; its `progress` hears of each resource when it begins, with no records, and then
    of the records read so far. Raises `ConfigurationError` when nothing could even be tried.
    """
    connection = load_connection(name)
    manifest = manifest_of(connection)
    options = Options(keep_raw=connection.keep_raw, **how)
    wanted = wanted_resources(manifest, resources, options.filters)
    pipeline = target.pipeline(name)
    with take_work(pipeline, name, wanted, options.run_id) as work:
        results = [_busy(connection, resource, options, taken) for resource, taken in work.taken.items()]
        if work.held:
            finish_pending(pipeline, name, manifest.provider)
            results += _run_all(pipeline, connection, manifest, work.held, options)
            read = [str(result.report["resource"]) for result in results if result.error is None]
            record_mappings(pipeline, connection, manifest, read)
            _record_state(pipeline, connection, results)
            prune(pipeline, connection)
    return ConnectionResult(name, manifest.provider, tuple(results), options.stop.reason)


def wanted_resources(
    manifest: Manifest, resources: Sequence[str] | None = None, filters: Iterable[str] = ()
) -> list[str]:
    """The resources to read, in the model's order: those named, else all that can be filtered so.

    Raises `ConfigurationError` for one that the provider lacks, and for a filter that it cannot do.
    """
    for name in resources or ():
        if name not in manifest.resources:
            can = ", ".join(manifest.resources)
            raise ConfigurationError(f"--resource: {manifest.provider} has no {name!r}; it has {can}")
        check_filters(manifest, name, filters)
    wanted = [name for name in RESOURCES if name in (resources or manifest.resources)]
    fitting = [name for name in wanted if set(filters) <= manifest.resources[name].filters.keys()]
    if not fitting:
        check_filters(manifest, wanted[0], filters)
    return fitting


def _busy(connection: Connection, resource: str, options: Options, taken: WorkTaken) -> ResourceResult:
    report = {
        "run_id": options.run_id,
        "connection_id": connection.name,
        "resource": resource,
        "provider": connection.provider,
        "status": BUSY,
        "message": str(taken),
    }
    return ResourceResult(report, taken)


def _run_all(
    pipeline: dlt.Pipeline,
    connection: Connection,
    manifest: Manifest,
    work: Mapping[str, Lease],
    options: Options,
) -> Iterator[ResourceResult]:
    for name, held in work.items():
        if options.stop.reason is not None:
            return
        options.progress(name, 0)
        result = run_resource(pipeline, connection, manifest, name, options, held)
        yield result
        if isinstance(
            result.error, Unauthorized
        ):  # the others would fail alike, and lock the account perhaps
            return


def run_resource(
    pipeline: dlt.Pipeline,
    connection: Connection,
    manifest: Manifest,
    name: str,
    options: Options,
    held: Lease,
) -> ResourceResult:
    """One run of one resource, whose lease is held, into the warehouse; its error is in the result."""
    started = datetime.now(UTC)
    reports: list[dict[str, Any]] = []
    with ExitStack() as stack:

        def take_turn() -> None:
            stack.enter_context(turn(pipeline, connection.name, options.run_id))
            held.check()

        resources = build_resources(
            connection,
            manifest,
            [name],
            replace(options, before_comparing=take_turn),
            pipeline=pipeline,
            on_report=reports.append,
        )
        try:
            load(pipeline, source_of(resources), connection)
            assert_one_current_version(pipeline, connection.name, RESOURCES[name])
        except LmsError as error:
            return _failed(pipeline, connection, name, options, started, error)
    return ResourceResult(reports[0])


def load(pipeline: dlt.Pipeline, source: Any, connection: Connection) -> None:
    """Extracts and loads a source; what cannot be loaded is tried again and then set aside. Raises `LmsError`."""
    try:
        pipeline.run(source, loader_file_format="parquet")
    except Exception as error:
        ours = own_error(error)
        if ours is not None:
            raise ours from error
        if not pipeline.has_pending_data:
            raise
        failed = finish_pending(pipeline, connection.name, connection.provider)
        if failed is not None:
            raise failed from None


def _failed(
    pipeline: dlt.Pipeline,
    connection: Connection,
    name: str,
    options: Options,
    started: datetime,
    error: LmsError,
) -> ResourceResult:
    report = failed_report(connection, name, options, started, error)
    record(pipeline, SYNC_RUNS, [report])
    return ResourceResult(report, error)


def failed_report(
    connection: Connection, resource: str, options: Options, started: datetime, error: LmsError
) -> dict[str, Any]:
    """The row of `sync_runs` of a run that came to nothing."""
    return {
        "run_id": options.run_id,
        "connection_id": connection.name,
        "resource": resource,
        "provider": connection.provider,
        "mode": "backfill" if options.part else "filtered" if options.filters else "full",
        "status": "failed",
        "started_at": started,
        "duration_seconds": round((datetime.now(UTC) - started).total_seconds(), 3),
        "records_read": 0,
        "records_rejected": 0,
        "message": str(error),
    }


def _record_state(pipeline: dlt.Pipeline, connection: Connection, results: Sequence[ResourceResult]) -> None:
    errors = [result.error for result in results if result.error]
    needs = next((error for error in errors if isinstance(error, Unauthorized)), None)
    if errors and needs is None:
        return  # the provider or the data is at fault, not the connection: its state stays as it was
    record_state(pipeline, connection, needs)


def own_error(error: BaseException) -> LmsError | None:
    """The connector's own error inside what dlt raises around it."""
    return next((one for one in chain(error) if isinstance(one, LmsError)), None)
