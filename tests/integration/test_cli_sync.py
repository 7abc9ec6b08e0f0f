from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest
from click.testing import CliRunner, Result

from pipelines.cli import main
from pipelines.environment import Target
from sources.unified_lms.sandbox import Rule, SandboxServer, World
from sources.unified_lms.sandbox.faults import Reply

pytestmark = pytest.mark.usefixtures("warehouse")


def lms(*words: str) -> Result:
    """What a command says and how it ends."""
    return CliRunner().invoke(main, list(words))


def status_of(name: str) -> dict[str, Any]:
    """What `lms status --json` says of a connection."""
    found = orjson.loads(lms("status", "--json").stdout)["connections"]
    one: dict[str, Any] = next(each for each in found if each["connection"] == name)
    return one


def test_nothing_configured() -> None:
    """Without any connection it is status 2, with how to add one."""
    result = lms("sync")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "[connections.acme]" in result.stderr


def test_table_of_results(acme: str) -> None:
    """Without names every connection is read; the table has a row for each resource, progress is on standard error."""
    result = lms("sync")
    rows = [line.split() for line in result.stdout.splitlines()[2:]]
    assert result.exit_code == 0
    assert [row[:3] for row in rows] == [
        ["acme", "users", "done"],
        ["acme", "courses", "done"],
        ["acme", "course_items", "done"],
        ["acme", "course_enrollments", "done"],
    ]
    assert "acme: reading users" in result.stderr


def test_one_resource_of_a_named_connection(acme: str) -> None:
    """Only the resource that is named is read."""
    result = lms("sync", acme, "--resource", "courses", "--json")
    [connection] = orjson.loads(result.stdout)["connections"]
    assert [each["resource"] for each in connection["resources"]] == ["courses"]


def test_one_wrong_name_among_others(acme: str) -> None:
    """A connection that nobody knows takes nothing from one that works, and makes 3."""
    result = lms("sync", acme, "nobody", "--resource", "courses")
    assert result.exit_code == 3
    assert "nobody: there is no connection 'nobody'" in result.stderr
    assert "acme         courses    done" in result.stdout


def test_wrong_name_alone() -> None:
    """A connection that nobody knows, alone, is status 2."""
    assert lms("sync", "nobody").exit_code == 2


def test_refused_resource(acme: str, server: SandboxServer) -> None:
    """A resource that is refused is failed and its reason on standard error; the others are read, and it makes 3."""
    refusal = {"error": {"type": "invalid_request_error", "message": "Not for this key"}}
    server.faults.add(Rule(Reply(403, refusal), pattern="/courses$"))
    result = lms("sync", acme, "--resource", "users", "--resource", "courses")
    assert result.exit_code == 3
    assert "acme: courses: courses (GET " in result.stderr
    assert "Not for this key" in result.stderr


