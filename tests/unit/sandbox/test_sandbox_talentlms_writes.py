"""What can be done to the TalentLMS portal, and what it answers, as the provider's notes have it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sources.unified_lms.sandbox import World
from sources.unified_lms.sandbox.entities import CourseRole, PersonState
from tests.unit.sandbox.conftest import MakePortal, Portal

NEW = {
    "login": "grace",
    "first_name": "Grace",
    "last_name": "Hopper",
    "email": "grace@example.org",
    "password": "Passw0rd",
}
DONE = {"message": "Operation completed successfully"}


@pytest.fixture
def own(make_portal: MakePortal) -> Portal:
    """A portal whose world nobody else uses."""
    return make_portal(World(), calls_per_burst=10**6)


def world(portal: Portal) -> World:
    """What the portal tells about."""
    return portal.server.world


def post(portal: Portal, method: str, **form: Any) -> httpx.Response:
    """The answer to a form."""
    return portal.http.post(method, data=form)


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Status and message of an answer that must be an error."""
    assert answer.json()["error"]["type"] == "invalid_request_error"
    return answer.status_code, answer.json()["error"]["message"]


def test_who_signs_up_is_answered_with_a_number_for_an_id(own: Portal) -> None:
    """The id and the time stamp are numbers, and there is no date of deactivation."""
    body = post(own, "usersignup", **NEW, custom_field_1="Navy", custom_field_2="on").json()
    person = world(own).person_by_login("grace")
    assert (body["id"], body["last_updated_timestamp"]) == (person.id, int(person.updated_at.timestamp()))
    assert "deactivation_date" not in body
    assert (body["login"], body["status"], body["user_type"]) == ("grace", "active", "Learner-Type")
    assert (body["custom_field_1"], body["custom_field_2"]) == ("Navy", "on")


def test_who_has_signed_up_is_listed_and_found_by_address(own: Portal) -> None:
    """What was answered is what is read afterwards, with the id as text."""
    made = post(own, "userSignup", **NEW).json()
    assert own.json("users/email:grace@example.org")["id"] == str(made["id"])
    assert "grace" in [one["login"] for one in own.json("users")]


@pytest.mark.parametrize("missing", sorted(NEW))
def test_nobody_signs_up_without_one_of_the_five(own: Portal, missing: str) -> None:
    """Names, address, login and password are all asked for."""
    form = {key: value for key, value in NEW.items() if key != missing}
    assert refused(post(own, "usersignup", **form)) == (400, "Invalid arguments provided")


@pytest.mark.parametrize("password", ["passw0rd", "PASSW0RD", "Password", "Passw0r"])
def test_a_weak_password_is_refused(own: Portal, password: str) -> None:
    """A capital, a small letter, a digit and eight signs are needed; the message says so."""
    status, words = refused(post(own, "usersignup", **NEW | {"password": password}))
    assert (status, words[:34]) == (400, "Password is not strong enough (sho")


def test_a_password_of_more_than_thirty_signs_is_refused(own: Portal) -> None:
    """Thirty is the most that the portal takes."""
    assert post(own, "usersignup", **NEW | {"password": "Pa0" + "x" * 28}).status_code == 400
    assert post(own, "usersignup", **NEW | {"password": "Pa0" + "x" * 27}).status_code == 200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"login": "BJORN"}, "A user with the same login already exists"),
        ({"email": "Zoe@example.org"}, "A user with the same email address already exists"),
    ],
)
def test_a_login_or_an_address_is_taken_once(own: Portal, change: dict[str, str], words: str) -> None:
    """In any case of letters, and at sign-up as well as afterwards."""
    assert refused(post(own, "usersignup", **NEW | change)) == (400, words)
    assert refused(post(own, "edituser", user_id=1, **change)) == (400, words)


def test_only_what_is_named_is_edited(own: Portal) -> None:
    """Other fields, other custom fields among them, stay as they are; the id is text, the time stamp a number."""
    before = own.json("users/id:9")
    body = post(own, "edituser", user_id=9, first_name="Rob", custom_field_1="Other Ltd").json()
    assert (body["id"], type(body["last_updated_timestamp"])) == ("9", int)
    after = own.json("users/id:9")
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"first_name", "custom_field_1", "last_updated", "last_updated_timestamp"}


def test_a_user_type_is_one_of_the_portals(own: Portal) -> None:
    """A built-in type and one that the customer made up are taken, any other is not."""
    assert post(own, "edituser", user_id=6, user_type="Trainer-Type").json()["user_type"] == "Trainer-Type"
    name = "Regional supervisors"
    assert post(own, "edituser", user_id=6, user_type=name).json()["user_type"] == name
    assert post(own, "edituser", user_id=6, user_type="Wizard").status_code == 400


def test_a_date_of_a_custom_field_is_in_the_portals_format(own: Portal) -> None:
    """Day, month and year in the portal's order, in and out."""
    body = post(own, "edituser", user_id=6, custom_field_4="24/11/2019").json()
    assert body["custom_field_4"] == "24/11/2019"
    assert world(own).person(6).custom_fields[4] == "2019-11-24"
    assert post(own, "edituser", user_id=6, custom_field_4="2019-11-24").status_code == 400


def test_a_status_is_set_by_a_get_request(own: Portal) -> None:
    """The answer has the id as text and the status; another status is refused."""
    answer = own.json("usersetstatus/user_id:6,status:inactive")
    assert answer == {"user_id": "6", "status": "inactive"}
    assert world(own).person(6).state is PersonState.INACTIVE
    own.json("usersetstatus/user_id:6,status:active")
    assert world(own).person(6).state is PersonState.ACTIVE
    assert own.error("usersetstatus/user_id:6,status:suspended")[0] == 400


