"""Runs that ask for what has changed, and deletions that a provider reports."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipelines.environment import Target
from pipelines.sync import sync_connection
from tests.integration.campus import Campus
from tests.integration.conftest import ON_BOTH, Tables
from tests.unit.sources.conftest import Asked


def sync(warehouse: Target, *resources: str, **options: Any) -> dict[str, dict[str, Any]]:
    """The reports of one run, by resource."""
    result = sync_connection("campus", warehouse, resources=resources or None, **options)
    return {one.report["resource"]: one.report for one in result.results}


def counts(report: dict[str, Any]) -> tuple[str, int, int, int, int]:
    """Mode, records read, new, changed, retired."""
    return (
        report["mode"],
        report["records_read"],
        report["records_new"],
        report["records_changed"],
        report["records_retired"],
    )


@ON_BOTH
def test_second_run_asks_for_changes_only(campus: Campus, warehouse: Target) -> None:
    """After a whole run the next one reads what has changed, where the provider has a filter, and all elsewhere."""
    first = sync(warehouse)
    campus.touch(campus.people, "2", name="Changed")
    campus.touch(campus.members, ("c1", "1"), progress=50)
    campus.touch(campus.items, ("c2", "i1"), title="Changed")
    second = sync(warehouse)
    assert {counts(report)[0] for report in first.values()} == {"full"}
    assert counts(second["users"]) == ("incremental", 1, 0, 1, 0)
    assert counts(second["courses"]) == ("full", 2, 0, 0, 0)
    assert counts(second["course_items"]) == ("incremental", 1, 0, 1, 0)
    assert counts(second["course_enrollments"]) == ("incremental", 1, 0, 1, 0)


def test_changes_are_asked_for_from_the_last_run_less_the_overlap(
    campus: Campus, warehouse: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The filter's bound is the start of the last run less the overlap, whatever dates the data have."""
    monkeypatch.setenv("CONNECTIONS__CAMPUS__SYNC__OVERLAP_MINUTES", "90")
    campus.people["1"]["updated"] = datetime(2090, 1, 1, tzinfo=UTC)  # a date in the future moves nothing
    began = sync(warehouse, "users")["users"]["started_at"]
    report = sync(warehouse, "users")["users"]
    asked = campus.asked("/people")[-1]["updated_from"]
    assert report["window_since"] == began - timedelta(minutes=90)
    assert asked == (began - timedelta(minutes=90)).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def test_incremental_run_retires_nothing(campus: Campus, warehouse: Target) -> None:
    """What is not among the changes has not vanished; the next whole run finds what has."""
    sync(warehouse, "users")
    del campus.people["4"]
    assert counts(sync(warehouse, "users")["users"]) == ("incremental", 0, 0, 0, 0)
    assert counts(sync(warehouse, "users", full=True)["users"]) == ("full", 3, 0, 0, 1)


def test_named_record_keeps_what_it_lies_under(campus: Campus, warehouse: Target, tables: Tables) -> None:
    """A record that another call names lies under the same parent as in a whole run: a whole run makes no version."""
    sync(warehouse, "course_items")
    campus.touch(campus.items, ("c2", "i1"), title="Changed")
    sync(warehouse, "course_items")
    assert counts(sync(warehouse, "course_items", full=True)["course_items"]) == ("full", 4, 0, 0, 0)
    assert tables.query("select scope, title from lms.course_items where id = 'c2:i1'") == [("c2", "Changed")]


def test_named_record_that_is_gone_waits_for_the_whole_run(campus: Campus, warehouse: Target) -> None:
    """A record named as changed that cannot be read any more is left out with a count, and fails nothing."""
    sync(warehouse, "course_items")
    campus.touch(campus.items, ("c2", "i1"))
    campus.items["c2", "elsewhere"] = campus.items.pop(("c2", "i1"))
    original = campus.server.answer

    def gone(asked: Asked) -> Any:
        return (404, {}, {}) if asked.path.endswith("/items/elsewhere") else original(asked)

    campus.server.answer = gone
    report = sync(warehouse, "course_items")["course_items"]
    assert (report["status"], report["records_skipped"]) == ("done", 1)


def test_failed_run_moves_no_cursor(campus: Campus, warehouse: Target) -> None:
    """After a run that failed for one parent, the next asks from where the one before it did."""
    sync(warehouse, "course_enrollments")
    first = sync(warehouse, "course_enrollments")["course_enrollments"]
    healthy = campus.server.answer

    def broken(asked: Asked) -> Any:
        return (403, {}, {}) if asked.path == "/courses/c1/members" else healthy(asked)

    campus.server.answer = broken
    failed = sync(warehouse, "course_enrollments")["course_enrollments"]
    campus.server.answer = healthy
    after = sync(warehouse, "course_enrollments")["course_enrollments"]
    assert failed["status"] == "partial"
    assert failed["window_since"] == after["window_since"] > first["window_since"]


