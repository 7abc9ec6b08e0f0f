"""Writing to Canvas: what is asked for is what is read afterwards, and what Canvas would silently drop is not lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sources.unified_lms.client import Client
from sources.unified_lms.errors import Invalid, NotFound, Transient
from sources.unified_lms.manifest import load_manifest
from sources.unified_lms.passthrough import NoSuchRecord
from sources.unified_lms.sandbox import Rule, SandboxServer, World
from sources.unified_lms.sandbox.faults import CutConnection
from sources.unified_lms.writing import Refused
from tests.contract.harness import UNLIMITED, connect, impatient
from tests.contract.writes import Writing, differing, writing

MANIFEST = load_manifest("canvas")
EMAILS = [{"email": "grace.hopper@example.org", "type": None, "is_primary": True}]
NEW: dict[str, Any] = {"first_name": "Grace", "last_name": "Hopper", "emails": EMAILS}
COURSE: dict[str, Any] = {"title": "Compilers", "code": "CMP-1"}
SHARD = 21070000000000000
ZOE = str(SHARD + 6)
"""A student who is in several courses."""


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """A Canvas of the test's own."""
    with SandboxServer(World(), "canvas", **UNLIMITED["canvas"]) as running:
        yield running


@pytest.fixture
def users(server: SandboxServer) -> Iterator[Writing]:
    """Its users, as a connection sees them that reads logins."""
    yield from writing(server, "users", logins=True)


# -- users -----------------------------------------------------------------------------------------


def test_a_user_is_made_as_asked_for(users: Writing) -> None:
    """Field by field; the id is that of the record that is read."""
    wanted = {
        **NEW,
        "name": "Grace B. Hopper",
        "username": "grace",
        "status": "active",
        "locale": "en-GB",
        "timezone": "America/New_York",
        "custom_fields": {"sis_user_id": "S-77", "integration_id": "I-77"},
    }
    found = users.get(users.create(wanted))
    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.parametrize("login", ["grace.hopper+x", "4711", "gh", "Grace %_ Hopper"])
def test_a_user_is_found_by_login_whatever_it_is(users: Writing, login: str) -> None:
    """Digits, which a search takes for an id, and less than three signs, which it refuses, are not searched for."""
    made = users.create(NEW | {"username": login})
    assert made in [one["id"] for one in users.find(username=login)]
    assert users.write("create", NEW | {"username": login}).step.action == "skip"


def test_a_user_without_a_username_is_found_by_address(users: Writing) -> None:
    """The login is the address, and the model has no username then."""
    made = users.create(NEW)
    assert (users.get(made)["username"], users.get(made)["status"]) == (None, "active")
    assert [one["id"] for one in users.find(emails="grace.hopper@example.org")] == [made]


def test_a_lookup_searches(server: SandboxServer, users: Writing) -> None:
    """What is looked for is asked of Canvas, and not looked for among all."""
    assert len(users.find(username="bjorn")) == 1
    assert [
        "search_term=bjorn" in request.query for request in server.requests.matching("accounts/self/users")
    ] == [True]


@pytest.mark.parametrize(
    ("changes", "others"),
    [
        ({"first_name": "Zo"}, {"name"}),
        ({"name": "Zoe B."}, set()),
        ({"emails": [{"email": "zoe@example.net", "type": None, "is_primary": True}]}, set()),
        ({"username": "zoe.new"}, set()),
        ({"locale": "fr", "timezone": "Europe/Paris"}, set()),
        ({"custom_fields": {"sis_user_id": "S-6"}}, set()),
    ],
)
def test_a_user_changes_in_what_is_named(users: Writing, changes: dict[str, Any], others: set[str]) -> None:
    """And in nothing else, but that a name made of two goes with them."""
    before = users.get(ZOE)
    after = users.update(ZOE, changes)
    assert {name: after[name] for name in changes} == changes
    assert differing("users", before, after) == {*changes, *others}


def test_a_user_is_suspended_and_back(users: Writing) -> None:
    """As the logins tell it."""
    assert users.update(ZOE, {"status": "suspended"})["status"] == "suspended"
    assert users.update(ZOE, {"status": "active"})["status"] == "active"


def test_a_status_is_not_sent_where_it_could_not_be_read(server: SandboxServer) -> None:
    """A connection that reads no logins could never tell whether it was done."""
    writer = Writing(server, "users")
    with writer.client, pytest.raises(Refused, match="logins = true"):
        writer.update(ZOE, {"status": "suspended"})
    assert not [request for request in server.requests.matching("/users") if request.method == "PUT"]


