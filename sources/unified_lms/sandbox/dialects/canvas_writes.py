"""What can be done to a Canvas through its REST API: people and their logins, and courses.

Bodies are forms or JSON. The token needs an administrator's rights for all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sources.unified_lms.sandbox.dialects.canvas_calls import (
    NOT_FOUND,
    Call,
    CanvasError,
    Json,
    Route,
    is_true,
    wrong,
)
from sources.unified_lms.sandbox.dialects.canvas_enrollment_writes import CanvasEnrollmentWrites
from sources.unified_lms.sandbox.dialects.canvas_enrollments import CanvasEnrollments
from sources.unified_lms.sandbox.dialects.canvas_wire import ROOT, TERMS, CanvasWire, is_restricted
from sources.unified_lms.sandbox.entities import Course, CourseState, Person, PersonState
from sources.unified_lms.sandbox.errors import ConflictError
from sources.unified_lms.sandbox.world import World

USERS, COURSES = "manage_user_logins", "manage_courses_admin"
_ALWAYS = frozenset({"locale", "email", "avatar_url", "time_zone"})
_COURSE_EVENTS = {
    "claim": CourseState.DRAFT,
    "offer": CourseState.PUBLISHED,
    "conclude": CourseState.DISABLED,
}
_USER_EVENTS = {"suspend": PersonState.SUSPENDED, "unsuspend": PersonState.ACTIVE}
_ALIASES = {"sis_user_id": "sis", "sis_course_id": "sis", "integration_id": "integration"}


class CanvasWrites:
    """The calls that write. Whoever calls them holds the world's lock."""

    def __init__(self, world: World, wire: CanvasWire, enrollments: CanvasEnrollments) -> None:
        """Writes to one Canvas."""
        self._world = world
        self._wire = wire
        self._enrolling = CanvasEnrollmentWrites(world, wire, enrollments)

    @property
    def routes(self) -> list[Route]:
        """All of them."""
        account, course = "/api/v1/accounts/:account_id", "/api/v1/courses/:id"
        return [
            Route(f"{account}/users", USERS, self._create_user, method="POST"),
            Route("/api/v1/users/:id", USERS, self._update_user, method="PUT"),
            Route(f"{account}/users/:user_id", USERS, self._delete_user, method="DELETE"),
            Route(f"{account}/logins/:id", USERS, self._update_login, method="PUT"),
            Route(f"{account}/courses", COURSES, self._create_course, method="POST"),
            Route(course, COURSES, self._update_course, method="PUT"),
            Route(course, COURSES, self._delete_course, method="DELETE"),
            *self._enrolling.routes,
        ]

    def _number(self, call: Call, name: str = "id") -> int:
        return self._wire.number(call.path[name])

    def _account(self, given: Any, *, root: bool = False) -> int:
        """An account by its id; users are deleted from the root account, and logins changed in it, only."""
        found = ROOT if given == "self" else self._wire.number(str(given))
        if found not in self._world.organizations or (root and found != ROOT):
            raise CanvasError(*NOT_FOUND)
        return found

    # -- people ------------------------------------------------------------------------------------

    def _create_user(self, call: Call) -> Json:
        account = self._account(call.path["account_id"])
        user, login = call.within("user"), call.within("pseudonym")
        unique = _text(login.get("unique_id"))
        if not unique:
            raise _invalid("is too short (minimum is 1 character)", "too_short")
        address = _text(call.within("communication_channel").get("address"))
        email = address or (unique if "@" in unique else "")
        fields: dict[str, Any] = {
            "organization_ids": (account,) if account != ROOT else (),
            "aliases": _aliases(login),
        }
        fields |= _names(user, "User", "") | self._fields(user)
        try:
            person = self._world.create_person(unique, email=email, **fields)
        except ConflictError as error:
            raise _taken(error) from None
        return self._wire.user(person, _ALWAYS)

    def _fields(self, user: Mapping[str, Any]) -> dict[str, Any]:
        spelled = {"locale": "language", "time_zone": "timezone", "bio": "bio", "title": "job_title"}
        return {name: user[key] or None for key, name in spelled.items() if key in user}

    def _update_user(self, call: Call) -> Json:
        person, user = self._world.person(self._number(call)), call.within("user")
        changes = self._fields(user)
        if user.keys() & {"name", "sortable_name"}:
            changes |= _names(user, *self._wire.names(person))
        if "email" in user:
            changes["email"] = _text(user["email"])
        if user.get("event") in _USER_EVENTS:
            changes["state"] = _USER_EVENTS[user["event"]]
        return self._changed(person, changes)

    def _changed(self, person: Person, changes: dict[str, Any]) -> Json:
        try:
            return self._wire.user(self._world.update_person(person.id, **changes), _ALWAYS)
        except ConflictError as error:
            raise _taken(error) from None

    def _delete_user(self, call: Call) -> Json:
        self._account(call.path["account_id"], root=True)
        person = self._world.person(self._number(call, "user_id"))
        shown = self._wire.user(person)
        self._world.delete_person(person.id)
        return shown

    def _update_login(self, call: Call) -> Json:
        self._account(call.path["account_id"], root=True)
        person, login = self._world.person(self._number(call)), call.within("login")
        changes: dict[str, Any] = {"aliases": person.aliases | _aliases(login)}
        if "unique_id" in login:
            changes["login"] = _text(login["unique_id"])
        self._changed(person, changes)
        return self._wire.login(person)

    # -- courses -----------------------------------------------------------------------------------

    def _create_course(self, call: Call) -> Json:
        account, given = self._account(call.path["account_id"]), call.within("course")
        course = self._world.create_course(
            _text(given.get("name")) or "Unnamed Course",
            state=CourseState.PUBLISHED if is_true(call.one("offer")) else CourseState.DRAFT,
            organization_ids=(account,) if account != ROOT else (),
        )
        self._world.update_course(course.id, **self._changes(course, given, published=False))
        return self._wire.course(course, ())

    def _update_course(self, call: Call) -> Json:
        course, given = self._world.course(self._number(call)), call.within("course")
        changes = self._changes(course, given, published=course.state is CourseState.PUBLISHED)
        if "account_id" in given:
            changes["organization_ids"] = (self._account(given["account_id"]),)
        if is_true(call.one("offer")):
            changes["state"] = CourseState.PUBLISHED
        if given.get("event") in _COURSE_EVENTS:
            changes["state"] = _COURSE_EVENTS[given["event"]]
        self._world.update_course(course.id, **changes)
        return self._wire.course(course, ())

    def _changes(self, course: Course, given: Json, *, published: bool) -> dict[str, Any]:
        spelled = {"name": "title", "course_code": "code", "public_description": "description"}
        changes: dict[str, Any] = {name: _text(given[key]) for key, name in spelled.items() if key in given}
        if "term_id" in given:
            changes["term_id"] = self._term(given["term_id"])
        aliases = course.aliases | _aliases(given)
        return changes | {"aliases": aliases} | _dates(course, given, published=published)

    def _term(self, given: Any) -> int:
        found = self._wire.number(str(given))
        if found not in TERMS:
            raise CanvasError(*NOT_FOUND)
        return found

    def _delete_course(self, call: Call) -> Json:
        course, event = self._world.course(self._number(call)), call.one("event")
        if event not in ("delete", "conclude"):
            raise wrong('Only "delete" and "conclude" events are allowed.')
        if event == "delete":
            self._world.delete_course(course.id)
        else:
            self._world.update_course(course.id, state=CourseState.DISABLED)
        return {event: "true"}


