"""Writing to a Docebo portal over HTTP: what is asked for is what is read afterwards, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sources.unified_lms.errors import AlreadyDone, Invalid, NotFound
from sources.unified_lms.sandbox import SandboxServer, World
from tests.contract.writes import Writing

DAY = "2027-01-31T22:00:00Z"
UNLIMITED: dict[str, Any] = {"calls_per_hour": 10**6}


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    """A portal; each test writes records of its own."""
    with SandboxServer(World(), "docebo", **UNLIMITED) as running:
        yield running


def person(login: str, **fields: Any) -> dict[str, Any]:
    """A person to be."""
    email = {"email": f"{login}@example.org", "type": None, "is_primary": True}
    return {"username": login, "first_name": "Zoë", "last_name": "Nuñez", "emails": [email]} | fields


def told(found: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, as it is read."""
    return {name: found[name] for name in asked}


# -- users -----------------------------------------------------------------------------------------


def test_a_user_is_read_as_it_was_asked_for(users: Writing) -> None:
    """Every field that can be set comes back."""
    custom = {"field_1": "Acme", "expires_at": DAY}
    asked = person(
        "new.whole", status="suspended", locale="de", timezone="Europe/Berlin", custom_fields=custom
    )
    assert told(users.get(users.create(asked)), asked) == asked


@pytest.mark.parametrize("filters", [{"username": "bjorn"}, {"emails": "bjorn.astrom@example.org"}])
def test_a_user_is_found_by_what_people_know(users: Writing, filters: dict[str, str]) -> None:
    """By login and by address; what else the search finds is for the caller to leave out."""
    assert "2" in [one["id"] for one in users.find(**filters)]


def test_an_id_that_is_not_told() -> None:
    """A portal may answer a new user without its id; the search finds it."""
    with SandboxServer(World(), "docebo", tells_new_ids=False, **UNLIMITED) as silent:
        writer = Writing(silent, "users")
        with writer.client:
            number = writer.create(person("new.silent"))
            assert writer.get(number)["emails"][0]["email"] == "new.silent@example.org"


def test_a_taken_login_is_an_error(users: Writing) -> None:
    """`success` is false in a good answer; the error has the portal's words."""
    with pytest.raises(Invalid, match="already in use"):
        users.create(person("new.taken", emails=[{"email": "bjorn.astrom@example.org"}]))


@pytest.mark.parametrize("empties", [False, True])
def test_one_change_leaves_everything_else(empties: bool) -> None:
    """Also where a portal empties what it is not sent."""
    with SandboxServer(World(), "docebo", empties_unsent=empties, **UNLIMITED) as portal:
        writer = Writing(portal, "users")
        with writer.client:
            before = writer.get("3")
            assert writer.update("3", {"last_name": "Bell"}) == before | {"last_name": "Bell"}


def test_a_user_is_suspended_and_active_again(users: Writing) -> None:
    """Both are read back."""
    number = users.create(person("new.suspended"))
    assert users.update(number, {"status": "suspended"})["status"] == "suspended"
    assert users.update(number, {"status": "active"})["status"] == "active"


def test_custom_fields_are_changed_one_by_one(users: Writing) -> None:
    """A dropdown by its label, a text that is emptied, and the others stay."""
    number = users.create(person("new.custom", custom_fields={"field_1": "Acme"}))
    found = users.update(number, {"custom_fields": {"field_3": "South"}})
    assert found["custom_fields"] == {"field_1": "Acme", "field_3": "South"}
    assert users.update(number, {"custom_fields": {"field_1": None}})["custom_fields"] == {"field_3": "South"}


def test_a_user_is_deleted_once(users: Writing) -> None:
    """The body of a DELETE arrives; a second time is an error."""
    number = users.create(person("new.deleted"))
    users.delete(number)
    assert not users.is_there(number)
    with pytest.raises(Invalid):
        users.client.call("user_delete", {"args": {"id": int(number)}})


def test_a_status_of_nobody_is_an_error(users: Writing) -> None:
    """`success` is false, without a word."""
    with pytest.raises(Invalid):
        users.client.call("user_status", {"args": {"id": "99999", "status": "0"}})


# -- courses ---------------------------------------------------------------------------------------


def test_a_course_from_beginning_to_end(courses: Writing) -> None:
    """It is read as it was asked for, changed in its title alone, and gone after it was deleted."""
    asked = {"title": "Fire", "code": "NEW-1", "description": "<p>Out.</p>", "type": "course"}
    number = courses.create(asked)
    before = courses.get(number)
    assert told(before, asked) == asked
    after = courses.update(number, {"title": "Smoke"})
    assert after == before | {"title": "Smoke", "updated_at": after["updated_at"]}
    courses.delete(number)
    assert not courses.is_there(number)


