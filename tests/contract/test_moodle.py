"""What only Moodle does: one address, errors inside of a 200, partitions, custom reports, accounts that see less."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest

from mappings.model import RESOURCES
from pipelines.check import CheckResult, check_connection
from sources.unified_lms.client import Client
from sources.unified_lms.errors import Forbidden, Invalid, Rejected, Transient
from sources.unified_lms.manifest import load_manifest
from sources.unified_lms.passthrough import NoSuchRecord, PassThrough
from sources.unified_lms.sandbox import SandboxServer, World, expected
from sources.unified_lms.sandbox.dialects.moodle_wire import READ_FUNCTIONS
from tests.contract.harness import connect, flat, read, readable

MANIFEST = load_manifest("moodle")
COMPLETION = "core_completion_get_course_completion_status"
ACTIVITIES = "core_completion_get_activities_completion_status"


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    """A site."""
    with SandboxServer(World(), "moodle") as running:
        yield running


def wanted(server: SandboxServer, resource: str, **options: Any) -> dict[str, dict[str, Any]]:
    """The rows that the oracle expects, flat, by their id."""
    rows = expected(server.world, "moodle", resource, **options)
    return {row["id"]: flat(resource, row) for row in rows}


def found(server: SandboxServer, resource: str, **settings: Any) -> dict[str, dict[str, Any]]:
    """The rows of a reading, in the same form."""
    rows = read(server, resource, **settings).rows
    return {key: readable(resource, row) for key, row in rows.items()}


def functions(server: SandboxServer) -> list[str]:
    """What was asked for, function by function."""
    return [dict(parse_qsl(request.body.decode()))["wsfunction"] for request in server.requests]


def checked(server: SandboxServer, **settings: Any) -> CheckResult:
    """What `lms check` finds."""
    return check_connection(connect(server, **settings), MANIFEST)


def live(server: SandboxServer, resource: str, record_id: str) -> dict[str, Any] | None:
    """One record, as `lms get` reads it."""
    connection = connect(server)
    with Client(MANIFEST, connection) as client:
        return PassThrough(connection, MANIFEST, resource, client).get(record_id).unified


def test_guest_front_page_and_teachers_are_skipped_with_a_reason(server: SandboxServer) -> None:
    """What is no person, no course and no learner is counted and named, not lost."""
    reasons = {
        resource: dict(read(server, resource).outcome.skipped)
        for resource in ("users", "courses", "course_enrollments")
    }
    assert reasons == {
        "users": {"the guest account": 1},
        "courses": {"the site's front page": 1},
        "course_enrollments": {"has none of the roles that are read": 5},
    }


def test_other_roles_by_setting(server: SandboxServer) -> None:
    """Teachers are read where the connection names their role."""
    rows = read(server, "course_enrollments", roles=("student", "editingteacher")).rows
    assert set(rows) - set(wanted(server, "course_enrollments")) == {
        "101:2",
        "102:2",
        "103:3",
        "107:3",
        "105:14",
    }


def test_a_custom_report_has_dates_states_and_progress(server: SandboxServer) -> None:
    """With a report, field by field what it tells, and not one call for a single learner."""
    server.requests.clear()
    rows = found(server, "course_enrollments", enrolment_report=1)
    assert rows == wanted(server, "course_enrollments", report=True)
    assert {COMPLETION, ACTIVITIES}.isdisjoint(functions(server))
    assert functions(server).count("core_reportbuilder_retrieve_report") == 1
    assert (rows["106:11"]["status"], rows["106:6"]["status"]) == ("expired", "completed")


def test_without_a_report_what_is_not_active_is_unknown(server: SandboxServer) -> None:
    """The partition of enrolments that are not active says no more, and completion is not told of them."""
    rows = found(server, "course_enrollments")
    assert [(rows[key]["status"], rows[key]["status_source"]) for key in ("106:11", "106:6")] == [
        ("unknown", "suspended")
    ] * 2


@pytest.mark.parametrize(
    ("switched_off", "spared"),
    [("completion", COMPLETION), ("progress", ACTIVITIES), ("scores", "gradereport_user_get_grade_items")],
)
def test_what_costs_calls_can_be_switched_off(server: SandboxServer, switched_off: str, spared: str) -> None:
    """Each kind of call has its setting, and everything else stays as it is."""
    server.requests.clear()
    rows = found(server, "course_enrollments", **{switched_off: False})
    assert rows == wanted(server, "course_enrollments", **{switched_off: False})
    assert spared not in functions(server)


def test_only_learners_are_asked_about_where_completion_is_kept(server: SandboxServer) -> None:
    """Teachers, and courses that track no completion, cost no call for completion."""
    server.requests.clear()
    read(server, "course_enrollments")
    asked = [dict(parse_qsl(request.body.decode())) for request in server.requests]
    pairs = {(one["courseid"], one["userid"]) for one in asked if one["wsfunction"] == COMPLETION}
    learners = {tuple(key.split(":")) for key in wanted(server, "course_enrollments")}
    assert pairs == {(course, user) for course, user in learners if course not in ("103", "108", "109")}


def test_members_come_in_pages(server: SandboxServer) -> None:
    """A small page changes nothing but the number of requests."""
    assert found(server, "course_enrollments", page_size=3) == wanted(server, "course_enrollments")


def test_users_by_prefix_are_read_once_for_each_and_retire_nothing(server: SandboxServer) -> None:
    """A large site is read in slices; since an address may begin otherwise, nobody counts as vanished."""
    letters = tuple("abcdefghijklmnopqrstuvwxyz")
    server.requests.clear()
    reading = read(server, "users", email_prefixes=letters)
    assert {key: readable("users", row) for key, row in reading.rows.items()} == wanted(server, "users")
    assert len(server.requests) == len(letters)
    assert not reading.outcome.whole


def test_what_a_right_to_write_shows() -> None:
    """An account with moodle/course:update sees dates, a site administrator telephone numbers."""
    with SandboxServer(World(), "moodle", course_update=True, site_admin=True) as server:
        assert found(server, "courses") == wanted(server, "courses", course_update=True)
        assert found(server, "users") == wanted(server, "users", site_admin=True)


def test_a_closed_course_is_not_there() -> None:
    """A course that the account may not enter is left out, instead of failing all the others."""
    with SandboxServer(World(), "moodle", closed_courses=(105,)) as server:
        assert set(found(server, "courses")) == set(wanted(server, "courses")) - {"105"}
        reading = read(server, "course_enrollments")
    assert reading.outcome.whole
    assert "105" not in reading.outcome.scopes


def test_a_missing_function_fails_with_its_name() -> None:
    """A status without completion would be wrong: courses with learners fail, and it is said what to do."""
    without = tuple(name for name in READ_FUNCTIONS if name != COMPLETION)
    with SandboxServer(World(), "moodle", functions=without) as server:
        outcome = read(server, "course_enrollments").outcome
    assert not outcome.whole
    assert {scope for scope, _ in outcome.failed} == {"101", "102", "105", "106", "107"}
    for _, error in outcome.failed:
        assert isinstance(error, Forbidden)
        assert f"call {COMPLETION} in the token's service" in str(error)
        assert "set `completion` to false" in str(error)


@pytest.mark.parametrize("missing", [ACTIVITIES, "gradereport_user_get_grade_items"])
def test_progress_and_scores_may_be_missing(missing: str) -> None:
    """Without the function for them the rest is read, and they are null."""
    without = tuple(name for name in READ_FUNCTIONS if name != missing)
    options = {"progress": False} if missing == ACTIVITIES else {"scores": False}
    with SandboxServer(World(), "moodle", functions=without) as server:
        assert found(server, "course_enrollments") == wanted(server, "course_enrollments", **options)


def test_a_report_that_is_not_there_is_told(server: SandboxServer) -> None:
    """A wrong number of a report is an error, not a reading without dates."""
    with pytest.raises(Exception, match="reportbuilder_report"):
        read(server, "course_enrollments", enrolment_report=99)


def test_web_services_that_are_off_and_maintenance() -> None:
    """Both say what it is and what to do."""
    with (
        SandboxServer(World(), "moodle", enabled=False) as server,
        pytest.raises(Rejected, match="Enable web services"),
    ):
        read(server, "users")
    with (
        SandboxServer(World(), "moodle", maintenance=True) as server,
        pytest.raises(Transient, match="maintenance mode"),
    ):
        read(server, "users")


def test_json_without_its_form_is_no_call(server: SandboxServer) -> None:
    """An unknown parameter is refused with next to no words; the remedy says where to find more."""
    with (
        Client(MANIFEST, connect(server)) as client,
        pytest.raises(Invalid, match="only with developer debugging on"),
    ):
        client.call("completion", {"parent": {"id": "abc"}, "args": {"user": 1}})


def test_check_of_a_good_account(server: SandboxServer) -> None:
    """It connects, reads everything, says who reads, and which fields need more than a reader has."""
    result = checked(server)
    assert result.connected
    assert [one.readable for one in result.resources] == [True] * 4
    assert result.tells == ("Example Academy, Moodle 4.5.6 (Build: 20250811), read as etl_bot",)
    assert result.lacking == ()
    assert (result.counts or {})["users"] == 27
    missing = {one.resource: " ".join(one.missing) for one in result.resources}
    assert missing["courses"].startswith(
        "created_at, updated_at of courses stay null: they need moodle/course:update"
    )
    assert "phones of users stay null" in missing["users"]
    assert "set `enrolment_report`" in missing["course_enrollments"]


def test_check_names_missing_functions_and_what_they_are_for() -> None:
    """By name, and only those that the connection's settings need."""
    without = tuple(name for name in READ_FUNCTIONS if "completion" not in name and "report" not in name)
    with SandboxServer(World(), "moodle", functions=without) as server:
        told = checked(server).lacking
        assert [sentence.split(" is not granted")[0] for sentence in told] == [
            COMPLETION,
            ACTIVITIES,
            "gradereport_user_get_grade_items",
        ]
        assert told[0].endswith("needed for completion of course_enrollments")
        reduced = checked(server, completion=False, progress=False, scores=False)
        assert reduced.lacking == ()
        assert "core_reportbuilder_retrieve_report" in checked(server, enrolment_report=1).lacking[-1]


