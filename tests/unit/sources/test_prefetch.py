"""Fetching ahead on threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from sources.unified_lms.prefetch import interleave


def count(name: str, length: int) -> Iterator[tuple[str, int]]:
    """A task that gives numbered items."""
    yield from ((name, number) for number in range(length))


def test_every_item_arrives_once_and_in_its_tasks_order() -> None:
    """Nothing is lost or doubled between the threads, and a task's items keep their order."""
    items = list(interleave([count(name, 20) for name in "abcde"], workers=3, ahead=2))
    assert len(items) == 100
    for name in "abcde":
        assert [number for task, number in items if task == name] == list(range(20))


def test_no_tasks_give_no_items() -> None:
    """An empty fan-out ends at once."""
    assert list(interleave([], workers=2, ahead=1)) == []


def test_error_in_a_task_reaches_the_consumer() -> None:
    """What goes wrong on a thread is raised where the items are used."""

    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(interleave([broken()], workers=2, ahead=1))


def test_error_in_the_list_of_tasks_reaches_the_consumer() -> None:
    """The list of tasks may itself fetch, and fail."""

    def tasks() -> Iterator[list[int]]:
        yield [1]
        raise ValueError("no more parents")

    with pytest.raises(ValueError, match="no more parents"):
        list(interleave(tasks(), workers=2, ahead=1))


def test_closing_ends_the_threads() -> None:
    """A consumer that stops early leaves no thread behind."""

    def endless() -> Iterator[int]:
        number = 0
        while True:
            yield (number := number + 1)

    before = threading.active_count()
    items = interleave([endless(), endless()], workers=2, ahead=1)
    assert next(items) == 1
    items.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_tasks_are_taken_only_as_workers_get_free() -> None:
    """A fan-out over many parents is not listed ahead of its work."""
    taken: list[int] = []

    def tasks() -> Iterator[list[int]]:
        for number in range(100):
            taken.append(number)
            yield [number]

    items = interleave(tasks(), workers=1, ahead=1)
    next(items)
    items.close()  # type: ignore[attr-defined]
    assert len(taken) < 10
