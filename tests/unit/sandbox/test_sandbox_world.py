"""The world: its awkward cases, its clock, its writes and its script."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest

from sources.unified_lms.sandbox.entities import (
    Course,
    CourseRole,
    ItemKind,
    LearningRecord,
    PersonState,
    Progress,
)
from sources.unified_lms.sandbox.errors import ConflictError, NotFoundError, WorldError
from sources.unified_lms.sandbox.world import World

NINE = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)


def test_a_world_begins_at_a_fixed_instant() -> None:
    """The machine's clock plays no part: every world begins at the same instant."""
    assert World().now == NINE


def test_the_empty_world_is_empty() -> None:
    """Without its core a world holds nobody and nothing."""
    world = World(populate=False)
    assert (world.people, world.courses, world.former_records) == ({}, {}, [])


def _records(world: World) -> list[LearningRecord]:
    return [record for person in world.people for record in world.records_of(person)]


def _courses(world: World) -> list[Course]:
    return list(world.courses.values())


CASES: dict[str, Callable[[World], bool]] = {
    "course without units": lambda w: any(not one.items and w.records_in(one.id) for one in _courses(w)),
    "course without learners": lambda w: any(not w.records_in(one) for one in w.courses),
    "person without courses": lambda w: any(not w.records_of(one) for one in w.people),
    "unit before sections": lambda w: any(c.items and not c.items[0].children for c in _courses(w)),
    "section in section": lambda w: any(
        two.children for c in _courses(w) for one in c.items for two in one.children
    ),
    "instructor": lambda w: any(one.role is CourseRole.INSTRUCTOR for one in _records(w)),
    "time without progress": lambda w: any(one.percent == 0 and one.seconds for one in _records(w)),
    "no date of enrolment": lambda w: any(one.enrolled_at is None for one in _records(w)),
    "expired": lambda w: any(one.expires_at and one.expires_at < w.now for one in _records(w)),
    "will expire": lambda w: any(one.expires_at and one.expires_at > w.now for one in _records(w)),
    "all progress": lambda w: {one.progress for one in _records(w)} == set(Progress),
    "all states": lambda w: {one.state for one in w.people.values()} == set(PersonState),
    "markup in names": lambda w: any(
        "&" in one.last_name and "<" in one.last_name for one in w.people.values()
    ),
    "login is address": lambda w: any(one.login == one.email for one in w.people.values()),
    "long text": lambda w: any(len(one.description) > 5_000 for one in _courses(w)),
    "no family name": lambda w: any(not one.last_name for one in w.people.values()),
    "all kinds": lambda w: {item.kind for one in _courses(w) for item in one.walk()} == set(ItemKind),
    "deleted": lambda w: 27 in w.deleted_people and 27 not in w.people,
}


@pytest.mark.parametrize("case", CASES)
def test_the_core_has_every_awkward_case(case: str) -> None:
    """Each case that the provider notes warn of is somewhere in the core."""
    assert CASES[case](World())


def test_records_are_the_same_from_both_sides() -> None:
    """What a person's list and a course's list say of a record is one and the same object."""
    world = World()
    by_course = [record for course in world.courses for record in world.records_in(course)]
    assert {id(record) for record in by_course} == {id(record) for record in _records(world)}


def test_nothing_in_the_core_is_changed_after_the_world_begins() -> None:
    """No record, person or course of the core comes from the future."""
    world = World()
    changed: list[Any] = [*world.people.values(), *world.courses.values(), *_records(world)]
    assert max(one.updated_at for one in changed) <= NINE


