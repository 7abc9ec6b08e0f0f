"""A backfill: one resource after the other, part by part, each a load of its own (docs/adr/0017).

It goes on where it stopped, in whatever process, and may run beside the scheduled sync: it has a pipeline of its own,
takes its turn to compare and load, and moves no cursor.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipelines.backfill_ledger import Asked, Ledger, Row, begin, find_unfinished, is_done
from pipelines.connection_state import record_state
from pipelines.environment import Target
from pipelines.leases import Lease, Work, lease
from pipelines.pace import Pace
from pipelines.partitions import PARENTS, WINDOW, Partition, ranges, whole, windows
from pipelines.recovery import finish_pending
from pipelines.schema import prepare_tables
from pipelines.sync import ResourceResult, run_resource, wanted_resources
from pipelines.work import taken_by_others, working_folder
from sources.unified_lms.client import Client
from sources.unified_lms.connection import Connection, load_connection, manifest_of
from sources.unified_lms.cursors import reading_digest
from sources.unified_lms.errors import (
    BudgetExhausted,
    ConfigurationError,
    LmsError,
    Stopped,
    Unauthorized,
    WorkTaken,
)
from sources.unified_lms.manifest import Manifest
from sources.unified_lms.parents import ParentCache, list_parents
from sources.unified_lms.run import Options, Part, resource_mapping
from sources.unified_lms.stopping import Stop
from sources.unified_lms.ways import choose_changed, choose_read

COUNTS = (
    "requests", "records_read", "records_new", "records_changed", "records_retired", "records_rejected",
)  # fmt: skip
_LOOK = 1.0
"""Seconds between two looks at the parts that helpers are at."""


@dataclass(frozen=True)
class Progress:
    """How far the backfill of a resource is."""

    resource: str
    done: int
    parts: int
    remaining: tuple[float, float] | None
    """Between how many seconds the rest will take; None while nothing can be said."""


@dataclass(frozen=True)
class Request:
    """What is to be backfilled, and how."""

    since: datetime | None = None
    until: datetime | None = None
    window: timedelta = WINDOW
    restart: bool = False
    """Begin anew where an earlier backfill of the same would go on."""
    allow_deletions: bool = False
    stop: Stop = field(default_factory=Stop)
    progress: Callable[[Progress], None] = lambda progress: None
    parents: int = PARENTS
    """How many parents a part has."""
    lane: int = 0
    """0 leads the backfill; a higher number helps whoever does, and is one process's own."""
    divided: Callable[[str, int], None] = lambda resource, parts: None
    """Hears of a resource and how many of its parts are left, once they are known and helpers may begin."""


@dataclass
class ResourceBackfill:
    """What became of a resource's backfill in this process."""

    resource: str
    parts: int = 0
    done: int = 0
    """Parts that are in the warehouse, those of earlier processes included."""
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    busy: bool = False
    """Whether another process is at the backfill of the resource."""
    over: bool = False
    """Whether there is no use in going on to other resources now."""
    refused: bool = False
    """Whether the provider refused the credentials."""

    @property
    def status(self) -> str:
        """`done`, `partial` (the same command goes on), `failed` where no part is in the warehouse, or `busy`."""
        if self.busy:
            return "busy"
        if self.parts and self.done == self.parts:
            return "done"
        return "partial" if self.done or not self.problems else "failed"


def backfill_connection(
    name: str, target: Target, request: Request, resources: Sequence[str] | None = None
) -> Iterator[ResourceBackfill]:
    """Backfills resources one after the other, and gives what became of each.

    Raises `ConfigurationError` before anything is read for a window that the provider cannot be asked for.
    """
    connection = load_connection(name)
    manifest = manifest_of(connection)
    wanted = wanted_resources(manifest, resources)
    for resource in wanted:
        check_window(manifest, resource, request)
    for resource in wanted:
        found = _Backfill(connection, manifest, resource, target, request).run()
        yield found
        if found.over:
            return


def check_window(manifest: Manifest, resource: str, request: Request) -> None:
    """Raises `ConfigurationError` where a window is asked for that makes no sense, or that the provider lacks."""
    since, until = request.since, request.until
    if since is None and until is None:
        return
    if since is None or (until is not None and until <= since):
        raise ConfigurationError(
            "--since: a window begins before it ends; give --since, and a later --until or none"
        )
    changed = manifest.resources[resource].changed
    if changed is None or not changed.until:
        raise ConfigurationError(
            f"{manifest.provider} cannot be asked what has changed of {resource} in a window of time, so that --since "
            "and --until cannot be heeded; leave them out, and everything is read, or name other resources"
        )