def test_a_deleted_user_is_no_longer_available(own: Portal) -> None:
    """The account is gone from the list, and another deletion says that there was one."""
    assert post(own, "deleteuser", user_id=6).json() == DONE
    assert own.error("users/id:6")[2] == "The requested user is no longer available"
    assert refused(post(own, "deleteuser", user_id=6)) == (404, "The requested user is no longer available")


def test_a_user_who_is_deleted_for_good_was_never_there(own: Portal) -> None:
    """With `permanent`, nothing tells that there was one; only yes and no are taken."""
    assert post(own, "deleteuser", user_id=6, permanent="on").status_code == 400
    assert post(own, "deleteuser", user_id=6, permanent="yes").json() == DONE
    assert own.error("users/id:6")[2] == "The requested user does not exist"


def test_a_course_is_made_with_a_number_for_an_id(own: Portal) -> None:
    """The answer is a course as in the list; what is not named has its default."""
    body = post(own, "createcourse", name="Compilers", code="C-1", category_id=1).json()
    assert own.json("courses")[-1] == body | {"id": str(body["id"])}
    assert (body["name"], body["code"], body["category_id"], body["status"]) == (
        "Compilers",
        "C-1",
        "1",
        "active",
    )
    assert (body["description"], body["price"], body["time_limit"]) == ("", "&#36;0.00", "0")


def test_a_course_needs_a_name_and_a_category_that_there_is(own: Portal) -> None:
    """Without a name the arguments are invalid; an unknown category is named."""
    assert refused(post(own, "createcourse", code="C-1")) == (400, "Invalid arguments provided")
    words = refused(post(own, "createcourse", name="Compilers", category_id=4711))
    assert words == (404, "The requested category does not exist")


def test_the_creator_of_a_course_is_its_instructor(own: Portal) -> None:
    """A course with a creator and one learner has two users."""
    made = post(own, "createcourse", name="Compilers", creator_id=2).json()
    post(own, "addusertocourse", course_id=made["id"], user_id=6)
    users = own.json(f"courses/id:{made['id']}")["users"]
    assert [(one["id"], one["role"]) for one in users] == [("2", "instructor"), ("6", "learner")]


def test_a_deleted_course_does_not_exist(own: Portal) -> None:
    """It is gone from the list, and cannot be deleted again."""
    assert post(own, "deletecourse", course_id=101).json() == DONE
    assert "101" not in [one["id"] for one in own.json("courses")]
    assert refused(post(own, "deletecourse", course_id=101)) == (404, "The requested course does not exist")


def test_who_is_enrolled_is_answered_with_a_list_of_one(own: Portal) -> None:
    """Ids are text; the role is a learner's unless it says otherwise."""
    course = world(own).create_course("Compilers").id
    answer = post(own, "addusertocourse", user_id=6, course_id=course)
    assert answer.json() == [{"user_id": "6", "course_id": str(course), "role": "learner"}]
    post(own, "addusertocourse", user_email="mona@example.com", course_name="Compilers", role="instructor")
    assert world(own).record(course, 8).role is CourseRole.INSTRUCTOR
    assert post(own, "addusertocourse", user_id=9, course_id=course, role="guest").status_code == 400


def test_enrolling_may_be_a_get_request(own: Portal) -> None:
    """The same arguments stand in the path then."""
    course = world(own).create_course("Compilers").id
    assert own.json(f"addusertocourse/user_id:6,course_id:{course}")[0]["user_id"] == "6"


def test_nobody_is_enrolled_twice(own: Portal) -> None:
    """The second time the portal says so, by message alone."""
    course = world(own).create_course("Compilers").id
    post(own, "addusertocourse", user_id=6, course_id=course)
    words = refused(post(own, "addusertocourse", user_id=6, course_id=course))
    assert words == (400, "The requested user is already enrolled in this course")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"user_id": 4711, "course_id": 101}, "The requested user does not exist"),
        ({"user_id": 27, "course_id": 101}, "The requested user is no longer available"),
        ({"user_id": 6, "course_id": 4711}, "The requested course does not exist"),
        ({"user_id": 6, "course_name": "Nothing"}, "The requested course does not exist"),
    ],
)
def test_an_enrolment_needs_a_user_and_a_course_that_there_are(
    own: Portal, form: dict[str, Any], words: str
) -> None:
    """Which of the two is missing is told by the message."""
    assert refused(post(own, "addusertocourse", **form)) == (404, words)


def test_an_enrolment_ends_by_a_get_request(own: Portal) -> None:
    """The answer names the course; the second time nobody is enrolled."""
    course = world(own).create_course("Compilers").id
    world(own).enrol(course, 6)
    path = f"removeuserfromcourse/user_id:6,course_id:{course}"
    assert own.json(path) == {"user_id": "6", "course_id": str(course), "course_name": "Compilers"}
    assert own.error(path)[2] == "The requested user is not enrolled in this course"
    assert post(own, "removeuserfromcourse", user_id=6, course_id=course).status_code == 404


def test_progress_is_reset_by_a_get_request(own: Portal) -> None:
    """The enrolment stays, without progress."""
    course = world(own).create_course("Compilers").id
    world(own).enrol(course, 6)
    world(own).complete(course, 6)
    assert own.json(f"resetuserprogress/course_id:{course},user_id:6") == DONE
    assert world(own).record(course, 6).percent == 0


@pytest.mark.parametrize("method", ["usersignup", "edituser", "deleteuser", "createcourse", "deletecourse"])
def test_forms_are_posted(own: Portal, method: str) -> None:
    """As a GET request there is no such method, so that a link cannot write."""
    assert own.error(f"{method}/user_id:6")[2] == "The requested API action does not exist"