def test_nothing_came_of_it(acme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is refused fails the run: status 1, and the key is nowhere in what is said."""
    monkeypatch.setenv("CONNECTIONS__ACME__CREDENTIALS__API_KEY", "wrong-key")
    result = lms("sync", acme)
    assert result.exit_code == 1
    assert "needs new credentials" in result.stderr
    assert "wrong-key" not in result.output


def test_rejected_share(acme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One rejected record in 26 is more than 1 %, which is 3; where a tenth is allowed it is 0."""
    folder = tmp_path / "own" / "talentlms"
    folder.mkdir(parents=True)
    (folder / "users.jsonata").write_text('{"id": record.id = "6" ? null : record.id}', "utf-8")
    monkeypatch.setenv("CONNECTIONS__ACME__FOLDERS", str(folder.parent))
    assert lms("sync", acme, "--resource", "users").exit_code == 3
    assert lms("sync", acme, "--resource", "users", "--max-rejected", "10%").exit_code == 0


def test_file_named_like_its_dataset(acme: str) -> None:
    """A dataset named like the DuckDB file is refused before anything is read."""
    result = lms("sync", acme, "--dataset", "warehouse")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "which DuckDB cannot tell apart" in result.stderr


def test_file_that_is_no_database(acme: str, warehouse: Target) -> None:
    """What is no DuckDB file ends with a sentence and no traceback."""
    Path(warehouse.location).write_text("this is no database " * 500)
    result = lms("status")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "the DuckDB file cannot be opened" in result.stderr


def test_rotation_goes_on_and_full_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a small limit a run reads some parents, status says after which the next one goes on, --full forgets it."""
    clock = [time.time()]
    limits: dict[str, Any] = {"calls_per_burst": 10**6, "calls_per_hour": 20, "clock": lambda: clock[0]}
    monkeypatch.setattr("sources.unified_lms.limits._SHARED", {})
    with SandboxServer(World(), **limits) as server:
        for key, value in {
            "PROVIDER": "talentlms",
            "BASE_URL": server.base_url,
            "CREDENTIALS__API_KEY": server.credentials["api_key"],
        }.items():
            monkeypatch.setenv(f"CONNECTIONS__SMALL__{key}", value)
        first = lms("sync", "small", "--resource", "course_enrollments", "--json")
        [run] = orjson.loads(first.stdout)["connections"][0]["resources"]
        after = status_of("small")["resources"][0]["rotation_after"]
        clock[0] += (
            3_700  # for the portal; what this process and its budget remember of the limit is forgotten
        )
        monkeypatch.setattr("sources.unified_lms.limits._SHARED", {})
        monkeypatch.setenv("LIMITS__FOLDER", str(tmp_path / "an hour later"))
        server.requests.clear()
        lms("sync", "small", "--resource", "course_enrollments", "--full")
        asked = [request.path for request in server.requests if "/users/id:" in request.path]
    assert (first.exit_code, run["status"]) == (3, "partial")
    assert "the next run goes on after them" in first.stderr
    assert after is not None
    # Four are asked for at once, in no order. Going on, the first user would come after those that were left over.
    first_of_all = asked.index("/api/v1/users/id:1")
    left_over = [place for place, path in enumerate(asked) if path.rpartition(":")[2] > after]
    assert all(first_of_all < place for place in left_over)


def test_status_before_the_first_run(acme: str, warehouse: Target) -> None:
    """Without a warehouse status says so, ends with 0, and makes none."""
    result = lms("status")
    assert result.exit_code == 0
    assert "there is no warehouse yet" in result.stderr
    assert "nothing has been read yet" in result.stdout
    assert not Path(warehouse.location).exists()


def test_status_after_a_run(acme: str) -> None:
    """After a run status has the state of the connection, the last run and what is there now."""
    lms("sync", acme, "--resource", "courses")
    found = status_of(acme)
    [courses] = found["resources"]
    assert (found["state"], found["configured"], found["pending_packages"]) == ("active", True, 0)
    assert (courses["rows"], courses["last_run"]["status"], courses["last_run"]["records_new"]) == (
        9,
        "done",
        9,
    )
    assert 0 <= courses["seconds_old"] < 60


def test_status_of_a_connection_that_failed_later(acme: str, server: SandboxServer) -> None:
    """A failed run is the last one, and freshness goes on from the last that was whole."""
    lms("sync", acme, "--resource", "courses")
    server.faults.add(Rule(Reply(403, {"error": {"message": "Not for this key"}}), pattern="/courses$"))
    lms("sync", acme, "--resource", "courses")
    [courses] = status_of(acme)["resources"]
    assert (courses["last_run"]["status"], courses["rows"]) == ("failed", 9)
    assert courses["last_done_at"] < courses["last_run"]["started_at"]


def test_status_reads_beside_other_readers(acme: str, warehouse: Target) -> None:
    """Status works while somebody else has the file open to read."""
    lms("sync", acme, "--resource", "courses")
    with duckdb.connect(warehouse.location, read_only=True):
        assert lms("status").exit_code == 0
