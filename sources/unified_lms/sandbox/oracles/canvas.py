"""What Canvas (REST API v1) can tell of a world.

What it cannot: telephones, job titles, managers, the organisation of a user, roles other than an administrator's,
suspension (without a call for each user), when a user or course was last changed; levels, durations, tags and custom
fields of courses; content that stands in no module, sections within sections (they are headings among a module's
items), what kind of content a file or an external tool is, descriptions of content; whether a learner has passed or
failed, what was completed in a course whose modules require nothing, progress finer than the requirements that are met,
when an enrolment was due, when the learner started, attempts, and whether it is mandatory.

An enrolment that has ended is still told, as a deleted one; so is that of a learner who was deleted, but not that of a
deleted course.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

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
    Role,
)
from sources.unified_lms.sandbox.oracles.rows import Row, instant, link, own_email, row, text
from sources.unified_lms.sandbox.world import World

_DOMAIN = "academy.example.org"
_SHARD = 2107

_COURSE_STATES = {
    CourseState.DRAFT: ("draft", "unpublished"),
    CourseState.PUBLISHED: ("published", "available"),
    CourseState.DISABLED: ("archived", "completed"),
}
# The word of Canvas, the unified type, what it takes to complete one.
_TOOL = ("ExternalTool", "other", "must_view")
_FILE = ("File", "document", "must_view")
_QUIZ = ("Quiz", "quiz", "min_score")
_ITEMS = {
    ItemKind.SECTION: ("SubHeader", "other", None),
    ItemKind.PAGE: ("Page", "page", "must_view"),
    ItemKind.DOCUMENT: _FILE,
    ItemKind.VIDEO: _FILE,
    ItemKind.AUDIO: _FILE,
    ItemKind.SCORM: _TOOL,
    ItemKind.XAPI: _TOOL,
    ItemKind.LIVE_SESSION: _TOOL,
    ItemKind.FLASHCARDS: _TOOL,
    ItemKind.TEST: _QUIZ,
    ItemKind.SURVEY: _QUIZ,
    ItemKind.ASSIGNMENT: ("Assignment", "assignment", "must_submit"),
    ItemKind.DISCUSSION: ("Discussion", "discussion", "must_contribute"),
    ItemKind.LINK: ("ExternalUrl", "link", "must_view"),
}


@dataclass(frozen=True)
class _Site:
    """How one Canvas numbers things and where its pages are."""

    shard: int
    domain: str

    def id(self, number: int) -> str:
        """Ids are the shard, and thirteen digits of the thing's own."""
        return f"{self.shard}{number:013d}"

    def page(self, path: str) -> str:
        return f"https://{self.domain}{path}"


def users(
    world: World, *, shard: int = _SHARD, domain: str = _DOMAIN, names_apart: bool = True, **_: object
) -> list[Row]:
    """Everybody who is not deleted; older versions have names in one piece only, as "Last, First"."""
    site = _Site(shard, domain)
    people = sorted(world.people.values(), key=lambda person: person.id)
    return [_user(site, person, names_apart) for person in people]


def _user(site: _Site, person: Person, names_apart: bool) -> Row:
    first, last = text(person.first_name), text(person.last_name)
    told = names_apart or (first is not None and last is not None)
    sis = {"sis_user_id": f"S-{person.id:05d}"} if person.organization_ids else None
    admin = person.role is Role.ADMIN
    return row(
        "users",
        id=site.id(person.id),
        first_name=first if told else None,
        last_name=last if told else None,
        name=" ".join(filter(None, (first, last))),
        username=person.login if person.login != person.email else None,
        emails=own_email(person.email),
        status="active",
        role="admin" if admin else None,
        role_source=(person.role_name or "AccountAdmin") if admin else None,
        locale=person.language,
        timezone=person.timezone,
        created_at=instant(person.created_at),
        custom_fields=sis,
    )


def courses(world: World, *, shard: int = _SHARD, domain: str = _DOMAIN, **_: object) -> list[Row]:
    """All courses that are not deleted."""
    site = _Site(shard, domain)
    return [_course(world, site, course) for course in world.courses.values()]


def _course(world: World, site: _Site, course: Course) -> Row:
    status, word = _COURSE_STATES[course.state]
    account = (*course.organization_ids, 1)[0]
    own = {
        "sis_course_id": f"C-{course.code}" if course.code else None,
        "starts_at": instant(course.starts_at),
        "ends_at": instant(course.ends_at),
    }
    return row(
        "courses",
        id=site.id(course.id),
        title=text(course.title),
        description=text(course.description),
        code=text(course.code),
        type="course",
        status=status,
        status_source=word,
        language=course.language,
        urls=link(site.page(f"/courses/{site.id(course.id)}")),
        categories=[{"id": site.id(1), "name": "Default Term"}],
        organization={"id": site.id(account), "name": world.organizations[account].name},
        created_at=instant(course.created_at),
        custom_fields=_known(own) or None,
    )


def course_items(world: World, *, shard: int = _SHARD, domain: str = _DOMAIN, **_: object) -> list[Row]:
    """Modules, and what is in them: whatever stands under a section, in one row."""
    site = _Site(shard, domain)
    return [found for course in world.courses.values() for found in _content(site, course)]


