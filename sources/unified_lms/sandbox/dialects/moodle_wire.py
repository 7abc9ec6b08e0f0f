"""How a Moodle site writes people, courses and contents down (web services, 4.5).

Every key, type and oddity follows answers of a real site: keys of empty values are left out (but for `department`),
dates are Unix seconds with 0 for none, flags are `false` in users and 0 in courses, names are escaped for HTML unless
asked for raw. What no answer shows is marked UNCONFIRMED here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from sources.unified_lms.sandbox.entities import (
    Course,
    CourseState,
    FieldDefinition,
    Item,
    ItemKind,
    Person,
    PersonState,
)
from sources.unified_lms.sandbox.world import World

Json = dict[str, Any]

KEY_MARKER = "SECRET-PRIVATE-ACCESS-KEY"
"""Stands in `userprivateaccesskey`; found anywhere but on the wire, something has leaked."""
GUEST_ID = 900_000_001
"""The guest account. A real site's has the number 1, which is a person's here."""
SITE_ID = 1
"""The front page, which Moodle keeps as a course."""
UNCATEGORISED = (99, "Miscellaneous")
"""Every course of a Moodle is in a category: here those that the world has in none."""
GENERAL_SECTION = 1_000_000
"""Added to a course's number it is that of its first section, "General", which every course has."""
READ_FUNCTIONS = (
    "core_completion_get_activities_completion_status",
    "core_completion_get_course_completion_status",
    "core_course_get_contents",
    "core_course_get_courses",
    "core_course_get_courses_by_field",
    "core_enrol_get_enrolled_users",
    "core_reportbuilder_retrieve_report",
    "core_user_get_users",
    "core_webservice_get_site_info",
    "gradereport_user_get_grade_items",
)
"""What the sandbox's site can be asked."""
WRITE_FUNCTIONS = (
    "core_course_create_courses",
    "core_course_delete_courses",
    "core_course_update_courses",
    "core_user_create_users",
    "core_user_delete_users",
    "core_user_update_users",
    "enrol_manual_enrol_users",
    "enrol_manual_unenrol_users",
)
"""What it can be told."""

_TAG = re.compile(r"<[^>]*>")
_FIELD_TYPES = {"text": "text", "checkbox": "checkbox", "dropdown": "menu", "date": "datetime"}
_MODULES = {
    ItemKind.PAGE: "page",
    ItemKind.DOCUMENT: "resource",
    ItemKind.VIDEO: "resource",
    ItemKind.AUDIO: "resource",
    ItemKind.SCORM: "scorm",
    ItemKind.XAPI: "h5pactivity",
    ItemKind.TEST: "quiz",
    ItemKind.SURVEY: "feedback",
    ItemKind.ASSIGNMENT: "assign",
    ItemKind.DISCUSSION: "forum",
    ItemKind.LIVE_SESSION: "bigbluebuttonbn",
    ItemKind.LINK: "url",
    ItemKind.FLASHCARDS: "glossary",
}


@dataclass(frozen=True)
class MoodleOptions:
    """What differs from site to site, and what the token's account may do."""

    token: str = "sandbox-token"  # noqa: S105 - made up, for a site that is
    domain: str = "moodle.example.org"
    timezone: str = "Europe/London"
    """The site's zone, and that of the token's account."""
    functions: tuple[str, ...] = READ_FUNCTIONS + WRITE_FUNCTIONS
    """What the token's service contains."""
    course_update: bool = False
    """Whether the account has moodle/course:update, which shows dates and ID numbers of courses."""
    site_admin: bool = False
    """Whether the account is a site administrator, to whom telephone numbers are shown."""
    sees_people: int | None = None
    """How many people a weak account sees, without an error; by default everybody."""
    closed_courses: tuple[int, ...] = ()
    """Courses that the account may not enter."""
    report_id: int = 1
    """The number of the custom report on enrolments, which the account may read."""
    enabled: bool = True
    """Whether web services and the REST protocol are switched on."""
    maintenance: bool = False