def test_worker_without_its_disk_goes_on(
    campus: Campus, warehouse: Target, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """The cursor travels with the data: another machine asks for changes as well."""
    sync(warehouse, "users")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "another machine"))
    assert sync(warehouse, "users")["users"]["mode"] == "incremental"


@ON_BOTH
def test_cursor_of_a_load_that_has_not_ended_does_not_count(
    campus: Campus, warehouse: Target, tables: Tables
) -> None:
    """A cursor whose load is not noted as ended may be ahead of its data: everything is read."""
    sync(warehouse, "users")
    tables.change(
        "delete from lms._dlt_loads where load_id in "
        "(select _dlt_load_id from lms.cursors where resource = 'users')"
    )
    assert sync(warehouse, "users")["users"]["mode"] == "full"


@pytest.mark.parametrize(("name", "value"), [("SYNC__FULL_EVERY_DAYS", "0"), ("FOLDERS", "changed mapping")])
def test_whole_runs_when_they_are_due(
    name: str, value: str, campus: Campus, warehouse: Target, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is read when the last whole run is too long ago, and when the mapping has changed."""
    sync(warehouse, "users")
    if name == "FOLDERS":
        (tmp_path / "own" / "campus").mkdir(parents=True)
        changed = '{"id": record.id, "first_name": record.name & "!"}'
        (tmp_path / "own" / "campus" / "users.jsonata").write_text(changed)
        value = f"{tmp_path / 'own'},{os.environ['CONNECTIONS__CAMPUS__FOLDERS']}"
    monkeypatch.setenv(f"CONNECTIONS__CAMPUS__{name}", value)
    assert sync(warehouse, "users")["users"]["mode"] == "full"


@ON_BOTH
def test_reported_deletion_is_believed(campus: Campus, warehouse: Target, tables: Tables) -> None:
    """A record that says that it was deleted closes its version, in an incremental run too, however many they are."""
    sync(warehouse, "users")
    for person in "123":
        campus.touch(campus.people, person, deleted=True)
    assert counts(sync(warehouse, "users")["users"]) == ("incremental", 3, 0, 0, 3)
    assert tables.query("select id from lms.users") == [("4",)]
    assert tables.one("select count(*) from lms.users_snapshots where deleted_at = valid_to") == 3


@ON_BOTH
def test_deleted_record_comes_back(campus: Campus, warehouse: Target, tables: Tables) -> None:
    """Brought back at the provider, it opens a new version and remembers when it was first seen."""
    sync(warehouse, "users")
    campus.touch(campus.people, "1", deleted=True)
    sync(warehouse, "users")
    campus.touch(campus.people, "1", deleted=False)
    assert counts(sync(warehouse, "users")["users"]) == ("incremental", 1, 1, 0, 0)
    history = tables.query(
        "select valid_to is null, deleted_at is null, first_seen_at = min(valid_from) over () "
        "from lms.users_snapshots where id = '1' order by valid_from"
    )
    assert history == [(False, False, True), (True, True, True)]


def test_deletion_under_a_parent_is_believed(campus: Campus, warehouse: Target, tables: Tables) -> None:
    """A list under a parent may say what was deleted as well."""
    sync(warehouse, "course_enrollments")
    campus.touch(campus.members, ("c1", "2"), gone=True)
    assert counts(sync(warehouse, "course_enrollments")["course_enrollments"]) == ("incremental", 1, 0, 0, 1)
    assert tables.query("select id from lms.course_enrollments order by 1") == [
        ("c1:1",),
        ("c2:1",),
        ("c2:2",),
    ]


def test_last_member_of_a_course_vanishes(campus: Campus, warehouse: Target, tables: Tables) -> None:
    """A whole run retires what lay under a parent that has nothing left, and leaves the other parents' records."""
    sync(warehouse, "course_enrollments")
    for member in list(campus.members):
        if member[0] == "c1":
            del campus.members[member]
    report = sync(warehouse, "course_enrollments", full=True)["course_enrollments"]
    assert counts(report) == ("full", 2, 0, 0, 2)
    assert tables.query("select id from lms.course_enrollments order by 1") == [("c2:1",), ("c2:2",)]
