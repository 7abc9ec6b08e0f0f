"""What only Docebo does: two lists of enrolments and of courses, learning plans, three grants, names that differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mappings.model import RESOURCES
from pipelines.check import check_connection
from sources.unified_lms.client import Client
from sources.unified_lms.manifest import load_manifest
from sources.unified_lms.passthrough import PassThrough
from sources.unified_lms.sandbox import Faults, Rule, SandboxServer, World, expected
from sources.unified_lms.sandbox.faults import Do, DuplicateRecords, Reply
from sources.unified_lms.selection import Selection
from tests.contract.harness import Reading, connect, flat, impatient, read, readable

ONLY_NEWER = {"status_source", "is_mandatory", "created_at"}
ONLY_OLDER = {"status_source", "progress_percent", "urls"}
"""Columns of enrolments that one of the two lists has alone; the word of a status differs."""
ONLY_LISTED = {"users": {"name", "created_at", "updated_at"}}
"""Columns that a single record does not have."""


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    """A portal."""
    with SandboxServer(World(), "docebo") as running:
        yield running


def told(reading: Reading, resource: str, without: set[str] | None = None) -> dict[str, dict[str, Any]]:
    """The rows of a reading by their ids, without some columns."""
    return {
        key: {
            name: value for name, value in readable(resource, row).items() if name not in (without or set())
        }
        for key, row in reading.rows.items()
    }


@pytest.mark.parametrize(
    ("resource", "settings"),
    [
        ("course_enrollments", {"enrollment_list": "learn"}),
        ("courses", {"course_list": "course"}),
        ("course_items", {"course_list": "course"}),
    ],
)
def test_the_other_lists_tell_what_they_can(
    server: SandboxServer, resource: str, settings: dict[str, Any]
) -> None:
    """Read from the lists that are not the default, rows are what the oracle says that these can tell."""
    wanted = {
        row["id"]: flat(resource, row) for row in expected(server.world, "docebo", resource, **settings)
    }
    reading = read(server, resource, **settings)
    assert told(reading, resource) == wanted
    assert (reading.rejections, reading.outcome.whole) == ([], True)


def test_both_lists_of_enrolments_give_the_same_rows(server: SandboxServer) -> None:
    """As far as each can tell: only progress, address, obligation and creation are in one of them alone."""
    newer, older = (
        read(server, "course_enrollments"),
        read(server, "course_enrollments", enrollment_list="learn"),
    )
    without = ONLY_NEWER | ONLY_OLDER
    assert told(newer, "course_enrollments", without) == told(older, "course_enrollments", without)


def test_learning_plans_are_left_out_with_a_reason(server: SandboxServer) -> None:
    """The older list has them among the courses, here with a number that is a course's as well."""
    reading = read(server, "course_enrollments", enrollment_list="learn")
    assert reading.outcome.skipped["a learning plan and no course"] > 0
    assert "Onboarding" not in {row["course__title"] for row in reading.rows.values()}


def test_other_levels_are_kept_by_setting(server: SandboxServer) -> None:
    """Instructors are skipped with a reason, or kept where the connection says so."""
    usual = read(server, "course_enrollments")
    more = read(server, "course_enrollments", levels=("learner", "instructor"))
    assert set(usual.outcome.skipped) == {"not a level that is kept"}
    assert len(more.rows) == len(usual.rows) + usual.outcome.skipped.total()


@pytest.mark.parametrize("settings", [{}, {"course_list": "course", "enrollment_list": "learn"}])
@pytest.mark.parametrize("resource", RESOURCES)
def test_small_pages_are_as_complete(server: SandboxServer, resource: str, settings: dict[str, Any]) -> None:
    """Page after page until there is no more data, whatever their size."""
    assert read(server, resource, page_size=3, **settings).rows == read(server, resource, **settings).rows


@pytest.mark.parametrize("resource", ["users", "courses", "course_enrollments"])
def test_one_record_is_the_row_of_the_list(server: SandboxServer, resource: str) -> None:
    """`get` gives what the list gives, from records that name things differently, but for what they do not have."""
    manifest, connection = load_manifest("docebo"), connect(server)
    listed = told(read(server, resource), resource, ONLY_LISTED.get(resource))
    client = Client(manifest, connection, timing=impatient())
    with PassThrough(connection, manifest, resource, client) as one:
        for key, row in listed.items():
            found = one.get(key)
            assert found.unified is not None
            single = flat(resource, found.unified)
            assert {name: single[name] for name in row} == row
            assert all(single[name] is None for name in ONLY_LISTED.get(resource, ()))