class _Backfill:
    """The backfill of one resource in this process."""

    def __init__(
        self, connection: Connection, manifest: Manifest, resource: str, target: Target, request: Request
    ) -> None:
        self._connection = connection
        self._manifest = manifest
        self._resource = resource
        self._request = request
        self._lane = f" {request.lane}" if request.lane else ""
        self._pipeline = target.pipeline(connection.name, f"/backfill/{resource}{self._lane}")
        self._parents = ParentCache()
        self._pace = Pace()
        self._found = ResourceBackfill(resource)
        self._run_id = secrets.token_hex(16)

    def run(self) -> ResourceBackfill:
        """Reads what is left, until it is done or there is no going on."""
        try:
            with ExitStack() as stack:
                self._take(stack)
                finish_pending(self._pipeline, self._connection.name, self._manifest.provider)
                ledger = self._ledger()
                if ledger is not None:
                    self._begin(ledger)
                    self._read(ledger)
        except LmsError as error:
            self._found.problems.append(str(error))
            self._found.busy = isinstance(error, WorkTaken)
            self._found.over = isinstance(error, Unauthorized | BudgetExhausted | Stopped)
            if isinstance(error, Unauthorized):
                self._found.refused = True
                record_state(self._pipeline, self._connection, error)
        return self._found

    def _take(self, stack: ExitStack) -> None:
        """Takes the lease of who leads, or of a lane; raises `WorkTaken` at once where another process has it."""
        name, resource = self._connection.name, self._resource
        partition = f"(backfill{self._lane})"
        work = Work(name, resource, partition)
        if taken := taken_by_others(self._pipeline, [work]):
            raise taken[work]
        stack.enter_context(working_folder(self._pipeline, name))
        prepare_tables(self._pipeline)
        stack.enter_context(lease(self._pipeline, name, resource, partition, run_id=self._run_id))

    def _ledger(self) -> Ledger | None:
        """The unfinished backfill of the same, else a new one; a helper makes none."""
        mapping = resource_mapping(self._manifest, self._resource, self._connection)
        asked = Asked(
            self._connection.name,
            self._resource,
            self._manifest.provider,
            self._request.since,
            self._request.until,
            reading_digest(mapping, self._connection),
        )
        earlier = None if self._request.restart else find_unfinished(self._pipeline, asked)
        if self._request.lane:
            return earlier
        return earlier or begin(self._pipeline, asked, self._divided())

    def _divided(self) -> list[Partition]:
        with Client(self._manifest, self._connection, stop=self._request.stop) as client:
            if self._request.since is not None:
                return self._windows(client, self._request.since)
            above = choose_read(self._manifest, self._resource, client.settings).parents
            if above is None:
                return whole()
            listed = list_parents(client, above, client.settings, self._request.stop)
            found = self._parents.of(above.resource, lambda: listed)
            return ranges((identifier for identifier, _ in found), self._request.parents)

    def _windows(self, client: Client, since: datetime) -> list[Partition]:
        if choose_changed(self._manifest, self._resource, client.settings) is None:
            raise ConfigurationError(
                f"the settings of {self._connection.name} keep {self._resource} from being asked for by time of change"
            )
        until = self._request.until or datetime.fromtimestamp(client.now()).astimezone()
        return windows(since, until, self._request.window)

    def _begin(self, ledger: Ledger) -> None:
        if not self._request.lane:
            self._found.parts, self._found.done = len(ledger.parts), len(ledger.done)
            self._request.divided(self._resource, len(ledger.pending))

    def _read(self, ledger: Ledger) -> None:
        """Reads every part that is left; who leads waits for those that helpers are at, and reads what they leave."""
        left = ledger.pending
        while left and not self._found.over:
            taken = self._taken(left)
            if self._request.lane:
                return
            if len(taken) == len(left):
                self._request.stop.wait(threading.Event(), _LOOK)
            left = taken
        self._tell()

    def _taken(self, left: Sequence[tuple[Partition, Row]]) -> list[tuple[Partition, Row]]:
        """Reads parts as long as there is use in it; those that other processes are at."""
        taken = []
        for part in left:
            if not self._read_part(*part):
                taken.append(part)
            if self._found.over:
                break
        return taken

    def _read_part(self, partition: Partition, row: Row) -> bool:
        """Reads a part unless it is done meanwhile; whether it is off the list, no other process being at it."""
        self._tell()
        self._request.stop.check()
        with ExitStack() as stack:
            try:
                held = stack.enter_context(self._part_lease(partition))
            except WorkTaken:
                return False
            if is_done(self._pipeline, row):
                self._found.done += not self._request.lane
                return True
            self._found.parts += bool(self._request.lane)
            began = time.monotonic()
            options = self._options(partition, row)
            result = run_resource(
                self._pipeline, self._connection, self._manifest, self._resource, options, held
            )
            self._count(result, time.monotonic() - began)
        return True

    def _part_lease(self, partition: Partition) -> AbstractContextManager[Lease]:
        name = f"(backfill part {partition.number})"
        return lease(self._pipeline, self._connection.name, self._resource, name, run_id=self._run_id)

    def _options(self, partition: Partition, row: Row) -> Options:
        return Options(
            allow_deletions=self._request.allow_deletions,
            keep_raw=self._connection.keep_raw,
            part=Part(partition.selection(self._parents), row),
            stop=self._request.stop,
        )

    def _count(self, result: ResourceResult, seconds: float) -> None:
        found, report = self._found, result.report
        found.counts.update({name: report.get(name) or 0 for name in COUNTS})
        if result.status == "done":
            found.done += 1
            self._pace.took(seconds)
            return
        if isinstance(result.error, Unauthorized):
            raise result.error
        found.problems.append(str(report["message"]))
        # A part that was read in part although no parent failed ran into the rate limit, or was asked to stop.
        found.over = result.status == "partial" and not report["scopes_failed"]

    def _tell(self) -> None:
        found = self._found
        left = found.parts - found.done
        self._request.progress(Progress(self._resource, found.done, found.parts, self._pace.remaining(left)))