def _dates(course: Course, given: Json, *, published: bool) -> dict[str, Any]:
    """The dates of a course that a call sets.

    They are passed over unless enrolments are restricted to them, but for the start of a course that is published.
    """
    flag = given.get("restrict_enrollments_to_course_dates")
    restricted = is_restricted(course) if flag is None else is_true(flag)
    taken = {"start_at": restricted or published, "end_at": restricted}
    spelled = {"start_at": "starts_at", "end_at": "ends_at"}
    found = {name: _instant(given[key]) for key, name in spelled.items() if key in given and taken[key]}
    if flag is not None and not restricted:
        found |= {"ends_at": None} if published else {"ends_at": None, "starts_at": None}
    return found


def _names(user: Mapping[str, Any], name: str, sortable: str) -> dict[str, Any]:
    """First and last name by "Last, First"; of a name alone the last word is the family name."""
    given = _text(user.get("name")) or name
    if "sortable_name" in user:
        sortable = _text(user["sortable_name"])
    elif "name" in user or not sortable:
        first, _, last = given.rpartition(" ")
        sortable = f"{last}, {first}" if first else last
    last, comma, first = sortable.partition(", ")
    first, last = (first, last) if comma else (last, "")
    joined = " ".join(part for part in (first, last) if part)
    return {"first_name": first, "last_name": last, "full_name": None if given == joined else given}


def _aliases(given: Mapping[str, Any]) -> dict[str, str]:
    return {name: _text(given[key]) for key, name in _ALIASES.items() if key in given}


def _instant(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if value else None
    except ValueError:
        raise wrong("Invalid date") from None


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _invalid(message: str, kind: str) -> CanvasError:
    """A login that is refused, with every part of the answer that is made of several."""
    user = [{"attribute": "pseudonyms", "message": "is invalid", "type": "invalid"}]
    login = [{"attribute": "unique_id", "message": message, "type": kind}]
    parts: Json = {"user": {"pseudonyms": user}, "pseudonym": {"unique_id": login}}
    return CanvasError(400, {"errors": {**parts, "observee": {}, "pairing_code": {}, "recaptcha": None}})


def _taken(error: ConflictError) -> CanvasError:
    """A login is unique. That an address is as well is so in the sandbox's world only, not in Canvas."""
    if error.what == "login":
        return _invalid("ID already in use for this account and authentication provider", "taken")
    channel = [{"attribute": "path", "message": "is taken in the sandbox", "type": "taken"}]
    return CanvasError(400, {"errors": {"communication_channel": {"path": channel}}})
