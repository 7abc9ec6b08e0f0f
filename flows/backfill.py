"""`backfill` reads a connection once, part by part; a run that ended early is gone on with by the next one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Cancelled, Completed, Failed
from prefect.tasks import Task
from pydantic import Field

from flows.artifacts import RunProgress, artifact_key, publish_summary
from flows.outcomes import BUSY, INCOMPLETE, NEEDS_REAUTH, STOPPED, remedy, state_of_error
from flows.parameters import ConnectionName, DestinationName, Lanes, ResourceName
from flows.running import RETRIES, RETRY_DELAY, working
from flows.spreading import helpers
from pipelines import backfill as pipeline
from pipelines.backfill import COUNTS, Progress, Request, ResourceBackfill
from pipelines.cli.group import explain
from pipelines.environment import Target, target
from pipelines.partitions import PARENTS
from pipelines.sync import wanted_resources
from sources.unified_lms.connection import load_connection, manifest_of

Days = Annotated[float, Field(gt=0)]


class PartsLeft(Exception):
    """Parts of a backfill failed; the message is the connector's first sentence about them."""

    def __init__(self, found: ResourceBackfill) -> None:
        super().__init__(found.problems[0])
        self.found = found


def may_pass(_: Task[..., Any], __: TaskRun, state: State[Any]) -> bool:
    """Whether there is use in going on at once: not where credentials, a rate limit or a signal ended it."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, PartsLeft) and not error.found.over


@task(
    name="backfill_resource",
    task_run_name="backfill {resource} of {connection}",
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY,
    retry_condition_fn=may_pass,
    cache_policy=NO_CACHE,
)
def backfill_resource(connection: str, resource: str, place: Target, request: Request) -> ResourceBackfill:
    """Reads the parts of a resource that are left. Raises `PartsLeft` where some of them failed."""
    found = _backfill(connection, resource, place, request)
    if found.problems and request.stop.reason is None:
        raise PartsLeft(found)
    return found


def _backfill(connection: str, resource: str, place: Target, request: Request) -> ResourceBackfill:
    try:
        [found] = pipeline.backfill_connection(connection, place, request, [resource])
    except Exception as error:  # noqa: BLE001 - told in a sentence, and not quoted
        return ResourceBackfill(resource, problems=[explain(error)[0]], over=True)
    return found


@flow(name="backfill", flow_run_name="backfill {connection}")
def backfill(
    connection: ConnectionName,
    resources: list[ResourceName] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    window_days: Days = 7,
    restart: bool = False,
    allow_deletions: bool = False,
    spread: Lanes = 1,
    parents: Annotated[int, Field(ge=1)] = PARENTS,
    destination: DestinationName | None = None,
    dataset: str | None = None,
) -> State[Any]:
    """Reads resources of a connection once, part by part. A run of the same goes on where the last one stopped.

    Args:
        connection: The name of the connection, as in the section [connections.NAME] of the configuration.
        resources: Only these resources; all that the provider has by default.
        since: Only what has changed from this instant on, where the provider can be asked for that; everything by
            default. Without a zone it is UTC.
        until: Only what has changed before this instant; up to now by default. Without a zone it is UTC.
        window_days: The length of one part of a window, in days.
        restart: Begin anew where an earlier backfill of the same would go on.
        allow_deletions: Go on although more than half of a part's records have vanished.
        spread: How many processes read parts at once, onto PostgreSQL: this one, and runs of backfill_share/on-demand.
        parents: How many parents one part has, such as courses, where a resource is read by parents.
        destination: Where the warehouse is; what is configured by default.
        dataset: The dataset (schema) in the warehouse; what is configured, or lms, by default.
    """
    with working() as stop:
        try:
            place = target(destination, dataset)
            manifest = manifest_of(load_connection(connection))
            wanted = wanted_resources(manifest, resources)
            request = Request(
                zoned(since), zoned(until), timedelta(days=window_days), restart, allow_deletions, stop
            )
            request = replace(request, parents=parents)
            if spread > 1:
                request = replace(request, divided=helpers(connection, place, request, spread))
            for resource in wanted:
                pipeline.check_window(manifest, resource, request)
        except Exception as error:  # noqa: BLE001 - told in a sentence, and not quoted
            return state_of_error(error)
        results = _run(connection, wanted, place, request)
    state = _state_of(connection, results, len(wanted), stop.reason)
    _publish(connection, results, state)
    return state


def zoned(instant: datetime | None) -> datetime | None:
    """An instant as it is meant: in UTC where it says no zone."""
    return instant.replace(tzinfo=UTC) if instant is not None and instant.tzinfo is None else instant


def _run(connection: str, wanted: Sequence[str], place: Target, request: Request) -> list[ResourceBackfill]:
    progress = RunProgress(
        f"backfill-{connection}-progress", len(wanted), f"{connection}: {len(wanted)} resources"
    )
    results: list[ResourceBackfill] = []

    def tell(found: Progress) -> None:
        done = len(results) + found.done / max(found.parts, 1)
        progress.within(f"{connection}: {found.resource}, {found.done} of {found.parts} parts", done)

    for resource in wanted:
        state = backfill_resource(
            connection, resource, place, replace(request, progress=tell), return_state=True
        )
        results.append(_found(resource, state))
        progress.step(len(results), f"{connection}: {len(results)} of {len(wanted)} resources")
        if results[-1].over or request.stop.reason:
            break
    return results


def _found(resource: str, state: State[Any]) -> ResourceBackfill:
    found = state.result(raise_on_failure=False)
    if isinstance(found, PartsLeft):
        return found.found
    if isinstance(found, ResourceBackfill):
        return found
    return ResourceBackfill(resource, problems=[explain(found)[0]], over=True)


def _state_of(
    connection: str, results: Sequence[ResourceBackfill], wanted: int, stopped_by: str | None
) -> State[Any]:
    parts, done = sum(one.parts for one in results), sum(one.done for one in results)
    message = f"{connection}: {done} of {parts} parts are in the warehouse"
    if stopped_by is not None:
        return Cancelled(name=STOPPED, message=f"{message}; stopped by {stopped_by}, the next run goes on")
    problems = [f"{one.resource}: {problem}" for one in results for problem in one.problems[:1]]
    if any(one.refused for one in results):
        return Failed(name=NEEDS_REAUTH, message=f"{message}. {'; '.join(problems)} {remedy(connection)}")
    if results and all(one.busy for one in results):
        return Failed(name=BUSY, message=f"{connection}: {'; '.join(problems)}")
    if any(one.status in ("failed", "busy") for one in results):
        return Failed(message=f"{message}. {'; '.join(problems)}")
    if problems or len(results) < wanted or any(one.status != "done" for one in results):
        return Completed(name=INCOMPLETE, message=f"{message}; the same run goes on. {'; '.join(problems)}")
    return Completed(message=message)


@flow(name="backfill_share", flow_run_name="backfill {resource} of {connection}, lane {lane}")
def backfill_share(
    connection: ConnectionName,
    resource: ResourceName,
    lane: Lanes,
    since: datetime | None = None,
    until: datetime | None = None,
    allow_deletions: bool = False,
    destination: DestinationName | None = None,
    dataset: str | None = None,
) -> State[Any]:
    """Reads parts of a backfill that another run leads, as long as there are any that nobody is at.

    Args:
        connection: The name of the connection.
        resource: The resource whose backfill is under way.
        lane: The number of this helper, of which there is one at a time.
        since: As in the run that leads.
        until: As in the run that leads.
        allow_deletions: As in the run that leads.
        destination: Where the warehouse is; what is configured by default.
        dataset: The dataset (schema) in the warehouse; what is configured, or lms, by default.
    """
    with working() as stop:
        try:
            place = target(destination, dataset)
        except Exception as error:  # noqa: BLE001 - told in a sentence, and not quoted
            return state_of_error(error)
        request = Request(zoned(since), zoned(until), allow_deletions=allow_deletions, stop=stop, lane=lane)
        found = _backfill(connection, resource, place, request)
    if not (found.problems or stop.reason):
        return Completed(message=f"{connection}: {found.done} parts of {resource}")
    return _state_of(connection, [found], 1, stop.reason)


def _publish(connection: str, results: Sequence[ResourceBackfill], state: State[Any]) -> None:
    rows = [
        {"resource": one.resource, "status": one.status, "parts": one.parts, "done": one.done}
        | {name: one.counts[name] for name in COUNTS}
        for one in results
    ]
    key = f"backfill-{connection}"
    create_table_artifact(rows, key=artifact_key(key), description=f"What was read of {connection}")
    problems = [[one.resource, one.status, problem] for one in results for problem in one.problems]
    publish_summary(f"{key}-summary", f"Backfill of {connection}", state, problems)
