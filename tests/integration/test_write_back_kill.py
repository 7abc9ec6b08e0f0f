"""An apply killed with SIGKILL at each point of its protocol: the next one does what is left, and nothing twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from pipelines.environment import Target
from pipelines.write_back.requests import Request, make_request
from pipelines.write_back.running import apply_requests, ledger_rows
from sources.unified_lms.sandbox import SandboxServer
from sources.unified_lms.writing import Intent

CHILD = """
import importlib, os, signal, sys
import orjson

destination, module, path, when, asked = sys.argv[1:6]
from pipelines import environment
environment.prepare()
from pipelines.write_back.requests import make_request
from pipelines.write_back.running import apply_requests
from sources.unified_lms.writing import Intent

owner, name = importlib.import_module(module), path
while "." in name:
    part, name = name.split(".", 1)
    owner = getattr(owner, part)
original = getattr(owner, name)

def killed(*args, **options):
    if when == "after":
        original(*args, **options)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, name, killed)
requests = [make_request(Intent(**intent), str(number)) for number, intent in enumerate(orjson.loads(asked))]
apply_requests("acme", environment.target(destination), requests)
"""

POINTS = {
    "before anything is written down": ("pipelines.write_back.ledger", "WriteLog.begin", "before"),
    "written down and not sent": ("pipelines.write_back.ledger", "WriteLog.begin", "after"),
    "sent and not read again": ("sources.unified_lms.writing.writer", "Writer._send", "after"),
    "read again and not written down": ("pipelines.write_back.ledger", "WriteLog.finish", "before"),
    "done and written down": ("pipelines.write_back.ledger", "WriteLog.finish", "after"),
}

NEW = {"first_name": "Neu", "last_name": "Ling", "emails": [{"email": "neu@example.org"}]}
WRITES: dict[str, tuple[dict[str, Any], str, Callable[[SandboxServer], bool]]] = {
    "a new user": (
        {"resource": "users", "operation": "create", "payload": NEW},
        "/usersignup",
        lambda server: [p.last_name for p in server.world.people.values()].count("Ling") == 1,
    ),
    "an enrolment": (
        {"resource": "course_enrollments", "operation": "create",
         "payload": {"user": {"id": "5"}, "course": {"id": "104"}}},
        "/addusertocourse",
        lambda server: server.world.record(104, 5).removed_at is None,
    ),
    "a deletion": (
        {"resource": "users", "operation": "delete", "record_id": "7"},
        "/deleteuser",
        lambda server: 7 not in server.world.people,
    ),
}  # fmt: skip
"""What is asked for, the call that does it, and whether it has been done once."""


@pytest.mark.parametrize(
    ("write", "destination"), [*((write, "duckdb") for write in WRITES), ("an enrolment", "postgres")]
)
@pytest.mark.parametrize("point", POINTS)
def test_a_killed_apply_is_gone_on_with(
    point: str, write: str, writable: str, server: SandboxServer, warehouse: Target
) -> None:
    """Whatever had been sent is found out by asking; the request is done, once, and the ledger says so."""
    intent, call, done = WRITES[write]
    asked = orjson.dumps([intent]).decode()
    child = subprocess.run(
        [sys.executable, "-c", CHILD, warehouse.destination, *POINTS[point], asked], check=False
    )
    assert child.returncode == -signal.SIGKILL
    apply_requests(writable, warehouse, [request(intent)])
    assert done(server)
    assert len(server.faults.log.matching(call)) == 1
    [row] = ledger_rows(writable, warehouse)
    assert row["status"] == "done"


def request(intent: dict[str, Any]) -> Request:
    """The request that the killed process was at."""
    return make_request(Intent(**intent), "0")
