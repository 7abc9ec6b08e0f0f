"""`sync_connection` reads one connection into the warehouse, `sync_all` every one: one that fails stops no other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Cancelled, Completed, Failed
from prefect.tasks import Task

from flows.artifacts import RunProgress, publish_summary, publish_sync
from flows.outcomes import (
    INCOMPLETE,
    SKIPPED,
    STOPPED,
    Outcome,
    ResourceFailed,
    failed_outcome,
    state_of,
    state_of_error,
)
from flows.parameters import ConnectionName, DestinationName, ResourceName, Share
from flows.running import RETRIES, RETRY_DELAY, working
from flows.skipping import paused_connections, reason_to_skip
from pipelines import sync as pipeline
from pipelines.environment import Target, target
from sources.unified_lms.connection import connection_names, load_connection, manifest_of
from sources.unified_lms.errors import ConfigurationError, Retriable, Unauthorized, WarehouseError
from sources.unified_lms.run import How
from sources.unified_lms.stopping import Stop


def may_pass(_: Task[..., Any], __: TaskRun, state: State[Any]) -> bool:
    """Whether what ended a task may soon be over: a provider's fault, another run at the same work, the warehouse."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, ResourceFailed) and isinstance(error.outcome.error, Retriable | WarehouseError)


@task(
    name="sync_resource",
    task_run_name="{resource} of {connection}",
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY,
    retry_condition_fn=may_pass,
    cache_policy=NO_CACHE,
)
def sync_resource(connection: str, resource: str, place: Target, how: How) -> Outcome:
    """Reads one resource of a connection. Raises `ResourceFailed`."""
    outcome = _sync_resource(connection, resource, place, how)
    if outcome.failed:
        raise ResourceFailed(outcome)
    return outcome


def _sync_resource(connection: str, resource: str, place: Target, how: How) -> Outcome:
    try:
        result = pipeline.sync_connection(connection, place, resources=[resource], **how)
    except Exception as error:  # noqa: BLE001 - told in a sentence, and not quoted
        return failed_outcome(resource, error)
    if not result.results:
        return Outcome({"resource": resource, "status": "partial"}, stopped_by=result.stopped_by)
    found = result.results[0]
    return Outcome(found.report, found.error, result.stopped_by)


@flow(name="sync_connection", flow_run_name="sync {connection}")
def sync_connection(
    connection: ConnectionName,
    resources: list[ResourceName] | None = None,
    full: bool = False,
    allow_deletions: bool = False,
    max_rejected: Share = 0.01,
    destination: DestinationName | None = None,
    dataset: str | None = None,
    unconditionally: bool = False,
) -> State[Any]:
    """Reads one connection into the warehouse, resource by resource.

    Args:
        connection: The name of the connection, as in the section [connections.NAME] of the configuration.
        resources: Only these resources; all that the provider has by default.
        full: Read everything from the beginning, and find out what has vanished. Otherwise only what has changed is
            read, where the provider can be asked for that.
        allow_deletions: Go on although more than half of the records have vanished.
        max_rejected: Beyond this share of rejected records (0 to 1) the run ends as Incomplete.
        destination: Where the warehouse is; what is configured by default.
        dataset: The dataset (schema) in the warehouse; what is configured, or lms, by default.
        unconditionally: Run although the connection is paused or waits for new credentials.
    """
    how: How = {"full": full, "allow_deletions": allow_deletions}
    with working() as stop:
        try:
            place = target(destination, dataset)
            skip = None if unconditionally else reason_to_skip(connection, place)
            if skip is not None:
                return _skipped(connection, skip)
            wanted = pipeline.wanted_resources(manifest_of(load_connection(connection)), resources)
        except Exception as error:  # noqa: BLE001 - told in a sentence, and not quoted
            return state_of_error(error)
        outcomes = _sync(connection, wanted, place, how, stop)
    state = state_of(connection, outcomes, max_rejected)
    publish_sync(connection, outcomes, state)
    return state


def _skipped(connection: str, reason: str) -> State[Any]:
    get_run_logger().warning(reason)
    state: State[Any] = Completed(name=SKIPPED, message=reason)
    publish_summary(f"sync-{connection}-summary", f"Sync of {connection}", state, [])
    return state