def test_a_user_is_deleted(users: Writing) -> None:
    """Then there is no such record, and another deletion has nothing to do."""
    users.delete(ZOE)
    with pytest.raises(NoSuchRecord):
        users.get(ZOE)
    assert users.write("delete", {}, ZOE).step.action == "skip"


def test_a_login_that_is_taken_is_refused_with_a_remedy(server: SandboxServer) -> None:
    """Of all that the answer says, the words about the login are in the error, and what to do."""
    body = {"user": {"name": "B"}, "pseudonym": {"unique_id": "bjorn"}}
    with (
        Client(MANIFEST, connect(server), timing=impatient()) as client,
        pytest.raises(Invalid, match=r"ID already in use .*Another user has this login"),
    ):
        client.call("user_create", {"args": {"body": body}})


# -- courses ---------------------------------------------------------------------------------------

DATES = {"starts_at": "2027-01-01T00:00:00Z", "ends_at": "2027-06-30T00:00:00Z"}


def test_a_course_is_made_as_asked_for(courses: Writing) -> None:
    """Field by field, the dates among them; it is found by its code."""
    wanted = {
        "title": "Compilers",
        "code": "CMP-1",
        "description": "A-0 & after",
        "type": "course",
        "status": "published",
        "custom_fields": DATES | {"sis_course_id": "C-77", "integration_id": "I-77"},
    }
    refs = {"organization": {"id": str(SHARD + 3)}, "categories": [{"id": str(SHARD + 2)}]}
    made = courses.create(wanted | refs)
    found = courses.get(made)
    assert {name: found[name] for name in wanted} == wanted
    assert (found["organization"]["id"], found["categories"][0]["id"]) == (str(SHARD + 3), str(SHARD + 2))
    assert [one["id"] for one in courses.find(code="CMP-1")] == [made]


def test_a_course_is_a_draft_unless_it_says_otherwise(courses: Writing) -> None:
    """Nothing is published by accident."""
    assert courses.get(courses.create(COURSE))["status"] == "draft"


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Compilers 2"},
        {"code": "CMP-2"},
        {"description": "B-0"},
        {"description": None},
        {"status": "published"},
        {"status": "archived"},
        {"custom_fields": DATES},
        {"custom_fields": {"integration_id": "I-2"}},
    ],
)
def test_a_course_changes_in_what_is_named(courses: Writing, changes: dict[str, Any]) -> None:
    """And in nothing else; the description can be taken away."""
    custom = {"sis_course_id": "C-1"}
    made = courses.create(COURSE | {"description": "A-0", "custom_fields": custom})
    before = courses.get(made)
    after = courses.update(made, changes)
    wanted = {"custom_fields": custom | changes["custom_fields"]} if "custom_fields" in changes else changes
    assert {name: after[name] for name in wanted} == wanted
    assert differing("courses", before, after) == {*changes}


def test_a_date_of_a_course_is_taken_away(courses: Writing) -> None:
    """By null, and the other one stays."""
    made = courses.create(COURSE | {"custom_fields": DATES})
    after = courses.update(made, {"custom_fields": {"starts_at": None}})
    assert "starts_at" not in after["custom_fields"]
    assert after["custom_fields"]["ends_at"] == DATES["ends_at"]


def test_an_archived_course_is_published_again(courses: Writing) -> None:
    """There and back, and to a draft."""
    made = courses.create(COURSE | {"status": "published"})
    for status in ("archived", "published", "draft"):
        assert courses.update(made, {"status": status})["status"] == status


def test_a_course_is_deleted_and_not_concluded(courses: Writing) -> None:
    """Then there is no such record."""
    made = courses.create(COURSE)
    courses.delete(made)
    with pytest.raises(NoSuchRecord):
        courses.get(made)


# -- enrolments ------------------------------------------------------------------------------------


@pytest.fixture
def pair(courses: Writing) -> dict[str, Any]:
    """A user and a published course in which the user is not."""
    made = courses.create(COURSE | {"status": "published"})
    return {"user": {"id": ZOE}, "course": {"id": made}}


