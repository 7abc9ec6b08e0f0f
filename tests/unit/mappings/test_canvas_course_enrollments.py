"""The Canvas mapping of enrolments, on payloads written from the provider's notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MapRecord = Callable[..., dict[str, Any]]

COURSE = {"id": "378", "name": "Fire safety", "workflow_state": "available", "concluded": False}
ENTRY: dict[str, Any] = {
    "id": "21070000000023221",
    "user_id": "71",
    "course_id": "378",
    "course_section_id": "5",
    "type": "StudentEnrollment",
    "role": "Auditor",
    "enrollment_state": "active",
    "created_at": "2014-06-27T16:30:59Z",
    "updated_at": "2014-07-14T16:49:15Z",
    "start_at": None,
    "end_at": None,
    "last_activity_at": "2014-07-15T21:17:27Z",
    "total_activity_time": 26692,
    "associated_user_id": None,
    "html_url": "https://lms.example.org/courses/378/users/71",
    "grades": {"current_score": 191.5, "final_score": 115.5, "current_grade": None, "final_grade": None},
    "user": {"id": "71", "name": "Ruth Okafor", "sortable_name": "Okafor, Ruth", "login_id": "r@example.org"},
}
UNTOUCHED = {"last_activity_at": None}
DONE_AT = "2021-08-10T16:26:08Z"


def progress(met: int, of: int, completed_at: str | None = None) -> dict[str, Any]:
    """The user's entry of bulk_user_progress, as it is joined."""
    found = {"requirement_count": of, "requirement_completed_count": met, "completed_at": completed_at}
    return {"progress": {"id": "71", "progress": found}}


@pytest.fixture
def enrollment(map_canvas: MapRecord) -> MapRecord:
    """The mapping of `ENTRY` with changes."""

    def run(*, course: Any = None, joined: Any = None, **changes: Any) -> dict[str, Any]:
        return map_canvas(
            "course_enrollments", ENTRY | changes, parent=COURSE | (course or {}), joined=joined
        )

    return run


def test_an_enrollment_under_way(enrollment: MapRecord) -> None:
    """An entry of a course's enrolments becomes the unified one; a score may exceed 100."""
    assert enrollment(joined=progress(1, 3)) == {
        "id": "21070000000023221",
        "user": {"id": "71", "name": "Ruth Okafor"},
        "course": {"id": "378", "title": "Fire safety"},
        "status": "in_progress",
        "status_source": "active",
        "enrolled_at": "2014-06-27T16:30:59Z",
        "started_at": None,
        "last_activity_at": "2014-07-15T21:17:27Z",
        "completed_at": None,
        "progress_percent": 33.33,
        "time_spent_seconds": 26692,
        "score": 191.5,
        "urls": [{"url": "https://lms.example.org/courses/378/users/71", "type": None}],
        "created_at": "2014-06-27T16:30:59Z",
        "updated_at": "2014-07-14T16:49:15Z",
        "custom_fields": {"type": "StudentEnrollment", "role": "Auditor", "section_id": "5"},
    }


@pytest.mark.parametrize(
    ("state", "changes", "joined", "status"),
    [
        ("invited", UNTOUCHED, None, "assigned"),
        ("creation_pending", UNTOUCHED, None, "assigned"),
        ("active", UNTOUCHED, None, "enrolled"),
        ("active", UNTOUCHED, progress(0, 4), "enrolled"),
        ("active", UNTOUCHED, progress(1, 4), "in_progress"),
        ("active", {}, None, "in_progress"),
        ("active", {}, progress(4, 4, DONE_AT), "completed"),
        ("active", {"end_at": "2015-01-01T00:00:00Z"}, progress(1, 4), "in_progress"),
        ("completed", {}, progress(4, 4, DONE_AT), "completed"),
        ("completed", {}, progress(1, 4), "completed"),
        ("completed", UNTOUCHED, None, "completed"),
        ("inactive", {}, progress(4, 4, DONE_AT), "withdrawn"),
        ("rejected", UNTOUCHED, None, "withdrawn"),
        ("deleted", {}, progress(4, 4, DONE_AT), "withdrawn"),
        ("in_a_new_state", {}, None, "unknown"),
    ],
)
def test_status(enrollment: MapRecord, state: str, changes: dict[str, Any], joined: Any, status: str) -> None:
    """The table of the notes, row by row: withdrawn goes before all, and no date is compared with a clock."""
    found = enrollment(enrollment_state=state, joined=joined, **changes)
    assert (found["status"], found["status_source"]) == (status, state)