def _sync(connection: str, wanted: Sequence[str], place: Target, how: How, stop: Stop) -> list[Outcome]:
    progress = RunProgress(
        f"sync-{connection}-progress", len(wanted), f"{connection}: {len(wanted)} resources"
    )
    outcomes: list[Outcome] = []
    for resource in wanted:
        progress.step(len(outcomes), f"{connection}: reading {resource}")
        own: How = {**how, "stop": stop, "progress": partial(_tell, progress, connection)}
        outcome = _outcome(resource, sync_resource(connection, resource, place, own, return_state=True))
        outcomes.append(outcome)
        if outcome.stopped_by or isinstance(outcome.error, Unauthorized):
            break  # the others would fail alike, and lock the account perhaps
    progress.step(len(outcomes), f"{connection}: {len(outcomes)} of {len(wanted)} resources")
    return outcomes


def _tell(progress: RunProgress, connection: str, resource: str, records: int) -> None:
    progress.within(f"{connection}: {resource}, {records} records read")


def _outcome(resource: str, state: State[Any]) -> Outcome:
    found = state.result(raise_on_failure=False)
    if isinstance(found, ResourceFailed):
        return found.outcome
    return found if isinstance(found, Outcome) else failed_outcome(resource, found)


@flow(name="sync_all", flow_run_name="sync all connections")
def sync_all(
    connections: list[ConnectionName] | None = None,
    resources: list[ResourceName] | None = None,
    full: bool = False,
    max_rejected: Share = 0.01,
    destination: DestinationName | None = None,
    dataset: str | None = None,
) -> State[Any]:
    """Reads every connection into the warehouse, each in a flow run of its own. One that fails stops no other.

    Args:
        connections: Only these connections; every one that is configured by default.
        resources: Only these resources; all that a provider has by default.
        full: Read everything from the beginning, and find out what has vanished.
        max_rejected: Beyond this share of rejected records (0 to 1) a connection's run ends as Incomplete.
        destination: Where the warehouse is; what is configured by default.
        dataset: The dataset (schema) in the warehouse; what is configured, or lms, by default.
    """
    with working() as stop:
        try:
            names = list(dict.fromkeys(connections or _configured()))
            _warn_of_unknown_pauses()
        except Exception as error:  # noqa: BLE001 - told in a sentence, and not quoted
            return state_of_error(error)
        states: dict[str, State[Any]] = {}
        progress = RunProgress("sync-all-progress", len(names), f"{len(names)} connections")
        for name in names:
            progress.step(len(states), f"reading {name}")
            states[name] = sync_connection(
                name,
                resources=resources,
                full=full,
                max_rejected=max_rejected,
                destination=destination,
                dataset=dataset,
                return_state=True,
            )
            if stop.reason or states[name].name == STOPPED:
                break
        progress.step(len(states), f"{len(states)} of {len(names)} connections")
    state = _state_of_all(names, states)
    problems = [[name, each.name, each.message or ""] for name, each in states.items()]
    publish_summary("sync-all-summary", "Sync of all connections", state, problems)
    return state


def _configured() -> list[str]:
    found = connection_names()
    if not found:
        raise ConfigurationError(
            "no connection is configured where this flow runs: its working folder has no [connections.NAME] in "
            ".dlt/config.toml, and the environment no CONNECTIONS__NAME__PROVIDER"
        )
    return found


def _warn_of_unknown_pauses() -> None:
    for name in sorted(set(paused_connections()) - set(connection_names())):
        get_run_logger().warning("the variable of paused connections names %s, which is not configured", name)


def _state_of_all(names: Sequence[str], states: dict[str, State[Any]]) -> State[Any]:
    by_name: dict[str, list[str]] = {}
    for name in names:
        by_name.setdefault((states[name].name or "") if name in states else STOPPED, []).append(name)
    message = "; ".join(f"{word}: {', '.join(each)}" for word, each in sorted(by_name.items()))
    if any(state.is_failed() or state.is_crashed() for state in states.values()):
        return Failed(message=message)
    if STOPPED in by_name:
        return Cancelled(name=STOPPED, message=message)
    return Completed(name=INCOMPLETE if INCOMPLETE in by_name else None, message=message)
