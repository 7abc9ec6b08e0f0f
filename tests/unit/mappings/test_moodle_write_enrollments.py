"""What Moodle's write mappings make of enrolments: one call, or the reason why there is none. Both engines agree."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mappings.test_moodle_write import SETTINGS, calls, refusal, sent

ENROLMENT = {"user": {"id": "7"}, "course": {"id": "101"}}
ROLES = [{"roleid": 3, "shortname": "editingteacher"}, {"roleid": 9, "shortname": "student"}]
ROW = {
    "Method": "Manual enrolments",
    "Time started": "Monday, 14 September 2026, 4:57 PM",
    "Time ended": "",
    "Status": "Active",
    "Completed": "No",
}


def enrolment(*rows: dict[str, Any], **unified: Any) -> dict[str, Any]:
    """The present enrolment with rows of the report."""
    return {
        "unified": {"status": "enrolled", "progress_percent": 0, "last_activity_at": None} | unified,
        "record": {"id": 7, "roles": ROLES},
        "joined": {"report": list(rows)},
    }


def changed(record: dict[str, Any], present: Any, **more: Any) -> dict[str, Any]:
    """What is sent to change an enrolment."""
    return sent(
        "course_enrollments/update",
        record,
        present=present,
        args={"course": "101", "user": "7"},
        **more,
    )


def test_enrolling() -> None:
    """With the role of the setting, from now on and for ever."""
    assert sent("course_enrollments/create", ENROLMENT | {"status": "enrolled"}) == {
        "roleid": 5,
        "userid": "7",
        "courseid": "101",
    }


def test_enrolling_until_a_day() -> None:
    """The end is Unix seconds."""
    given = ENROLMENT | {"custom_fields": {"expires_at": "2026-10-24T00:00:00Z"}}
    assert sent("course_enrollments/create", given)["timeend"] == 1792800000


@pytest.mark.parametrize(
    ("change", "settings", "named"),
    [
        ({"status": "completed"}, SETTINGS, "`status`"),
        ({"custom_fields": {"shoe_size": "9"}}, SETTINGS, "`custom_fields`"),
        ({"custom_fields": {"expires_at": "2026-10-24T00:00:30Z"}}, SETTINGS, "`expires_at`"),
        (
            {"custom_fields": {"expires_at": "2026-10-24T00:00:00Z"}},
            {"timezone": "UTC"},
            "`enrolment_report`",
        ),
        ({"custom_fields": {"expires_at": "2026-10-24T00:00:00Z"}}, {"enrolment_report": 7}, "`timezone`"),
    ],
)
def test_what_an_enrolment_cannot_have(change: dict[str, Any], settings: dict[str, Any], named: str) -> None:
    """Nobody is completed by hand, and an end that could not be read again is not written."""
    said = refusal("course_enrollments/create", ENROLMENT | change, settings=settings)
    assert named in said
    assert "Moodle" in said


def test_suspending_sends_the_times_that_are_there() -> None:
    """All of it, since what is left out would be reset; the role is the learner's own (16:57 in London is 15:57)."""
    assert changed({"status": "withdrawn"}, enrolment(ROW)) == {
        "roleid": 9,
        "userid": "7",
        "courseid": "101",
        "timestart": 1789401420,
        "timeend": 0,
        "suspend": 1,
    }


def test_a_new_end_leaves_a_suspension() -> None:
    """Who is suspended stays so where only the end is changed."""
    given = {"custom_fields": {"expires_at": "2026-10-24T00:00:00Z"}}
    found = changed(given, enrolment(ROW | {"Status": "Suspended"}, status="withdrawn"))
    assert (found["timestart"], found["timeend"], found["suspend"]) == (1789401420, 1792800000, 1)


def test_no_end_any_more() -> None:
    """Null takes the end away, and keeps the start."""
    row = ROW | {"Time ended": "Saturday, 24 October 2026, 1:00 AM"}
    found = changed({"custom_fields": {"expires_at": None}}, enrolment(row))
    assert (found["timestart"], found["timeend"], found["suspend"]) == (1789401420, 0, 0)


