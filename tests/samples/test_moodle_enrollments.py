"""The Moodle mapping of enrolments, with what is joined to it, on a real site's answers.

What is expected is written by hand from the provider's notes.
"""

from __future__ import annotations

from typing import Any

from tests.samples.moodle_answers import ENROLMENTS, RECORDED, SITE, both, entries, sample, unified

pytestmark = RECORDED


COURSE = {
    "id": 2,
    "fullname": "Information Security Awareness",
    "shortname": "SEC-101",
    "enablecompletion": 1,
}


def members(name: str) -> dict[int, Any]:
    """The members of an answer by number."""
    return {one["id"]: one for one in sample(name)}


def test_a_member_with_all_that_is_joined() -> None:
    """Completed; six of seven activities; the course's total as the score."""
    completion = ENROLMENTS.joins["completion"]
    [status] = entries(completion, "core_completion_get_course_completion_status.bot_ro")
    [activities] = entries(ENROLMENTS.joins["activities"], "core_completion_get_activities_completion_status")
    [profile] = sample("core_user_get_course_user_profiles")
    [grade] = entries(ENROLMENTS.joins["grade"], "gradereport_user_get_grade_items.one_user")
    joined = {"completion": status, "activities": activities, "grade": grade}
    found = unified("course_enrollments", profile, parent=COURSE, joined=joined)
    assert found == {
        "id": "2:21",
        "user": {
            "id": "21",
            "name": "Ethan Jones",
            "emails": [{"email": "user019@northwind.example", "type": None, "is_primary": True}],
        },
        "course": {"id": "2", "title": "Information Security Awareness"},
        "status": "completed",
        "progress_percent": 85.71,
        "score": grade["score"],
    }
    assert grade["user"] == 21


def test_a_member_under_way() -> None:
    """Not completed, and has been in the course: in progress."""
    [status] = entries(
        ENROLMENTS.joins["completion"], "core_completion_get_course_completion_status.incomplete"
    )
    member = members("core_enrol_get_enrolled_users.bot_ro")[4]
    found = unified("course_enrollments", member, parent=COURSE, joined={"completion": status})
    assert (found["status"], found["last_activity_at"]) == ("in_progress", "2026-10-24T15:57:51Z")


def test_who_is_not_active() -> None:
    """The partition of those who are not active: found by number, and what they are stays open."""
    member = members("core_enrol_get_enrolled_users.bot_ro")[13]
    join = ENROLMENTS.joins["suspended"]
    table = {
        both(join.key or "", one): one for one in entries(join, "core_enrol_get_enrolled_users.onlysuspended")
    }
    assert len(table) == 12
    joined = {"suspended": table[both(join.match or "", {"record": member, "parent": COURSE})]}
    found = unified("course_enrollments", member, parent=COURSE, joined=joined)
    assert (found["status"], found["status_source"]) == ("unknown", "suspended")


def test_the_partitions_do_not_overlap() -> None:
    """Who is active is not suspended."""
    active = members("core_enrol_get_enrolled_users.onlyactive").keys()
    assert not active & members("core_enrol_get_enrolled_users.onlysuspended").keys()


def test_teachers_and_those_without_a_role_are_left_out() -> None:
    """An editing teacher alone is no learner; a teacher who learns as well is one; no role is none."""
    [rule] = ENROLMENTS.skip
    left_out = {
        number
        for name in ("core_enrol_get_enrolled_users.bot_ro", "core_enrol_get_enrolled_users.no_role")
        for number, one in members(name).items()
        if both(rule.when, {"record": one, "settings": SITE})
    }
    assert 3 in left_out
    assert 11 in left_out
    assert 4 not in left_out
    without = [one["id"] for one in sample("core_enrol_get_enrolled_users.no_role") if not one["roles"]]
    assert without
    assert set(without) <= left_out


def test_nobody_is_tracked_who_is_not_enrolled() -> None:
    """The zeros of somebody who is not enrolled, and of a course without completion, are no progress."""
    activities = ENROLMENTS.joins["activities"]
    for variant in ("not_enrolled", "completion_disabled"):
        [counted] = entries(activities, f"core_completion_get_activities_completion_status.{variant}")
        assert counted == {"tracked": 0, "done": 0}


def test_grades_of_a_course() -> None:
    """Each learner's total, null where there is none yet; an empty course has nobody's."""
    grade = ENROLMENTS.joins["grade"]
    totals = {one["user"]: one["score"] for one in entries(grade, "gradereport_user_get_grade_items.bot_ro")}
    assert totals == {28: None, 20: 100}
    assert entries(grade, "gradereport_user_get_grade_items.empty_course") == []
    after = entries(grade, "WRITE.after_unenrol.gradereport_user_get_grade_items")
    assert all({"user", "score"} == one.keys() for one in after)


def rows() -> dict[str, list[Any]]:
    """The rows of the recorded report by course and user."""
    join = ENROLMENTS.joins["report"]
    found: dict[str, list[Any]] = {}
    for row in entries(join, "core_reportbuilder_retrieve_report"):
        found.setdefault(both(join.key or "", row), []).append(row)
    return found


def test_rows_of_a_report() -> None:
    """Eight enrolments, and two rows of methods without users. The sample lacks seven of its columns."""
    found = rows()
    assert len(found.pop("no user")) == 2
    assert "OLD-2019:u018" in found
    member = {"id": 20, "username": "u018", "fullname": "Ava Brown", "lastcourseaccess": 0}
    course = {"id": 7, "fullname": "Legacy Induction 2019", "shortname": "OLD-2019"}
    report = [row | {"Completed": "No"} for row in found["OLD-2019:u018"]]
    site = SITE | {"enrolment_report": 1}
    told = unified("course_enrollments", member, parent=course, joined={"report": report}, site=site)
    assert (told["status"], told["status_source"]) == ("unknown", "Not current")
    assert told["enrolled_at"] == "2020-04-28T15:57:00Z"
    assert told["custom_fields"] == {"expires_at": "2020-11-14T15:57:00Z"}
    visited = unified(
        "course_enrollments",
        member | {"lastcourseaccess": 1600000000},
        parent=course,
        joined={"report": report},
        site=site,
    )
    assert visited["status"] == "expired"


def test_every_date_of_a_report_can_be_read() -> None:
    """All dates of both reports, at that site's time of the day."""
    dates = [
        cell
        for name in ("core_reportbuilder_retrieve_report", "core_reportbuilder_retrieve_report.users")
        for row in sample(name)["data"]["rows"]
        for cell in row["columns"]
        if isinstance(cell, str) and cell.endswith(("AM", "PM"))
    ]
    assert len(dates) > 20
    assert all(both('$longdate(d, "Europe/London")', {"d": one}) for one in dates)
