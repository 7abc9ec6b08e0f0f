"""`lms create`, `update`, `delete` and `write-back` as somebody types them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from pipelines.cli import main
from sources.unified_lms.sandbox import SandboxServer
from sources.unified_lms.sandbox.faults import Reply, Rule

REQUESTS = """request_id,resource,operation,record_id,user.id,course.id,first_name
rename,users,update,5,,,Adaora
enrol,course_enrollments,create,,5,104,
nobody,users,update,9999,,,Nobody
"""


@pytest.fixture
def requests(tmp_path: Path) -> str:
    """A file with a request that changes, one that creates and one that cannot be done."""
    file = tmp_path / "requests.csv"
    file.write_text(REQUESTS, "utf-8")
    return str(file)


def lms(*words: str, **options: Any) -> Result:
    """What a command comes to."""
    return CliRunner().invoke(main, words, **options)


def test_an_update_prints_the_record_as_it_is_then(writable: str, server: SandboxServer) -> None:
    """In the unified model, read anew."""
    done = lms("update", writable, "users", "5", "--data", '{"first_name": "Adaora"}')
    assert done.exit_code == 0
    assert orjson.loads(done.stdout)["first_name"] == "Adaora"
    assert server.world.person(5).first_name == "Adaora"


def test_data_come_from_standard_input(writable: str, server: SandboxServer) -> None:
    """So that learners' data need not stand in the shell's history."""
    assert (
        lms("update", writable, "users", "5", "--data", "-", input='{"first_name": "Adaora"}').exit_code == 0
    )
    assert server.world.person(5).first_name == "Adaora"


def test_a_dry_run_shows_the_request_and_sends_none(writable: str, server: SandboxServer) -> None:
    """Method, address and body; the password that would be made is masked."""
    data = '{"first_name": "Neu", "last_name": "Ling", "emails": [{"email": "neu@example.org"}]}'
    shown = orjson.loads(lms("create", writable, "users", "--data", data, "--dry-run", "--json").stdout)
    [request] = shown["requests"]
    assert (shown["action"], request["method"]) == ("create", "POST")
    assert request["url"].endswith("/api/v1/usersignup")
    assert "email=neu%40example.org" in request["body"]
    assert request["body"].endswith("password=***")
    assert server.requests.matching("usersignup") == []


def test_a_deletion_prints_the_id(writable: str, server: SandboxServer) -> None:
    """What is gone has nothing else."""
    assert orjson.loads(lms("delete", writable, "users", "7").stdout) == {"id": "7"}
    assert 7 not in server.world.people


def test_deleting_what_is_not_there_is_no_error(writable: str) -> None:
    """It says so and ends with 0."""
    gone = lms("delete", writable, "users", "9999")
    assert (gone.exit_code, gone.stderr) == (0, "nothing was sent: there is no such record (any more)\n")


def test_what_comes_out_otherwise_is_reported(writable: str, server: SandboxServer) -> None:
    """The provider says yes and changes nothing: the field is named, and the status is 3."""
    server.faults.add(Rule(Reply(200, {"id": "5"}), path="/edituser"))
    done = lms("update", writable, "users", "5", "--data", '{"first_name": "Adaora"}')
    assert done.exit_code == 3
    assert "another first_name than asked for" in done.stderr


@pytest.mark.parametrize(
    ("data", "said"), [("{", "is no JSON"), ("[]", "is no object"), ("@nowhere.json", "cannot be read")]
)
def test_data_that_are_none_are_refused(writable: str, data: str, said: str) -> None:
    """As wrong usage, before anything is asked."""
    refused = lms("update", writable, "users", "5", "--data", data)
    assert (refused.exit_code, said in refused.stderr) == (2, True)


def test_a_connection_that_may_not_is_told_what_to_configure(acme: str) -> None:
    """Read-only is the default."""
    refused = lms("update", acme, "users", "5", "--data", '{"first_name": "Adaora"}')
    assert refused.exit_code == 1
    assert "add users.update to allow in [connections.acme.writes]" in refused.stderr


def test_a_plan_says_what_would_be_done(writable: str, requests: str) -> None:
    """Field by field, and the status is 1 for the request that is refused."""
    plan = lms("write-back", "plan", writable, "--from", requests)
    assert plan.exit_code == 1
    assert "first_name: Emeka → Adaora" in plan.stdout
    assert "1 to create, 1 to update, 0 to delete, 0 to skip, 1 to refuse" in plan.stdout


def test_an_apply_does_it_and_status_knows(writable: str, requests: str) -> None:
    """What failed is open, and its data are what has to be mended."""
    applied = lms("write-back", "apply", writable, "--from", requests)
    assert applied.exit_code == 3
    assert "acme: 2 done, 0 skipped, 1 failed" in applied.stdout
    opened = orjson.loads(lms("write-back", "status", writable, "--open", "--json").stdout)["requests"]
    assert [(row["request_id"], row["fault"]) for row in opened] == [("nobody", "fix_the_data")]
    assert "payload" not in opened[0]


def test_a_retry_does_what_can_be_done_by_now(writable: str, requests: str, server: SandboxServer) -> None:
    """The provider was down for a request; the rest is not touched."""
    server.faults.add(Rule(Reply(503), path="/edituser"))
    lms("write-back", "apply", writable, "--from", requests)
    server.faults.clear()
    again = lms("write-back", "retry", writable, "--fault", "retry_later", "--json")
    assert [(one["request_id"], one["status"]) for one in orjson.loads(again.stdout)["requests"]] == [
        ("rename", "done")
    ]


def test_file_and_table_exclude_one_another(writable: str, requests: str) -> None:
    """Which is meant cannot be guessed."""
    assert lms("write-back", "plan", writable, "--from", requests, "--table", "t").exit_code == 2


def test_a_table_that_there_is_not_is_an_error(writable: str, requests: str) -> None:
    """A misspelt table is no empty one."""
    lms("write-back", "apply", writable, "--from", requests)
    refused = lms("write-back", "plan", writable, "--table", "lms.write_back_request")
    assert refused.exit_code == 2
    assert "there is no such table" in refused.stderr


def test_an_apply_shows_how_far_it_is(writable: str, requests: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar where somebody watches standard error, a line elsewhere; results stay on standard output."""
    assert "3 of 3 requests" in lms("write-back", "apply", writable, "--from", requests).stderr
    monkeypatch.setattr(sys.modules["pipelines.cli.write_back"], "interactive", lambda: True)
    watched = lms("write-back", "apply", writable, "--from", requests, "--json")
    assert "3/3" in watched.stderr
    assert orjson.loads(watched.stdout)["connection"] == writable


@pytest.mark.parametrize("command", ["status", "retry"])
def test_a_connection_that_nobody_configured_is_an_error(writable: str, command: str) -> None:
    """A misspelt name is not taken for a connection of which nothing has failed."""
    refused = lms("write-back", command, "acmee")
    assert refused.exit_code == 2
    assert "there is no connection 'acmee'" in refused.stderr


def test_what_is_no_plan_is_not_approved(writable: str) -> None:
    """A slip in the plan's name is told at once, and not when the apply is refused."""
    refused = lms("write-back", "approve", writable, "monday")
    assert refused.exit_code == 2
    assert "'monday' is no plan" in refused.stderr
