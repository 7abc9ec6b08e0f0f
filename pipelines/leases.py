"""Leases: which run has taken which work, as the destination knows it (docs/adr/0011-leases-in-the-destination.md).

A lease is a row for a connection, a resource and a partition. Its holder renews it on a thread; one that is not renewed
runs out, by the database's clock. Work is taken whole (`*`) or by partition, and the two do not exclude one another: a
backfill may run beside a sync. What must not run side by side is comparing with the warehouse and loading what follows
from it: for that a run takes its turn (`turn`).
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeAlias

import dlt
from dlt.destinations.sql_client import SqlClientBase

from pipelines.database import Database, open_database
from pipelines.processes import is_dead, machine
from pipelines.waiting import Held, wait_for, wait_seconds
from sources.unified_lms.errors import LeaseLost, WorkTaken
from sources.unified_lms.tables import LEASES

log = logging.getLogger(__name__)

Client: TypeAlias = "SqlClientBase[Any]"

WHOLE = "*"
DEFAULT_SECONDS = 120.0
_RENEWALS = 4
"""How often a lease is renewed in the time after which it runs out."""
_LOADING = "(loading)"
"""The partition that stands for a connection's turn to compare and load."""
_KEY = ("connection_id", "resource", "partition")


@dataclass(frozen=True)
class Work:
    """What a lease is for: a connection's resource, whole (`*`) or a partition of it."""

    connection: str
    resource: str = WHOLE
    partition: str = WHOLE

    @property
    def key(self) -> tuple[str, str, str]:
        """The values of the lease's key columns."""
        return (self.connection, self.resource, self.partition)

    def __str__(self) -> str:
        parts = [part for part in self.key if part != WHOLE]
        return "/".join(parts)


@dataclass(frozen=True)
class Holder:
    """Who holds a lease: the run, its machine and process, since when, and until when unless it is renewed."""

    run_id: str
    host: str
    pid: int
    since: datetime
    until: datetime

    def __str__(self) -> str:
        return f"run {self.run_id}, process {self.pid} on {self.host}, since {_instant(self.since)}"


class Lease:
    """A lease that is held; `check` before what must not be done without it."""

    def __init__(self, work: Work, token: str, seconds: float) -> None:
        self.work = work
        self.token = token
        self.seconds = seconds
        self.lost = threading.Event()

    def check(self) -> None:
        """Raises `LeaseLost` where the lease has run out."""
        if self.lost.is_set():
            raise LeaseLost(str(self.work), self.seconds)


class Readable(Protocol):
    """What answers queries over a dataset."""

    def table(self, name: str) -> str:
        """The name of a table as it stands in SQL."""

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """The rows of a query."""


@contextmanager
def lease(
    pipeline: dlt.Pipeline,
    connection: str,
    resource: str = WHOLE,
    partition: str = WHOLE,
    *,
    run_id: str = "",
    wait: float = 0.0,
    seconds: float | None = None,
) -> Iterator[Lease]:
    """Holds the lease of a piece of work for as long as the block runs; the tables are there (`prepare_tables`).

    Raises `WorkTaken` where another run holds it and has not let go of it within `wait` seconds. It runs out `seconds`
    after its last renewal: `lease_seconds` of `[warehouse]`, else two minutes.
    """
    lasting = seconds or _configured_seconds()
    held = Lease(Work(connection, resource, partition), uuid.uuid4().hex, lasting)
    client = pipeline.sql_client()
    _take(client, held, run_id, wait)
    stop = threading.Event()
    renewing = threading.Thread(target=_renew, args=(client, held, stop), daemon=True)
    renewing.start()
    try:
        yield held
    finally:
        stop.set()
        renewing.join()
        _release(client, held)


@contextmanager
def turn(pipeline: dlt.Pipeline, connection: str, run_id: str = "") -> Iterator[Lease]:
    """A connection's turn to compare and load, waited for: versions are reckoned against the warehouse as it is."""
    with lease(pipeline, connection, WHOLE, _LOADING, run_id=run_id, wait=wait_seconds()) as held:
        yield held