def test_completion_comes_from_the_progress(enrollment: MapRecord) -> None:
    """The enrolment has no date of completion; the progress has it when all requirements are met."""
    found = enrollment(joined=progress(2, 2, DONE_AT))
    assert (found["completed_at"], found["progress_percent"]) == (DONE_AT, 100)
    assert enrollment().get("completed_at") is None


def test_a_course_that_requires_nothing_has_no_progress(enrollment: MapRecord) -> None:
    """No requirement at all is no progress, and no division by nothing."""
    assert enrollment(joined=progress(0, 0)).get("progress_percent") is None


@pytest.mark.parametrize(
    ("joined", "flag"), [(progress(1, 4), False), (progress(4, 4, DONE_AT), None), (None, None)]
)
def test_a_concluded_enrollment_is_flagged_where_requirements_are_not_met(
    enrollment: MapRecord, joined: Any, flag: bool | None
) -> None:
    """`completed` is said of whoever was concluded, and proves nothing of the learner."""
    found = enrollment(enrollment_state="completed", joined=joined)
    assert found["custom_fields"].get("requirements_met") is flag


GRADES = {"current_score": 80, "final_score": 60.5, "override_score": 99.99}


@pytest.mark.parametrize(
    ("changes", "course", "score"),
    [
        ({"grades": GRADES}, {}, 80),
        ({"grades": GRADES, "enrollment_state": "completed"}, {}, 99.99),
        ({"grades": GRADES}, {"concluded": True}, 99.99),
        ({"grades": GRADES}, {"workflow_state": "completed"}, 99.99),
        ({"grades": GRADES | {"override_score": None}}, {"concluded": True}, 60.5),
        ({"grades": GRADES | {"override_score": 0}}, {"concluded": True}, 0),
        ({"override_score": 50, "enrollment_state": "completed"}, {}, 50),
        ({"grades": {"current_score": None}}, {}, None),
        ({"grades": None}, {}, None),
    ],
)
def test_score(enrollment: MapRecord, changes: dict[str, Any], course: dict[str, Any], score: Any) -> None:
    """The current score while the course runs; once it is over the overriding one, else the final one."""
    assert enrollment(course=course, **changes).get("score") == score


def test_letters(enrollment: MapRecord) -> None:
    """A letter is kept beside the score, and chosen like it."""
    grades = {"current_grade": "B", "final_grade": "C", "override_grade": "A"}
    assert enrollment(grades=grades)["custom_fields"]["grade"] == "B"
    assert enrollment(grades=grades, enrollment_state="completed")["custom_fields"]["grade"] == "A"


def test_an_end_of_validity_is_kept(enrollment: MapRecord) -> None:
    """An end date goes to `expires_at`, whether or not it is past."""
    found = enrollment(end_at="2015-01-01T00:00:00Z")
    assert found["custom_fields"]["expires_at"] == "2015-01-01T00:00:00Z"


def test_a_start_date_is_when_the_learner_may_start(enrollment: MapRecord) -> None:
    """`started_at` is the enrolment's own start, never the latest activity."""
    assert enrollment(start_at="2014-07-01T00:00:00Z")["started_at"] == "2014-07-01T00:00:00Z"
    assert enrollment()["started_at"] is None


def test_an_observer_names_whom_it_observes(enrollment: MapRecord) -> None:
    """Other types of enrolments have no grades, and an observer's has the observed user."""
    found = enrollment(type="ObserverEnrollment", associated_user_id="72", grades=None)
    assert (found["custom_fields"]["type"], found["custom_fields"]["observed_user_id"]) == (
        "ObserverEnrollment",
        "72",
    )
    assert found.get("score") is None
