"""What a Docebo portal can be told: users, courses and enrolments.

Names and the shapes of good answers are those of the vendor's API description and of published code. What happens to
whom a call cannot be done for comes within a 200; its words, and what an unknown record is answered with, are
UNCONFIRMED.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from sources.unified_lms.sandbox.entities import FieldDefinition, Person, PersonState, Progress
from sources.unified_lms.sandbox.world import ConflictError, NotFoundError, World

Json = dict[str, Any]
Handler = Callable[[Sequence[str], Json], Json]

_NAMES = {"userid": "login", "firstname": "first_name", "lastname": "last_name", "email": "email"}
_PROGRESS = {0: Progress.NOT_STARTED, 1: Progress.IN_PROGRESS, 2: Progress.COMPLETED}
_SUSPENDED = 3


class PortalError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, name: str, message: str) -> None:
        """Status, and name and message of the body."""
        super().__init__(message)
        self.status = status
        self.body: Json = {"name": name, "message": [message], "code": 0, "status": status}


class _Refused(Exception):
    """What comes back as `success: false` in a 200: the field's name and what is wrong with it."""


class DoceboWrites:
    """The calls that write. The caller holds the world's lock."""

    def __init__(
        self, world: World, *, tells_new_ids: bool, nests_successes: bool, empties_unsent: bool
    ) -> None:
        """As the dialect's options of the same names."""
        self._world = world
        self._tells_new_ids = tells_new_ids
        self._nests_successes = nests_successes
        self._empties_unsent = empties_unsent

    def answer(self, method: str, path: str, body: bytes) -> Json:
        """`data` of the answer to a request with a JSON body; `PortalError` for anything else."""
        number = r"(\d+)"
        routes: dict[tuple[str, str], Handler] = {
            ("POST", "/manage/v1/user"): self._create_user,
            ("PUT", "/manage/v1/user/change_status"): self._change_status,
            ("PUT", f"/manage/v1/user/{number}"): self._update_user,
            ("DELETE", "/manage/v1/user/delete"): self._delete_users,
            ("POST", "/learn/v1/courses"): self._create_course,
            ("PUT", f"/learn/v1/courses/{number}"): self._update_course,
            ("DELETE", f"/learn/v1/courses/{number}"): self._delete_course,
            ("POST", "/learn/v1/enrollments"): self._enroll,
            ("DELETE", "/learn/v1/enrollments"): self._unenroll,
            ("PUT", f"/learn/v1/enrollments/{number}/{number}"): self._update_enrollment,
        }
        for (verb, pattern), handler in routes.items():
            if verb == method and (found := re.fullmatch(pattern, path)):
                return handler(found.groups(), _object(body))
        raise PortalError(405, "MethodNotAllowed", "Method not allowed")

    # -- users -------------------------------------------------------------------------------------

    def _create_user(self, _: Sequence[str], body: Json) -> Json:
        try:
            person = self._created(body)
        except _Refused as refused:
            return _failure(refused)
        return {"success": True, "message": []} | ({"user_id": person.id} if self._tells_new_ids else {})

    def _created(self, body: Json) -> Person:
        for name in ("userid", "password"):
            if not body.get(name):
                raise _Refused(name, f"{name} is required")
        changes = self._person_changes(body)
        names = [changes.pop(name, "") for name in _NAMES.values()]
        try:
            return self._world.create_person(*names, **changes)
        except ConflictError:
            raise _Refused("userid", "Username or email already in use") from None

    def _update_user(self, found: Sequence[str], body: Json) -> Json:
        person = self._world.person(int(found[0]))
        sent = dict.fromkeys(_NAMES, "") | body if self._empties_unsent else body
        try:
            self._world.update_person(person.id, **self._person_changes(sent))
        except ConflictError:
            return _failure(_Refused("userid", "Username or email already in use"))
        except _Refused as refused:
            return _failure(refused)
        return {"success": True, "updated_id": person.id, "message": []}

    def _person_changes(self, body: Json) -> Json:
        changes: Json = {ours: body[name] for name, ours in _NAMES.items() if name in body}
        if "language" in body:
            changes["language"] = body["language"]
        if "timezone" in body:
            changes["timezone"] = body["timezone"]
        if "expiration" in body:
            changes["deactivates_at"] = _moment(body["expiration"])
        if "valid" in body:
            changes["state"] = PersonState.ACTIVE if int(body["valid"]) else PersonState.SUSPENDED
        changes["custom_fields"] = dict(self._additional(body.get("additional_fields", [])))
        return changes

    def _additional(self, given: list[Json]) -> Iterator[tuple[int, str]]:
        fields = {field.number: field for field in self._world.person_fields}
        for one in given:
            number = int(one["id"])
            if number not in fields:
                raise _Refused(str(number), "Field not found")
            yield number, _chosen(fields[number], one["value"])

    def _change_status(self, _: Sequence[str], body: Json) -> Json:
        numbers = [int(one) for one in body.get("user_ids", [])]
        if body.get("status") not in ("0", "1") or not numbers or set(numbers) - self._world.people.keys():
            return {"success": False}
        for number in numbers:
            if body["status"] == "1":
                self._world.activate_person(number)
            else:
                self._world.suspend_person(number)
        return {"success": True}

    def _delete_users(self, _: Sequence[str], body: Json) -> Json:
        numbers = [int(one) for one in body.get("user_ids", [])]
        known = [number for number in numbers if number in self._world.people]
        for number in known:
            self._world.delete_person(number)
        return {"success": known == numbers, "deleted_user_ids": known}

    # -- courses -----------------------------------------------------------------------------------

    def _create_course(self, _: Sequence[str], body: Json) -> Json:
        for name in ("name", "description", "course_type"):
            if not body.get(name):
                raise PortalError(400, "BadRequestException", f"{name} is required")
        course = self._world.create_course(
            body["name"], description=body["description"], code=body.get("code", "")
        )
        return {"id_course": course.id}

    def _update_course(self, found: Sequence[str], body: Json) -> Json:
        names = {"name": "title", "description": "description", "code": "code"}
        changes = {ours: body[name] for name, ours in names.items() if name in body}
        self._world.update_course(int(found[0]), **changes)
        return {"id_course": int(found[0])}

    def _delete_course(self, found: Sequence[str], _: Json) -> Json:
        self._world.delete_course(int(found[0]))
        return {"success": True}

    # -- enrolments --------------------------------------------------------------------------------

    def _enroll(self, _: Sequence[str], body: Json) -> Json:
        fields: Json = {
            "mandatory": body.get("assignment_type") == "mandatory",
            "expires_at": _moment(body.get("date_expire_validity")),
        }
        done, errors = self._each(body, lambda course, user: self._world.enrol(course, user, **fields))
        if self._nests_successes:
            return {"enrolled": [], "errors": [{"enrolled": done}, *errors]}
        return {"enrolled": done, "errors": errors}

    def _unenroll(self, _: Sequence[str], body: Json) -> Json:
        done, errors = self._each(body, self._world.unenrol)
        return {"un_enrolled": done, "errors": errors}

    def _each(self, body: Json, action: Callable[[int, int], object]) -> tuple[list[int], list[str]]:
        """The users for whom something was done in every course, and what was wrong."""
        done, errors = [], []
        for course in body.get("course_ids", []):
            for user in body.get("user_ids", []):
                try:
                    action(int(course), int(user))
                    done.append(int(user))
                except ConflictError:
                    errors.append(f"User {user} is already enrolled in course {course}")
                except NotFoundError as error:
                    errors.append(f"{error.kind.capitalize()} not found")
        return done, errors

    def _update_enrollment(self, found: Sequence[str], body: Json) -> Json:
        course, user = (int(part) for part in found)
        pair = {"course_id": course, "user_id": user}
        left: Json = {"validation_errors": [], "invalid_enrollments": []}
        try:
            record = self._world.record(course, user)
        except NotFoundError:
            return {"updated": [], "not_updated": left | {"invalid_enrollments": [pair]}}
        if body.get("status") not in (None, *_PROGRESS, _SUSPENDED):
            messages = [{"ids": [pair], "messages": ["Status is invalid."]}]
            return {"updated": [], "not_updated": left | {"validation_errors": messages}}
        self._world.update_record(course, user, **_record_changes(body))
        if body.get("status") == 2:
            record.completed_at = record.completed_at or record.updated_at
        return {"updated": [pair], "not_updated": left}


def _record_changes(body: Json) -> Json:
    changes: Json = {}
    if "status" in body:
        changes["suspended"] = body["status"] == _SUSPENDED
    if body.get("status") in _PROGRESS:
        changes["progress"] = _PROGRESS[body["status"]]
        changes["percent"] = 100 if body["status"] == 2 else 0
    readers: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "date_complete": ("completed_at", _moment),
        "date_expire_validity": ("expires_at", _moment),
        "score_given": ("score", float),
    }
    return changes | {ours: read(body[name]) for name, (ours, read) in readers.items() if name in body}


def _chosen(field: FieldDefinition, value: Any) -> str:
    """The text of a custom field: of a dropdown that of the option whose number is sent."""
    if not field.choices or value in ("", None):
        return str(value or "")
    options = {str(place): label for place, label in enumerate(field.choices, 1)}
    if str(value) not in options:
        raise _Refused(str(field.number), "Invalid option")
    return options[str(value)]


def _failure(refused: _Refused) -> Json:
    name, message = refused.args
    return {"success": False, "message": [{"id": name, "message": message}]}


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def _object(body: bytes) -> Json:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise PortalError(400, "BadRequestException", "The body is no JSON object")
    return found
