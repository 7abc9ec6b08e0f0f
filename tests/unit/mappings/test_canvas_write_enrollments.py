"""What the Canvas write mappings make of enrolments, as the vendor's documents have its calls."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mappings.test_canvas_write import assert_refused
from tests.unit.mappings.write_mappings import asked

PAIR: dict[str, Any] = {"user": {"id": "7"}, "course": {"id": "101"}}
STUDENTS = {"enrollment_types": ["StudentEnrollment"]}


def enrol(settings: Any = None, **changes: Any) -> list[dict[str, Any]]:
    """The calls that enrol user 7 in course 101."""
    return asked("canvas", "course_enrollments", "create", PAIR | changes, settings=settings or STUDENTS)


def change(state: str, status: str) -> list[dict[str, Any]]:
    """The calls that give enrolment 9, in a state of Canvas's, another status."""
    record = {
        "id": "9",
        "enrollment_state": state,
        "course_id": "101",
        "user_id": "7",
        "type": "StudentEnrollment",
        "role_id": "3",
        "course_section_id": "55",
    }
    present = {"unified": {}, "record": record}
    return asked(
        "canvas",
        "course_enrollments",
        "update",
        {"status": status},
        present=present,
        args={"id": "9"},
        settings=STUDENTS,
    )


@pytest.mark.parametrize(
    ("more", "state"),
    [({}, "active"), ({"status": "enrolled"}, "active"), ({"status": "assigned"}, "invited")],
)
def test_a_student_is_enrolled_actively_unless_assigned(more: dict[str, Any], state: str) -> None:
    """Nobody is told."""
    assert enrol(**more) == [
        {
            "call": "enrollment_create",
            "args": {
                "course": "101",
                "enrollment": {
                    "user_id": "7",
                    "type": "StudentEnrollment",
                    "enrollment_state": state,
                    "notify": False,
                },
            },
        }
    ]


def test_an_enrolment_has_a_type_a_section_and_an_end() -> None:
    """Under Canvas's own names, where the connection reads that type."""
    custom = {"type": "TeacherEnrollment", "section_id": "55", "expires_at": "2027-06-30T00:00:00Z"}
    [call] = enrol({"enrollment_types": []}, custom_fields=custom)
    enrollment = call["args"]["enrollment"]
    assert (enrollment["type"], enrollment["course_section_id"]) == ("TeacherEnrollment", "55")
    assert enrollment["end_at"] == "2027-06-30T00:00:00Z"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "completed"}, "enrolled (active)"),
        ({"custom_fields": {"type": "TeacherEnrollment"}}, "enrollment_types"),
        ({"custom_fields": {"grade": "A"}}, "not grade"),
    ],
)
def test_what_cannot_be_said_of_an_enrolment_is_refused(changes: dict[str, Any], words: str) -> None:
    """A sentence names the provider, the field and what to do."""
    assert_refused(enrol(**changes), words)


@pytest.mark.parametrize(
    ("state", "status", "task"),
    [
        ("active", "completed", "conclude"),
        ("invited", "completed", "conclude"),
        ("active", "withdrawn", "inactivate"),
        ("completed", "withdrawn", "inactivate"),
    ],
)
def test_an_enrolment_ends_by_a_task(state: str, status: str, task: str) -> None:
    """To complete is to conclude, to withdraw is to make inactive, which can be taken back."""
    assert change(state, status) == [
        {"call": "enrollment_end", "args": {"course": "101", "id": "9", "task": task}}
    ]


def test_an_inactive_enrolment_is_reactivated() -> None:
    """By a call of its own."""
    assert change("inactive", "enrolled") == [
        {"call": "enrollment_reactivate", "args": {"course": "101", "id": "9"}}
    ]


@pytest.mark.parametrize("state", ["completed", "deleted", "rejected", "invited"])
def test_any_other_enrolment_is_made_active_by_enrolling_again(state: str) -> None:
    """In the same section and with the same role, so that it is the same enrolment."""
    [call] = change(state, "enrolled")
    assert call == {
        "call": "enrollment_create",
        "args": {
            "course": "101",
            "enrollment": {
                "user_id": "7",
                "type": "StudentEnrollment",
                "role_id": "3",
                "course_section_id": "55",
                "enrollment_state": "active",
                "notify": False,
            },
        },
    }


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        ("active", "enrolled", "leave `status` out"),
        ("active", "passed", "no call that makes an enrolment passed"),
        ("active", "in_progress", "no call that makes an enrolment in_progress"),
        ("deleted", "completed", "to enrolled first"),
        ("inactive", "completed", "to enrolled first"),
    ],
)
def test_what_cannot_become_of_an_enrolment_is_refused(state: str, status: str, words: str) -> None:
    """A sentence names the provider, the field and what to do."""
    assert_refused(change(state, status), words)


def test_an_enrolment_is_deleted_by_its_task() -> None:
    """In the course that it is in; one that is deleted needs no call."""
    present = {"unified": {}, "record": {"enrollment_state": "active", "course_id": "101"}}
    found = asked("canvas", "course_enrollments", "delete", present=present, args={"id": "9"})
    assert found == [{"call": "enrollment_end", "args": {"course": "101", "id": "9", "task": "delete"}}]
    present["record"]["enrollment_state"] = "deleted"
    assert asked("canvas", "course_enrollments", "delete", present=present, args={"id": "9"}) == []
