"""What can be done to a TalentLMS portal through API v1: forms by POST, and some writes that are GET requests.

Answers follow anonymised real ones: the id is a number where something is made and text elsewhere, the time stamp
of a user who was written is a number, and who enrols somebody gets a list of one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sources.unified_lms.sandbox.dialects.talentlms_errors import (
    INVALID,
    WEAK_PASSWORD,
    Arguments,
    PortalError,
    whole_number,
)
from sources.unified_lms.sandbox.dialects.talentlms_wire import (
    DATE_FORMATS,
    USER_TYPES,
    Json,
    TalentLmsOptions,
    TalentLmsWire,
)
from sources.unified_lms.sandbox.entities import Course, CourseRole, FieldDefinition, Person, PersonState
from sources.unified_lms.sandbox.errors import NotFoundError
from sources.unified_lms.sandbox.world import World

Handler = Callable[[Arguments], Any]

DONE: Json = {"message": "Operation completed successfully"}
_TEXTS = {
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "email",
    "login": "login",
    "bio": "bio",
}
_OWN_NAMES = {name: role for role, name in reversed(USER_TYPES.items())}
_STRONG = (r"[A-Z]", r"[a-z]", r"[0-9]", r".{8}")
_LONGEST_PASSWORD = 30
_STATES = {"active": PersonState.ACTIVE, "inactive": PersonState.INACTIVE}
_CUSTOM = re.compile(r"custom_field_([0-9]+)")


class TalentLmsWrites:
    """The methods that write. The caller holds the world's lock."""

    def __init__(self, world: World, wire: TalentLmsWire, options: TalentLmsOptions) -> None:
        """Writes to one portal."""
        self._world = world
        self._wire = wire
        self._options = options

    @property
    def posts(self) -> dict[str, Handler]:
        """Those that are POST requests, by their names in lower case; their arguments are a form."""
        return {
            "usersignup": self._sign_up,
            "edituser": self._edit_user,
            "deleteuser": self._delete_user,
            "createcourse": self._create_course,
            "deletecourse": self._delete_course,
            "addusertocourse": self._enrol,
        }

    @property
    def gets(self) -> dict[str, Handler]:
        """Those that are GET requests, with their arguments in the path."""
        return {
            "usersetstatus": self._set_status,
            "addusertocourse": self._enrol,
            "removeuserfromcourse": self._unenrol,
            "resetuserprogress": self._reset_progress,
        }

    # -- people ------------------------------------------------------------------------------------

    def _sign_up(self, form: Arguments) -> Json:
        login, first, last, email = (
            _required(form, key) for key in ("login", "first_name", "last_name", "email")
        )
        _check_password(_required(form, "password"))
        changes = self._changes_of_person(form)
        fields = {name: value for name, value in changes.items() if name not in _TEXTS}
        person = self._world.create_person(login, first, last, email, **fields)
        shown = self._written(person) | {"id": person.id}
        del shown["deactivation_date"]
        return shown

    def _edit_user(self, form: Arguments) -> Json:
        person = self._world.person(whole_number(form, "user_id"))
        if "password" in form:
            _check_password(form["password"])
        if not all(form.get(key, "given") for key in ("login", "email")):
            raise PortalError(*INVALID)
        return self._written(self._world.update_person(person.id, **self._changes_of_person(form)))

    def _written(self, person: Person) -> Json:
        return self._wire.user(person) | {"last_updated_timestamp": int(person.updated_at.timestamp())}

    def _changes_of_person(self, form: Arguments) -> dict[str, Any]:
        changes: dict[str, Any] = {name: form[key] for key, name in _TEXTS.items() if key in form}
        if "user_type" in form:
            changes |= self._user_type(form["user_type"])
        return changes | {"custom_fields": self._custom(self._world.person_fields, form)}

    def _user_type(self, name: str) -> dict[str, Any]:
        """The role of a user type: one of the portal's, or a name that somebody has already."""
        if name in _OWN_NAMES:
            return {"role": _OWN_NAMES[name], "role_name": None}
        roles = {one.role_name: one.role for one in self._world.people.values() if one.role_name}
        if name not in roles:
            raise PortalError(*INVALID)
        return {"role": roles[name], "role_name": name}

    def _custom(self, definitions: tuple[FieldDefinition, ...], form: Arguments) -> dict[int, str]:
        """Values by the number of their field; that a field which is not defined is passed over is UNCONFIRMED."""
        given = {int(match[1]): value for key, value in form.items() if (match := _CUSTOM.fullmatch(key))}
        kinds = {one.number: one.kind for one in definitions}
        return {key: self._value(kinds[key], value) for key, value in given.items() if key in kinds}

    def _value(self, kind: str, value: str) -> str:
        """A date comes in the portal's format (UNCONFIRMED), a checkbox as "on" or "off"."""
        if kind == "checkbox" and value not in ("on", "off"):
            raise PortalError(*INVALID)
        if kind != "date" or not value:
            return value
        try:
            return datetime.strptime(value, DATE_FORMATS[self._options.date_format]).date().isoformat()  # noqa: DTZ007
        except ValueError:
            raise PortalError(*INVALID) from None

    def _set_status(self, arguments: Arguments) -> Json:
        person, status = self._world.person(whole_number(arguments, "user_id")), arguments.get("status", "")
        if status not in _STATES:
            raise PortalError(*INVALID)
        self._world.update_person(person.id, state=_STATES[status])
        return {"user_id": str(person.id), "status": status}

    def _delete_user(self, form: Arguments) -> Json:
        permanent = form.get("permanent", "no")
        if permanent not in ("yes", "no"):
            raise PortalError(*INVALID)
        self._world.delete_person(whole_number(form, "user_id"), permanent=permanent == "yes")
        return DONE

    # -- courses -----------------------------------------------------------------------------------

    def _create_course(self, form: Arguments) -> Json:
        """A creator who is named is an instructor of the course from then on."""
        fields: dict[str, Any] = {key: form[key] for key in ("code", "description") if key in form}
        if form.get("category_id"):
            fields["category_id"] = self._category(form)
        if "time_limit" in form:
            fields["time_limit_days"] = whole_number(form, "time_limit")
        custom = self._custom(self._world.course_fields, form)
        creator = self._world.person(whole_number(form, "creator_id")) if "creator_id" in form else None
        fields |= {"owner_id": creator.id} if creator else {}
        course = self._world.create_course(_required(form, "name"), custom_fields=custom, **fields)
        if creator:
            self._world.enrol(course.id, creator.id, CourseRole.INSTRUCTOR)
        return self._wire.course(course) | {"id": course.id}

    def _category(self, form: Arguments) -> int:
        found = whole_number(form, "category_id")
        if found not in self._world.categories:
            raise NotFoundError("category", found)
        return found

    def _delete_course(self, form: Arguments) -> Json:
        self._world.delete_course(whole_number(form, "course_id"))
        return DONE

    # -- learning records --------------------------------------------------------------------------

    def _enrol(self, arguments: Arguments) -> list[Json]:
        course, person = self._course_meant(arguments), self._person_meant(arguments)
        role = arguments.get("role", "learner")
        if role not in list(CourseRole):
            raise PortalError(*INVALID)
        self._world.enrol(course.id, person.id, CourseRole(role))
        return [{"user_id": str(person.id), "course_id": str(course.id), "role": role}]

    def _person_meant(self, arguments: Arguments) -> Person:
        if "user_email" in arguments:
            return self._world.person_by_email(arguments["user_email"])
        return self._world.person(whole_number(arguments, "user_id"))

    def _course_meant(self, arguments: Arguments) -> Course:
        if "course_name" not in arguments:
            return self._world.course(whole_number(arguments, "course_id"))
        for course in self._world.courses.values():
            if course.title == arguments["course_name"]:
                return course
        raise NotFoundError("course", arguments["course_name"])

    def _pair(self, arguments: Arguments) -> tuple[Course, Person]:
        course = self._world.course(whole_number(arguments, "course_id"))
        return course, self._world.person(whole_number(arguments, "user_id"))

    def _unenrol(self, arguments: Arguments) -> Json:
        course, person = self._pair(arguments)
        self._world.unenrol(course.id, person.id)
        return {"user_id": str(person.id), "course_id": str(course.id), "course_name": course.title}

    def _reset_progress(self, arguments: Arguments) -> Json:
        course, person = self._pair(arguments)
        self._world.reset_progress(course.id, person.id)
        return DONE


def _required(form: Mapping[str, str], key: str) -> str:
    if not form.get(key):
        raise PortalError(*INVALID)
    return form[key]


def _check_password(password: str) -> None:
    if len(password) > _LONGEST_PASSWORD:
        raise PortalError(*INVALID)
    if not all(re.search(pattern, password) for pattern in _STRONG):
        raise PortalError(*WEAK_PASSWORD)
