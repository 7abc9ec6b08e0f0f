"""Writing to a Moodle site over HTTP: what is asked for is what is read afterwards, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from sources.unified_lms.errors import Forbidden, Invalid, NotFound
from sources.unified_lms.sandbox import Faults, Rule, SandboxServer, World
from sources.unified_lms.sandbox.entities import PersonState
from sources.unified_lms.sandbox.faults import CutConnection
from tests.contract.writes import Writing, writing

REPORT = {"enrolment_report": 1}


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    """A site whose account may do everything; each test writes records of its own."""
    with SandboxServer(World(), "moodle", site_admin=True, course_update=True) as running:
        yield running


@pytest.fixture
def enrolments(server: SandboxServer) -> Iterator[Writing]:
    """Writes enrolments that a custom report tells of."""
    yield from writing(server, "course_enrollments", **REPORT)


def person(login: str, **fields: Any) -> dict[str, Any]:
    """A person to be."""
    email = {"email": f"{login}@example.org", "type": None, "is_primary": True}
    return {"username": login, "first_name": "Zoë", "last_name": "Nuñez", "emails": [email]} | fields


def told(found: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, as it is read; of the custom fields those that were named."""
    read = {name: found[name] for name in asked}
    if "custom_fields" in asked:
        read["custom_fields"] = {name: read["custom_fields"].get(name) for name in asked["custom_fields"]}
    return read


# -- users -----------------------------------------------------------------------------------------


def test_a_user_is_read_as_it_was_asked_for(users: Writing) -> None:
    """Every field that can be set comes back."""
    asked = person(
        "new.whole",
        phones=[
            {"number": "+44 1", "extension": None, "type": None},
            {"number": "+44 2", "extension": None, "type": "mobile"},
        ],
        locale="pt-BR",
        timezone="Europe/Madrid",
        organization={"id": None, "name": "Northwind & Sons"},
        custom_fields={"idnumber": "E-9", "department": "Sales", "company": "Acme", "newsletter": "1"},
    )
    assert told(users.get(users.create(asked)), asked) == asked


@pytest.mark.parametrize("filters", [{"username": "bjorn"}, {"emails": "Bjorn.Astrom@example.org"}])
def test_a_user_is_found_by_what_people_know(users: Writing, filters: dict[str, str]) -> None:
    """By login, and by address in any case of letters."""
    assert [one["id"] for one in users.find(**filters)] == ["2"]


def test_nobody_is_found_who_is_not_there(users: Writing) -> None:
    """An empty list, and no error."""
    assert users.find(username="nobody") == []


def test_a_taken_address_says_what_may_be_wrong(users: Writing) -> None:
    """The site gives no reason; the error names the likely ones."""
    with pytest.raises(Invalid, match="belongs to another account"):
        users.create(person("new.taken", emails=[{"email": "bjorn.astrom@example.org"}]))


def test_a_user_is_made_once(server: SandboxServer, users: Writing) -> None:
    """Where the answer is lost, the account is found by its login."""
    with SandboxServer(
        World(), "moodle", faults=Faults(Rule(CutConnection(0), body="core_user_create"))
    ) as lossy:
        writer = Writing(lossy, "users")
        with writer.client:
            written = writer.write("create", person("new.once"))
        assert (written.step.action, written.sent, written.left) == ("skip", True, ())
        found = [str(one.id) for one in lossy.world.people.values() if one.login == "new.once"]
        assert found == [written.record_id]


def test_one_change_leaves_everything_else(users: Writing) -> None:
    """A new family name, and nothing else but the name made of it."""
    number = users.create(person("new.change", timezone="Europe/Madrid", custom_fields={"city": "Leeds"}))
    before = users.get(number)
    after = users.update(number, {"last_name": "Ruiz"})
    assert after == before | {"last_name": "Ruiz", "name": "Zoë Ruiz"}


def test_a_user_is_suspended_and_active_again(users: Writing) -> None:
    """Both are read back."""
    number = users.create(person("new.suspended"))
    assert users.update(number, {"status": "suspended"})["status"] == "suspended"
    assert users.update(number, {"status": "active"})["status"] == "active"


def test_null_empties_a_field(users: Writing) -> None:
    """Numbers, time zone and institution are null when they are read."""
    number = users.create(
        person(
            "new.empty",
            phones=[{"number": "+44 1", "extension": None, "type": None}],
            timezone="Europe/Madrid",
            organization={"name": "Northwind"},
        ),
    )
    nothing = {"phones": None, "timezone": None, "organization": None}
    assert told(users.update(number, nothing), nothing) == nothing


def test_an_address_that_is_taken_is_an_error(users: Writing) -> None:
    """The site says so in a warning within a good answer, and has changed nothing."""
    with pytest.raises(Invalid, match="Duplicate address"):
        users.update("3", {"emails": [{"email": "ada.okafor@example.org"}]})
    assert users.get("3")["emails"][0]["email"] == "chidi.eze@example.org"


