"""What Moodle (web services, 4.5) can tell of a world.

What it cannot: a role for the whole site, when an account was made or changed, managers and job titles; levels and
durations of courses, links to them, and without moodle/course:update their dates; whether a hidden course is a draft or
given no longer; sections within sections; what an activity's completion is needed for. Of enrolments: a percentage of
its own (only the share of activities completed), time spent, attempts, due dates, when somebody began, whether a course
was passed or failed (neither is completion), and without a custom report dates of enrolment and completion and which of
suspended, expired and not begun an enrolment is that is not in force: nothing is known of its completion then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sources.unified_lms.sandbox.entities import (
    Course,
    CourseRole,
    CourseState,
    Item,
    ItemKind,
    LearningRecord,
    Person,
    PersonState,
    Progress,
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
_DOMAIN = "moodle.example.org"
_PERSON_KEYS = {1: "company", 2: "newsletter", 3: "team", 4: "hiredon"}
_COURSE_KEYS = {1: "costcentre", 2: "audited"}

_COMPLETED = (Progress.COMPLETED, Progress.PASSED)
_ITEM_TYPES = {
    ItemKind.PAGE: ("page", "page"),
    ItemKind.DOCUMENT: ("resource", "document"),
    ItemKind.VIDEO: ("resource", "document"),
    ItemKind.AUDIO: ("resource", "document"),
    ItemKind.SCORM: ("scorm", "scorm"),
    ItemKind.XAPI: ("h5pactivity", "other"),
    ItemKind.TEST: ("quiz", "quiz"),
    ItemKind.SURVEY: ("feedback", "survey"),
    ItemKind.ASSIGNMENT: ("assign", "assignment"),
    ItemKind.DISCUSSION: ("forum", "discussion"),
    ItemKind.LIVE_SESSION: ("bigbluebuttonbn", "live_session"),
    ItemKind.LINK: ("url", "link"),
    ItemKind.FLASHCARDS: ("glossary", "other"),
}
"""The name of the activity's module, and the unified type."""


def users(world: World, *, timezone: str = _LONDON, site_admin: bool = False, **_: object) -> list[Row]:
    """Everybody who is not deleted; the guest account is nobody."""
    return [_user(world, person, timezone, site_admin) for person in world.people.values()]


def _user(world: World, person: Person, timezone: str, site_admin: bool) -> Row:
    status, word = _account(person)
    organizations = [world.organizations[number].name for number in person.organization_ids]
    phones = [{"number": person.phone, "extension": None, "type": None}] if person.phone else None
    return row(
        "users",
        id=str(person.id),
        first_name=text(person.first_name),
        last_name=text(person.last_name),
        name=_full_name(person),
        username=person.login if person.login != person.email else None,
        emails=own_email(person.email),
        status=status,
        status_source=word,
        phones=phones if site_admin else None,
        locale=person.language,
        timezone=None if person.timezone == timezone else person.timezone,
        organization={"id": None, "name": organizations[0]} if organizations else None,
        custom_fields=_profile(person, timezone),
    )


def _account(person: Person) -> tuple[str, str | None]:
    if person.state is PersonState.SUSPENDED:
        return "suspended", "suspended"
    return ("inactive", "nologin") if person.state is PersonState.INACTIVE else ("active", None)


def _full_name(person: Person) -> str:
    """Who has no family name has a space for one, since Moodle wants one."""
    return f"{person.first_name} {person.last_name or ' '}"


def _profile(person: Person, timezone: str) -> Row:
    """Custom fields with a value. A checkbox has one whether it was touched or not; a date is midnight at the site."""
    found = {_PERSON_KEYS[number]: value for number, value in person.custom_fields.items() if value}
    found["newsletter"] = "1" if person.custom_fields.get(2) == "on" else "0"
    if "hiredon" in found:
        day = datetime.combine(date.fromisoformat(found["hiredon"]), time(), ZoneInfo(timezone))
        found["hiredon"] = str(instant(day))
    return dict(found)


def courses(world: World, *, course_update: bool = False, **_: object) -> list[Row]:
    """All courses; the front page is none."""
    return [_course(world, course, course_update) for course in world.courses.values()]


def _course(world: World, course: Course, dated: bool) -> Row:
    shown = course.state is CourseState.PUBLISHED
    category = world.categories.get(course.category_id or 0)
    audited = {"audited": int(course.custom_fields.get(2) == "on")}
    plain = {_COURSE_KEYS[1]: course.custom_fields[1]} if course.custom_fields.get(1) else {}
    period = {"starts_at": instant(course.starts_at), "ends_at": instant(course.ends_at)}
    return row(
        "courses",
        id=str(course.id),
        title=text(course.title),
        description=text(course.description),
        code=_code(course),
        type="course",
        status="published" if shown else "disabled",
        status_source="visible" if shown else "hidden",
        language=course.language,
        categories=[
            {"id": str(category.id), "name": category.name}
            if category
            else {"id": "99", "name": "Miscellaneous"}
        ],
        created_at=instant(course.created_at) if dated else None,
        updated_at=instant(course.updated_at) if dated else None,
        custom_fields={**plain, **audited, **{key: value for key, value in period.items() if value}},
    )


