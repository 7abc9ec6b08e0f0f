"""What a run comes to, in Prefect's states.

| state | type | when |
|---|---|---|
| `Completed` | completed | everything that was asked for is in the warehouse |
| `Incomplete` | completed | read in part, or too large a share of records rejected; the next run goes on |
| `Skipped` | completed | the connection is paused, or waits for new credentials |
| `Stopped` | cancelled | ended early by a signal; what was read is loaded |
| `NeedsReauth` | failed | the provider refused the credentials |
| `Busy` | failed | another run is at the work, and was so a minute later |
| `Misconfigured` | failed | nothing was asked: a connection, variable or parameter is wrong |
| `Failed` | failed | anything else |

A message is the connector's own sentence, which quotes no secret; an error that nobody foresaw is named and not quoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed, Failed

from pipelines import sync
from pipelines.cli.group import WRONG_USAGE, explain
from sources.unified_lms.errors import Unauthorized

INCOMPLETE = "Incomplete"
SKIPPED = "Skipped"
STOPPED = "Stopped"
NEEDS_REAUTH = "NeedsReauth"
MISCONFIGURED = "Misconfigured"
BUSY = "Busy"


@dataclass(frozen=True)
class Outcome:
    """What became of one resource: its row of `sync_runs`, and the error that ended it."""

    report: dict[str, Any]
    error: Exception | None = None
    stopped_by: str | None = None

    @property
    def message(self) -> str:
        """What happened and what to do, in the connector's words; empty where there is nothing to say."""
        return str(self.report.get("message") or "")

    @property
    def failed(self) -> bool:
        """Whether nothing came of it, or it was left to another run."""
        return self.report.get("status") in ("failed", sync.BUSY)

    @property
    def rejected_share(self) -> float:
        """The share of records that were rejected, 0 to 1."""
        rejected, read = self.report.get("records_rejected") or 0, self.report.get("records_read") or 0
        return float(rejected) / max(read, 1)


class ResourceFailed(Exception):
    """A task's work came to nothing; the message is the connector's sentence, and no other error is behind it.

    Prefect logs the traceback of what a task raises, and what a library raised may quote what it worked on.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


def failed_outcome(resource: str, error: Exception) -> Outcome:
    """The outcome of a resource that could not even be tried."""
    return Outcome({"resource": resource, "status": "failed", "message": explain(error)[0]}, error)


def state_of_error(error: Exception) -> State[Any]:
    """The state of a run that could not begin its work."""
    sentence, status = explain(error)
    return Failed(name=MISCONFIGURED if status == WRONG_USAGE else None, message=sentence)


def state_of(connection: str, outcomes: Sequence[Outcome], max_rejected: float) -> State[Any]:
    """The state of a connection's run, with what it came to in a sentence."""
    refused = next((one for one in outcomes if isinstance(one.error, Unauthorized)), None)
    if refused is not None:
        return Failed(name=NEEDS_REAUTH, message=f"{refused.message} {remedy(connection)}")
    stopped = next((one.stopped_by for one in outcomes if one.stopped_by), None)
    if stopped is not None:
        message = f"{connection}: stopped by {stopped}; the next run goes on. {summary(outcomes)}"
        return Cancelled(name=STOPPED, message=message)
    failed = [one for one in outcomes if one.failed]
    if failed:
        only_busy = all(one.report.get("status") == sync.BUSY for one in failed)
        said = "; ".join(f"{one.report.get('resource')}: {one.message}" for one in failed)
        return Failed(name=BUSY if only_busy else None, message=f"{connection}: {said}")
    if any(_incomplete(one, max_rejected) for one in outcomes):
        return Completed(name=INCOMPLETE, message=f"{connection}: {summary(outcomes)}")
    return Completed(message=f"{connection}: {summary(outcomes)}")


def remedy(connection: str) -> str:
    """What to do about refused credentials."""
    return (
        f"Scheduled runs skip it from now on; give it new credentials, and then run: lms check {connection}"
    )


def summary(outcomes: Sequence[Outcome]) -> str:
    """The counts of all resources in a sentence."""
    counts = {
        word: sum(int(one.report.get(key) or 0) for one in outcomes)
        for word, key in (
            ("read", "records_read"),
            ("new", "records_new"),
            ("changed", "records_changed"),
            ("retired", "records_retired"),
            ("rejected", "records_rejected"),
            ("requests", "requests"),
        )
    }
    return ", ".join(f"{number} {word}" for word, number in counts.items())


def _incomplete(outcome: Outcome, max_rejected: float) -> bool:
    return outcome.report.get("status") == "partial" or outcome.rejected_share > max_rejected
