"""The sandbox as a Moodle site that is written to: what each function takes, answers and leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sources.unified_lms.sandbox import World
from sources.unified_lms.sandbox.entities import CourseRole, CourseState
from tests.unit.sandbox.test_sandbox_moodle import Site, running

CREATE = "core_user_create_users"
UPDATE = "core_user_update_users"
ENROL = "enrol_manual_enrol_users"
NEW = {
    "username": "new.one", "password": "Abcd#1234", "firstname": "New", "lastname": "One",
    "email": "new.one@example.org",
}  # fmt: skip
COURSE = {"fullname": "New course", "shortname": "NEW-1", "categoryid": "99"}


@pytest.fixture
def site() -> Iterator[Site]:
    """A site of its own, shown to an administrator who may change courses."""
    with running(World(), site_admin=True, course_update=True) as made:
        yield made


def listed(name: str, *entries: dict[str, Any]) -> dict[str, Any]:
    """Entries of a list as arguments."""
    return {
        f"{name}__{index}__{key}": value for index, one in enumerate(entries) for key, value in one.items()
    }


def user(site: Site, number: int) -> dict[str, Any]:
    """An account as a search for it gives it."""
    [found] = site.call("core_user_get_users", criteria__0__key="id", criteria__0__value=number)["users"]
    return dict(found)


# -- accounts --------------------------------------------------------------------------------------


def test_a_new_account_is_answered_with_id_and_username(site: Site) -> None:
    """The answer is a list with no more than these, and the account is there."""
    [made] = site.call(CREATE, **listed("users", NEW))
    assert made.keys() == {"id", "username"}
    assert user(site, made["id"])["email"] == "new.one@example.org"


def test_a_new_account_keeps_what_it_is_given(site: Site) -> None:
    """Each field is found where a search gives it, custom fields by short name; one that is unknown is left out."""
    given = {
        "idnumber": "E-9", "department": "Sales", "city": "Leeds", "phone1": "+44 1", "phone2": "+44 2",
        "institution": "A new institution", "lang": "pt_br", "timezone": "Europe/Madrid",
        "customfields__0__type": "company", "customfields__0__value": "Acme",
        "customfields__1__type": "nosuchfield", "customfields__1__value": "1",
    }  # fmt: skip
    [made] = site.call(CREATE, **listed("users", NEW | given))
    found = user(site, made["id"])
    assert {name: found[name] for name in given if "__" not in name} == {
        name: value for name, value in given.items() if "__" not in name
    }
    assert {one["shortname"]: one["value"] for one in found["customfields"]} == {
        "company": "Acme",
        "newsletter": "0",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"username": "bjorn"},
        {"username": "New.One"},
        {"username": "new one"},
        {"email": "ADA.okafor@example.org"},
        {"email": "nothing"},
        {"lastname": None},
        {"password": None},
        {"suspended": "1"},
    ],
)
def test_every_mistake_in_a_new_account_is_the_same_error(site: Site, change: dict[str, Any]) -> None:
    """Taken or wrong names, what is missing and what is unknown are all `invalidparameter`, without a word more."""
    given = {name: value for name, value in (NEW | change).items() if value is not None}
    assert site.call(CREATE, **listed("users", given)) == {
        "exception": "core\\exception\\invalid_parameter_exception",
        "errorcode": "invalidparameter",
        "message": "Invalid parameter value detected",
    }


def test_one_mistake_creates_nobody(site: Site) -> None:
    """All of a call or none."""
    second = NEW | {"username": "bjorn", "email": "second@example.org"}
    before = set(site.server.world.people)
    assert site.error(CREATE, **listed("users", NEW, second)) == "invalidparameter"
    assert set(site.server.world.people) == before


def test_a_weak_password_is_told_in_the_code(site: Site) -> None:
    """The code of the error is the policy's sentences in HTML."""
    assert site.error(CREATE, **listed("users", NEW | {"password": "abc"})).startswith("<div>Passwords must")


def test_moodle_makes_a_password_where_it_is_asked_to(site: Site) -> None:
    """`createpassword` takes the place of a password."""
    given = {name: value for name, value in NEW.items() if name != "password"} | {"createpassword": "1"}
    assert len(site.call(CREATE, **listed("users", given))) == 1


