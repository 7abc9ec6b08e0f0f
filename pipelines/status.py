"""The state of every connection and resource, as the warehouse and the pipelines' own folders have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dlt
from dlt.common.pipeline import get_dlt_pipelines_dir

from mappings.model import RESOURCES
from pipelines.backfill_ledger import unfinished
from pipelines.database import Database
from pipelines.environment import Target
from pipelines.leases import held_leases
from pipelines.reading import open_reading
from pipelines.recovery import SET_ASIDE
from sources.unified_lms.connection import connection_names
from sources.unified_lms.tables import CONNECTIONS, CURSORS, SYNC_RUNS, snapshots_name

_RUN = (
    "run_id", "mode", "status", "started_at", "duration_seconds", "requests", "records_read", "records_new",
    "records_changed", "records_retired", "records_rejected", "fields_rejected", "message",
)  # fmt: skip
"""What is told of a resource's last run."""


@dataclass(frozen=True)
class ResourceStatus:
    """A resource of a connection: its last run, since when nothing was left out, and what is there now."""

    resource: str
    last_run: dict[str, Any]
    last_done_at: datetime | None
    rows: int
    cursor: datetime | None
    """From when on changes are asked for, the overlap left out; None where everything is read each time."""
    full_at: datetime | None
    """When the last run began that read everything."""
    rotation_after: str | None
    """The parent after which a rotation goes on; None where none is under way."""

    def seconds_old(self, now: datetime) -> float | None:
        """Seconds since the beginning of the last run that left nothing out."""
        return None if self.last_done_at is None else (now - self.last_done_at).total_seconds()


@dataclass(frozen=True)
class ConnectionStatus:
    """A connection: its state as it was last found, its resources, and loads that are not finished."""

    connection: str
    provider: str | None
    configured: bool
    state: str | None
    message: str | None
    checked_at: datetime | None
    pending_packages: int
    resources: tuple[ResourceStatus, ...]
    backfills: tuple[dict[str, Any], ...] = ()
    """Backfills that have parts left: resource, parts, and how many are done."""
    set_aside: tuple[dict[str, Any], ...] = ()
    """What could last not be loaded of each resource: `resource`, `message`, `started_at`."""
    at_work: tuple[str, ...] = ()
    """What runs are at just now, and which: `acme/users: run ..., process 42 on host, since ...`."""


@dataclass(frozen=True)
class Status:
    """What is known of all connections. `warehouse` is None where nothing has been loaded yet."""

    location: str
    dataset: str
    exists: bool
    connections: tuple[ConnectionStatus, ...]

    def document(self, now: datetime) -> dict[str, Any]:
        """The status as JSON."""
        return {
            "warehouse": {"location": self.location, "dataset": self.dataset, "exists": self.exists},
            "connections": [_document(each, now) for each in self.connections],
        }


def _document(status: ConnectionStatus, now: datetime) -> dict[str, Any]:
    resources = [vars(each) | {"seconds_old": each.seconds_old(now)} for each in status.resources]
    return vars(status) | {"resources": resources}


def read_status(target: Target) -> Status:
    """The status of every connection that is configured or has ever been loaded; reads only."""
    with open_reading(target) as reading:
        connections = _connections(target, reading)
    return Status(target.location, target.dataset, reading is not None, tuple(connections))


def _connections(target: Target, reading: Database | None) -> list[ConnectionStatus]:
    configured = connection_names()
    states = {row["connection_id"]: row for row in _states(reading)}
    runs = _last_runs(reading)
    seen = {row["connection_id"]: row["provider"] for row in runs}
    rows, done, cursors = _row_counts(reading), _last_done(reading), _cursors(reading)
    asides, leases = _set_aside(reading), [] if reading is None else held_leases(reading)
    found = []
    for name in sorted({*configured, *states, *seen}):
        state, pipeline = states.get(name, {}), _local_pipeline(target, name)
        resources = [
            ResourceStatus(
                run["resource"],
                {key: run[key] for key in _RUN},
                done.get((name, run["resource"])),
                rows.get((name, run["resource"]), 0),
                *cursors.get((name, run["resource"]), (None, None, None)),
            )
            for run in runs
            if run["connection_id"] == name
        ]
        found.append(
            ConnectionStatus(
                name,
                state.get("provider") or seen.get(name),
                name in configured,
                state.get("state"),
                state.get("message"),
                state.get("checked_at"),
                _pending(pipeline),
                tuple(sorted(resources, key=_in_model_order)),
                tuple(unfinished(Database(reading.client), name)) if reading else (),
                tuple(aside for aside in asides if aside["connection_id"] == name),
                tuple(f"{work}: {holder}" for work, holder in leases if work.connection == name),
            )
        )
    return found