def _content(site: _Site, course: Course) -> Iterator[Row]:
    within = {"id": site.id(course.id), "title": text(course.title)}
    for place, module in enumerate(_modules(course), 1):
        above = {"id": f"module:{site.id(module.id)}", "title": text(module.title)}
        yield row(
            "course_items",
            id=above["id"],
            course=within,
            type="module",
            title=above["title"],
            position=place,
            custom_fields={"published": True},
        )
        for position, item in enumerate(_below(module), 1):
            yield _item(site, course, within, above, item, position)


def _modules(course: Course) -> list[Item]:
    return [item for item in course.items if item.kind is ItemKind.SECTION]


def _below(module: Item) -> list[Item]:
    """All that is in a module, however deep, in reading order."""
    return list(module.walk())[1:]


def _item(site: _Site, course: Course, within: Row, above: Row, item: Item, position: int) -> Row:
    word, kind, requirement = _ITEMS[item.kind]
    required = item.required and requirement is not None
    urls = link(site.page(f"/courses/{site.id(course.id)}/modules/items/{site.id(item.id)}")) or []
    if item.kind is ItemKind.SECTION:
        urls = []
    if item.kind is ItemKind.LINK:
        urls += link(site.page(f"/away/{item.id}"), "external") or []
    own = {
        "requirement": requirement if required else None,
        "min_score": 5 if required and requirement == "min_score" else None,
        "points_possible": 10 if word in ("Quiz", "Assignment") else None,
        "published": True,
    }
    return row(
        "course_items",
        id=f"item:{site.id(item.id)}",
        course=within,
        parent=above,
        type=kind,
        type_source=word,
        title=text(item.title),
        position=position,
        is_required=required,
        urls=urls or None,
        custom_fields=_known(own),
    )


def course_enrollments(world: World, *, shard: int = _SHARD, domain: str = _DOMAIN, **_: object) -> list[Row]:
    """The enrolments of students in every course that is not deleted; who has left is among them."""
    site = _Site(shard, domain)
    return [
        _enrollment(world, site, course, record)
        for course in world.courses.values()
        for record in _records(world, course)
        if record.role is CourseRole.LEARNER
    ]


def _records(world: World, course: Course) -> Iterator[LearningRecord]:
    """One for each person: of those who came back, the present one."""
    latest = {record.person_id: record for record in world.former_records if record.course_id == course.id}
    latest |= {record.person_id: record for record in world.records_in(course.id)}
    known = world.people.keys() | world.deleted_people.keys()
    return (record for person_id, record in latest.items() if person_id in known)


def _enrollment(world: World, site: _Site, course: Course, record: LearningRecord) -> Row:
    person = world.people.get(record.person_id) or world.deleted_people[record.person_id]
    state = _state(record, person)
    count = _requirements(course) if state in ("active", "invited", "completed") else 0
    all_met = bool(count) and record.progress in (Progress.COMPLETED, Progress.PASSED)
    met = count if all_met else min(record.percent * count // 100, count - 1)
    own = {
        "expires_at": instant(record.expires_at),
        "type": "StudentEnrollment",
        "role": "StudentEnrollment",
        "section_id": site.id(course.id),
        "requirements_met": False if state == "completed" and count and not all_met else None,
    }
    return row(
        "course_enrollments",
        id=f"{site.shard}{course.id * 10_000_000 + person.id:013d}",
        user={"id": site.id(person.id), "name": _full_name(person), "emails": None},
        course={"id": site.id(course.id), "title": text(course.title)},
        status=_status(state, all_met, met, record),
        status_source=state,
        enrolled_at=instant(record.enrolled_at or record.updated_at),
        last_activity_at=instant(record.last_activity_at),
        completed_at=instant(record.completed_at) if all_met else None,
        progress_percent=round(100 * met / count, 2) if count else None,
        time_spent_seconds=record.seconds or 0,
        score=record.score,
        urls=link(site.page(f"/courses/{site.id(course.id)}/users/{site.id(person.id)}")),
        created_at=instant(record.enrolled_at or record.updated_at),
        updated_at=instant(record.updated_at),
        custom_fields=_known(own),
    )


def _full_name(person: Person) -> str | None:
    return text(" ".join(filter(None, (person.first_name, person.last_name))))


def _requirements(course: Course) -> int:
    below = [item for module in _modules(course) for item in _below(module)]
    return sum(item.required and item.kind is not ItemKind.SECTION for item in below)


def _state(record: LearningRecord, person: Person) -> str:
    """The word of Canvas. An ending, by passing or failing, is "completed"; to have done everything is not."""
    if record.removed_at is not None:
        return "deleted"
    if person.state is PersonState.INACTIVE:
        return "inactive"
    if record.progress in (Progress.PASSED, Progress.FAILED):
        return "completed"
    return "invited" if record.enrolled_at is None else "active"


def _status(state: str, all_met: bool, met: int, record: LearningRecord) -> str:
    if state in ("deleted", "inactive"):
        return "withdrawn"
    if all_met or state == "completed":
        return "completed"
    if state == "invited":
        return "assigned"
    return "in_progress" if met > 0 or record.last_activity_at is not None else "enrolled"


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


ORACLES: dict[str, Callable[..., list[Row]]] = {
    "users": users,
    "courses": courses,
    "course_items": course_items,
    "course_enrollments": course_enrollments,
}