WRITES: dict[str, Callable[[World], Any]] = {
    "create person": lambda w: w.create_person("new", "Ny", "Person", "new@example.org"),
    "update person": lambda w: w.update_person(6, first_name="Zoe"),
    "suspend person": lambda w: w.suspend_person(6),
    "activate person": lambda w: w.activate_person(19),
    "create course": lambda w: w.create_course("New course", code="NEW"),
    "update course": lambda w: w.update_course(101, title="Newer"),
    "enrol": lambda w: w.enrol(103, 26),
    "unenrol": lambda w: w.unenrol(101, 6),
    "set progress": lambda w: w.set_progress(101, 6, 55, seconds=10),
    "complete": lambda w: w.complete(101, 6),
    "reset progress": lambda w: w.reset_progress(101, 6),
    "touch": lambda w: w.touch(w.record(101, 6), concluded=True),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_write_moves_the_clock_and_stamps_what_it_changed(name: str) -> None:
    """Every write takes one second of the world's time and leaves it as `updated_at`."""
    world = World()
    changed = WRITES[name](world)
    assert (world.now, changed.updated_at) == (NINE + timedelta(seconds=1),) * 2


def test_a_new_person_can_be_found_by_login_and_address() -> None:
    """Look-ups ignore the case of letters, as logins and addresses do."""
    world = World()
    new = world.create_person("New.One", "Ny", "Person", "New@Example.org")
    assert world.person_by_login("new.one") is new
    assert world.person_by_email("NEW@example.ORG") is new


def test_a_changed_login_replaces_the_old_one() -> None:
    """After a change of login, the person is found under the new one only."""
    world = World()
    world.update_person(6, login="zoe.new")
    assert world.person_by_login("zoe.new").id == 6
    with pytest.raises(NotFoundError):
        world.person_by_login("zoe")


@pytest.mark.parametrize("change", [{"login": "BJORN"}, {"email": "bjorn.astrom@EXAMPLE.org"}])
def test_a_taken_login_or_address_is_refused(change: dict[str, str]) -> None:
    """Nobody gets the login or the address of somebody else, and the attempt changes nothing."""
    world = World()
    with pytest.raises(ConflictError, match=next(iter(change))):
        world.update_person(6, **change)
    assert (world.person(6).login, world.now) == ("zoe", NINE)


def test_custom_fields_are_merged() -> None:
    """Setting one custom field leaves the others."""
    world = World()
    world.update_person(6, custom_fields={3: "South"})
    assert world.person(6).custom_fields == {1: "Example Ltd", 2: "off", 3: "South"}


def test_deleting_a_person_ends_the_records() -> None:
    """A deleted person is in no course any more, and the ended records are kept with their time."""
    world = World()
    world.delete_person(6)
    assert all(record.person_id != 6 for course in world.courses for record in world.records_in(course))
    assert {record.course_id for record in world.former_records if record.person_id == 6} == {101, 103, 106}
    assert {record.removed_at for record in world.former_records} == {NINE + timedelta(seconds=1)}


@pytest.mark.parametrize(("permanent", "gone"), [(False, True), (True, False)])
def test_a_deleted_person_is_remembered_unless_permanently_deleted(permanent: bool, gone: bool) -> None:
    """Providers can tell a deleted account from one that never was, unless it was deleted for good."""
    world = World()
    world.delete_person(6, permanent=permanent)
    with pytest.raises(NotFoundError) as error:
        world.person(6)
    assert error.value.gone is gone


def test_the_login_of_a_deleted_person_is_free_again() -> None:
    """A login can be used again, and gets a new number."""
    world = World()
    world.delete_person(6)
    assert world.create_person("zoe", "Zoë", "Again", "zoe@example.org").id == 28


def test_deleting_a_course_ends_its_records() -> None:
    """Nobody keeps a record in a deleted course."""
    world = World()
    world.delete_course(101)
    assert all(record.course_id != 101 for record in _records(world))
    with pytest.raises(NotFoundError):
        world.course(101)


def test_nobody_is_enrolled_twice() -> None:
    """A second enrolment in the same course is refused."""
    with pytest.raises(ConflictError, match="enrolment"):
        World().enrol(101, 6)


def test_one_who_was_unenrolled_can_come_back_with_nothing_done() -> None:
    """A new enrolment does not inherit the progress of the one that ended."""
    world = World()
    world.unenrol(101, 6)
    assert (world.enrol(101, 6).percent, world.former_records[-1].percent) == (0, 40)


def test_progress_adds_time_and_starts_the_course() -> None:
    """The first progress sets the start; time spent adds up."""
    world = World()
    world.set_progress(101, 9, 10, seconds=30)
    record = world.set_progress(101, 9, 20, seconds=12)
    assert (record.started_at, record.seconds, record.attempts) == (NINE + timedelta(seconds=1), 42, 1)
    assert record.progress is Progress.IN_PROGRESS


@pytest.mark.parametrize(
    ("outcome", "percent", "completed"),
    [(Progress.COMPLETED, 100, True), (Progress.PASSED, 100, True), (Progress.FAILED, 40, False)],
)
def test_an_outcome_sets_percentage_and_date(outcome: Progress, percent: int, completed: bool) -> None:
    """Completing and passing make 100 percent and a date; failing makes neither."""
    record = World().complete(101, 6, outcome=outcome, score=12.5)
    assert (record.progress, record.percent, record.score) == (outcome, percent, 12.5)
    assert (record.completed_at is not None) is completed


@pytest.mark.parametrize("percent", [-1, 101])
def test_impossible_progress_is_refused(percent: int) -> None:
    """A percentage is from 0 to 100."""
    with pytest.raises(ValueError, match="from 0 to 100"):
        World().set_progress(101, 6, percent)


def test_a_unit_can_be_added_to_a_section_within_a_section() -> None:
    """The new unit stands at the end of the section that was named, and the course has changed."""
    world = World()
    item = world.add_item(107, ItemKind.PAGE, "One more", section_id=1023)
    order = [found.id for found in world.course(107).walk()]
    assert order[order.index(1025) + 1] == item.id == 1034
    assert world.course(107).updated_at == world.now


def test_a_unit_needs_a_section_that_exists() -> None:
    """What is no section takes no units."""
    with pytest.raises(NotFoundError, match="section"):
        World().add_item(107, ItemKind.PAGE, "One more", section_id=1021)


def test_the_first_step_does_what_it_says() -> None:
    """The nine scripted changes have happened, each as the script describes it."""
    world = World()
    assert len(world.advance(1)) == 9
    assert (world.record(101, 6).percent, world.record(101, 6).seconds) == (70, 1_197)
    assert world.record(102, 16).progress is Progress.COMPLETED
    assert world.record(101, 26).enrolled_at == datetime(2026, 3, 3, 9, 0, 3, tzinfo=UTC)
    assert 102 not in [record.course_id for record in world.records_of(15)]
    assert world.person(25).last_name == "After-Wedding & Co"
    assert 24 in world.deleted_people
    assert world.course(103).title == "Without units (still)"
    assert [record.course_id for record in world.records_of(world.person_by_login("noe").id)] == [102]
    assert [item.title for item in world.course(102).walk()][-2] == "What is new"


def test_the_second_step_does_what_it_says() -> None:
    """The six changes of the second step have happened."""
    world = World()
    world.advance(1)
    assert len(world.advance(2)) == 6
    assert world.record(102, 15).percent == 0
    assert world.person(19).state is PersonState.ACTIVE
    assert world.person(14).state is PersonState.SUSPENDED
    assert (108 in world.courses, world.records_of(23)) == (False, [])
    assert world.record(101, 12).progress is Progress.PASSED
    assert world.record(101, 7).progress is Progress.NOT_STARTED


def test_the_script_is_the_same_every_time() -> None:
    """Two worlds that went through the script agree in everything."""
    one, other = World(), World()
    for world in (one, other):
        world.advance(1)
        world.advance(2)
    assert (one.now, one.people, one.courses) == (other.now, other.people, other.courses)
    assert (_records(one), one.former_records) == (_records(other), other.former_records)


@pytest.mark.parametrize(("step", "said"), [(1, "happened already"), (99, "has 1, 2")])
def test_a_step_happens_once_and_must_exist(step: int, said: str) -> None:
    """Playing a step again, or one that the script does not have, is an error."""
    world = World()
    world.advance(1)
    with pytest.raises(WorldError, match=said):
        world.advance(step)


def test_writes_from_many_threads_all_count() -> None:
    """Under one lock no write is lost: every one moved the clock and got a number of its own."""
    world = World()

    def arrive(thread: int) -> None:
        for number in range(50):
            world.create_person(f"p{thread}-{number}", "P", "Q", f"p{thread}-{number}@example.org")

    threads = [Thread(target=arrive, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(world.people) == 26 + 400
    assert world.now == NINE + timedelta(seconds=400)


def test_an_ended_enrolment_can_be_revived() -> None:
    """The record is the one that ended, with what was done in it, and is no former one any longer."""
    world = World()
    [record, *_] = world.records_of(6)
    world.unenrol(record.course_id, 6)
    assert world.revive(record.course_id, 6) is record
    assert (world.record(record.course_id, 6), record.removed_at) == (record, None)
    assert record not in world.former_records


def test_what_never_ended_cannot_be_revived() -> None:
    """Nor can the enrolment of somebody who is not there."""
    world = World()
    course = world.create_course("Compilers").id
    with pytest.raises(NotFoundError):
        world.revive(course, 6)
    with pytest.raises(NotFoundError):
        world.revive(course, 4711)
