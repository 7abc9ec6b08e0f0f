"""The Docebo mapping of enrolments, on payloads written from the provider's notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MapRecord = Callable[..., dict[str, Any]]

COURSE = {"id_course": 563, "name": "Fire safety"}
NEWER: dict[str, Any] = {
    "user_id": 13009,
    "username": "r.okafor",
    "course_id": 563,
    "course_uid": "E-12345",
    "course_code": "FS-1",
    "course_name": "Fire safety",
    "course_type": "elearning",
    "course_end_date": "2026-12-31 00:00:00",
    "enrollment_level": "student",
    "enrollment_status": "completed",
    "enrollment_created_by": 2,
    "enrollment_created_at": "2025-10-01 08:00:00",
    "enrollment_validity_begin_date": None,
    "enrollment_validity_end_date": "2026-10-01 08:00:00",
    "enrollment_date_last_updated": "2025-10-04 10:00:00",
    "enrollment_completion_date": "2025-10-03 12:00:00",
    "enrollment_score": 88.5,
    "enrollment_time_spent": 197,
    "assignment_type": "mandatory",
}
OLDER: dict[str, Any] = {
    "id": 563,
    "user_id": 13009,
    "username": "r.okafor",
    "subscribed_by": 2,
    "name": "Fire safety",
    "code": "FS-1",
    "type": "elearning",
    "status": "completed",
    "level": "learner",
    "complete_percent": 100,
    "score": 88.5,
    "total_time": 197,
    "date_last_updated": "2025-10-04 10:00:00",
    "enroll_date_of_enrollment": "2025-10-01 08:00:00",
    "enroll_begin_date": "2025-10-02 00:00:00",
    "enroll_end_date": "2026-10-01 08:00:00",
    "course_complete_date": "2025-10-03 12:00:00",
    "duration": 3600,
    "url": "https://example.org/learn/course/563",
}
OF_BOTH = {
    "id": "563:13009",
    "user": {"id": "13009"},
    "course": {"id": "563", "title": "Fire safety"},
    "status": "completed",
    "status_source": "completed",
    "enrolled_at": "2025-10-01T08:00:00Z",
    "completed_at": "2025-10-03T12:00:00Z",
    "time_spent_seconds": 197,
    "score": 88.5,
    "assigned_by": {"id": "2"},
    "updated_at": "2025-10-04T10:00:00Z",
    "custom_fields": {"expires_at": "2026-10-01T08:00:00Z"},
}


@pytest.fixture
def newer(map_docebo: MapRecord) -> MapRecord:
    """The mapping of `NEWER` with changes."""
    return lambda **changes: map_docebo("course_enrollments", NEWER | changes, parent=COURSE)


@pytest.fixture
def older(map_docebo: MapRecord) -> MapRecord:
    """The mapping of `OLDER` with changes."""
    return lambda **changes: map_docebo("course_enrollments", OLDER | changes)


def test_an_enrolment_of_the_newer_list(newer: MapRecord) -> None:
    """It says who must learn, and when the record was made; of progress it says nothing."""
    assert newer() == OF_BOTH | {"is_mandatory": True, "created_at": "2025-10-01T08:00:00Z"}


def test_an_enrolment_of_the_older_list(older: MapRecord) -> None:
    """The same under other names, with the progress and an address; its id is the course's."""
    assert older() == OF_BOTH | {
        "progress_percent": 100,
        "urls": [{"url": "https://example.org/learn/course/563", "type": None}],
    }


def test_the_beginning_of_validity_stands_in(map_docebo: MapRecord) -> None:
    """Without a date of enrolment, the vendor's description has the beginning in its place."""
    record = {key: value for key, value in OLDER.items() if key != "enroll_date_of_enrollment"}
    assert map_docebo("course_enrollments", record)["enrolled_at"] == "2025-10-02T00:00:00Z"