@pytest.mark.parametrize(
    ("row", "unified", "status"),
    [
        ({}, {}, "enrolled"),
        ({}, {"progress_percent": None}, "enrolled"),
        ({}, {"last_activity_at": "2026-09-15T00:00:00Z"}, "in_progress"),
        ({}, {"progress_percent": 10}, "in_progress"),
        ({"Completed": "Yes"}, {}, "completed"),
    ],
)
def test_reactivating(row: dict[str, str], unified: dict[str, Any], status: str) -> None:
    """A suspension ends by asking for the status that the enrolment then has, and for no other."""
    present = enrolment(ROW | {"Status": "Suspended"} | row, status="withdrawn", **unified)
    assert changed({"status": status}, present)["suspend"] == 0
    other = "enrolled" if status != "enrolled" else "in_progress"
    args = {"course": "101", "user": "7"}
    said = refusal("course_enrollments/update", {"status": other}, present=present, args=args)
    assert f"would be {status}" in said


def test_an_ended_enrolment_needs_a_new_end() -> None:
    """Asking for the status alone would change nothing; with a later end it goes through."""
    row = ROW | {"Status": "Not current", "Time ended": "Saturday, 24 October 2026, 1:00 AM"}
    present = enrolment(row, status="expired", last_activity_at="2026-09-15T00:00:00Z")
    given = {"status": "in_progress"}
    args = {"course": "101", "user": "7"}
    said = refusal("course_enrollments/update", given, present=present, args=args)
    assert "`expires_at`" in said
    found = changed(given | {"custom_fields": {"expires_at": None}}, present)
    assert (found["timeend"], found["suspend"]) == (0, 0)


@pytest.mark.parametrize(
    ("rows", "settings", "named"),
    [
        ([ROW], {"roles": ["student"], "timezone": "UTC"}, "`enrolment_report`"),
        ([ROW], {"roles": ["student"], "enrolment_report": 7}, "`timezone`"),
        ([], SETTINGS, "column Method"),
        ([{"Status": "Active"}], SETTINGS, "column Method"),
        ([ROW | {"Method": "Self enrolment (Student)"}], SETTINGS, "column Method"),
        ([ROW, ROW | {"Method": "Self enrolment (Student)"}], SETTINGS, "several enrolments"),
        ([ROW, ROW | {"Status": "Suspended"}], SETTINGS, "several enrolments"),
        ([{"Method": "Manual enrolments", "Status": "Active"}], SETTINGS, "Time started"),
        ([ROW | {"Time started": "lunes, 14 de septiembre"}], SETTINGS, "English"),
    ],
)
def test_times_that_are_not_known_are_not_reset(
    rows: list[dict[str, str]], settings: dict[str, Any], named: str
) -> None:
    """Without the times there is no change, and the sentence says where they come from."""
    args = {"course": "101", "user": "7"}
    said = refusal(
        "course_enrollments/update",
        {"status": "withdrawn"},
        present=enrolment(*rows),
        settings=settings,
        args=args,
    )
    assert named in said


def test_rows_for_several_roles_are_one_enrolment() -> None:
    """A report with a column for roles has the same enrolment twice."""
    assert changed({"status": "withdrawn"}, enrolment(ROW, ROW))["timestart"] == 1789401420


@pytest.mark.parametrize("status", ["completed", "in_progress", "assigned"])
def test_what_only_the_learner_does(status: str) -> None:
    """Progress and completion come of what is done in the course."""
    args = {"course": "101", "user": "7"}
    given = {"status": status}
    said = refusal("course_enrollments/update", given, present=enrolment(ROW), args=args)
    assert "`status`" in said


def test_ending_an_enrolment() -> None:
    """By user and course."""
    args = {"course": "101", "user": "7"}
    assert calls("course_enrollments/delete", {}, args=args) == [{"call": "unenrol", "args": args}]
