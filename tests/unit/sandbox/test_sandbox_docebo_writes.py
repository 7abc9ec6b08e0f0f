"""The sandbox as a Docebo portal that is written to: what each call takes, answers and leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from sources.unified_lms.sandbox import SandboxServer, World
from tests.unit.sandbox.test_sandbox_docebo import Portal

NEW = {
    "userid": "new.one",
    "password": "Secret-1",
    "firstname": "New",
    "lastname": "One",
    "email": "n@example.org",
}
PAIR = {"course_id": 102, "user_id": 1}


class Writing(Portal):
    """A portal that is written to."""

    def send(self, method: str, path: str, body: Any) -> httpx.Response:
        """The answer to a JSON body, with whatever verb."""
        token = self.ask_token().json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        return self.http.request(method, path, json=body, headers=headers)

    def told(self, method: str, path: str, body: Any) -> Any:
        """`data` of an answer, which is a 200 even where nothing was done."""
        answer = self.send(method, path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    @property
    def world(self) -> World:
        """What is written to."""
        return self.server.world


@contextmanager
def writing(**options: Any) -> Iterator[Writing]:
    """A portal with its own options."""
    with SandboxServer(World(), "docebo", **options) as server:
        made = Writing(server)
        with made.http:
            yield made


@pytest.fixture
def portal() -> Iterator[Writing]:
    """A portal of its own."""
    with writing() as made:
        yield made


# -- users -----------------------------------------------------------------------------------------


def test_a_new_user(portal: Writing) -> None:
    """Names are `userid` and `firstname`, and the answer has the id."""
    given = NEW | {
        "language": "de",
        "timezone": "Europe/Berlin",
        "valid": 0,
        "expiration": "2027-01-31 22:00:00",
    }
    found = portal.told("POST", "/manage/v1/user", given)
    data = portal.data(f"/manage/v1/user/{found['user_id']}")["user_data"]
    assert found["success"] is True
    told = {
        name: data[name] for name in ("username", "first_name", "language", "timezone", "valid", "expiration")
    }
    assert told == {
        "username": "new.one",
        "first_name": "New",
        "language": "german",
        "timezone": "Europe/Berlin",
        "valid": 0,
        "expiration": "2027-01-31 22:00:00",
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"userid": ""}, "userid"),
        ({"password": ""}, "password"),
        ({"userid": "bjorn"}, "userid"),
        ({"additional_fields": [{"id": 99, "value": "x"}]}, "99"),
        ({"additional_fields": [{"id": 3, "value": "North"}]}, "3"),
    ],
)
def test_a_user_that_cannot_be_is_a_200(portal: Writing, change: dict[str, Any], field: str) -> None:
    """`success` is false, with a message for the field; of a dropdown the number of an option is wanted."""
    found = portal.told("POST", "/manage/v1/user", NEW | change)
    assert (found["success"], [one["id"] for one in found["message"]]) == (False, [field])


def test_the_number_of_an_option_becomes_its_label(portal: Writing) -> None:
    """A dropdown is written by number, and listed by label."""
    portal.told("POST", "/manage/v1/user", NEW | {"additional_fields": [{"id": 3, "value": 2}]})
    [found] = portal.data("/manage/v1/user", search_text="new.one")["items"]
    assert found["field_3"] == "South"


def test_a_portal_may_not_tell_the_new_id() -> None:
    """Then the answer says no more than that it went well."""
    with writing(tells_new_ids=False) as portal:
        assert portal.told("POST", "/manage/v1/user", NEW) == {"success": True, "message": []}


@pytest.mark.parametrize(("empties", "left"), [(False, "Chidi"), (True, "")])
def test_what_a_change_does_not_send(empties: bool, left: str) -> None:
    """It stays, or is emptied: which of them is not known, so both can be had."""
    with writing(empties_unsent=empties) as portal:
        sent = {"userid": "chidi", "lastname": "Bell"}
        assert portal.told("PUT", "/manage/v1/user/3", sent) == {
            "success": True,
            "updated_id": 3,
            "message": [],
        }
        assert (portal.world.person(3).first_name, portal.world.person(3).last_name) == (left, "Bell")


@pytest.mark.parametrize(("status", "state"), [("0", "suspended"), ("1", "active")])
def test_changing_the_status(portal: Writing, status: str, state: str) -> None:
    """A call of its own, with texts."""
    body = {"user_ids": ["3"], "status": status}
    assert portal.told("PUT", "/manage/v1/user/change_status", body) == {"success": True}
    assert portal.world.person(3).state == state


@pytest.mark.parametrize("body", [{"user_ids": ["99999"], "status": "0"}, {"user_ids": ["3"], "status": "9"}])
def test_a_status_that_cannot_be_changed(portal: Writing, body: dict[str, Any]) -> None:
    """`success` is false in a 200."""
    assert portal.told("PUT", "/manage/v1/user/change_status", body) == {"success": False}


def test_deleting_has_a_body(portal: Writing) -> None:
    """DELETE with JSON; the answer has the ids, and `success` is false where one was not there."""
    path = "/manage/v1/user/delete"
    assert portal.told("DELETE", path, {"user_ids": [3]}) == {"success": True, "deleted_user_ids": [3]}
    assert portal.told("DELETE", path, {"user_ids": [3]}) == {"success": False, "deleted_user_ids": []}


def test_a_body_that_is_no_object(portal: Writing) -> None:
    """400, in the shape of the portal's errors."""
    answer = portal.send("POST", "/manage/v1/user", [1])
    assert (answer.status_code, answer.json()["name"]) == (400, "BadRequestException")