def _in_model_order(status: ResourceStatus) -> int:
    names = list(RESOURCES)
    return names.index(status.resource) if status.resource in names else len(names)


def _states(reading: Database | None) -> list[dict[str, Any]]:
    if reading is None:
        return []
    return reading.rows(
        f"select connection_id, provider, state, message, checked_at from {reading.table(CONNECTIONS.name)}"  # noqa: S608
    )


def _set_aside(reading: Database | None) -> list[dict[str, Any]]:
    """The last time of each connection and resource that what was read could not be loaded."""
    if reading is None:
        return []
    return reading.rows(
        "select connection_id, resource, message, started_at from (select *, row_number() over "  # noqa: S608
        "(partition by connection_id, resource order by started_at desc) as place "
        f"from {reading.table(SYNC_RUNS.name)} where status = %s) as runs where place = 1 order by resource",
        SET_ASIDE,
    )


def _last_runs(reading: Database | None) -> list[dict[str, Any]]:
    """The last run of each connection and resource."""
    if reading is None:
        return []
    columns = ", ".join(("connection_id", "provider", "resource", *_RUN))
    return reading.rows(
        f"select {columns} from (select *, row_number() over (partition by connection_id, resource "  # noqa: S608
        f"order by started_at desc) as place from {reading.table(SYNC_RUNS.name)} where status <> %s) as runs "
        "where place = 1",
        SET_ASIDE,
    )


def _last_done(reading: Database | None) -> dict[tuple[str, str], datetime]:
    if reading is None:
        return {}
    rows = reading.rows(
        f"select connection_id, resource, max(started_at) as at from {reading.table(SYNC_RUNS.name)} "  # noqa: S608
        "where status = 'done' and mode in ('full', 'incremental', 'partial') group by connection_id, resource"
    )
    return {(row["connection_id"], row["resource"]): row["at"] for row in rows}


def _cursors(
    reading: Database | None,
) -> dict[tuple[str, str], tuple[datetime | None, datetime | None, str | None]]:
    """Position, last whole reading and place of the rotation, by connection and resource."""
    if reading is None:
        return {}
    rows = reading.rows(
        f"select connection_id, resource, position, full_at, rotation_after from {reading.table(CURSORS.name)}"  # noqa: S608
    )
    return {
        (row["connection_id"], row["resource"]): (row["position"], row["full_at"], row["rotation_after"])
        for row in rows
    }


def _row_counts(reading: Database | None) -> dict[tuple[str, str], int]:
    """The records that are present, by connection and resource."""
    found: dict[tuple[str, str], int] = {}
    if reading is None:
        return found
    for resource in RESOURCES:
        rows = reading.rows(
            "select connection_id, count(*) as number "  # noqa: S608
            f"from {reading.table(snapshots_name(resource))} where valid_to is null group by connection_id"
        )
        found |= {(row["connection_id"], resource): row["number"] for row in rows}
    return found


def _local_pipeline(target: Target, connection: str) -> dlt.Pipeline | None:
    """The connection's pipeline on this machine; None where it has never run here, and none is made."""
    pipeline_name = target.pipeline_name(connection)
    if not (Path(get_dlt_pipelines_dir()) / pipeline_name).is_dir():
        return None
    return target.pipeline(connection)


def _pending(pipeline: dlt.Pipeline | None) -> int:
    if pipeline is None or not pipeline.has_pending_data:
        return 0
    waiting: Sequence[str] = [
        *pipeline.list_extracted_load_packages(),
        *pipeline.list_normalized_load_packages(),
    ]
    return len(set(waiting))


def now() -> datetime:
    """The present instant, UTC."""
    return datetime.now(UTC)
