"""Writing to TalentLMS: what is asked for is what is read afterwards, and what the portal refuses is told apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sources.unified_lms.client import Client
from sources.unified_lms.errors import AlreadyDone, Invalid, NotFound, Transient
from sources.unified_lms.manifest import load_manifest
from sources.unified_lms.passthrough import NoSuchRecord
from sources.unified_lms.sandbox import Rule, SandboxServer, World
from sources.unified_lms.sandbox.faults import CutConnection
from sources.unified_lms.writing import Refused
from tests.contract.harness import UNLIMITED, connect, impatient
from tests.contract.writes import Writing, differing

MANIFEST = load_manifest("talentlms")
EMAILS = [{"email": "grace.hopper@example.org", "type": None, "is_primary": True}]
NEW: dict[str, Any] = {"first_name": "Grace", "last_name": "Hopper", "emails": EMAILS}
COURSE: dict[str, Any] = {"title": "Compilers", "code": "CMP-1"}


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """A portal of the test's own."""
    with SandboxServer(World(), "talentlms", **UNLIMITED["talentlms"]) as running:
        yield running


def test_a_user_is_made_as_asked_for(users: Writing) -> None:
    """Field by field; the id is that of the record that is read."""
    custom = {"custom_field_1": "Navy", "custom_field_2": "on"}
    wanted = {**NEW, "username": "grace", "role": "instructor", "status": "active", "custom_fields": custom}
    found = users.get(users.create(wanted))
    assert {name: found[name] for name in wanted} == wanted


def test_a_user_without_a_username_has_the_address_for_a_login(server: SandboxServer, users: Writing) -> None:
    """The model then has no username; a second creation finds the user who is there."""
    made = users.create(NEW)
    assert server.world.person(int(made)).login == "grace.hopper@example.org"
    assert users.write("create", NEW).step.action == "skip"


def test_a_user_is_found_by_login_and_by_address(users: Writing) -> None:
    """Each by a call of its own, whatever signs are in it; who is not there is not found."""
    made = users.create(NEW | {"username": "odd:login,+100% ü"})
    assert [one["id"] for one in users.find(username="odd:login,+100% ü")] == [made]
    assert [one["id"] for one in users.find(emails="grace.hopper@example.org")] == [made]
    assert users.find(username="nobody") == users.find(emails="nobody@example.org") == []


def test_a_lookup_does_not_list_all_users(server: SandboxServer, users: Writing) -> None:
    """The portal is asked for the one user."""
    users.find(username="bjorn")
    assert [request.path for request in server.requests.matching("/users")] == [
        "/api/v1/users/username:bjorn"
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"first_name": "Zoé"},
        {"username": "zoe.new"},
        {"emails": [{"email": "zoe@example.net", "type": None, "is_primary": True}]},
        {"status": "inactive"},
    ],
)
def test_a_user_changes_in_what_is_named(users: Writing, changes: dict[str, Any]) -> None:
    """And in nothing else but the date of the last change."""
    before = users.get("6")
    after = users.update("6", changes)
    assert {name: after[name] for name in changes} == changes
    assert differing("users", before, after) == {"updated_at", *changes}


def test_a_role_is_given(users: Writing) -> None:
    """By the name of a built-in user type."""
    after = users.update("6", {"role": "admin"})
    assert (after["role"], after["role_source"]) == ("admin", "Admin-Type")


def test_custom_fields_that_are_not_named_stay(users: Writing) -> None:
    """A value is set, another emptied, and the third is as it was."""
    before = users.get("1")["custom_fields"]
    after = users.update("1", {"custom_fields": {"custom_field_1": "Other Ltd", "custom_field_3": None}})
    wanted = before | {"custom_field_1": "Other Ltd"}
    del wanted["custom_field_3"]
    assert after["custom_fields"] == wanted


def test_an_inactive_user_is_active_again(users: Writing) -> None:
    """There and back."""
    assert users.update("6", {"status": "inactive"})["status"] == "inactive"
    assert users.update("6", {"status": "active"})["status"] == "active"


def test_a_user_is_deleted(users: Writing) -> None:
    """Then there is no such record."""
    users.delete("6")
    with pytest.raises(NoSuchRecord):
        users.get("6")


def test_a_login_that_is_taken_is_refused_with_a_remedy(server: SandboxServer) -> None:
    """The portal's words are in the error, and what to do."""
    user = {
        "first_name": "B",
        "last_name": "B",
        "email": "b@example.org",
        "login": "bjorn",
        "password": "Passw0rd",
    }
    with (
        Client(MANIFEST, connect(server), timing=impatient()) as client,
        pytest.raises(Invalid, match=r"same login already exists.* Update the user who has this login"),
    ):
        client.call("usersignup", {"args": {"user": user}})


