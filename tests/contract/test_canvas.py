"""What only Canvas does: links and bookmarks, withheld items, throttling by text, tokens that are renewed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mappings.model import RESOURCES
from pipelines.check import check_connection
from sources.unified_lms.client import Client
from sources.unified_lms.errors import Forbidden, Unauthorized
from sources.unified_lms.manifest import load_manifest
from sources.unified_lms.passthrough import LiveRecord, NoSuchRecord, PassThrough
from sources.unified_lms.sandbox import Faults, Rule, SandboxServer, World, expected
from sources.unified_lms.sandbox.dialects.canvas_options import PERMISSIONS
from sources.unified_lms.sandbox.faults import Reply, TearBody
from sources.unified_lms.selection import Selection
from tests.contract.harness import connect, flat, impatient, read, readable

MANIFEST = load_manifest("canvas")
SECRET = "SECRET-FEED-CODE"
BARE = frozenset({"read_roster", "read_course_list", "read_course_content"})
"""The permissions without which nothing can be read."""


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    """A Canvas with small pages, an empty one among them, that leaves the items of most modules out."""
    with SandboxServer(
        World(), "canvas", request_cost=0.0, max_per_page=4, empty_pages=True, inline_items=2
    ) as running:
        yield running


@pytest.fixture
def faulty(server: SandboxServer) -> Iterator[Faults]:
    """The sandbox's faults; what a test adds is taken away after it, and what was received is forgotten before."""
    server.requests.clear()
    yield server.faults
    server.faults.clear()


def world_number(identifier: str) -> int:
    """The number in the world of an id."""
    return int(identifier[-13:])


def assert_as_expected(server: SandboxServer, resource: str, **options: Any) -> None:
    """Field by field, a reading gives what the oracle says."""
    wanted = {row["id"]: flat(resource, row) for row in expected(server.world, "canvas", resource, **options)}
    found = read(server, resource).rows
    assert {key: readable(resource, row) for key, row in found.items()} == wanted


def test_lists_are_read_to_their_last_page(server: SandboxServer, faulty: Faults) -> None:
    """Every page but the first is asked for at the address that the one before gave, through an empty one."""
    reading = read(server, "users")
    asked = [request.query for request in server.requests.matching("/accounts/self/users")]
    assert sum("bookmark" in query for query in asked) == len(asked) - 1 == 7
    assert len(reading.rows) == 26


def test_large_ids_stay_exact(server: SandboxServer) -> None:
    """Ids beyond 2^53 keep their last digit."""
    assert "21070000000000006" in read(server, "users").rows


def test_former_enrolments_are_told_as_withdrawn() -> None:
    """Who left a course, or was deleted, has an enrolment that says so; it does not just vanish."""
    world = World()
    world.advance()
    with SandboxServer(world, "canvas") as server:
        assert_as_expected(server, "course_enrollments")
        rows = read(server, "course_enrollments").rows.values()
        withdrawn = {
            (world_number(row["user__id"]), row["status_source"])
            for row in rows
            if row["status"] == "withdrawn"
        }
    assert withdrawn == {(15, "deleted"), (24, "deleted"), (18, "inactive")}


def test_a_deleted_course_vanishes_with_what_is_in_it() -> None:
    """Nothing can be read of it, so that it is retired as one that is no more in the list."""
    world = World()
    world.advance(1)
    world.advance(2)
    with SandboxServer(world, "canvas") as server:
        for resource in RESOURCES:
            assert_as_expected(server, resource)
        assert 108 not in map(world_number, read(server, "courses").rows)


def test_items_that_are_left_out_are_asked_for(server: SandboxServer, faulty: Faults) -> None:
    """Only modules with more items than are sent cost a call: one of them, of two pages, in this world."""
    read(server, "course_items")
    asked = server.requests.matching("/items")
    assert {request.path.split("/")[-2] for request in asked} == {"21070000000001020"}
    assert len(asked) == 2


def test_a_module_that_cannot_be_completed_fails_its_course(server: SandboxServer, faulty: Faults) -> None:
    """Items that are refused are not taken for none: what is known of the course stays."""
    faulty.add(Rule(Reply(403, {"errors": [{"message": "no"}]}), pattern="/items"))
    outcome = read(server, "course_items").outcome
    assert [world_number(scope) for scope, _ in outcome.failed] == [107]
    assert not outcome.whole


@pytest.mark.parametrize("status", [400, 403, 404])
def test_courses_without_progress_are_read(status: int) -> None:
    """A course whose modules require nothing answers with an error for progress, which loses no enrolment."""
    with SandboxServer(World(), "canvas", progress_error_status=status) as server:
        assert_as_expected(server, "course_enrollments")
        assert any(request.status == status for request in server.requests.matching("bulk_user_progress"))


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_torn_error_for_progress_is_asked_for_again(status: int) -> None:
    """Half of the error that there is no progress says only its status, which would fail or silence the course."""
    with SandboxServer(World(), "canvas", progress_error_status=status) as server:
        server.faults.add(Rule(TearBody(), path="0103/bulk_user_progress", hits=(1,)))
        assert read(server, "course_enrollments").outcome.whole
        asked = server.requests.matching("0103/bulk_user_progress")
        assert [(request.status, request.fault) for request in asked] == [
            (status, "TearBody"),
            (status, None),
        ]


