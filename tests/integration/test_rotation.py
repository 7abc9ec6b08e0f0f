"""Portals larger than the limit of their hour: runs in part, and where the next one goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.environment import Target
from pipelines.sync import ResourceResult, sync_connection
from sources.unified_lms import limits
from sources.unified_lms.sandbox import Rule, SandboxServer
from sources.unified_lms.sandbox.faults import Reply
from tests.integration.conftest import Tables
from tests.integration.test_sync import ids

RESOURCE = "course_enrollments"
PLACE = f"select rotation_after from lms.cursors where resource = '{RESOURCE}'"


def sync_enrollments(acme: str, warehouse: Target) -> ResourceResult:
    """One run of the enrolments."""
    [result] = sync_connection(acme, warehouse, resources=[RESOURCE]).results
    return result


def hour_is_used_up_after(server: SandboxServer, users: int) -> None:
    """A new hour, in which the portal answers for some single users and then asks to wait for most of it."""
    limits._SHARED.clear()  # what the last run knew of the limit is an hour old
    server.faults.clear()
    server.faults.add(Rule(Reply(429, headers={"Retry-After": "3000"}), path="/users/id:", after=users))


def test_portal_larger_than_its_limit_is_read_in_a_rotation(
    server: SandboxServer, acme: str, warehouse: Target, tables: Tables
) -> None:
    """Each run goes on where the last one stopped, keeps what it has read, and retires nothing unread."""
    rows: list[int] = []
    statuses: list[str] = []
    for _ in range(4):
        hour_is_used_up_after(server, 9)
        [result] = sync_connection(acme, warehouse, resources=["course_enrollments"]).results
        statuses.append(result.status)
        assert result.error is None
        rows.append(tables.one("select count(*) from lms.course_enrollments"))
    assert statuses[:2] == ["partial", "partial"]
    assert rows == sorted(rows)
    assert rows[-1] == len(ids(server, "course_enrollments"))
    assert tables.one("select count(*) from lms.course_enrollments_snapshots") == rows[-1]


def test_run_in_part_says_when_to_go_on(server: SandboxServer, acme: str, warehouse: Target) -> None:
    """A run that the limit ended says so, and that the next one goes on."""
    hour_is_used_up_after(server, 9)
    [result] = sync_connection(acme, warehouse, resources=["course_enrollments"]).results
    assert result.report["mode"] == "partial"
    assert "the next run goes on after them" in str(result.report["message"])


def test_run_that_finds_the_hour_used_up_is_partial(
    server: SandboxServer, acme: str, warehouse: Target, tables: Tables
) -> None:
    """With no call left for anything, a run of every resource is partial, says when to go on, and retires nothing."""
    sync_connection(acme, warehouse)
    limits._SHARED.clear()
    server.faults.add(Rule(Reply(429, headers={"Retry-After": "3000"})))
    result = sync_connection(acme, warehouse)
    assert [r.status for r in result.results] == ["partial"] * 4
    assert all("Go on at 20" in str(r.report["message"]) for r in result.results)
    assert [r.report["records_retired"] for r in result.results] == [0] * 4
    assert tables.one("select count(*) from lms.users") == len(ids(server, "users"))


def test_run_that_reads_nothing_keeps_the_place(
    server: SandboxServer, acme: str, warehouse: Target, tables: Tables
) -> None:
    """A run that cannot even list the parents leaves the rotation where it was, on another machine as well."""
    hour_is_used_up_after(server, 9)
    sync_enrollments(acme, warehouse)
    place = tables.one(PLACE)
    server.faults.add(Rule(Reply(429, headers={"Retry-After": "3000"})))
    sync_enrollments(acme, warehouse)
    assert place is not None
    assert tables.one(PLACE) == place


def test_changed_mapping_begins_the_rotation_anew(
    server: SandboxServer, acme: str, warehouse: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read under another mapping has to be read again: the rotation begins at the first parent."""
    hour_is_used_up_after(server, 9)
    sync_enrollments(acme, warehouse)
    folder = tmp_path / "own" / "talentlms"
    folder.mkdir(parents=True)
    (folder / f"{RESOURCE}.jsonata").write_text(
        '{"id": $key(record.id, parent.id), "user": {"id": parent.id}, "course": {"id": record.id}}'
    )
    monkeypatch.setenv("CONNECTIONS__ACME__FOLDERS", str(folder.parent))
    server.requests.clear()
    hour_is_used_up_after(server, 9)
    sync_enrollments(acme, warehouse)
    asked = [request.path for request in server.requests if "/users/id:" in request.path]
    assert "/api/v1/users/id:1" in asked[:8]  # four are asked for at once, in no order
