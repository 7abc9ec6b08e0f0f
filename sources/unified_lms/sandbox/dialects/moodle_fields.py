"""What the fields of an account and of a course, as they are written to a Moodle site, become in the world."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sources.unified_lms.sandbox.dialects.moodle_wire import UNCATEGORISED, short_name
from sources.unified_lms.sandbox.entities import (
    CourseState,
    FieldDefinition,
    Organization,
    Person,
    PersonState,
)
from sources.unified_lms.sandbox.world import World

Fields = Mapping[str, Any]

_DETAILS = ("idnumber", "department", "city", "country", "phone2")
_TAG = re.compile(r"<[^>]*>")
_PERSON = {
    "username": "login",
    "firstname": "first_name",
    "lastname": "last_name",
    "email": "email",
    "phone1": "phone",
    "timezone": "timezone",
    "description": "bio",
}
_COURSE = {"fullname": "title", "shortname": "code", "summary": "description"}
USER_FIELDS = {*_PERSON, *_DETAILS, "lang", "institution", "customfields", "preferences"}
"""What an account can be given, beside its password."""
COURSE_FIELDS = {
    "summary", "summaryformat", "idnumber", "format", "startdate", "enddate", "visible", "enablecompletion",
    "numsections", "lang", "courseformatoptions", "customfields",
}  # fmt: skip
"""What a course can be given beside its names and its category."""


def user_changes(world: World, user: Fields, person: Person | None = None) -> dict[str, Any]:
    """The fields of a `Person` that an account's become; texts are cleaned of tags."""
    changes: dict[str, Any] = {
        ours: _TAG.sub("", user[name]) for name, ours in _PERSON.items() if name in user
    }
    # 99 is the site's own zone, which is what the world's people have by default.
    if changes.get("timezone") == "99":
        changes["timezone"] = "Europe/London"
    if "lang" in user:
        changes["language"] = _language(user["lang"])
    if "institution" in user:
        changes["organization_ids"] = _institution(world, user["institution"])
    if user.get("suspended") in ("0", "1"):
        changes["state"] = _state(user["suspended"], person)
    changes["details"] = {name: user[name] for name in _DETAILS if name in user}
    named = user.get("customfields", {}).values()
    # The key of a value is called `type`. One that the site does not know is left out without a word.
    given = {one["type"]: one["value"] for one in named}
    changes["custom_fields"] = dict(_custom_values(world.person_fields, given))
    return changes


def _state(suspended: str, person: Person | None) -> PersonState:
    """Who may not log in at all stays so when a suspension ends."""
    if suspended == "1":
        return PersonState.SUSPENDED
    inactive = person is not None and person.state is PersonState.INACTIVE
    return PersonState.INACTIVE if inactive else PersonState.ACTIVE


def _language(pack: str) -> str:
    language, _, region = pack.partition("_")
    return f"{language}-{region.upper()}" if region else language


def _institution(world: World, name: str) -> tuple[int, ...]:
    """The organisation of this name, which is made where there is none: an institution is a text."""
    if not name:
        return ()
    found = [number for number, one in world.organizations.items() if one.name == name]
    if not found:
        found = [max(world.organizations, default=0) + 1]
        world.organizations[found[0]] = Organization(found[0], name)
    return (found[0],)


def course_changes(world: World, course: Fields) -> dict[str, Any]:
    """The fields of a `Course` that a course's become."""
    changes = {ours: course[name] for name, ours in _COURSE.items() if name in course}
    readers: dict[str, tuple[str, Callable[[str], Any]]] = {
        "categoryid": ("category_id", lambda text: int(text) if int(text) != UNCATEGORISED[0] else None),
        "visible": ("state", lambda text: CourseState.PUBLISHED if text == "1" else CourseState.DISABLED),
        "lang": ("language", lambda text: _language(text) or None),
        "startdate": ("starts_at", _moment),
        "enddate": ("ends_at", _moment),
        "idnumber": ("details", lambda text: {"idnumber": text}),
    }
    changes |= {ours: read(course[name]) for name, (ours, read) in readers.items() if name in course}
    given = {one["shortname"]: one["value"] for one in course.get("customfields", {}).values()}
    changes["custom_fields"] = dict(_custom_values(world.course_fields, given))
    return changes


def _custom_values(fields: tuple[FieldDefinition, ...], given: Fields) -> Iterator[tuple[int, str]]:
    for field in fields:
        if short_name(field) in given:
            yield field.number, _custom_value(field, given[short_name(field)])


def _custom_value(field: FieldDefinition, text: str) -> str:
    if field.kind == "checkbox":
        return "on" if text == "1" else "off"
    moment = _moment(text) if field.kind == "date" and text else None
    return moment.date().isoformat() if moment else text


def _moment(seconds: str) -> datetime | None:
    return datetime.fromtimestamp(int(seconds), UTC) if int(seconds) else None
