"""The sandbox's world in unified terms, as nobody's provider tells it, and what a provider tells in the same terms.

People go by their first address, courses by their title, content by its course, its title and which of its namesakes
it is, enrolments by both. Ids, links and the words beside enums are each provider's own, and are not compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sources.unified_lms.sandbox import World
from sources.unified_lms.sandbox.entities import (
    Course,
    CourseRole,
    CourseState,
    FieldDefinition,
    Item,
    ItemKind,
    LearningRecord,
    Person,
    Progress,
)
from sources.unified_lms.sandbox.oracles.rows import instant
from tests.contract.harness import Reading, readable

Key = tuple[Any, ...]
Neutral = dict[str, Any]
Rows = dict[str, dict[str, dict[str, Any]]]
"""The readable rows of a provider, by resource and id."""

_STATES = {CourseState.DRAFT: "draft", CourseState.PUBLISHED: "published", CourseState.DISABLED: "disabled"}
_KINDS = {
    ItemKind.TEST: "quiz",
    ItemKind.FLASHCARDS: "other",
}
"""The unified types of what the world calls otherwise."""
_STATUSES = {Progress.NOT_STARTED: "enrolled"}


@dataclass(frozen=True)
class Fact:
    """One thing of the world: what it is, and its unified row with neutral references."""

    subject: Any
    row: Neutral
    depth: int = 0
    """How many sections a piece of content lies in."""


def _name(person: Person) -> str:
    return " ".join(filter(None, (person.first_name, person.last_name)))


def _plain(definitions: tuple[FieldDefinition, ...], values: Mapping[int, str]) -> list[str]:
    """The values of custom fields that every provider writes alike: texts and choices."""
    kinds = {one.number: one.kind for one in definitions}
    return sorted(v for number, v in values.items() if v and kinds[number] in ("text", "dropdown"))


def _own(values: list[str], **instants: str | None) -> Neutral | None:
    known: Neutral = {name: value for name, value in instants.items() if value}
    return (known | {"values": values} if values else known) or None


# -- the truth -------------------------------------------------------------------------------------


def users(world: World) -> dict[Key, Fact]:
    """Everybody."""
    return {(one.email.casefold(),): Fact(one, _user(world, one)) for one in world.people.values()}


def _user(world: World, person: Person) -> Neutral:
    manager = world.people.get(person.manager_id or 0)
    organizations = [world.organizations[number].name for number in person.organization_ids]
    return {
        "first_name": person.first_name or None,
        "last_name": person.last_name or None,
        "name": _name(person),
        "username": person.login if person.login != person.email else None,
        "emails": [person.email, *person.other_emails],
        "status": str(person.state),
        "role": str(person.role),
        "phones": [person.phone] if person.phone else None,
        "locale": person.language,
        "timezone": person.timezone,
        "job_title": person.job_title,
        "organization": organizations[0] if organizations else None,
        "manager": _name(manager) if manager else None,
        "created_at": instant(person.created_at),
        "updated_at": instant(person.updated_at),
        "custom_fields": _own(
            _plain(world.person_fields, person.custom_fields), expires_at=instant(person.deactivates_at)
        ),
    }


def courses(world: World) -> dict[Key, Fact]:
    """All courses."""
    return {(one.title,): Fact(one, _course(world, one)) for one in world.courses.values()}


def _course(world: World, course: Course) -> Neutral:
    category = world.categories.get(course.category_id or 0)
    organizations = [world.organizations[number].name for number in course.organization_ids]
    return {
        "title": course.title,
        "description": course.description or None,
        "code": course.code or None,
        "type": "course",
        "status": _STATES[course.state],
        "language": course.language,
        "duration_seconds": None,
        "level": None,
        "tags": None,
        "categories": [category.name] if category else None,
        "organization": organizations[0] if organizations else None,
        "published_at": None,
        "created_at": instant(course.created_at),
        "updated_at": instant(course.updated_at),
        "custom_fields": _own(
            _plain(world.course_fields, course.custom_fields),
            starts_at=instant(course.starts_at),
            ends_at=instant(course.ends_at),
        ),
    }


def course_items(world: World) -> dict[Key, Fact]:
    """All content, sections as such."""
    found: dict[Key, Fact] = {}
    for course in world.courses.values():
        seen: Counter[str] = Counter()
        for item, above, position in _placed(course.items, ()):
            seen[item.title] += 1
            row = _item(item, above[-1] if above else None, position)
            found[course.title, item.title, seen[item.title]] = Fact(item, row, len(above))
    return found


def _placed(
    siblings: tuple[Item, ...], above: tuple[Item, ...]
) -> Iterator[tuple[Item, tuple[Item, ...], int]]:
    """Each item in reading order, the sections that it lies in, and its place among its siblings."""
    for position, item in enumerate(siblings, 1):
        yield item, above, position
        yield from _placed(item.children, (*above, item))


def _item(item: Item, parent: Item | None, position: int) -> Neutral:
    section = item.kind is ItemKind.SECTION
    return {
        "parent": parent.title if parent else None,
        "type": _KINDS.get(item.kind, str(item.kind)),
        "title": item.title,
        "description": item.description or None,
        "position": position,
        "duration_seconds": item.duration_seconds,
        "is_required": None if section else item.required,
        "created_at": None,
        "updated_at": None,
    }


def course_enrollments(world: World) -> dict[Key, Fact]:
    """What learners are and have done; instructors are in no provider's rows."""
    return {
        (world.person(record.person_id).email.casefold(), world.course(record.course_id).title): Fact(
            record, _enrollment(world, record)
        )
        for person_id in world.people
        for record in world.records_of(person_id)
        if record.role is CourseRole.LEARNER
    }


