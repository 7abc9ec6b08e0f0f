"""The Moodle mapping of enrolments, on payloads written from the provider's notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MapRecord = Callable[..., dict[str, Any]]

COURSE = {"id": 12, "fullname": "Fire & safety", "shortname": "FIRE-1", "enablecompletion": 1}
MEMBER: dict[str, Any] = {
    "id": 71,
    "username": "r.okafor",
    "fullname": "Ruth Okafor",
    "email": "ruth@example.org",
    "lastcourseaccess": 0,
    "roles": [{"roleid": 5, "name": "", "shortname": "student", "sortorder": 0}],
}
VISIT = 1792857471
"""2026-10-24T15:57:51Z"""
REPORTED = {"enrolment_report": 7, "timezone": "Europe/Madrid", "roles": ["student"]}
ROW: dict[str, Any] = {
    "Course short name": "FIRE-1",
    "Username": "r.okafor",
    "Method": "Manual enrolments",
    "Time created": "Monday, 14 September 2026, 4:57 PM",
    "Time started": "Monday, 14 September 2026, 4:57 PM",
    "Time ended": "",
    "Status": "Active",
    "Completed": "No",
    "Progress": "71.4%",
    "Time completed": "",
}


@pytest.fixture
def enrollment(map_moodle: MapRecord) -> MapRecord:
    """The mapping of `MEMBER` with changes, and what is joined to it."""

    def run(*, settings: Any = None, changes: Any = None, **joined: Any) -> dict[str, Any]:
        member = MEMBER | (changes or {})
        return map_moodle(
            "course_enrollments",
            member,
            parent=COURSE,
            joined=joined,
            settings=settings or {"roles": ["student"]},
        )

    return run


@pytest.fixture
def reported(enrollment: MapRecord) -> MapRecord:
    """The mapping of `MEMBER` with rows of a custom report, each of them `ROW` with changes."""

    def run(*rows: dict[str, Any], settings: Any = None, **more: Any) -> dict[str, Any]:
        report = {"report": [ROW | row for row in rows]} if rows else {}
        return enrollment(settings=settings or REPORTED, **report, **more)

    return run


def test_an_enrollment_nobody_has_touched(enrollment: MapRecord) -> None:
    """A member becomes the unified enrolment, of which there are no dates."""
    assert enrollment() == {
        "id": "12:71",
        "user": {
            "id": "71",
            "name": "Ruth Okafor",
            "emails": [{"email": "ruth@example.org", "type": None, "is_primary": True}],
        },
        "course": {"id": "12", "title": "Fire & safety"},
        "status": "enrolled",
    }


def test_everything_that_can_be_joined(enrollment: MapRecord) -> None:
    """Completion gives the status, activities the progress, the course total the score, a visit the last activity."""
    found = enrollment(
        completion={"completed": True, "aggregation": 1, "completions": []},
        activities={"tracked": 7, "done": 6},
        grade={"user": 71, "score": 87.5},
        changes={"lastcourseaccess": VISIT},
    )
    assert found["status"] == "completed"
    assert found["progress_percent"] == 85.71
    assert found["score"] == 87.5
    assert found["last_activity_at"] == "2026-10-24T15:57:51Z"
    assert "completed_at" not in found
    assert "status_source" not in found


@pytest.mark.parametrize(
    ("joined", "visit", "status"),
    [
        ({}, 0, "enrolled"),
        ({}, VISIT, "in_progress"),
        ({"activities": {"tracked": 4, "done": 1}}, 0, "in_progress"),
        ({"activities": {"tracked": 4, "done": 0}}, 0, "enrolled"),
        ({"completion": {"completed": False}}, VISIT, "in_progress"),
        ({"completion": {"completed": False}, "activities": {"tracked": 4, "done": 4}}, 0, "in_progress"),
    ],
)
def test_begun_is_who_did_something(
    enrollment: MapRecord, joined: dict[str, Any], visit: int, status: str
) -> None:
    """A visit or an activity makes it in progress; all activities together do not complete a course."""
    assert enrollment(changes={"lastcourseaccess": visit}, **joined)["status"] == status


def test_an_enrolment_that_is_not_active_is_unknown(enrollment: MapRecord) -> None:
    """Suspended, expired and not yet begun are one partition: which it is stays open, and why is kept."""
    found = enrollment(suspended={"id": 71, "fullname": "Ruth Okafor"}, changes={"lastcourseaccess": VISIT})
    assert (found["status"], found["status_source"]) == ("unknown", "suspended")


@pytest.mark.parametrize(
    "activities",
    [{"tracked": 0, "done": 0}, None, {"tracked": None, "done": [0, 0]}, {"tracked": 4, "done": None}],
)
def test_nothing_tracked_is_no_progress(enrollment: MapRecord, activities: Any) -> None:
    """Zeros of somebody not tracked or of a course without activities, and what is no count, are no 0 percent."""
    assert "progress_percent" not in enrollment(activities=activities)


def test_dates_and_progress_from_a_report(reported: MapRecord) -> None:
    """Display dates are instants in the account's zone, a percentage is a number."""
    found = reported({"Completed": "Yes", "Time completed": "Sunday, 25 January 2026, 12:05 AM"})
    assert found["status"] == "completed"
    assert found["enrolled_at"] == "2026-09-14T14:57:00Z"
    assert found["completed_at"] == "2026-01-24T23:05:00Z"
    assert found["progress_percent"] == 71.4


