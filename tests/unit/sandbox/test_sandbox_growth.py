"""A generated world: its size, and that the same seed makes the same world."""

from __future__ import annotations

import tracemalloc
from typing import Any

from sources.unified_lms.sandbox.world import START, World


def _everything(world: World) -> tuple[object, ...]:
    return world.people, world.courses, [world.records_of(person) for person in world.people]


def test_the_same_seed_makes_the_same_world() -> None:
    """Two worlds of one seed agree in every person, course and record."""
    assert _everything(World.generate(7, 60, 15, 3)) == _everything(World.generate(7, 60, 15, 3))


def test_another_seed_makes_another_world() -> None:
    """The seed matters."""
    assert _everything(World.generate(7, 60, 15, 3)) != _everything(World.generate(8, 60, 15, 3))


def test_a_generated_world_has_the_size_asked_for() -> None:
    """People and courses are counted with the core, and everybody new gets the enrolments asked for."""
    world = World.generate(1, 100, 12, 5)
    assert (len(world.people), len(world.courses)) == (100, 12)
    assert {len(world.records_of(person)) for person in world.people if person > 1000} == {5}


def test_a_generated_world_holds_the_core_unchanged() -> None:
    """The awkward people are in every world, with their own records only."""
    core, world = World(), World.generate(1, 100, 12, 5)
    assert {number: world.people[number] for number in core.people} == core.people
    assert all(world.records_of(number) == core.records_of(number) for number in core.people if number != 2)


def test_small_numbers_leave_the_core() -> None:
    """Asking for less than the core gives the core."""
    assert _everything(World.generate(1, 1, 1, 1)) == _everything(World())


def test_nothing_generated_comes_from_the_future() -> None:
    """All instants of a generated world are before it begins."""
    world = World.generate(2, 400, 60, 4)
    people, courses = world.people.values(), world.courses.values()
    records = [record for person in world.people for record in world.records_of(person)]
    changed: list[Any] = [*people, *courses, *records]
    assert max(one.updated_at for one in changed) <= START


def test_ten_thousand_people_can_be_had() -> None:
    """A world of 10,000 people and 50,000 records of theirs is made."""
    world = World.generate(1, 10_000, 100, 5)
    assert sum(len(world.records_of(person)) for person in world.people if person > 1000) == 5 * (10_000 - 26)


def test_people_take_little_memory() -> None:
    """A person with five records takes less than 5 kB."""
    tracemalloc.start()
    world = World.generate(1, 1_000, 50, 5)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak / len(world.people) < 5_000


def test_the_script_plays_in_a_generated_world() -> None:
    """Both steps work at any size, since they are about the core."""
    world = World.generate(1, 200, 20, 4)
    assert (len(world.advance(1)), len(world.advance(2))) == (9, 6)