def test_a_course_is_made_as_asked_for(courses: Writing) -> None:
    """Field by field, and it is found in the list."""
    wanted = {
        "title": "Compilers",
        "code": "CMP-1",
        "description": "A-0 & after",
        "type": "course",
        "status": "published",
        "custom_fields": {"custom_field_1": "R&D", "custom_field_2": "off"},
    }
    made = courses.create(wanted | {"categories": [{"id": "3"}]})
    found = courses.get(made)
    assert {name: found[name] for name in wanted} == wanted
    assert found["categories"] == [{"id": "3", "name": "Språk / Languages"}]
    assert [one["id"] for one in courses.find() if one["code"] == "CMP-1"] == [made]


def test_a_course_is_deleted(courses: Writing) -> None:
    """Then there is no such record."""
    made = courses.create(COURSE)
    courses.delete(made)
    with pytest.raises(NoSuchRecord):
        courses.get(made)


@pytest.fixture
def pair(courses: Writing) -> dict[str, Any]:
    """A user and a course in which the user is not."""
    return {"user": {"id": "6"}, "course": {"id": courses.create(COURSE)}}


def test_a_learner_is_enrolled_and_found(enrolments: Writing, pair: dict[str, Any]) -> None:
    """The id is made of both; the enrolment is among those of the user."""
    made = enrolments.create(pair | {"status": "enrolled"})
    found = enrolments.get(made)
    assert (found["user"]["id"], found["course"]["id"], found["status"]) == (
        "6",
        pair["course"]["id"],
        "enrolled",
    )
    assert made in [one["id"] for one in enrolments.find(**{"user[id]": "6"})]


def test_who_is_enrolled_already_is_told_apart(
    server: SandboxServer, enrolments: Writing, pair: dict[str, Any]
) -> None:
    """Nothing is sent where it can be read, and the portal's message is no failure where it could not."""
    enrolments.create(pair)
    assert enrolments.write("create", pair).step.action == "skip"
    args = {"course": pair["course"]["id"], "user": "6"}
    with Client(MANIFEST, connect(server), timing=impatient()) as client, pytest.raises(AlreadyDone):
        client.call("addusertocourse", {"args": args})


@pytest.mark.parametrize(
    ("user", "course", "words"),
    [
        ("4711", "101", "The requested user does not exist"),
        ("6", "4711", "The requested course does not exist"),
    ],
)
def test_a_missing_user_or_course_is_told_apart(
    server: SandboxServer, user: str, course: str, words: str
) -> None:
    """What there is not cannot be enrolled, whatever says so."""
    args = {"course": course, "user": user}
    with (
        Client(MANIFEST, connect(server), timing=impatient()) as client,
        pytest.raises(NotFound, match=words),
    ):
        client.call("addusertocourse", {"args": args})


def test_an_enrolment_ends(server: SandboxServer, enrolments: Writing, pair: dict[str, Any]) -> None:
    """Then there is no such record; ending it once more finds it done already."""
    made = enrolments.create(pair)
    enrolments.delete(made)
    with pytest.raises(NoSuchRecord):
        enrolments.get(made)
    args = {"course": pair["course"]["id"], "user": "6"}
    with Client(MANIFEST, connect(server), timing=impatient()) as client, pytest.raises(AlreadyDone):
        client.call("removeuserfromcourse", {"args": args})


def test_progress_is_refused_before_anything_is_sent(
    server: SandboxServer, enrolments: Writing, pair: dict[str, Any]
) -> None:
    """The portal hears nothing of an enrolment that is to be completed at once."""
    with pytest.raises(Refused, match="TalentLMS tells the progress"):
        enrolments.create(pair | {"status": "completed"})
    assert not server.requests.matching("addusertocourse")


@pytest.mark.parametrize(
    ("endpoint", "args"),
    [
        ("removeuserfromcourse", {"course": "101", "user": "6"}),
        ("usersetstatus", {"id": "6", "status": "inactive"}),
        ("deleteuser", {"id": "6"}),
        ("addusertocourse", {"course": "101", "user": "6"}),
    ],
)
def test_a_write_is_not_sent_again_when_its_answer_is_lost(
    server: SandboxServer, endpoint: str, args: dict[str, str]
) -> None:
    """A GET request that writes no more than a form: whether it was done has to be read."""
    server.faults.add(Rule(CutConnection(), path=endpoint))
    with Client(MANIFEST, connect(server), timing=impatient()) as client, pytest.raises(Transient):
        client.call(endpoint, {"args": args})
    assert len(server.requests.matching(endpoint)) == 1