class MoodleWire:
    """Renders the world's things for one request. The caller holds the world's lock."""

    def __init__(self, world: World, options: MoodleOptions, *, raw: bool) -> None:
        """`raw` is the request's moodlewssettingraw."""
        self._world = world
        self._options = options
        self._raw = raw
        self._site = f"https://{options.domain}"

    def text(self, value: str) -> str:
        """A name through `format_string`: tags gone and `&` escaped, unless it was asked for raw."""
        return value if self._raw else escape(_TAG.sub("", value), quote=False)

    def site_info(self) -> Json:
        """What a token is told of the site and of itself."""
        functions = [{"name": name, "version": "2024100706"} for name in self._options.functions]
        return {
            "sitename": self.text("Example Academy"),
            "username": "etl_bot",
            "firstname": "ETL",
            "lastname": "Service",
            "fullname": "ETL Service",
            "lang": "en",
            "userid": GUEST_ID + 1,
            "siteurl": self._site,
            "functions": functions,
            "release": "4.5.6 (Build: 20250811)",
            "version": "2024100706",
            "userprivateaccesskey": KEY_MARKER,
            "userissiteadmin": self._options.site_admin,
        }

    # -- people ------------------------------------------------------------------------------------

    def guest(self) -> Json:
        """The guest account, which a search for everybody finds as well."""
        return {
            "id": GUEST_ID,
            "username": "guest",
            **_names("Guest user", " "),
            "email": "root@localhost",
            "department": "",
            "firstaccess": 0,
            "lastaccess": 0,
            "auth": "manual",
            "suspended": False,
            "confirmed": True,
            "lang": "en",
            "timezone": "99",
        }

    def user(self, person: Person) -> Json:
        """An account as a search for users gives it. "No login" stands for somebody who is inactive."""
        own_zone = person.timezone != self._options.timezone
        institution = [self._world.organizations[number].name for number in person.organization_ids[:1]]
        return {
            "id": person.id,
            "username": person.login,
            **_names(person.first_name, person.last_name or " "),
            **({"email": person.email} if person.email else {}),
            **({"phone1": person.phone} if person.phone and self._options.site_admin else {}),
            "department": "",
            **({"institution": institution[0]} if institution else {}),
            **self._details(person),
            "firstaccess": seconds(person.created_at),
            "lastaccess": seconds(person.last_login_at),
            "auth": "nologin" if person.state is PersonState.INACTIVE else "manual",
            "suspended": person.state is PersonState.SUSPENDED,
            "confirmed": True,
            "lang": pack(person.language or "en_inhouse"),
            "timezone": person.timezone if own_zone else "99",
            **({"description": person.bio, "descriptionformat": 1} if person.bio else {}),
            "customfields": list(self._profile(person)),
        }

    def _details(self, person: Person) -> Json:
        """What Moodle alone keeps, where it has a value; telephone numbers are shown to administrators."""
        hidden = () if self._options.site_admin else ("phone2",)
        return {name: value for name, value in person.details.items() if value and name not in hidden}

    def _profile(self, person: Person) -> Iterator[Json]:
        """The custom fields that have a value; a checkbox always has one."""
        for one in self._world.person_fields:
            value = self._profile_value(one, person.custom_fields.get(one.number, ""))
            if value:
                yield {
                    "type": _FIELD_TYPES[one.kind],
                    "value": value,
                    "name": self.text(one.name),
                    "shortname": short_name(one),
                }

    def _profile_value(self, field: FieldDefinition, value: str) -> str:
        if field.kind == "checkbox":
            return "1" if value == "on" else "0"
        if field.kind == "date" and value:
            midnight = datetime.combine(date.fromisoformat(value), time(), ZoneInfo(self._options.timezone))
            return str(seconds(midnight))
        return value

    # -- courses -----------------------------------------------------------------------------------

    def front_page(self) -> Json:
        """The site itself, which is the course number 1."""
        return {
            "id": SITE_ID,
            "fullname": self.text("Example Academy"),
            "shortname": "academy",
            "categoryid": 0,
            "categoryname": "",
            "summary": "",
            "summaryformat": 0,
            "customfields": [],
            "format": "site",
            "startdate": 0,
            "enddate": 0,
            "visible": 1,
            "enablecompletion": 0,
            "lang": "",
        }

    def course(self, course: Course) -> Json:
        """A course; every one has a short name, and a category."""
        found = self._world.categories.get(course.category_id or 0)
        category, name = (found.id, found.name) if found else UNCATEGORISED
        dates = {"timecreated": seconds(course.created_at), "timemodified": seconds(course.updated_at)}
        return {
            "id": course.id,
            "fullname": self.text(course.title),
            "displayname": self.text(course.title),
            "shortname": self.text(course_code(course)),
            "categoryid": category,
            "categoryname": self.text(name),
            "summary": course.description,
            "summaryformat": 1,
            "customfields": [self._course_field(one, course) for one in self._world.course_fields],
            "format": "topics",
            "startdate": seconds(course.starts_at),
            "enddate": seconds(course.ends_at),
            "visible": int(course.state is CourseState.PUBLISHED),
            "enablecompletion": int(tracks_completion(course)),
            "lang": pack(course.language or ""),
            **(
                {"idnumber": course.details.get("idnumber", ""), **dates}
                if self._options.course_update
                else {}
            ),
        }

    def _course_field(self, field: FieldDefinition, course: Course) -> Json:
        value = course.custom_fields.get(field.number, "")
        shown = {"name": self.text(field.name), "shortname": short_name(field), "type": field.kind}
        if field.kind == "checkbox":
            return {**shown, "valueraw": int(value == "on"), "value": "Yes" if value == "on" else "No"}
        return {**shown, "valueraw": value, "value": value or None}

    # -- contents ----------------------------------------------------------------------------------

    def contents(self, course: Course) -> list[Json]:
        """The sections of a course with their activities; "General" comes first and holds what is in no other.

        That sections within sections stand behind them, as others do, is UNCONFIRMED.
        """
        loose = [item for item in course.items if item.kind is not ItemKind.SECTION]
        general = self._section(0, GENERAL_SECTION + course.id, "General", loose)
        sections = [item for item in course.walk() if item.kind is ItemKind.SECTION]
        return [general] + [
            self._section(
                place,
                one.id,
                one.title,
                [child for child in one.children if child.kind is not ItemKind.SECTION],
                one.description,
            )
            for place, one in enumerate(sections, 1)
        ]

    def _section(self, place: int, number: int, name: str, items: list[Item], summary: str = "") -> Json:
        return {
            "id": number,
            "name": self.text(name),
            "visible": 1,
            "summary": summary,
            "summaryformat": 1,
            "section": place,
            "uservisible": True,
            "component": None,
            "itemid": None,
            "modules": [self._module(item) for item in items],
        }

    def _module(self, item: Item) -> Json:
        kind = _MODULES[item.kind]
        return {
            "id": item.id,
            "url": f"{self._site}/mod/{kind}/view.php?id={item.id}",
            "name": self.text(item.title),
            "instance": item.id,
            **({"description": item.description} if item.description else {}),
            "visible": 1,
            "uservisible": True,
            "modname": kind,
            "completion": 2,
            "completiondata": {"state": 0, "timecompleted": 0, "istrackeduser": False},
            "dates": [],
        }


def _names(first: str, last: str) -> Json:
    return {"firstname": first, "lastname": last, "fullname": f"{first} {last}"}


def seconds(moment: datetime | None) -> int:
    """Unix seconds; 0 for none."""
    return 0 if moment is None else int(moment.timestamp())


def pack(language: str) -> str:
    """The name of a language pack: `pt_br` for Brazilian Portuguese."""
    return language.lower().replace("-", "_")


def short_name(field: FieldDefinition) -> str:
    """The key of a custom field."""
    return re.sub(r"\W", "", field.name.lower())


def course_code(course: Course) -> str:
    """A course's short name, which it has to have."""
    return course.code or f"course-{course.id}"


def activities(course: Course) -> list[Item]:
    """What can be completed in a course, in its order."""
    return [item for item in course.walk() if item.kind is not ItemKind.SECTION]


def tracks_completion(course: Course) -> bool:
    """Whether a course tracks completion: those do in which there is something to complete."""
    return bool(activities(course))
