"""Planning and applying requests: each at most once, each with its outcome, until too many have failed.

What was sent and never answered stands as `sending` in the ledger. Whoever takes it up again asks the provider first
what is true, so that nothing is done twice and nothing is lost, wherever the process that sent it came to its end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from pipelines.write_back.ledger import (
    DONE,
    FAILED,
    FIX_CONNECTION,
    FIX_DATA,
    RETRY_LATER,
    SENDING,
    SKIPPED,
    Row,
    WriteLog,
)
from pipelines.write_back.requests import Request
from sources.unified_lms.errors import (
    BudgetExhausted,
    ConfigurationError,
    Forbidden,
    LmsError,
    NothingSent,
    ProviderError,
    Redirected,
    Retriable,
    Unauthorized,
)
from sources.unified_lms.stopping import Stop
from sources.unified_lms.writing import NotAllowed, Refused, Step, Writer, Written

_CONNECTION_FAULTS = (Unauthorized, Forbidden, Redirected, ConfigurationError, NotAllowed)
_LEAST_FAILURES = 10
"""Failures before their share counts: the first of all is always a share of one."""


@dataclass(frozen=True)
class Planned:
    """A request and what is to be done for it."""

    request: Request
    step: Step


@dataclass(frozen=True)
class Outcome:
    """What became of a request: its `status` and, of a failed one, whose fault it is and what to do."""

    request: Request
    status: str
    action: str | None = None
    record_id: str | None = None
    fault: str | None = None
    message: str | None = None
    differences: tuple[str, ...] = ()


@dataclass
class Applied:
    """The outcomes in their order, and why the rest was left, where it was."""

    outcomes: list[Outcome] = field(default_factory=list)
    left: int = 0
    stopped: str | None = None
    refusal: Unauthorized | None = None
    """The provider's refusal of the credentials, where that ended it."""
    _counts: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Takes down what became of one more request."""
        self.outcomes.append(outcome)
        self._counts[outcome.status] += 1

    def count(self, status: str) -> int:
        """How many have a status."""
        return self._counts[status]

    @property
    def differing(self) -> int:
        """How many were done and are otherwise at the provider than asked for."""
        return sum(bool(outcome.differences) for outcome in self.outcomes)


Progress = Callable[[int, int], None]


def plan(writer: Writer, requests: Sequence[Request], rows: dict[str, Row]) -> Iterator[Planned]:
    """What is to be done for each request, nothing sent; `rows` are the ledger's."""
    for request in requests:
        yield Planned(
            request, _settled(request, rows.get(request.key)) or _step(writer, request, rows.get(request.key))
        )


def _step(writer: Writer, request: Request, row: Row | None) -> Step:
    """What is to be done for a request; a record that cannot be read now is one refusal, and ends nothing."""
    try:
        return writer.plan(request.intent, begun=_begun(row))
    except (Unauthorized, Forbidden):
        raise
    except ProviderError as error:
        refusal = Refused(f"what is there cannot be read now: {error}")
        return Step(request.intent, "refuse", str(refusal), refusal, request.intent.record_id)


def _settled(request: Request, row: Row | None) -> Step | None:
    """What the ledger says of a request without asking the provider: done once before, or another one's key."""
    if row is None or not request.given:
        return None
    if row["payload_digest"] != request.digest:
        refusal = Refused("this request_id was used for another request; give the new one an id of its own")
        return Step(request.intent, "refuse", str(refusal), refusal)
    if row["status"] in (DONE, SKIPPED):
        return Step(request.intent, "skip", "this request was done before", record_id=row["result_id"])
    return None


def _begun(row: Row | None) -> bool:
    """Whether a request may have been sent before without its outcome being known to be done."""
    return row is not None and row["status"] in (SENDING, FAILED) and bool(row["attempts"])


def _unknown(row: Row | None) -> bool:
    """Whether the outcome of an earlier try is not known."""
    return row is not None and row["status"] == SENDING


