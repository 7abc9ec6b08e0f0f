from __future__ import annotations

from typing import Any

import orjson
import pytest

from pipelines.cli.sync import Run, exit_status, report
from pipelines.sync import ConnectionResult, ResourceResult


def resource(
    status: str = "done", *, read: int = 100, rejected: int = 0, message: str | None = None
) -> ResourceResult:
    """A resource's run, as its row of `sync_runs` has it."""
    return ResourceResult(
        {
            "connection_id": "acme",
            "resource": "users",
            "status": status,
            "records_read": read,
            "records_rejected": rejected,
            "message": message,
        }
    )


def run(*results: ResourceResult) -> Run:
    """A connection's run."""
    return Run("acme", ConnectionResult("acme", "talentlms", results))


WRONG = Run("nope", problem="there is no connection 'nope'", status=2)
BROKEN = Run("down", problem="unexpected error", status=1)


@pytest.mark.parametrize(
    ("runs", "status"),
    [
        ([run(resource(), resource())], 0),
        ([run(resource("partial"))], 3),
        ([run(resource(), resource("failed"))], 3),
        ([run(resource("failed"), resource("failed"))], 1),
        ([run(resource("failed")), run(resource())], 3),
        ([run(resource("failed")), BROKEN], 1),
        ([run(resource()), WRONG], 3),
        ([WRONG], 2),
        ([WRONG, BROKEN], 1),
        ([run(resource(rejected=1))], 0),
        ([run(resource(rejected=2))], 3),
    ],
)
def test_exit_status(runs: list[Run], status: int) -> None:
    """0: all is there; 1: nothing came of any; 2: none is configured rightly; 3: something is missing, or over 1 %."""
    assert exit_status(runs, 0.01) == status


def test_share_is_configurable() -> None:
    """What is too much at 1 % is none too much at 2 %."""
    assert exit_status([run(resource(rejected=2))], 0.02) == 0


def test_table_holds_results_and_messages_go_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """Results are on standard output; messages and problems are on standard error."""
    report([run(resource("partial", message="one parent could not be read")), WRONG])
    said = capsys.readouterr()
    assert "acme         users      partial    100" in said.out
    assert said.err.splitlines() == [
        "acme: users: one parent could not be read",
        "nope: there is no connection 'nope'",
    ]


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    """With JSON there is one document, which has what kept a connection from being tried as well."""
    report([run(resource()), WRONG], as_json=True)
    found: dict[str, Any] = orjson.loads(capsys.readouterr().out)
    assert [each["connection"] for each in found["connections"]] == ["acme", "nope"]
    assert found["connections"][1]["problem"] == "there is no connection 'nope'"