STARTED = "Monday, 14 September 2026, 4:57 PM"
ENDED = "Monday, 21 September 2026, 4:57 PM"


@pytest.mark.parametrize(
    ("row", "visit", "status", "source"),
    [
        ({}, 0, "in_progress", None),
        ({"Progress": "0.0%"}, 0, "enrolled", None),
        ({"Status": "Suspended"}, 0, "withdrawn", "Suspended"),
        ({"Status": "Suspended", "Completed": "Yes"}, 0, "withdrawn", "Suspended"),
        ({"Status": "Not current", "Completed": "Yes", "Time ended": ENDED}, 0, "completed", "Not current"),
        ({"Status": "Not current", "Time ended": ENDED}, VISIT, "expired", "Not current"),
        ({"Status": "Not current", "Time ended": ENDED}, 0, "unknown", "Not current"),
        ({"Status": "Not current", "Time ended": ENDED, "Time started": ""}, 0, "expired", "Not current"),
        ({"Status": "Not current", "Time ended": ""}, 0, "enrolled", "Not current"),
        ({"Status": "Not current", "Time ended": "mañana"}, VISIT, "unknown", "Not current"),
        (
            {"Status": "Not current", "Time ended": ENDED, "Time started": "ayer"},
            VISIT,
            "unknown",
            "Not current",
        ),
        ({"Status": "Activo"}, 0, "unknown", "Activo"),
        ({"Completed": "Sí"}, 0, "unknown", "Sí"),
        ({"Completed": ""}, 0, "unknown", None),
    ],
)
def test_status_from_a_report(
    reported: MapRecord, row: dict[str, Any], visit: int, status: str, source: str | None
) -> None:
    """Withdrawn goes before completed, completed before expired; what cannot be told or read is unknown."""
    found = reported(row, changes={"lastcourseaccess": visit})
    assert (found["status"], found.get("status_source")) == (status, source)


def test_a_member_that_the_report_does_not_have(reported: MapRecord) -> None:
    """Whether somebody has completed a course is not known of those whom the report leaves out."""
    assert reported(changes={"lastcourseaccess": VISIT})["status"] == "unknown"


def test_of_several_enrolments_the_active_one_counts(reported: MapRecord) -> None:
    """Who is enrolled by two methods is active by one of them; the enrolment dates from the first."""
    first = {"Status": "Suspended", "Time created": "Tuesday, 1 September 2026, 9:00 AM", "Time ended": ENDED}
    found = reported({}, first)
    assert (found["status"], found["enrolled_at"]) == ("in_progress", "2026-09-01T07:00:00Z")
    assert "custom_fields" not in found


def test_of_several_that_are_not_current_one_may_not_have_begun(reported: MapRecord) -> None:
    """One enrolment over and one to come: a visit between them shows the end of neither both nor the second."""
    over = {"Status": "Not current", "Time ended": "Thursday, 17 September 2026, 4:57 PM"}
    to_come = {"Status": "Not current", "Time started": "Friday, 1 January 2027, 9:00 AM"}
    later = to_come | {"Time ended": "Monday, 1 February 2027, 9:00 AM"}
    for second in (to_come, later):
        assert reported(over, second, changes={"lastcourseaccess": VISIT})["status"] == "unknown"


def test_an_end_of_validity(reported: MapRecord) -> None:
    """A date, which makes nothing expired by itself."""
    found = reported({"Time ended": "Thursday, 31 December 2026, 11:59 PM"})
    assert found["custom_fields"] == {"expires_at": "2026-12-31T22:59:00Z"}
    assert found["status"] == "in_progress"


@pytest.mark.parametrize(
    ("row", "field", "given"),
    [
        (
            {"Time created": "lunes, 14 de septiembre de 2026"},
            "enrolled_at",
            "lunes, 14 de septiembre de 2026",
        ),
        ({"Time completed": "14/09/2026"}, "completed_at", "14/09/2026"),
        ({"Progress": "71,4 %"}, "progress_percent", "71,4 %"),
    ],
)
def test_what_cannot_be_read_is_handed_on(
    reported: MapRecord, row: dict[str, Any], field: str, given: str
) -> None:
    """Another language's words are not guessed at: the check makes them null and sets them down."""
    assert reported(row)[field] == given


def test_without_the_zone_there_are_no_dates(reported: MapRecord) -> None:
    """Local times alone are no instants, and a whole report of them is nothing to set down row by row."""
    found = reported({"Completed": "Yes", "Time completed": STARTED}, settings=REPORTED | {"timezone": None})
    assert (found.get("enrolled_at"), found.get("completed_at"), found["status"]) == (None, None, "completed")
