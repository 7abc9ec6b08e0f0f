from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from click.testing import CliRunner, Result

from pipelines.cli import main
from pipelines.environment import Target
from sources.unified_lms.manifest import SHIPPED
from sources.unified_lms.sandbox import Rule, SandboxServer, World
from sources.unified_lms.sandbox.faults import Reply
from tests.integration.conftest import configure

pytestmark = pytest.mark.usefixtures("acme", "warehouse")
CHECK = {
    "endpoint": "siteinfo",
    "counts": {
        "users": "$number(total_users)",
        "courses": "$number(total_courses)",
        "branches": "$number(total_branches)",
    },
    "tells": '"This is " & domain_map',
}


def lms(*words: str, **variables: str) -> Result:
    """What a command says and how it ends."""
    return CliRunner().invoke(main, list(words), env=variables)


def document(*words: str, **variables: str) -> dict[str, Any]:
    """What a check says as JSON."""
    found: dict[str, Any] = orjson.loads(lms("check", "acme", "--json", *words, **variables).stdout)
    return found


@pytest.fixture(autouse=True)
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped manifest, with what it asks for a check as these tests expect it."""
    found = yaml.safe_load((SHIPPED / "talentlms.yaml").read_text("utf-8")) | {"check": CHECK}
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "talentlms.yaml").write_text(yaml.safe_dump(found), "utf-8")
    monkeypatch.setenv("CONNECTIONS__ACME__FOLDERS", str(tmp_path / "own"))


def states(table: Callable[[str], list[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
    """The states of the connections in the warehouse."""
    return table("select connection_id, state from lms.connections")


def test_connection_that_works() -> None:
    """A connection that works is active, reads every resource, and ends with 0."""
    result = lms("check", "acme")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:2] == ["acme (talentlms): active", "  This is academy.example.org"]
    assert [
        line.split()[1] for line in result.stdout.splitlines() if line.startswith(("users", "course"))
    ] == [
        "yes",
        "yes",
        "yes",
        "yes",
    ]


def test_asks_little(server: SandboxServer) -> None:
    """A check asks for one user and one course, however many there are, and for no branch's members."""
    document()
    asked = [request.path.removeprefix("/api/v1") for request in server.requests]
    assert sum(path.startswith("/users/id:") for path in asked) == 1
    assert sum(path.startswith("/courses/id:") for path in asked) == 1
    assert not any(path.startswith("/branches") for path in asked)
    assert len(asked) < 12


def test_cost_of_a_run(server: SandboxServer) -> None:
    """The requests that are announced are those that a sync of each resource then makes."""
    announced = {each["resource"]: each["requests"] for each in document()["resources"]}
    synced = orjson.loads(lms("sync", "acme", "--json").stdout)["connections"][0]["resources"]
    assert announced == {each["resource"]: each["requests"] for each in synced}


def test_ten_thousand_users_are_a_rotation_of_six_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A portal of 10,000 users at 2,000 calls an hour is read in six runs, and the check prints that."""
    world = World.generate(people=10_000, courses=20)
    with SandboxServer(world, calls_per_burst=10**6, calls_per_hour=2_000) as large:
        configure(monkeypatch, "acme", large)
        said = lms("check", "acme").stdout
    assert "the limit is 2,000 an hour: everything is read in a rotation of 6 runs, about 5 hours" in said
    assert "Now: 1,9" in said
    assert " of 2,000 calls remain until 20" in said


def test_lists_that_come_whole_are_counted_by_reading_them(
    monkeypatch: pytest.MonkeyPatch, server: SandboxServer
) -> None:
    """With the shipped manifest, which names no counts, the announced requests are those that a sync makes."""
    monkeypatch.delenv("CONNECTIONS__ACME__FOLDERS")
    announced = {each["resource"]: each["requests"] for each in document()["resources"]}
    assert sum(request.path.endswith("/branches") for request in server.requests) == 1
    synced = orjson.loads(lms("sync", "acme", "--json").stdout)["connections"][0]["resources"]
    assert announced == {each["resource"]: each["requests"] for each in synced}


def test_arithmetic_of_the_shipped_manifest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A TalentLMS portal of 10,000 users at 2,000 calls an hour is told its rotation without any setting."""
    monkeypatch.delenv("CONNECTIONS__ACME__FOLDERS")
    world = World.generate(people=10_000, courses=20)
    with SandboxServer(world, calls_per_burst=10**6, calls_per_hour=2_000) as large:
        monkeypatch.setenv("CONNECTIONS__ACME__BASE_URL", large.base_url)
        monkeypatch.delenv("CONNECTIONS__ACME__SETTINGS__CALLS_PER_HOUR")
        said = lms("check", "acme").stdout
    assert "the limit is 2,000 an hour: everything is read in a rotation of 6 runs, about 5 hours" in said