def test_changing_nobody_is_not_found(users: Writing) -> None:
    """An unknown id stands among the warnings."""
    with pytest.raises(NotFound):
        users.client.call("user_update", {"args": {"user": {"id": "99999", "firstname": "x"}}})


def test_a_user_is_deleted_once(users: Writing) -> None:
    """After that there is none, and deleting again is not found."""
    number = users.create(person("new.deleted"))
    users.delete(number)
    assert not users.is_there(number)
    with pytest.raises(NotFound):
        users.client.call("user_delete", {"args": {"id": number}})


def test_who_has_no_way_to_log_in_is_not_made_active(server: SandboxServer, users: Writing) -> None:
    """Ending the suspension would not do what is asked for."""
    number = users.create(person("new.nologin"))
    server.world.update_person(int(number), state=PersonState.INACTIVE)
    assert "`status`" in users.refused("update", {"status": "active"}, number)


def test_an_administrator_stays(users: Writing) -> None:
    """A site administrator cannot be deleted."""
    with pytest.raises(Forbidden, match="role from the account first"):
        users.client.call("user_delete", {"args": {"id": "1"}})


# -- courses ---------------------------------------------------------------------------------------


def test_a_course_is_read_as_it_was_asked_for(server: SandboxServer, courses: Writing) -> None:
    """Every field that can be set comes back."""
    category = next(iter(server.world.categories.values()))
    asked = {
        "title": "Fire & <smoke>",
        "code": "NEW-WHOLE",
        "categories": [{"id": str(category.id), "name": category.name}],
        "description": "<p>Get out.</p>",
        "type": "course",
        "status": "disabled",
        "language": "de",
        "custom_fields": {
            "idnumber": "C-9",
            "starts_at": "2026-09-01T08:00:00Z",
            "ends_at": "2026-12-01T08:00:00Z",
            "costcentre": "CC-9",
        },
    }
    assert told(courses.get(courses.create(asked)), asked) == asked


def course(code: str) -> dict[str, Any]:
    """A course to be."""
    return {"title": "A course", "code": code, "categories": [{"id": "99", "name": "Miscellaneous"}]}


def test_a_course_is_found_by_its_code(courses: Writing) -> None:
    """The short name has a call of its own."""
    number = courses.create(course("NEW-FOUND"))
    assert [one["id"] for one in courses.find(code="NEW-FOUND")] == [number]
    assert courses.find(code="NOSUCH") == []


def test_a_taken_code_is_an_error(courses: Writing) -> None:
    """The site says what is wrong."""
    courses.create(course("NEW-TAKEN"))
    other = courses.create(course("NEW-OTHER"))
    with pytest.raises(Invalid, match="Short name is already used"):
        courses.update(other, {"code": "NEW-TAKEN"})


def test_a_course_is_changed_in_what_is_named(courses: Writing) -> None:
    """Title and visibility, an end that goes, and nothing else but the time of the change."""
    dates = {"starts_at": "2026-09-01T08:00:00Z", "ends_at": "2026-12-01T08:00:00Z"}
    number = courses.create(course("NEW-CHANGE") | {"description": "<p>S</p>", "custom_fields": dates})
    before = courses.get(number)
    after = courses.update(number, {"title": "New", "status": "disabled", "custom_fields": {"ends_at": None}})
    kept = {name: value for name, value in before["custom_fields"].items() if name != "ends_at"}
    wanted = {"title": "New", "status": "disabled", "status_source": "hidden", "custom_fields": kept}
    assert after == before | wanted | {"updated_at": after["updated_at"]}


def test_a_description_is_emptied(courses: Writing) -> None:
    """Null when it is read."""
    number = courses.create(course("NEW-EMPTY") | {"description": "<p>S</p>"})
    assert courses.update(number, {"description": None})["description"] is None


@pytest.mark.parametrize(
    ("call", "args"),
    [("course_update", {"course": {"id": "9999", "fullname": "x"}}), ("course_delete", {"id": "9999"})],
)
def test_a_course_that_is_not_there(courses: Writing, call: str, args: dict[str, Any]) -> None:
    """The warning within a good answer is "not found"."""
    with pytest.raises(NotFound):
        courses.client.call(call, {"args": args})


def test_a_course_is_deleted(courses: Writing) -> None:
    """After that there is none."""
    number = courses.create(course("NEW-DELETED"))
    courses.delete(number)
    assert not courses.is_there(number)


# -- enrolments ------------------------------------------------------------------------------------

END = "2027-01-31T22:00:00Z"


def enrolled(server: SandboxServer, enrolments: Writing, **fields: Any) -> str:
    """A new person who is enrolled in the course 101; the enrolment's id."""
    login = f"new.{len(server.world.people)}"
    number = server.world.create_person(login, "Ena", "Rolled", f"{login}@example.org").id
    enrolments.create({"user": {"id": str(number)}, "course": {"id": "101"}} | fields)
    return f"101:{number}"


