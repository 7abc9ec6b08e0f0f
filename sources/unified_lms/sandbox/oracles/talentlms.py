"""What TalentLMS (API v1) can tell of a world.

What it cannot: telephones, job titles, managers, names in one piece, the type of an address,
drafts, suspension (both are "inactive"), the language of a course, levels, durations, scores, attempts,
due dates, when a learner started or was last active, and whether an enrolment has expired (only the date
is told, and rows are made without looking at a clock).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from sources.unified_lms.sandbox.entities import (
    Course,
    CourseRole,
    CourseState,
    FieldDefinition,
    Item,
    ItemKind,
    LearningRecord,
    Person,
    PersonState,
    Progress,
    Role,
)
from sources.unified_lms.sandbox.oracles.rows import (
    Row,
    by_wall_clock,
    composite_id,
    instant,
    link,
    own_email,
    row,
    text,
)
from sources.unified_lms.sandbox.world import World

_LONDON = "Europe/London"
_DOMAIN = "academy.example.org"
_DAY_FORMATS = {"DDMMYYYY": "{2}/{1}/{0}", "MMDDYYYY": "{1}/{2}/{0}", "YYYYMMDD": "{0}/{1}/{2}"}

# The portal's word and the unified role. A name that the customer made up is "other".
_ROLES = {
    Role.LEARNER: ("Learner-Type", "learner"),
    Role.INSTRUCTOR: ("Trainer-Type", "instructor"),
    Role.MANAGER: ("Admin-Type", "admin"),
    Role.ADMIN: ("Admin-Type", "admin"),
}
_ROLES_BY_NAME = {"SuperAdmin": "admin", "Administrator": "admin"}

_KNOWN_LANGUAGES = frozenset({"en", "de", "fr", "es", "it", "el", "pl", "ja"})
"""Languages that the portal shows under a name that leaves no doubt."""
_LISTED_ZONES = frozenset({"Europe/London", "Europe/Berlin"})
"""Zones that the portal shows under a name from which no IANA zone follows."""

_ITEM_TYPES = {
    ItemKind.SECTION: ("Section", "section"),
    ItemKind.PAGE: ("Unit", "page"),
    ItemKind.DOCUMENT: ("Content", "page"),
    ItemKind.AUDIO: ("Content", "page"),
    ItemKind.DISCUSSION: ("Content", "page"),
    ItemKind.VIDEO: ("Video", "video"),
    ItemKind.SCORM: ("SCORM | xAPI | cmi5", "scorm"),
    ItemKind.XAPI: ("SCORM | xAPI | cmi5", "scorm"),
    ItemKind.TEST: ("Test", "quiz"),
    ItemKind.SURVEY: ("Survey", "survey"),
    ItemKind.ASSIGNMENT: ("Assignment", "assignment"),
    ItemKind.LIVE_SESSION: ("Instructor-led training", "live_session"),
    ItemKind.LINK: ("Iframe", "link"),
    ItemKind.FLASHCARDS: ("Flashcards", "other"),
}
_PROGRESS_WORDS = {
    Progress.NOT_STARTED: "not_attempted",
    Progress.IN_PROGRESS: "incomplete",
    Progress.COMPLETED: "completed",
    Progress.PASSED: "passed",
    Progress.FAILED: "failed",
}


def users(
    world: World,
    *,
    timezone: str = _LONDON,
    newer_fields: bool = False,
    date_format: str = "DDMMYYYY",
    **_: object,
) -> list[Row]:
    """Everybody who is not deleted.

    Without the newer fields, the date of creation is known by local time only.
    """
    return [_user(world, person, timezone, newer_fields, date_format) for person in world.people.values()]


def _user(world: World, person: Person, timezone: str, newer_fields: bool, date_format: str) -> Row:
    created = instant(person.created_at) if newer_fields else by_wall_clock(person.created_at, timezone)
    word, role = _role(person)
    state = "active" if person.state is PersonState.ACTIVE else "inactive"
    return row(
        "users",
        id=str(person.id),
        first_name=text(person.first_name),
        last_name=text(person.last_name),
        username=person.login if person.login != person.email else None,
        emails=own_email(person.email),
        status=state,
        status_source=state,
        role=role,
        role_source=word,
        locale=person.language if person.language in _KNOWN_LANGUAGES else None,
        timezone=None if person.timezone in _LISTED_ZONES else person.timezone,
        organization=_organization(world, person),
        created_at=created,
        updated_at=instant(person.updated_at),
        custom_fields=_own_fields(world, person, date_format),
    )


def _role(person: Person) -> tuple[str, str]:
    if person.role_name is not None:
        return person.role_name, _ROLES_BY_NAME.get(person.role_name, "other")
    return _ROLES[person.role]


def _organization(world: World, person: Person) -> Row | None:
    if not person.organization_ids:
        return None
    first = world.organizations[person.organization_ids[0]]
    return {"id": str(first.id), "name": first.name}


def _own_fields(world: World, person: Person, date_format: str) -> Row | None:
    """The custom fields, and the instant from which the account is closed."""
    shown = _custom(world.person_fields, person.custom_fields, date_format) or {}
    closes = instant(person.deactivates_at)
    return (shown | {"expires_at": closes} if closes else shown) or None


def _custom(definitions: tuple[FieldDefinition, ...], values: dict[int, str], date_format: str) -> Row | None:
    """Under the portal's keys; a checkbox that was never touched is "off", an empty text says nothing."""
    shown = {}
    for one in definitions:
        value = values.get(one.number, "") or ("off" if one.kind == "checkbox" else "")
        if value and one.kind == "date":
            day = date.fromisoformat(value)
            value = _DAY_FORMATS[date_format].format(f"{day.year:04d}", f"{day.month:02d}", f"{day.day:02d}")
        if value:
            shown[f"custom_field_{one.number}"] = value
    return shown or None


