"""How a TalentLMS portal writes things down (API v1).

Every key, type and oddity follows anonymised real answers: ids are strings, dates are text in the portal's
format and time zone with a Unix twin as a string (courses have no twin), an empty date is "" and its twin
null, prices are HTML-escaped, flags are "0" and "1". What no answer shows is marked UNCONFIRMED here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from time import time
from typing import Any
from zoneinfo import ZoneInfo

from sources.unified_lms.sandbox.entities import (
    Course,
    FieldDefinition,
    Item,
    ItemKind,
    LearningRecord,
    Person,
    PersonState,
    Progress,
    Role,
)
from sources.unified_lms.sandbox.world import World

Json = dict[str, Any]

LOGIN_KEY_MARKER = "SECRET-LOGIN-KEY"
"""Stands in every `login_key`, a link that logs its bearer in.

Found anywhere but on the wire, something has leaked.
"""

DATE_FORMATS = {"DDMMYYYY": "%d/%m/%Y", "MMDDYYYY": "%m/%d/%Y", "YYYYMMDD": "%Y/%m/%d"}
"""How a day is written, by the name of the portal's setting."""
USER_TYPES = {
    Role.LEARNER: "Learner-Type",
    Role.INSTRUCTOR: "Trainer-Type",
    Role.MANAGER: "Admin-Type",
    Role.ADMIN: "Admin-Type",
}
"""The user types that every portal has."""
# Only "English" has been seen; a portal shows a language by a name, not a code. UNCONFIRMED for the others.
_LANGUAGES = {
    "en": "English",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "it": "Italian",
    "el": "Greek",
    "pl": "Polish",
    "ja": "Japanese",
}
_OWN_LANGUAGE = "In-house wording"
# The exact wording is UNCONFIRMED; a zone that is not listed goes out under its IANA name.
_ZONES = {
    "Europe/London": "(GMT +00:00) Dublin, Edinburgh, Lisbon, London",
    "Europe/Berlin": "(GMT +01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna",
}
# Seen: "SCORM | xAPI | cmi5" and "Section". The others are UNCONFIRMED.
_UNIT_TYPES = {
    ItemKind.SECTION: "Section",
    ItemKind.PAGE: "Unit",
    ItemKind.DOCUMENT: "Content",
    ItemKind.AUDIO: "Content",
    ItemKind.DISCUSSION: "Content",
    ItemKind.VIDEO: "Video",
    ItemKind.SCORM: "SCORM | xAPI | cmi5",
    ItemKind.XAPI: "SCORM | xAPI | cmi5",
    ItemKind.TEST: "Test",
    ItemKind.SURVEY: "Survey",
    ItemKind.ASSIGNMENT: "Assignment",
    ItemKind.LIVE_SESSION: "Instructor-led training",
    ItemKind.LINK: "Iframe",
    ItemKind.FLASHCARDS: "Flashcards",
}
_COMPLETION = {
    Progress.NOT_STARTED: "not_attempted",
    Progress.IN_PROGRESS: "incomplete",
    Progress.COMPLETED: "completed",
    Progress.PASSED: "passed",
    Progress.FAILED: "failed",
}


@dataclass(frozen=True)
class TalentLmsOptions:
    """What differs from portal to portal."""

    api_key: str = "sandbox-api-key"
    api_enabled: bool = True
    domain: str = "academy.example.org"
    timezone: str = "Europe/London"
    date_format: str = "DDMMYYYY"
    """DDMMYYYY, MMDDYYYY or YYYYMMDD."""
    newer_fields: bool = False
    """Whether the fields that newer portals add are there: more `_timestamp` twins, `total_time_seconds` and
    so on.
    """
    calls_per_hour: int = 10_000
    calls_per_burst: int = 200
    burst_seconds: float = 5
    over_limit_status: int = 429
    """429 or 403: how v1 answers over the limit is UNCONFIRMED."""
    clock: Callable[[], float] = time
    """Unix seconds, for the limits only: the client that waits for them goes by the machine's clock."""