@pytest.mark.parametrize("rotates", [False, True])
@pytest.mark.parametrize("grant", ["client_credentials", "password", "refresh_token"])
def test_every_grant_reads(grant: str, rotates: bool) -> None:
    """Each grant gets a token, and another one when it has ended in mid-reading."""
    clock = [0.0]

    def later() -> None:
        clock[0] += 4000

    faults = Faults(Rule(Do(later), path="/learn/v1/courses/105", hits=(1,)))
    options: dict[str, Any] = {"grant": grant, "rotates_refresh_tokens": rotates, "clock": lambda: clock[0]}
    with SandboxServer(World(), "docebo", faults, **options) as server:
        reading = read(server, "course_items")
        tokens = server.requests.matching("/oauth2/token", "POST")
        assert set(reading.rows) == {row["id"] for row in expected(server.world, "docebo", "course_items")}
    assert reading.outcome.whole
    assert len(tokens) > 1
    assert {request.status for request in tokens} == {200}


def test_records_that_repeat_on_pages_count_once(server: SandboxServer) -> None:
    """A list that shifts under the reader shows a record twice; its rows are still one for each id."""
    server.faults.add(Rule(DuplicateRecords(2, at="data.items"), path="/manage/v1/user"))
    try:
        reading = read(server, "users", page_size=10)
    finally:
        server.faults.clear()
    assert set(reading.rows) == {row["id"] for row in expected(server.world, "docebo", "users")}


def test_a_list_without_its_envelope_is_no_empty_list(server: SandboxServer) -> None:
    """An answer that holds no list tells nothing, so that nothing is taken for deleted."""
    server.faults.add(Rule(Reply(200, {"data": {"success": False}}), path="/course/v1/courses/101/"))
    try:
        outcome = read(server, "course_enrollments").outcome
    finally:
        server.faults.clear()
    assert [scope for scope, _ in outcome.failed] == ["101"]
    assert not outcome.whole


def test_limit_of_the_hour_ends_the_run_and_says_where_to_go_on() -> None:
    """When the hour is used up, what was read is kept, and the next run goes on after it."""
    refusal = Rule(Reply(429, headers={"Retry-After": "3000"}), path="/enrollments", after=4)
    with SandboxServer(World(), "docebo", Faults(refusal)) as server:
        first = read(server, "course_enrollments")
        server.faults.clear()
        second = read(server, "course_enrollments", selection=Selection(after=first.outcome.resume_after))
        wanted = {row["id"] for row in expected(server.world, "docebo", "course_enrollments")}
    assert first.outcome.exhausted is not None
    assert not first.outcome.whole
    assert first.outcome.resume_after in first.outcome.scopes
    assert set(first.rows) < wanted == set(second.rows)


def test_a_check_counts_users_and_courses_and_knows_what_a_run_costs(server: SandboxServer) -> None:
    """Both counts come from calls of their own; one call for each list, and two for each of the nine courses."""
    found = check_connection(connect(server), load_manifest("docebo"))
    assert (found.connected, found.counts) == (True, {"users": 26, "courses": 9})
    assert [resource.requests for resource in found.resources] == [1, 1, 10, 10]
    assert found.budget is not None
    assert (found.budget.requests, found.budget.limit, found.budget.runs) == (22, 1000, 1)


def test_a_count_that_is_forbidden_is_not_known(server: SandboxServer) -> None:
    """A check goes on without a number that the account may not ask for, and says that courses cannot be read."""
    server.faults.add(Rule(Reply(403, {"message": "no"}), path="/learn/v1/courses?"))
    try:
        found = check_connection(connect(server), load_manifest("docebo"))
    finally:
        server.faults.clear()
    assert (found.connected, found.counts, found.budget) == (True, {"users": 26}, None)
    assert [resource.readable for resource in found.resources] == [True, False, False, False]
