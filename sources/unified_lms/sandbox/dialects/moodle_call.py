"""A call of a Moodle function: its arguments, the errors that answer it, and what renders its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sources.unified_lms.sandbox.dialects.moodle_learning import MoodleLearning
from sources.unified_lms.sandbox.dialects.moodle_wire import MoodleOptions, MoodleWire
from sources.unified_lms.sandbox.entities import Course, LearningRecord, Person
from sources.unified_lms.sandbox.world import World

Arguments = Mapping[str, Any]

_NAME = re.compile(r"\[([^\]]*)\]")


class MoodleError(Exception):
    """An answer that is an error: class of the exception, code, message. PHP's own errors have no code."""

    def __init__(self, exception: str, code: str, message: str) -> None:
        """The three members of the body."""
        super().__init__(message)
        self.body = {"exception": exception, "errorcode": code, "message": message}


MOODLE = "core\\exception\\moodle_exception"
RECORD = "dml_missing_record_exception"
INVALID = (
    "core\\exception\\invalid_parameter_exception",
    "invalidparameter",
    "Invalid parameter value detected",
)
NO_TOKEN = (MOODLE, "invalidtoken", "Invalid token - token not found")
NO_ACCESS = ("webservice_access_exception", "accessexception", "Access control exception")
NOT_ENTERED = (
    "core\\exception\\require_login_exception",
    "requireloginerror",
    "Course or activity not accessible.",
)
NOT_ENROLLED = (MOODLE, "usernotenroled", "User is not enrolled in this course")
NO_REPORT = (MOODLE, "cannotviewreport", "You cannot view this report")
NO_USER = (RECORD, "invaliduser", "Invalid user")
SAME_KEY = (MOODLE, "keyalreadyset", "The same key has been set twice")


def missing(table: str) -> MoodleError:
    """The error of a row that is not there."""
    return MoodleError(RECORD, "invalidrecord", f"Can't find data record in database table {table}.")


class Call:
    """One call of a function: its arguments, and what renders the answer."""

    def __init__(self, world: World, options: MoodleOptions, arguments: Arguments, *, raw: bool) -> None:
        self.world = world
        self.options = options
        self.arguments = arguments
        self.wire = MoodleWire(world, options, raw=raw)
        self.learning = MoodleLearning(world, options, self.wire)

    def number(self, name: str, default: str | None = None) -> int:
        """A whole number among the arguments."""
        return whole(self.arguments.get(name, default))

    def entries(self, name: str, required: set[str], allowed: set[str]) -> list[dict[str, Any]]:
        """A list of objects; one that lacks a name or has another is refused with all of them."""
        given = self.arguments.get(name, {})
        found = list(given.values()) if isinstance(given, dict) else [given]
        for one in found:
            if not isinstance(one, dict) or required - one.keys() or one.keys() - required - allowed:
                raise MoodleError(*INVALID)
        if not found:
            raise MoodleError(*INVALID)
        return found

    @property
    def settings(self) -> dict[str, str]:
        """The `options` of a function, a list of names and values."""
        given = self.arguments.get("options", {})
        if not all(isinstance(one, dict) and one.keys() == {"name", "value"} for one in given.values()):
            raise MoodleError(*INVALID)
        return {one["name"]: one["value"] for one in given.values()}

    def course(self) -> Course:
        """The course that is asked for, which the account may have no access to."""
        course = self.world.course(self.number("courseid"))
        if course.id in self.options.closed_courses:
            raise MoodleError(*NOT_ENTERED)
        return course

    def record(self, course: Course) -> LearningRecord | None:
        """The learning record of the person who is asked for."""
        person = self.world.person(self.number("userid"))
        return next((one for one in self.world.records_in(course.id) if one.person_id == person.id), None)

    def people(self) -> list[Person]:
        """The people whom the account sees."""
        return list(self.world.people.values())[: self.options.sees_people]


def whole(value: Any) -> int:
    """A whole number as a form has it."""
    if not (isinstance(value, str) and value.isascii() and value.isdigit()):
        raise MoodleError(*INVALID)
    return int(value)


def nested(form: Mapping[str, str]) -> dict[str, Any]:
    """The arguments of PHP's notation: `criteria[0][key]` lies in `criteria`, under "0", under `key`."""
    found: dict[str, Any] = {}
    for name, value in form.items():
        first, *inner = name.split("[", 1)
        path = [first, *(_NAME.findall(f"[{inner[0]}") if inner else [])]
        place = found
        for step in path[:-1]:
            place = place.setdefault(step, {})
        place[path[-1]] = value
    return found
