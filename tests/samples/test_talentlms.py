"""The TalentLMS mappings on the vendor's own answers, which are not part of the project.

The folder that holds them (`<folder>/talentlms/samples/*.json`) is named by LMS_VENDOR_SAMPLES. They come
from a portal in London with the day first; what is expected is written by hand from the provider's notes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mappings
from mappings import engine

SAMPLES = os.environ.get("LMS_VENDOR_SAMPLES")
PORTAL = {"date_format": "DDMMYYYY", "timezone": "Europe/London"}
FOLDER = Path(next(iter(mappings.__path__))) / "talentlms"

pytestmark = pytest.mark.skipif(
    not SAMPLES or not (Path(SAMPLES) / "talentlms").is_dir(),
    reason="LMS_VENDOR_SAMPLES names no folder with the vendor's samples of TalentLMS",
)


def sample(name: str) -> Any:
    """One of the vendor's answers."""
    return json.loads((Path(SAMPLES or "") / "talentlms" / "samples" / f"{name}_response.json").read_text())


def unified(resource: str, record: Any, *, parent: Any = None, joined: Any = None, portal: Any = None) -> Any:
    """The record as both engines map it."""
    source = (FOLDER / f"{resource}.jsonata").read_text()
    value = {"record": record, "parent": parent, "joined": joined or {}, "settings": portal or PORTAL}
    found = engine.compile(source, name=resource).evaluate(value)
    assert engine.reference_evaluate(source, value) == found
    assert json.loads(engine.compile(source, name=resource).evaluate_json(json.dumps(value)) or "") == found
    return found


def test_the_portals_date_format_is_one_the_mappings_know() -> None:
    """The portal names the order of dates by the word that the mappings take."""
    assert sample("siteinfo")["date_format"] == PORTAL["date_format"]


def pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Every formatted date with its unix time: `x` and `x_timestamp`, `timestamp` and `unix_timestamp`."""
    if isinstance(value, list):
        for item in value:
            yield from pairs(item)
    if isinstance(value, dict):
        names = {name: f"{name}_timestamp" for name in value} | {"timestamp": "unix_timestamp"}
        yield from ((value[name], value[twin]) for name, twin in names.items() if value.get(twin))
        for item in value.values():
            yield from pairs(item)


def test_every_date_is_the_instant_of_its_timestamp() -> None:
    """All formatted dates with a twin, in every answer: portal-local time of London, day first."""
    answers = (Path(SAMPLES or "") / "talentlms" / "samples").glob("*_response.json")
    found = [pair for answer in answers for pair in pairs(json.loads(answer.read_text()))]
    both = engine.compile('[$instant(text, "DDMMYYYY", "Europe/London"), $unixtime(unix)]')
    assert len(found) >= 9
    for text, unix in found:
        local, utc = both.evaluate({"text": text, "unix": unix})
        assert local == utc


def test_a_user() -> None:
    """The whole user of GET /users/id; its elided time zone and its sign-in link give nothing."""
    assert unified("users", sample("users_id")) == {
        "id": "40457",
        "first_name": "john",
        "last_name": "Smith",
        "username": "john.smith",
        "emails": [{"email": "john.smith@example.org", "type": None, "is_primary": True}],
        "status": "active",
        "status_source": "active",
        "role": "learner",
        "role_source": "Learner-Type",
        "locale": "en",
        "organization": {"id": "76", "name": "sample"},
        "created_at": "2015-11-12T07:06:53Z",
        "updated_at": "2020-08-21T06:05:00Z",
        "custom_fields": {"custom_field_1": "Company LLC", "custom_field_2": "on"},
    }


@pytest.mark.parametrize(
    ("name", "user_id", "updated_at"),
    [("usersignup", "40457", "2020-08-25T13:53:30Z"), ("edituser", "40457", "2020-08-25T13:56:31Z")],
)
def test_a_user_as_a_write_answers_it(name: str, user_id: str, updated_at: str) -> None:
    """The answers to writes have numbers where GET has text, and map to the same id and instants."""
    found = unified("users", sample(name))
    assert (found["id"], found["updated_at"], found["status"]) == (user_id, updated_at, "inactive")
    assert found["created_at"] == "2020-08-25T13:53:30Z"
    assert found["custom_fields"] == {"custom_field_1": "Company LLC", "custom_field_2": "off"}


def test_a_user_found_by_a_custom_field() -> None:
    """The search by a custom field keys users by id and leaves the type out: no role."""
    found = unified("users", sample("getusersbycustomfield")["40457"])
    assert (found["id"], found.get("role"), found["updated_at"]) == ("40457", None, "2020-08-23T04:55:01Z")


def test_an_enrollment() -> None:
    """Incomplete with 0 percent, but 3m 17s spent: in progress."""
    user = sample("users_id")
    [entry] = user["courses"]
    assert unified("course_enrollments", entry, parent=user) == {
        "id": "123:40457",
        "user": {
            "id": "40457",
            "emails": [{"email": "john.smith@example.org", "type": None, "is_primary": True}],
        },
        "course": {"id": "123", "title": "Sample Course"},
        "status": "in_progress",
        "status_source": "incomplete",
        "enrolled_at": "2020-05-15T03:25:35Z",
        "progress_percent": 0,
        "time_spent_seconds": 197,
    }


def test_a_completed_enrollment() -> None:
    """The single status is spelled with a capital and has the dates of the completion."""
    entry = sample("getuserstatusincourse") | {"id": "123", "name": "Sample Course"}
    found = unified("course_enrollments", entry, parent=sample("users_id"))
    assert (found["status"], found["status_source"]) == ("completed", "Completed")
    assert (found["enrolled_at"], found["completed_at"]) == ("2019-12-25T03:58:40Z", "2019-12-25T03:58:50Z")
    assert (found["progress_percent"], found["time_spent_seconds"]) == (100, 0)


def test_a_course() -> None:
    """The whole course of GET /courses/id, with its category joined; the summer's date is an hour earlier."""
    category = sample("categories_id")
    assert unified("courses", sample("courses_id"), joined={"category": category}) == {
        "id": "123",
        "title": "Sample Course",
        "description": "...",
        "type": "course",
        "status": "published",
        "status_source": "active",
        "categories": [{"id": "12", "name": "Sample Category"}],
        "created_at": "2017-03-21T07:18:23Z",
        "updated_at": "2020-07-13T10:29:44Z",
    }


def test_a_course_as_a_write_answers_it() -> None:
    """A course just created has a number for an id, and the category's id alone."""
    found = unified("courses", sample("createcourse"))
    assert (found["id"], found["categories"]) == ("123", [{"id": "12"}])
    assert found["created_at"] == "2020-08-27T10:20:13Z"


def test_a_course_of_a_portal_without_a_zone() -> None:
    """Without the portal's zone a course has no dates."""
    found = unified("courses", sample("courses_id"), portal={"date_format": "DDMMYYYY"})
    assert (found.get("created_at"), found.get("updated_at")) == (None, None)


def test_a_unit() -> None:
    """The unit of the whole course, first and under no section."""
    course = sample("courses_id")
    [unit] = course["units"]
    assert unified("course_items", unit, parent=course, joined={"position": 1}) == {
        "id": "3474",
        "course": {"id": "123", "title": "Sample Course"},
        "type": "scorm",
        "type_source": "SCORM | xAPI | cmi5",
        "title": "Sample SCORM Unit",
        "position": 1,
        "urls": [{"url": "https://...", "type": None}],
    }


@pytest.mark.parametrize("name", ["users_id", "usersignup", "edituser"])
def test_no_sign_in_link_in_a_user(name: str) -> None:
    """A link put in the place of the elided login_key is in no field."""
    record = sample(name)
    assert "login_key" in record
    assert "planted" not in str(unified("users", record | {"login_key": "https://example.org/key:planted"}))
