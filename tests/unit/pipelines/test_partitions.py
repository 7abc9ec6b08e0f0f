"""How a backfill is divided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipelines.partitions import Partition, ranges, windows
from sources.unified_lms.parents import ParentCache, Range

SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 20, 12, tzinfo=UTC)


def taking(partitions: list[Partition], parent: str) -> list[int]:
    """The parts that a parent is read in."""
    selections = [(part.number, part.selection(ParentCache())) for part in partitions]
    return [number for number, selection in selections if selection.takes(parent)]


def test_windows_meet_without_gap_or_overlap() -> None:
    """Each window ends where the next one begins; the last one is shorter."""
    bounds = [(part.lower, part.upper) for part in windows(SINCE, UNTIL, timedelta(days=7))]
    assert bounds == [
        ("2026-01-01T00:00:00+00:00", "2026-01-08T00:00:00+00:00"),
        ("2026-01-08T00:00:00+00:00", "2026-01-15T00:00:00+00:00"),
        ("2026-01-15T00:00:00+00:00", "2026-01-20T12:00:00+00:00"),
    ]


def test_window_is_read_between_its_bounds() -> None:
    """The bounds go from the ledger's text to what is asked of the provider."""
    selection = windows(SINCE, UNTIL, timedelta(days=365))[0].selection(ParentCache())
    assert (selection.since, selection.until) == (SINCE, UNTIL)


@pytest.mark.parametrize(("parents", "parts"), [(0, 1), (1, 1), (3, 1), (4, 2), (6, 2), (7, 3)])
def test_every_parent_is_in_one_range(parents: int, parts: int) -> None:
    """At most three parents to a range, each in exactly one."""
    names = [f"p{number:02}" for number in range(parents)]
    found = ranges(names, 3)
    assert len(found) == parts
    assert all(len(taking(found, name)) == 1 for name in names)
    assert all(sum(number in taking(found, name) for name in names) <= 3 for number in range(1, parts + 1))


def test_parent_that_is_added_later_is_in_one_range_too() -> None:
    """Whatever its id: before the first, between two, or after the last."""
    found = ranges(["b", "d", "f", "h"], 2)
    assert [taking(found, parent) for parent in ("a", "c", "e", "z")] == [[1], [1], [2], [2]]


def test_range_is_open_below_and_closed_above() -> None:
    """A parent on the bound between two ranges is in the first of them."""
    assert "m" in Range(None, "m")
    assert "m" not in Range("m", None)