def test_other_types_of_enrolments_by_configuration(server: SandboxServer) -> None:
    """Teachers are read where the connection says so, and the test student of a course never is."""
    teachers = read(server, "course_enrollments", enrollment_types=("TeacherEnrollment",))
    assert {world_number(row["user__id"]) for row in teachers.rows.values()} == {2, 3, 14}
    everybody = read(server, "course_enrollments", enrollment_types=())
    assert everybody.outcome.skipped == {"the test student of a course": 9}
    assert len(everybody.rows) == 21 + 5


@pytest.mark.parametrize("status", [403, 429])
def test_throttling_by_text_is_waited_out(server: SandboxServer, faulty: Faults, status: int) -> None:
    """Canvas refuses with a text and without a time to wait."""
    refusal = Reply(status, "403 Forbidden (Rate Limit Exceeded)\n", headers={"Content-Type": "text/plain"})
    faulty.add(Rule(refusal, hits=(1, 2, 6, 9)))
    assert len(read(server, "course_enrollments").rows) == 21


def test_a_bucket_that_runs_full_empties_again() -> None:
    """A reading that the sandbox itself throttles, page after page, comes to its end."""
    now = [0.0]

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    # Every look at the clock is a second later, and the bucket empties too slowly for one request after another.
    options: dict[str, Any] = {"bucket": 3.0, "request_cost": 4.0, "outflow": 0.9, "clock": clock}
    with SandboxServer(World(), "canvas", max_per_page=1, **options) as server:
        assert_as_expected(server, "courses")
        statuses = [request.status for request in server.requests]
    assert (statuses.count(200), statuses.count(429) > 3) == (9, True)


def test_a_missing_permission_is_not_repeated(faulty: Faults) -> None:
    """A 403 with an object is final, and the error says what to do."""
    with SandboxServer(World(), "canvas", permissions=PERMISSIONS - {"read_roster"}) as server:
        with pytest.raises(Forbidden, match="view the list of the account's users"):
            read(server, "users")
        assert len(server.requests.matching("/users")) == 1


def test_what_may_not_be_seen_is_null() -> None:
    """Without the finer permissions the records are all there, with less in them."""
    with SandboxServer(World(), "canvas", permissions=BARE) as server:
        users, enrollments = read(server, "users"), read(server, "course_enrollments")
    assert users.outcome.whole
    assert enrollments.outcome.whole
    assert {row["emails"] for row in users.rows.values()} == {None}
    assert {row["username"] for row in users.rows.values()} == {None}
    assert {row["role"] for row in users.rows.values()} == {None}
    assert {row["score"] for row in enrollments.rows.values()} == {None}
    assert {row["progress_percent"] for row in enrollments.rows.values()} == {None}


def test_suspended_users_are_told_where_logins_are_read(server: SandboxServer) -> None:
    """A call for each user gives the state of the login."""
    found = {world_number(key): row for key, row in read(server, "users", logins=True).rows.items()}
    assert {number for number, row in found.items() if row["status"] == "suspended"} == {18, 19}
    assert found[19]["status_source"] == "suspended"


def test_older_versions_have_names_in_one_piece() -> None:
    """Names are split where they can be for certain, and null elsewhere."""
    with SandboxServer(World(), "canvas", names_apart=False) as server:
        assert_as_expected(server, "users", names_apart=False)


def test_no_calendar_in_what_is_kept_of_the_provider(server: SandboxServer) -> None:
    """The provider's own records are kept without the feed's address."""
    connection = connect(server)
    with Client(MANIFEST, connection, timing=impatient()) as client:
        texts = [page.answer.text for page in client.pages("courses")]
    assert "calendar" in texts[0]
    assert SECRET not in "".join(texts)


# -- developer keys --------------------------------------------------------------------------------


def test_tokens_that_expire_on_the_way_are_renewed() -> None:
    """A reading that outlives its access tokens comes to its end, with the one refresh token there is."""
    with SandboxServer(World(), "canvas", oauth=True, token_calls=2, max_per_page=2) as server:
        assert_as_expected(server, "courses")
        issued = server.requests.matching("/login/oauth2/token")
    assert len(issued) == 3
    assert all(b"refresh_token=sandbox-refresh-token" in request.body for request in issued)


