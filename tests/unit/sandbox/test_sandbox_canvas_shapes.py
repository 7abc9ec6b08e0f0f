"""What the Canvas sandbox writes down: keys and words as in the vendor's documents and recorded answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sources.unified_lms.sandbox import SandboxServer, World
from sources.unified_lms.sandbox.dialects.canvas_options import PERMISSIONS

EVERY_STATE = "&".join(
    f"state[]={state}"
    for state in ("active", "invited", "creation_pending", "completed", "inactive", "rejected", "deleted")
)


def get(server: SandboxServer, path: str, status: int = 200) -> Any:
    """The body of an answer with this status."""
    headers = {"Authorization": f"Bearer {server.credentials['access_token']}"}
    answer = httpx.get(f"{server.base_url}/api/v1/{path}", headers=headers, trust_env=False)
    assert answer.status_code == status, answer.text
    return answer.json()


def local(identifier: int) -> int:
    """The number in the world of an id."""
    return identifier % 10**13


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    """A Canvas after the first day of its world."""
    world = World()
    world.advance()
    with SandboxServer(world, "canvas", request_cost=0.0) as running:
        yield running


@pytest.fixture(scope="module")
def bare() -> Iterator[SandboxServer]:
    """A Canvas whose token may list and see hardly anything else."""
    allowed = PERMISSIONS - {"read_email_addresses", "read_sis", "view_user_logins", "view_all_grades"}
    with SandboxServer(World(), "canvas", permissions=allowed) as running:
        yield running


def test_a_user(server: SandboxServer) -> None:
    """The documented keys; extra ones only where they are asked for."""
    base = {
        "id",
        "name",
        "created_at",
        "sortable_name",
        "short_name",
        "first_name",
        "last_name",
        "login_id",
        "sis_user_id",
        "integration_id",
    }
    users = get(server, "accounts/self/users?per_page=100")
    assert users[5].keys() == base
    assert (users[5]["name"], users[5]["sortable_name"]) == ("Zoë O'Brien-Müller", "O'Brien-Müller, Zoë")
    asked = get(server, "accounts/self/users?per_page=100&include[]=email&include[]=time_zone")
    assert asked[5].keys() == base | {"email", "time_zone"}


def test_keys_are_absent_without_the_permission(bare: SandboxServer) -> None:
    """Absent, not null: address, login, ids of the SIS, grades."""
    user = get(bare, "accounts/self/users?include[]=email")[5]
    assert not {"email", "login_id", "sis_user_id", "integration_id"} & user.keys()
    assert "sis_course_id" not in get(bare, "courses/101")
    enrollment = get(bare, "courses/101/enrollments?type[]=StudentEnrollment")[0]
    assert "grades" not in enrollment
    assert enrollment["user"].keys() == {"id", "name", "sortable_name", "short_name"}


def test_a_course(server: SandboxServer) -> None:
    """States in the words of the API, and a calendar whose address is a secret."""
    courses = {
        local(one["id"]): one for one in get(server, "accounts/self/courses?per_page=100&include[]=term")
    }
    states = {number: courses[number]["workflow_state"] for number in (101, 104, 109)}
    assert states == {101: "available", 104: "completed", 109: "unpublished"}
    assert "SECRET-FEED-CODE" in courses[101]["calendar"]["ics"]
    assert courses[101]["term"]["name"] == "Default Term"
    assert "html_url" not in courses[101]


def test_a_deleted_course_is_in_no_list() -> None:
    """It is not found, nor are its enrolments."""
    world = World()
    world.delete_course(108)
    with SandboxServer(world, "canvas") as server:
        listed = get(server, "accounts/self/courses?per_page=100")
        assert 108 not in {local(course["id"]) for course in listed}
        get(server, "courses/108", status=404)
        get(server, "courses/108/enrollments", status=404)


def test_modules_and_items(server: SandboxServer) -> None:
    """Sections are modules; a section within one is a heading, what it holds is indented."""
    outer, second = get(server, "courses/107/modules?include[]=items&include[]=content_details")
    assert (outer["name"], outer["position"], outer["items_count"], second["position"]) == ("Outer", 1, 5, 2)
    assert [(item["type"], item["position"], item["indent"]) for item in outer["items"]] == [
        ("ExternalTool", 1, 0),
        ("File", 2, 0),
        ("SubHeader", 3, 0),
        ("File", 4, 1),
        ("Discussion", 5, 1),
    ]
    heading = outer["items"][2]
    assert not {"html_url", "content_id", "completion_requirement"} & heading.keys()
    assert "completion_requirement" not in outer["items"][4]


def test_what_stands_in_no_module_is_not_there(server: SandboxServer) -> None:
    """Course 102 has two units before its first section, course 105 nothing but such."""
    assert [module["name"] for module in get(server, "courses/102/modules")] == [
        "Part one",
        "Nothing here yet",
    ]
    assert get(server, "courses/105/modules") == []


def test_items_are_sent_only_when_asked_for_and_never_many() -> None:
    """`items` is absent without the include, and from a module with more than are sent."""
    with SandboxServer(World(), "canvas", inline_items=2) as server:
        assert not any("items" in module for module in get(server, "courses/107/modules"))
        outer, second = get(server, "courses/107/modules?include[]=items")
        assert "items" not in outer
        assert len(second["items"]) == 2
        path = outer["items_url"].partition("/api/v1/")[2]
        assert len(get(server, path)) == outer["items_count"] == 5


def test_a_list_without_states_hides_what_has_ended(server: SandboxServer) -> None:
    """By default active and invited enrolments only: the trap of this API."""
    hidden = {"completed", "inactive", "deleted"}
    default = get(server, "courses/101/enrollments?per_page=100")
    every = get(server, f"courses/101/enrollments?per_page=100&{EVERY_STATE}")
    assert not hidden & {one["enrollment_state"] for one in default}
    assert {"completed", "deleted"} <= {one["enrollment_state"] for one in every}


@pytest.mark.parametrize(
    ("course", "person", "state"),
    [
        (101, 6, "active"),
        (101, 10, "active"),
        (101, 12, "completed"),
        (101, 13, "completed"),
        (101, 24, "deleted"),
        (102, 15, "deleted"),
        (102, 18, "inactive"),
        (103, 17, "invited"),
    ],
)
def test_states_of_enrolments(server: SandboxServer, course: int, person: int, state: str) -> None:
    """Who passed or failed is concluded, who completed is active; who has left is deleted."""
    found = get(server, f"courses/{course}/enrollments?user_id={person}&{EVERY_STATE}")
    assert [one["enrollment_state"] for one in found] == [state]


def test_types_of_enrolments(server: SandboxServer) -> None:
    """Students, teachers and the course's test student, told apart by `type`; only students have grades."""
    found = get(server, f"courses/101/enrollments?per_page=100&{EVERY_STATE}")
    types = {one["type"] for one in found}
    assert types == {"StudentEnrollment", "TeacherEnrollment", "StudentViewEnrollment"}
    assert {one["type"] for one in found if "grades" in one} == {"StudentEnrollment"}
    only = get(server, "courses/101/enrollments?type[]=TeacherEnrollment")
    assert {one["type"] for one in only} == {"TeacherEnrollment"}