@pytest.mark.parametrize(
    ("given", "status", "source"),
    [
        ("not_started", "enrolled", "not_started"),
        ("subscribed", "enrolled", "subscribed"),
        ("enrolled", "enrolled", "enrolled"),
        (0, "enrolled", "0"),
        ("in_progress", "in_progress", "in_progress"),
        ("In progress", "in_progress", "In progress"),
        (1, "in_progress", "1"),
        ("completed", "completed", "completed"),
        ("2", "completed", "2"),
        ("suspended", "withdrawn", "suspended"),
        (3, "withdrawn", "3"),
        ("waiting_list", "assigned", "waiting_list"),
        ("waiting", "assigned", "waiting"),
        (-2, "assigned", "-2"),
        (-1, "assigned", "-1"),
        ("overbooking", "unknown", "overbooking"),
        (4, "unknown", "4"),
    ],
)
def test_status(newer: MapRecord, older: MapRecord, given: Any, status: str, source: str) -> None:
    """Words and numbers, in both lists; what is not known is unknown, and kept."""
    for found in (newer(enrollment_status=given), older(status=given)):
        assert (found["status"], found["status_source"]) == (status, source)


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_status_is_null(newer: MapRecord, nothing: str | None) -> None:
    """An enrolment without a status is not called unknown."""
    found = newer(enrollment_status=nothing)
    assert (found.get("status"), found.get("status_source")) == (None, None)


@pytest.mark.parametrize("nothing", ["0000-00-00 00:00:00", "", None])
def test_zero_dates_are_null(newer: MapRecord, older: MapRecord, nothing: str | None) -> None:
    """A zero-date is none, wherever it stands."""
    found = newer(
        enrollment_created_at=nothing,
        enrollment_completion_date=nothing,
        enrollment_date_last_updated=nothing,
        enrollment_validity_end_date=nothing,
    )
    fields = ("enrolled_at", "created_at", "completed_at", "updated_at", "custom_fields")
    assert [found.get(field) for field in fields] == [None] * 5
    assert older(course_complete_date=nothing).get("completed_at") is None


def test_the_end_of_validity_to_the_second_goes_first(newer: MapRecord) -> None:
    """Where day and instant are both given, the instant is taken."""
    found = newer(
        enrollment_validity_end_datetime="2026-10-01 21:30:00", enrollment_validity_end_date="2026-10-01"
    )
    assert found["custom_fields"] == {"expires_at": "2026-10-01T21:30:00Z"}


@pytest.mark.parametrize(
    ("given", "number"), [(0, 0), ("41.25", 41.25), ("", None), (None, None), ("n/a", None)]
)
def test_score_and_time_as_number_or_text(newer: MapRecord, given: Any, number: float | None) -> None:
    """A score is a number or a text that is one; a score of 0 is one."""
    assert newer(enrollment_score=given).get("score") == number


@pytest.mark.parametrize(
    ("word", "mandatory"),
    [
        ("mandatory", True),
        ("required", True),
        ("recommended", False),
        ("optional", False),
        ("", None),
        (None, None),
    ],
)
def test_is_mandatory(newer: MapRecord, word: str | None, mandatory: bool | None) -> None:
    """Only a word that says so, either way."""
    assert newer(assignment_type=word).get("is_mandatory") is mandatory


@pytest.mark.parametrize("by", [13009, "13009", 0, "0", "", None])
def test_who_enrols_alone_is_assigned_by_nobody(newer: MapRecord, by: Any) -> None:
    """Neither the learner nor nobody is an assigner."""
    assert newer(enrollment_created_by=by).get("assigned_by") is None


def test_ids_as_text_give_the_same(newer: MapRecord) -> None:
    """Numbers and texts are the same id."""
    assert newer(user_id="13009", course_id="563", enrollment_created_by="2") == newer()


def test_the_parent_gives_the_title_where_the_record_does_not(map_docebo: MapRecord) -> None:
    """The course that the list was read under has a title."""
    record = {key: value for key, value in NEWER.items() if key != "course_name"}
    assert map_docebo("course_enrollments", record, parent=COURSE)["course"]["title"] == "Fire safety"


def test_an_enrolment_without_a_course_has_no_id(map_docebo: MapRecord) -> None:
    """What identifies nothing is left for the check to reject, and gets no id that might be another's."""
    assert map_docebo("course_enrollments", {"user_id": 7}).get("id") is None