def _code(course: Course) -> str:
    """The short name, which no course goes without."""
    return course.code or f"course-{course.id}"


def course_items(world: World, *, domain: str = _DOMAIN, **_: object) -> list[Row]:
    """The sections of each course, "General" first, each followed by its activities."""
    return [found for course in world.courses.values() for found in _items(course, domain)]


def _items(course: Course, domain: str) -> Iterator[Row]:
    sections = [("General", 1_000_000 + course.id, "", _direct(course.items))]
    sections += [
        (item.title, item.id, item.description, _direct(item.children))
        for item in course.walk()
        if item.kind is ItemKind.SECTION
    ]
    for place, (title, number, summary, children) in enumerate(sections, 1):
        section = {"id": f"section:{number}", "title": title}
        yield _section(course, section, summary, place)
        for index, child in enumerate(children, 1):
            yield _activity(course, section, child, index, domain)


def _direct(items: tuple[Item, ...]) -> list[Item]:
    return [item for item in items if item.kind is not ItemKind.SECTION]


def _section(course: Course, section: Row, summary: str, place: int) -> Row:
    return row(
        "course_items",
        id=section["id"],
        course={"id": str(course.id), "title": course.title},
        type="section",
        title=section["title"],
        description=text(summary),
        position=place,
    )


def _activity(course: Course, section: Row, item: Item, place: int, domain: str) -> Row:
    module, kind = _ITEM_TYPES[item.kind]
    return row(
        "course_items",
        id=f"module:{item.id}",
        course={"id": str(course.id), "title": course.title},
        parent=section,
        type=kind,
        type_source=module,
        title=text(item.title),
        description=text(item.description),
        position=place,
        urls=link(f"https://{domain}/mod/{module}/view.php?id={item.id}"),
    )


@dataclass(frozen=True)
class _Reading:
    """What a connection reads of enrolments."""

    timezone: str = _LONDON
    report: bool = False
    completion: bool = True
    progress: bool = True
    scores: bool = True


def course_enrollments(world: World, **options: Any) -> list[Row]:
    """The records of learners, course by course.

    `report` says that there is a custom report, `completion`, `progress` and `scores` what the connection reads.
    """
    known = {field.name: options[field.name] for field in fields(_Reading) if field.name in options}
    return [
        _enrollment(world, course, record, _Reading(**known))
        for course in world.courses.values()
        for record in world.records_in(course.id)
        if record.role is CourseRole.LEARNER
    ]


def _enrollment(world: World, course: Course, record: LearningRecord, reading: _Reading) -> Row:
    person = world.person(record.person_id)
    in_force = record.expires_at is None or record.expires_at > world.now
    told = reading.report or (reading.completion and in_force)
    completed = told and bool(_activities(course)) and record.progress in _COMPLETED
    share = _share(course, record) if reading.report or (reading.progress and in_force) else None
    status, word = _status(record, in_force, completed, share, reading.report)
    expires = _minute(record.expires_at, reading)
    return row(
        "course_enrollments",
        id=composite_id(course.id, person.id),
        user={"id": str(person.id), "name": _full_name(person), "emails": own_email(person.email)},
        course={"id": str(course.id), "title": text(course.title)},
        status=status,
        status_source=word,
        enrolled_at=_minute(record.enrolled_at, reading),
        last_activity_at=instant(record.last_activity_at),
        completed_at=_minute(record.completed_at, reading) if completed else None,
        progress_percent=None if share is None else round(share, 1 if reading.report else 2),
        score=record.score if reading.scores else None,
        custom_fields={"expires_at": expires} if expires else None,
    )


def _status(
    record: LearningRecord, in_force: bool, completed: bool, share: float | None, report: bool
) -> tuple[str, str | None]:
    """A report tells that an enrolment's time is over: from a visit after its beginning it follows which end."""
    if completed:
        return "completed", None if in_force else "Not current"
    if in_force:
        return ("in_progress" if share or record.last_activity_at else "enrolled"), None
    if not report:
        return "unknown", "suspended"
    return ("expired" if record.last_activity_at else "unknown"), "Not current"


def _activities(course: Course) -> list[Item]:
    return [item for item in course.walk() if item.kind is not ItemKind.SECTION]


def _share(course: Course, record: LearningRecord) -> float | None:
    """Activities completed, in percent, of which the site keeps as many as the world's percentage gives.

    A test that was failed is not completed. Null where there is nothing to complete.
    """
    found = _activities(course)
    begun = found[: len(found) * record.percent // 100]
    failed = record.progress is Progress.FAILED
    done = [item for item in begun if not (failed and item.kind is ItemKind.TEST)]
    return 100 * len(done) / len(found) if found else None


def _minute(moment: datetime | None, reading: _Reading) -> str | None:
    """An instant as a report shows it, and nothing else does: in local time and without its seconds."""
    if moment is None or not reading.report:
        return None
    return by_wall_clock(moment.replace(second=0), reading.timezone)


ORACLES: dict[str, Callable[..., list[Row]]] = {
    "users": users,
    "courses": courses,
    "course_items": course_items,
    "course_enrollments": course_enrollments,
}