# -- courses ---------------------------------------------------------------------------------------


def test_a_course_from_beginning_to_end(portal: Writing) -> None:
    """Made, renamed, deleted, and then not found."""
    given = {"name": "Fire", "description": "D", "course_type": "elearning", "code": "F-1"}
    number = portal.told("POST", "/learn/v1/courses", given)["id_course"]
    path = f"/learn/v1/courses/{number}"
    portal.told("PUT", path, {"id": number, "name": "Smoke"})
    data = portal.data(path)
    assert (data["name"], data["description"], data["code"]) == ("Smoke", "D", "F-1")
    portal.told("DELETE", path, {"id": number})
    assert portal.send("PUT", path, {"name": "x"}).status_code == 404


@pytest.mark.parametrize("name", ["name", "description", "course_type"])
def test_what_a_course_needs(portal: Writing, name: str) -> None:
    """Without it there is none."""
    given = {"name": "Fire", "description": "D", "course_type": "elearning"} | {name: ""}
    assert portal.send("POST", "/learn/v1/courses", given).status_code == 400


# -- enrolments ------------------------------------------------------------------------------------


def enrol(portal: Writing, **more: Any) -> Any:
    """The answer to the enrolment of somebody who is in no course."""
    body = {"user_ids": [1], "course_ids": [102], "level": "3"} | more
    return portal.told("POST", "/learn/v1/enrollments", body)


def enrolment(portal: Writing) -> dict[str, Any]:
    """The enrolment as the newer list has it."""
    query = {"course_id[]": 102, "user_id[]": 1}
    [found] = portal.data("/course/v1/courses/enrollments", **query)["items"]
    return dict(found)


def test_enrolling(portal: Writing) -> None:
    """Who was enrolled stands in the answer; who is enrolled already stands among the errors of a 200."""
    assert enrol(portal, assignment_type="mandatory", date_expire_validity="2027-01-31 22:00:00") == {
        "enrolled": [1],
        "errors": [],
    }
    found = enrolment(portal)
    assert (found["assignment_type"], found["enrollment_validity_end_date"]) == (
        "mandatory",
        "2027-01-31 22:00:00",
    )
    assert enrol(portal) == {"enrolled": [], "errors": ["User 1 is already enrolled in course 102"]}


def test_successes_may_stand_among_the_errors() -> None:
    """As one published answer has it."""
    with writing(nests_successes=True) as portal:
        assert enrol(portal) == {"enrolled": [], "errors": [{"enrolled": [1]}]}


@pytest.mark.parametrize("change", [{"user_ids": [99999]}, {"course_ids": [999]}])
def test_nobody_is_enrolled_in_nothing(portal: Writing, change: dict[str, Any]) -> None:
    """What is not there is an error in a 200."""
    found = enrol(portal, **change)
    assert found["enrolled"] == []
    assert "not found" in found["errors"][0]


@pytest.mark.parametrize(
    ("status", "word"), [(0, "subscribed"), (1, "in_progress"), (2, "completed"), (3, "suspended")]
)
def test_the_status_of_an_enrolment(portal: Writing, status: int, word: str) -> None:
    """A number when written, a word when read; the answer names the enrolment."""
    enrol(portal)
    found = portal.told("PUT", "/learn/v1/enrollments/102/1", {"status": status})
    assert (found["updated"], enrolment(portal)["enrollment_status"]) == ([PAIR], word)


def test_completing_on_a_day_with_a_score(portal: Writing) -> None:
    """Both are kept."""
    enrol(portal)
    body = {"status": 2, "date_complete": "2026-02-01 10:00:00", "score_given": 87.5}
    portal.told("PUT", "/learn/v1/enrollments/102/1", body)
    found = enrolment(portal)
    assert (found["enrollment_completion_date"], found["enrollment_score"]) == ("2026-02-01 10:00:00", 87.5)


def test_what_is_not_changed_comes_back_in_a_200(portal: Writing) -> None:
    """An enrolment that is not there, and a status that there is not, are told apart."""
    absent = portal.told("PUT", "/learn/v1/enrollments/102/1", {"status": 2})
    enrol(portal)
    invalid = portal.told("PUT", "/learn/v1/enrollments/102/1", {"status": 9})
    assert (absent["updated"], absent["not_updated"]["invalid_enrollments"]) == ([], [PAIR])
    assert (invalid["updated"], invalid["not_updated"]["validation_errors"][0]["ids"]) == ([], [PAIR])


def test_unenrolling_has_a_body(portal: Writing) -> None:
    """DELETE with JSON; whoever is not enrolled is an error in a 200."""
    enrol(portal)
    body = {"user_ids": [1], "course_ids": [102], "reset_tracks": False}
    assert portal.told("DELETE", "/learn/v1/enrollments", body) == {"un_enrolled": [1], "errors": []}
    assert portal.told("DELETE", "/learn/v1/enrollments", body) == {
        "un_enrolled": [],
        "errors": ["Record not found"],
    }


def test_a_search_looks_into_logins_names_and_addresses(portal: Writing) -> None:
    """In any case of letters, and for a part of them."""
    for text in ("bjorn", "BJÖRN", "astrom@example"):
        assert [one["user_id"] for one in portal.data("/manage/v1/user", search_text=text)["items"]] == ["2"]
