"""Planning and applying the requests of one connection, with its ledger and its lease."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import dlt

from pipelines.connection_state import record_state
from pipelines.environment import Target
from pipelines.leases import Lease, lease
from pipelines.reading import warehouse_exists
from pipelines.schema import prepare_tables
from pipelines.work import working_folder
from pipelines.write_back.applying import Applied, Applying, Outcome, Planned, Progress, plan
from pipelines.write_back.approval import approve, plan_id, refuse_unapproved
from pipelines.write_back.ledger import DONE, FAILED, FIX_DATA, SENDING, Row, WriteLog, request_of
from pipelines.write_back.requests import Request, from_table
from sources.unified_lms.connection import load_connection
from sources.unified_lms.errors import Unauthorized
from sources.unified_lms.stopping import Stop
from sources.unified_lms.writing import Writer, open_writer

WORK = "write_back"
"""What the lease of an apply is for, and what its pipeline lies beside."""


@dataclass(frozen=True)
class Plan:
    """What would be done, under the name that an approval knows it by."""

    plan_id: str
    planned: tuple[Planned, ...] = field(repr=False)

    def count(self, action: str) -> int:
        """How many requests come to an action."""
        return sum(one.step.action == action for one in self.planned)


def plan_requests(name: str, place: Target, requests: Sequence[Request]) -> Plan:
    """The plan of requests: every one checked and compared with the present; nothing is sent and nothing is kept."""
    rows = WriteLog(_pipeline(place, name), name, "", "").rows() if warehouse_exists(place) else {}
    with open_writer(name) as writer:
        return Plan(plan_id(name, requests), tuple(plan(writer, requests, rows)))


def apply_requests(
    name: str,
    place: Target,
    requests: Sequence[Request],
    *,
    approval: Path | None = None,
    stop: Stop | None = None,
    progress: Progress = lambda done, total: None,
) -> Applied:
    """Does the requests, each at most once.

    Raises `NotApproved` where the connection wants an approval and there is none, and `WorkTaken` while another apply
    of the connection is under way.
    """
    if not requests:
        return Applied()
    connection = load_connection(name)
    run_id = uuid.uuid4().hex
    with _taken(place, name, run_id) as (pipeline, held), open_writer(name, stop=stop) as writer:
        if connection.writes.require_approval:
            refuse_unapproved(pipeline, name, plan_id(name, requests), approval)
        ledger = WriteLog(pipeline, name, connection.provider, run_id)
        applied = Applying(writer, ledger, stop=stop).run(requests, held.check, progress)
        if applied.refusal is not None:
            record_state(pipeline, connection, applied.refusal)
        return applied


def pending(name: str, place: Target, table: str) -> list[Request]:
    """The requests of a table that a run is to take up: new ones, and those that may do better now.

    What has failed for its data waits for somebody to correct it, and is done by `retry`.
    """
    requests = from_table(place, table, name)
    rows = {row["request_id"]: row for row in ledger_rows(name, place)} if requests else {}
    return [request for request in requests if _is_open(rows.get(request.key))]


def _is_open(row: Row | None) -> bool:
    return row is None or row["status"] == SENDING or (row["status"] == FAILED and row["fault"] != FIX_DATA)


def verify_outcomes(name: str, place: Target, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes with what the provider has otherwise by now; the ledger is told where that has changed."""
    connection = load_connection(name)
    with open_writer(name) as writer:
        ledger = WriteLog(_pipeline(place, name), name, connection.provider, uuid.uuid4().hex)
        return [
            _verified(writer, ledger, outcome) if outcome.status == DONE else outcome for outcome in outcomes
        ]


def _verified(writer: Writer, ledger: WriteLog, outcome: Outcome) -> Outcome:
    asked = outcome.request.intent
    intent = asked if outcome.record_id is None else replace(asked, record_id=outcome.record_id)
    left = tuple(change.field for change in writer.differences(intent))
    if left == outcome.differences:
        return outcome
    ledger.verify(outcome.request, left)
    return replace(outcome, differences=left)


def unsettled(name: str, place: Target, faults: Sequence[str] = ()) -> list[Request]:
    """The requests whose outcome is not known or that failed, oldest first; of some faults, or of all."""
    rows = ledger_rows(name, place)
    return [
        request_of(row)
        for row in rows
        if row["status"] in (SENDING, FAILED)
        and row["payload"] is not None
        and (not faults or row["status"] == SENDING or row["fault"] in faults)
    ]


def ledger_rows(name: str, place: Target) -> list[Row]:
    """The connection's rows of the ledger, oldest first; none where there is no warehouse yet.

    Raises `ConnectionConfigError` for a name that has no rows and that nobody has configured.
    """
    rows = WriteLog(_pipeline(place, name), name, "", "").rows() if warehouse_exists(place) else {}
    if not rows:
        load_connection(name)
    return list(rows.values())


def note_refusal(name: str, place: Target, refusal: Unauthorized) -> None:
    """Keeps that the provider refused the connection's credentials, so that schedules leave it alone."""
    with _prepared(place, name) as pipeline:
        record_state(pipeline, load_connection(name), refusal)


def approve_plan(name: str, place: Target, plan: str, by: str) -> None:
    """Keeps that a plan of the connection may be applied."""
    load_connection(name)
    with _prepared(place, name) as pipeline:
        approve(pipeline, name, plan, by)


@contextmanager
def _taken(place: Target, name: str, run_id: str) -> Iterator[tuple[dlt.Pipeline, Lease]]:
    with _prepared(place, name) as pipeline, lease(pipeline, name, WORK, run_id=run_id) as held:
        yield pipeline, held


@contextmanager
def _prepared(place: Target, name: str) -> Iterator[dlt.Pipeline]:
    pipeline = _pipeline(place, name)
    with working_folder(pipeline, f"{name} ({WORK})"):
        prepare_tables(pipeline)
        yield pipeline


def _pipeline(place: Target, name: str) -> dlt.Pipeline:
    return place.pipeline(name, beside=WORK)
