"""The Canvas mapping of courses, on payloads written from the provider's notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MapRecord = Callable[..., dict[str, Any]]

COURSE: dict[str, Any] = {
    "id": "370663",
    "name": "Fire safety",
    "course_code": "FIRE-1",
    "account_id": "81259",
    "account_name": "Facilities",
    "root_account_id": "1",
    "enrollment_term_id": "34",
    "workflow_state": "available",
    "created_at": "2012-05-01T00:00:00-06:00",
    "start_at": "2012-06-01T06:00:00Z",
    "end_at": None,
    "locale": "en",
    "syllabus_body": "<p>week by week</p>",
    "public_description": "What to do when it burns",
    "sis_course_id": "SIS-9",
    "integration_id": None,
    "html_url": "https://lms.example.org/courses/370663",
    "term": {"id": "34", "name": "Spring", "start_at": None, "end_at": None},
    "total_students": 32,
}


@pytest.fixture
def course(map_canvas: MapRecord) -> MapRecord:
    """The mapping of `COURSE` with changes, without the keys in `lacking`."""

    def run(*, lacking: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
        record = {key: value for key, value in (COURSE | changes).items() if key not in lacking}
        return map_canvas("courses", record)

    return run


def test_a_course(course: MapRecord) -> None:
    """An entry of the account's courses becomes the unified course."""
    assert course() == {
        "id": "370663",
        "title": "Fire safety",
        "description": "What to do when it burns",
        "code": "FIRE-1",
        "type": "course",
        "status": "published",
        "status_source": "available",
        "language": "en",
        "urls": [{"url": "https://lms.example.org/courses/370663", "type": None}],
        "categories": [{"id": "34", "name": "Spring"}],
        "organization": {"id": "81259", "name": "Facilities"},
        "created_at": "2012-05-01T00:00:00-06:00",
        "custom_fields": {"sis_course_id": "SIS-9", "starts_at": "2012-06-01T06:00:00Z"},
    }


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("unpublished", "draft"),
        ("available", "published"),
        ("completed", "archived"),
        ("deleted", "disabled"),
        ("claimed", "unknown"),
    ],
)
def test_states(course: MapRecord, word: str, status: str) -> None:
    """The states of the API, and `unknown` for any other word."""
    found = course(workflow_state=word)
    assert (found["status"], found["status_source"]) == (status, word)


def test_the_syllabus_describes_a_course_without_a_description(course: MapRecord) -> None:
    """Nearly all courses have no public description."""
    assert course(public_description=None)["description"] == "<p>week by week</p>"
    assert course(public_description=None, syllabus_body=None).get("description") is None


def test_a_course_that_is_trimmed_for_its_dates(course: MapRecord) -> None:
    """`access_restricted_by_date` leaves id and name only, which is no reason to lose the record."""
    kept = ("id", "name")
    found = course(lacking=tuple(key for key in COURSE if key not in kept), access_restricted_by_date=True)
    assert {key: value for key, value in found.items() if value} == {
        "id": "370663",
        "title": "Fire safety",
        "type": "course",
    }


def test_an_end_date_is_kept_and_not_compared(course: MapRecord) -> None:
    """A course whose end is long past stays published: a mapping knows no clock."""
    found = course(end_at="2012-09-01T06:00:00Z")
    assert (found["status"], found["custom_fields"]["ends_at"]) == ("published", "2012-09-01T06:00:00Z")


def test_the_calendar_is_in_no_field(course: MapRecord) -> None:
    """The address of the calendar goes nowhere, should the client ever let it through."""
    assert "planted" not in str(course(calendar={"ics": "https://lms.example.org/feeds/planted.ics"}))