class TalentLmsWire:
    """Renders the world's things. The caller holds the world's lock."""

    def __init__(self, world: World, options: TalentLmsOptions) -> None:
        """Renders for one portal."""
        self._world = world
        self._options = options
        self._zone = ZoneInfo(options.timezone)
        self._day_format = DATE_FORMATS[options.date_format]
        self._site = f"https://{options.domain}"

    # -- dates, times, money -----------------------------------------------------------------------

    def day(self, value: date | datetime) -> str:
        """A day in the portal's format."""
        local = value.astimezone(self._zone) if isinstance(value, datetime) else value
        return local.strftime(self._day_format)

    def moment(self, instant: datetime | None, clock_format: str = "%H:%M:%S") -> str:
        """`24/11/2019, 09:52:37` in the portal's time zone; "" for no date."""
        if instant is None:
            return ""
        return instant.astimezone(self._zone).strftime(f"{self._day_format}, {clock_format}")

    def moment_of(self, seconds: int, clock_format: str) -> str:
        """The same of Unix seconds."""
        return self.moment(datetime.fromtimestamp(seconds, UTC), clock_format)

    def twins(self, name: str, instant: datetime | None) -> Json:
        """A date under its name and its Unix seconds under `<name>_timestamp`."""
        return {name: self.moment(instant), f"{name}_timestamp": _seconds(instant)}

    # -- people ------------------------------------------------------------------------------------

    def user(self, person: Person) -> Json:
        """A user as in the list: without courses, branches, groups, certifications and badges."""
        return {
            "id": str(person.id),
            "login": person.login,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "email": person.email,
            "restrict_email": "0",
            "user_type": person.role_name or USER_TYPES[person.role],
            "timezone": _ZONES.get(person.timezone, person.timezone),
            "language": _LANGUAGES.get(person.language or "", _OWN_LANGUAGE),
            "status": "active" if person.state is PersonState.ACTIVE else "inactive",
            **self._optional_twin("deactivation_date", person.deactivates_at),
            "level": "1",
            "points": str(person.points),
            **self._optional_twin("created_on", person.created_at),
            **self.twins("last_updated", person.updated_at),
            "avatar": f"{self._site}/pages/images/unknown_small.png",
            "bio": person.bio,
            "login_key": f"{self._site}/index/autologin/key:{LOGIN_KEY_MARKER}-{person.id}",
            **self._custom(self._world.person_fields, person.custom_fields),
        }

    def user_detail(self, person: Person) -> Json:
        """A user as when asked for singly."""
        world = self._world
        records = world.records_of(person.id)
        return self.user(person) | {
            "courses": [self.course_of_user(record) for record in records],
            "branches": [_named(world.organizations[number]) for number in person.organization_ids],
            "groups": [_named(world.groups[number]) for number in person.group_ids],
            "certifications": [found for record in records if (found := self._certification(record))],
            "badges": self._badges(person),
        }

    def _optional_twin(self, name: str, instant: datetime | None) -> Json:
        return self.twins(name, instant) if self._options.newer_fields else {name: self.moment(instant)}

    def _custom(self, definitions: tuple[FieldDefinition, ...], values: dict[int, str]) -> Json:
        return {
            f"custom_field_{one.number}": self._custom_value(one, values.get(one.number, ""))
            for one in definitions
        }

    def _custom_value(self, definition: FieldDefinition, value: str) -> str:
        """A checkbox is "off" unless on.

        That a date goes out in the portal's format is UNCONFIRMED, as is "" for what was never filled in.
        """
        if definition.kind == "checkbox":
            return value or "off"
        return self.day(date.fromisoformat(value)) if definition.kind == "date" and value else value

    def _certification(self, record: LearningRecord) -> Json | None:
        course = self._world.course(record.course_id)
        if not course.certification or not record.completed_at:
            return None
        key = f"5c45-{record.course_id:04d}-{record.person_id:04d}"
        years = (course.certification_months or 0) // 12
        ends = record.completed_at.replace(
            year=record.completed_at.year + years, day=min(record.completed_at.day, 28)
        )
        return {
            "course_id": str(course.id),
            "course_name": course.title,
            "unique_id": key,
            "issued_date": self.day(record.completed_at),
            "expiration_date": self.day(ends) if years else "",
            "download_url": f"{self._site}/certification/download/id:{key}",
            "public_url": f"{self._site}/certification/view/id:{key}",
        }

    def _badges(self, person: Person) -> list[Json]:
        if person.points < 100:
            return []
        issued = self.moment(person.updated_at)
        return [{"name": "Early bird", "type": "activity", "criteria": "100 points", "issued_on": issued}]

    # -- learning records --------------------------------------------------------------------------

    def course_of_user(self, record: LearningRecord) -> Json:
        """One of the `courses` of a user: the only place that tells the status of an enrolment."""
        status = _COMPLETION[record.progress]
        shown = {
            "id": str(record.course_id),
            "name": self._world.course(record.course_id).title,
            "role": str(record.role),
            **self.twins("enrolled_on", record.enrolled_at),
            **self.twins("completed_on", record.completed_at),
            "completion_status": status,
            "completion_percentage": str(record.percent),
            **self.twins("expired_on", record.expires_at),
            "total_time": duration(record.seconds),
        }
        return shown | self._newer_record(record, status) if self._options.newer_fields else shown

    def _newer_record(self, record: LearningRecord, status: str) -> Json:
        return {
            "completion_status_formatted": _formatted(status),
            "total_time_seconds": record.seconds,
            "last_accessed_unit_url": self.unit_url(record.last_item_id) if record.last_item_id else None,
        }

    def user_of_course(self, record: LearningRecord) -> Json:
        """One of the `users` of a course: no completion status, no address."""
        return {
            **self.short_user(record.person_id),
            "role": str(record.role),
            **self.twins("enrolled_on", record.enrolled_at),
            **self.twins("completed_on", record.completed_at),
            "completion_percentage": str(record.percent),
            **self.twins("expired_on", record.expires_at),
            "total_time": duration(record.seconds),
        }

    def user_status(self, record: LearningRecord) -> Json:
        """The answer of `getuserstatusincourse`, with a status for every unit.

        Statuses have capitals and spaces here.
        """
        units = list(self._world.course(record.course_id).walk())
        done = len(units) * record.percent // 100
        return {
            "role": str(record.role),
            **self.twins("enrolled_on", record.enrolled_at),
            "completion_status": _formatted(_COMPLETION[record.progress]),
            "completion_percentage": str(record.percent),
            **self.twins("completed_on", record.completed_at),
            **self.twins("expired_on", record.expires_at),
            "total_time": duration(record.seconds),
            "units": [self._unit_status(unit, record, index < done) for index, unit in enumerate(units)],
        }

    def _unit_status(self, unit: Item, record: LearningRecord, done: bool) -> Json:
        return {
            "id": str(unit.id),
            "name": unit.title,
            "type": _UNIT_TYPES[unit.kind],
            "completion_status": "Completed" if done else "Not attempted",
            **self.twins("completed_on", record.last_activity_at if done else None),
            "score": "",
            "total_time": "0s",
        }

    def short_user(self, person_id: int) -> Json:
        """`J. Smith`: initial and family name."""
        person = self._world.person(person_id)
        return {"id": str(person.id), "name": f"{person.first_name.strip()[:1]}. {person.last_name}"}

    # -- courses -----------------------------------------------------------------------------------

    def course(self, course: Course) -> Json:
        """A course as in the list: without users, units, rules and prerequisites. Its dates have no twins."""
        shown = {
            "id": str(course.id),
            "name": course.title,
            "code": course.code,
            "category_id": str(course.category_id) if course.category_id else None,
            "description": course.description,
            "price": price(course.price_cents),
            "status": course_status(course),
            "creation_date": self.moment(course.created_at),
            "last_update_on": self.moment(course.updated_at),
            "creator_id": str(course.owner_id),
            "hide_from_catalog": _flag(course.hidden),
            "time_limit": str(course.time_limit_days),
            "level": None,
            **self._sharing(course),
            "certification": course.certification,
            "certification_duration": f"{course.certification_months} months"
            if course.certification_months
            else None,
            **self._custom(self._world.course_fields, course.custom_fields),
        }
        return shown | self._newer_course(course) if self._options.newer_fields else shown

    def _newer_course(self, course: Course) -> Json:
        starts, ends = self.moment(course.starts_at), self.moment(course.ends_at)
        return {"start_datetime": starts, "expiration_datetime": ends, "prerequisite_rule_sets": []}

    def _sharing(self, course: Course) -> Json:
        return {
            "shared": _flag(course.shared_key is not None),
            "shared_url": f"{self._site}/shared/start/key:{course.shared_key}" if course.shared_key else "",
            "avatar": f"{self._site}/pages/images/unknown_small.png",
            "big_avatar": f"{self._site}/pages/images/unknown_big.png",
        }

    def course_detail(self, course: Course) -> Json:
        """A course as when asked for singly."""
        known = (self._world.courses.get(number) for number in course.prerequisite_ids)
        return self.course(course) | {
            "users": [self.user_of_course(record) for record in self._world.records_in(course.id)],
            "units": [self.unit(item) for item in course.walk()],
            "rules": list(course.rules),
            "prerequisites": [{"course_id": str(one.id), "course_name": one.title} for one in known if one],
        }

    def course_of_category(self, course: Course) -> Json:
        """One of the `courses` of a category."""
        names = ("id", "name", "description", "price", "status", "hide_from_catalog", "level")
        return {name: value for name, value in self.course(course).items() if name in names} | self._sharing(
            course
        )

    def unit(self, item: Item) -> Json:
        """A unit.

        Sections are units in the same flat list; that they have no link of their own is UNCONFIRMED.
        """
        link = "" if item.kind is ItemKind.SECTION else self.unit_url(item.id)
        return {"id": str(item.id), "type": _UNIT_TYPES[item.kind], "name": item.title, "url": link}

    def unit_url(self, item_id: int) -> str:
        """The link to a unit."""
        return f"{self._site}/unit/view/id:{item_id}"


def course_status(course: Course) -> str:
    """`active` or `inactive`: TalentLMS has no drafts."""
    return "active" if course.state == "published" else "inactive"


def price(cents: int) -> str:
    """`&#36;19.99`: the sign is HTML-escaped."""
    return f"&#36;{cents / 100:.2f}"


def duration(seconds: int | None) -> str | None:
    """`3m 17s`, `0s`, `2h 3m 4s` (the form with hours is UNCONFIRMED); null where nothing was measured."""
    if seconds is None:
        return None
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes}m {rest}s"
    return f"{minutes}m {rest}s" if minutes else f"{rest}s"


def _seconds(instant: datetime | None) -> str | None:
    return None if instant is None else str(int(instant.timestamp()))


def _formatted(status: str) -> str:
    return status.replace("_", " ").capitalize()


def _flag(value: bool) -> str:
    return "1" if value else "0"


def _named(thing: Any) -> Json:
    return {"id": str(thing.id), "name": thing.name}
