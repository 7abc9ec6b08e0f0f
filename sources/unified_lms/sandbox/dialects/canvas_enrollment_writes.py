"""What can be done to the enrolments of a Canvas.

There is one enrolment of a person in a course here. Enrolling somebody again is tolerated, and brings back an
enrolment that has ended (UNCONFIRMED for one that was concluded).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sources.unified_lms.sandbox.dialects.canvas_calls import NOT_FOUND, Call, CanvasError, Json, Route, wrong
from sources.unified_lms.sandbox.dialects.canvas_enrollments import STUDENT, TEACHER, CanvasEnrollments
from sources.unified_lms.sandbox.dialects.canvas_wire import CanvasWire
from sources.unified_lms.sandbox.entities import Course, CourseRole, CourseState, LearningRecord
from sources.unified_lms.sandbox.world import NotFoundError, World

ENROLLMENTS = "manage_students"
_ROLES = {STUDENT: CourseRole.LEARNER, TEACHER: CourseRole.INSTRUCTOR}
NO_USER = "Can't create an enrollment without a user. Include enrollment[user_id] to create an enrollment"
_TASKS: dict[str, dict[str, Any]] = {
    "conclude": {"concluded": True},
    "inactivate": {"inactive": True},
    "deactivate": {"inactive": True},
}


class CanvasEnrollmentWrites:
    """The calls that write. Whoever calls them holds the world's lock."""

    def __init__(self, world: World, wire: CanvasWire, enrollments: CanvasEnrollments) -> None:
        """Writes to one Canvas."""
        self._world = world
        self._wire = wire
        self._enrollments = enrollments

    @property
    def routes(self) -> list[Route]:
        """All of them."""
        within = "/api/v1/courses/:course_id/enrollments"
        return [
            Route(within, ENROLLMENTS, self._enrol, method="POST"),
            Route(f"{within}/:id", ENROLLMENTS, self._end, method="DELETE"),
            Route(f"{within}/:id/reactivate", ENROLLMENTS, self._reactivate, method="PUT"),
        ]

    def _enrol(self, call: Call) -> Json:
        course, given = (
            self._world.course(self._wire.number(call.path["course_id"])),
            call.within("enrollment"),
        )
        if not given.get("user_id"):
            raise wrong(NO_USER)
        if given.get("type", STUDENT) not in _ROLES:
            raise wrong("Invalid type")
        if course.state is CourseState.DISABLED:
            raise wrong("Can't add an enrollment to a concluded course.")
        self._section(course, given)
        record = self._record(course, self._wire.number(str(given["user_id"])), given)
        return self._enrollments.enrollment(record)

    def _section(self, course: Course, given: Json) -> None:
        """A course has one section here, of the same number."""
        if self._wire.number(str(given.get("course_section_id", course.id))) != course.id:
            raise CanvasError(*NOT_FOUND)

    def _record(self, course: Course, person: int, given: Json) -> LearningRecord:
        """The enrolment with what is asked for: a new one, the one that is there, or one that had ended."""
        active = given.get("enrollment_state", "invited") == "active"
        known = self._known(course, person)
        if known is None:
            role = _ROLES[given.get("type", STUDENT)]
            known = self._world.enrol(course.id, person, role)
            known.enrolled_at = known.enrolled_at if active else None
        elif active:
            self._world.touch(
                known, inactive=False, concluded=False, enrolled_at=known.enrolled_at or self._world.now
            )
        if "end_at" in given:
            self._world.touch(known, expires_at=_instant(given["end_at"]))
        return known

    def _known(self, course: Course, person: int) -> LearningRecord | None:
        try:
            return self._world.record(course.id, person)
        except NotFoundError:
            pass
        try:
            return self._world.revive(course.id, person)
        except NotFoundError as error:
            if error.kind == "person":
                raise
            return None

    def _found(self, call: Call) -> LearningRecord:
        course = self._wire.number(call.path["course_id"])
        record = self._enrollments.record(self._wire.number(call.path["id"]))
        if record is None or record.course_id != course:
            raise CanvasError(*NOT_FOUND)
        return record

    def _end(self, call: Call) -> Json:
        """Without a task, the enrolment is concluded; with a strange one as well."""
        record, task = self._found(call), call.one("task") or "conclude"
        if record.removed_at is None and task == "delete":
            self._world.unenrol(record.course_id, record.person_id)
        elif task != "delete":
            self._world.touch(record, **_TASKS.get(task, _TASKS["conclude"]))
        return self._enrollments.enrollment(record)

    def _reactivate(self, call: Call) -> Json:
        record = self._found(call)
        if not record.inactive:
            raise CanvasError(400, {"error": "enrollment not inactive"})
        return self._enrollments.enrollment(self._world.touch(record, inactive=False))


def _instant(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