def test_a_course_that_is_not_there(courses: Writing) -> None:
    """404 is not found."""
    with pytest.raises(NotFound):
        courses.client.call("course_delete", {"args": {"id": 9999}})


# -- enrolments ------------------------------------------------------------------------------------


def enrolled(server: SandboxServer, enrolments: Writing, **fields: Any) -> str:
    """A new person who is enrolled in the course 101; the enrolment's id."""
    login = f"new.{len(server.world.people)}"
    number = server.world.create_person(login, "Ena", "Rolled", f"{login}@example.org").id
    enrolments.create({"user": {"id": str(number)}, "course": {"id": "101"}} | fields)
    return f"101:{number}"


def test_an_enrolment_is_read_as_it_was_asked_for(server: SandboxServer, enrolments: Writing) -> None:
    """Enrolled, mandatory, until its end."""
    asked = {"status": "enrolled", "is_mandatory": True, "custom_fields": {"expires_at": DAY}}
    assert told(enrolments.get(enrolled(server, enrolments, **asked)), asked) == asked


def test_enrolled_as_completed(server: SandboxServer, enrolments: Writing) -> None:
    """Two calls, of which both take effect."""
    asked = {"status": "completed", "completed_at": "2026-02-01T10:00:00Z", "score": 87.5}
    assert told(enrolments.get(enrolled(server, enrolments, **asked)), asked) == asked


@pytest.mark.parametrize("status", ["in_progress", "completed", "withdrawn", "enrolled"])
def test_the_status_of_an_enrolment(status: str, server: SandboxServer, enrolments: Writing) -> None:
    """Each is read back, and nothing else but when it changed and was completed."""
    begun = "in_progress" if status == "enrolled" else "enrolled"
    key = enrolled(server, enrolments, status=begun, custom_fields={"expires_at": DAY})
    before = enrolments.get(key)
    after = enrolments.update(key, {"status": status})
    moving = {name: after[name] for name in ("updated_at", "status_source", "completed_at")}
    assert after == before | moving | {"status": status}


def test_enrolments_are_found_by_their_user(server: SandboxServer, enrolments: Writing) -> None:
    """All of somebody's, with a call of its own."""
    key = enrolled(server, enrolments)
    assert [one["id"] for one in enrolments.find(**{"user[id]": key.split(":")[1]})] == [key]


def test_enrolling_again_is_already_done(server: SandboxServer, enrolments: Writing) -> None:
    """The portal's errors say that it was done before."""
    number = enrolled(server, enrolments).split(":")[1]
    asked = {"enrollment": {"user_ids": [int(number)], "course_ids": [101], "level": "3"}}
    with pytest.raises(AlreadyDone):
        enrolments.client.call("enroll", {"args": asked})


def test_a_success_among_the_errors_is_one() -> None:
    """Who was enrolled may stand among the errors."""
    with SandboxServer(World(), "docebo", nests_successes=True, **UNLIMITED) as nesting:
        writer = Writing(nesting, "course_enrollments")
        with writer.client:
            assert writer.is_there(enrolled(nesting, writer))


@pytest.mark.parametrize(
    ("call", "args"),
    [
        ("enroll", {"enrollment": {"user_ids": [99999], "course_ids": [101]}}),
        ("enrollment_update", {"course": "101", "user": "99999", "enrollment": {"status": 2}}),
        ("unenroll", {"course": 101, "user": 99999}),
    ],
)
def test_an_enrolment_that_is_not_there(enrolments: Writing, call: str, args: dict[str, Any]) -> None:
    """What is not there comes back within a 200, in a shape of its own for each call."""
    with pytest.raises(NotFound):
        enrolments.client.call(call, {"args": args})


def test_a_status_that_there_is_not_is_invalid(server: SandboxServer, enrolments: Writing) -> None:
    """The portal names what it did not update."""
    course, user = enrolled(server, enrolments).split(":")
    with pytest.raises(Invalid, match=r"Status is invalid"):
        enrolments.client.call(
            "enrollment_update", {"args": {"course": course, "user": user, "enrollment": {"status": 9}}}
        )


def test_an_enrolment_is_ended_and_what_was_learnt_stays(server: SandboxServer, enrolments: Writing) -> None:
    """It is gone, and neither tracks nor certificates were asked to go with it."""
    key = enrolled(server, enrolments)
    enrolments.delete(key)
    [asked] = [one for one in server.requests if one.method == "DELETE" and b"reset_tracks" in one.body][-1:]
    assert not enrolments.is_there(key)
    sent = json.loads(asked.body)
    assert (sent["reset_tracks"], sent["delete_issued_certificates"]) == (False, False)
