"""Grows a world to any size, the same way for the same seed."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from sources.unified_lms.sandbox.core_courses import EMPTY_COURSES
from sources.unified_lms.sandbox.entities import (
    START,
    Course,
    CourseRole,
    Item,
    ItemKind,
    LearningRecord,
    Person,
    PersonState,
    Progress,
)

if TYPE_CHECKING:
    from sources.unified_lms.sandbox.world import World

_FIRST = (
    "Amina",
    "Bence",
    "Chloé",
    "Dmitri",
    "Eun-ji",
    "Fátima",
    "Grzegorz",
    "Hiroko",
    "Inés",
    "Jürgen",
    "Kwame",
    "Łucja",
)
_LAST = (
    "Achebe",
    "Björk",
    "Castillo",
    "Dąbrowska",
    "Ebersbach",
    "Fonseca",
    "García",
    "Haddad",
    "Ilić",
    "N'Diaye",
    "O'Shea",
)
_LANGUAGES = ("en", "en", "en", "de", "fr", "es", "it", "el", "pl", "ja")
_TOPICS = (
    "Data protection",
    "Fire & evacuation",
    "Négociation",
    "Spreadsheets",
    "First aid",
    "Welding <basics>",
)
_KINDS = (ItemKind.SCORM, ItemKind.PAGE, ItemKind.VIDEO, ItemKind.TEST, ItemKind.ASSIGNMENT, ItemKind.LINK)
_FIRST_GROWN_PERSON, _FIRST_GROWN_COURSE = 1001, 1001


class _Chance(Random):
    """Chance that can be had again: the same seed, the same throws."""


def grow(world: World, seed: int, people: int, courses: int, enrolments_per_person: int) -> None:
    """Adds people and courses until there are as many as asked for, and the new people's learning records."""
    random = _Chance(seed)
    with world.lock:
        for index in range(max(0, courses - len(world.courses))):
            course = _course(world, random, _FIRST_GROWN_COURSE + index)
            world.add_course(course)
            world.add_record(_teaching(course))
        open_courses = [course for course in world.courses.values() if course.id not in EMPTY_COURSES]
        for index in range(max(0, people - len(world.people))):
            person = world.add_person(_person(random, _FIRST_GROWN_PERSON + index))
            for course in random.sample(open_courses, min(enrolments_per_person, len(open_courses))):
                world.add_record(_record(random, course, person))


def _course(world: World, random: Random, number: int) -> Course:
    created = _before(random, START, years=5)
    sections = tuple(_section(world, random, part) for part in range(random.randint(1, 4)))
    topic = random.choice(_TOPICS)
    return Course(
        number,
        f"{topic} {number}",
        created,
        created + timedelta(seconds=random.randrange(1, 86_400 * 30)) if random.random() < 0.5 else created,
        code=f"GEN-{number}",
        description=f"Course {number} about {topic.lower()}.",
        category_id=random.choice((1, 2, 3)),
        owner_id=2,
        items=sections,
    )


def _section(world: World, random: Random, part: int) -> Item:
    section_id = world.next_id("item")
    units = tuple(
        Item(world.next_id("item"), random.choice(_KINDS), f"Unit {part + 1}.{unit + 1}")
        for unit in range(random.randint(1, 5))
    )
    return Item(section_id, ItemKind.SECTION, f"Part {part + 1}", children=units)


def _teaching(course: Course) -> LearningRecord:
    return LearningRecord(
        course.id, course.owner_id, course.created_at, CourseRole.INSTRUCTOR, enrolled_at=course.created_at
    )


def _person(random: Random, number: int) -> Person:
    created = _before(random, START, years=4)
    return Person(
        number,
        f"user{number}",
        random.choice(_FIRST),
        random.choice(_LAST),
        f"user{number}@example.com",
        created,
        created + timedelta(seconds=random.randrange(0, 86_400 * 30)) if random.random() < 0.5 else created,
        state=PersonState.INACTIVE if random.random() < 0.05 else PersonState.ACTIVE,
        language=random.choice(_LANGUAGES),
        organization_ids=(random.choice((1, 2, 3)),) if random.random() < 0.8 else (),
        custom_fields={1: f"Customer {number % 17}", 2: random.choice(("on", "off"))},
    )


def _record(random: Random, course: Course, person: Person) -> LearningRecord:
    enrolled = _before(random, START, years=1)
    record = LearningRecord(course.id, person.id, enrolled, enrolled_at=enrolled)
    chance = random.random()
    if chance < 0.3:
        return record
    record.started_at = enrolled + timedelta(seconds=random.randrange(60, 600))
    record.seconds = random.randrange(1, 20_000)
    record.last_activity_at = record.updated_at = record.started_at + timedelta(seconds=record.seconds)
    record.attempts = 1
    record.progress, record.percent = Progress.IN_PROGRESS, random.randrange(0, 100)
    if chance > 0.6:
        record.progress, record.percent = Progress.COMPLETED, 100
        record.completed_at = record.last_activity_at
    return record


def _before(random: Random, moment: datetime, years: int) -> datetime:
    """An instant within so many years before the moment, a month before it at the latest."""
    return moment - timedelta(seconds=random.randrange(86_400 * 31, 86_400 * 365 * years))
