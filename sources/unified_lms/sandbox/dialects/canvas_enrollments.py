"""How Canvas writes enrolments and progress down.

The world in Canvas's terms: who has passed or failed a course is concluded in it, by hand or by a date; who has
completed it is still active, and only the progress tells. A learner without a date of enrolment is invited, one whose
account is inactive has an inactive enrolment, and one who has left or was deleted a deleted one. Progress counts the
items that are required: so many of them are met as the percentage gives, all of them only when the course is completed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sources.unified_lms.sandbox.dialects.canvas_wire import (
    CanvasWire,
    Json,
    flattened,
    is_requirement,
    modules_of,
    stamp,
)
from sources.unified_lms.sandbox.entities import (
    Course,
    CourseRole,
    LearningRecord,
    Person,
    PersonState,
    Progress,
)
from sources.unified_lms.sandbox.world import World

STUDENT, TEACHER, TEST_STUDENT = "StudentEnrollment", "TeacherEnrollment", "StudentViewEnrollment"
LISTED_BY_DEFAULT = frozenset({"active", "invited"})
"""The states that a list shows unless it is asked for others."""
_CONCLUDED = frozenset({Progress.PASSED, Progress.FAILED})
_MET = frozenset({Progress.COMPLETED, Progress.PASSED})
_IN_COURSE = frozenset({"active", "invited", "completed"})
_TEST_PEOPLE = 9_000_000
"""The number from which test students are counted."""


class CanvasEnrollments:
    """Renders enrolments and progress. The caller holds the world's lock."""

    def __init__(self, world: World, wire: CanvasWire) -> None:
        """Renders for one Canvas."""
        self._world = world
        self._wire = wire

    def of_course(self, course: Course) -> list[Json]:
        """All enrolments of a course, whatever their state and type."""
        return [*(self.enrollment(record) for record in self._records(course)), self._test_student(course)]

    def find(self, number: int) -> Json | None:
        """The enrolment with a number, of a course that there is."""
        found = self.record(number)
        return self.enrollment(found) if found else None

    def record(self, number: int) -> LearningRecord | None:
        """What the world has of the enrolment with a number."""
        course = self._world.courses.get(number // _STRIDE)
        records = self._records(course) if course else iter(())
        return next((record for record in records if _number(record) == number), None)

    def _records(self, course: Course) -> Iterator[LearningRecord]:
        """Those who are in the course, then those who were and are not again: an enrolment is revived."""
        present = self._world.records_in(course.id)
        yield from present
        seen = {record.person_id for record in present}
        for record in reversed(self._world.former_records):
            known = record.person_id in self._world.people or record.person_id in self._world.deleted_people
            if record.course_id == course.id and record.person_id not in seen and known:
                seen.add(record.person_id)
                yield record

    def _person(self, record: LearningRecord) -> Person:
        return self._world.people.get(record.person_id) or self._world.deleted_people[record.person_id]

    def enrollment(self, record: LearningRecord) -> Json:
        """A learner's or a teacher's enrolment."""
        person, kind = self._person(record), TEACHER if record.role is CourseRole.INSTRUCTOR else STUDENT
        shown = self._enrollment(_number(record), record.course_id, self._wire.user_within(person), kind)
        shown |= {
            "enrollment_state": _state(record, person),
            "created_at": stamp(record.enrolled_at or record.updated_at),
            "updated_at": stamp(record.updated_at),
            "end_at": stamp(record.expires_at),
            "last_activity_at": stamp(record.last_activity_at),
            "total_activity_time": record.seconds or 0,
        }
        if kind == STUDENT and self._wire.may("view_all_grades"):
            shown["grades"] = self._grades(record)
        return shown

    def _test_student(self, course: Course) -> Json:
        name = "Test Student"
        user = {"id": self._wire.id(_TEST_PEOPLE + course.id), "name": name, "sortable_name": "Student, Test"}
        number = course.id * _STRIDE + _STRIDE - 1
        shown = self._enrollment(number, course.id, user | {"short_name": name}, TEST_STUDENT)
        times = {"created_at": stamp(course.created_at), "updated_at": stamp(course.created_at)}
        return shown | times | {"enrollment_state": "active", "end_at": None, "last_activity_at": None}

    def _enrollment(self, number: int, course_id: int, user: Json, kind: str) -> Json:
        course = self._wire.id(course_id)
        return {
            "id": self._wire.id(number),
            "user_id": user["id"],
            "course_id": course,
            "course_section_id": course,
            "root_account_id": self._wire.id(1),
            "associated_user_id": None,
            "limit_privileges_to_course_section": False,
            "type": kind,
            "role": kind,
            "role_id": self._wire.id(3 if kind == STUDENT else 4),
            "start_at": None,
            "html_url": self._wire.page_url(f"/courses/{course}/users/{user['id']}"),
            "user": user,
        }

    def _grades(self, record: LearningRecord) -> Json:
        """Scores. What is not handed in counts as nothing in the final one; who has passed was graded by hand."""
        final: Any = record.score
        if record.score is not None and record.progress not in _CONCLUDED:
            final = round(record.score / 2, 2)
        shown: Json = {
            "html_url": self._wire.page_url(f"/courses/{self._wire.id(record.course_id)}/grades"),
            "current_score": record.score,
            "final_score": final,
            "current_grade": None,
            "final_grade": None,
        }
        if record.progress is Progress.PASSED and record.score is not None:
            shown |= {"final_score": round(record.score * 0.9, 2), "override_score": record.score}
        return shown

    def progress(self, course: Course) -> list[Json] | None:
        """The progress of all who learn in a course; None for a course whose modules require nothing.

        That those whose enrolment is inactive or deleted are not among them is UNCONFIRMED.
        """
        count = sum(is_requirement(item) for module in modules_of(course) for item, _ in flattened(module))
        if not count:
            return None
        return [
            self._progress(record, count)
            for record in self._records(course)
            if record.role is CourseRole.LEARNER and _state(record, self._person(record)) in _IN_COURSE
        ]

    def _progress(self, record: LearningRecord, count: int) -> Json:
        person = self._wire.user_within(self._person(record))
        done = record.progress in _MET
        return {
            "id": person["id"],
            "display_name": person["short_name"],
            "avatar_image_url": None,
            "html_url": self._wire.page_url(f"/users/{person['id']}"),
            "pronouns": None,
            "progress": {
                "requirement_count": count,
                "requirement_completed_count": count
                if done
                else min(record.percent * count // 100, count - 1),
                "next_requirement_url": None,
                "completed_at": stamp(record.completed_at) if done else None,
            },
        }


_STRIDE = 10_000_000
"""An enrolment's number is this many times the course's, and the person's."""


def _number(record: LearningRecord) -> int:
    return record.course_id * _STRIDE + record.person_id


def _state(record: LearningRecord, person: Person) -> str:
    if record.removed_at is not None:
        return "deleted"
    if person.state is PersonState.INACTIVE or record.inactive:
        return "inactive"
    if record.progress in _CONCLUDED or record.concluded:
        return "completed"
    return "active" if record.enrolled_at else "invited"
