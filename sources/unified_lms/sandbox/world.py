"""The world that the sandbox's dialects tell about, and all that can be done to it.

Its clock stands still by itself and never looks at the machine's: `world.now` moves by one second with every
write (so that no two changes share an instant) and by whatever `tick` is given. Whatever reads or writes more
than one thing holds `world.lock`, which may be entered again by the thread that holds it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from threading import RLock
from typing import Any

from sources.unified_lms.sandbox.core import populate_core
from sources.unified_lms.sandbox.entities import (
    START,
    Category,
    Course,
    CourseRole,
    FieldDefinition,
    Group,
    Item,
    ItemKind,
    LearningRecord,
    Organization,
    Person,
    PersonState,
    Progress,
)
from sources.unified_lms.sandbox.errors import ConflictError, NotFoundError, WorldError
from sources.unified_lms.sandbox.growth import grow
from sources.unified_lms.sandbox.script import play
from sources.unified_lms.sandbox.trees import with_item

__all__ = ["DONE", "START", "ConflictError", "NotFoundError", "World", "WorldError"]

DONE = frozenset({Progress.COMPLETED, Progress.PASSED, Progress.FAILED})
"""The states in which a learner has come to an end of a course."""


class World:
    """People, courses, content trees and learning records, and the writes that providers offer.

    `World()` is the hand-written core of awkward cases (`core.py`), `World.generate(...)` grows it to any
    size, and `World(populate=False)` is empty.
    """

    def __init__(self, *, populate: bool = True) -> None:
        """A world with its core, or nothing in it."""
        self.lock = RLock()
        self.now = START
        self.organizations: dict[int, Organization] = {}
        self.groups: dict[int, Group] = {}
        self.categories: dict[int, Category] = {}
        self.person_fields: tuple[FieldDefinition, ...] = ()
        self.course_fields: tuple[FieldDefinition, ...] = ()
        self.people: dict[int, Person] = {}
        self.courses: dict[int, Course] = {}
        self.deleted_people: dict[int, Person] = {}
        self.deleted_courses: dict[int, Course] = {}
        self.former_records: list[LearningRecord] = []
        """Records that ended by unenrolment or deletion, `removed_at` set, oldest first."""
        self.steps_done: list[int] = []
        self._by_login: dict[str, int] = {}
        self._by_email: dict[str, int] = {}
        self._by_person: dict[int, dict[int, LearningRecord]] = {}
        self._by_course: dict[int, dict[int, LearningRecord]] = {}
        self._highest = {"person": 0, "course": 0, "item": 0}
        if populate:
            populate_core(self)

    @classmethod
    def generate(
        cls, seed: int = 0, people: int = 200, courses: int = 20, enrolments_per_person: int = 4
    ) -> World:
        """The core grown to `people` people and `courses` courses in all.

        The same arguments give the same world. Everybody beyond the core gets `enrolments_per_person`
        learning records (fewer if there are fewer courses). Numbers below the core's leave it as it is.
        """
        world = cls()
        grow(world, seed, people, courses, enrolments_per_person)
        return world

    def advance(self, step: int = 1) -> tuple[str, ...]:
        """One scripted set of changes (`script.py` lists them); a sentence for each.

        A step happens only once.
        """
        with self.lock:
            return play(self, step)

    def tick(self, seconds: float = 1) -> datetime:
        """Moves the world's clock on and returns the new instant."""
        with self.lock:
            self.now += timedelta(seconds=seconds)
            return self.now

    # -- what there is -----------------------------------------------------------------------------

    def person(self, person_id: int) -> Person:
        """The person; NotFoundError if there is none, `gone` if deleted."""
        found = self.people.get(person_id)
        if found is None:
            raise NotFoundError("person", person_id, gone=person_id in self.deleted_people)
        return found

    def person_by_login(self, login: str) -> Person:
        """The person with this login, in any case of letters; NotFoundError if there is none."""
        return self.person(self._by_login.get(login.casefold(), -1))

    def person_by_email(self, email: str) -> Person:
        """The person with this primary address, in any case of letters; NotFoundError if there is none."""
        return self.person(self._by_email.get(email.casefold(), -1))

    def course(self, course_id: int) -> Course:
        """The course; NotFoundError if there is none, `gone` if deleted."""
        found = self.courses.get(course_id)
        if found is None:
            raise NotFoundError("course", course_id, gone=course_id in self.deleted_courses)
        return found

    def record(self, course_id: int, person_id: int) -> LearningRecord:
        """The record of a person who is in a course now; NotFoundError if there is none."""
        found = self._by_person.get(person_id, {}).get(course_id)
        if found is None:
            raise NotFoundError("record", (course_id, person_id))
        return found

    def records_of(self, person_id: int) -> list[LearningRecord]:
        """The person's records, in the order of enrolment."""
        return list(self._by_person.get(person_id, {}).values())

    def records_in(self, course_id: int) -> list[LearningRecord]:
        """The course's records, instructors' among them, in the order of enrolment."""
        return list(self._by_course.get(course_id, {}).values())

    def next_id(self, kind: str) -> int:
        """A number never used before for a "person", "course" or "item"."""
        self._highest[kind] += 1
        return self._highest[kind]

    # -- putting things there, without the clock ---------------------------------------------------

    def add_person(self, person: Person) -> Person:
        """Puts a ready-made person into the world; ConflictError if the login or address is taken."""
        if person.login.casefold() in self._by_login:
            raise ConflictError("login")
        if person.email and person.email.casefold() in self._by_email:
            raise ConflictError("email")
        self.people[person.id] = person
        self._index(person)
        self._highest["person"] = max(self._highest["person"], person.id)
        return person

    def add_course(self, course: Course) -> Course:
        """Puts a ready-made course into the world."""
        self.courses[course.id] = course
        highest = max((item.id for item in course.walk()), default=0)
        self._highest["course"] = max(self._highest["course"], course.id)
        self._highest["item"] = max(self._highest["item"], highest)
        return course

    def add_record(self, record: LearningRecord) -> LearningRecord:
        """Puts a ready-made learning record into the world; ConflictError if there is one already."""
        of_person = self._by_person.setdefault(record.person_id, {})
        if record.course_id in of_person:
            raise ConflictError("enrolment")
        record.begins_at = record.begins_at or record.enrolled_at
        of_person[record.course_id] = record
        self._by_course.setdefault(record.course_id, {})[record.person_id] = record
        return record

    def _index(self, person: Person) -> None:
        self._by_login[person.login.casefold()] = person.id
        if person.email:
            self._by_email[person.email.casefold()] = person.id

    def _forget(self, person: Person) -> None:
        self._by_login.pop(person.login.casefold(), None)
        self._by_email.pop(person.email.casefold(), None)

    # -- writes: people ----------------------------------------------------------------------------

    def create_person(self, login: str, first_name: str, last_name: str, email: str, **fields: Any) -> Person:
        """A new account;

        `fields` are further fields of `Person`. ConflictError if login or address is taken.
        """
        with self.lock:
            now = self.tick()
            new = Person(self.next_id("person"), login, first_name, last_name, email, now, now, **fields)
            return self.add_person(new)

    def update_person(self, person_id: int, **changes: Any) -> Person:
        """Sets fields of a person; custom fields and details are merged by key.

        ConflictError if login or address is taken.
        """
        with self.lock:
            person = self.person(person_id)
            self._refuse_taken(person, changes)
            self._forget(person)
            _change(person, changes, self.tick())
            self._index(person)
            return person

    def _refuse_taken(self, person: Person, changes: dict[str, Any]) -> None:
        for name, index in (("login", self._by_login), ("email", self._by_email)):
            if index.get(str(changes.get(name, "")).casefold(), person.id) != person.id:
                raise ConflictError(name)

    def suspend_person(self, person_id: int) -> Person:
        """Suspends an account."""
        return self.update_person(person_id, state=PersonState.SUSPENDED)

    def activate_person(self, person_id: int) -> Person:
        """Makes an account active again."""
        return self.update_person(person_id, state=PersonState.ACTIVE)

    def delete_person(self, person_id: int, *, permanent: bool = False) -> None:
        """Deletes an account and ends its records; unless `permanent`, providers can tell that it existed."""
        with self.lock:
            person = self.person(person_id)
            person.deleted_at = person.updated_at = self.tick()
            self._forget(person)
            del self.people[person_id]
            if not permanent:
                self.deleted_people[person_id] = person
            self._end(self.records_of(person_id))

    # -- writes: courses ---------------------------------------------------------------------------

    def create_course(self, title: str, **fields: Any) -> Course:
        """A new course; `fields` are further fields of `Course`."""
        with self.lock:
            now = self.tick()
            return self.add_course(Course(self.next_id("course"), title, now, now, **fields))

    def update_course(self, course_id: int, **changes: Any) -> Course:
        """Sets fields of a course; custom fields and details are merged by key."""
        with self.lock:
            course = self.course(course_id)
            _change(course, changes, self.tick())
            return course

    def delete_course(self, course_id: int) -> None:
        """Deletes a course and ends its records."""
        with self.lock:
            course = self.course(course_id)
            course.deleted_at = course.updated_at = self.tick()
            self.deleted_courses[course_id] = self.courses.pop(course_id)
            self._end(self.records_in(course_id))

    def add_item(self, course_id: int, kind: ItemKind, title: str, *, section_id: int | None = None) -> Item:
        """Adds a unit at the end of a section, or of the course's root.

        NotFoundError if there is no such section.
        """
        with self.lock:
            course = self.course(course_id)
            item = Item(self.next_id("item"), kind, title)
            course.items = with_item(course.items, item, section_id)
            course.updated_at = self.tick()
            return item

    # -- writes: learning records ------------------------------------------------------------------

    def enrol(
        self, course_id: int, person_id: int, role: CourseRole = CourseRole.LEARNER, **fields: Any
    ) -> LearningRecord:
        """Enrols a person;

        `fields` are further fields of `LearningRecord`. ConflictError if enrolled already.
        """
        with self.lock:
            self.course(course_id), self.person(person_id)
            if course_id in self._by_person.get(person_id, {}):
                raise ConflictError("enrolment")
            now = self.tick()
            return self.add_record(LearningRecord(course_id, person_id, now, role, enrolled_at=now, **fields))

    def unenrol(self, course_id: int, person_id: int) -> LearningRecord:
        """Takes a person out of a course; the ended record. NotFoundError if not enrolled."""
        with self.lock:
            record = self.record(course_id, person_id)
            self.tick()
            self._end([record])
            return record

    def revive(self, course_id: int, person_id: int) -> LearningRecord:
        """Puts a person back into a course with the last record that ended; NotFoundError if there is none."""
        with self.lock:
            self.course(course_id), self.person(person_id)
            for record in reversed(self.former_records):
                if (record.course_id, record.person_id) == (course_id, person_id):
                    self.add_record(record)
                    self.former_records.remove(record)
                    record.removed_at, record.updated_at = None, self.tick()
                    return record
            raise NotFoundError("record", (course_id, person_id))

    def touch(self, record: LearningRecord, **changes: Any) -> LearningRecord:
        """Sets fields of a learning record."""
        with self.lock:
            for name, value in changes.items():
                setattr(record, name, value)
            record.updated_at = self.tick()
            return record

    def _end(self, records: Iterable[LearningRecord]) -> None:
        for record in records:
            record.removed_at = record.updated_at = self.now
            del self._by_person[record.person_id][record.course_id]
            del self._by_course[record.course_id][record.person_id]
            self.former_records.append(record)

    def update_record(self, course_id: int, person_id: int, **changes: Any) -> LearningRecord:
        """Sets fields of a learning record; NotFoundError if not enrolled."""
        with self.lock:
            record = self.record(course_id, person_id)
            for name, value in changes.items():
                setattr(record, name, value)
            record.updated_at = self.tick()
            return record

    def set_progress(self, course_id: int, person_id: int, percent: int, seconds: int = 0) -> LearningRecord:
        """A learner has come to `percent` (0 to 100) and spent `seconds` more on it.

        100 percent do not complete a course; `complete` does.
        """
        if not 0 <= percent <= 100:
            raise ValueError(f"percent is {percent}; it must be from 0 to 100")
        with self.lock:
            record = self.record(course_id, person_id)
            record.percent = percent
            record.progress = Progress.IN_PROGRESS
            record.completed_at = None
            return self._worked(record, seconds)

    def complete(
        self,
        course_id: int,
        person_id: int,
        *,
        outcome: Progress = Progress.COMPLETED,
        score: float | None = None,
        seconds: int = 0,
    ) -> LearningRecord:
        """A learner has completed, passed or failed the course (`outcome`).

        Failing leaves the percentage as it is.
        """
        if outcome not in DONE:
            raise ValueError(f"outcome is {outcome}; it must be completed, passed or failed")
        with self.lock:
            record = self.record(course_id, person_id)
            record.progress = outcome
            record.score = record.score if score is None else score
            self._worked(record, seconds)
            if outcome is not Progress.FAILED:
                record.percent = 100
                record.completed_at = record.updated_at
            return record

    def reset_progress(self, course_id: int, person_id: int) -> LearningRecord:
        """A learner starts again from nothing; the enrolment stays."""
        with self.lock:
            record = self.record(course_id, person_id)
            record.progress, record.percent = Progress.NOT_STARTED, 0
            record.score = record.seconds = record.completed_at = record.started_at = record.last_item_id = (
                None
            )
            record.updated_at = self.tick()
            return record

    def _worked(self, record: LearningRecord, seconds: int) -> LearningRecord:
        now = self.tick()
        record.seconds = (record.seconds or 0) + seconds
        record.started_at = record.started_at or now
        record.last_activity_at = record.updated_at = now
        record.attempts = max(record.attempts, 1)
        return record


def _change(entity: Person | Course, changes: dict[str, Any], now: datetime) -> None:
    """Sets fields and `updated_at`; AttributeError for a field that the entity does not have."""
    for name in ("custom_fields", "details"):
        changes[name] = {**getattr(entity, name), **changes.get(name, {})}
    for name, value in changes.items():
        setattr(entity, name, value)
    entity.updated_at = now
