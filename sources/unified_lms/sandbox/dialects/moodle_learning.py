"""What a Moodle site tells of learning: members of courses, completion, grades, and a custom report of all of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sources.unified_lms.sandbox.dialects.moodle_wire import (
    MoodleOptions,
    MoodleWire,
    activities,
    course_code,
    seconds,
    tracks_completion,
)
from sources.unified_lms.sandbox.entities import (
    Course,
    CourseRole,
    Item,
    ItemKind,
    LearningRecord,
    Progress,
)
from sources.unified_lms.sandbox.world import World

Json = dict[str, Any]

HEADINGS = (
    "Course short name",
    "Username",
    "Method",
    "Time created",
    "Time started",
    "Time ended",
    "Status",
    "Completed",
    "Progress",
    "Time completed",
)
"""The columns of the custom report, of which the names are the defaults in English."""

ROLES = {CourseRole.LEARNER: (5, "student"), CourseRole.INSTRUCTOR: (3, "editingteacher")}
_COMPLETED = (Progress.COMPLETED, Progress.PASSED)


class MoodleLearning:
    """Renders learning records for one request. The caller holds the world's lock."""

    def __init__(self, world: World, options: MoodleOptions, wire: MoodleWire) -> None:
        """Renders with the names of `wire`."""
        self._world = world
        self._wire = wire
        self._zone = ZoneInfo(options.timezone)

    def is_active(self, record: LearningRecord) -> bool:
        """Whether an enrolment is in force. Suspended, expired and not begun are one and the same to the site."""
        now = self._world.now
        begun = record.begins_at is None or record.begins_at <= now
        return not record.suspended and begun and (record.expires_at is None or record.expires_at > now)

    def member(self, record: LearningRecord, fields: list[str]) -> Json:
        """A member of a course with the fields that were asked for; the name comes unasked."""
        user = self._wire.user(self._world.person(record.person_id))
        roles = [ROLES[role] for role in (record.role, *record.further_roles)]
        whole = user | {
            "lastcourseaccess": seconds(record.last_activity_at),
            "roles": [
                {"roleid": number, "name": "", "shortname": name, "sortorder": 0} for number, name in roles
            ],
        }
        return {name: value for name, value in whole.items() if not fields or name in (*fields, "fullname")}

    # -- completion --------------------------------------------------------------------------------

    def is_tracked(self, record: LearningRecord) -> bool:
        """Whether completion is kept for a member: of learners whose enrolment is in force."""
        return record.role is CourseRole.LEARNER and self.is_active(record)

    def completion(self, course: Course, record: LearningRecord) -> Json:
        """The completion of a course: a criterion for each activity, and no date of the whole."""
        done = set(self.done(course, record))
        criteria = [
            {
                "type": 4,
                "title": "Activity completion",
                "status": "Yes" if item.id in done else "No",
                "complete": item.id in done,
                "timecompleted": seconds(record.last_activity_at) if item.id in done else None,
                "details": {"type": "Activity completion", "criteria": "", "requirement": "", "status": ""},
            }
            for item in activities(course)
        ]
        completed = record.progress in _COMPLETED
        return {
            "completionstatus": {"completed": completed, "aggregation": 1, "completions": criteria},
            "warnings": [],
        }

    def activity_states(self, course: Course, record: LearningRecord | None) -> list[Json]:
        """The state of each activity; of somebody who is not tracked zeros without an error."""
        tracked = record is not None and self.is_tracked(record)
        return [
            {
                "cmid": item.id,
                "state": self._state(item, course, record) if record and tracked else 0,
                "timecompleted": 0,
                "tracking": 2,
                "istrackeduser": tracked,
                "hascompletion": True,
            }
            for item in activities(course)
        ]

    def _state(self, item: Item, course: Course, record: LearningRecord) -> int:
        """0 incomplete, 1 complete, 2 passed, 3 failed."""
        if item.kind is ItemKind.TEST and record.progress is Progress.FAILED:
            return 3
        if item.id not in self.done(course, record):
            return 0
        return 2 if item.kind is ItemKind.TEST and record.progress is Progress.PASSED else 1

    def done(self, course: Course, record: LearningRecord) -> Iterator[int]:
        """The activities that a learner has completed, from the first on: as many as the world's percentage gives."""
        found = activities(course)
        failed = record.progress is Progress.FAILED
        for item in found[: len(found) * record.percent // 100]:
            if not (failed and item.kind is ItemKind.TEST):
                yield item.id

    # -- grades ------------------------------------------------------------------------------------

    def grades(self, course: Course, record: LearningRecord) -> Json:
        """A learner's grades in a course: of each test none, and the course's total."""
        tests = [item for item in activities(course) if item.kind is ItemKind.TEST]
        items = [self._grade(item.id, self._wire.text(item.title), "mod", None) for item in tests]
        return {
            "courseid": course.id,
            "userid": record.person_id,
            "gradeitems": [*items, self._grade(course.id, None, "course", record.score)],
        }

    def _grade(self, number: int, name: str | None, kind: str, grade: float | None) -> Json:
        shown = "-" if grade is None else f'<i class="icon fa fa-check"></i>{grade:.2f}'
        return {
            "id": number,
            "itemname": name,
            "itemtype": kind,
            "graderaw": grade,
            "grademin": 0,
            "grademax": 100,
            "gradeformatted": shown,
        }

    # -- the custom report -------------------------------------------------------------------------

    def report_rows(self) -> list[list[str | None]]:
        """A row for each enrolment, words and dates as people read them; and one for each method without users."""
        rows: list[list[str | None]] = []
        for course in self._world.courses.values():
            code = self._wire.text(course_code(course))
            rows += [self._report_row(code, course, record) for record in self._world.records_in(course.id)]
            rows.append([code, "", "Self enrolment (Student)", "", "", "", None, "", "", ""])
        return rows

    def _report_row(self, code: str, course: Course, record: LearningRecord) -> list[str | None]:
        tracked = tracks_completion(course) and record.role is CourseRole.LEARNER
        found = activities(course)
        share = 100 * len(list(self.done(course, record))) / len(found) if found else 0
        completed = tracked and record.progress in _COMPLETED
        return [
            code,
            self._world.person(record.person_id).login,
            "Manual enrolments",
            self._moment(record.enrolled_at),
            self._moment(record.begins_at),
            self._moment(record.expires_at),
            "Suspended" if record.suspended else "Active" if self.is_active(record) else "Not current",
            "Yes" if completed else "No",
            f"{share:.1f}%" if tracked else "",
            self._moment(record.completed_at) if completed else "",
        ]

    def _moment(self, moment: datetime | None) -> str:
        """`Monday, 14 September 2026, 4:57 PM`: to the minute, in the zone of the token's account; "" for none."""
        if moment is None:
            return ""
        local = moment.astimezone(self._zone)
        return f"{local:%A}, {local.day} {local:%B %Y}, {local.hour % 12 or 12}:{local:%M %p}"