def test_what_will_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the portal's time zone it says which dates of which resources stay null, and why."""
    monkeypatch.delenv("CONNECTIONS__ACME__SETTINGS__TIMEZONE")
    said = lms("check", "acme").stdout
    assert "Missing: created_at, updated_at of courses stay null:" in said
    assert "set `timezone`" in said


def test_nothing_is_missing() -> None:
    """With the time zone nothing is said to be missing."""
    assert all(each["missing"] == [] for each in document()["resources"])


def test_resource_that_may_not_be_read(server: SandboxServer) -> None:
    """A resource that is refused is named with the refusal; the others are looked at all the same, and it makes 3."""
    refusal = {"error": {"type": "invalid_request_error", "message": "Not for this key"}}
    server.faults.add(Rule(Reply(403, refusal), pattern="/courses$"))
    result = lms("check", "acme", "--json")
    found = {each["resource"]: each for each in orjson.loads(result.stdout)["resources"]}
    assert result.exit_code == 3
    assert (found["users"]["readable"], found["courses"]["readable"]) == (True, False)
    assert "Not for this key" in found["courses"]["message"]


def test_wrong_key_needs_new_credentials(warehouse: Target, tables: Any) -> None:
    """A wrong key makes the state needs_reauth, in the warehouse as well, and ends with 1."""
    lms("check", "acme", "--record")
    result = lms("check", "acme", CONNECTIONS__ACME__CREDENTIALS__API_KEY="wrong-key")
    assert (result.exit_code, "acme (talentlms): needs_reauth" in result.stdout) == (1, True)
    assert "wrong-key" not in result.output
    assert states(tables.query) == [("acme", "needs_reauth")]


def test_no_warehouse_is_made(tmp_path: Path, warehouse: Target) -> None:
    """A check makes no warehouse by itself."""
    lms("check", "acme")
    assert not Path(warehouse.location).exists()


def test_warehouse_is_made_when_told_to(warehouse: Target, tables: Any) -> None:
    """With --record it does, and the state is there."""
    assert lms("check", "acme", "--record").exit_code == 0
    assert states(tables.query) == [("acme", "active")]


def test_host_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address where nobody answers is a mistake in the connection: validation_error, and status 1."""
    monkeypatch.setattr("sources.unified_lms.client.backoff", lambda *_, **__: 0.0)
    result = lms("check", "acme", CONNECTIONS__ACME__BASE_URL="http://127.0.0.1:9")
    assert (result.exit_code, result.stdout) == (1, "acme (talentlms): validation_error\n")
    assert "base_url" in result.stderr


def test_provider_that_is_down_says_nothing_of_the_connection(
    server: SandboxServer, tables: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider that answers 503 leaves the state as it was."""
    monkeypatch.setattr("sources.unified_lms.client.backoff", lambda *_, **__: 0.0)
    lms("check", "acme", "--record")
    server.faults.add(Rule(Reply(503)))
    assert lms("check", "acme").exit_code == 1
    assert states(tables.query) == [("acme", "active")]


def test_wrong_configuration() -> None:
    """A connection without its key is status 2, with where the key goes."""
    result = lms("check", "acme", CONNECTIONS__ACME__CREDENTIALS__API_KEY="")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "CONNECTIONS__ACME__CREDENTIALS__API_KEY" in result.stderr