def test_changes_are_made_one_by_one(site: Site) -> None:
    """What cannot be changed is a warning, and the others are changed."""
    site.server.world.delete_person(12)
    answer = site.call(
        UPDATE,
        **listed(
            "users",
            {"id": 2, "firstname": "Bea"},
            {"id": 99999, "firstname": "x"},
            {"id": 3, "email": "ada.okafor@example.org"},
            {"id": 12, "firstname": "x"},
        ),
    )
    assert answer == {
        "warnings": [
            {"item": "user", "itemid": 99999, "warningcode": "invaliduserid", "message": "Invalid user ID"},
            {
                "item": "user",
                "itemid": 3,
                "warningcode": "useremailduplicate",
                "message": "Duplicate address",
            },
            {
                "item": "user",
                "itemid": 12,
                "warningcode": "usernotupdateddeleted",
                "message": "error/usernotupdateddeleted",
            },
        ]
    }
    assert user(site, 2)["firstname"] == "Bea"


def test_a_change_leaves_what_it_does_not_name(site: Site) -> None:
    """Only what is sent is set."""
    before = user(site, 3)
    assert site.call(UPDATE, **listed("users", {"id": 3, "lastname": "Eze-Bell"})) == {"warnings": []}
    changed = before | {"lastname": "Eze-Bell", "fullname": "Chidi Eze-Bell"}
    assert user(site, 3) == changed


def test_an_empty_text_empties(site: Site) -> None:
    """A telephone number and an institution of nothing are gone from the answer."""
    site.call(UPDATE, **listed("users", {"id": 3, "phone1": "", "institution": ""}))
    assert not {"phone1", "institution"} & user(site, 3).keys()


def test_an_account_is_suspended_and_made_active(site: Site) -> None:
    """`suspended` is 1 or 0."""
    site.call(UPDATE, **listed("users", {"id": 3, "suspended": 1}))
    assert user(site, 3)["suspended"] is True
    site.call(UPDATE, **listed("users", {"id": 3, "suspended": 0}))
    assert user(site, 3)["suspended"] is False


def test_deleting_says_nothing(site: Site) -> None:
    """The answer is null, and the account is found no more."""
    assert site.call("core_user_delete_users", userids__0=3) is None
    assert 3 not in site.server.world.people


@pytest.mark.parametrize(("number", "code"), [(99999, "invaliduser"), (1, "useradminodelete")])
def test_one_that_cannot_be_deleted_saves_all(site: Site, number: int, code: str) -> None:
    """Nobody is deleted with an unknown id or an administrator among them."""
    assert site.error("core_user_delete_users", userids__0=3, userids__1=number) == code
    assert 3 in site.server.world.people


# -- courses ---------------------------------------------------------------------------------------


def test_a_new_course(site: Site) -> None:
    """The answer has id and short name; the course is shown, and has what it was given."""
    given = COURSE | {"summary": "<p>S</p>", "idnumber": "C-1", "startdate": "1795449600", "lang": "de"}
    [made] = site.call("core_course_create_courses", **listed("courses", given))
    assert made.keys() == {"id", "shortname"}
    [found] = site.call("core_course_get_courses_by_field", field="id", value=made["id"])["courses"]
    told = {name: found[name] for name in ("summary", "idnumber", "startdate", "lang", "visible")}
    assert told == {
        "summary": "<p>S</p>",
        "idnumber": "C-1",
        "startdate": 1795449600,
        "lang": "de",
        "visible": 1,
    }


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"shortname": "FIRE-1"}, "shortnametaken"),
        ({"categoryid": "9999"}, "errorcatcontextnotvalid"),
        ({"colour": "red"}, "invalidparameter"),
    ],
)
def test_a_course_that_cannot_be(site: Site, change: dict[str, str], code: str) -> None:
    """Nothing is created where one of the courses is wrong."""
    site.server.world.create_course("Fire", code="FIRE-1")
    other = COURSE | {"shortname": "OTHER"}
    assert site.error("core_course_create_courses", **listed("courses", other, COURSE | change)) == code
    assert "OTHER" not in [course.code for course in site.server.world.courses.values()]


