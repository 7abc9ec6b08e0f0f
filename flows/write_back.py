"""`write_back` writes what is asked for in the warehouse to the providers: planned, applied, verified, as tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed, Failed

from flows.artifacts import RunProgress, artifact_key, publish_summary
from flows.outcomes import INCOMPLETE, NEEDS_REAUTH, SKIPPED, STOPPED, remedy, state_of_error
from flows.parameters import ConnectionName, DestinationName, TableName
from flows.running import working
from flows.skipping import reason_to_skip
from pipelines.cli.group import explain
from pipelines.environment import Target, target
from pipelines.write_back.applying import Applied, Outcome
from pipelines.write_back.requests import Request
from pipelines.write_back.running import (
    Plan,
    apply_requests,
    note_refusal,
    pending,
    plan_requests,
    verify_outcomes,
)
from sources.unified_lms.connection import connection_names, load_connection
from sources.unified_lms.errors import Unauthorized
from sources.unified_lms.stopping import Stop

_Done = TypeVar("_Done")


class WriteBackFailed(Exception):
    """A step of a connection's write-back came to nothing; the message is the connector's sentence."""

    def __init__(self, error: Exception) -> None:
        super().__init__(explain(error)[0])
        self.error = error


@task(name="plan_write_back", task_run_name="plan for {connection}", cache_policy=NO_CACHE)
def plan_write_back(connection: str, place: Target, requests: Sequence[Request]) -> Plan:
    """Checks the requests and compares them with the present. Raises `WriteBackFailed`."""
    return _told(lambda: plan_requests(connection, place, requests))


@task(name="apply_write_back", task_run_name="apply to {connection}", cache_policy=NO_CACHE)
def apply_write_back(
    connection: str, place: Target, requests: Sequence[Request], stop: Stop, progress: RunProgress
) -> Applied:
    """Does the requests, each at most once; what is left is the next run's. Raises `WriteBackFailed`."""

    def tell(done: int, total: int) -> None:
        progress.within(f"{connection}: {done} of {total} requests", done)

    return _told(lambda: apply_requests(connection, place, requests, stop=stop, progress=tell))