def courses(
    world: World,
    *,
    timezone: str = _LONDON,
    domain: str = _DOMAIN,
    date_format: str = "DDMMYYYY",
    **_: object,
) -> list[Row]:
    """All courses. Their dates are known by local time only."""
    return [_course(world, course, timezone, domain, date_format) for course in world.courses.values()]


def _course(world: World, course: Course, timezone: str, domain: str, date_format: str) -> Row:
    open_ = course.state is CourseState.PUBLISHED
    category = world.categories.get(course.category_id or 0)
    shared = f"https://{domain}/shared/start/key:{course.shared_key}" if course.shared_key else None
    return row(
        "courses",
        id=str(course.id),
        title=text(course.title),
        description=text(course.description),
        code=text(course.code),
        type="course",
        status="published" if open_ else "disabled",
        status_source="active" if open_ else "inactive",
        urls=link(shared, "shared"),
        categories=[{"id": str(category.id), "name": category.name}] if category else None,
        created_at=by_wall_clock(course.created_at, timezone),
        updated_at=by_wall_clock(course.updated_at, timezone),
        custom_fields=_custom(world.course_fields, course.custom_fields, date_format),
    )


def course_items(world: World, *, domain: str = _DOMAIN, **_: object) -> list[Row]:
    """All units, sections as such. The list is flat: a unit belongs to the last section before it."""
    return [found for course in world.courses.values() for found in _items(course, domain)]


def _items(course: Course, domain: str) -> Iterator[Row]:
    section: Item | None = None
    at_root = within = 0
    for item in course.walk():
        if item.kind is ItemKind.SECTION:
            section, within = item, 0
        if item.kind is ItemKind.SECTION or section is None:
            at_root += 1
            yield _item(course, item, None, at_root, domain)
        else:
            within += 1
            yield _item(course, item, section, within, domain)


def _item(course: Course, item: Item, section: Item | None, position: int, domain: str) -> Row:
    word, kind = _ITEM_TYPES[item.kind]
    url = None if item.kind is ItemKind.SECTION else f"https://{domain}/unit/view/id:{item.id}"
    return row(
        "course_items",
        id=str(item.id),
        course={"id": str(course.id), "title": text(course.title)},
        parent={"id": str(section.id), "title": text(section.title)} if section else None,
        type=kind,
        type_source=word,
        title=text(item.title),
        position=position,
        urls=link(url),
    )


def course_enrollments(
    world: World, *, newer_fields: bool = False, domain: str = _DOMAIN, **_: object
) -> list[Row]:
    """The records of learners, person by person; instructors are left out."""
    return [
        _enrollment(world.course(record.course_id), person, record, newer_fields, domain)
        for person in world.people.values()
        for record in world.records_of(person.id)
        if record.role is CourseRole.LEARNER
    ]


def _enrollment(
    course: Course, person: Person, record: LearningRecord, newer_fields: bool, domain: str
) -> Row:
    tells_last = newer_fields and record.last_item_id is not None
    last = f"https://{domain}/unit/view/id:{record.last_item_id}" if tells_last else None
    expires = instant(record.expires_at)
    return row(
        "course_enrollments",
        id=composite_id(course.id, person.id),
        user={"id": str(person.id), "name": None, "emails": own_email(person.email)},
        course={"id": str(course.id), "title": text(course.title)},
        status=_status(record),
        status_source=_PROGRESS_WORDS[record.progress],
        enrolled_at=instant(record.enrolled_at),
        completed_at=instant(record.completed_at),
        progress_percent=float(record.percent),
        time_spent_seconds=record.seconds,
        urls=link(last, "last_unit"),
        custom_fields={"expires_at": expires} if expires else None,
    )


def _status(record: LearningRecord) -> str:
    """`incomplete` is also said of those who have not begun: only progress or time make it `in_progress`."""
    if record.progress is Progress.NOT_STARTED:
        return "enrolled"
    if record.progress is Progress.IN_PROGRESS:
        return "in_progress" if record.percent > 0 or (record.seconds or 0) > 0 else "enrolled"
    return str(record.progress)


ORACLES: dict[str, Callable[..., list[Row]]] = {
    "users": users,
    "courses": courses,
    "course_items": course_items,
    "course_enrollments": course_enrollments,
}