def held_leases(database: Readable, connection: str | None = None) -> list[tuple[Work, Holder]]:
    """The leases that have not run out, of one connection or of all, turns left out."""
    condition, values = ("where connection_id = %s", (connection,)) if connection else ("", ())
    rows = database.rows(
        f"select *, current_timestamp as now from {database.table(LEASES.name)} {condition}", *values
    )
    found = [
        (Work(*(row[name] for name in _KEY)), _holder(row)) for row in rows if not (_over(row) or _dead(row))
    ]
    return [(work, holder) for work, holder in found if work.partition != _LOADING]


def _take(client: Client, held: Lease, run_id: str, wait: float) -> None:
    """Takes the lease, trying again until it is free or `wait` seconds are over."""

    def attempt() -> None:
        if holder := _try(client, held, run_id):
            raise Held(
                f"{held.work.connection}: waiting for {holder} to finish loading",
                lambda _: WorkTaken(str(held.work), str(holder), holder.until),
            )

    wait_for(attempt, limit=wait)


def _try(client: Client, held: Lease, run_id: str) -> Holder | None:
    """Takes the lease unless somebody else has it, who is given."""
    with open_database(client) as database, database.exclusive("leases"):
        table, where = database.table(LEASES.name), _where(database)
        rows = database.rows(f"select *, current_timestamp as now from {table} where {where}", *held.work.key)
        for row in rows:
            if not _over(row) and not _dead(row):
                return _holder(row)
        database.execute(f"delete from {table} where {where}", *held.work.key)
        columns = ("run_id", "host", "pid", "machine", "token", "seconds")
        database.execute(
            f"insert into {table} ({database.columns(*_KEY, *columns, 'acquired_at', 'renewed_at')}) "
            f"values ({', '.join(['%s'] * 9)}, current_timestamp, current_timestamp)",
            *held.work.key, run_id, socket.gethostname(), os.getpid(), machine(), held.token, held.seconds,
        )  # fmt: skip
    return None


def _renew(client: Client, held: Lease, stop: threading.Event) -> None:
    """Renews the lease until it is stopped; it counts as lost when that has failed for as long as it lasts."""
    renewed = datetime.now(UTC)
    while not stop.wait(held.seconds / _RENEWALS):
        try:
            still_ours = _renew_once(client, held)
        except Exception as error:  # noqa: BLE001 - a database that is away for a moment is asked again
            log.warning("%s: its lease cannot be renewed (%s)", held.work, type(error).__name__)
            still_ours = datetime.now(UTC) - renewed < timedelta(seconds=held.seconds)
        else:
            renewed = datetime.now(UTC)
        if not still_ours:
            held.lost.set()
            return


def _renew_once(client: Client, held: Lease) -> bool:
    with open_database(client) as database, database.exclusive("leases"):
        mine = f"{_where(database)} and {database.columns('token')} = %s"
        table = database.table(LEASES.name)
        database.execute(
            f"update {table} set renewed_at = current_timestamp where {mine}", *held.work.key, held.token
        )
        return bool(database.rows(f"select token from {table} where {mine}", *held.work.key, held.token))


def _release(client: Client, held: Lease) -> None:
    try:
        with open_database(client) as database, database.exclusive("leases"):
            mine = f"{_where(database)} and {database.columns('token')} = %s"
            database.execute(
                f"delete from {database.table(LEASES.name)} where {mine}", *held.work.key, held.token
            )
    except Exception as error:  # noqa: BLE001 - it runs out by itself, and what ended the block matters more
        log.warning("%s: its lease cannot be given back and runs out (%s)", held.work, type(error).__name__)


def _where(database: Database) -> str:
    return " and ".join(f"{database.columns(name)} = %s" for name in _KEY)


def _over(row: dict[str, Any]) -> bool:
    return bool(row["now"] >= _until(row))


def _dead(row: dict[str, Any]) -> bool:
    """Whether the holder was a process of this machine that is no more: its work need not wait."""
    return is_dead(row["machine"], str(row["pid"]))


def _until(row: dict[str, Any]) -> datetime:
    renewed: datetime = row["renewed_at"]
    return renewed + timedelta(seconds=row["seconds"])


def _holder(row: dict[str, Any]) -> Holder:
    return Holder(row["run_id"], row["host"], row["pid"], row["acquired_at"], _until(row))


def _configured_seconds() -> float:
    found: float | None = dlt.config.get("warehouse.lease_seconds", float)
    return DEFAULT_SECONDS if found is None else found


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="seconds")