def test_courses_are_changed_one_by_one(site: Site) -> None:
    """An unknown one is a warning, and the other is renamed and hidden."""
    changes = listed(
        "courses", {"id": 101, "fullname": "Renamed", "visible": 0}, {"id": 999, "fullname": "x"}
    )
    assert site.call("core_course_update_courses", **changes) == {
        "warnings": [
            {
                "item": "course",
                "itemid": 999,
                "warningcode": "invalidrecord",
                "message": "Can't find data record in database table course.",
            }
        ]
    }
    course = site.server.world.course(101)
    assert (course.title, course.state) == ("Renamed", CourseState.DISABLED)


def test_courses_are_deleted_one_by_one(site: Site) -> None:
    """An unknown one is a warning, and the other is deleted."""
    answer = site.call("core_course_delete_courses", courseids__0=101, courseids__1=999)
    assert [(one["itemid"], one["warningcode"]) for one in answer["warnings"]] == [
        (999, "unknowncourseidnumber")
    ]
    assert 101 not in site.server.world.courses


# -- manual enrolments -----------------------------------------------------------------------------


def enrolled(site: Site, **more: Any) -> Any:
    """A person, in no course before, is enrolled in the course 102; the record of it."""
    assert (
        site.call(ENROL, **listed("enrolments", {"roleid": 5, "userid": 1, "courseid": 102} | more)) is None
    )
    return site.server.world.record(102, 1)


def test_enrolling_says_nothing_and_has_no_times_by_default(site: Site) -> None:
    """The answer is null; whoever is not given times is enrolled from now on for ever."""
    record = enrolled(site)
    assert (record.role, record.begins_at, record.expires_at, record.suspended) == (
        CourseRole.LEARNER,
        None,
        None,
        False,
    )


def test_enrolling_again_resets_what_is_left_out(site: Site) -> None:
    """Times go and a suspension ends where they are not sent once more."""
    record = enrolled(site, timestart=1772000000, timeend=1798000000, suspend=1)
    assert (record.begins_at is None, record.expires_at is None, record.suspended) == (False, False, True)
    record = enrolled(site)
    assert (record.begins_at, record.expires_at, record.suspended) == (None, None, False)


def test_another_role_is_added(site: Site) -> None:
    """Who is enrolled with another role has both."""
    enrolled(site)
    enrolled(site, roleid=3)
    members = site.call("core_enrol_get_enrolled_users", courseid=102)
    [member] = [one for one in members if one["id"] == 1]
    assert [role["shortname"] for role in member["roles"]] == ["student", "editingteacher"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"courseid": 999}, "invalidparameter"),
        ({"userid": 99999}, "invaliduser"),
        ({"roleid": 99}, "wsusercannotassign"),
    ],
)
def test_an_enrolment_that_cannot_be(site: Site, change: dict[str, int], code: str) -> None:
    """Nobody is enrolled where one of the enrolments is wrong."""
    good = {"roleid": 5, "userid": 1, "courseid": 102}
    assert site.error(ENROL, **listed("enrolments", good, good | change)) == code
    assert 1 not in [record.person_id for record in site.server.world.records_in(102)]


def test_a_suspended_enrolment_is_not_active(site: Site) -> None:
    """It stands in the partition of those that are not."""
    enrolled(site, suspend=1)
    arguments = {"courseid": 102, "options__0__name": "onlysuspended", "options__0__value": "1"}
    assert 1 in [one["id"] for one in site.call("core_enrol_get_enrolled_users", **arguments)]


def test_unenrolling_says_nothing_whoever_it_is(site: Site) -> None:
    """Null for somebody who is enrolled, and null again for who no longer is."""
    enrolled(site)
    again = listed("enrolments", {"userid": 1, "courseid": 102})
    assert site.call("enrol_manual_unenrol_users", **again) is None
    assert 1 not in [record.person_id for record in site.server.world.records_in(102)]
    assert site.call("enrol_manual_unenrol_users", **again) is None