def test_check_of_a_site_administrator() -> None:
    """Too many rights are said as well, and what they show is not missing."""
    with SandboxServer(World(), "moodle", course_update=True, site_admin=True) as server:
        result = checked(server)
    assert "The account is a site administrator, which is more than reading needs." in result.tells
    missing = {one.resource: one.missing for one in result.resources}
    assert (missing["users"], missing["courses"]) == ((), ())


def test_a_weak_account_sees_fewer_people_without_an_error() -> None:
    """That is what the number of records in a check is for."""
    with SandboxServer(World(), "moodle", sees_people=3) as server:
        result = checked(server)
    assert result.connected
    assert (result.counts or {})["users"] == 4


@pytest.mark.parametrize(
    ("resource", "record_id"),
    [("users", "6"), ("courses", "101"), ("course_enrollments", "101:13"), ("course_enrollments", "106:11")],
)
def test_one_record_is_as_in_the_list(server: SandboxServer, resource: str, record_id: str) -> None:
    """A single record, its course and what is joined give the same as the list."""
    unified = live(server, resource, record_id)
    assert unified is not None
    assert flat(resource, unified) == wanted(server, resource)[record_id]


@pytest.mark.parametrize(
    ("resource", "record_id"),
    [
        ("users", "27"),
        ("users", "900000001"),
        ("courses", "1"),
        ("courses", "999"),
        ("course_enrollments", "101:1"),
    ],
)
def test_what_is_not_there(server: SandboxServer, resource: str, record_id: str) -> None:
    """Deleted, left out on purpose or never there: no record, whichever way the site says so."""
    with pytest.raises(NoSuchRecord, match=f"has no record '{record_id}' in {resource}"):
        live(server, resource, record_id)


def test_the_script_of_the_world_is_followed() -> None:
    """What changes in the world changes in the readings, and nothing else."""
    world = World()
    with SandboxServer(world, "moodle") as server:
        for step in (1, 2):
            world.advance(step)
            for resource in RESOURCES:
                assert found(server, resource) == wanted(server, resource)