def test_a_refresh_token_that_was_revoked_ends_the_reading() -> None:
    """The token endpoint's refusal says that the connection needs new credentials, and shows none."""
    with SandboxServer(World(), "canvas", oauth=True) as server:
        refusal = {"error": "invalid_grant", "error_description": "refresh_token not found"}
        server.faults.add(Rule(Reply(400, refusal), path="/login/oauth2/token"))
        with pytest.raises(Unauthorized) as caught:
            read(server, "users")
    assert not any(value in str(caught.value) for value in server.credentials.values())


def test_a_missing_scope_asks_for_no_new_token() -> None:
    """A key without the scope of a call is refused without the header that speaks of the token."""
    scopes = frozenset({"url:GET|/api/v1/accounts/:account_id/courses"})
    with SandboxServer(World(), "canvas", oauth=True, scopes=scopes) as server:
        with pytest.raises(Forbidden, match="scope"):
            read(server, "users")
        assert len(server.requests.matching("/login/oauth2/token")) == 1


# -- live ------------------------------------------------------------------------------------------


def live(server: SandboxServer, resource: str) -> PassThrough:
    """The pass-through to a resource."""
    connection = connect(server)
    return PassThrough(connection, MANIFEST, resource, Client(MANIFEST, connection, timing=impatient()))


def listed(server: SandboxServer, resource: str, **filters: str) -> dict[str, Any]:
    """The unified records of a live list, by id."""
    with live(server, resource) as opened:
        found = list(opened.records({name.replace("_id", "[id]"): value for name, value in filters.items()}))
    assert all(isinstance(record, LiveRecord) for record in found)
    return {str(one.record_id): one.unified for one in found if isinstance(one, LiveRecord)}


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_live_list_is_the_same_as_a_reading(server: SandboxServer, resource: str) -> None:
    """Further calls complete the answers of the pass-through as well."""
    assert listed(server, resource).keys() == read(server, resource).rows.keys()


@pytest.mark.parametrize("resource", ["users", "courses", "course_enrollments"])
def test_one_record_is_the_same_as_in_the_list(server: SandboxServer, resource: str) -> None:
    """Every record, asked for alone, is what the list has; an enrolment's course and progress are read for it."""
    records = listed(server, resource)
    with live(server, resource) as opened:
        assert {key: opened.get(key).unified for key in records} == records


def test_the_enrolments_of_one_course(server: SandboxServer, faulty: Faults) -> None:
    """The filter reads that course and no other."""
    found = listed(server, "course_enrollments", course_id="21070000000000103")
    assert {world_number(record["user"]["id"]) for record in found.values()} == {6, 17}
    assert not server.requests.matching("/accounts/self/courses")


def test_the_enrolments_of_one_user(server: SandboxServer) -> None:
    """The filter is the provider's own, in every course."""
    found = listed(server, "course_enrollments", user_id="21070000000000006")
    assert {world_number(record["course"]["id"]) for record in found.values()} == {101, 103, 106}


def test_an_enrolment_that_is_not_there(server: SandboxServer) -> None:
    """An id that nobody knows is said to be none."""
    with live(server, "course_enrollments") as opened, pytest.raises(NoSuchRecord, match="does not exist"):
        opened.get("21079999999999999")


def test_a_check_says_whose_token_it_is_and_what_it_may_not_see(server: SandboxServer) -> None:
    """Everything can be read; without the finer permissions, which fields stay null and why."""
    result = check_connection(connect(server), MANIFEST)
    assert result.tells == ("The token belongs to Ada Okafor (ada.okafor)",)
    assert [(each.readable, each.missing, each.requests) for each in result.resources] == [
        (True, (), None)
    ] * 4
    with SandboxServer(World(), "canvas", permissions=BARE) as bare:
        missing = {one.resource: one.missing for one in check_connection(connect(bare), MANIFEST).resources}
    assert [sentence.partition(" stay")[0] for sentence in missing["users"]] == [
        "emails of users",
        "username of users",
    ]
    [sentence] = missing["course_enrollments"]
    assert sentence.startswith("score, progress_percent, completed_at of course_enrollments stay null")


def test_the_first_page_costs_one_further_call(server: SandboxServer, faulty: Faults) -> None:
    """A check asks for the items of one module, on two pages here, however many modules lack theirs."""
    first = Rule(Reply(200, [{"id": "21070000000000107"}]), path="/accounts/self/courses")
    many = [{"id": f"2107000000000102{n}", "items_count": 9} for n in range(5)]
    faulty.add(first, Rule(Reply(200, many), path="/courses/21070000000000107/modules?"))
    with live(server, "course_items") as opened:
        opened.first_page()
    assert {request.path.split("/")[-2] for request in server.requests.matching("/items")} == {
        "21070000000001020"
    }


def test_selection_of_one_course_reads_it_alone(server: SandboxServer) -> None:
    """A scope can be read anew by itself."""
    course = "21070000000000102"
    reading = read(server, "course_items", selection=Selection(parent=course))
    assert set(reading.scopes.values()) == {course}
