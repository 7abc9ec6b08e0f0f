"""Planning and applying the requests of one connection, with its ledger and its lease."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dlt

from pipelines.environment import Target
from pipelines.leases import Lease, lease
from pipelines.reading import warehouse_exists
from pipelines.schema import prepare_tables
from pipelines.work import working_folder
from pipelines.write_back.applying import Applied, Applying, Planned, Progress, plan
from pipelines.write_back.approval import approve, plan_id, refuse_unapproved
from pipelines.write_back.ledger import FAILED, SENDING, Row, WriteLog, request_of
from pipelines.write_back.requests import Request
from sources.unified_lms.connection import load_connection
from sources.unified_lms.stopping import Stop
from sources.unified_lms.writing import open_writer

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
        return Applying(writer, ledger, stop=stop).run(requests, held.check, progress)


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
    """The connection's rows of the ledger, oldest first; none where there is no warehouse yet."""
    if not warehouse_exists(place):
        return []
    return list(WriteLog(_pipeline(place, name), name, "", "").rows().values())


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