@pytest.mark.parametrize(("asked", "state"), [("enrolled", "active"), ("assigned", "invited")])
def test_a_student_is_enrolled_and_found(
    enrolments: Writing, pair: dict[str, Any], asked: str, state: str
) -> None:
    """With an end where one is asked for; nothing is to be done a second time."""
    custom = {"expires_at": "2027-06-30T00:00:00Z"}
    found = enrolments.get(enrolments.create(pair | {"status": asked, "custom_fields": custom}))
    assert (found["status"], found["status_source"]) == (asked, state)
    assert found["custom_fields"]["expires_at"] == "2027-06-30T00:00:00Z"
    listed = enrolments.find(**{"user[id]": ZOE, "course[id]": pair["course"]["id"]})
    assert [one["id"] for one in listed] == [found["id"]]
    assert enrolments.write("create", pair).step.action == "skip"


def test_a_student_is_active_where_nothing_is_said(enrolments: Writing, pair: dict[str, Any]) -> None:
    """Canvas's own default is an invitation."""
    assert enrolments.get(enrolments.create(pair))["status_source"] == "active"


@pytest.mark.parametrize(
    ("status", "state"), [("completed", "completed"), ("withdrawn", "inactive"), ("enrolled", "active")]
)
def test_an_enrolment_is_given_a_status(
    enrolments: Writing, pair: dict[str, Any], status: str, state: str
) -> None:
    """Concluded, made inactive, or accepted."""
    made = enrolments.create(pair | {"status": "assigned"})
    after = enrolments.update(made, {"status": status})
    assert (after["status"], after["status_source"]) == (status, state)


@pytest.mark.parametrize("first", ["completed", "withdrawn"])
def test_an_enrolment_that_has_ended_goes_on(enrolments: Writing, pair: dict[str, Any], first: str) -> None:
    """It is the same one, by its id."""
    made = enrolments.create(pair)
    enrolments.update(made, {"status": first})
    assert enrolments.update(made, {"status": "enrolled"})["status"] == "enrolled"


def test_concluding_is_no_proof_of_completion(server: SandboxServer, enrolments: Writing) -> None:
    """A learner who had not met the requirements is completed, without a date and flagged."""
    open_ones = [one for one in enrolments.find(**{"user[id]": ZOE}) if one["status"] == "in_progress"]
    after = enrolments.update(open_ones[0]["id"], {"status": "completed"})
    assert (after["status"], after["completed_at"]) == ("completed", None)
    assert after["custom_fields"]["requirements_met"] is False


def test_an_enrolment_is_deleted_and_comes_back(enrolments: Writing, pair: dict[str, Any]) -> None:
    """It can still be read, as withdrawn, which counts as gone; enrolling again revives it."""
    made = enrolments.create(pair)
    enrolments.delete(made)
    assert enrolments.get(made)["status_source"] == "deleted"
    assert enrolments.write("delete", {}, made).step.action == "skip"
    assert enrolments.create(pair) == made


def test_nobody_is_enrolled_in_an_archived_course(
    courses: Writing, enrolments: Writing, pair: dict[str, Any]
) -> None:
    """Canvas's words are in the error, and what to do."""
    courses.update(pair["course"]["id"], {"status": "archived"})
    with pytest.raises(
        Invalid, match=r"to a concluded course.*Update the `status` of the course to published"
    ):
        enrolments.create(pair)


@pytest.mark.parametrize("wrong", ["user", "course"])
def test_a_missing_user_or_course_is_told(enrolments: Writing, pair: dict[str, Any], wrong: str) -> None:
    """What there is not cannot be enrolled."""
    with pytest.raises((NotFound, Refused)):
        enrolments.create(pair | {wrong: {"id": str(SHARD + 4711)}})


def test_progress_is_refused(enrolments: Writing, pair: dict[str, Any]) -> None:
    """Canvas alone tells how far a learner has come."""
    made = enrolments.create(pair)
    with pytest.raises(Refused, match="no call that makes an enrolment passed"):
        enrolments.update(made, {"status": "passed"})


@pytest.mark.parametrize(
    ("endpoint", "args"),
    [
        ("user_create", {"body": {"pseudonym": {"unique_id": "grace"}}}),
        ("course_update", {"id": "101", "course": {"name": "x"}}),
        ("enrollment_end", {"course": "101", "id": "1010000006", "task": "delete"}),
    ],
)
def test_a_write_is_not_sent_again_when_its_answer_is_lost(
    server: SandboxServer, endpoint: str, args: dict[str, Any]
) -> None:
    """Whether it was done has to be read."""
    server.requests.clear()
    server.faults.add(Rule(CutConnection(), method=MANIFEST.endpoints[endpoint].method))
    with Client(MANIFEST, connect(server), timing=impatient()) as client, pytest.raises(Transient):
        client.call(endpoint, {"args": args})
    assert len(server.requests.matching("/api/v1")) == 1