class Applying:
    """One apply: requests done one after the other through one connection."""

    def __init__(self, writer: Writer, ledger: WriteLog, *, stop: Stop | None = None) -> None:
        self._writer = writer
        self._ledger = ledger
        self._policy = writer.connection.writes
        self._stop = stop or Stop()
        self.applied = Applied()

    def run(
        self,
        requests: Sequence[Request],
        check: Callable[[], None],
        progress: Progress = lambda done, total: None,
    ) -> Applied:
        """Does the requests; `check` raises where the right to go on was lost."""
        rows = self._ledger.rows()
        for number, request in enumerate(requests):
            reason = self._reason_to_stop()
            if reason is not None:
                self.applied.left, self.applied.stopped = len(requests) - number, reason
                break
            check()
            outcome = self._one(request, rows.get(request.key))
            self.applied.add(outcome)
            progress(number + 1, len(requests))
        return self.applied

    def _reason_to_stop(self) -> str | None:
        if self._stop.reason is not None:
            return f"stopped by {self._stop.reason}"
        applied, policy = self.applied, self._policy
        failed = applied.count(FAILED)
        if applied.outcomes and applied.outcomes[-1].fault == FIX_CONNECTION:
            return "the connection has to be mended first"
        if policy.max_failures is not None and failed > policy.max_failures:
            return f"{failed} requests failed, more than max_failures allows"
        if failed >= _LEAST_FAILURES and failed > policy.max_failure_share * len(applied.outcomes):
            return f"{failed} of {len(applied.outcomes)} requests failed, more than max_failure_share allows"
        if applied.count(DONE) + failed >= policy.max_writes:
            return f"{policy.max_writes} writes are as many as max_writes allows for one apply"
        return None

    def _one(self, request: Request, row: Row | None) -> Outcome:
        settled = _settled(request, row)
        if settled is not None and settled.action == "refuse":
            return Outcome(request, FAILED, fault=FIX_DATA, message=settled.reason)
        if settled is not None:
            return Outcome(request, SKIPPED, "skip", settled.record_id, message=settled.reason)
        sent: list[Step] = []

        def before(step: Step) -> None:
            self._ledger.begin(request, step.action, step.record_id)
            sent.append(step)

        try:
            written = self._writer.write(request.intent, begun=_begun(row), before=before)
        except LmsError as error:
            return self._failed(request, error, sent=bool(sent) or _unknown(row))
        return self._done(request, written)

    def _done(self, request: Request, written: Written) -> Outcome:
        status = DONE if written.sent else SKIPPED
        left = tuple(change.field for change in written.left)
        outcome = Outcome(request, status, written.step.action, written.record_id, differences=left)
        self._ledger.finish(
            request,
            status,
            action=written.step.action,
            result_id=written.record_id,
            differences=orjson.dumps(left).decode() if left else None,
            verified_at=datetime.now(UTC),
            **({} if left else {"payload": None}),
        )
        return outcome

    def _failed(self, request: Request, error: LmsError, *, sent: bool) -> Outcome:
        fault = fault_of(error)
        self.applied.refusal = error if isinstance(error, Unauthorized) else None
        if sent and fault == RETRY_LATER and not isinstance(error, NothingSent):
            status, message = SENDING, f"nobody knows whether it was done; the next apply asks first. {error}"
        else:
            status, message = FAILED, str(error)
        self._ledger.finish(request, status, fault=fault, message=message)
        return Outcome(request, FAILED, record_id=request.intent.record_id, fault=fault, message=message)


def fault_of(error: LmsError) -> str:
    """Whose fault a failure is: `retry_later`, `fix_the_data` or `fix_the_connection`."""
    if isinstance(error, (Retriable, BudgetExhausted)):
        return RETRY_LATER
    if isinstance(error, _CONNECTION_FAULTS):
        return FIX_CONNECTION
    return FIX_DATA if isinstance(error, (Refused, ProviderError)) else RETRY_LATER


def document(planned: Planned) -> dict[str, Any]:
    """A planned request as JSON, with the values of what changes."""
    step = planned.step
    return {
        "request_id": planned.request.key,
        "resource": step.intent.resource,
        "operation": step.intent.operation,
        "action": step.action,
        "record_id": step.record_id,
        "reason": step.reason,
        "changes": {change.field: {"from": change.old, "to": change.new} for change in step.changes},
    }