def test_an_enrolment_is_read_as_it_was_asked_for(server: SandboxServer, enrolments: Writing) -> None:
    """It is there, enrolled, until its end."""
    key = enrolled(server, enrolments, status="enrolled", custom_fields={"expires_at": END})
    found = enrolments.get(key)
    assert (found["status"], found["custom_fields"]) == ("enrolled", {"expires_at": END})


def test_enrolling_needs_no_report(server: SandboxServer) -> None:
    """Without one it is enrolled as well, for ever."""
    writer = Writing(server, "course_enrollments")
    with writer.client:
        assert writer.get(enrolled(server, writer))["status"] == "enrolled"


def test_a_suspension_keeps_the_times(server: SandboxServer, enrolments: Writing) -> None:
    """The site would reset what is not sent: beginning and end are as they were, before and after."""
    key = enrolled(server, enrolments, custom_fields={"expires_at": END})
    number = int(key.split(":")[1])
    begins = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    server.world.update_record(101, number, begins_at=begins)
    assert enrolments.update(key, {"status": "withdrawn"})["status"] == "withdrawn"
    record = server.world.record(101, number)
    assert (record.begins_at, record.suspended) == (begins, True)
    assert enrolments.get(key)["custom_fields"] == {"expires_at": END}


def test_a_suspension_ends(server: SandboxServer, enrolments: Writing) -> None:
    """The enrolment is in force again."""
    key = enrolled(server, enrolments)
    enrolments.update(key, {"status": "withdrawn"})
    assert enrolments.update(key, {"status": "enrolled"})["status"] == "enrolled"


def test_a_new_end_and_none(server: SandboxServer, enrolments: Writing) -> None:
    """The end is set and taken away, and a suspension stays."""
    key = enrolled(server, enrolments)
    enrolments.update(key, {"status": "withdrawn"})
    found = enrolments.update(key, {"custom_fields": {"expires_at": END}})
    assert (found["status"], found["custom_fields"]) == ("withdrawn", {"expires_at": END})
    assert enrolments.update(key, {"custom_fields": {"expires_at": None}})["custom_fields"] in (None, {})


def test_a_role_is_not_added_by_a_change(server: SandboxServer) -> None:
    """Whoever has another role than that of new enrolments keeps it alone."""
    writer = Writing(server, "course_enrollments", roles=("editingteacher",), **REPORT)
    with writer.client:
        assert writer.update("101:2", {"status": "withdrawn"})["status"] == "withdrawn"
    assert server.world.record(101, 2).further_roles == ()


def test_without_a_report_nothing_is_reset(server: SandboxServer) -> None:
    """A change is refused, and the sentence says what to set."""
    writer = Writing(server, "course_enrollments")
    with writer.client:
        key = enrolled(server, writer)
        assert "`enrolment_report`" in writer.refused("update", {"status": "withdrawn"}, key)


def test_an_enrolment_is_ended(server: SandboxServer, enrolments: Writing) -> None:
    """It is gone, and ending it again is no error: the site says nothing."""
    key = enrolled(server, enrolments)
    enrolments.delete(key)
    assert not enrolments.is_there(key)
    course, user = key.split(":")
    enrolments.client.call("unenrol", {"args": {"course": course, "user": user}})


def test_an_unknown_user_is_not_found(enrolments: Writing) -> None:
    """For reading that error means that there is nothing; for writing it is one."""
    with pytest.raises(NotFound):
        enrolments.create({"user": {"id": "99999"}, "course": {"id": "101"}})


def test_an_unknown_course_says_what_may_be_wrong(enrolments: Writing) -> None:
    """The site gives no reason."""
    with pytest.raises(Invalid, match="no such course"):
        enrolments.create({"user": {"id": "1"}, "course": {"id": "9999"}})


def test_a_role_that_may_not_be_given(server: SandboxServer) -> None:
    """The error names the setting and where it is allowed."""
    writer = Writing(server, "course_enrollments", enrolment_role=99)
    with writer.client, pytest.raises(Forbidden, match="enrolment_role"):
        writer.create({"user": {"id": "1"}, "course": {"id": "101"}})


def test_a_service_without_the_function(server: SandboxServer) -> None:
    """The error names the function and the capability."""
    with SandboxServer(World(), "moodle", functions=("core_user_get_users",)) as weak:
        writer = Writing(weak, "users")
        with writer.client, pytest.raises(Forbidden, match=r"core_user_create_users .*moodle/user:create"):
            writer.create(person("new.weak"))


def test_a_suspended_enrolment_can_be_ended(
    enrolments: Writing, users: Writing, server: SandboxServer
) -> None:
    """Moodle reads it as withdrawn, which is not gone."""
    learner = users.create(person("ends_suspended"))
    made = enrolments.create({"user": {"id": learner}, "course": {"id": "101"}})
    enrolments.update(made, {"status": "withdrawn"})
    enrolments.delete(made)
    assert not enrolments.is_there(made)
