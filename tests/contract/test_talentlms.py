"""What only TalentLMS does: limits of an hour, rotations, opt-in pages, dates in the portal's time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sources.unified_lms.manifest import load_manifest
from sources.unified_lms.sandbox import Faults, Rule, SandboxServer, World, expected
from sources.unified_lms.sandbox.faults import Reply
from sources.unified_lms.selection import Selection
from tests.contract.harness import read


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    """A portal."""
    with SandboxServer(World()) as running:
        yield running


def test_users_are_read_in_pages_where_the_connection_says_so(server: SandboxServer) -> None:
    """With `page_size`, the list comes in several answers and is as complete."""
    server.requests.clear()
    reading = read(server, "users", page_size=10)
    assert len(server.requests.matching("page_number")) > 2
    assert set(reading.rows) == {row["id"] for row in expected(server.world, "talentlms", "users")}


def test_dates_without_a_time_stamp_are_null_without_the_time_zone() -> None:
    """Course dates are only given in the portal's local time: without `timezone` they are null, not guessed."""
    with SandboxServer(World()) as server:
        reading = read(server, "courses", timezone=None)
    assert {row["created_at"] for row in reading.rows.values()} == {None}


def test_instructors_are_skipped_with_a_reason(server: SandboxServer) -> None:
    """A course's instructors stand among its members; they are counted as skipped, by reason."""
    skipped = read(server, "course_enrollments").outcome.skipped
    assert set(skipped) == {"not a learner in the course"}
    assert skipped.total() > 0


def exhausted_after(requests: int) -> SandboxServer:
    """A portal whose hour is used up after some requests of single users."""
    limited = Rule(Reply(429, headers={"Retry-After": "3000"}), path="/users/id:", after=requests)
    return SandboxServer(World(), faults=Faults(limited))


def test_limit_of_the_hour_ends_the_run_and_says_where_to_go_on() -> None:
    """When the hour is used up, what was read is kept, and the rotation knows its place."""
    with exhausted_after(8) as server:
        reading = read(server, "course_enrollments")
    assert reading.outcome.exhausted is not None
    assert not reading.outcome.whole
    assert reading.outcome.resume_after in reading.outcome.scopes


def test_rotation_goes_on_where_it_stopped_and_comes_to_the_end() -> None:
    """Run after run, a portal larger than its limit is read whole, a user once but for those in flight at an end."""
    seen: list[str] = []
    runs = 0
    after: str | None = None
    with exhausted_after(8) as server:
        wanted = {row["id"] for row in expected(server.world, "talentlms", "users")}
        for _ in range(8):
            server.faults.clear()
            server.faults.add(Rule(Reply(429, headers={"Retry-After": "3000"}), path="/users/id:", after=8))
            outcome = read(server, "course_enrollments", selection=Selection(after=after)).outcome
            seen += outcome.scopes
            after = outcome.resume_after
            runs += 1
            if set(seen) >= wanted:
                break
    assert set(seen) == wanted
    in_flight = load_manifest("talentlms").limits.concurrency
    assert len(seen) <= len(wanted) + (runs - 1) * (in_flight - 1)