def test_grades(server: SandboxServer) -> None:
    """What is not handed in counts as nothing in the final score; who passed was graded by hand."""
    found = {
        local(one["user_id"]): one["grades"]
        for one in get(server, f"courses/101/enrollments?per_page=100&type[]=StudentEnrollment&{EVERY_STATE}")
    }
    assert (found[3]["current_score"], found[3]["final_score"]) == (88.5, 44.25)
    assert (found[13]["final_score"], found[13]["override_score"]) == (90.0, 100.0)
    assert "override_score" not in found[12]


def test_an_enrolment_alone_is_that_of_the_list(server: SandboxServer) -> None:
    """By its id, in the account."""
    [listed] = get(server, "courses/101/enrollments?user_id=6")
    assert get(server, f"accounts/self/enrollments/{listed['id']}") == listed


def test_progress(server: SandboxServer) -> None:
    """Met requirements of all, and the date only where all are met."""
    found = {
        local(one["id"]): one["progress"]
        for one in get(server, "courses/101/bulk_user_progress?per_page=100")
    }
    assert {one["requirement_count"] for one in found.values()} == {4}
    assert (found[6]["requirement_completed_count"], found[6]["completed_at"]) == (2, None)
    assert found[10] == {
        "requirement_count": 4,
        "requirement_completed_count": 4,
        "next_requirement_url": None,
        "completed_at": "2025-03-30T01:00:00Z",
    }
    assert 24 not in found


@pytest.mark.parametrize("course", [103, 105, 108])
def test_no_progress_where_nothing_is_required(server: SandboxServer, course: int) -> None:
    """A course without modules, or without requirements in them, answers with an error object."""
    body = get(server, f"courses/{course}/bulk_user_progress", status=400)
    assert body["error"]["message"].startswith(
        "no progress available because this course is not module based"
    )


def test_administrators_and_logins(server: SandboxServer) -> None:
    """Administrators with the customer's name for their role; a suspended person has a suspended login."""
    admins = {local(one["user"]["id"]): one["role"] for one in get(server, "accounts/self/admins")}
    assert admins == {1: "SuperAdmin", 4: "Administrator"}
    states = [get(server, f"users/{number}/logins")[0]["workflow_state"] for number in (6, 18, 19)]
    assert states == ["active", "suspended", "suspended"]