def _enrollment(world: World, record: LearningRecord) -> Neutral:
    return {
        "user_name": _name(world.person(record.person_id)),
        "status": _STATUSES.get(record.progress, str(record.progress)),
        "assigned_at": None,
        "due_at": instant(record.due_at),
        "enrolled_at": instant(record.enrolled_at),
        "started_at": instant(record.started_at),
        "last_activity_at": instant(record.last_activity_at),
        "completed_at": instant(record.completed_at),
        "progress_percent": record.percent,
        "time_spent_seconds": record.seconds,
        "score": record.score,
        "is_mandatory": record.mandatory,
        "assigned_by": None,
        "attempt_number": None,
        "attempts_count": record.attempts,
        "created_at": instant(record.enrolled_at),
        "updated_at": instant(record.updated_at),
        "custom_fields": _own([], expires_at=instant(record.expires_at)),
    }


GONE = "somebody who is no longer there"
"""In the place of the address of a person who is in no list."""

TRUTH: dict[str, Callable[[World], dict[Key, Fact]]] = {
    "users": users,
    "courses": courses,
    "course_items": course_items,
    "course_enrollments": course_enrollments,
}
"""The world by resource."""

FIELDS: dict[str, tuple[str, ...]] = {
    resource: tuple(next(iter(truth(World()).values())).row) for resource, truth in TRUTH.items()
}
"""What is compared of each resource."""


# -- what is told ----------------------------------------------------------------------------------


def rows_of(readings: Mapping[str, Reading]) -> Rows:
    """The readings' rows as plain values, in the order in which they came."""
    return {
        resource: {key: readable(resource, row) for key, row in reading.rows.items()}
        for resource, reading in readings.items()
    }


def told(world: World, rows: Rows, resource: str) -> dict[Key, Neutral]:
    """What a provider's rows tell, in the terms of the truth."""
    keys = _keys(rows, resource)
    assert len(set(keys.values())) == len(keys), "two rows tell of the same thing"
    return {keys[number]: _told(world, resource, row) for number, row in rows[resource].items()}


def _keys(rows: Rows, resource: str) -> dict[str, Key]:
    """The neutral key of each row by its id."""
    people = {number: row["emails"][0]["email"].casefold() for number, row in rows["users"].items()}
    titles = {number: row["title"] for number, row in rows["courses"].items()}
    if resource == "users":
        return {number: (people[number],) for number in rows[resource]}
    if resource == "courses":
        return {number: (titles[number],) for number in rows[resource]}
    if resource == "course_enrollments":
        return {
            number: (people.get(row["user__id"], GONE), titles[row["course__id"]])
            for number, row in rows[resource].items()
        }
    seen: Counter[tuple[str, str]] = Counter()
    found: dict[str, Key] = {}
    for number, row in rows[resource].items():
        name = (titles[row["course__id"]], row["title"])
        seen[name] += 1
        found[number] = (*name, seen[name])
    return found


def _told(world: World, resource: str, row: dict[str, Any]) -> Neutral:
    return {field: _value(world, field, row) for field in FIELDS[resource]}


def _value(world: World, field: str, row: dict[str, Any]) -> Any:
    if field in ("organization", "manager", "parent", "assigned_by"):
        return row[f"{field}__title" if field == "parent" else f"{field}__name"]
    if field == "user_name":
        return row["user__name"]
    value = row[field]
    if field == "custom_fields":
        return _custom(world, value or {})
    inner = {"emails": "email", "phones": "number", "categories": "name"}.get(field)
    return [entry[inner] for entry in value] if inner and value else value


def _custom(world: World, told_fields: Mapping[str, Any]) -> Neutral | None:
    """Values that the world has, whatever their keys, and the instants that the model has no field for."""
    known = {
        value for one in world.people.values() for value in _plain(world.person_fields, one.custom_fields)
    }
    known |= {
        value for one in world.courses.values() for value in _plain(world.course_fields, one.custom_fields)
    }
    instants = {name: told_fields.get(name) for name in ("expires_at", "starts_at", "ends_at")}
    return _own(sorted(v for v in told_fields.values() if isinstance(v, str) and v in known), **instants)