@task(name="verify_write_back", task_run_name="verify at {connection}", cache_policy=NO_CACHE)
def verify_write_back(connection: str, place: Target, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Reads what was written once more, and compares it with what was asked for. Raises `WriteBackFailed`."""
    return _told(lambda: verify_outcomes(connection, place, outcomes))


def _told(work: Callable[[], _Done]) -> _Done:
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - told in a sentence, and not quoted
        failed = WriteBackFailed(error)
    raise failed


@flow(name="write_back", flow_run_name="write back")
def write_back(
    connection: ConnectionName | None = None,
    table: TableName = "write_back_requests",
    destination: DestinationName | None = None,
    dataset: str | None = None,
) -> State[Any]:
    """Writes to the providers what is asked for in a table of the warehouse, each request once.

    Does nothing where nothing is asked. What has failed for its data is left until somebody has corrected it.

    Args:
        connection: Only this connection; by default every one whose configuration allows writes.
        table: The table or view with the requests, as name or schema.name.
        destination: Where the warehouse is; what is configured by default.
        dataset: The dataset (schema) in the warehouse; what is configured, or lms, by default.
    """
    with working() as stop:
        try:
            place = target(destination, dataset)
            asked = {name: pending(name, place, table) for name in _writable(connection)}
        except Exception as error:  # noqa: BLE001 - told in a sentence, and not quoted
            return state_of_error(error)
        asked = {name: requests for name, requests in asked.items() if requests}
        states = [_one(name, place, requests, stop) for name, requests in asked.items() if not stop.reason]
    return _state_of_all(states, stop.reason)


def _writable(connection: str | None) -> list[str]:
    if connection is not None:
        load_connection(connection)
        return [connection]
    return [name for name in connection_names() if load_connection(name).writes.allow]


def _one(connection: str, place: Target, requests: Sequence[Request], stop: Stop) -> State[Any]:
    reason = reason_to_skip(connection, place)
    if reason is not None:
        return Completed(name=SKIPPED, message=reason)
    key = f"write-back-{connection}"
    progress = RunProgress(f"{key}-progress", len(requests), f"{connection}: {len(requests)} requests")
    steps = _Steps(connection, place, requests, stop, progress)
    outcomes, state = steps.run()
    progress.step(len(requests), f"{connection}: {len(outcomes)} of {len(requests)} requests")
    _publish(key, connection, outcomes, state)
    return state


@dataclass(frozen=True)
class _Steps:
    """The tasks of one connection, one after the other, and what they come to."""

    connection: str
    place: Target
    requests: Sequence[Request]
    stop: Stop
    progress: RunProgress

    def run(self) -> tuple[Sequence[Outcome], State[Any]]:
        planned = plan_write_back(self.connection, self.place, self.requests, return_state=True)
        if not planned.is_completed():
            return (), self._failed(planned)
        applied = apply_write_back(
            self.connection, self.place, self.requests, self.stop, self.progress, return_state=True
        )
        if not applied.is_completed():
            return (), self._failed(applied)
        result: Applied = applied.result()
        verified = verify_write_back(self.connection, self.place, result.outcomes, return_state=True)
        if not verified.is_completed():
            return result.outcomes, self._failed(verified)
        return verified.result(), self._state(result, verified.result())

    def _failed(self, state: State[Any]) -> State[Any]:
        found = state.result(raise_on_failure=False)
        error = found.error if isinstance(found, WriteBackFailed) else found
        if isinstance(error, Unauthorized):
            note_refusal(self.connection, self.place, error)
            return Failed(name=NEEDS_REAUTH, message=f"{error} {remedy(self.connection)}")
        return state_of_error(error)

    def _state(self, applied: Applied, outcomes: Sequence[Outcome]) -> State[Any]:
        counts = {
            status: sum(one.status == status for one in outcomes) for status in ("done", "skipped", "failed")
        }
        differing = sum(bool(one.differences) for one in outcomes)
        message = f"{self.connection}: " + ", ".join(
            f"{number} {status}" for status, number in counts.items()
        )
        if differing:
            message += f", {differing} otherwise than asked for"
        if applied.left:
            message += f", {applied.left} left: {applied.stopped}"
        if self.stop.reason:
            return Cancelled(name=STOPPED, message=message)
        if applied.refusal is not None:
            return Failed(name=NEEDS_REAUTH, message=f"{message}. {remedy(self.connection)}")
        if counts["failed"]:
            return Failed(message=f"{message}; see lms write-back status {self.connection} --open")
        return Completed(name=INCOMPLETE if applied.left or differing else None, message=message)


def _publish(key: str, connection: str, outcomes: Sequence[Outcome], state: State[Any]) -> None:
    """Which request came to what: no payload, which is learners' data."""
    rows = [
        {
            "request": one.request.key,
            "resource": one.request.intent.resource,
            "operation": one.request.intent.operation,
            "status": one.status,
            "fault": one.fault,
            "otherwise": ", ".join(one.differences),
        }
        for one in outcomes
    ]
    create_table_artifact(rows, key=artifact_key(key), description=f"What was written to {connection}")
    problems = [
        [one.request.key, one.fault or "otherwise", one.message or ""] for one in outcomes if one.fault
    ]
    publish_summary(f"{key}-summary", f"Write-back to {connection}", state, problems)


def _state_of_all(states: Sequence[State[Any]], stopped_by: str | None) -> State[Any]:
    if not states:
        return Completed(message="nothing was asked for")
    message = "; ".join(state.message or "" for state in states)
    if any(state.is_failed() for state in states):
        return Failed(message=message)
    if stopped_by is not None:
        return Cancelled(name=STOPPED, message=message)
    names = {state.name for state in states}
    return Completed(name=INCOMPLETE if INCOMPLETE in names else None, message=message)
